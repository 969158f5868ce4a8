"""Articles as JSON: one object a line, an array of them, or a single object.

Never stops at a bad line: it is reported with its number, and the next one is read.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import BinaryIO, NoReturn

import orjson

from app.importers import boundary
from app.importers.document import Document, Failure, ParseContext
from app.importers.records import fields, values
from app.importers.text_parts import clean

Read = Callable[[Mapping[str, object], str, ParseContext, tuple[str, ...]], Document | Failure]
"""What makes an article of one object; `fields.read_line` where the objects are in no format of their own."""
Expand = Callable[[Mapping[str, object]], Sequence[Mapping[str, object]]]
"""What finds the articles in an object that may hold several; the object itself where it holds none."""

MAX_LINE = 32 * 1024 * 1024
MAX_FILE = 64 * 1024 * 1024
_PIECE = 1024 * 1024
_DIGITS = bytes(ord("0") if chr(i) in "123456789" else i for i in range(256))
# orjson reads whole numbers of up to 64 bits, which have 19 digits or 20; longer ones it makes floating.
_LONG = b"0" * 19
_LONG_NUMBER = re.compile(rb"(?<![\w.\"])-?\d{19,}(?![\w.\"])")


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, one at a time; of one longer than 32 MB only as much as shows that it is."""
    while line := stream.readline(MAX_LINE + 1):
        yield line
        if len(line) > MAX_LINE:
            while not line.endswith(b"\n") and (line := stream.readline(_PIECE)):
                pass


def parse(
    lines: Iterable[bytes],
    where: str,
    context: ParseContext,
    read: Read = fields.read_line,
    expand: Expand | None = None,
) -> Iterator[Document | Failure]:
    """An item for each line, `where:1` and so on; for a whole array or object `where#1` and `where`. `expand`: an
    object may hold several, which are numbered as those of an array.

    A last line `{"end": true, "count": N}` is no article, but says if lines are missing.
    """
    source = enumerate(lines, 1)
    head: list[tuple[int, bytes]] = []
    filled: list[bytes] = []
    for number, first_line in source:
        line = first_line.removeprefix(b"\xef\xbb\xbf") if number == 1 else first_line
        head.append((number, line))
        if not line.strip():
            continue
        filled.append(line)
        # A first line may open a value that goes on, which the line after it tells.
        if len(filled) > 1 or (_is_complete(line) and line.lstrip()[:1] == b"{"):
            break
    if _spans_lines([line.strip() for line in filled]):
        yield from _parse_whole(head, source, where, context, read, expand)
    else:
        yield from _parse_lines(chain(head, source), where, context, read, expand)


