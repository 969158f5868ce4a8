"""Rows for every table of an archive, with the values that are hardest to keep: the ends of what columns hold, texts in
many scripts, and rows that refer to later ones."""

import re
from collections.abc import Iterator

from sqlalchemy import BigInteger, Column, Connection, Table, insert, update
from sqlmodel import SQLModel

from app.models.column_types import EARLIEST, LATEST, InstantType, KeyType

ROWS = 3
TEXTS = (
    "Ünïcödé, \u65e5\u672c\u8a9e, \u0639\u0631\u0628\u064a, \U0001f5de\ufe0f and \u200fmarks\u200e",
    'quotes \' " \\ \\N \t tab, % and {"json": "\\u0000 \\ud800"}\r\nline',
    "e\u0301 is not \u00e9; \ufb01 is not fi; \U0010fffd",
)
BYTES = (b"", bytes(range(256)), b"\\x00 is no escape")
FLOATS = (0.1, -1.7976931348623157e308, 5e-324)
FILLED_BEFORE = frozenset({"change_head", "search_position", "region", "region_name", "region_member", "region_within"})
"""What a new archive has rows of; the first two have one for good."""
_CHOICE = re.compile(r"(\w+) IN \(([^)]*)\)")

Values = dict[str, object]


def fill_tables(connection: Connection) -> None:
    """ROWS rows in every table that has none; rows refer to each other by all foreign keys that there are."""
    rows: dict[str, list[Values]] = {}
    for table in SQLModel.metadata.sorted_tables:
        if table.name in FILLED_BEFORE:
            continue
        rows[table.name] = [_make_row(table, number, rows) for number in range(ROWS)]
        connection.execute(insert(table), rows[table.name])
    for table in SQLModel.metadata.sorted_tables:
        if table.name not in FILLED_BEFORE:
            _refer_to_later_rows(connection, table, rows[table.name])


def _make_row(table: Table, number: int, rows: dict[str, list[Values]]) -> Values:
    choices = dict(_list_choices(table))
    row = {
        column.name: choices[column.name][number % len(choices[column.name])]
        if column.name in choices
        else _make_value(table, column, number)
        for column in table.columns
    }
    for constraint in table.foreign_key_constraints:
        target = constraint.referred_table
        for key, element in zip(constraint.columns, constraint.elements, strict=True):
            if target is not table:
                known = rows.get(target.name)
                row[key.name] = known[number][element.column.name] if known else number + 1  # regions count from 1
            else:
                row[key.name] = None
    return row


def _list_choices(table: Table) -> Iterator[tuple[str, list[str]]]:
    """Columns of which a constraint says which texts they may have."""
    for constraint in table.constraints:
        for column, values in _CHOICE.findall(str(getattr(constraint, "sqltext", ""))):
            yield column, re.findall(r"'([^']*)'", values)


def _make_value(table: Table, column: Column[object], number: int) -> object:
    if column.nullable and number == 0:
        return None
    if column.primary_key and isinstance(column.type, KeyType):
        return 2**40 + number
    kind = column.type.python_type
    if kind is str:
        return f"{table.name} {column.name} {number}: {TEXTS[number]}"
    if kind is bool:
        return bool(number % 2)
    if kind is float:
        return FLOATS[number]
    if kind is bytes:
        return BYTES[number]
    if isinstance(column.type, InstantType):
        return (0, EARLIEST, LATEST)[number]
    highest = 2**63 - 1 if isinstance(column.type, BigInteger | KeyType) else 2**31 - 1
    return (1, highest, -highest - 1)[number]


def _refer_to_later_rows(connection: Connection, table: Table, rows: list[Values]) -> None:
    """Where rows refer to others of their table, the first refers to the last, which comes after it."""
    for constraint in table.foreign_key_constraints:
        if constraint.referred_table is table:
            [column], [element] = constraint.columns, constraint.elements
            own = table.c[element.column.name]
            last = rows[-1][element.column.name]
            first = update(table).where(own == rows[0][element.column.name])
            connection.execute(first.values({column.name: last}))
