"""Records (an object of NDJSON, a front matter) read into documents, field by field.

Never drops a value: what is unknown, given twice or unreadable stays in `extra` under its own name.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TypeVar

from app.articles.manuscript import Known
from app.importers import dates, names, trees, values, visibility
from app.importers.datelines import read_dateline
from app.importers.document import (
    Body,
    BodyKind,
    Context,
    Dateline,
    DatelinePrecision,
    Document,
    Failure,
    Locale,
    SourceDate,
)
from app.importers.said import name_fields
from app.importers.text import first_words
from app.importers.visibility import Visibility

Value = TypeVar("Value")

NO_CONTENT = "neither a title nor a body"
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[0-9a-fA-F]{2,5}|[a-zA-Z]{2,8});")
_MARKDOWN = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)|^\s*(?:#+|>|[-*+]|\d+\.)\s+|[*_`]{1,3}|\{\{.*?\}\}", re.MULTILINE)
_NO_ARTICLES: Mapping[str, str] = {"comment": "a comment", "attachment": "a file", "nav_menu_item": "a menu item"}
_REVISION = re.compile(r"\d+-(?:revision|autosave)-v\d+")
_DATES = frozenset(names.lookup(name) for field in ("published", "updated") for name in names.TABLE[field])
_PRECISIONS: Mapping[int, DatelinePrecision] = {4: "year", 7: "month", 10: "day"}


@dataclass(slots=True)
class _Record:
    """One record while it is read: what is known of it, what is left over, and what people should know."""

    known: dict[str, tuple[str, object]]
    extra: dict[str, object]
    context: Context
    locale: Locale
    notes: dict[str, None] = field(default_factory=dict)
    said: tuple[str, ...] | None = None
    is_own: bool = False

    def take(self, name: str, read: Callable[[object], Value | None]) -> Value | None:
        """The field as `read` understands it; what it does not understand goes to extra with a note."""
        if name not in self.known:
            return None
        result = read(self.known[name][1])
        if result is None:
            self.keep(name, "could not be read")
        return result

    def keep(self, name: str, reason: str) -> None:
        given, value = self.known[name]
        self.extra[given] = value
        self.notes.setdefault(f"{given}: {_quoted(value)} {reason}")

    def text(self, name: str) -> str | None:
        return self.take(name, values.text)

    def plain(self, name: str) -> str | None:
        """Text without character references, which some systems leave in titles."""
        found = self.text(name)
        if found and _ENTITY.search(found) and (repaired := html.unescape(found)) != found:
            self.notes.setdefault(f"{self.known[name][0]}: character references resolved")
            return values.text(repaired)
        return found


def read(
    record: Mapping[str, object],
    where: str,
    context: Context,
    notes: tuple[str, ...] = (),
    body: Body | None = None,
    said: tuple[str, ...] | None = None,
) -> Document | Failure:
    """The document of a record; `body` is the text beside it, which goes before one inside it; `said` as documents have
    it."""
    if (other := _no_article(record)) is not None:
        return Failure(where, f"{other} of WordPress, which is no article")
    own = is_own(record)
    record = record if own else {name: values.unwrap(value) for name, value in record.items()}
    state, state_notes = visibility.read({"status": record.get("status")} if own else record, context)
    flags = {
        name: record[name] for name in record if names.lookup(name) in _DATES and visibility.is_truth(record[name])
    }
    known, extra = names.sort_fields({name: record[name] for name in record if name not in flags} if flags else record)
    extra |= flags  # booleans under the name of a date say whether and not when
    found = _Record(known, extra, context, _locale(known, context), dict.fromkeys(notes), said, is_own=own)
    if own:
        _settle_own(found)
    if body is not None and "body" in known:
        extra.update([known.pop("body")])
    body = body or _body(found)
    title = found.plain("title")
    if title is None and body is None:
        return Failure(where, NO_CONTENT if known or not extra else f"{NO_CONTENT}, only {_listed(extra)}")
    document = replace(
        _document(found, where, title, body, state), is_own=own, known=read_known(record) if own else None
    )
    if not own:  # what this archive exports as a draft is one, which is no news
        document = replace(document, notes=(*document.notes, *state_notes))
    return document if title else replace(document, title=derive_title(document))


def _no_article(record: Mapping[str, object]) -> str | None:
    """What else WordPress has under its addresses, by the names that its REST API alone gives: comments, revisions,
    files. An autosave is what an editor has not published."""
    if "date_gmt" not in record:
        return None
    kind, slug = record.get("type"), record.get("slug")
    if isinstance(kind, str) and kind in _NO_ARTICLES:
        return _NO_ARTICLES[kind]
    return "a revision" if "parent" in record and isinstance(slug, str) and _REVISION.fullmatch(slug) else None


def _locale(known: Mapping[str, tuple[str, object]], context: Context) -> Locale:
    """What the record's own language and address say, in the locale of its source."""
    language, url = (values.text(known[name][1]) if name in known else None for name in ("language", "url"))
    return dates.within(context.locale, language, url or context.address)


