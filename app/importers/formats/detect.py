"""Which parser a file needs, told from its first bytes, and from its name where they do not say; and what is refused.

The one place where that is decided for files, folders, standard input, addresses and bodies of requests alike. What is
not surely text is refused by name, with what to do instead. Never opens a file: the caller reads its head.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

from app.importers.formats import csv_head, file_signatures, unsupported
from app.importers.text_parts.clean import NOTE_BYTES, decode

Format = Literal[
    "text",
    "markdown",
    "ndjson",
    "csv",
    "feed",
    "wxr",
    "wordpress",
    "html",
    "ninjs",
    "jsonld",
    "nitf",
    "newsml",
    "ghost",
    "medium",
    "substack",
    "zip",
]
HEAD = 65_536
"""Bytes of a file that are enough to tell."""

SUFFIXES: Mapping[str, Format] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), "markdown"),
    **dict.fromkeys((".ndjson", ".jsonl", ".json", ".ldjson"), "ndjson"),
    **dict.fromkeys((".txt", ".text"), "text"),
    **dict.fromkeys((".xml", ".rss", ".atom", ".rdf"), "feed"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    ".nitf": "nitf",
    ".jsonld": "jsonld",
    ".zip": "zip",
}
_ROOT = re.compile(
    r"\s*(?:<\?(?:(?!\?>).)*\?>\s*|<!--(?:(?!-->).)*-->\s*|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>\s*)*"
    r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)",
    re.IGNORECASE | re.DOTALL,
)
_FEEDS = frozenset(("rss", "rdf", "feed", "channel"))
_NEWSML = frozenset(
    ("newsitem", "packageitem", "newsmessage", "conceptitem", "knowledgeitem", "planningitem", "catalogitem")
)
_GHOST = re.compile(
    r"\s*\{\s*(?:\"db\"\s*:\s*\[\s*\{\s*\"(?:meta|data)\"\s*:\s*\{|\"meta\"\s*:\s*\{[^{}]{0,500}\"exported_on\"\s*:)"
)
_MEDIUM = re.compile(r"<section\b[^>]{0,200}data-field=\"body\"[^>]{0,200}class=\"[^\"]{0,100}\be-content\b")
_JSON_FEED = re.compile(r"\"version\"\s*:\s*\"https?:(?:\\?/){2}(?:www\.)?jsonfeed\.org\\?/version")
_JSON = re.compile(r"\s*(?:\{\s*(?:\"|\}|$)|\[\s*(?:\{|\]|$))")
_NINJS = re.compile(
    r'"(?:version|content|first)created"|"pubstatus"|"representationtype"|"headlines"|"bodies"|"digitalsourcetype"|'
    r'"body_(?:x?html|html5|text)"|"eventdetails"|"\$?standard"\s*:\s*(?:\{\s*"name"\s*:\s*)?"[^"]*ninjs',
    re.IGNORECASE,
)
# At the outermost level: records of other formats carry what a page says of itself.
_JSON_LD = re.compile(
    r"\s*+\[?\s*+\{\s*(?:\"@(?:type|id)\"\s*:\s*(?:\"[^\"]*\"|\[[^\]]*\])\s*,\s*)*\"@(?:context|graph)\"\s*:"
)
_SCHEMA_ORG = re.compile(r"https?:(?:\\?/){2}(?:www\.)?schema\.org\b")
_URI = re.compile(r'"uri"\s*:\s*"')
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_WXR = re.compile(r"<rss\b[^>]{0,2000}xmlns:wp=[\"']https?://wordpress\.org/export/")
_WORDPRESS = re.compile(
    r"\s*+\[?\s*+\{\s*\"id\"\s*:\s*\d+\s*,\s*\"date\"\s*:[^,]{1,40},\s*\"date_gmt\"\s*:[^,]{1,40},\s*\"guid\"\s*:\s*\{\s*\"rendered\""
)
_FRONT_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*\n(?:#[^\n]*\n|[ \t]*\n)*[\w\"'-]+[ \t]*[:=]")
_JSON_FRONT_MATTER = re.compile(r"\{[ \t]*\n[ \t]*\"")
_MARKDOWN = re.compile(r"\A\s*#{1,6} \S|^#{2,6} \S|\[[^\[\]\n]+\]\([^()\s]+\)|^```|^\S[^\n]*\n=+$", re.MULTILINE)


_NUL, _MARKS_16, _MARKS_32 = b"\x00", (b"\xff\xfe", b"\xfe\xff"), (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
# "<" in UTF-16 of either order and in UTF-32, and "<?xm" in EBCDIC: XML 1.0, appendix F.
_XML_WIDE = (b"<\x00", b"\x00<", b"\x00\x00\x00<", b"Lo\xa7\x94")
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\x00\t\n\v\f\r\x1b") + b"\x7f"
_NO_CHARACTERS = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that mean nothing in Windows-1252, in which text is read that is no UTF-8."""
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_BEYOND_SPACES = re.compile(rb"[\xa1-\xff]{4,}")
_WESTERN_SIGNS = bytes(range(0xA1, 0xC0)) + b"\xd7\xf7"
"""What is no letter in Windows-1252: `·`, `»`, `¯`, `×`."""
_DECLARED = re.compile(rb"\bcharset\s*=|\bencoding\s*=", re.IGNORECASE)
FEW, SHARE, SHARE_OF_MARKED = 4, 0.02, 0.01
"""Control characters, and bytes without a meaning, that a text may have: so many, or this share of it. Of NULs text
may have none, unless it is XML, HTML or JSON, which have a form of their own and survive a damaged file."""


