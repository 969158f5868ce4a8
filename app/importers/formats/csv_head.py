"""The first line of a table: which sign is between its cells, and whether it names fields of articles.

Never takes a text that merely has commas for a table.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from app.importers.records import aliases

DELIMITERS = ",;\t"
LEAST, LEAST_OWN = 3, 8
"""Columns of a table that nothing but its content calls one; of one that ends with its first line."""
MOST_SEEN = 60_000
"""Characters below the first line: where there are as many, the first row may go on beyond the head of the file."""
MOST_DATE = 40
_NAME = re.compile(r"[A-Za-z_][\w .\-/]{0,60}")
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_CONTENT = frozenset(("title", "body"))
_SUBSTACK = frozenset(("post_id", "post_date", "is_published"))


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line; nothing where its quotes are not closed."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def delimiter(text: str) -> str:
    """The sign between the cells: what a line `sep=;` says, else the one that the most names of fields stand between,
    else a comma."""
    if said := _SEPARATOR.match(text):
        return said[1]
    line = first_line(text)
    found = {one: known(split(line, one)) for one in DELIMITERS}
    cells = {one: len(split(line, one)) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: (found[one], cells[one], -DELIMITERS.index(one)))


def first_line(text: str) -> str:
    """The line of names, behind a line that only names the sign."""
    text = text.removeprefix("\ufeff")
    said = _SEPARATOR.match(text)
    return text[said.end() if said else 0 :].partition("\n")[0].rstrip("\r")


def field_of(name: str) -> str | None:
    """The field that a column holds, all of it or a part: `tags.name` is a part of `tags`."""
    found = aliases.lookup(name.strip().partition(".")[0])
    return found[0] if found else None


def known(cells: Iterable[str]) -> int:
    """How many of the names are those of fields, or of what this archive exports beside them."""
    return sum(
        field_of(cell) is not None or cell.partition(".")[0] in aliases.OWN_EXTRA | aliases.DERIVED for cell in cells
    )


def is_table(text: str) -> bool:
    """Whether a text that nobody calls a table is one: three names of columns or more, half of them known, one of a
    title or a text, and as many cells in the line below."""
    line = first_line(text)
    sign = delimiter(text)
    cells = split(line, sign)
    if len(cells) < LEAST or len(set(cells)) < len(cells) or not all(_NAME.fullmatch(cell.strip()) for cell in cells):
        return False
    if known(cells) * 2 < len(cells) or not _CONTENT & {field_of(cell) for cell in cells}:
        return False
    below = text.removeprefix("\ufeff").partition("\n")[2]
    return _fits(below, sign, len(cells)) if below.strip() else known(cells) >= LEAST_OWN


def _fits(below: str, sign: str, count: int) -> bool:
    """Whether the first row has that many cells. One that goes on beyond what is seen of it has at most so many."""
    if not below.partition("\n")[0].strip():
        return False
    rows = csv.reader(below.splitlines(keepends=True), delimiter=sign)
    try:
        row: Sequence[str] = next((row for row in rows if row), ())
    except csv.Error:
        return True
    return len(row) == count or (len(row) < count and len(below) > MOST_SEEN)


def cells(text: str, sign: str) -> list[str]:
    """The cells at the beginning of a table that are short enough for a date, as far as they can be read."""
    found: list[str] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign):
            found += [cell for cell in row if len(cell) <= MOST_DATE]
    except csv.Error:
        pass
    return found


def is_substack(text: str) -> bool:
    """Whether it is the list of posts in an export of Substack."""
    return {cell.strip().lower() for cell in split(first_line(text), ",")} >= _SUBSTACK
