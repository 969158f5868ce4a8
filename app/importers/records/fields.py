"""Records (an object of NDJSON, a front matter) read into documents, field by field.

Never drops a value: what is unknown, given twice or unreadable stays in `extra` under its own name.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC

from app.articles.manuscript import ExportedRow
from app.importers import dates
from app.importers.document import (
    DatelinePrecision,
    Document,
    DocumentBody,
    Failure,
    NameReference,
    ParseContext,
    SourceDate,
    SourceDateline,
    SourceLocale,
)
from app.importers.records import aliases, values, visibility
from app.importers.records.record_reader import RecordReader
from app.importers.records.source_hashes import name_fields
from app.importers.records.text_fields import derive_title, read_body, read_standfirst
from app.importers.records.visibility import Visibility
from app.importers.text_parts.datelines import read_dateline

NO_CONTENT = "neither a title nor a body"
NO_TEXT = "its text could not be read"
_NO_ARTICLES: Mapping[str, str] = {"comment": "a comment", "attachment": "a file", "nav_menu_item": "a menu item"}
_REVISION = re.compile(r"\d+-(?:revision|autosave)-v\d+")
_DATES = frozenset(aliases.find_field(name) for field in ("published", "updated") for name in aliases.TABLE[field])
_PRECISIONS: Mapping[int, DatelinePrecision] = {4: "year", 7: "month", 10: "day"}


def read_record(
    record: Mapping[str, object],
    where: str,
    context: ParseContext,
    notes: tuple[str, ...] = (),
    body: DocumentBody | None = None,
    stated: tuple[str, ...] | None = None,
    *,
    is_public: bool = False,
    is_exported: bool = False,
) -> Document | Failure:
    """The document of a record; `body` is the text beside it, which goes before one inside it; `stated` as documents
    have it. `is_public`: it was found where only what is public is, so that its date says when and never whether.
    `is_exported`: it is a part of an export of this archive, whose words are taken as they stand."""
    if (other := _describe_other_kind(record)) is not None:
        return Failure(where, f"{other} of WordPress, which is no article")
    own = is_own(record)
    record = record if own else {name: values.unwrap(value) for name, value in record.items()}
    markers = {"status": record.get("status")} if own else record
    if is_public:
        markers = {name: value for name, value in markers.items() if not visibility.is_stamp(name)}
    state, state_notes = visibility.read_record(markers, context)
    # Booleans under the name of a date say whether and not when. What an export says of a field is all there is of it,
    # also where that is nothing: a second name is what an earlier import could not read, or what an editor emptied.
    aside = {
        name: record[name]
        for name in record
        if aliases.find_field(name) in _DATES
        and visibility.is_boolean(record[name])
        and not (is_public and visibility.is_stamp(name))
    } | ({name: record[name] for name in aliases.list_second_names(record)} if own else {})
    known, extra = aliases.sort_fields(
        {name: record[name] for name in record if name not in aside} if aside else record
    )
    extra |= aside
    reader = RecordReader(
        known,
        extra,
        context,
        _read_locale(known, context),
        dict.fromkeys(notes),
        stated,
        is_own=own,
        is_exported=own or is_exported,
    )
    if own:
        _read_own_shape(reader)
    elif not reader.is_exported:
        reader.resolve_references()
    if body is not None and "body" in known:
        extra.update([known.pop("body")])
    body = body or read_body(reader)
    title = reader.read_text("title")
    if title is None and body is None:
        return Failure(where, NO_CONTENT if known or not extra else f"{NO_CONTENT}, only {_list_names(extra)}")
    document = _build_document(reader, where, title, body, state)
    if own:
        document = replace(document, is_own=True, known_article=read_known(record))
    elif state_notes:  # what this archive exports as a draft is one, which is no news
        document = replace(document, notes=(*document.notes, *state_notes))
    if reader.has_unread_body and not own:
        document = visibility.apply(document, visibility.make_draft(NO_TEXT, is_public=True))
    return document if title else replace(document, title=derive_title(document))


def _describe_other_kind(record: Mapping[str, object]) -> str | None:
    """What else WordPress has under its addresses, by the names that its REST API alone gives: comments, revisions,
    files. An autosave is what an editor has not published."""
    if "date_gmt" not in record:
        return None
    kind, slug = record.get("type"), record.get("slug")
    if isinstance(kind, str) and kind in _NO_ARTICLES:
        return _NO_ARTICLES[kind]
    return "a revision" if "parent" in record and isinstance(slug, str) and _REVISION.fullmatch(slug) else None


def _read_locale(known: Mapping[str, tuple[str, object]], context: ParseContext) -> SourceLocale:
    """What the record's own language and address say, in the locale of its source."""
    language, url = (values.read_text(known[name][1]) if name in known else None for name in ("language", "url"))
    return dates.narrow_locale(context.locale, language, url or context.address)


