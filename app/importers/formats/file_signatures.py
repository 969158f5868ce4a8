"""What files that are no text begin with, by name, and what a person can do about each. Pure tables and one look.

Never says what a text is: that is told in `detect`. Sources: file(1)'s public magic lists, the formats' own
specifications (PDF 32000, ECMA-376, RFC 1952, RFC 5322, RFC 4155, ISO 14496-12).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

AS_TEXT = "save its text as .txt, .md or .html and import that"
AS_CSV = "save the table as CSV with a line of names first and import that"
UNPACK = "unpack it and import what is in it"
NO_MEDIA = "it is no article, but may be shown by one, which names it by its address"
AS_EXPORT = "export the articles from the system that it belongs to, as NDJSON, CSV or a feed"
MAIL = "save the text of each message as .txt or .html and import that"
NOTHING = "it holds no article"
SCRIPT = "a script"


class Signature(NamedTuple):
    """`what` follows "this is"; `way_out` is what to do instead."""

    start: bytes
    what: str
    way_out: str
    offset: int = 0


SIGNATURES: Sequence[Signature] = (
    Signature(b"%PDF-", "a PDF document", AS_TEXT),
    Signature(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Word, Excel, PowerPoint or Outlook file of the old kind", AS_TEXT
    ),
    Signature(b"{\\rtf", "an RTF document", AS_TEXT),
    Signature(b"%!PS", "a PostScript document", AS_TEXT),
    Signature(b"AT&TFORM", "a DjVu document", AS_TEXT),
    Signature(b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5", "an InDesign document", AS_TEXT),
    Signature(b"BOOKMOBI", "a Mobipocket book", AS_TEXT, 60),
    Signature(b"\x89PNG\r\n\x1a\n", "a PNG picture", NO_MEDIA),
    Signature(b"\xff\xd8\xff", "a JPEG picture", NO_MEDIA),
    Signature(b"GIF87a", "a GIF picture", NO_MEDIA),
    Signature(b"GIF89a", "a GIF picture", NO_MEDIA),
    Signature(b"II*\x00", "a TIFF picture", NO_MEDIA),
    Signature(b"MM\x00*", "a TIFF picture", NO_MEDIA),
    Signature(b"8BPS", "a Photoshop picture", NO_MEDIA),
    Signature(b"\x00\x00\x01\x00", "an icon", NO_MEDIA),
    Signature(b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", NO_MEDIA),
    Signature(b"\xff\x0a", "a JPEG XL picture", NO_MEDIA),
    Signature(b"WEBP", "a WebP picture", NO_MEDIA, 8),
    Signature(b"WAVE", "a WAV recording", NO_MEDIA, 8),
    Signature(b"AVI ", "an AVI film", NO_MEDIA, 8),
    Signature(b"ftypavif", "an AVIF picture", NO_MEDIA, 4),
    Signature(b"ftyphei", "an HEIC picture", NO_MEDIA, 4),
    Signature(b"ftypM4A", "an M4A recording", NO_MEDIA, 4),
    Signature(b"ftyp", "an MP4 or QuickTime film", NO_MEDIA, 4),
    Signature(b"moov", "a QuickTime film", NO_MEDIA, 4),
    Signature(b"\x1aE\xdf\xa3", "a Matroska or WebM film", NO_MEDIA),
    Signature(b"OggS", "an Ogg recording or film", NO_MEDIA),
    Signature(b"fLaC", "a FLAC recording", NO_MEDIA),
    Signature(b"ID3", "an MP3 recording", NO_MEDIA),
    Signature(b"\xff\xfb", "an MP3 recording", NO_MEDIA),
    Signature(b"\xff\xf3", "an MP3 recording", NO_MEDIA),
    Signature(b"\xff\xf1", "an AAC recording", NO_MEDIA),
    Signature(b"FORM", "an AIFF recording", NO_MEDIA),
    Signature(b"FLV\x01", "a Flash film", NO_MEDIA),
    Signature(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media film", NO_MEDIA),
    Signature(b"\x00\x00\x01\xba", "an MPEG film", NO_MEDIA),
    Signature(b"\x00\x00\x01\xb3", "an MPEG film", NO_MEDIA),
    Signature(b"wOFF", "a font", NO_MEDIA),
    Signature(b"wOF2", "a font", NO_MEDIA),
    Signature(b"OTTO", "a font", NO_MEDIA),
    Signature(b"ttcf", "a font", NO_MEDIA),
    Signature(b"\x00\x01\x00\x00\x00", "a font", NO_MEDIA),
    Signature(b"\x7fELF", "a program (ELF)", NOTHING),
    Signature(b"MZ", "a program for Windows", NOTHING),
    Signature(b"\xcf\xfa\xed\xfe", "a program for macOS", NOTHING),
    Signature(b"\xce\xfa\xed\xfe", "a program for macOS", NOTHING),
    Signature(b"\xca\xfe\xba\xbe", "a Java class or a program for macOS", NOTHING),
    Signature(b"\x00asm", "a WebAssembly program", NOTHING),
    Signature(b"SQLite format 3\x00", "a SQLite database", AS_EXPORT),
    Signature(b"\x00\x01\x00\x00Standard ", "an Access database", AS_EXPORT),
    Signature(b"PGDMP", "a PostgreSQL dump", AS_EXPORT),
    Signature(b"-- MySQL dump", "a MySQL dump", AS_EXPORT),
    Signature(b"-- MariaDB dump", "a MariaDB dump", AS_EXPORT),
    Signature(b"-- phpMyAdmin SQL Dump", "an SQL dump", AS_EXPORT),
    Signature(b"--\n-- PostgreSQL database dump", "a PostgreSQL dump", AS_EXPORT),
    Signature(b"PAR1", "a Parquet table", AS_CSV),
    Signature(b"ORC", "an ORC table", AS_CSV),
    Signature(b"Obj\x01", "an Avro table", AS_CSV),
    Signature(b"ARROW1", "an Arrow table", AS_CSV),
    Signature(b"FEA1", "a Feather table", AS_CSV),
    Signature(b"\x89HDF\r\n\x1a\n", "an HDF5 file", AS_CSV),
    Signature(b"\x93NUMPY", "a NumPy array", AS_CSV),
    Signature(b"bplist00", "a binary property list or web archive", AS_TEXT),
    Signature(b"\x1f\x8b", "a gzip archive", UNPACK),
    Signature(b"BZh", "a bzip2 archive", UNPACK),
    Signature(b"\xfd7zXZ\x00", "an xz archive", UNPACK),
    Signature(b"\x28\xb5\x2f\xfd", "a Zstandard archive", UNPACK),
    Signature(b"\x04\x22\x4d\x18", "an LZ4 archive", UNPACK),
    Signature(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    Signature(b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    Signature(b"MSCF\x00\x00\x00\x00", "a cabinet archive", UNPACK),
    Signature(b"!<arch>\n", "an ar archive", UNPACK),
    Signature(b"ustar", "a tar archive", UNPACK, 257),
    Signature(b"!BDN", "an Outlook mailbox", MAIL),
    Signature(b"\x78\x9f\x3e\x22", "an Outlook message", MAIL),
    Signature(b"BEGIN:VCALENDAR", "a calendar", NOTHING),
    Signature(b"BEGIN:VCARD", "an address book", NOTHING),
)
"""The first that fits counts. Those that are words in some language (`ONLY_BINARY`) count only in what is binary."""

ONLY_BINARY = frozenset(
    (
        *(b"MZ", b"ID3", b"ORC", b"FORM", b"BZh", b"PAR1", b"ARROW1", b"FEA1", b"OggS", b"OTTO", b"WEBP", b"WAVE"),
        *(b"AVI ", b"ftyp", b"moov", b"BOOKMOBI", b"ttcf", b"8BPS", b"PGDMP", b"fLaC", b"wOFF", b"wOF2", b"bplist00"),
    )
)
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_MBOX = re.compile(rb"From \S{1,200} [^\n]{0,40}\d\d:\d\d[^\n]{0,30}\r?\n(?:>?[A-Za-z][\w-]{1,60}:)")
_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]{1,60}):[^\n]*\n(?:[ \t][^\n]*\n)*")
_POSTED = frozenset((b"message-id", b"received", b"return-path", b"mime-version", b"delivered-to", b"dkim-signature"))
_MOVABLE_TYPE = re.compile(r"\s*+(?:[A-Z][A-Z ]{1,30}+:[^\n]*+\n){2,}+-{5}\n(?:[A-Z][A-Z ]{1,30}+:|-{8}\n)")
"""Entries with drafts among them, each with its comments and the addresses of those who wrote them."""
_SCRIPT = re.compile(rb"#![ \t]*/[^\n]{1,200}\n")
_SOME_XML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>\s*)*<([A-Za-z_][\w.:-]*)",
    re.DOTALL,
)
_PICTURES = {"svg": ("an SVG picture", NO_MEDIA), "plist": ("a property list", NOTHING)}


def find_signature(head: bytes, *, binary: bool) -> Signature | None:
    """The signature that a head bears; `binary` says that its bytes are no text."""
    if b"%PDF-" in head[:1024] and (binary or head.lstrip()[:5] == b"%PDF-"):
        return SIGNATURES[0]  # readers allow some bytes before it
    for one in SIGNATURES:
        if head.startswith(one.start, one.offset) and (binary or one.start not in ONLY_BINARY):
            return one
    return None


def is_zip(head: bytes) -> bool:
    return head.startswith(ZIP)


def find_text_signature(head: bytes, text: str) -> Signature | None:
    """What a text is that holds no article, whatever it is called: mail, a script, a drawing."""
    root = find_xml_root(text)
    if _MOVABLE_TYPE.match(text):
        return Signature(b"", "an export of Movable Type", AS_EXPORT)
    return find_mail(head) or find_script(head) or (find_picture(root) if root else None)


def find_mail(head: bytes) -> Signature | None:
    """A mailbox, or one message with what only mail programs write into its head."""
    if _MBOX.match(head):
        return Signature(b"", "a mailbox (mbox)", MAIL)
    names: set[bytes] = set()
    start = len(head) - len(head.lstrip())
    # The head of a message, line by line: RFC 5322, section 2.2, with lines that are folded (2.2.3).
    while len(names) < 100 and (field := _FIELD.match(head, start)):
        names.add(field[1].lower())
        start = field.end()
    if len(names & _POSTED) > 1 or (names & _POSTED and {b"from", b"subject", b"date"} & names and len(names) > 2):
        return Signature(b"", "an e-mail message", MAIL)
    return None


def find_script(head: bytes) -> Signature | None:
    return Signature(b"", SCRIPT, NOTHING) if _SCRIPT.match(head) else None


def find_xml_root(text: str) -> str | None:
    """The name of the first element of what is XML and not HTML; None for anything else."""
    if text.lstrip()[:5].lower() != "<?xml" and not re.match(r"\s*<svg\b", text):
        return None
    matched = _SOME_XML.match(text)
    return matched[1] if matched else None


def find_picture(root: str) -> Signature | None:
    picture_type = _PICTURES.get(root.rpartition(":")[2].lower())
    return Signature(b"", *picture_type) if picture_type else None
