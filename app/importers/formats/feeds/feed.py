"""Feeds: RSS 0.9 to 2.0, RDF and Atom by way of feedparser, and JSON Feed. Yields the entries in the feed's order.

Never guesses at what is no feed, and never spends more than some seconds and some hundred megabytes on one: a feed that
is well-formed is read whole up to 16 MB, a broken one as far as a lenient parser gets, unless it has too many tags.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO
from xml.parsers import expat

import feedparser

from app.importers import boundary, dates
from app.importers.document import Document, Failure, Item, ParseContext, Remark, SourceDate
from app.importers.formats.feeds import entry_identity, feed_bytes, feed_entry, feed_parser, json_feed
from app.importers.text_parts import clean

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
MAX_BROKEN = 200_000

_OPENING = 4096
_ROOT = re.compile(rb"<([A-Za-z][\w.:-]{0,60})")
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """An item for each entry, `where#1` and so on; Remarks for what was wrong with the feed as a whole."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        yield Failure(where, f"a feed of more than {MAX_BYTES >> 20} MB")
    elif data.removeprefix(_MARKS[0]).lstrip()[:1] == b"{":
        yield from json_feed.parse(data, where, context)
    else:
        yield from _parse_xml(data, where, context)


def _parse_xml(data: bytes, where: str, context: ParseContext) -> Iterator[Item]:
    wrong = _explain_too_complex(data)
    if wrong:
        yield Failure(where, wrong)
        return
    data, repaired = feed_bytes.prepare(data)
    parsed = parse_feed(data, context)
    if not parsed.get("version") and not parsed.entries:
        yield Failure(where, _explain_no_feed(data))
        return
    if remark := _describe_problem(parsed):
        yield Remark(where, remark)
    if repaired:
        yield Remark(where, "its XML is broken (ampersands and names of characters that XML does not know), repaired")
    if not parsed.entries:
        yield Remark(where, "a feed without entries")
    version = str(parsed.get("version") or "")
    feed = feed_entry.read_feed(parsed.feed, version)
    locale = dates.narrow_locale(context.locale, feed.language, feed.home or context.address)
    texts = [text for entry in parsed.entries for text in feed_entry.list_date_texts(entry)]
    context = replace(context, locale=dates.infer_day_order(locale, texts))
    own = _read_own_date(parsed, context) if context.source_dates else None
    places = ((f"{where}#{number}", entry) for number, entry in enumerate(parsed.entries, 1))
    items = (
        boundary.attempt("read", place, feed_entry.read_entry, entry, place, context, feed) for place, entry in places
    )
    for item in entry_identity.identify_entries(items, feed.home, context.identity, atom=version.startswith("atom")):
        yield replace(item, source_date=own) if own and isinstance(item, Document) else item


def _read_own_date(parsed: feedparser.FeedParserDict, context: ParseContext) -> SourceDate | None:
    """The date of the feed itself, for entries without one where that is asked for."""
    for text in feed_entry.list_date_texts(parsed.feed):
        try:
            return dates.read_date(text, context.timezone, context.locale)
        except ValueError:
            continue
    return None


def parse_feed(data: bytes, context: ParseContext) -> feedparser.FeedParserDict:
    """What feedparser makes of it, with what came beside the bytes."""
    headers = {"content-location": context.address} if context.address else {}
    if context.charset and not _has_charset(data):
        headers["content-type"] = f"application/xml; charset={context.charset}"
    relative = context.address is not None or b"xml:base" in data
    return feed_parser.parse(data, headers, relative=relative)


def _has_charset(data: bytes) -> bool:
    """Whether the bytes themselves do, which headers often contradict, and wrongly: a mark, a declaration, UTF-8."""
    if data.startswith(_MARKS) or b"encoding" in data[:_OPENING].partition(b"?>")[0]:
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _explain_too_complex(data: bytes) -> str | None:
    """Why this is not given to feedparser, whose time and memory grow with tags and depth: up to 6 seconds and 200 MB
    for each megabyte of nothing but opening tags."""
    depth = deepest = 0

    def on_start(name: str, attributes: object) -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1

    reader = expat.ParserCreate()
    reader.StartElementHandler, reader.EndElementHandler = on_start, on_end
    try:
        reader.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if "amplification" in str(error):
            return f"entities that grow without end: {error}"
        if data.count(b"<") + data.count(b"&") > MAX_BROKEN:
            return f"its XML is broken ({error}), and it is too large to be read in spite of that"
    return f"elements {deepest} levels deep" if deepest > MAX_DEPTH else None


def _explain_no_feed(data: bytes) -> str:
    opening = data[:_OPENING].lower()
    if b"<!doctype html" in opening or b"<html" in opening:
        return "a web page and not a feed"
    root = _ROOT.search(data[:_OPENING])
    root_text = f", but <{root[1].decode()}>" if root else ""
    return f"no feed and no other XML that is read: neither RSS, RDF nor Atom{root_text}"


def _describe_problem(parsed: feedparser.FeedParserDict) -> str | None:
    problem = parsed.get("bozo_exception")
    if not parsed.get("bozo") or problem is None:
        return None
    if isinstance(problem, feedparser.NonXMLContentType):
        return None
    if isinstance(problem, feedparser.CharacterEncodingOverride):
        return f"its encoding is not what it says, read as {parsed.get('encoding')}"
    message = problem.getMessage() if hasattr(problem, "getMessage") else str(problem)
    return f"its XML is broken ({clean.join_lines(str(message))[:120]}), read as far as possible"