def read_line(
    record: Mapping[str, object], where: str, context: ParseContext, notes: tuple[str, ...] = ()
) -> Document | Failure:
    """The document of a record that may be a part of its article: of what it does not name it says nothing."""
    return read_record(record, where, context, notes, stated=name_fields(record))


def _list_names(extra: Mapping[str, object]) -> str:
    """The names of what is there instead, for replies of an API that hold their articles deeper down."""
    names = ", ".join(list(extra)[:5])[:80]
    return f"{names} …" if len(extra) > 5 else names


def is_own(record: Mapping[str, object]) -> bool:
    """Whether the record has the shape in which this archive responds and exports."""
    return isinstance(record.get("id"), int) and "version" in record and "published_precision" in record


def read_known(record: Mapping[str, object]) -> ExportedRow | None:
    """The article that a record is about, where it has what only an export of an archive has."""
    id, slug, version, created = (record.get(name) for name in ("id", "slug", "version", "created_at"))
    if not isinstance(id, int) or not isinstance(version, int) or not isinstance(slug, str):
        return None
    origin = record.get("origin")
    try:
        created_at = dates.read_date(created, UTC).instant
        return ExportedRow(id, slug, created_at, version, origin if isinstance(origin, str) else None)
    except ValueError:
        return None


def _read_own_shape(reader: RecordReader) -> None:
    # The number is another archive's key and says nothing here; the rest is worked out anew.
    if reader.known.get("external_id", ("",))[0] == "id":
        del reader.known["external_id"]
    if isinstance(body := reader.known.get("body", ("", None))[1], str):
        reader.known["body"] = ("body_html", body)  # also where it has no block tags to be told by
    for name in aliases.DERIVED | {"id"}:
        reader.extra.pop(name, None)
    seo = values.read_mapping(reader.extra.get("seo"))
    if seo is not None:
        rest = {key: value for key, value in seo.items() if value is not None and key != "canonical_url"}
        reader.known["canonical_url"] = ("canonical_url", seo.get("canonical_url") or None)
        reader.extra["seo"] = rest
    for name in [name for name, value in reader.extra.items() if value in (None, [], {})]:
        del reader.extra[name]
    if reader.known.get("canonical_url", ("", ""))[1] is None:
        del reader.known["canonical_url"]


def _build_document(
    reader: RecordReader, where: str, title: str | None, body: DocumentBody | None, state: Visibility
) -> Document:
    """The document with who, what and when, what names it and what it points to. What is left over is so in the order
    of reading, which the last two fields end."""
    authors = _read_authors(reader)
    tags = reader.take("tags", values.read_references) or ((), ())
    regions = reader.take("regions", values.read_references) or ((), ())
    source = reader.take("source", _read_source) or (None, None)
    status = _read_status(reader, state)
    published = state.at or _read_published(reader, status)
    return Document(
        where,
        title=title,
        title_derived=title is None,
        body=body,
        standfirst=read_standfirst(reader),
        dateline=_read_dateline(reader, published),
        authors=authors[0],
        author_refs=authors[1],
        tags=tags[0],
        tag_refs=tags[1],
        regions=regions[0],
        region_refs=regions[1],
        sections=reader.take("sections", values.read_sections) or (),
        language=reader.read_text("language"),
        source=source[0],
        source_url=source[1],
        signature=reader.read_text("signature"),
        published=published,
        is_undated=reader.is_own and published is None,
        updated=_read_date(reader, "updated"),
        status=status,
        external_id=reader.read_text("external_id"),
        origin=reader.read_text("origin"),
        url=reader.read_text("url"),
        former_url=values.read_text(reader.resolved.get("url")),
        canonical_url=reader.read_text("canonical_url"),
        slug=reader.read_text("slug"),
        related=reader.take("related", values.read_related) or (),
        images=reader.take("images", values.read_images) or (),
        previous_slugs=reader.take("previous_slugs", values.read_texts) or (),
        previous_urls=reader.take("previous_urls", values.read_texts) or (),
        extra=reader.extra,
        notes=tuple(reader.notes),
        stated=reader.stated,
        format="ndjson" if reader.stated is not None else "",  # here, for a copy of each line costs a hundredth of it
    )


