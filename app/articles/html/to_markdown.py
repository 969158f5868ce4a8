"""A sanitised body as Markdown (CommonMark with tables), for people who copy it into an editor: one pass over its tags
and texts, without recursion. Pure."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.articles.html import nesting_depth
from app.articles.html.parser_model import MAX_DEPTH
from app.articles.html.tokenizer import VOID, Token, TokenKind, attributes, tokens

_special = re.compile(r"([\\`*_\[\]<>~]|&(?=#?\w{1,32};))")
_line_start = re.compile(r"^([^\S\n]*+)(?:([#+\-=]+)|(\d{1,9})([.)]))(?=\s|$)", re.MULTILINE)
_address = re.compile(r"[\x00-\x20<>\\]")
_backticks = re.compile(r"`+")
_WHITE = " \t\n\f\r"
_white_space = re.compile(f"[{_WHITE}]+")
_MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**", "del": "~~", "s": "~~"}
_CODE = frozenset(("code", "kbd", "samp"))
_BLOCKS = frozenset((
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "hr", "table", "figure", "div",
    "section", "aside", "details", "dl", "dt", "dd", "figcaption", "summary", "li",
))  # fmt: skip
_ROWS = frozenset(("thead", "tbody", "tfoot", "tr"))
_CELLS = frozenset(("td", "th", "caption"))


def from_html(body: str) -> str:
    """Blocks separated by blank lines; what Markdown has no sign for stays as its words."""
    try:
        return _Writer(body).write()
    except _TooDeep:
        return _Writer(nesting_depth.flatten(body)).write()


class _TooDeep(Exception):
    """The body was saved when nothing bounded its depth."""


@dataclass(slots=True)
class _Frame:
    """An element that is open: the blocks that are written of it, and the words behind the last of them."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def end_words(self) -> None:
        if words := _escape_start(_tidy(_join(self.loose))):
            self.blocks.append(words)
        self.loose.clear()

    def join_blocks(self) -> str:
        self.end_words()
        return "\n\n".join(self.blocks)


class _Writer:
    def __init__(self, body: str) -> None:
        self._body = body
        self._frames = [_Frame("body")]
        self._code = 0  # open elements in which signs stand for themselves
        self._inline = 0  # open elements in which a block is no block: links, cells, emphasis

    def write(self) -> str:
        for token in tokens(self._body):
            if token.kind is TokenKind.TEXT:
                self._text(html.unescape(self._body[token.start : token.end]))
            elif token.kind is TokenKind.OPEN:
                self._open(token)
            elif token.kind is TokenKind.CLOSE:
                self._close(token.name)
        while len(self._frames) > 1:
            self._end()
        return self._frames[0].join_blocks()

    def _text(self, text: str) -> None:
        self._frames[-1].loose.append(text if self._code else _escape(text))

    def _open(self, token: Token) -> None:
        name, top = token.name, self._frames[-1]
        values = {key: html.unescape(value) for key, value in attributes(self._body, token)}
        if name == "br":
            top.loose.append("\n" if self._code else " " if self._in_cell() else "\\\n")
        elif name == "hr":
            if self._inline:
                top.loose.append(" ")
            else:
                top.end_words()
                top.blocks.append("---")
        elif name == "img":
            top.loose.append(f"![{_escape(values.get('alt', ''))}](<{_plain(values.get('src', ''))}>)")
        elif name not in VOID:
            self._frames.append(_Frame(name, values))
            if len(self._frames) > 2 * MAX_DEPTH:
                raise _TooDeep
            self._code += name == "pre" or name in _CODE
            self._inline += _is_inline(name)

    def _in_cell(self) -> bool:
        return any(frame.name in _CELLS for frame in self._frames[-MAX_DEPTH:])

    def _close(self, name: str) -> None:
        if any(frame.name == name for frame in self._frames[1:]):
            while self._frames[-1].name != name:
                self._end()
            self._end()

    def _end(self) -> None:
        """Closes the innermost element: what it holds becomes a block or words of the one around it."""
        frame = self._frames.pop()
        name, parent = frame.name, self._frames[-1]
        self._code -= name == "pre" or name in _CODE
        self._inline -= _is_inline(name)
        if name in _CELLS or name in _ROWS:
            self._end_part(frame, parent)
        elif self._inline or _is_inline(name):
            is_code = self._code > 0 or name == "pre" or name in _CODE
            inner = "".join(frame.loose) if is_code else _join(frame.loose)
            between = " " if name in _BLOCKS and not self._code else ""
            is_marked = any(_MARKS.get(one.name) == _MARKS.get(name) for one in self._frames)
            is_plain = self._code > 0 or (is_marked and name in _MARKS)
            written = inner if is_plain else _inline(frame, inner)
            parent.loose.append(f"{between}{written}{between}")
        elif name in _BLOCKS:
            parent.end_words()
            if block := _block(frame):
                parent.blocks.append(block)
        else:
            # Any other element stands for its words and blocks alone.
            parent.loose += frame.loose

    def _end_part(self, frame: _Frame, parent: _Frame) -> None:
        """Cells go to their row, rows to their table; of a table within a cell only the words are left."""
        if self._inline:
            parent.loose += [" ", *frame.loose, " "]
        elif frame.name == "caption":
            parent.blocks.append(_tidy(_join(frame.loose)))
        elif frame.name in _CELLS:
            parent.rows.append([_tidy(_join(frame.loose)).replace("|", "\\|").replace("\\\n", " ")])
        elif frame.name == "tr":
            parent.rows.append([cell for row in frame.rows for cell in row] or [_tidy(_join(frame.loose))])
        else:
            parent.rows += frame.rows


