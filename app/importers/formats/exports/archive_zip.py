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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from app.importers import boundary
from app.importers.document import Document, Failure, Item, ParseContext, Remark
from app.importers.formats import csv_head, detect, file_signatures
from app.importers.formats.exports import substack
from app.importers.formats.exports.file_tree import MAX_FILE, FileUnreadable

MAX_ENTRIES = 50_000
MAX_DIRECTORY = 16 * 1024 * 1024
MAX_TOTAL = 2 * 1024 * 1024 * 1024
MAX_RATIO, RATIO_FROM = 300, 1024 * 1024
"""Deflate packs ordinary text to a tenth, a page of one sign to a thousandth."""
READ = ("medium", "ghost", "wxr")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, OSError)
_END = b"PK\x05\x06"
_LOCATOR = b"PK\x06\x07"
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


ParseFunction = Callable[[BinaryIO, str, ParseContext], Iterator[Item]]
"""As `registry.FormatParser`."""


def read_archive(
    stream: BinaryIO, where: str, context: ParseContext, parsers: Mapping[str, ParseFunction]
) -> Iterator[Item]:
    """The items of the files that belong to an export; `parsers` are those of its formats. One Failure for an archive
    that is none, is broken or larger than the limits; a Failure of its own for a file in it that is."""
    try:
        archive = _open_archive(stream)
    except (FileUnreadable, *_BROKEN) as error:
        yield Failure(
            where, str(error) if isinstance(error, FileUnreadable) else f"not a ZIP archive, or broken: {error}"
        )
        return
    files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    if document := _explain_office(archive, files):
        yield Failure(where, document)
        return
    tree = ZipTree(archive, files)
    lists = [name for name in files if PurePosixPath(name).name == "posts.csv" and tree.is_substack(name)]
    left_out: Counter[str] = Counter()
    has_export = bool(lists)
    for name in lists:
        member, below = f"{where}/{name}", tree.open_folder(name.removesuffix("posts.csv"))
        for item in boundary.guard(member, partial(substack.read_posts, below, member, context)):
            yield replace(item, format="substack") if isinstance(item, Document) else item
    # What lies in these was read with its list.
    inside = tuple(f"{name.removesuffix('posts.csv')}posts/" for name in lists)
    for name in tree.list_names():
        if name in lists or name.startswith(inside or ("\x00",)):
            continue
        kind = tree.find_format(name)
        if kind not in READ:
            left_out[PurePosixPath(name).suffix.lower() or "no suffix"] += 1
            continue
        has_export = True
        member = f"{where}/{name}"
        for item in boundary.guard(member, partial(_read_file, tree, name, parsers[kind], member, context)):
            yield replace(item, format=kind) if isinstance(item, Document) else item
    yield from _report_left_out(where, left_out) if has_export else iter([Failure(where, FOREIGN)])


def _report_left_out(where: str, left_out: Counter[str]) -> Iterator[Item]:
    if left_out:
        counts_text = ", ".join(f"{count} {suffix}" for suffix, count in left_out.most_common(10))
        yield Remark(where, f"left out of the archive, as no posts: {counts_text}")


def _read_file(tree: "ZipTree", name: str, parse: ParseFunction, where: str, context: ParseContext) -> Iterator[Item]:
    try:
        with tree.open(name) as stream:
            yield from parse(stream, where, context)
    except FileUnreadable as error:
        yield Failure(where, str(error))
    except _BROKEN as error:
        yield Failure(where, f"broken in the archive: {error}")


