"""Posts of WordPress made into documents: what an export and the REST API have in common. Pure; never asks a site."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from urllib.parse import unquote, urlsplit

from app.articles.html import bodies
from app.importers import dates
from app.importers.document import Body, Context, Document, Failure, Image, SourceDate
from app.importers.records import visibility
from app.importers.records.article_head import repeats, settle
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.prose import first_words

NOTE_FLOATING = "no time zone given, read as {}"
_DEFAULTS = frozenset(
    {"uncategorized", "uncategorised", "non-classe", "sin-categoria", "senza-categoria", "sem-categoria"}
)
"""Slugs of the category that WordPress gives to what was put into none; one that was renamed is kept."""
_CUT = re.compile(
    r"\s*(?:\[?(?:…|\.\.\.)\]?|(?:continue reading|read more|weiterlesen|lire la suite|leer más)\b.*)\s*$", re.I
)
_NO_DATE = ("0000", "-")
_DAY = 86_400
_STATES = {"private": "it is private", "pending": "it waits for review"}


@dataclass(frozen=True, slots=True)
class Blog:
    """The site: its name, its address, and the language of what is said to be in none."""

    name: str | None = None
    url: str | None = None
    language: str | None = None

    @property
    def origin(self) -> str | None:
        """The host, with the folder where a site lives in one: ids count from 1 in each of a host's sites."""
        if not self.url:
            return None
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return None
        return (parts.hostname or "") + parts.path.rstrip("/") or None


@dataclass(frozen=True, slots=True)
class Category:
    """A category of a post; `depth` is how many stand above it."""

    name: str
    slug: str = ""
    depth: int = 0
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A post as its site keeps it. Title, body and excerpt are HTML; dates are as written, `0000-…` for none.

    `pub_date` is that of a feed's entry, which an export has beside the others. `previous_urls` are other
    addresses that lead to it; `seo` has `title` and `description`.
    """

    id: str
    link: str | None = None
    slug: str | None = None
    status: str = "publish"
    title: str = ""
    body: str = ""
    excerpt: str = ""
    date: str | None = None
    date_gmt: str | None = None
    pub_date: str | None = None
    modified_gmt: str | None = None
    has_password: bool = False
    language: str | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    previous_slugs: tuple[str, ...] = ()
    previous_urls: tuple[str, ...] = ()
    canonical_url: str | None = None
    seo: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


def document(post: Post, blog: Blog, where: str, context: Context, notes: tuple[str, ...] = ()) -> Document | Failure:
    """The post as a document; dateline and related posts are taken out of its text."""
    said = dict.fromkeys(notes)
    title = words(post.title) or None
    if title is None and not post.body.strip():
        return Failure(where, "neither a title nor a text")
    published = _date(post, blog, context, said)
    found = Document(
        where=where,
        external_id=post.id or None,
        origin=blog.origin,
        url=post.link,
        slug=unquote(post.slug) if post.slug else None,
        title=title or first_words(words(post.body[:20_000])),
        title_derived=title is None,
        body=Body("html", post.body) if post.body.strip() else None,
        authors=tuple(dict.fromkeys(post.authors)),
        tags=tuple(dict.fromkeys(post.tags)),
        sections=_sections(post.categories),
        language=language(post.language or blog.language),
        source=blog.name,
        source_url=blog.url,
        images=post.images,
        published=published,
        updated=_updated(post, published),
        status=_status(post, said),
        previous_slugs=tuple(dict.fromkeys(unquote(slug) for slug in post.previous_slugs)),
        previous_urls=tuple(url for url in dict.fromkeys(post.previous_urls) if url != post.link),
        canonical_url=post.canonical_url if post.canonical_url != post.link else None,
        extra={**post.extra, **({"seo": dict(post.seo)} if post.seo else {})},
        notes=tuple(said),
    )
    return settle(replace(found, standfirst=_standfirst(post.excerpt, found)))


def words(markup: str) -> str:
    """The words of a piece of HTML, on one line."""
    if "<" in markup:
        root = html_trees.body_of(markup)
        return clean.line(root.text(separator="")) if root else ""
    return clean.line(html.unescape(markup))


def apart(markup: str) -> str:
    """The words of HTML that may have several paragraphs, those of different ones apart."""
    return clean.line(bodies.to_text(bodies.to_html("html", markup))) if "<" in markup else words(markup)


def language(code: str | None) -> str | None:
    """`en` of `en-US`: a site's setting names a country for its dates and numbers, which says nothing of texts."""
    return re.split(r"[-_]", code.strip())[0].lower() or None if code else None


def _standfirst(excerpt: str, found: Document) -> str | None:
    """What an editor wrote; nothing where WordPress cut it from the text itself."""
    said = _CUT.sub("", apart(excerpt))
    return said if said and not repeats(said, found) else None


def _sections(categories: tuple[Category, ...]) -> tuple[str, ...]:
    """All of them: the one that the editors call the main one first, then those that say most exactly where."""
    wanted = [one for one in categories if one.slug not in _DEFAULTS and one.name.lower() not in _DEFAULTS]
    return tuple(dict.fromkeys(one.name for one in sorted(wanted, key=lambda one: (not one.is_primary, -one.depth))))


def _status(post: Post, notes: dict[str, None]) -> str:
    if post.has_password:
        notes.setdefault("behind a password there: kept as a draft")
        return "draft"
    if post.status in _STATES:
        notes.setdefault(f"{_STATES[post.status]} there: kept as a draft")
        return "draft"
    if note := visibility.of_word("status", post.status).note:
        notes.setdefault(note)
    return post.status


def _date(post: Post, blog: Blog, context: Context, notes: dict[str, None]) -> SourceDate | None:
    """The instant in UTC; without one the date of the feed's entry, which has an offset; of a post that has neither (a
    draft) the site's own clock, read in the import's zone."""
    local = _read(post.date, context, blog, notes)
    try:
        if post.date_gmt and not post.date_gmt.startswith(_NO_DATE):
            return _utc(post.date_gmt)
    except ValueError as error:
        notes.setdefault(f"date {post.date_gmt!r} is no date: {error}")
    if local is None:
        return None
    fed = _read(post.pub_date, context, blog, {})
    # Of a post that has no time in UTC some versions write the beginning of time there.
    if fed and not fed.floating and abs(fed.date.instant - local.date.instant) <= _DAY:
        return fed.date
    if local.floating:
        notes.setdefault(NOTE_FLOATING.format(context.timezone))
    return local.date


def _read(text: str | None, context: Context, blog: Blog, notes: dict[str, None]) -> dates.Reading | None:
    if not text or text.startswith(_NO_DATE):
        return None
    try:
        return dates.read(text, context.timezone, dates.within(context.locale, blog.language, blog.url))
    except ValueError as error:
        notes.setdefault(f"date {text!r} is no date: {error}")
        return None


def _utc(gmt: str) -> SourceDate:
    return dates.read_date(gmt.replace(" ", "T") + ("" if gmt.endswith("Z") else "Z"), UTC)


def _updated(post: Post, published: SourceDate | None) -> SourceDate | None:
    """The last change; none where it lies before the publication, as of what was scheduled."""
    try:
        gmt = post.modified_gmt
        changed = _utc(gmt) if gmt and not gmt.startswith(_NO_DATE) else None
    except ValueError:
        return None
    return changed if changed and not (published and changed.instant < published.instant) else None
