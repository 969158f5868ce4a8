"""The formats that files are read in: one table of names and parsers. A new one is a line here and in `detect`."""

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol, get_args

from app.importers import boundary, dates
from app.importers.document import Document, Failure, Item, ParseContext
from app.importers.formats import markdown, ndjson, ninjs, text
from app.importers.formats.detect import Format
from app.importers.formats.exports import archive_zip, csv_table, ghost, medium, substack
from app.importers.formats.exports.file_tree import FolderTree

_HEAD = 262_144


class FormatParser(Protocol):
    """Reads one file. Pure but for reading the stream, which it may do piece by piece and, where it says so, seek.

    Yields items as they are read, so that a file of any size needs little memory; never raises for what is in the
    file: what cannot be read is a Failure with the place and the reason, and reading goes on behind it where it can.
    `where` is the file's name for people; a parser of many items appends `:line` or `#number`.
    """

    def __call__(self, stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]: ...


def _read_whole(parse: Callable[[bytes, str, ParseContext], Iterable[Item]]) -> FormatParser:
    def read(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
        data = stream.read()
        if b"\x00" in data and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            yield Failure(where, "this is binary data and no text (it has NUL bytes)")
            return
        yield from parse(data, where, context)

    return read


def _parse_lines(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    context = replace(context, locale=dates.infer_day_order_of_json(context.locale, _peek(stream)))
    yield from ndjson.parse(ndjson.read_lines(stream), where, context)


def _peek(stream: BinaryIO) -> bytes:
    """The beginning of what can be gone back in: from it is told in which order the source writes days and months."""
    if not stream.seekable():
        return b""
    position = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(position)
    return head


def read_export(folder: Path, where: str, context: ParseContext) -> Iterator[Item]:
    """The posts of an export that was unpacked into a folder, of which `where` is the list."""
    for item in boundary.guard(where, lambda: substack.read_posts(FolderTree(folder), where, context)):
        yield replace(item, format="substack") if isinstance(item, Document) else item


def _parse_archive(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    yield from archive_zip.read_archive(stream, where, context, PARSERS)


def _load_extra(module: str) -> FormatParser:
    """A parser whose libraries come with the extra `importers`: loaded when it is needed, one clear Failure without."""

    def read(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
        try:
            parse: FormatParser = import_module(f"app.importers.formats.{module}").parse
        except ModuleNotFoundError as error:
            yield Failure(where, f"this format needs {error.name}: pip install 'dateline[importers]'")
            return
        yield from parse(stream, where, context)

    return read


PARSERS: Mapping[str, FormatParser] = {
    "text": _read_whole(text.parse),
    "markdown": _read_whole(markdown.parse),
    "ndjson": _parse_lines,
    "csv": csv_table.parse,
    "feed": _load_extra("feeds.feed"),
    "html": _load_extra("pages.web_page"),
    "ninjs": ninjs.parse,
    "jsonld": _load_extra("pages.json_ld_file"),
    "wxr": _load_extra("wordpress.export_file"),
    "wordpress": _load_extra("wordpress.rest_posts"),
    "nitf": _load_extra("newsml.nitf"),
    "newsml": _load_extra("newsml.newsml_g2"),
    "ghost": ghost.parse,
    "medium": medium.parse,
    "substack": substack.parse,
    "zip": _parse_archive,
}
NAMES: tuple[str, ...] = get_args(Format)
