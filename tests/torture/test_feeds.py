"""Every feed of a large collection, and what feedparser's own tests expect; and files that are no feeds."""

import calendar
import html
import io
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from app.importers.document import Document, Failure, Item, ParseContext, Remark
from app.importers.formats import registry
from app.importers.formats.detect import detect_format
from app.importers.formats.feeds import feed, feed_entry
from app.importers.records import fields
from torture.drivers import expectations
from torture.drivers.expectations import Expectation

pytestmark = pytest.mark.torture
SERVED = "http://127.0.0.1:8097/"
LOCATED = re.compile(r"Header:\s+Content-Location: (http\S+)")
# A whole page with scripts as a title: feedparser's sanitiser keeps other crumbs of it than its words.
PAGE_AS_TITLE = "entry_title_crazy.xml"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "LICENSE")


def import_items(path: Path) -> list[Item]:
    data = path.read_bytes()
    return list(registry.PARSERS[detect_format(path.name, data[:65_536])](io.BytesIO(data), path.name, ParseContext()))


def describe_item(item: Item) -> str:
    if isinstance(item, Document):
        return "imported"
    reason = item.reason if isinstance(item, Failure) else item.text if isinstance(item, Remark) else ""
    return f"{type(item).__name__}: {re.sub(r'[(].*', '…', reason)}"


def test_every_feed_is_imported_or_refused_with_a_reason(data: Callable[[str], Path]) -> None:
    counts: Counter[str] = Counter()
    result = files(data("feeds"))
    began = time.process_time()
    for path in result:
        items = import_items(path)
        assert items, path
        counts.update(describe_item(item) for item in items)
    print(f"{len(result)} files in {time.process_time() - began:.1f} s", *counts.most_common(), sep="\n")  # noqa: T201
    assert len(result) > 1_800
    assert counts["imported"] > 850


def document_of(path: Path, number: int, address: str | None) -> Document:
    """The entry, with a title where it has none, for many of these files have nothing but the field in question."""
    result = feed.parse_feed(path.read_bytes(), ParseContext(address=address))
    of = feed_entry.read_feed(result.feed, str(result.get("version")))
    record = feed_entry.build_record(result.entries[number], of)
    document = fields.read_record(record | {"title": record["title"] or "-"}, "", ParseContext())
    assert isinstance(document, Document)
    return document


def plain(title: str) -> str:
    root = LexborHTMLParser(title).body
    return " ".join((root.text(separator="") if root else "").split()) or "-"


def read_field(document: Document, field: str) -> object:
    if field.endswith("_parsed"):
        date = document.updated if field == "updated_parsed" and document.updated else document.published
        return date.instant if date else None
    return {"title": document.title, "link": document.url, "id": document.external_id, "guid": document.external_id}[
        field
    ]


def holds(document: Document, said: Expectation) -> bool:
    """A title is kept without markup and character references: what it is in words is what counts."""
    result = read_field(document, said.field)
    if isinstance(said.value, tuple):
        return result == calendar.timegm(said.value)
    if said.field == "title" and isinstance(said.value, str):
        return result in (" ".join(html.unescape(said.value).split()), plain(said.value), plain(plain(said.value)))
    return result == said.value


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_well_formed_feeds_expect_holds(data: Callable[[str], Path]) -> None:
    checked: Counter[str] = Counter()
    broken = []
    for path in files(data("feeds/wellformed")):
        if path.name == PAGE_AS_TITLE:
            continue
        for said in expectations.read(path):
            located = LOCATED.search(path.read_text("utf-8", "replace"))
            address = located[1] if located else SERVED if SERVED in str(said.value) else None
            document = document_of(path, said.entry, address)
            checked[said.field] += 1
            if not holds(document, said):
                broken.append((path.name, said, read_field(document, said.field)))
    print(*checked.most_common(), *broken, sep="\n")  # noqa: T201
    assert sum(checked.values()) > 100
    assert broken == []


def test_replies_of_an_api_are_refused_with_a_reason(data: Callable[[str], Path]) -> None:
    matches = [path for path in files(data("guardian")) if path.suffix == ".json"]
    assert len(matches) > 20
    for path in matches:
        items = import_items(path)
        assert items, path
        assert all(isinstance(item, Failure) and item.reason for item in items), (path, items)


def rss(content: bytes) -> bytes:
    return b"<?xml version='1.0'?><rss version='2.0'><channel>" + content + b"</channel></rss>"


ITEM = b"<item><title>t</title><description>%s</description></item>"
MEGA = 1_000_000
LAUGHS = (
    b"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY l0 'lol'>"
    + b"".join(b"<!ENTITY l%d '%s'>" % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10))
    + b"]><rss version='2.0'><channel><item><title>&l9;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(rss(ITEM % (b"word " * MEGA)), id="a token of 5 MB"),
        pytest.param(rss(ITEM % (b"&lt;p&gt;a &lt;a href='x'&gt;y&lt;/a&gt;" * (MEGA // 10))), id="4 MB of HTML"),
        pytest.param(rss(ITEM % (b"&lt;" * MEGA)), id="a million brackets"),
        pytest.param(rss(ITEM % (b"&lt;div&gt;" * (MEGA // 3))), id="deep HTML"),
        pytest.param(rss(ITEM % (b"<![CDATA[" + b"&lt;!--" * (MEGA // 3) + b"]]>")), id="comments that stay open"),
        pytest.param(rss(b"<item>" + b"<a>" * MEGA + b"</a>" * MEGA + b"</item>"), id="a million levels"),
        pytest.param(rss(b"<item>" + b"<a>" * MEGA), id="a million levels, unclosed"),
        pytest.param(rss(b"<item>" + b"<a>" * 150_000), id="150,000 levels, unclosed"),
        pytest.param(rss(ITEM % (b"<" * 4 * MEGA)), id="brackets, not well-formed"),
        pytest.param(rss(ITEM % (b"<a b='" * 190_000)), id="quotes that stay open"),
        pytest.param(rss(ITEM % (b"<![CDATA[" * (MEGA // 3))), id="sections that stay open"),
        pytest.param(rss(b"<item><title>t</title><enclosure url='" + b"x" * 4 * MEGA + b"'/></item>"), id="attribute"),
        pytest.param(b"<rss>" + b"<!-- -->" * (MEGA // 2), id="nothing but comments"),
        pytest.param(b"<!--" * MEGA, id="comments in comments"),
        pytest.param(b"<?xml" * MEGA, id="declarations"),
        pytest.param(LAUGHS, id="a billion laughs"),
        pytest.param(b"\0" * 4 * MEGA, id="nothing"),
        pytest.param(b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * MEGA, id="deep JSON"),
    ],
)
def test_bombs_end_in_bounded_time(bomb: bytes) -> None:
    began = time.process_time()
    kind = detect_format("a.xml", bomb[:65_536])
    items = list(registry.PARSERS[kind](io.BytesIO(bomb), "a.xml", ParseContext()))
    spent = time.process_time() - began
    print(f"{spent:.1f} s", *(str(item)[:150] for item in items), sep="\n")  # noqa: T201
    assert items
    assert spent < 15


def test_a_reader_of_warnings_has_nothing_to_read(data: Callable[[str], Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in files(data("feeds"))[::10]:
            import_items(path)
