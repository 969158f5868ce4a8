"""Rows as CSV (RFC 4180, UTF-8, a line of names first), which is safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from app.errors import FieldError, InvalidInput
from app.http.params import parser
from app.http.params.negotiation import make_refusal
from app.http.params.typed import Params

MEDIA_TYPE = "text/csv; charset=utf-8"
CONTENT = {"text/csv": {"schema": {"type": "string"}, "example": '"id","slug"\r\n42,"how-the-danube-commission"\r\n'}}
"""How OpenAPI has it."""
JOINT, INNER = "|", "+"
r"""Between the entries of a list in one cell, and between those of a list within one. A bar in an entry is `\|`, a
backslash `\\`; an entry that is nothing keeps its place, so that columns of one list belong together."""
# The characters that OWASP names for formulas in CSV, and their full-width forms, which spreadsheets in Chinese and
# Japanese take for them; quotes before them are those of an export that came back.
_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


class CsvParams(Params):
    """Of responses that come as CSV, too."""

    format = parser.text("format", "`json` or `csv`.", maximum=20, example="csv")
    bom = parser.flag("bom", "CSV begins with a byte order mark, by which spreadsheets know UTF-8.", signs=False)


BOM = b"\xef\xbb\xbf"


def choose_format(params: CsvParams, formats: Sequence[str] = ("json", "csv")) -> str:
    """The format asked for, the first one by default; NotAcceptable for any other."""
    shape = params.format or formats[0]
    if shape not in formats:
        raise make_refusal(shape, formats)
    check_mark(params, shape)
    return shape


def check_mark(params: CsvParams, shape: str) -> None:
    """InvalidInput for a byte order mark of what is no CSV."""
    if params.bom and shape != "csv":
        raise InvalidInput(FieldError("invalid_range", "Only CSV has a byte order mark: add format=csv.", "bom"))


def write_objects(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> bytes:
    """Objects that JSON shows, each as a line. Of a list of objects their slugs stand; names by language are two
    columns, `names.language` and `names.name`."""
    return write_rows([list(columns), *([_find_cell(row, name) for name in columns] for row in rows)])


def _find_cell(row: Mapping[str, object], name: str) -> object:
    head, _, part = name.partition(".")
    value = row.get(head)
    if isinstance(value, dict) and part:
        return list(value) if part == "language" else list(value.values())
    if isinstance(value, list):
        return [one.get("slug") if isinstance(one, dict) else one for one in value]
    return value


def name_file(name: str) -> dict[str, str]:
    """The header that says under which name browsers save it."""
    return {"Content-Disposition": f'attachment; filename="dateline-{name}.csv"'}


def write_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Each row as a line; lists in a cell are joined, nothing is an empty cell. Every text is quoted: a spreadsheet
    that takes another character for the end of a cell would see one begin within it."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows([_format_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _format_cell(value: object) -> object:
    if isinstance(value, list | tuple):
        value = JOINT.join(_format_entry(one) for one in value)
    return _escape_formula(value) if isinstance(value, str) else value


def _format_entry(value: object) -> str:
    if isinstance(value, list | tuple):
        return INNER.join(_format_entry(one) for one in value)
    return "" if value is None else str(value).replace("\\", "\\\\").replace(JOINT, f"\\{JOINT}")


def _escape_formula(cell: str) -> str:
    """Spreadsheets run cells that begin like a formula. What looks as if this had been done gets one quote more, so
    that taking one away gives back what was there."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
