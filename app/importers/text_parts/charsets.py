"""Bytes whose encoding is named in several places, some of them wrong, made into text. Never raises."""

import codecs
from collections.abc import Iterable

from app.importers.text_parts import clean

# What browsers read under these names, https://encoding.spec.whatwg.org/#names-and-labels
_ALIASES = {
    **dict.fromkeys(("iso8859-1", "ascii", "latin-1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "hz"), "gb18030"),
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "ks_c-5601-1987": "cp949",
}
_STATEFUL = ("iso2022_jp", "iso2022_kr")
FEW = 0.01
"""Of the characters beyond ASCII: as many may be broken in a text that is in the encoding it claims after all."""


def decode_bytes(data: bytes, labels: Iterable[str | None]) -> tuple[str, tuple[str, ...]]:
    """The text, and what had to be guessed: UTF-8 where the bytes are, whatever is said; then the first encoding of
    those said that fits; Windows-1252 where none does."""
    names = [name for one in labels if one and (name := _find_encoding(one))]
    # In these an escape switches between alphabets, and all bytes are ASCII: they would pass for UTF-8.
    if b"\x1b" in data[:100_000]:
        for name in names:
            if name in _STATEFUL:
                return data.decode(name, "replace"), ()
    text, notes = clean.decode(data)
    if clean.NOTE_BYTES not in notes:
        return text, notes
    for name in names:
        decoded = data.decode(name, "replace")
        beyond = sum(not character.isascii() for character in decoded)
        broken = decoded.count("\ufffd")
        if broken <= FEW * beyond:
            note = f"not valid {name}, broken characters replaced"
            return decoded, (note,) if broken else ()
    return text, notes


def _find_encoding(label: str) -> str | None:
    try:
        codec = codecs.lookup(label.strip())
        b"".decode(codec.name)
    except (LookupError, ValueError):
        return None
    return _ALIASES.get(codec.name, codec.name)
