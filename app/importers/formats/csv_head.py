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


def split_cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line; nothing where its quotes are not closed."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def find_delimiter(text: str) -> str:
    """The sign between the cells: what a line `sep=;` says, else the one that the most names of fields stand between,
    else a comma."""
    if separator := _SEPARATOR.match(text):
        return separator[1]
    line = find_first_line(text)
    counts = {one: count_known(split_cells(line, one)) for one in DELIMITERS}
    cells = {one: len(split_cells(line, one)) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: (counts[one], cells[one], -DELIMITERS.index(one)))


def find_first_line(text: str) -> str:
    """The line of names, behind a line that only names the sign."""
    text = text.removeprefix("\ufeff")
    separator = _SEPARATOR.match(text)
    return text[separator.end() if separator else 0 :].partition("\n")[0].rstrip("\r")


def find_field(name: str) -> str | None:
    """The field that a column holds, all of it or a part: `tags.name` is a part of `tags`."""
    field_rank = aliases.find_field(name.strip().partition(".")[0])
    return field_rank[0] if field_rank else None


def count_known(cells: Iterable[str]) -> int:
    """How many of the names are those of fields, or of what this archive exports beside them."""
    return sum(
        find_field(cell) is not None or cell.partition(".")[0] in aliases.OWN_EXTRA | aliases.DERIVED for cell in cells
    )


def is_table(text: str) -> bool:
    """Whether a text that nobody calls a table is one: three names of columns or more, half of them known, one of a
    title or a text, and as many cells in the line below."""
    line = find_first_line(text)
    sign = find_delimiter(text)
    cells = split_cells(line, sign)
    if len(cells) < LEAST or len(set(cells)) < len(cells) or not all(_NAME.fullmatch(cell.strip()) for cell in cells):
        return False
    if count_known(cells) * 2 < len(cells) or not _CONTENT & {find_field(cell) for cell in cells}:
        return False
    below = text.removeprefix("\ufeff").partition("\n")[2]
    return _is_fitting(below, sign, len(cells)) if below.strip() else count_known(cells) >= LEAST_OWN


def _is_fitting(below: str, sign: str, count: int) -> bool:
    """Whether the first row has that many cells. One that goes on beyond what is seen of it has at most so many."""
    if not below.partition("\n")[0].strip():
        return False
    rows = csv.reader(below.splitlines(keepends=True), delimiter=sign)
    try:
        row: Sequence[str] = next((row for row in rows if row), ())
    except csv.Error:
        return True
    return len(row) == count or (len(row) < count and len(below) > MOST_SEEN)


def list_cells(text: str, sign: str) -> list[str]:
    """The cells at the beginning of a table that are short enough for a date, as far as they can be read."""
    short_cells: list[str] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=sign):
            short_cells += [cell for cell in row if len(cell) <= MOST_DATE]
    except csv.Error:
        pass
    return short_cells


def is_substack_list(text: str) -> bool:
    """Whether it is the list of posts in an export of Substack."""
    return {cell.strip().lower() for cell in split_cells(find_first_line(text), ",")} >= _SUBSTACK