def read_line(
    record: Mapping[str, object], where: str, context: Context, notes: tuple[str, ...] = ()
) -> Document | Failure:
    """The document of a record that may be a part of its article: of what it does not name it says nothing."""
    return read(record, where, context, notes, said=name_fields(record))


def _listed(extra: Mapping[str, object]) -> str:
    """The names of what is there instead, for replies of an API that hold their articles deeper down."""
    shown = ", ".join(list(extra)[:5])[:80]
    return f"{shown} …" if len(extra) > 5 else shown


def derive_title(document: Document) -> str:
    """The first words of the body; of a body without words, the slug, the id or the place it came from."""
    body = document.body
    words = first_words(plain_text(body)) if body else ""
    return words or (document.slug or document.external_id or document.where).replace("-", " ")


def plain_text(body: Body) -> str:
    """The words of a body, for its first ones: markup goes, roughly in the case of Markdown."""
    if body.kind == "text":
        return body.content
    if body.kind == "html":
        tree = trees.parse(body.content[:20_000])
        tree.strip_tags(["script", "style"], recursive=True)
        root = tree.body
        return root.text(separator=" ") if root else ""
    return _MARKDOWN.sub(lambda hit: hit[1] or "", body.content[:2_000])


def is_own(record: Mapping[str, object]) -> bool:
    """Whether the record has the shape in which this archive answers and exports."""
    return isinstance(record.get("id"), int) and "version" in record and "published_precision" in record


def read_known(record: Mapping[str, object]) -> Known | None:
    """The article that a record is about, where it has what only an export of an archive has."""
    id, slug, version, created = (record.get(name) for name in ("id", "slug", "version", "created_at"))
    if not isinstance(id, int) or not isinstance(version, int) or not isinstance(slug, str):
        return None
    origin = record.get("origin")
    try:
        created_at = dates.read_date(created, UTC).instant
        return Known(id, slug, created_at, version, origin if isinstance(origin, str) else None)
    except ValueError:
        return None


def _settle_own(found: _Record) -> None:
    # The number is another archive's key and says nothing here; the rest is worked out anew.
    if found.known.get("external_id", ("",))[0] == "id":
        del found.known["external_id"]
    if isinstance(body := found.known.get("body", ("", None))[1], str):
        found.known["body"] = ("body_html", body)  # also where it has no block tags to be told by
    for name in names.DERIVED | {"id"}:
        found.extra.pop(name, None)
    seo = values.mapping(found.extra.get("seo"))
    if seo is not None:
        rest = {key: value for key, value in seo.items() if value is not None and key != "canonical_url"}
        found.known["canonical_url"] = ("canonical_url", seo.get("canonical_url") or None)
        found.extra["seo"] = rest
    for name in [name for name, value in found.extra.items() if value in (None, [], {})]:
        del found.extra[name]
    if found.known.get("canonical_url", ("", ""))[1] is None:
        del found.known["canonical_url"]


def _body(found: _Record) -> Body | None:
    said: BodyKind | None = found.context.body_kind
    if "body_format" in found.known:
        name, value = found.known.pop("body_format")
        kind = values.KINDS.get(value.lower()) if isinstance(value, str) else None
        said = kind or said
        if kind is None:
            found.extra[name] = value
    if "body" not in found.known:
        return None
    name, value = found.known["body"]
    body = values.body(name, value, said)
    if body is not None and isinstance(value, dict) and len(value) > 1 and not found.is_own:
        found.extra[name] = value  # its other kinds may say what this one does not
    if body is None and not (isinstance(value, str) and not value.strip()):
        found.keep("body", "could not be read")
    return body


def _standfirst(found: _Record) -> str | None:
    """Plain text; of HTML the words, those of different paragraphs apart. What this archive wrote is left alone."""
    value = found.known.get("standfirst", ("", None))[1]
    if found.is_own or not isinstance(value, str) or not values.is_html(value):
        return found.plain("standfirst")
    found.notes.setdefault(f"{found.known['standfirst'][0]}: markup removed")
    return values.text(plain_text(Body("html", value)))


