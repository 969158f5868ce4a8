"""From a parsed document to a manuscript: identity, safe HTML, regions looked up, dates filled in. Pure.

What an item *is*: within its origin (given, else the item's own, else its site's host, else its source's name, else the
file's name) its external id, without one its URL, else its file's path, else its content.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC
from urllib.parse import urlsplit

import orjson

from app.articles.html import bodies, nesting_depth
from app.articles.manuscript import ArticleDateline, Manuscript, Original, RelatedEntry, Withdrawal, dateline_span
from app.enrich.suggestion import ABOUT, DATELINE, ROLES, UNKNOWN_LANGUAGE, SuggestedValue
from app.importers import dates
from app.importers.document import Document, NameReference
from app.importers.formats.wordpress import shortcodes
from app.importers.records import aliases, fallback_dates, gated_passages, language_codes, source_hashes, visibility
from app.importers.records.item_urls import drop_unsafe_addresses, is_within
from app.importers.text_parts import html_markup, html_trees
from app.regions.atlas import Atlas
from app.tags.tag_names import KINDS, TagSpec
from app.text import keys
from app.text.urls import safe_or_none

STATES = ("draft", "scheduled", "published", "withdrawn", "trashed")
SENT = "import"
"""The path of what was sent in the body of a request, and the origin of what in it names none."""
NO_TIME = f"scheduled at its source, for no time that it says: {visibility.KEPT}"
NAMELESS = ("-", SENT)
"""Paths that say nothing of what came by them."""


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """A manuscript with the plain text of its body, and what a person should know of it. `spoken` is the language that
    it was found to be in, where its source names none."""

    where: str
    manuscript: Manuscript
    text: str
    notes: tuple[str, ...]
    unknown_fields: tuple[str, ...]
    unknown_regions: tuple[str, ...]
    spoken: SuggestedValue | None = None


def prepare(document: Document, path: str, origin: str | None, atlas: Atlas) -> PreparedItem:
    """`path` is the file's within what was imported; several items of one file are told apart by their content.

    ValueError where something in it cannot be kept: a number of more than 64 bits, lists within lists beyond measure.
    """
    document = gated_passages.hold_gated(document)
    original, (document, dropped) = document, drop_unsafe_addresses(document)
    body, lost = convert_body(document)
    plain = bodies.to_text(body)
    regions, unknown = _find_regions(document, atlas)
    dateline = _make_dateline(document, atlas)
    if dateline is not None and dateline.region is not None:
        regions.append((dateline.region, DATELINE))
    published_at, precision, date_note = _choose_published(document, path)
    own = _read_own_fields(document, origin, unknown)
    status, status_note = _choose_status(document)
    manuscript = replace(
        _copy_fields(document, body, _choose_origin(document, path, origin)),
        word_count=bodies.count_words(plain),
        dateline=dateline,
        regions=tuple(regions),
        seo=_read_seo(own.seo, document.canonical_url),
        extra=_encode_json(own.extra, "{}"),
        corrections=own.corrections,
        original=own.original,
        status=status,
        withdrawal=own.withdrawal,
        published_at=published_at,
        published_precision=precision,
    )
    manuscript = _add_identity(manuscript, original, document, path, origin)
    reported = tuple(
        name for name in document.extra if name not in aliases.OWN_EXTRA and not visibility.is_marker(name)
    )
    strange = (f"region {name!r} is not known here, kept as given" for name in unknown)
    waits_for_nothing = status == "scheduled" and published_at is None and document.body is not None
    date_note = (*date_note, NO_TIME) if waits_for_nothing else date_note
    notes = (*document.notes, *dropped, *lost, *status_note, *date_note, *strange)
    return PreparedItem(document.where, manuscript, plain, notes, reported, unknown)


def _copy_fields(document: Document, body: str, origin: str) -> Manuscript:
    """What an article has of its document as it stands there, with the body as converted."""
    return Manuscript(
        origin=origin,
        identity=None,
        external_id=document.external_id,
        title=document.title or "",
        title_derived=document.title_derived,
        body=body,
        word_count=0,
        language=language_codes.read_code(document.language) or UNKNOWN_LANGUAGE,
        standfirst=document.standfirst,
        tags=_list_tags(document),
        related=tuple(RelatedEntry(one.title, one.url, unlinked=one.unlinked) for one in document.related),
        images=_encode_json(document.images, "[]"),  # a dataclass is written as an object, its fields in their order
        source=document.source,
        source_url=document.url or document.source_url,
        signature=document.signature,
        updated_at=document.updated.instant if document.updated else None,
        slug=document.slug,
        previous_slugs=document.previous_slugs,
        previous_urls=document.previous_urls,
        text_keys=(),
        format=document.format,
        retracts=document.retracts,
        columns=document.columns,
        # An export says what its archive has, also where that is none; a part of one may not name them.
        keeps_regions=document.is_own and (document.stated is None or "regions" in document.stated),
    )


def _add_identity(
    manuscript: Manuscript, original: Document, document: Document, path: str, origin: str | None
) -> Manuscript:
    """With what the next import knows the article by, and sees by what its source has changed of it. `original` is the
    document as its source has it, `document` the same with safe addresses only."""
    # Of the document as its source has it: another judgement of addresses here must not look like an edit there.
    hashes, stated_fields = source_hashes.hash_fields(original, manuscript)
    known_by = original if document.url or is_within(original.url) else document
    known = document.known_article
    return replace(
        manuscript,
        identity=_choose_identity(known_by, path),
        former_identity=_choose_former_identity(known_by, path),
        content_hash=_hash_document(replace(original, external_id=None) if document.identity else original),
        former_hash=_hash_document(original) if document.identity else None,
        # An export says what its articles are known by, and more than one of them may stand at an address.
        page=keys.page_key(document.url) if document.url and not document.is_own else None,
        address=keys.url_key(document.url) if document.url and document.identity in ("guid", "link") else None,
        hashes=hashes,
        said=stated_fields,
        known=replace(known, origin=origin or known.origin) if known else None,
    )


def convert_body(document: Document) -> tuple[str, tuple[str, ...]]:
    """As safe HTML, and what a person should know of that."""
    body, notes = document.body, dict[str, None]()
    if body is None:
        return "", ()
    kind, content = body.kind, body.content
    if kind != "text":
        content = bodies.render(shortcodes.render_captions(content)) if kind == "markdown" else content
        # Before anything reads it as a tree: no parser is linear in the depth of what it reads.
        content = html_trees.flatten(content, notes.setdefault)
        base = document.base or document.url or document.source_url
        kind, content = "html", html_markup.convert_markup(content, base, notes.setdefault, is_own=document.is_own)
    converted = bodies.convert(kind, content, flatten=True)
    if converted.is_flattened:
        notes.setdefault(nesting_depth.FLATTENED)
    for what in converted.removed:
        if bodies.is_content(what):
            notes.setdefault(f"removed from the body: {what[:80]}")
    return converted.html, tuple(notes)


@dataclass(frozen=True, slots=True)
class _OwnFields:
    """What our own export brings beyond what others do, and what is left of `extra` without it."""

    seo: object
    corrections: str | None
    withdrawal: Withdrawal | None
    original: Original | None
    extra: Mapping[str, object]


def _read_own_fields(document: Document, origin: str | None, unknown: Sequence[str]) -> _OwnFields:
    """Each where it is as our export has it; anything else stays in `extra`, and regions that nobody knows go there."""
    extra = dict(document.extra)
    if unknown:
        extra["unknown_regions"] = list(unknown)
    seo = extra.pop("seo", None) if isinstance(extra.get("seo"), dict) else None
    corrections, withdrawal = _read_corrections(extra.get("corrections")), _read_withdrawal(extra.get("withdrawn"))
    if corrections is not None:
        del extra["corrections"]
    if withdrawal is not None:
        del extra["withdrawn"]
    original = _read_original(extra.get("original"), origin, document.slug)
    if original is not None:
        extra = {name: value for name, value in extra.items() if name not in ("original", "translation_of")}
    return _OwnFields(seo, corrections, withdrawal, original, extra)


def _read_seo(value: object, canonical_url: str | None) -> str:
    """What our own export brings, and the address that a source calls the right one."""
    seo = value if isinstance(value, dict) else {}
    seo_fields = {name: seo[name] for name in ("title", "description") if isinstance(seo.get(name), str)}
    canonical = safe_or_none(canonical_url or seo.get("canonical_url"))
    return _encode_json(seo_fields | ({"canonical_url": canonical} if canonical else {}), "{}")


def _read_corrections(value: object) -> str | None:
    """What our own export brings, whole; None for anything else, which is kept as it came."""
    if not isinstance(value, list) or not value:
        return None
    corrections = [one for one in value if isinstance(one, dict) and {*one} == {"at", "text", "version"}]
    at = [one for one in corrections if isinstance(one["at"], str) and _utc.fullmatch(one["at"])]
    texts = [one for one in at if isinstance(one["text"], str) and isinstance(one["version"], int | None)]
    return _encode_json(texts, "[]") if len(texts) == len(value) else None


def _read_original(value: object, origin: str | None, own: str | None) -> Original | None:
    """What our own export brings of a translation; None for anything else, which is kept as it came."""
    if not isinstance(value, dict) or {*value} != {"origin", "slug"} or value["slug"] == own:
        return None
    its, slug = value["origin"], value["slug"]
    return Original(origin or its, slug) if isinstance(its, str) and isinstance(slug, str) else None


def _read_withdrawal(value: object) -> Withdrawal | None:
    """What our own export brings of a withdrawn article; None for anything else, which is kept as it came."""
    if not isinstance(value, dict) or {*value} != {"at", "reason"}:
        return None
    at, reason = value["at"], value["reason"]
    if not isinstance(at, str) or not _utc.fullmatch(at) or not isinstance(reason, str | None):
        return None
    return Withdrawal(dates.read_date(at, UTC).instant, reason)


_utc = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

_NO_CONTENT = (
    "where", "notes", "stated", "format", "retracts", "identity", "is_own", "source_date", "is_undated",
    "columns", "known_article", "base", "former_url",
)  # fmt: skip
_CONTENT = tuple(field.name for field in fields(Document) if field.name not in _NO_CONTENT)


def _hash_document(document: Document) -> str:
    """Of everything that the source said, but for where it stood: an inserted line edits no other."""
    based = [document.base] if document.base else []  # what is read as before stays what it was
    content = _encode_bytes([getattr(document, name) for name in _CONTENT] + based)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _encode_json(value: object, empty: str) -> str:
    return _encode_bytes(value).decode() if value else empty


def _encode_bytes(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from error


def _choose_origin(document: Document, path: str, option: str | None) -> str:
    """What was said stays as it was said; only names of outlets and files are made into slugs."""
    host = _read_host(document.url) if document.url else None
    origin_text = option or document.origin or host
    return origin_text or keys.slug(document.source or path.rsplit("/", 1)[-1], "origin")


def _read_host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _choose_identity(document: Document, path: str) -> str:
    if document.external_id and document.identity in (None, "guid"):
        return f"id:{document.external_id}"
    if document.url and document.identity in (None, "link"):
        return f"url:{keys.url_key(document.url)}"
    if document.known_article is not None:
        return document.known_article.identity
    if document.identity is None and path not in NAMELESS and not _is_one_of_many(document):
        return f"path:{path}"
    content = (document.title, document.body.content if document.body else None)
    return f"content:{hashlib.blake2b(repr(content).encode(), digest_size=16).hexdigest()}"


def _choose_former_identity(document: Document, path: str) -> str | None:
    """What versions before 0.2 knew an item by: one whose address has character references, by the address with them; a
    line of an archive's own export without id and address, by its file or its content."""
    if document.url and document.former_url:
        former = _choose_identity(replace(document, url=document.former_url), path)
        return former if former != _choose_identity(document, path) else None
    if document.known_article is None or document.external_id or document.url:
        return None
    return _choose_identity(replace(document, known_article=None), path)


