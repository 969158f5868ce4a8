"""Posts of WordPress made into documents: what an export and the REST API have in common. Pure; never asks a site."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from urllib.parse import unquote, urlsplit

from app.articles.html import bodies
from app.importers import dates
from app.importers.document import Document, DocumentBody, DocumentImage, Failure, ParseContext, SourceDate
from app.importers.records import gated_passages, visibility
from app.importers.records.article_head import extract_head, is_repetition
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.prose import cut_title

NOTE_FLOATING = "no time zone given, read as {}"
_DEFAULTS = frozenset(
    {"uncategorized", "uncategorised", "non-classe", "sin-categoria", "senza-categoria", "sem-categoria"}
)
"""Slugs of the category that WordPress gives to what was put into none; one that was renamed is kept."""
_CUT = re.compile(
    r"(?<!\s)\s*+(?:\[?(?:…|\.\.\.)\]?|(?:continue reading|read more|weiterlesen|lire la suite|leer más)\b.*+)\s*+$",
    re.I,
)
_NO_DATE = ("0000", "-")
_DAY = 86_400
_STATES = {"private": "it is private", "pending": "it waits for review"}


@dataclass(frozen=True, slots=True)
class WordPressBlog:
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
class WordPressCategory:
    """A category of a post; `depth` is how many stand above it."""

    name: str
    slug: str = ""
    depth: int = 0
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class WordPressPost:
    """A post as its site keeps it. Title, body and excerpt are HTML; dates are as written, `0000-…` for none.

    `pub_date` is that of a feed's entry, which an export has beside the others. `previous_urls` are other
    addresses that lead to it; `seo` has `title` and `description`. `gate` is the mark of a passage in it that is not
    for every reader.
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
    categories: tuple[WordPressCategory, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[DocumentImage, ...] = ()
    previous_slugs: tuple[str, ...] = ()
    previous_urls: tuple[str, ...] = ()
    canonical_url: str | None = None
    seo: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    gate: str | None = None


def build_document(
    post: WordPressPost, blog: WordPressBlog, where: str, context: ParseContext, notes: tuple[str, ...] = ()
) -> Document | Failure:
    """The post as a document; dateline and related posts are taken out of its text."""
    note_set = dict.fromkeys(notes)
    title = strip_markup(post.title) or None
    if title is None and not post.body.strip():
        return Failure(where, "neither a title nor a text")
    published = _read_published(post, blog, context, note_set)
    result = Document(
        where=where,
        external_id=post.id or None,
        origin=blog.origin,
        url=post.link,
        slug=unquote(post.slug) if post.slug else None,
        title=title or cut_title(strip_markup(post.body[:20_000])),
        title_derived=title is None,
        body=DocumentBody("html", post.body) if post.body.strip() else None,
        authors=tuple(dict.fromkeys(post.authors)),
        tags=tuple(dict.fromkeys(post.tags)),
        sections=_list_sections(post.categories),
        language=read_language(post.language or blog.language),
        source=blog.name,
        source_url=blog.url,
        images=post.images,
        published=published,
        updated=_read_updated(post, published),
        status=_read_status(post, note_set),
        previous_slugs=tuple(dict.fromkeys(unquote(slug) for slug in post.previous_slugs)),
        previous_urls=tuple(url for url in dict.fromkeys(post.previous_urls) if url != post.link),
        canonical_url=post.canonical_url if post.canonical_url != post.link else None,
        extra={**post.extra, **({"seo": dict(post.seo)} if post.seo else {})},
        notes=tuple(note_set),
    )
    result = gated_passages.hold(result, post.gate)
    return extract_head(replace(result, standfirst=_choose_standfirst(post.excerpt, result)))


def strip_markup(markup: str) -> str:
    """The words of a piece of HTML, on one line."""
    if "<" in markup:
        root = html_trees.parse_fragment(markup)
        return clean.join_lines(root.text(separator="")) if root else ""
    return clean.join_lines(html.unescape(markup))


def separate_paragraphs(markup: str) -> str:
    """The words of HTML that may have several paragraphs, those of different ones apart."""
    return clean.join_lines(bodies.to_text(bodies.to_html("html", markup))) if "<" in markup else strip_markup(markup)


def read_language(code: str | None) -> str | None:
    """`en` of `en-US`: a site's setting names a country for its dates and numbers, which says nothing of texts."""
    return re.split(r"[-_]", code.strip())[0].lower() or None if code else None


def _choose_standfirst(excerpt: str, document: Document) -> str | None:
    """What an editor wrote; nothing where WordPress cut it from the text itself."""
    text = _CUT.sub("", separate_paragraphs(excerpt))
    return text if text and not is_repetition(text, document) else None


def _list_sections(categories: tuple[WordPressCategory, ...]) -> tuple[str, ...]:
    """All of them: the one that the editors call the main one first, then those that say most exactly where."""
    categories_kept = [one for one in categories if one.slug not in _DEFAULTS and one.name.lower() not in _DEFAULTS]
    return tuple(
        dict.fromkeys(one.name for one in sorted(categories_kept, key=lambda one: (not one.is_primary, -one.depth)))
    )


def _read_status(post: WordPressPost, notes: dict[str, None]) -> str:
    if post.has_password:
        notes.setdefault("behind a password there: kept as a draft")
        return "draft"
    if post.status in _STATES:
        notes.setdefault(f"{_STATES[post.status]} there: kept as a draft")
        return "draft"
    if note := visibility.read_word("status", post.status).note:
        notes.setdefault(note)
    return post.status


def _read_published(
    post: WordPressPost, blog: WordPressBlog, context: ParseContext, notes: dict[str, None]
) -> SourceDate | None:
    """The instant in UTC; without one the date of the feed's entry, which has an offset; of a post that has neither (a
    draft) the site's own clock, read in the import's zone."""
    local = _parse_date(post.date, context, blog, notes)
    try:
        if post.date_gmt and not post.date_gmt.startswith(_NO_DATE):
            return _parse_utc(post.date_gmt)
    except ValueError as error:
        notes.setdefault(f"date {post.date_gmt!r} is no date: {error}")
    if local is None:
        return None
    fed = _parse_date(post.pub_date, context, blog, {})
    # Of a post that has no time in UTC some versions write the beginning of time there.
    if fed and not fed.floating and abs(fed.date.instant - local.date.instant) <= _DAY:
        return fed.date
    if local.floating:
        notes.setdefault(NOTE_FLOATING.format(context.timezone))
    return local.date


def _parse_date(
    text: str | None, context: ParseContext, blog: WordPressBlog, notes: dict[str, None]
) -> dates.ParsedDate | None:
    if not text or text.startswith(_NO_DATE):
        return None
    try:
        return dates.parse_date(text, context.timezone, dates.narrow_locale(context.locale, blog.language, blog.url))
    except ValueError as error:
        notes.setdefault(f"date {text!r} is no date: {error}")
        return None


def _parse_utc(gmt: str) -> SourceDate:
    return dates.read_date(gmt.replace(" ", "T") + ("" if gmt.endswith("Z") else "Z"), UTC)


def _read_updated(post: WordPressPost, published: SourceDate | None) -> SourceDate | None:
    """The last change; none where it lies before the publication, as of what was scheduled."""
    try:
        gmt = post.modified_gmt
        changed = _parse_utc(gmt) if gmt and not gmt.startswith(_NO_DATE) else None
    except ValueError:
        return None
    return changed if changed and not (published and changed.instant < published.instant) else None