class NotText(Exception):
    """The file is none of what is read here; the text says what it is, and what to do instead. `is_asset`: it is what
    articles show, a picture, film or font. `is_part`: it is text that belongs to a site or program."""

    def __init__(self, reason: str, *, is_asset: bool = False, is_part: bool = False) -> None:
        super().__init__(reason)
        self.is_asset, self.is_part = is_asset, is_part


def choose_parser(name: str, head: bytes, kind: str | None = None, charset: str | None = None) -> str:
    """The parser for a file: `kind` where somebody named it, else as `detect_format`. NotText for what no parser reads,
    named or not; `charset` is what came with the file and says how its bytes are to be read."""
    if file_signatures.is_zip(head):
        return "zip"
    decoded, notes = decode(head)
    text = decoded.replace("\r\n", "\n")
    binary = _explain_unreadable(head, text, charset, is_utf8=NOTE_BYTES not in notes)
    signature = file_signatures.find_signature(head, binary=binary is not None) or (
        None if binary else file_signatures.find_text_signature(head, text)
    )
    if signature:
        raise NotText(
            f"this is {signature.what}: {signature.way_out}",
            is_asset=signature.way_out == file_signatures.NO_MEDIA,
            is_part=signature.what == file_signatures.SCRIPT,
        )
    if reason := binary or (unsupported.explain_refusal(text) if kind is None else None):
        raise NotText(reason)
    chosen = kind or detect_format(name, head)
    if kind is None and chosen in ("text", "markdown") and (root := file_signatures.find_xml_root(text)):
        raise NotText(f"this is XML that begins with <{root}>, which is no format that is read here", is_part=True)
    return chosen


def _explain_unreadable(head: bytes, text: str, charset: str | None, *, is_utf8: bool) -> str | None:
    marked = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{", b"["))
    if head.startswith(_XML_WIDE) or (head.startswith(_MARKS_16) and not head.startswith(_MARKS_32)):
        return None
    if head.startswith(_MARKS_32):
        return None if b"<" in head[4:8] else "this is UTF-32, which is not read: save it as UTF-8"
    # Latin text in UTF-16 has a NUL in every second byte, all of them on one side.
    nuls, controls = head.count(_NUL), len(head) - len(head.translate(None, _CONTROLS))
    if nuls and 0.4 < nuls / len(head) < 0.6 and nuls in (head[::2].count(_NUL), head[1::2].count(_NUL)):
        return "this looks like UTF-16 without a byte order mark: save it as UTF-8"
    if nuls > (max(FEW, SHARE_OF_MARKED * len(head)) if marked else 0):
        return "this is binary data and no text (it has NUL bytes)"
    if controls >= FEW and controls > SHARE * len(head):
        return "this is binary data and no text (it is full of control characters)"
    if is_utf8 or charset or _DECLARED.search(head[:8_192]):
        return None
    beyond = len(head) - len(head.translate(None, _BEYOND_ASCII))
    if beyond and 2 * sum(len(run) for run in _BEYOND_SPACES.findall(head) if _is_foreign_word(run)) > beyond:
        return "its letters are neither UTF-8 nor Windows-1252 (Windows-1251, perhaps, or KOI8-R): save it as UTF-8"
    if "\ufffd" not in text:
        return None
    lost = len(head) - len(head.translate(None, _NO_CHARACTERS))
    if lost >= FEW and lost > SHARE * len(head):
        return "its characters are neither UTF-8 nor Windows-1252: save it as UTF-8"
    return None


def _is_foreign_word(run: bytes) -> bool:
    """Whether bytes beyond ASCII are a word of letters beyond ASCII alone, which no language has that is written in
    Windows-1252; unlike a line of dots or arrows. Of the bytes of a text in Japanese a third are letters there."""
    letters = run.translate(None, _WESTERN_SIGNS)
    return len(set(letters)) > 1 and 5 * len(letters) > len(run)


def detect_format(name: str, head: bytes) -> Format:
    """XML, JSON and front matter are told by their looks, the rest by the suffix, then by headings and links."""
    text = decode(head)[0].replace("\r\n", "\n")
    if file_signatures.is_zip(head):
        return "zip"
    if text.lstrip()[:1] == "<" and (marked := _detect_markup(text)):
        return marked
    if text.lstrip()[:1] == "{" and _JSON_FEED.search(text):
        return "feed"
    suffix = SUFFIXES.get(PurePath(name.lower()).suffix)
    if suffix == "markdown" and _JSON_FRONT_MATTER.match(text):
        return "markdown"
    if _JSON.match(text):
        return _detect_json(text)
    if _FRONT_MATTER.match(text):
        return "markdown"
    if csv_head.is_substack_list(text):
        return "substack"
    if suffix:
        return suffix
    if csv_head.is_table(text):
        return "csv"
    return "markdown" if _MARKDOWN.search(text) else "text"


def _detect_markup(text: str) -> Format | None:
    """The format of XML and HTML, by the first element."""
    if _WXR.search(text):
        return "wxr"
    root = matched[1].lower() if (matched := _ROOT.match(text)) else ""
    if root in _FEEDS:
        return "feed"
    if root == "nitf":
        return "nitf"
    if root in _NEWSML:
        return "newsml"
    if _HTML.match(text):
        return "medium" if _MEDIUM.search(text) and "h-entry" in text else "html"
    return None


def _detect_json(text: str) -> Format:
    if _GHOST.match(text):
        return "ghost"
    if _WORDPRESS.match(text):
        return "wordpress"
    if _JSON_LD.match(text) and _SCHEMA_ORG.search(text):
        return "jsonld"
    return "ninjs" if _URI.search(text) and _NINJS.search(text) else "ndjson"
