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

from app import text
from app.addresses import safe_or_none
from app.articles import bodies, nesting
from app.articles.manuscript import Dateline, Manuscript, Original, RelatedEntry, Withdrawal, dateline_span
from app.enrich.suggestion import ABOUT, DATELINE, ROLES, Suggestion
from app.importers import dates, markup, names, said, shortcodes, trees, undated, visibility
from app.importers.addressing import drop_unsafe_addresses, is_within
from app.importers.document import Document, Reference
from app.regions.atlas import Atlas
from app.tags.wanted import KINDS, Wanted

STATES = ("draft", "scheduled", "published", "withdrawn", "trashed")
SENT = "import"
"""The path of what was sent in the body of a request, and the origin of what in it names none."""
NAMELESS = ("-", SENT)
"""Paths that say nothing of what came by them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A manuscript with the plain text of its body, and what a person should know of it. `spoken` is the language that
    it was found to be in, where its source names none; `marker` the words of what made it a draft at its source."""

    where: str
    manuscript: Manuscript
    text: str
    notes: tuple[str, ...]
    unknown_fields: tuple[str, ...]
    unknown_regions: tuple[str, ...]
    spoken: Suggestion | None = None
    marker: str | None = None


def prepare(document: Document, path: str, origin: str | None, atlas: Atlas) -> Prepared:
    """`path` is the file's within what was imported; several items of one file are told apart by their content.

    ValueError where something in it cannot be kept: a number of more than 64 bits, lists within lists beyond measure.
    """
    asked, (document, dropped) = document, drop_unsafe_addresses(document)
    body, lost = convert_body(document) if document.body else ("", ())
    plain = bodies.to_text(body)
    regions, unknown = _regions(document, atlas)
    dateline = _dateline(document, atlas)
    if dateline is not None and dateline.region is not None:
        regions.append((dateline.region, DATELINE))
    published_at, precision, date_note = _published(document, path)
    own = _own(document, origin, unknown)
    status, status_note = _status(document)
    seo, extra = _seo(own.seo, document.canonical_url), _json(own.extra, "{}")
    source_url = document.url or document.source_url
    worked_out = said.WorkedOut(
        (published_at, precision), (status, own.withdrawal), source_url, seo, extra, own.corrections, own.original
    )
    hashes, named = said.hash_fields(asked, worked_out)
    known_by = asked if document.url or is_within(asked.url) else document
    manuscript = Manuscript(
        origin=_origin(document, path, origin),
        identity=_identity(known_by, path),
        former_identity=_former_identity(known_by, path),
        external_id=document.external_id,
        title=document.title or "",
        title_derived=document.title_derived,
        body=body,
        word_count=bodies.count_words(plain),
        language=(document.language or "en").lower().replace("_", "-"),
        standfirst=document.standfirst,
        dateline=dateline,
        tags=_tags(document),
        regions=tuple(regions),
        related=tuple(RelatedEntry(one.title, one.url, unlinked=one.unlinked) for one in document.related),
        images=_images(document),
        seo=seo,
        extra=extra,
        corrections=own.corrections,
        source=document.source,
        source_url=source_url,
        original=own.original,
        signature=document.signature,
        status=status,
        withdrawal=own.withdrawal,
        published_at=published_at,
        published_precision=precision,
        updated_at=document.updated.instant if document.updated else None,
        slug=document.slug,
        previous_slugs=document.previous_slugs,
        previous_urls=document.previous_urls,
        content_hash=_content_hash(replace(asked, external_id=None) if document.identity else asked),
        former_hash=_content_hash(asked) if document.identity else None,
        address=text.url_key(document.url) if document.url and document.identity in ("guid", "link") else None,
        text_keys=(),
        format=document.format,
        retracts=document.retracts,
        hashes=hashes,
        said=named,
        given=document.given,
        known=replace(document.known, origin=origin or document.known.origin) if document.known else None,
    )
    reported = tuple(name for name in document.extra if name not in names.OWN_EXTRA and not visibility.is_marker(name))
    strange = (f"region {name!r} is not known here, kept as given" for name in unknown)
    notes = (*document.notes, *dropped, *lost, *status_note, *date_note, *strange)
    return Prepared(document.where, manuscript, plain, notes, reported, unknown, marker=document.marker)


