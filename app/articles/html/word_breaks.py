"""Breaks between words where the sanitiser removes the tags of a block: `one<center>two</center>` is no `onetwo`. Pure;
one pass over the tags, and none over a text without such blocks.
"""

import re

from app.articles.html.blocks import APART
from app.articles.html.tokenizer import TokenKind, tokens

_UNWRAPPED = frozenset((
    "address", "article", "audio", "button", "canvas", "center", "dialog", "dir", "fieldset", "footer", "form",
    "frameset", "header", "hgroup", "legend", "listing", "main", "marquee", "menu", "nav", "noembed", "noframes",
    "object", "optgroup", "option", "search", "select", "textarea", "title", "video", "xmp",
))  # fmt: skip
"""Blocks and boxes that no body keeps."""
_CELLS = frozenset(("caption", "td", "th", "tr"))
"""Parts of tables, of which no tag is left outside a table."""
_KEPT = (APART | {"h1", "thead", "tfoot"}) - {"img", "wbr"}
# The letters first: of most tags, such as `<p`, no name needs to be tried.
_ANY = re.compile(rf"<(?=[abcdfhlmnostvx])(?:{'|'.join(sorted(_UNWRAPPED))})[\s/>]", re.IGNORECASE)
_PART = re.compile(r"<(?:caption|t[dhr])[\s/>]", re.IGNORECASE)
_TABLES = re.compile(r"<(?:(?P<table>/?table)|caption|t[dhr])[\s/>]", re.IGNORECASE)
_HOLDS_TEXT = frozenset(("noembed", "noframes", "textarea", "title", "xmp"))
BREAK = "\n\n"
"""Text without any tag that is kept is parted into paragraphs by it."""


def add_breaks(content: str) -> str:
    """The HTML with a break wherever words beside a tag would become one; the same string where none would."""
    if _ANY.search(content) is None and not (_PART.search(content) and _has_loose_cells(content)):
        return content
    pieces: list[str] = []
    place = -1  # where a break stands if a word follows
    is_word = False  # whether a word ends right before
    depth = 0
    for token in tokens(content):
        written = content[token.start : token.end]
        if token.kind is TokenKind.TEXT:
            if place >= 0 and not written[0].isspace():
                pieces[place] = BREAK
            place, is_word = -1, not written[-1].isspace()
        elif token.kind is not TokenKind.COMMENT:
            name = token.name
            depth = max(0, depth + (name == "table") * (1 if token.kind is TokenKind.OPEN else -1))
            if name in _UNWRAPPED or (name in _CELLS and depth == 0):
                if is_word and place < 0:
                    place = len(pieces)
                    pieces.append("")
                if token.kind is TokenKind.RAW and name in _HOLDS_TEXT:
                    if place >= 0:
                        pieces[place] = BREAK
                    pieces += [written, ""]
                    place, is_word = len(pieces) - 1, True
                    continue
            elif name in _KEPT:
                place, is_word = -1, False
        pieces.append(written)
    return "".join(pieces)


def _has_loose_cells(content: str) -> bool:
    depth = 0
    for match in _TABLES.finditer(content):
        table = match["table"]
        if table is None and depth == 0:
            return True
        if table is not None:
            depth = max(0, depth + (-1 if table[0] == "/" else 1))
    return False
