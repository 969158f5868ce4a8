"""Texts that are made to keep parsers busy are read in no time, and cost nobody else an item."""

import io
import time
from collections.abc import Callable

import pytest

from app.importers.document import Document, ParseContext
from app.importers.formats import detect, ndjson
from app.importers.formats.feeds import feed
from app.importers.formats.pages import json_ld

LONG = 60_000


def read_feed(author: str) -> list[str]:
    item = "<item><guid>{0}</guid><title>{0}</title><description>Fog.</description>{1}</item>"
    items = item.format("a", "") + item.format("b", author)
    data = f'<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>{items}</channel></rss>'
    read = list(feed.parse(io.BytesIO(data.encode()), "f", ParseContext()))
    return [item.title or "" for item in read if isinstance(item, Document)]


def read_lines(lines: list[bytes]) -> int:
    return sum(isinstance(item, Document) for item in ndjson.parse(lines, "n", ParseContext()))


READ: dict[str, tuple[Callable[[], object], object]] = {
    "mail in an author": (lambda: read_feed(f"<author>{'a' * LONG}@</author>"), ["a", "b"]),
    "mail in a creator": (lambda: read_feed(f"<dc:creator>{'a@' * LONG}</dc:creator>"), ["a", "b"]),
    "mail in pieces": (lambda: read_feed(f"<author>{'a<!-- -->' * LONG}@</author>"), ["a", "b"]),
    "spaces in an author": (lambda: read_feed(f"<author>x{' ' * LONG}x</author>"), ["a", "b"]),
    "lines of nothing": (lambda: read_lines([b"\n"] * LONG + [b'{"title": "T", "body": "x"}']), 1),
    "spaces before JSON": (lambda: detect.detect_format("a.json", b" " * LONG + b"[{}]"), "ndjson"),
    "string without an end": (lambda: json_ld._load_script('{"a": "' + '\\"' * LONG, lambda _: None), None),
    "string that ends in an escape": (
        lambda: json_ld._load_script('{"a": ' + '\\"' * LONG + "\\", lambda _: None),
        None,
    ),
    "comments without an end": (lambda: json_ld._load_script("{" + "/*" * LONG, lambda _: None), None),
    "commas": (lambda: json_ld._load_script("{" + "," * LONG + "x", lambda _: None), None),
}


@pytest.mark.parametrize("name", READ)
def test_hostile_text_is_read_in_a_moment(name: str) -> None:
    read, expected = READ[name]
    start = time.thread_time()
    assert read() == expected
    assert time.thread_time() - start < 2.0
