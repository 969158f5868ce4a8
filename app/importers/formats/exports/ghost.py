"""Exports of Ghost (Settings → Export): posts with their authors and tags, out of one JSON document. Pure.

Pages are no articles. Never takes for public what is a draft, for members alone, or was sent by e-mail only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import BinaryIO

import orjson

from app.importers import boundary, dates
from app.importers.document import (
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    Item,
    ParseContext,
    Remark,
    SourceDate,
)
from app.importers.formats.exports import ghost_bodies
from app.importers.formats.exports.publication import PublicationState, make_held, read_state
from app.importers.formats.wordpress.posts import read_language, strip_markup
from app.importers.records import gated_passages, values
from app.importers.records.article_head import add_standfirst, extract_head
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import clean
from app.importers.text_parts.prose import cut_title

MAX_FILE = 256 * 1024 * 1024
ORIGIN = "ghost"
"""Posts have identifiers that are unique in the world."""
# Ghost writes this for the site's own address, so that an export can be moved to another one.
HOME = "__GHOST_URL__"
NOTE_HOME = "addresses on the site itself are not known: give them with --base-url"
_MILLISECONDS = 10_000_000_000
"""More seconds than until the year 2286."""
_KEPT = ("featured", "custom_template", "codeinjection_head", "codeinjection_foot", "newsletter_id", "locale")

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _GhostSite:
    """What the posts refer to, by their ids."""

    name: str | None
    language: str | None
    authors: Mapping[str, str]
    tags: Mapping[str, Row]
    authors_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    meta: Mapping[str, Row] = field(default_factory=dict)


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """The posts, each `where#number`, then a Remark for each kind of what was left out."""
    data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        yield Failure(where, f"an export of more than {MAX_FILE >> 20} MB")
        return
    try:
        tables = _find_tables(orjson.loads(clean.decode(data)[0]))
    except ValueError as error:
        yield Failure(where, f"not valid JSON: {error}")
        return
    posts = _list_rows(tables, "posts")
    if not posts:
        yield Remark(where, "an export without posts")
        return
    site = _read_site(tables)
    left_out: Counter[str] = Counter()
    for number, post in enumerate(posts, 1):
        if post.get("type") == "page" or post.get("page") in (1, True):
            left_out["pages"] += 1
        else:
            item_name = f"{where}#{number}"
            yield boundary.attempt("read", item_name, _read_post, post, site, item_name, context)
    for kind, count in left_out.items():
        yield Remark(where, f"left out: {count} {kind}")


def _find_tables(value: object) -> Row:
    """The tables of the export, which stand in `db[0].data`, or in `data` in the oldest."""
    export = values.read_mapping(value) or {}
    first = next((values.read_mapping(one) for one in values.list_items(export.get("db"))), None)
    return values.read_mapping((first or export).get("data")) or {}


def _list_rows(tables: Row, name: str) -> list[Row]:
    rows = tables.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _read_id(value: object) -> str:
    return values.read_text(value) or ""


def _read_site(tables: Row) -> _GhostSite:
    settings = {str(row.get("key")): row.get("value") for row in _list_rows(tables, "settings")}
    return _GhostSite(
        name=values.read_text(settings.get("title")),
        language=read_language(
            values.read_text(settings.get("locale") or settings.get("default_locale") or settings.get("lang"))
        ),
        authors={
            _read_id(row.get("id")): name
            for row in _list_rows(tables, "users")
            if (name := values.read_text(row.get("name")))
        },
        tags={_read_id(row.get("id")): row for row in _list_rows(tables, "tags")},
        authors_of=_read_links(tables, "posts_authors", "author_id"),
        tags_of=_read_links(tables, "posts_tags", "tag_id"),
        meta={_read_id(row.get("post_id")): row for row in _list_rows(tables, "posts_meta")},
    )


def _read_links(tables: Row, name: str, target: str) -> Mapping[str, Sequence[str]]:
    """The ids that posts are linked to, in the order of the site."""
    linked: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in _list_rows(tables, name):
        sort_order = row.get("sort_order")
        linked[_read_id(row.get("post_id"))].append(
            (sort_order if isinstance(sort_order, int | float) else 0, _read_id(row.get(target)))
        )
    return {post: [id for _, id in sorted(rows, key=lambda row: row[0])] for post, rows in linked.items()}


def _read_post(row: Row, site: _GhostSite, where: str, context: ParseContext) -> Document | Failure:
    notes: dict[str, None] = {}
    try:
        scrubbed = clean.scrub_value(dict(row), notes.setdefault)
    except ValueError as error:
        return Failure(where, str(error))
    post = values.read_mapping(scrubbed) or {}
    meta = site.meta.get(_read_id(post.get("id")), {})
    home = (context.base_url or "").rstrip("/")
    title, body = values.read_text(post.get("title")), _read_body(post, home, notes)
    if title is None and body is None:
        return Failure(where, "neither a title nor a text")
    state, slug = _read_state(post, meta, context), values.read_text(post.get("slug"))
    locale = dates.narrow_locale(context.locale, site.language, home or context.address)
    fields = DateFields(context, notes.setdefault, locale, UTC)
    tags, internal = _list_tags(post, site)
    document = Document(
        where=where,
        external_id=values.read_text(post.get("uuid")) or values.read_text(post.get("id")),
        origin=ORIGIN,
        url=f"{home}/{slug}/" if home and slug else None,
        slug=slug,
        title=title or cut_title(strip_markup(body.content) if body else where),
        title_derived=title is None,
        body=body,
        authors=_list_authors(post, site),
        tags=tags,
        language=read_language(values.read_text(post.get("locale"))) or site.language,
        source=site.name,
        source_url=home or None,
        images=_list_images(post, meta, home, notes),
        published=state.at or _read_date(post, "published_at", fields, is_awaited=state.status == "scheduled"),
        updated=_read_date(post, "updated_at", fields),
        status=state.status,
        canonical_url=values.read_text(post.get("canonical_url")),
        extra=_list_extra(post, meta, internal) | fields.unread,
        notes=(*notes, *state.notes),
    )
    document = gated_passages.hold(document, gated_passages.find_gated_card(post.get("lexical")))
    return extract_head(add_standfirst(document, values.read_text(post.get("custom_excerpt"))))


def _read_state(post: Row, meta: Row, context: ParseContext) -> PublicationState:
    is_sent = (values.read_text(post.get("status")) or "").lower() == "sent"
    if is_sent or meta.get("email_only") in (True, 1, "1", "true"):
        return make_held("sent by e-mail only")
    return read_state(post, context, required=("status",))


def _read_body(post: Row, home: str, notes: dict[str, None]) -> DocumentBody | None:
    """The HTML that the site showed; where it was never rendered, what the editor kept."""
    content = post.get("html")
    if not isinstance(content, str) or not content.strip():
        content = ghost_bodies.convert_lexical(post.get("lexical"), notes.setdefault)
    if not content.strip():
        content = ghost_bodies.convert_mobiledoc(post.get("mobiledoc"), notes.setdefault)
    if not content.strip() and isinstance(text := post.get("markdown") or post.get("plaintext"), str) and text.strip():
        return DocumentBody("markdown" if post.get("markdown") else "text", text)
    return DocumentBody("html", _resolve_home(content, home, notes)) if content.strip() else None


def _resolve_home(text: str, home: str, notes: dict[str, None]) -> str:
    if HOME in text:
        if not home:
            notes.setdefault(NOTE_HOME)
        text = text.replace(HOME, home)
    return text


def _list_authors(post: Row, site: _GhostSite) -> tuple[str, ...]:
    ids = site.authors_of.get(_read_id(post.get("id"))) or [_read_id(post.get("author_id"))]
    return tuple(dict.fromkeys(site.authors[id] for id in ids if id in site.authors))


def _list_tags(post: Row, site: _GhostSite) -> tuple[tuple[str, ...], list[str]]:
    """Tags that readers see, and those that only the site's editors do."""
    rows = [site.tags[id] for id in site.tags_of.get(_read_id(post.get("id")), ()) if id in site.tags]
    named_rows = [(name, row) for row in rows if (name := values.read_text(row.get("name")))]
    internal = [name for name, row in named_rows if row.get("visibility") == "internal" or name.startswith("#")]
    return tuple(dict.fromkeys(name for name, _ in named_rows if name not in internal)), internal


