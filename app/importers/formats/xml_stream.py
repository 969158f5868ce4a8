"""Large XML read piece by piece: each child of the channel as it is complete, then forgotten, so that memory holds one.

Characters that XML forbids and bytes that are no UTF-8 are marked, not dropped, so that the text they stand in can be
repaired and say so. Never resolves an entity of the file's own, and never reads another file.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

from lxml import etree

from app.importers.text_parts.clean import NOTE_BYTES, NOTE_CONTROLS

PIECE = 64 * 1024
MAX_ITEM = 64 * 1024 * 1024
_TAIL = 1_000
CONTROL, FOREIGN = "\ufdd0", "\ufdd1"
"""Non-characters of Unicode, never used in texts: where a control stood, and before a character that was no UTF-8."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile("[\udc80-\udcff]")
_ENCODING = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\bencoding\s*=\s*[\"']([\w.-]+)", re.IGNORECASE)


class XmlFault(Exception):
    """Where and why a file cannot be read further, for people."""


def iterate_children(stream: BinaryIO, tags: tuple[str, ...]) -> Iterator[etree._Element]:
    """The children of the channel that have these tags, each one complete and valid until the next is asked for.

    Fault where the file is no XML any more, breaks off, or has an entry of more than 64 MB.
    """
    parser = etree.XMLPullParser(
        ("end",), tag=tags, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_pis=True
    )
    since, tail = 0, b""
    for piece in chain(_iterate_pieces(stream), (None,)):
        since += len(piece or b"")
        tail = (tail + (piece or b""))[-_TAIL:]
        fault = _feed_piece(parser, piece, tail)
        for child in _iterate_complete(parser):
            since = 0
            yield child
        if fault:
            raise fault
        if since > MAX_ITEM:
            raise XmlFault(f"an entry is larger than {MAX_ITEM >> 20} MB")


def _feed_piece(parser: "etree.XMLPullParser", piece: bytes | None, tail: bytes) -> XmlFault | None:
    """Takes one piece, or the end; what is wrong with it, while what stood before the fault is complete."""
    try:
        if piece is None:
            parser.close()
        else:
            parser.feed(piece)
    except etree.XMLSyntaxError as error:
        if piece is None and b"</rss>" not in tail:
            return XmlFault(f"the file breaks off at line {error.lineno}")
        return XmlFault(
            f"broken at line {error.lineno}, column {error.offset}: {str(error.msg).partition(', line')[0]}"
        )
    return None


def _iterate_complete(parser: "etree.XMLPullParser") -> Iterator[etree._Element]:
    for _, element in parser.read_events():
        parent = element.getparent()
        if parent is None or parent.tag != "channel":
            continue
        yield element
        element.clear(keep_tail=False)
        while (before := element.getprevious()) is not None:
            parent.remove(before)


def _iterate_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The file in pieces of valid UTF-8, or as it is where it says that it is in something else."""
    head = stream.read(PIECE)
    start = head.find(b"<rss")
    if start < 0:
        raise XmlFault("no <rss> in its first 64 KB")
    if b"<!DOCTYPE" in head[:start] or b"<!ENTITY" in head[:start]:
        raise XmlFault("it defines entities of its own (<!DOCTYPE …>), which exports do not: not read")
    declared = _ENCODING.match(head)
    if declared and codecs.lookup(_find_encoding(declared[1].decode())).name not in ("utf-8", "ascii"):
        yield head
        yield from iter(lambda: stream.read(PIECE), b"")
        return
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    while head:
        yield _encode_valid(decode(head))
        head = stream.read(PIECE)
    yield _encode_valid(decode(b"", True))


def _find_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise XmlFault(f"its encoding {encoding!r} is not known") from None


def _encode_valid(text: str) -> bytes:
    if _FORBIDDEN.search(text):
        text = _FORBIDDEN.sub(CONTROL, text)
    if not text.isascii() and _SURROGATE.search(text):
        text = _SURROGATE.sub(_replace_windows, text)
    return text.encode()


def _replace_windows(match: re.Match[str]) -> str:
    return FOREIGN + bytes([ord(match[0]) - 0xDC00]).decode("cp1252", "replace")


def repair(text: str, note: Callable[[str], object]) -> str:
    """The text without the marks; `note` is told what was repaired."""
    if CONTROL in text:
        note(NOTE_CONTROLS)
        text = text.replace(CONTROL, "")
    if FOREIGN in text:
        note(NOTE_BYTES)
        text = text.replace(FOREIGN, "")
    return text
