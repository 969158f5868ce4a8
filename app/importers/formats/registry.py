"""The formats that files are read in: one table of names and parsers. A new one is a line here and in `detect`."""

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol, get_args

from app.importers import boundary, dates
from app.importers.document import Context, Document, Failure, Item
from app.importers.formats import markdown, ndjson, ninjs, text
from app.importers.formats.detect import Format
from app.importers.formats.exports import archive_zip, csv_table, ghost, medium, substack
from app.importers.formats.exports.file_tree import Folder

_HEAD = 262_144


class Parse(Protocol):
    """Reads one file. Pure but for reading the stream, which it may do piece by piece and, where it says so, seek.

    Yields items as they are read, so that a file of any size needs little memory; never raises for what is in the
    file: what cannot be read is a Failure with the place and the reason, and reading goes on behind it where it can.
    `where` is the file's name for people; a parser of many items appends `:line` or `#number`.
    """

    def __call__(self, stream: BinaryIO, where: str, context: Context) -> Iterator[Item]: ...


def _whole(parse: Callable[[bytes, str, Context], Iterable[Item]]) -> Parse:
    def read(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
        data = stream.read()
        if b"\x00" in data and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            yield Failure(where, "this is binary data and no text (it has NUL bytes)")
            return
        yield from parse(data, where, context)

    return read


def _lines(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    context = replace(context, locale=dates.infer_day_order_of_json(context.locale, _head(stream)))
    yield from ndjson.parse(ndjson.read_lines(stream), where, context)


def _head(stream: BinaryIO) -> bytes:
    """The beginning of what can be gone back in: from it is told in which order the source writes days and months."""
    if not stream.seekable():
        return b""
    here = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(here)
    return head


def read_export(folder: Path, where: str, context: Context) -> Iterator[Item]:
    """The posts of an export that was unpacked into a folder, of which `where` is the list."""
    for item in boundary.guard(where, lambda: substack.read(Folder(folder), where, context)):
        yield replace(item, format="substack") if isinstance(item, Document) else item


def _archive(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
    yield from archive_zip.read(stream, where, context, PARSERS)


def _extra(module: str) -> Parse:
    """A parser whose libraries come with the extra `importers`: loaded when it is needed, one clear Failure without."""

    def read(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
        try:
            parse: Parse = import_module(f"app.importers.formats.{module}").parse
        except ModuleNotFoundError as error:
            yield Failure(where, f"this format needs {error.name}: pip install 'dateline[importers]'")
            return
        yield from parse(stream, where, context)

    return read


PARSERS: Mapping[str, Parse] = {
    "text": _whole(text.parse),
    "markdown": _whole(markdown.parse),
    "ndjson": _lines,
    "csv": csv_table.parse,
    "feed": _extra("feeds.feed"),
    "html": _extra("pages.web_page"),
    "ninjs": ninjs.parse,
    "wxr": _extra("wordpress.export_file"),
    "wordpress": _extra("wordpress.rest_posts"),
    "nitf": _extra("newsml.nitf"),
    "newsml": _extra("newsml.newsml_g2"),
    "ghost": ghost.parse,
    "medium": medium.parse,
    "substack": substack.parse,
    "zip": _archive,
}
NAMES: tuple[str, ...] = get_args(Format)
