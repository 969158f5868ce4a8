"""A sanitised body taken apart into its blocks, and its words: one pass over its tags and texts, whatever their depth.

Never changes anything: a block's HTML stands in the body as it is.
"""

import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from app.articles.html import nesting_depth
from app.articles.html.parser_model import MAX_DEPTH
from app.articles.html.tokenizer import VOID, Token, TokenKind, attributes, tokens

Part = tuple[str, str, str]
"""Type, text and HTML of a block."""


@dataclass(frozen=True, slots=True)
class BodyBlock:
    """One paragraph, heading, list item … of a body. `id` stays while its text and kind stay the same."""

    id: str
    type: str
    text: str
    html: str


_SIMPLE = re.compile(r"<p>([^<]*)</p>\s*")
_TYPES = {
    "p": "paragraph", "li": "list_item", "blockquote": "quote", "pre": "code", "figure": "figure", "img": "image",
    "table": "table", "hr": "separator", "dt": "term", "dd": "definition",
    **dict.fromkeys(("h2", "h3", "h4", "h5", "h6"), "heading"),
}  # fmt: skip
_CONTAINERS = frozenset(("div", "section", "aside", "details", "ul", "ol", "dl", "blockquote", "summary"))
_LEAVES = frozenset(_TYPES) - _CONTAINERS
_OPENS_ITEMS = frozenset(("ul", "ol", "p"))
"""What makes a list item more than one block."""
APART = _CONTAINERS | _LEAVES | frozenset(("br", "wbr", "figcaption", "caption", "tr", "td", "th", "tbody"))
"""Elements before and behind which a word ends."""


def to_text(body: str) -> str:
    """The words of a sanitised body: paragraphs and list items separated by blank lines."""
    return "\n\n".join(text for _, text, _ in _parts(body) if text)


