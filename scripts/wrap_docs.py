"""Wraps lines of pages that are longer than 120 characters. `--check` only says which pages have such lines.

Paragraphs and entries of lists are wrapped where one of their lines is too long; tables, code and headings stay as they
are. Generated pages come as their generator has them. The changelog keeps one line for each entry, so that branches
that add some can be merged.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120
LEFT_OUT = {"CHANGELOG.md", "docs/commands.md", "docs/errors.md", "docs/settings.md"}
_FENCE = re.compile(r"\s*(```|~~~)")
_KEPT = re.compile(r"\s*(\||#|>|<!--|$)")
_ENTRY = re.compile(r"(\s*)([-*+]|\d+[.)])\s+(?=\S)")
_PIECE = re.compile(r"(?:`[^`]*`|[^\s`])+")
"""What no line ends within: a word, with the code spans that touch it, whatever spaces are in these."""
_OPENS_BLOCK = re.compile(r"([-*+>|]|#+|\d+[.)])$")
"""What would begin an entry, a heading or a table if it stood first in a line."""


def list_pages() -> list[Path]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(page for page in pages if page.relative_to(ROOT).as_posix() not in LEFT_OUT)


def wrap_page(text: str) -> str:
    """The page with its long paragraphs wrapped; wrapping it again changes nothing."""
    wrapped: list[str] = []
    block: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        is_kept = bool(fence or mark or _KEPT.match(line))
        if block and (is_kept or _ENTRY.match(line)):
            wrapped += wrap_block(block)
            block = []
        if is_kept:
            wrapped.append(line)
        else:
            block.append(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
    return "\n".join([*wrapped, *wrap_block(block)]) + "\n"


def wrap_block(lines: list[str]) -> list[str]:
    """A paragraph, or an entry of a list with the lines that belong to it. Short enough, it stays as it is."""
    if all(len(line) <= WIDTH for line in lines):
        return lines
    entry = _ENTRY.match(lines[0])
    first = entry[0] if entry else re.match(r"\s*", lines[0])[0]  # type: ignore[index] # it matches everything
    pieces = _PIECE.findall(" ".join([lines[0][len(first) :], *lines[1:]]))
    wrapped, line = [], first
    for number, piece in enumerate(pieces):
        is_first = number == 0
        if not is_first and len(line) + 1 + len(piece) > WIDTH and not _OPENS_BLOCK.match(piece):
            wrapped.append(line)
            line = " " * len(first) + piece
        else:
            line += piece if is_first else f" {piece}"
    return [*wrapped, line]


def main() -> int:
    long = {page: text for page in list_pages() if wrap_page(text := page.read_text(encoding="utf-8")) != text}
    for page, text in long.items():
        if "--check" in sys.argv:
            print(f"{page.relative_to(ROOT)}: lines are longer than {WIDTH} characters; run `make docs`")
        else:
            page.write_text(wrap_page(text), encoding="utf-8")
    return 1 if long and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
