"""What a document says of each field of an article, and the hashes by which it is told later what has changed. Pure."""

from collections.abc import Mapping

import orjson

from app.articles.manuscript import Manuscript
from app.articles.store.field_hashes import EMPTY, UNSAID, digest, pack
from app.importers.document import Document
from app.importers.records import aliases

_FIELD_OF = {
    "body_format": "body",
    "published": "published_at",
    "url": "source",
    "canonical_url": "seo",
    "draft": "status",
    "previous_slugs": "addresses",
    "previous_urls": "addresses",
    "withdrawn": "status",
    "translation_of": "original",
    "published_precision": "published_at",
    "unknown_regions": "regions",
}
_OWN = ("seo", "corrections", "withdrawn", "original", "translation_of", "published_precision", "unknown_regions")
_NO_FIELDS = frozenset({"external_id", "origin", "updated", "first_published_at"}) | aliases.DERIVED


def name_fields(record: Mapping[str, object]) -> tuple[str, ...]:
    """The fields that a record has names for, whatever it says of them."""
    names = set()
    for name in record:
        field_rank = aliases.find_field(name)
        field = field_rank[0] if field_rank else name if name in _OWN else "extra"
        if field not in _NO_FIELDS and name not in _NO_FIELDS:
            names.add(_FIELD_OF.get(field, field))
    return tuple(sorted(names))


def hash_fields(document: Document, worked_out: Manuscript) -> tuple[str, tuple[str, ...] | None]:
    """The hashes of all fields, packed, and those that the document says anything of: the ones that it names, and the
    ones that were found in it."""
    hashes = {name: _hash_value(value) for name, value in _list_values(document, worked_out).items()}
    if document.stated is None:
        return pack(hashes), None
    # What stands in for a date that a part of an article does not name is for a new article only.
    unsaid = {"title"} if document.published else {"title", "published_at"}
    stated = {*document.stated} | {name for name, value in hashes.items() if value != EMPTY and name not in unsaid}
    return pack({name: hashes[name] if name in stated else UNSAID for name in hashes}), tuple(sorted(stated))


def _hash_value(value: object) -> bytes:
    if not value:
        return EMPTY
    if isinstance(value, str):
        return digest(value.encode())
    return digest(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def _list_values(document: Document, worked_out: Manuscript) -> Mapping[str, object]:
    """Each as the source has it; what is worked out from several places, as the manuscript has it."""
    published = (worked_out.published_at, worked_out.published_precision)
    addresses = (document.previous_slugs, document.previous_urls)
    # Relative addresses mean something else when their base changes. Without a base the values are those which earlier
    # versions hashed, so that an upgrade finds nothing changed.
    return {
        "title": document.title,
        "standfirst": document.standfirst,
        "body": [document.body, document.base] if document.body and document.base else document.body,
        "dateline": document.dateline,
        "language": document.language,
        "tags": [document.tags, document.tag_refs] if document.tags else None,
        "sections": document.sections,
        "authors": [document.authors, document.author_refs] if document.authors else None,
        "regions": [document.regions, document.region_refs] if document.regions else None,
        "related": document.related,
        "images": [document.images, document.base] if document.images and document.base else document.images,
        "seo": worked_out.seo if worked_out.seo != "{}" else None,
        "source": [document.source, worked_out.source_url] if document.source or worked_out.source_url else None,
        "signature": document.signature,
        "published_at": published if published[0] is not None else None,
        "status": (worked_out.status, worked_out.withdrawal) if worked_out.status else None,
        "slug": document.slug,
        "addresses": addresses if any(addresses) else None,
        "corrections": worked_out.corrections,
        "original": worked_out.original,
        "extra": worked_out.extra if worked_out.extra != "{}" else None,
    }
