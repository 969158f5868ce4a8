"""Formats told from the head of a file, and from its name where that says nothing."""

import pytest

from app.importers.formats.detect import detect_format


@pytest.mark.parametrize(
    ("name", "head", "format_"),
    [
        ("a.txt", b'{"title": "x"}\n', "ndjson"),
        ("a", b"\xef\xbb\xbf\n[\n  {", "ndjson"),
        ("a", b"{\n", "ndjson"),
        ("a.json", b"", "ndjson"),
        ("a.JSONL", b"broken", "ndjson"),
        ("a.txt", b"---\r\ntitle: x\r\n", "markdown"),
        ("a", b"+++\ntitle = 1\n", "markdown"),
        ("a.md", b"Just words.", "markdown"),
        ("a", b"# Title\n\nBody", "markdown"),
        ("a", b"Body with a [link](https://x.example).", "markdown"),
        ("a.md", b"{{< figure >}}\n", "markdown"),
        ("a.txt", b"# Title\n", "text"),
        ("a", b"Title\n\nBody\n", "text"),
        ("a", b"[1] Title\n", "text"),
        ("a", b"--- no front matter\n", "text"),
        ("a", b"", "text"),
        ("a", b"Caf\xe9\n", "text"),
        ("a.json", b'{"db": [{"meta": {"version": "5.0"}, "data": {"posts": []}}]}', "ghost"),
        ("a.json", b'{"db": [{"data": {"posts": []}}]}', "ghost"),
        ("a.json", b'{"db": [{"title": "x"}]}', "ndjson"),
    ],
)
def test_a_head_and_a_name_tell_the_format(name: str, head: bytes, format_: str) -> None:
    assert detect_format(name, head) == format_


def test_a_head_of_blank_lines_takes_no_time() -> None:
    assert detect_format("a", b"---\n" + b"\n" * 4000 + b"!") == "text"
