"""What a document says of each field of an article, and the hashes by which it is told later what has changed. Pure."""

from collections.abc import Mapping

import orjson

from app.articles.field_hashes import EMPTY, UNSAID, digest, pack
from app.articles.manuscript import Manuscript
from app.importers import names
from app.importers.document import Document

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
_NO_FIELDS = frozenset({"external_id", "origin", "updated", "first_published_at"}) | names.DERIVED


def name_fields(record: Mapping[str, object]) -> tuple[str, ...]:
    """The fields that a record has names for, whatever it says of them."""
    found = set()
    for name in record:
        known = names.lookup(name)
        field = known[0] if known else name if name in _OWN else "extra"
        if field not in _NO_FIELDS and name not in _NO_FIELDS:
            found.add(_FIELD_OF.get(field, field))
    return tuple(sorted(found))


def hash_fields(document: Document, manuscript: Manuscript) -> tuple[str, tuple[str, ...] | None]:
    """The hashes of all fields, packed, and those that the document says anything of: the ones that it names, and the
    ones that were found in it."""
    found = {name: _hash(value) for name, value in _values(document, manuscript).items()}
    if document.said is None:
        return pack(found), None
    said = {*document.said} | {name for name, value in found.items() if value != EMPTY and name != "title"}
    return pack({name: found[name] if name in said else UNSAID for name in found}), tuple(sorted(said))


def _hash(value: object) -> bytes:
    if not value:
        return EMPTY
    return digest(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def _values(document: Document, manuscript: Manuscript) -> Mapping[str, object]:
    """Each as the source has it; what is worked out from several places, as it was."""
    status, published = manuscript.status, manuscript.published_at
    addresses = (document.previous_slugs, document.previous_urls)
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
        "seo": manuscript.seo if manuscript.seo != "{}" else None,
        "source": [document.source, manuscript.source_url] if document.source or manuscript.source_url else None,
        "signature": document.signature,
        "published_at": [published, manuscript.published_precision] if published is not None else None,
        "status": [status, manuscript.withdrawal] if status else None,
        "slug": document.slug,
        "addresses": addresses if any(addresses) else None,
        "corrections": manuscript.corrections,
        "original": manuscript.original,
        "extra": manuscript.extra if manuscript.extra != "{}" else None,
    }
