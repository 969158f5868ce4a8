"""Which parser a file needs, told from its first bytes, and from its name where they do not say.

Never opens a file: the caller reads its head, a few kilobytes of which are enough.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

from app.importers.clean import decode

Format = Literal["text", "markdown", "ndjson"]

SUFFIXES: Mapping[str, Format] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), "markdown"),
    **dict.fromkeys((".ndjson", ".jsonl", ".json", ".ldjson"), "ndjson"),
    **dict.fromkeys((".txt", ".text"), "text"),
}
_JSON = re.compile(r"\s*(?:\{\s*(?:\"|\}|$)|\[\s*(?:\{|\]|$))")
_FRONT_MATTER = re.compile(r"(?:---|\+\+\+)[ \t]*\n(?:#[^\n]*\n|[ \t]*\n)*[\w\"'-]+[ \t]*[:=]")
_MARKDOWN = re.compile(r"\A\s*#{1,6} \S|^#{2,6} \S|\[[^\[\]\n]+\]\([^()\s]+\)|^```|^\S[^\n]*\n=+$", re.MULTILINE)


def detect(name: str, head: bytes) -> Format:
    """JSON and front matter are told by their looks, the rest by the suffix, then by headings and links."""
    text = decode(head)[0].replace("\r\n", "\n")
    if _JSON.match(text):
        return "ndjson"
    if _FRONT_MATTER.match(text):
        return "markdown"
    suffix = SUFFIXES.get(PurePath(name.lower()).suffix)
    if suffix:
        return suffix
    return "markdown" if _MARKDOWN.search(text) else "text"