def convert_body(document: Document) -> tuple[str, tuple[str, ...]]:
    """As safe HTML, and what a person should know of that."""
    given, notes = document.body, dict[str, None]()
    if given is None:
        return "", ()
    kind, content = given.kind, given.content
    if kind != "text":
        content = bodies.render(shortcodes.render_captions(content)) if kind == "markdown" else content
        content = trees.flat(content, notes.setdefault)
        base = document.base or document.url or document.source_url
        kind, content = "html", markup.convert(content, base, notes.setdefault, is_own=document.is_own)
    made = bodies.convert(kind, content, flatten=True)
    if made.is_flattened:
        notes.setdefault(nesting.FLATTENED)
    for what in made.removed:
        if bodies.is_content(what):
            notes.setdefault(f"removed from the body: {what[:80]}")
    return made.html, tuple(notes)


@dataclass(frozen=True, slots=True)
class _Own:
    """What our own export brings beyond what others do, and what is left of `extra` without it."""

    seo: object
    corrections: str | None
    withdrawal: Withdrawal | None
    original: Original | None
    extra: Mapping[str, object]


def _own(document: Document, origin: str | None, unknown: Sequence[str]) -> _Own:
    """Each where it is as our export has it; anything else stays in `extra`, and regions that nobody knows go there."""
    extra = dict(document.extra)
    if unknown:
        extra["unknown_regions"] = list(unknown)
    seo = extra.pop("seo", None) if isinstance(extra.get("seo"), dict) else None
    corrections, withdrawal = _corrections(extra.get("corrections")), _withdrawal(extra.get("withdrawn"))
    if corrections is not None:
        del extra["corrections"]
    if withdrawal is not None:
        del extra["withdrawn"]
    original = _original(extra.get("original"), origin, document.slug)
    if original is not None:
        extra = {name: value for name, value in extra.items() if name not in ("original", "translation_of")}
    return _Own(seo, corrections, withdrawal, original, extra)


def _seo(given: object, canonical_url: str | None) -> str:
    """What our own export brings, and the address that a source calls the right one."""
    seo = given if isinstance(given, dict) else {}
    kept = {name: seo[name] for name in ("title", "description") if isinstance(seo.get(name), str)}
    canonical = safe_or_none(canonical_url or seo.get("canonical_url"))
    return _json(kept | ({"canonical_url": canonical} if canonical else {}), "{}")


def _corrections(given: object) -> str | None:
    """What our own export brings, whole; None for anything else, which is kept as it came."""
    if not isinstance(given, list) or not given:
        return None
    found = [one for one in given if isinstance(one, dict) and {*one} == {"at", "text", "version"}]
    at = [one for one in found if isinstance(one["at"], str) and _utc.fullmatch(one["at"])]
    texts = [one for one in at if isinstance(one["text"], str) and isinstance(one["version"], int | None)]
    return _json(texts, "[]") if len(texts) == len(given) else None


def _original(given: object, origin: str | None, own: str | None) -> Original | None:
    """What our own export brings of a translation; None for anything else, which is kept as it came."""
    if not isinstance(given, dict) or {*given} != {"origin", "slug"} or given["slug"] == own:
        return None
    its, slug = given["origin"], given["slug"]
    return Original(origin or its, slug) if isinstance(its, str) and isinstance(slug, str) else None


def _withdrawal(given: object) -> Withdrawal | None:
    """What our own export brings of a withdrawn article; None for anything else, which is kept as it came."""
    if not isinstance(given, dict) or {*given} != {"at", "reason"}:
        return None
    at, reason = given["at"], given["reason"]
    if not isinstance(at, str) or not _utc.fullmatch(at) or not isinstance(reason, str | None):
        return None
    return Withdrawal(dates.read_date(at, UTC).instant, reason)


_utc = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

_NO_CONTENT = (
    "where", "notes", "said", "format", "retracts", "marker", "identity", "is_own", "source_date", "is_undated",
    "given", "known", "base",
)  # fmt: skip
_CONTENT = tuple(field.name for field in fields(Document) if field.name not in _NO_CONTENT)


def _content_hash(document: Document) -> str:
    """Of everything that the source said, but for where it stood: an inserted line edits no other."""
    based = [document.base] if document.base else []  # what is read as before stays what it was
    content = _bytes([getattr(document, name) for name in _CONTENT] + based)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _hash(content: str) -> str:
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _json(value: object, empty: str) -> str:
    return _bytes(value).decode() if value else empty