def _is_complete(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _spans_lines(filled: list[bytes]) -> bool:
    """Whether the file is one JSON value: an array, or an object whose second line is no object itself."""
    if not filled:
        return False
    if filled[0].startswith(b"["):
        return len(filled) == 1 or not _is_complete(filled[0])
    goes_on = len(filled) > 1 and not filled[1].startswith(b"{")
    return goes_on and filled[0].startswith(b"{") and not _is_complete(filled[0])


def _parse_lines(
    lines: Iterable[tuple[int, bytes]], where: str, context: ParseContext, read: Read, expand: Expand | None
) -> Iterator[Document | Failure]:
    count = 0
    for number, line in lines:
        if not line.strip():
            continue
        line_name = f"{where}:{number}"
        loaded = boundary.attempt("read", line_name, _load_value, line)
        value, notes, reason = (None, (), loaded.reason) if isinstance(loaded, Failure) else loaded
        if isinstance(value, dict) and value.get("end") is True and set(value) <= {"end", "count"}:
            if value.get("count", count) != count:
                yield Failure(line_name, f"the file ends with a count of {value['count']}, but {count} lines were read")
            continue
        count += 1
        if reason:
            yield Failure(line_name, reason)
        else:
            yield from _read_items(value, line_name, context, notes, read, expand)


def _parse_whole(
    head: list[tuple[int, bytes]],
    rest: Iterable[tuple[int, bytes]],
    where: str,
    context: ParseContext,
    read: Read,
    expand: Expand | None,
) -> Iterator[Document | Failure]:
    pieces: list[tuple[int, bytes]] = []
    size = 0
    for number, line in chain(head, rest):
        pieces.append((number, line))
        size += len(line)
        if size > MAX_FILE:
            break
    array = next(line for _, line in head if line.strip()).lstrip().startswith(b"[")
    loaded = boundary.attempt("read", where, _load_value, b"".join(line for _, line in pieces), MAX_FILE)
    value, notes, reason = (None, (), loaded.reason) if isinstance(loaded, Failure) else loaded
    if reason and not array:
        # No object after all, so each line is told apart what is wrong with it.
        yield from _parse_lines(chain(pieces, rest), where, context, read, expand)
    elif reason:
        yield Failure(where, reason)
    elif isinstance(value, list):
        for number, entry in enumerate(value, 1):
            yield from _read_items(entry, f"{where}#{number}", context, notes, read, expand)
    else:
        yield from _read_items(value, where, context, notes, read, expand)


def _read_items(
    value: object, where: str, context: ParseContext, notes: tuple[str, ...], read: Read, expand: Expand | None
) -> Iterator[Document | Failure]:
    record = values.read_mapping(value)
    if expand is None or record is None:
        yield _read_item(value, where, context, notes, read)
        return
    entries = boundary.attempt("read", where, expand, record)
    if isinstance(entries, Failure):
        yield entries
    elif len(entries) == 1:
        yield _read_item(entries[0], where, context, notes, read)
    else:
        for number, entry in enumerate(entries, 1):
            yield _read_item(entry, f"{where}#{number}", context, notes, read)


def _read_item(
    value: object, where: str, context: ParseContext, notes: tuple[str, ...], read: Read
) -> Document | Failure:
    record = values.read_mapping(value)
    if record is None:
        return Failure(where, "not a JSON object")
    return boundary.attempt("read", where, read, record, where, context, notes)


def _load_value(line: bytes, limit: int = MAX_LINE) -> tuple[object, tuple[str, ...], str]:
    """The value of a line, what was repaired in it, and the reason why there is none."""
    if len(line) > limit:
        return None, (), f"longer than {limit >> 20} MB"
    try:
        value = orjson.loads(line)
        # Nearly no line has so many digits in a row, and looking for them alone takes a tenth of the time.
        exact = _LONG not in line.translate(_DIGITS) or not _LONG_NUMBER.search(line)
    except orjson.JSONDecodeError:
        value, exact = None, False
    # Only escapes and bytes beyond ASCII can hold what needs repair.
    if exact and line.isascii() and b"\\u" not in line and b"\\r" not in line and b"\\f" not in line:
        return value, (), ""
    return _load_exactly(line, value, exact)


def _load_exactly(line: bytes, value: object, loaded: bool) -> tuple[object, tuple[str, ...], str]:
    """The slow way, for lines with odd characters, huge numbers or errors."""
    notes: dict[str, None] = {}
    try:
        if not loaded:
            text, guessed = clean.decode(line)
            notes.update(dict.fromkeys(guessed))
            # Python's reader keeps numbers of any length. NaN and Infinity, which it takes, are no JSON (RFC 8259,
            # section 6); control characters within strings, which RFC 8259 forbids, are removed below.
            value = json.loads(text, strict=False, parse_constant=_refuse)
        return clean.scrub_value(value, notes.setdefault), tuple(notes), ""
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        return None, (), f"not valid JSON: {error.msg} at {at}"
    except RecursionError:
        return None, (), f"not valid JSON: nested more than {clean.MAX_DEPTH} levels deep"
    except ValueError as error:
        return None, (), f"not valid JSON: {error}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