def _is_one_of_many(document: Document) -> bool:
    """Whether its file holds other items too: `where` then ends in a line or a number."""
    tail = document.where.rpartition(":")[2]
    return tail.isdigit() or document.where.rpartition("#")[2].isdigit()


def _find_regions(document: Document, atlas: Atlas) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """Ids with roles, in the order given; and the names that nobody knows."""
    by_name: Mapping[str, NameReference] = {ref.name: ref for ref in document.region_refs}
    links: list[tuple[int, int]] = []
    unknown: list[str] = []
    for name in document.regions:
        ref = by_name.get(name)
        region = (atlas.find(ref.slug) if ref and ref.slug else None) or atlas.find_name(name)
        if region is None:
            unknown.append(name)
            continue
        roles = sum(ROLES[role] for role in set(ref.roles) if role in ROLES) if ref else 0
        links.append((region.id, roles or ABOUT))
    return links, tuple(unknown)


def _make_dateline(document: Document, atlas: Atlas) -> ArticleDateline | None:
    source_dateline = document.dateline
    if source_dateline is None:
        return None
    dateline_region = atlas.find_name(source_dateline.place) if source_dateline.place else None
    start, end = dateline_span(source_dateline.date) or (None, None)
    region = dateline_region.id if dateline_region else None
    return ArticleDateline(
        source_dateline.text, source_dateline.place, region, source_dateline.date, source_dateline.precision, start, end
    )


