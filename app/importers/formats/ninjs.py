"""IPTC ninjs 1.x, 2.x and 3.x (https://iptc.org/standards/ninjs/): news items as JSON, read into articles.

Names differ between versions in number and capitals (`headline`, `headlines`; `versioncreated`, `versionCreated`):
they are folded, and no version is asked for. What has no place of its own is kept under `ninjs`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO
from urllib.parse import urlsplit

from app.articles.render.structured import ninjs as own_ninjs
from app.importers import dates
from app.importers.document import Document, DocumentBody, Failure, Item, ParseContext, SourceDateline
from app.importers.formats import ndjson
from app.importers.formats.ninjs_parts import (
    Given,
    fold_keys,
    list_associations,
    list_entries,
    list_names,
    read_body,
    read_byline,
    read_main_text,
)
from app.importers.records import article_head, fields, language_codes, values, visibility
from app.importers.records.aliases import fold_name

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


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """One item, an array of them, one a line, or a package that holds them."""
    yield from ndjson.parse(ndjson.read_lines(stream), where, context, read_item, _list_packed)


def _list_packed(record: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    """The items of a package that has no text of its own and whose items have theirs; any other item is itself."""
    item = fold_keys(record)
    if item.get("type") != "composite" or read_main_text(item, "headline") or read_body(item):
        return [record]
    packed = [one for one in map(values.read_mapping, list_entries(item.get("associations"))) if one is not None]
    return [one for one in packed if own_ninjs.is_written_here(one) or read_body(fold_keys(one))] or [record]


def read_item(
    record: Mapping[str, object], where: str, context: ParseContext, notes: tuple[str, ...] = ()
) -> Document | Failure:
    """The article of an item; a Failure for pictures, events and whatever else is none. Of an item that this archive
    has written, the whole record."""
    own = own_ninjs.read(record)
    if own is not None:
        return fields.read_record(own, where, context, notes)
    item = {fold_name(name) if not name.startswith("$") else name: value for name, value in record.items()}
    kind = values.read_text(item.get("type"))
    if "uri" not in item or not _KEYS & item.keys():
        return Failure(where, "no ninjs item: it has no uri, or nothing else of one")
    if kind not in (None, "text", "composite"):
        return Failure(where, f"no article: the item is of type {kind}")
    headline, body = read_main_text(item, "headline"), read_body(item)
    if headline is None and body is None and _is_cancelled(item):
        uri = values.read_text(item.get("uri")) or ""
        return make_retraction(where, uri, find_origin(uri))
    if headline is None and body is None:
        return Failure(where, "no article: the item has neither a headline nor a body")
    title = headline or values.read_text(item.get("title"))
    document = fields.read_record(_build_record(item, title, context), where, context, notes, body)
    if isinstance(document, Failure):
        return document
    return visibility.apply(_extract_parts(document, item), _read_other_markers(item, context))


def _read_other_markers(item: Given, context: ParseContext) -> visibility.Visibility:
    """What its state and its embargo do not say: where there is one, it says more than words to editors."""
    if item.get("embargoed") or item.get("embargoeduntil") or "ednote" not in item:
        return visibility.SILENT
    return visibility.read_record({"ednote": item["ednote"]}, context)[0]


def _is_cancelled(item: Given) -> bool:
    return _STATUS.get((values.read_text(item.get("pubstatus")) or "").lower()) == "withdrawn"


def make_retraction(where: str, identity: str, origin: str | None) -> Document:
    """A kill that says no more than what it kills."""
    return Document(
        where,
        external_id=identity,
        origin=origin,
        title=identity,
        status="withdrawn",
        stated=("status",),
        retracts=True,
    )


def _build_record(item: Given, title: str | None, context: ParseContext) -> dict[str, object]:
    """The item under the names that the fields of other sources have."""
    uri = values.read_text(item.get("uri"))
    first = item.get("firstcreated") or item.get("contentcreated") or item.get("versioncreated")
    status, embargo = _read_status(item, context)
    images, related = list_associations(item)
    source = next(iter(list_names(item, "infosource")), None)
    return {
        "external_id": uri,
        "origin": find_origin(uri or ""),
        "title": title,
        "standfirst": read_main_text(item, "description"),
        "authors": list(read_byline(item)),
        **({"published_at": embargo or first} if embargo or first else {}),
        "updated_at": item.get("versioncreated"),
        "status": status,
        "tags": _list_tags(item),
        "regions": list_names(item, "place"),
        "language": _read_language(item.get("language")),
        "source": values.read_text(item.get("copyrightholder")) or source,
        "signature": values.read_text(item.get("copyrightnotice")),
        "images": images,
        "related": related,
        "ninjs": {
            name: value for name, value in item.items() if value and not (name in _READ or bool(_TEXTS.fullmatch(name)))
        },
    }


def _read_status(item: Given, context: ParseContext) -> tuple[str | None, str | None]:
    """The status, and until when an embargo holds. One whose end cannot be told keeps the item a draft; one that was
    over when this version was made says nothing."""
    pubstatus = values.read_text(item.get("pubstatus")) or "usable"
    status = _STATUS.get(pubstatus.lower(), pubstatus)
    embargo = values.read_text(item.get("embargoed")) or values.read_text(item.get("embargoeduntil"))
    if status != "published" or not (embargo or item.get("embargoedreason")):
        return status, None
    until, created = (
        _parse_instant(embargo, context),
        _parse_instant(values.read_text(item.get("versioncreated")), context),
    )
    if until is None:
        return "draft", None
    return ("published", None) if created is not None and until <= created else ("scheduled", embargo)


def _parse_instant(text: str | None, context: ParseContext) -> int | None:
    try:
        return dates.parse_date(text, context.timezone, context.locale).round_up().instant
    except ValueError:
        return None


def _list_tags(item: Given) -> list[object]:
    kinds = (("subject", "topic"), ("person", "person"), ("organisation", "organisation"), ("event", "event"))
    return [{"name": name, "kind": kind} for field, kind in kinds for name in list_names(item, field)]


def _read_language(value: object) -> str | None:
    text = values.read_text(value)
    matched = re.match(r"[a-z]{2,3}(?![a-z])", (text or "").lower())
    return matched[0] if matched else language_codes.read_code(text)


def find_origin(uri: str) -> str | None:
    """Who gave the item its name: the host of an address, the authority of `urn:newsml:` and `tag:`."""
    authority = re.match(r"(?:urn:newsml|tag):([\w.-]+\.[a-z]{2,})[:,]", uri, re.IGNORECASE)
    try:
        return authority[1] if authority else urlsplit(uri).hostname
    except ValueError:
        return None


def _extract_parts(document: Document, item: Given) -> Document:
    """Dateline and related posts out of the body; without a dateline there, the place where the item was written."""
    document = article_head.extract_head(document)
    located = values.read_text(item.get("located"))
    if document.dateline is None and located:
        document = replace(document, dateline=SourceDateline(located, located.partition(",")[0].strip() or located))
    if document.standfirst and article_head.is_repetition(document.standfirst, document):
        document = replace(document, standfirst=None)
    if document.body and document.body.kind == "html":
        content = article_head.remove_title(document.body.content, document.title)
        document = replace(document, body=DocumentBody("html", content))
    return document
