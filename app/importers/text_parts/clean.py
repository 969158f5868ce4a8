"""Bytes and strings from anywhere, made into text that every database takes: NFC, no controls, no surrogates, no
noncharacters.

Never raises and never changes a character without saying so in a note.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable

from app.text.keys import NONCHARACTERS, may_have_controls

NOTE_BYTES = "not valid UTF-8, read as Windows-1252"
NOTE_STRAY = "some bytes are not valid UTF-8, read as Windows-1252"
NOTE_UTF16 = "read as UTF-16"
NOTE_CONTROLS = "control characters removed"
NOTE_C1 = "Windows-1252 characters repaired"
NOTE_SURROGATES = "lone surrogates replaced"

_CONTROLS = re.compile(f"[\x00-\x08\x0e-\x1f\x7f{NONCHARACTERS}]")
_ASCII_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_C1 = re.compile("[\x80-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_STRAY = re.compile("[\udc80-\udcff]")
"""Bytes that `surrogateescape` could not decode."""
_BREAKS = str.maketrans({"\r": "\n", "\v": "\n", "\f": "\n"})

MAX_DEPTH = 100


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text without a byte order mark, and what had to be guessed. UTF-8, but for stray bytes where twice as many
    characters beyond ASCII are valid; else Windows-1252."""
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if data.startswith(mark):
            return data.decode("utf-16", "replace").removeprefix("\ufeff"), (NOTE_UTF16,)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
        stray = len(_STRAY.findall(text))
        # What is valid by chance in another encoding is rare: an accented letter has a letter or a space behind it.
        if 2 * stray <= sum(not character.isascii() for character in text) - stray:
            return _STRAY.sub(_decode_stray, text), (NOTE_STRAY,)
        # Five bytes mean nothing in Windows-1252: U+FFFD shows where they were.
        return data.decode("cp1252", "replace"), (NOTE_BYTES,)


def _decode_stray(match: re.Match[str]) -> str:
    return match[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def scrub(text: str, note: Callable[[str], object]) -> str:
    """The text in NFC with `\\n` line ends; `note` is called with each kind of repair that was made."""
    # Looked for first: most texts have none, and `translate` makes a copy.
    if "\r" in text or "\v" in text or "\f" in text:
        text = text.replace("\r\n", "\n").translate(_BREAKS)
    if text.isascii():
        if _ASCII_CONTROLS.search(text):
            note(NOTE_CONTROLS)
            text = _ASCII_CONTROLS.sub("", text)
        return text
    return unicodedata.normalize("NFC", _scrub_wide(text, note) if may_have_controls(text) else text)


def _scrub_wide(text: str, note: Callable[[str], object]) -> str:
    if _CONTROLS.search(text):
        note(NOTE_CONTROLS)
        text = _CONTROLS.sub("", text)
    if _SURROGATES.search(text):
        # A pair that was escaped in two halves is one character; only what is left alone is lost.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\ufffd" in text:
            note(NOTE_SURROGATES)
    if _C1.search(text):
        note(NOTE_C1)
        text = _C1.sub(lambda hit: hit[0].encode("latin-1").decode("cp1252", "ignore"), text)
    return text


def scrub_value(value: object, note: Callable[[str], object], depth: int = 0) -> object:
    """The same for every string in a JSON-like value, keys included. ValueError beyond 100 levels."""
    if isinstance(value, str):
        return scrub(value, note)
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {scrub(str(key), note): scrub_value(item, note, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub_value(item, note, depth + 1) for item in value]
    return value


def join_lines(text: str) -> str:
    """The text on one line: every run of white space is one space."""
    return " ".join(text.split())
