"""Which parser a file needs, told from its first bytes, and from its name where they do not say.

Never opens a file: the caller reads its head, a few kilobytes of which are enough.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

from app.importers.clean import decode

Format = Literal["text", "markdown", "ndjson", "feed", "wxr", "wordpress", "html", "ninjs"]

SUFFIXES: Mapping[str, Format] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), "markdown"),
    **dict.fromkeys((".ndjson", ".jsonl", ".json", ".ldjson"), "ndjson"),
    **dict.fromkeys((".txt", ".text"), "text"),
    **dict.fromkeys((".xml", ".rss", ".atom", ".rdf"), "feed"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
}
_FEED = re.compile(
    r"\s*(?:<\?(?:(?!\?>).)*\?>\s*|<!--(?:(?!-->).)*-->\s*|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>\s*)*"
    r"<(?:[\w.-]+:)?(?:rss|rdf|feed|channel)\b",
    re.IGNORECASE | re.DOTALL,
)
_JSON_FEED = re.compile(r"\"version\"\s*:\s*\"https?:(?:\\?/){2}(?:www\.)?jsonfeed\.org\\?/version")
_JSON = re.compile(r"\s*(?:\{\s*(?:\"|\}|$)|\[\s*(?:\{|\]|$))")
_NINJS = re.compile(
    r'"(?:version|content|first)created"|"pubstatus"|"representationtype"|"headlines"|"bodies"|"digitalsourcetype"|'
    r'"body_(?:x?html|html5|text)"|"eventdetails"|"\$?standard"\s*:\s*(?:\{\s*"name"\s*:\s*)?"[^"]*ninjs',
    re.IGNORECASE,
)
_URI = re.compile(r'"uri"\s*:\s*"')
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_WXR = re.compile(r"<rss\b[^>]{0,2000}xmlns:wp=[\"']https?://wordpress\.org/export/")
_WORDPRESS = re.compile(
    r"\s*\[?\s*\{\s*\"id\"\s*:\s*\d+\s*,\s*\"date\"\s*:[^,]{1,40},\s*\"date_gmt\"\s*:[^,]{1,40},\s*\"guid\"\s*:\s*\{\s*\"rendered\""
)
_FRONT_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*\n(?:#[^\n]*\n|[ \t]*\n)*[\w\"'-]+[ \t]*[:=]")
_MARKDOWN = re.compile(r"\A\s*#{1,6} \S|^#{2,6} \S|\[[^\[\]\n]+\]\([^()\s]+\)|^```|^\S[^\n]*\n=+$", re.MULTILINE)


def detect(name: str, head: bytes) -> Format:
    """XML, JSON and front matter are told by their looks, the rest by the suffix, then by headings and links."""
    text = decode(head)[0].replace("\r\n", "\n")
    if text.lstrip()[:1] == "<" and _WXR.search(text):
        return "wxr"
    if _FEED.match(text) or (text.lstrip()[:1] == "{" and _JSON_FEED.search(text)):
        return "feed"
    if _JSON.match(text):
        return _json(text)
    if _HTML.match(text):
        return "html"
    if _FRONT_MATTER.match(text):
        return "markdown"
    suffix = SUFFIXES.get(PurePath(name.lower()).suffix)
    if suffix:
        return suffix
    return "markdown" if _MARKDOWN.search(text) else "text"


def _json(text: str) -> Format:
    if _WORDPRESS.match(text):
        return "wordpress"
    return "ninjs" if _URI.search(text) and _NINJS.search(text) else "ndjson"
