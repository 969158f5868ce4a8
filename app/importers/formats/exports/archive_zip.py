"""Exports as ZIP archives, read without unpacking anything to disk: those of Medium, Substack, Ghost and WordPress.

Never opens an archive within one, never follows a link, and never unpacks more than the limits below, whatever the
archive says of itself. Any other archive is refused by name, with the way out.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from app.importers import boundary
from app.importers.document import Context, Document, Failure, Item, Remark
from app.importers.formats import csv_head, detect, file_signatures
from app.importers.formats.exports import substack
from app.importers.formats.exports.file_tree import MAX_FILE, Unreadable

MAX_ENTRIES = 50_000
MAX_DIRECTORY = 16 * 1024 * 1024
MAX_TOTAL = 2 * 1024 * 1024 * 1024
MAX_RATIO, RATIO_FROM = 300, 1024 * 1024
"""Deflate packs ordinary text to a tenth, a page of one sign to a thousandth."""
READ = ("medium", "ghost", "wxr")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, OSError)
_END = b"PK\x05\x06"
OFFICE: Sequence[tuple[re.Pattern[str], str, str]] = tuple(
    (re.compile(pattern), what, way_out)
    for pattern, what, way_out in (
        (r"word/document\.xml", "a Word document (.docx)", "save it as a web page or as plain text and import that"),
        (r"xl/workbook\.(?:xml|bin)", "an Excel workbook (.xlsx)", file_signatures.AS_CSV),
        (r"ppt/presentation\.xml", "a PowerPoint presentation (.pptx)", file_signatures.AS_TEXT),
        (r"visio/document\.xml", "a Visio drawing", file_signatures.NOTHING),
        (r"META-INF/container\.xml", "an e-book (.epub)", file_signatures.UNPACK),
        (
            r"Index/Document\.iwa|index\.apxl|Index\.zip",
            "a Pages, Numbers or Keynote document",
            file_signatures.AS_TEXT,
        ),
        (r"AndroidManifest\.xml", "a program for Android", file_signatures.NOTHING),
        (r"META-INF/MANIFEST\.MF", "a Java program", file_signatures.NOTHING),
        (r"designmap\.xml", "an InDesign document (.idml)", file_signatures.AS_TEXT),
    )
)
_OPEN_DOCUMENT = {
    "text": "a text document (.odt)",
    "spreadsheet": "a spreadsheet (.ods)",
    "presentation": "slides (.odp)",
}
FOREIGN = (
    "this is a ZIP archive that is no export of Medium, Substack, Ghost or WordPress: unpack it and import the folder"
)


class Parse(Protocol):
    """As `formats.Parse`."""

    def __call__(self, stream: BinaryIO, where: str, context: Context) -> Iterator[Item]: ...


def read(stream: BinaryIO, where: str, context: Context, parsers: Mapping[str, Parse]) -> Iterator[Item]:
    """The items of the files that belong to an export; `parsers` are those of its formats. One Failure for an archive
    that is none, is broken or larger than the limits; a Failure of its own for a file in it that is."""
    try:
        archive = _opened(stream)
    except (Unreadable, *_BROKEN) as error:
        yield Failure(where, str(error) if isinstance(error, Unreadable) else f"not a ZIP archive, or broken: {error}")
        return
    files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    if document := _office(archive, files):
        yield Failure(where, document)
        return
    tree = Archive(archive, files)
    lists = [name for name in files if PurePosixPath(name).name == "posts.csv" and tree.is_substack(name)]
    left: Counter[str] = Counter()
    found = bool(lists)
    for name in lists:
        place, below = f"{where}/{name}", tree.below(name.removesuffix("posts.csv"))
        for item in boundary.guard(place, partial(substack.read, below, place, context)):
            yield replace(item, format="substack") if isinstance(item, Document) else item
    inside = tuple(f"{name.removesuffix('posts.csv')}posts/" for name in lists)
    for name in tree.names():
        if name in lists or name.startswith(inside or ("\x00",)):
            continue
        kind = tree.kind(name)
        if kind not in READ:
            left[PurePosixPath(name).suffix.lower() or "no suffix"] += 1
            continue
        found = True
        place = f"{where}/{name}"
        for item in boundary.guard(place, partial(_file, tree, name, parsers[kind], place, context)):
            yield replace(item, format=kind) if isinstance(item, Document) else item
    yield from _rest(where, left) if found else iter([Failure(where, FOREIGN)])


def _rest(where: str, left: Counter[str]) -> Iterator[Item]:
    if left:
        told = ", ".join(f"{count} {suffix}" for suffix, count in left.most_common(10))
        yield Remark(where, f"left out of the archive, as no posts: {told}")


def _file(tree: "Archive", name: str, parse: Parse, where: str, context: Context) -> Iterator[Item]:
    try:
        with tree.open(name) as stream:
            yield from parse(stream, where, context)
    except Unreadable as error:
        yield Failure(where, str(error))
    except _BROKEN as error:
        yield Failure(where, f"broken in the archive: {error}")


def _opened(stream: BinaryIO) -> zipfile.ZipFile:
    """The archive, when its directory is small enough to be read and says nothing that is beyond the limits."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 65_557))
    tail = stream.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + 22:
        raise Unreadable("this is a ZIP archive that breaks off before its end: fetch it again")
    count, directory = struct.unpack("<HI", tail[place + 10 : place + 16])
    if count >= MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise Unreadable(f"an archive of {MAX_ENTRIES} files or more: unpack it and import the folder")
    stream.seek(0)
    archive = zipfile.ZipFile(stream)
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > MAX_TOTAL:
        raise Unreadable(f"it unpacks to more than {MAX_TOTAL >> 30} GB: unpack it and import the folder")
    if sum(info.compress_size for info in infos) > size:
        raise Unreadable("files in the archive overlap one another, which nobody can have meant: not read")
    return archive