def blocks(body: str) -> list[BodyBlock]:
    """The body's blocks in reading order, nothing twice: a list or quotation is taken apart into its own blocks."""
    seen: dict[str, int] = {}
    result = []
    for kind, text, markup in _parts(body):
        # By its text and not by its place: a block keeps its id when others come before it.
        digest = hashlib.blake2b(f"{kind}\0{text or markup}".encode(), digest_size=6).hexdigest()
        seen[digest] = seen.get(digest, 0) + 1
        result.append(BodyBlock(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}", kind, text, markup))
    return result


def _parts(body: str) -> list[Part]:
    simple = _simple_paragraphs(body)
    if simple:
        return simple
    for shown in (str, nesting_depth.flatten):
        with suppress(_TooDeep):
            return _Reader(shown(body)).read()
    return _Reader(nesting_depth.to_words(body)).read()


def _simple_paragraphs(body: str) -> list[Part]:
    """All of a body of plain paragraphs, as most archives have; nothing of any other."""
    parts: list[Part] = []
    end = 0
    for paragraph in _SIMPLE.finditer(body):
        if paragraph.start() != end:
            return []
        text, end = paragraph[1], paragraph.end()
        parts.append(("paragraph", html.unescape(text).strip(), f"<p>{text}</p>"))
    return parts if end == len(body) else []


class _TooDeep(Exception):
    """The body was saved when nothing bounded its depth."""


class _Reader:
    """Reads one body once. What is open is a pile of containers, and upon it one leaf or a run of loose text, with
    whatever stands in that."""

    def __init__(self, body: str) -> None:
        self._body = body
        self._parts: list[Part] = []
        self._items = _find_compound_items(body)
        self._containers: list[str] = []
        self._inside: list[str] = []  # what is open in the leaf or the run
        self._leaf: str | None = None
        self._start: int | None = None
        self._words: list[str] = []
        self._row: list[str] = []
        self._rows: list[str] = []
        self._tables = 0

    def read(self) -> list[Part]:
        for token in tokens(self._body):
            if token.kind is TokenKind.TEXT:
                self._text(token)
            elif token.kind is TokenKind.OPEN:
                self._open(token)
            elif token.kind is TokenKind.CLOSE:
                self._close(token)
        self._end(len(self._body))
        return self._parts

    def _text(self, token: Token) -> None:
        text = self._body[token.start : token.end]
        if self._start is None:
            self._start = token.start
        self._words.append(html.unescape(text) if "&" in text else text)

    def _open(self, token: Token) -> None:
        name = token.name
        if self._inside:
            self._open_inside(name)
            return
        is_container = name in _CONTAINERS or (name == "li" and token.start in self._items)
        if is_container or name in _LEAVES:
            self._end(token.start)
        if is_container:
            self._containers.append(name)
            self._check_depth()
        elif name in ("hr", "img"):
            self._single(token)
        else:
            self._begin(token)

    def _single(self, token: Token) -> None:
        """A picture, or a line between two parts."""
        alt = dict(attributes(self._body, token)).get("alt", "") if token.name == "img" else ""
        written = self._body[token.start : token.end]
        self._parts.append((_TYPES[token.name], html.unescape(alt).strip(), written))

    def _begin(self, token: Token) -> None:
        if self._start is None:
            self._start = token.start
        if token.name in _LEAVES:
            self._leaf = token.name
            self._tables += token.name == "table"
        elif token.name in APART:
            self._words.append(" ")
        if token.name not in VOID:
            self._inside.append(token.name)

    def _check_depth(self) -> None:
        if len(self._containers) + len(self._inside) > 2 * MAX_DEPTH:
            raise _TooDeep

    def _open_inside(self, name: str) -> None:
        if name in APART:
            self._words.append("\n" if name == "br" and self._leaf == "pre" else " ")
        if name not in VOID:
            self._inside.append(name)
            self._check_depth()
            self._tables += name == "table"
            if name == "tr" and self._leaf == "table" and self._tables == 1:
                self._end_row()

    def _close(self, token: Token) -> None:
        name = token.name
        if name in self._inside:
            while self._inside:
                last = self._inside.pop()
                self._close_inside(last)
                if last == name:
                    break
            if not self._inside and self._leaf is not None:
                self._end(token.end)
        elif name in self._containers:
            self._end(token.start)
            while self._containers.pop() != name:
                pass

    def _close_inside(self, name: str) -> None:
        if self._leaf == "table" and self._tables == 1 and name in ("td", "th", "caption"):
            self._row.append(_tidy("".join(self._words)))
            self._words = []
            if name == "caption":
                self._end_row()
        elif name in APART and (self._inside or self._leaf is None):
            self._words.append(" ")
        self._tables -= name == "table"

    def _end_row(self) -> None:
        loose = _tidy("".join(self._words))
        if self._row or loose:
            self._rows.append(" | ".join([*self._row, *([loose] if loose else [])]))
        self._row, self._words = [], []

    def _end(self, position: int) -> None:
        """The leaf or the run of loose text that ends there, if there is one."""
        if self._start is None:
            return
        written = self._body[self._start : position]
        if self._leaf is not None:
            self._parts.append((_TYPES[self._leaf], self._leaf_text(), written))
        elif text := _tidy("".join(self._words)):
            kind = _TYPES.get(self._containers[-1], "paragraph") if self._containers else "paragraph"
            around = "blockquote" if kind == "quote" else "p"
            self._parts.append((kind, text, f"<{around}>{written.strip()}</{around}>"))
        self._start, self._leaf, self._words, self._rows, self._tables = None, None, [], [], 0
        self._inside = []

    def _leaf_text(self) -> str:
        if self._leaf == "table":
            self._end_row()
            return "\n".join(self._rows).strip()
        text = "".join(self._words)
        return text.strip() if self._leaf == "pre" else _tidy(text)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _find_compound_items(body: str) -> frozenset[int]:
    """Where list items begin that hold more than one block: paragraphs, or lists of their own."""
    if "<li" not in body:
        return frozenset()
    positions: set[int] = set()
    opened: list[tuple[str, int]] = []
    count: Counter[str] = Counter()
    for name, start, closes in _tags(body):
        if not closes:
            if name in _OPENS_ITEMS and opened and opened[-1][1] >= 0:
                positions.add(opened[-1][1])
            # What stands within an item belongs to it, up to the item within.
            inner = opened[-1][1] if opened else -1
            opened.append((name, start if name == "li" else inner))
            count[name] += 1
        elif count[name]:
            while opened:
                last, at = opened.pop()
                count[last] -= 1
                if last == "li" and at in positions and opened and opened[-1][1] >= 0:
                    positions.add(opened[-1][1])
                if last == name:
                    break
    return frozenset(positions)


def _tags(body: str) -> Iterator[tuple[str, int, bool]]:
    for token in tokens(body):
        if token.kind in (TokenKind.OPEN, TokenKind.CLOSE) and token.name not in VOID:
            yield token.name, token.start, token.kind is TokenKind.CLOSE