def _open_archive(stream: BinaryIO) -> zipfile.ZipFile:
    """The archive, when its directory is small enough to be read and says nothing that is beyond the limits."""
    size = stream.seek(0, io.SEEK_END)
    # APPNOTE, section 4.3.16: the end record has 22 bytes, and a comment behind it at most 65,535.
    stream.seek(max(0, size - 65_557))
    tail = stream.read()
    end_offset = tail.rfind(_END)
    if end_offset < 0 or len(tail) < end_offset + 22:
        raise FileUnreadable("this is a ZIP archive that breaks off before its end: fetch it again")
    # Looked at before `zipfile` is, which reads the directory whole. An archive in the form ZIP64 has all ones in both
    # fields, which is beyond the limits as well. But `zipfile` takes the numbers of that form from wherever a locator
    # stands in the 20 bytes before the end record (APPNOTE, section 4.3.15), whatever the end record says.
    if tail[:end_offset][-20:].startswith(_LOCATOR):
        raise FileUnreadable("an archive in the form ZIP64, for very large ones: unpack it and import the folder")
    count, directory = struct.unpack("<HI", tail[end_offset + 10 : end_offset + 16])
    if count >= MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise FileUnreadable(f"an archive of {MAX_ENTRIES} files or more: unpack it and import the folder")
    stream.seek(0)
    archive = zipfile.ZipFile(stream)
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > MAX_TOTAL:
        raise FileUnreadable(f"it unpacks to more than {MAX_TOTAL >> 30} GB: unpack it and import the folder")
    # Entries that share packed bytes multiply them, each within its own ratio.
    if sum(info.compress_size for info in infos) > size:
        raise FileUnreadable("files in the archive overlap one another, which nobody can have meant: not read")
    return archive


def _explain_office(archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo]) -> str | None:
    """What document an archive is, where programs use ZIP as their own format."""
    kind = files.get("mimetype")
    if kind is not None and kind.file_size < 200:
        mimetype = archive.read(kind).decode("ascii", "replace")
        if "opendocument." in mimetype:
            name = mimetype.partition("opendocument.")[2].partition("-")[0].strip()
            way_out = file_signatures.AS_CSV if name == "spreadsheet" else file_signatures.AS_TEXT
            return f"this is {_OPEN_DOCUMENT.get(name, 'an OpenDocument file')}: {way_out}"
    for pattern, what, way_out in OFFICE:
        if any(pattern.fullmatch(name) for name in files):
            return f"this is {what}: {way_out}"
    return None


class ZipTree:
    """A Tree of the files in an archive, those below `root` of it."""

    def __init__(self, archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo], root: str = "") -> None:
        self._archive, self._files, self._root = archive, files, root

    def open_folder(self, root: str) -> "ZipTree":
        return ZipTree(self._archive, self._files, self._root + root)

    def list_names(self) -> Sequence[str]:
        return sorted(name.removeprefix(self._root) for name in self._files if name.startswith(self._root))

    def read(self, name: str) -> bytes:
        try:
            with self.open(name) as stream:
                return stream.read(MAX_FILE + 1)
        except _BROKEN as error:
            raise FileUnreadable(f"broken in the archive: {error}") from error

    def open(self, name: str) -> BinaryIO:
        """A stream of a file that may be read again from its beginning. Unreadable where it is beyond the limits."""
        info = self._files.get(self._root + name)
        if info is None:
            raise FileUnreadable("not in the archive")
        if reason := _explain_refusal(info):
            raise FileUnreadable(reason)
        return self._archive.open(info)  # type: ignore[return-value] # reads and seeks as one

    def is_substack(self, name: str) -> bool:
        folder = self._root + name.removesuffix("posts.csv") + "posts/"
        return any(other.startswith(folder) for other in self._files) and csv_head.is_substack_list(
            self._read_head(name).decode("utf-8", "replace")
        )

    def find_format(self, name: str) -> str | None:
        """The format of a file that may belong to an export; None for any other."""
        if PurePosixPath(name).suffix.lower() not in (".html", ".htm", ".json", ".xml"):
            return None
        if any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts):
            return None
        try:
            return detect.choose_parser(name, self._read_head(name))
        except detect.NotText:
            return None

    def _read_head(self, name: str) -> bytes:
        try:
            with self.open(name) as stream:
                return stream.read(detect.HEAD)
        except (FileUnreadable, *_BROKEN):
            return b""


def _explain_refusal(info: zipfile.ZipInfo) -> str | None:
    """Why a file of an archive is not unpacked."""
    parts = PurePosixPath(info.filename.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts:
        return "its name leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):  # the upper half is the mode of Unix
        return "a link and no file"
    if info.flag_bits & 0x1:  # APPNOTE, section 4.4.4
        return "encrypted: unpack the archive with its password and import the folder"
    if info.compress_type not in _METHODS:
        return "packed in a way that is not read: unpack the archive and import the folder"
    if info.file_size > MAX_FILE:
        return f"larger than {MAX_FILE >> 20} MB"
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return "packed so tightly that nobody can have meant it"
    return None