def _office(archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo]) -> str | None:
    """What document an archive is, where programs use ZIP as their own format."""
    kind = files.get("mimetype")
    if kind is not None and kind.file_size < 200:
        said = archive.read(kind).decode("ascii", "replace")
        if "opendocument." in said:
            name = said.partition("opendocument.")[2].partition("-")[0].strip()
            way_out = file_signatures.AS_CSV if name == "spreadsheet" else file_signatures.AS_TEXT
            return f"this is {_OPEN_DOCUMENT.get(name, 'an OpenDocument file')}: {way_out}"
    for pattern, what, way_out in OFFICE:
        if any(pattern.fullmatch(name) for name in files):
            return f"this is {what}: {way_out}"
    return None


class Archive:
    """A Tree of the files in an archive, those below `root` of it."""

    def __init__(self, archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo], root: str = "") -> None:
        self._archive, self._files, self._root = archive, files, root

    def below(self, root: str) -> "Archive":
        return Archive(self._archive, self._files, self._root + root)

    def names(self) -> Sequence[str]:
        return sorted(name.removeprefix(self._root) for name in self._files if name.startswith(self._root))

    def read(self, name: str) -> bytes:
        try:
            with self.open(name) as stream:
                return stream.read(MAX_FILE + 1)
        except _BROKEN as error:
            raise Unreadable(f"broken in the archive: {error}") from error

    def open(self, name: str) -> BinaryIO:
        """A stream of a file that may be read again from its beginning. Unreadable where it is beyond the limits."""
        info = self._files.get(self._root + name)
        if info is None:
            raise Unreadable("not in the archive")
        if reason := _refused(info):
            raise Unreadable(reason)
        return self._archive.open(info)  # type: ignore[return-value] # reads and seeks as one

    def is_substack(self, name: str) -> bool:
        folder = self._root + name.removesuffix("posts.csv") + "posts/"
        return any(other.startswith(folder) for other in self._files) and csv_head.is_substack(
            self._head(name).decode("utf-8", "replace")
        )

    def kind(self, name: str) -> str | None:
        """The format of a file that may belong to an export; None for any other."""
        if PurePosixPath(name).suffix.lower() not in (".html", ".htm", ".json", ".xml"):
            return None
        if any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts):
            return None
        try:
            return detect.choose(name, self._head(name))
        except detect.NotText:
            return None

    def _head(self, name: str) -> bytes:
        try:
            with self.open(name) as stream:
                return stream.read(detect.HEAD)
        except (Unreadable, *_BROKEN):
            return b""


def _refused(info: zipfile.ZipInfo) -> str | None:
    """Why a file of an archive is not unpacked."""
    parts = PurePosixPath(info.filename.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts:
        return "its name leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link and no file"
    if info.flag_bits & 0x1:
        return "encrypted: unpack the archive with its password and import the folder"
    if info.compress_type not in _METHODS:
        return "packed in a way that is not read: unpack the archive and import the folder"
    if info.file_size > MAX_FILE:
        return f"larger than {MAX_FILE >> 20} MB"
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return "packed so tightly that nobody can have meant it"
    return None