def _list_images(post: Row, meta: Row, home: str, notes: dict[str, None]) -> tuple[DocumentImage, ...]:
    url = values.read_text(post.get("feature_image") or post.get("image"))
    if url is None:
        return ()
    url = _resolve_home(url, home, notes)
    if not url.startswith(("http://", "https://")):
        url = f"{home}/{url.lstrip('/')}" if home else ""
    alt, caption = (
        values.read_text(meta.get(name) or post.get(name)) for name in ("feature_image_alt", "feature_image_caption")
    )
    if not url:
        notes.setdefault(NOTE_HOME)
        return ()
    return (DocumentImage(url, alt, strip_markup(caption) or None if caption else None),)


def _read_date(post: Row, name: str, fields: DateFields, *, is_awaited: bool = False) -> SourceDate | None:
    """Ghost keeps times in UTC, with a zone or without; early versions wrote milliseconds."""
    value = post.get(name)
    try:
        if isinstance(value, int | float) and abs(value) > _MILLISECONDS:
            return dates.parse_epoch(value, 1000)
    except ValueError:
        pass  # told below, as of any other
    return fields.read(name, value, is_awaited=is_awaited)


def _list_extra(post: Row, meta: Row, internal: list[str]) -> dict[str, object]:
    seo = {
        name: meta_text
        for name in ("title", "description")
        if (meta_text := values.read_text(meta.get(f"meta_{name}") or post.get(f"meta_{name}")))
    }
    extra: dict[str, object] = {name: post[name] for name in _KEPT if post.get(name)}
    if internal:
        extra["internal_tags"] = internal
    if (audience := values.read_text(post.get("visibility"))) not in (None, "public"):
        extra["visibility"] = audience
    return extra | ({"seo": seo} if seo else {})
