"""Character references (`&amp;`, `&#8217;`) that systems leave in what should be plain text. Pure.

Never takes a part of an address such as `?a=1&copy=2` for one: a reference ends in a semicolon and has a known name.
"""

import html
import re
import unicodedata
from html.entities import html5

MAX_DEPTH = 4
"""Levels of lists and objects that fields have; what lies deeper stays as it is written."""
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


def has_references(text: str) -> bool:
    return "&" in text and any(_resolve_match(match) != match[0] for match in _REFERENCE.finditer(text))


def resolve_text(text: str) -> str:
    """The text with its references resolved once, so that `&amp;amp;` becomes `&amp;`; itself where it has none."""
    if "&" not in text or (resolved := _REFERENCE.sub(_resolve_match, text)) == text:
        return text
    return unicodedata.normalize("NFC", resolved)  # `e&#769;` is one character


def _resolve_match(match: re.Match[str]) -> str:
    reference = match[0]
    # `html.unescape` would read an unknown name by its beginning: `&notes;` as `¬es;`.
    return html.unescape(reference) if reference[1] == "#" else html5.get(reference[1:], reference)


def resolve_value(value: object, depth: int = 0) -> object:
    """The same for every text in a JSON-like value, but for the names of its fields; itself where it has none."""
    if isinstance(value, str):
        return resolve_text(value)
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, list):
        entries = [resolve_value(entry, depth + 1) for entry in value]
        return value if all(new is old for new, old in zip(entries, value, strict=True)) else entries
    if isinstance(value, dict):
        fields = {name: resolve_value(field, depth + 1) for name, field in value.items()}
        return value if all(fields[name] is value[name] for name in value) else fields
    return value