def _is_inline(name: str) -> bool:
    """Whether a block within it is no block of its own."""
    return name not in _BLOCKS and name not in _ROWS


def _inline(frame: _Frame, inner: str) -> str:
    name = frame.name
    if name in _CODE or name == "pre":
        inner = inner.replace("\n", " ")  # a line might begin with what opens a block
        fence = _fence(inner, 1)
        space = " " if inner[:1] == "`" or inner[-1:] == "`" else ""
        return f"{fence}{space}{inner}{space}{fence}" if inner.strip() else " "
    if name == "a" and frame.attributes.get("href"):
        return f"[{inner}](<{_plain(frame.attributes['href'])}>)"
    mark = _MARKS.get(name)
    if not mark or not inner.strip():
        return inner
    words = inner.strip()
    before, after = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
    return f"{before}{mark}{words}{mark}{after}"


def _block(frame: _Frame) -> str:
    name = frame.name
    if name[0] == "h" and name[1:].isdigit():
        words = _tidy(_join([*(f"{block} " for block in frame.blocks), *frame.loose])).replace("\\\n", " ")
        return f"{'#' * int(name[1:])} {words}"
    if name == "pre":
        code = "".join(frame.loose).strip("\n").rstrip()
        fence = _fence(code, 3)
        return f"{fence}\n{code}\n{fence}"
    if name in ("ul", "ol"):
        return _list(frame)
    if name == "table":
        return "\n\n".join([*frame.blocks, *([table] if (table := _table(frame.rows)) else [])])
    if name == "li":
        return frame.join_blocks() or "\0"
    written = frame.join_blocks()
    return "\n".join(f"> {line}".rstrip() for line in written.splitlines()) if name == "blockquote" else written


def _list(frame: _Frame) -> str:
    frame.end_words()
    start = frame.attributes.get("start", "")
    first = int(start) if start.isdecimal() and len(start) < 8 else 1
    lines: list[str] = []
    for number, item in enumerate(frame.blocks, first):
        mark = f"{number}. " if frame.name == "ol" else "- "
        head, *rest = item.replace("\0", "").splitlines() or [""]
        lines.append((mark + head).rstrip())
        lines += [(" " * len(mark) + line).rstrip() for line in rest]
    return "\n".join(lines)


def _table(rows: list[list[str]]) -> str:
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def _join(pieces: Iterable[str]) -> str:
    """The words in one; code beside code apart, or the signs of both would be one that ends neither."""
    joined: list[str] = []
    for piece in filter(None, pieces):
        if joined and joined[-1].endswith("`") and piece.startswith("`"):
            joined.append(" ")
        joined.append(piece)
    return "".join(joined)


def _fence(code: str, least: int) -> str:
    """More backticks than stand in a row in the code."""
    return "`" * max(least, 1 + max((len(run) for run in _backticks.findall(code)), default=0))


def _plain(address: str) -> str:
    """An address that ends nowhere but at its end."""
    return _address.sub(lambda sign: f"%{ord(sign[0]):02X}", address)


def _tidy(text: str) -> str:
    """With one space for each run of what HTML takes for white space. A space that does not break is none of it."""
    lines = text.strip(_WHITE).split("\\\n")
    return "\\\n".join(_white_space.sub(" ", line.strip(_WHITE)) for line in lines)


def _escape_start(text: str) -> str:
    """Words at a line's beginning that Markdown would read as a heading or list."""
    return _line_start.sub(lambda at: f"{at[1]}\\{at[2]}" if at[2] else f"{at[1]}{at[3]}\\{at[4]}", text)


def _escape(text: str) -> str:
    return _special.sub(r"\\\1", text)
