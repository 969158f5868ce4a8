"""Exports of Ghost (Settings → Export): posts with their authors and tags, out of one JSON document. Pure.

Pages are no articles. Never takes for public what is a draft, for members alone, or was sent by e-mail only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import BinaryIO

import orjson

from app.importers import boundary, dates
from app.importers.document import Body, Context, Document, Failure, Image, Item, Remark, SourceDate
from app.importers.formats.exports import ghost_bodies
from app.importers.formats.exports.publication import State, held, read_state
from app.importers.formats.wordpress.posts import language, words
from app.importers.records import values
from app.importers.records.article_head import repeats, settle
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import clean
from app.importers.text_parts.prose import first_words

MAX_FILE = 256 * 1024 * 1024
ORIGIN = "ghost"
"""Posts have identifiers that are unique in the world."""
HOME = "__GHOST_URL__"
NOTE_HOME = "addresses on the site itself are not known: give them with --base-url"
_MILLISECONDS = 10_000_000_000
"""More seconds than until the year 2286."""
_KEPT = ("featured", "custom_template", "codeinjection_head", "codeinjection_foot", "newsletter_id", "locale")

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Site:
    """What the posts refer to, by their ids."""

    name: str | None
    language: str | None
    authors: Mapping[str, str]
    tags: Mapping[str, Row]
    authors_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meta: Mapping[str, Row] = field(default_factory=dict)


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    """The posts, each `where#number`, then a Remark for each kind of what was left out."""
    data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        yield Failure(where, f"an export of more than {MAX_FILE >> 20} MB")
        return
    try:
        tables = _tables(orjson.loads(clean.decode(data)[0]))
    except ValueError as error:
        yield Failure(where, f"not valid JSON: {error}")
        return
    posts = _rows(tables, "posts")
    if not posts:
        yield Remark(where, "an export without posts")
        return
    site = _site(tables)
    left: Counter[str] = Counter()
    for number, post in enumerate(posts, 1):
        if post.get("type") == "page" or post.get("page") in (1, True):
            left["pages"] += 1
        else:
            place = f"{where}#{number}"
            yield boundary.attempt("read", place, _read, post, site, place, context)
    for kind, count in left.items():
        yield Remark(where, f"left out: {count} {kind}")


def _tables(value: object) -> Row:
    """The tables of the export, which stand in `db[0].data`, or in `data` in the oldest."""
    export = values.mapping(value) or {}
    first = next((values.mapping(one) for one in values.items(export.get("db"))), None)
    return values.mapping((first or export).get("data")) or {}


def _rows(tables: Row, name: str) -> list[Row]:
    found = tables.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _id(value: object) -> str:
    return values.text(value) or ""


def _site(tables: Row) -> _Site:
    settings = {str(row.get("key")): row.get("value") for row in _rows(tables, "settings")}
    return _Site(
        name=values.text(settings.get("title")),
        language=language(
            values.text(settings.get("locale") or settings.get("default_locale") or settings.get("lang"))
        ),
        authors={_id(row.get("id")): name for row in _rows(tables, "users") if (name := values.text(row.get("name")))},
        tags={_id(row.get("id")): row for row in _rows(tables, "tags")},
        authors_of=_links(tables, "posts_authors", "author_id"),
        tags_of=_links(tables, "posts_tags", "tag_id"),
        meta={_id(row.get("post_id")): row for row in _rows(tables, "posts_meta")},
    )


def _links(tables: Row, name: str, target: str) -> Mapping[str, Sequence[str]]:
    """The ids that posts are linked to, in the order of the site."""
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in _rows(tables, name):
        place = row.get("sort_order")
        found[_id(row.get("post_id"))].append((place if isinstance(place, int | float) else 0, _id(row.get(target))))
    return {post: [id for _, id in sorted(rows, key=lambda row: row[0])] for post, rows in found.items()}


def _read(given: Row, site: _Site, where: str, context: Context) -> Document | Failure:
    notes: dict[str, None] = {}
    try:
        scrubbed = clean.scrub_value(dict(given), notes.setdefault)
    except ValueError as error:
        return Failure(where, str(error))
    post = values.mapping(scrubbed) or {}
    meta = site.meta.get(_id(post.get("id")), {})
    home = (context.base_url or "").rstrip("/")
    title, body = values.text(post.get("title")), _body(post, home, notes)
    if title is None and body is None:
        return Failure(where, "neither a title nor a text")
    state, slug = _state(post, meta, context), values.text(post.get("slug"))
    locale = dates.within(context.locale, site.language, home or context.address)
    fields = DateFields(context, notes.setdefault, locale, UTC)
    tags, internal = _tags(post, site)
    document = Document(
        where=where,
        external_id=values.text(post.get("uuid")) or values.text(post.get("id")),
        origin=ORIGIN,
        url=f"{home}/{slug}/" if home and slug else None,
        slug=slug,
        title=title or first_words(words(body.content) if body else where),
        title_derived=title is None,
        body=body,
        authors=_authors(post, site),
        tags=tags,
        language=language(values.text(post.get("locale"))) or site.language,
        source=site.name,
        source_url=home or None,
        images=_images(post, meta, home, notes),
        published=state.at or _date(post, "published_at", fields, is_awaited=state.status == "scheduled"),
        updated=_date(post, "updated_at", fields),
        status=state.status,
        marker=state.marker,
        canonical_url=values.text(post.get("canonical_url")),
        extra=_extra(post, meta, internal) | fields.unread,
        notes=(*notes, *state.notes),
    )
    return settle(_with_standfirst(document, values.text(post.get("custom_excerpt"))))


def _with_standfirst(document: Document, said: str | None) -> Document:
    return replace(document, standfirst=said) if said and not repeats(said, document) else document


def _state(post: Row, meta: Row, context: Context) -> State:
    if (values.text(post.get("status")) or "").lower() == "sent" or _is_true(meta.get("email_only")):
        return held("sent by e-mail only")
    return read_state(post, context, required=("status",))


def _is_true(value: object) -> bool:
    return value in (True, 1, "1", "true")


def _body(post: Row, home: str, notes: dict[str, None]) -> Body | None:
    """The HTML that the site showed; where it was never rendered, what the editor kept."""
    content = post.get("html")
    if not isinstance(content, str) or not content.strip():
        content = ghost_bodies.from_lexical(post.get("lexical"), notes.setdefault)
    if not content.strip():
        content = ghost_bodies.from_mobiledoc(post.get("mobiledoc"), notes.setdefault)
    if not content.strip() and isinstance(text := post.get("markdown") or post.get("plaintext"), str) and text.strip():
        return Body("markdown" if post.get("markdown") else "text", text)
    return Body("html", _addressed(content, home, notes)) if content.strip() else None


def _addressed(text: str, home: str, notes: dict[str, None]) -> str:
    if HOME in text:
        if not home:
            notes.setdefault(NOTE_HOME)
        text = text.replace(HOME, home)
    return text


def _authors(post: Row, site: _Site) -> tuple[str, ...]:
    ids = site.authors_of.get(_id(post.get("id"))) or [_id(post.get("author_id"))]
    return tuple(dict.fromkeys(site.authors[id] for id in ids if id in site.authors))


def _tags(post: Row, site: _Site) -> tuple[tuple[str, ...], list[str]]:
    """Tags that readers see, and those that only the site's editors do."""
    rows = [site.tags[id] for id in site.tags_of.get(_id(post.get("id")), ()) if id in site.tags]
    named = [(name, row) for row in rows if (name := values.text(row.get("name")))]
    internal = [name for name, row in named if row.get("visibility") == "internal" or name.startswith("#")]
    return tuple(dict.fromkeys(name for name, _ in named if name not in internal)), internal