def _document(found: _Record, where: str, title: str | None, body: Body | None, state: Visibility) -> Document:
    """The document with who, what and when, what names it and what it points to. What is left over is so in the order
    of reading, which the last two fields end."""
    authors = found.take("authors", values.authors) or ((), ())
    tags = found.take("tags", values.references) or ((), ())
    regions = found.take("regions", values.references) or ((), ())
    source = found.take("source", _source) or (None, None)
    status = _status(found, state)
    published = state.at or _published(found, status)
    return Document(
        where,
        title=title,
        title_derived=title is None,
        body=body,
        standfirst=_standfirst(found),
        dateline=_dateline(found, published),
        authors=authors[0],
        author_refs=authors[1],
        tags=tags[0],
        tag_refs=tags[1],
        regions=regions[0],
        region_refs=regions[1],
        sections=found.take("sections", values.sections) or (),
        language=found.text("language"),
        source=source[0],
        source_url=source[1],
        signature=found.text("signature"),
        published=published,
        is_undated=found.is_own and published is None,
        updated=_date(found, "updated"),
        status=status,
        marker=state.note if state.status == "draft" else None,
        external_id=found.text("external_id"),
        origin=found.text("origin"),
        url=found.text("url"),
        canonical_url=found.text("canonical_url"),
        slug=found.text("slug"),
        related=found.take("related", values.related) or (),
        images=found.take("images", values.images) or (),
        previous_slugs=found.take("previous_slugs", values.texts) or (),
        previous_urls=found.take("previous_urls", values.texts) or (),
        extra=found.extra,
        notes=tuple(found.notes),
        said=found.said,
        format="ndjson" if found.said is not None else "",  # here, for a copy of each line costs a hundredth of it
    )


def _source(value: object) -> tuple[str | None, str | None] | None:
    found = values.source(value)
    return found if found[0] or found[1] else None


def _published(found: _Record, status: str | None) -> SourceDate | None:
    """The date, with the precision that an export states beside the first instant of a period. What waits for its time
    waits for the fraction of a second too."""
    published = _date(found, "published", is_awaited=status == "scheduled")
    stated = found.extra.get("published_precision")
    if published and (stated == "year" or stated == "month" or stated == "day" or stated == "instant"):
        del found.extra["published_precision"]
        return replace(published, precision=stated)
    return published


def _date(found: _Record, name: str, is_awaited: bool = False) -> SourceDate | None:
    if name not in found.known:
        return None
    given, value = found.known[name]
    try:
        reading = dates.read(value, found.context.timezone, found.locale)
    except ValueError as error:
        found.keep(name, f"is no date: {error}")
        return None
    if reading.floating:
        found.notes.setdefault(f"{given}: no time zone given, read as {found.context.timezone}")
    if reading.note:
        found.notes.setdefault(f"{given}: {_quoted(value)}: {reading.note}")
    return reading.until() if is_awaited else reading.date


def _dateline(found: _Record, published: SourceDate | None) -> Dateline | None:
    if "dateline" not in found.known:
        return None
    value = found.known["dateline"][1]
    given = values.mapping(value)
    if given is None:
        line = values.text(value)
        if line is None:
            found.keep("dateline", "could not be read")
        return read_dateline(line, published) if line else None
    place, stated = values.text(given.get("place")), values.text(given.get("date"))
    line = values.text(given.get("text")) or ", ".join(part for part in (place, stated) if part)
    if not line:
        found.keep("dateline", "could not be read")
        return None
    if stated is None:
        return Dateline(line, place)
    return _stated_dateline(found, Dateline(line, place), stated)


def _stated_dateline(found: _Record, dateline: Dateline, stated: str) -> Dateline:
    precision = _PRECISIONS.get(len(stated))
    try:
        if precision is None or dates.read_date(stated, found.context.timezone).precision != precision:
            raise ValueError("not written as 2025, 2025-12 or 2025-12-03")
    except ValueError as error:
        found.keep("dateline", f"has no usable date: {error}")
        return dateline
    return replace(dateline, date=stated, precision=precision)


def _status(found: _Record, said: Visibility) -> str | None:
    """What all markers say together; of what is public in the source's own word, as earlier imports kept it."""
    status = found.text("status")
    if found.is_own and status == "trashed":
        return status  # elsewhere what is in a bin is a draft here, or a retraction
    if "draft" in found.known:
        name, value = found.known["draft"]
        if not visibility.is_truth(value):
            found.extra[name] = value
    same = status is not None and visibility.of_word("status", status).status == said.status
    return status.lower() if status and same and said.status != "draft" else said.status


def _quoted(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"