def _choose_published(document: Document, path: str) -> tuple[int | None, str, tuple[str, ...]]:
    """The source's date, else what stands in for it, with a note; without any the time of the first import is kept."""
    if document.published is not None:
        return document.published.instant, document.published.precision, ()
    if document.is_undated:
        return None, "instant", ()
    own = path not in NAMELESS and document.where.endswith(path) and not _is_one_of_many(document)
    fallback = fallback_dates.find_date(document, path if own else None)
    return (
        (fallback.date.instant, fallback.date.precision, (fallback.note,) * bool(fallback.note))
        if fallback
        else (None, "instant", ())
    )


def _choose_status(document: Document) -> tuple[str | None, tuple[str, ...]]:
    """None leaves a known article as it is and publishes a new one; a word that is no state becomes a draft."""
    if document.status is None or document.status in STATES:
        return document.status, ()
    marker = visibility.read_word("status", document.status)
    return marker.status, (marker.note,) if marker.note else ()


def _list_tags(document: Document) -> tuple[TagSpec, ...]:
    """Sections first, so that an article's section is the one that its source put it in; then tags, then authors."""
    references: dict[str, list[NameReference]] = {}
    for one in document.tag_refs:
        references.setdefault(one.name, []).append(one)
    people = {ref.name: ref for ref in document.author_refs}
    tags = [TagSpec(name, "section") for name in document.sections]
    for name in document.tags:
        refs = references.get(name, [])
        ref = refs.pop(0) if len(refs) > 1 else next(iter(refs), None)
        kind = ref.kind if ref and ref.kind in KINDS else "topic"
        tags.append(TagSpec(name, kind or "topic", ref.slug if ref else None))
    for name in document.authors:
        ref = people.get(name)
        tags.append(TagSpec(name, "contributor", ref.slug if ref else None))
    return tuple(one for one in dict.fromkeys(tags) if one.name.strip())