def _read_authors(reader: RecordReader) -> tuple[tuple[str, ...], tuple[NameReference, ...]]:
    """Names of people; a field that says more is kept whole beside the article. An export's are authors as they are."""
    if reader.is_exported:
        return reader.take("authors", values.read_authors) or ((), ())
    names, references, rest = reader.take("authors", values.read_people) or ((), (), ())
    if rest:
        reader.keep_unread("authors", f"holds what is no name of a person: {values.quote(', '.join(rest))}")
    return names, references


def _read_source(value: object) -> tuple[str | None, str | None] | None:
    name_and_url = values.read_source(value)
    return name_and_url if name_and_url[0] or name_and_url[1] else None


def _read_published(reader: RecordReader, status: str | None) -> SourceDate | None:
    """The date, with the precision that an export states beside the first instant of a period. What waits for its time
    waits for the fraction of a second too."""
    published = _read_date(reader, "published", is_awaited=status == "scheduled")
    stated = reader.extra.get("published_precision")
    if published and (stated == "year" or stated == "month" or stated == "day" or stated == "instant"):
        del reader.extra["published_precision"]
        return replace(published, precision=stated)
    return published


def _read_date(reader: RecordReader, name: str, is_awaited: bool = False) -> SourceDate | None:
    if name not in reader.known:
        return None
    source_name, value = reader.known[name]
    try:
        reading = dates.parse_date(value, reader.context.timezone, reader.locale)
    except ValueError as error:
        reader.keep_unread(name, f"is no date: {error}")
        return None
    if reading.floating:
        reader.notes.setdefault(f"{source_name}: no time zone given, read as {reader.context.timezone}")
    if reading.note:
        reader.notes.setdefault(f"{source_name}: {values.quote(value)}: {reading.note}")
    return reading.round_up() if is_awaited else reading.date


def _read_dateline(reader: RecordReader, published: SourceDate | None) -> SourceDateline | None:
    if "dateline" not in reader.known:
        return None
    value = reader.known["dateline"][1]
    fields = values.read_mapping(value)
    if fields is None:
        line = values.read_text(value)
        if line is None:
            reader.keep_unread("dateline", "could not be read")
        return read_dateline(line, published) if line else None
    place, stated = values.read_text(fields.get("place")), values.read_text(fields.get("date"))
    line = values.read_text(fields.get("text")) or ", ".join(part for part in (place, stated) if part)
    if not line:
        reader.keep_unread("dateline", "could not be read")
        return None
    if stated is None:
        return SourceDateline(line, place)
    return _apply_stated_date(reader, SourceDateline(line, place), stated)


def _apply_stated_date(reader: RecordReader, dateline: SourceDateline, stated: str) -> SourceDateline:
    precision = _PRECISIONS.get(len(stated))
    try:
        if precision is None or dates.read_date(stated, reader.context.timezone).precision != precision:
            raise ValueError("not written as 2025, 2025-12 or 2025-12-03")
    except ValueError as error:
        reader.keep_unread("dateline", f"has no usable date: {error}")
        return dateline
    return replace(dateline, date=stated, precision=precision)


def _read_status(reader: RecordReader, marker: Visibility) -> str | None:
    """What all markers say together; of what is public in the source's own word, as earlier imports kept it."""
    status = reader.read_text("status")
    if reader.is_own and status == "trashed":
        return status  # elsewhere what is in a bin is a draft here, or a retraction
    if "draft" in reader.known:
        name, value = reader.known["draft"]
        if not visibility.is_boolean(value):
            reader.extra[name] = value
    same = status is not None and visibility.read_word("status", status).status == marker.status
    return status.lower() if status and same and marker.status != "draft" else marker.status
