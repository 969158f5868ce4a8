"""From a parsed document to a manuscript: identity, safe HTML, regions looked up, dates filled in. Pure.

What an item *is*: within its origin (given, else the item's own, else its site's host, else its source's name, else the
file's name) its external id, without one its URL, else its file's path, else its content.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC
from urllib.parse import urlsplit

import orjson

from app import text
from app.articles import bodies, nesting
from app.articles.filters import ABOUT, DATELINE, ROLES
from app.articles.incoming import dateline_span
from app.articles.manuscript import Dateline, Manuscript, Original, RelatedEntry, Withdrawal
from app.enrich.suggestion import Suggestion
from app.importers import addresses, dates, names
from app.importers.document import Body, Document, Reference
from app.regions.atlas import Atlas
from app.tags.service import KINDS, Wanted

STATES = ("draft", "scheduled", "published", "withdrawn")
SENT = "import"
"""The path of what was sent in the body of a request, and the origin of what in it names none."""
NAMELESS = ("-", SENT)
"""Paths that say nothing of what came by them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A manuscript with the plain text of its body, and what a person should know of it. `spoken` is the language that
    it was found to be in, where its source names none."""

    where: str
    manuscript: Manuscript
    text: str
    notes: tuple[str, ...]
    unknown_fields: tuple[str, ...]
    unknown_regions: tuple[str, ...]
    spoken: Suggestion | None = None


def prepare(document: Document, path: str, origin: str | None, atlas: Atlas) -> Prepared:
    """`path` is the file's within what was imported; several items of one file are told apart by their content.

    ValueError where something in it cannot be kept: a number of more than 64 bits, lists within lists beyond measure.
    """
    body = _body(document.body) if document.body else ""
    if document.base:
        body = addresses.resolve(body, document.base)
    plain = bodies.to_text(body)
    regions, unknown = _regions(document, atlas)
    dateline = _dateline(document, atlas)
    if dateline is not None and dateline.region is not None:
        regions.append((dateline.region, DATELINE))
    published_at, precision = _published(document)
    own = _own(document, origin, unknown)
    status, status_note = _status(document)
    manuscript = Manuscript(
        origin=_origin(document, path, origin),
        identity=_identity(document, path),
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
        seo=_seo(own.seo, document.canonical_url),
        extra=_json(own.extra, "{}"),
        corrections=own.corrections,
        source=document.source,
        source_url=_source_url(document),
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
        content_hash=_content_hash(document),
        text_keys=(),
        given=document.given,
        known=document.known,
    )
    reported = tuple(name for name in document.extra if name not in names.OWN_EXTRA)
    notes = (*document.notes, *status_note, *(f"region {name!r} is not known here, kept as given" for name in unknown))
    return Prepared(document.where, manuscript, plain, notes, reported, unknown)


def _source_url(document: Document) -> str | None:
    """The address of the article at its source. A path within a site is none, though it tells articles apart."""
    if document.url and (document.url.startswith(("http://", "https://")) or not document.source_url):
        return document.url
    return document.source_url


def _body(given: Body) -> str:
    """As safe HTML; ValueError for elements within elements beyond any page."""
    if given.kind != "text" and nesting.is_deep(given.content):
        raise ValueError(nesting.DEEP)
    return bodies.to_html(given.kind, given.content)


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
    said = given if isinstance(given, dict) else {}
    kept = {name: said[name] for name in ("title", "description") if isinstance(said.get(name), str)}
    canonical = canonical_url or said.get("canonical_url")
    return _json(kept | ({"canonical_url": canonical} if isinstance(canonical, str) else {}), "{}")


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

_CONTENT = tuple(
    field.name for field in fields(Document) if field.name not in ("where", "notes", "given", "known", "base")
)


def _content_hash(document: Document) -> str:
    """Of everything that the source said, but for where it stood: an inserted line edits no other."""
    based = [document.base] if document.base else []  # what is read as before stays what it was
    said = _bytes([getattr(document, name) for name in _CONTENT] + based)
    return hashlib.blake2b(said, digest_size=16).hexdigest()


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
    if document.external_id:
        return f"id:{document.external_id}"
    if document.url:
        return f"url:{text.url_key(document.url)}"
    if path not in NAMELESS and not _is_one_of_many(document):
        return f"path:{path}"
    content = (document.title, document.body.content if document.body else None)
    return f"content:{_hash(repr(content))}"


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


def _published(document: Document) -> tuple[int | None, str]:
    """The source's date, else the dateline's period; without either the time of the first import is kept."""
    if document.published is not None:
        return document.published.instant, document.published.precision
    found = dates.from_dateline(document.dateline, UTC) if document.dateline else None
    return (found.instant, found.precision) if found else (None, "instant")


def _status(document: Document) -> tuple[str | None, tuple[str, ...]]:
    """None leaves a known article as it is and publishes a new one; a word that is no state becomes a draft."""
    if document.status is None:
        return None, ()
    status = {
        "publish": "published",
        "public": "published",
        "private": "draft",
        "pending": "draft",
        "future": "scheduled",
    }.get(document.status.lower(), document.status.lower())
    if status in STATES:
        return status, ()
    return "draft", (f"status {document.status!r} is none of {', '.join(STATES)}: kept as a draft",)


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
            {
                "url": addresses.absolute(document.base, i.url),
                "alt": i.alt,
                "caption": i.caption,
                "credit": i.credit,
                "width": i.width,
                "height": i.height,
            }
            for i in document.images
        ],
        "[]",
    )
