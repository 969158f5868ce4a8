"""IPTC ninjs 1.x, 2.x and 3.x (https://iptc.org/standards/ninjs/): news items as JSON, read into articles.

Names differ between versions in number and capitals (`headline`, `headlines`; `versioncreated`, `versionCreated`):
they are folded, and no version is asked for. What has no place of its own is kept under `ninjs`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import urlsplit

from app.importers import dates
from app.importers.document import Body, Context, Dateline, Document, Failure, Item
from app.importers.formats import ndjson
from app.importers.formats.ninjs_parts import Given, associated, body_of, by_line, named, said
from app.importers.records import article_head, fields, values
from app.importers.records.aliases import folded

MARKS = (
    "versioncreated contentcreated firstcreated pubstatus representationtype headlines bodies bodyxhtml bodyhtml "
    "bodyhtml5 bodytext descriptions renditions eventdetails plannedcoverage digitalsourcetype copyrightholder"
)
_KEYS = frozenset(MARKS.split())
_STATUS = {"usable": "published", "withheld": "draft", "canceled": "withdrawn", "cancelled": "withdrawn"}
_READ = frozenset(
    (
        *("uri", "title", "language", "associations", "byline", "by", "located", "embargoed", "embargoeduntil"),
        *("pubstatus", "versioncreated", "contentcreated", "firstcreated", "copyrightnotice", "copyrightholder"),
        *("subject", "subjects", "person", "people", "organisation", "organisations", "event", "events"),
        *("place", "places", "type", "standard", "$standard", "infosource", "infosources"),
    )
)
_TEXTS = re.compile(r"(?:head(?:line)|body|description)\w*|headlines|bodies|descriptions")


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    """One item, an array of them, or one a line."""
    yield from ndjson.parse(ndjson.read_lines(stream), where, context, read)


def read(record: Mapping[str, object], where: str, context: Context, notes: tuple[str, ...] = ()) -> Document | Failure:
    """The article of an item; a Failure for pictures, events and whatever else is none."""
    item = {folded(name) if not name.startswith("$") else name: value for name, value in record.items()}
    kind = values.text(item.get("type"))
    if "uri" not in item or not _KEYS & item.keys():
        return Failure(where, "no ninjs item: it has no uri, or nothing else of one")
    if kind not in (None, "text", "composite"):
        return Failure(where, f"no article: the item is of type {kind}")
    headline, body = said(item, "headline"), body_of(item)
    if headline is None and body is None and _is_cancelled(item):
        return _cancelled(item, where)
    if headline is None and body is None:
        return Failure(where, "no article: the item has neither a headline nor a body")
    title = headline or values.text(item.get("title"))
    document = fields.read(_record(item, title, context), where, context, notes, body)
    if isinstance(document, Failure):
        return document
    return _settled(document, item)


def _is_cancelled(item: Given) -> bool:
    return _STATUS.get((values.text(item.get("pubstatus")) or "").lower()) == "withdrawn"


def _cancelled(item: Given, where: str) -> Document:
    """A kill that says no more than what it kills."""
    uri = values.text(item.get("uri")) or ""
    return Document(
        where, external_id=uri, origin=origin_of(uri), title=uri, status="withdrawn", said=("status",), retracts=True
    )


def _record(item: Given, title: str | None, context: Context) -> dict[str, object]:
    """The item under the names that the fields of other sources have."""
    uri = values.text(item.get("uri"))
    first = item.get("firstcreated") or item.get("contentcreated") or item.get("versioncreated")
    status, embargo = _public(item, context)
    images, related = associated(item)
    source = next(iter(named(item, "infosource")), None)
    return {
        "external_id": uri,
        "origin": origin_of(uri or ""),
        "title": title,
        "standfirst": said(item, "description"),
        "authors": list(by_line(item)),
        "published_at": embargo or first,
        "updated_at": item.get("versioncreated"),
        "status": status,
        "tags": _tags(item),
        "regions": named(item, "place"),
        "language": _language(item.get("language")),
        "source": values.text(item.get("copyrightholder")) or source,
        "signature": values.text(item.get("copyrightnotice")),
        "images": images,
        "related": related,
        "ninjs": {name: value for name, value in item.items() if value and not _is_read(name)},
    }


def _public(item: Given, context: Context) -> tuple[str | None, str | None]:
    """The status, and until when an embargo holds. One whose end cannot be told keeps the item a draft; one that was
    over when this version was made says nothing."""
    given = values.text(item.get("pubstatus")) or "usable"
    status = _STATUS.get(given.lower(), given)
    embargo = values.text(item.get("embargoed")) or values.text(item.get("embargoeduntil"))
    if status != "published" or not (embargo or item.get("embargoedreason")):
        return status, None
    until, made = _instant(embargo, context), _instant(values.text(item.get("versioncreated")), context)
    if until is None:
        return "draft", None
    return ("published", None) if made is not None and until <= made else ("scheduled", embargo)


def _instant(text: str | None, context: Context) -> int | None:
    try:
        return dates.read(text, context.timezone, context.locale).until().instant
    except ValueError:
        return None


def _is_read(name: str) -> bool:
    return name in _READ or bool(_TEXTS.fullmatch(name))


def _tags(item: Given) -> list[object]:
    kinds = (("subject", "topic"), ("person", "person"), ("organisation", "organisation"), ("event", "event"))
    return [{"name": name, "kind": kind} for field, kind in kinds for name in named(item, field)]


def _language(value: object) -> str | None:
    found = re.match(r"[a-z]{2,3}(?![a-z])", (values.text(value) or "").lower())
    return found[0] if found else None


def origin_of(uri: str) -> str | None:
    """Who gave the item its name: the host of an address, the authority of `urn:newsml:` and `tag:`."""
    authority = re.match(r"(?:urn:newsml|tag):([\w.-]+\.[a-z]{2,})[:,]", uri, re.IGNORECASE)
    try:
        return authority[1] if authority else urlsplit(uri).hostname
    except ValueError:
        return None


def _settled(document: Document, item: Given) -> Document:
    """Dateline and related posts out of the body; without a dateline there, the place where the item was written."""
    document = article_head.settle(document)
    place = values.text(item.get("located"))
    if document.dateline is None and place:
        document = replace(document, dateline=Dateline(place, place.partition(",")[0].strip() or place))
    if document.standfirst and article_head.repeats(document.standfirst, document):
        document = replace(document, standfirst=None)
    if document.body and document.body.kind == "html":
        content = article_head.without_title(document.body.content, document.title)
        document = replace(document, body=Body("html", content))
    return document