def _bytes(value: object) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from error


def _origin(document: Document, path: str, given: str | None) -> str:
    """What was said stays as it was said; only names of outlets and files are made into slugs."""
    host = _host(document.url) if document.url else None
    said = given or document.origin or host
    return said or text.slug(document.source or path.rsplit("/", 1)[-1], "origin")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _identity(document: Document, path: str) -> str:
    if document.external_id and document.identity in (None, "guid"):
        return f"id:{document.external_id}"
    if document.url and document.identity in (None, "link"):
        return f"url:{text.url_key(document.url)}"
    if document.known is not None:
        return document.known.identity
    if document.identity is None and path not in NAMELESS and not _is_one_of_many(document):
        return f"path:{path}"
    content = (document.title, document.body.content if document.body else None)
    return f"content:{_hash(repr(content))}"


def _former_identity(document: Document, path: str) -> str | None:
    """What versions before 0.2 knew a line of an archive's own export by, where it has no id and no address."""
    if document.known is None or document.external_id or document.url:
        return None
    return _identity(replace(document, known=None), path)


def _is_one_of_many(document: Document) -> bool:
    """Whether its file holds other items too: `where` then ends in a line or a number."""
    tail = document.where.rpartition(":")[2]
    return tail.isdigit() or document.where.rpartition("#")[2].isdigit()


def _regions(document: Document, atlas: Atlas) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """Ids with roles, in the order given; and the names that nobody knows."""
    by_name: Mapping[str, Reference] = {ref.name: ref for ref in document.region_refs}
    found: list[tuple[int, int]] = []
    unknown: list[str] = []
    for name in document.regions:
        ref = by_name.get(name)
        place = (atlas.find(ref.slug) if ref and ref.slug else None) or atlas.find_name(name)
        if place is None:
            unknown.append(name)
            continue
        roles = sum(ROLES[role] for role in set(ref.roles) if role in ROLES) if ref else 0
        found.append((place.id, roles or ABOUT))
    return found, tuple(unknown)


def _dateline(document: Document, atlas: Atlas) -> Dateline | None:
    given = document.dateline
    if given is None:
        return None
    place = atlas.find_name(given.place) if given.place else None
    start, end = dateline_span(given.date) or (None, None)
    region = place.id if place else None
    return Dateline(given.text, given.place, region, given.date, given.precision, start, end)


def _published(document: Document, path: str) -> tuple[int | None, str, tuple[str, ...]]:
    """The source's date, else what stands in for it, with a note; without any the time of the first import is kept."""
    if document.published is not None:
        return document.published.instant, document.published.precision, ()
    if document.is_undated:
        return None, "instant", ()
    own = path not in NAMELESS and document.where.endswith(path) and not _is_one_of_many(document)
    found = undated.find(document, path if own else None)
    return (
        (found.date.instant, found.date.precision, (found.note,) * bool(found.note)) if found else (None, "instant", ())
    )


def _status(document: Document) -> tuple[str | None, tuple[str, ...]]:
    """None leaves a known article as it is and publishes a new one; a word that is no state becomes a draft."""
    if document.status is None or document.status in STATES:
        return document.status, ()
    found = visibility.of_word("status", document.status)
    return found.status, (found.note,) if found.note else ()


def _tags(document: Document) -> tuple[Wanted, ...]:
    """Sections first, so that an article's section is the one that its source put it in; then tags, then authors."""
    known: dict[str, list[Reference]] = {}
    for one in document.tag_refs:
        known.setdefault(one.name, []).append(one)
    people = {ref.name: ref for ref in document.author_refs}
    wanted = [Wanted(name, "section") for name in document.sections]
    for name in document.tags:
        refs = known.get(name, [])
        ref = refs.pop(0) if len(refs) > 1 else next(iter(refs), None)
        kind = ref.kind if ref and ref.kind in KINDS else "topic"
        wanted.append(Wanted(name, kind or "topic", ref.slug if ref else None))
    for name in document.authors:
        ref = people.get(name)
        wanted.append(Wanted(name, "contributor", ref.slug if ref else None))
    return tuple(one for one in dict.fromkeys(wanted) if one.name.strip())


def _images(document: Document) -> str:
    return _json(
        [
            {"url": i.url, "alt": i.alt, "caption": i.caption, "credit": i.credit, "width": i.width, "height": i.height}
            for i in document.images
        ],
        "[]",
    )
