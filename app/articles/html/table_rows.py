"""Rows of tables in Markdown that have more cells than their head. GFM leaves out those beyond it, and takes a bar in
code for the end of a cell; here every cell is kept, and code is code. A rule for markdown-it, between blocks and words.
"""

import re
from collections import Counter

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_BAR = re.compile(r"(?<!\\)\|")
_TICKS = re.compile(r"(`+)")


def keep_cells(parser: MarkdownIt) -> MarkdownIt:
    """The parser with that rule."""
    parser.core.ruler.before("inline", "keep_cells", _complete_rows)
    return parser


def _complete_rows(state: StateCore) -> None:
    if not any(token.type == "tbody_open" for token in state.tokens):
        return
    lines = state.src.split("\n")
    tokens: list[Token] = []
    row: list[Token] = []
    for token in state.tokens:
        if token.type == "tr_open":
            row = [token]
        elif not row:
            tokens.append(token)
        else:
            row.append(token)
            if token.type == "tr_close":
                tokens += _complete_row(row, lines)
                row = []
    state.tokens = [*tokens, *row]


def _complete_row(row: list[Token], lines: list[str]) -> list[Token]:
    """The tokens of a row: of its beginning, of three for each cell, of its end."""
    cells = [row[at : at + 3] for at in range(1, len(row) - 1, 3)]
    if row[0].map is None or not cells or cells[0][0].type != "td_open":
        return row
    line = lines[row[0].map[0]].lstrip(" \t>").rstrip()
    if len(_BAR.findall(line)) < len(cells):
        return row
    written = _split_cells(line)
    if len(_trim(_BAR.split(line))) <= len(cells):
        return row
    while len(cells) < len(written):
        cells.append([one.copy() for one in cells[-1]])
    for at, (_, inline, _) in enumerate(cells):
        inline.content = written[at] if at < len(written) else ""
        inline.children = []
    return [row[0], *(token for cell in cells for token in cell), row[-1]]


def _trim(cells: list[str]) -> list[str]:
    """Without the nothing before the first bar and behind the last."""
    cells = cells[1:] if cells and not cells[0].strip() else cells
    return cells[:-1] if cells and not cells[-1].strip() else cells


def _split_cells(line: str) -> list[str]:
    """The cells of a line; bars between signs of code are part of it."""
    cells: list[list[str]] = [[]]
    pieces = _TICKS.split(line)
    remaining = Counter(pieces[1::2])
    fence = ""
    for at, piece in enumerate(pieces):
        if at % 2:
            remaining[piece] -= 1
            fence = "" if fence == piece else fence or (piece if remaining[piece] else "")
            cells[-1].append(piece)
        elif fence:
            cells[-1].append(piece)
        else:
            first, *others = _BAR.split(piece)
            cells[-1].append(first)
            cells += [[other] for other in others]
    return [cell.strip().replace("\\|", "|") for cell in _trim(["".join(parts) for parts in cells])]
