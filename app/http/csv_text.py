"""Rows as CSV (RFC 4180, UTF-8, a line of names first), which is safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

from app.errors import NotAcceptable
from app.http import params
from app.http.read import Read

MEDIA_TYPE = "text/csv; charset=utf-8"
FORMAT = params.text("format", "`json` or `csv`.", maximum=20, example="csv")
CONTENT = {"text/csv": {"schema": {"type": "string"}, "example": '"id","slug"\r\n42,"how-the-danube-commission"\r\n'}}
"""How OpenAPI has it."""
JOINT = "|"
"""Between the entries of a list in one cell."""


def wanted(read: Read, formats: Sequence[str] = ("json", "csv")) -> str:
    """The format asked for, the first one by default; NotAcceptable for any other."""
    shape = read.text("format") or formats[0]
    if shape not in formats:
        raise NotAcceptable(formats)
    return shape


def lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Each row as a line; lists in a cell are joined, nothing is an empty cell. Every text is quoted: a spreadsheet
    that takes another character for the end of a cell would see one begin within it."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        value = JOINT.join(str(one) for one in value if one is not None)
    return _harmless(value) if isinstance(value, str) else value


def _harmless(cell: str) -> str:
    """Spreadsheets run cells that begin like a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
