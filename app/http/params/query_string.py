"""From the bytes after the `?` to names and texts, as HTML forms write them. Knows no parameter by name.

A `%` that no two hex digits follow stands for itself, as browsers have it; what is not UTF-8 is marked, not mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

Texts = Mapping[str, list[str | None]]
"""Each parameter as it was written; None is a text that is not UTF-8."""


def parse_query(query: bytes) -> dict[str, list[str | None]]:
    """Names in the order of their first appearance, each with all its texts; None where one is not UTF-8."""
    texts_by_name: dict[str, list[str | None]] = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, text = pair.partition(b"=")
            key = _decode(name)
            decoded_name = name.decode("ascii", "replace") if key is None else key
            texts_by_name.setdefault(decoded_name, []).append(_decode(text))
    return texts_by_name


def _decode(raw: bytes) -> str | None:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isascii() else normalize("NFC", text)