def _images(post: Row, meta: Row, home: str, notes: dict[str, None]) -> tuple[Image, ...]:
    url = values.text(post.get("feature_image") or post.get("image"))
    if url is None:
        return ()
    url = _addressed(url, home, notes)
    if not url.startswith(("http://", "https://")):
        url = f"{home}/{url.lstrip('/')}" if home else ""
    alt, caption = (
        values.text(meta.get(name) or post.get(name)) for name in ("feature_image_alt", "feature_image_caption")
    )
    if not url:
        notes.setdefault(NOTE_HOME)
        return ()
    return (Image(url, alt, words(caption) or None if caption else None),)


def _date(post: Row, name: str, fields: DateFields, *, is_awaited: bool = False) -> SourceDate | None:
    """Ghost keeps times in UTC, with a zone or without; early versions wrote milliseconds."""
    value = post.get(name)
    try:
        if isinstance(value, int | float) and abs(value) > _MILLISECONDS:
            return dates.from_epoch(value, 1000)
    except ValueError:
        pass  # told below, as of any other
    return fields.read(name, value, is_awaited=is_awaited)


def _extra(post: Row, meta: Row, internal: list[str]) -> dict[str, object]:
    seo = {
        name: said
        for name in ("title", "description")
        if (said := values.text(meta.get(f"meta_{name}") or post.get(f"meta_{name}")))
    }
    found: dict[str, object] = {name: post[name] for name in _KEPT if post.get(name)}
    if internal:
        found["internal_tags"] = internal
    if (audience := values.text(post.get("visibility"))) not in (None, "public"):
        found["visibility"] = audience
    return found | ({"seo": seo} if seo else {})
