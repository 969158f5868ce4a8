"""Reads an archive that is copied or compared: opens it as it is, and streams its tables row by row in the order of
their keys, out of one snapshot. Changes nothing, and makes no archive where there is none."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from app.changes import log
from app.commands.copies.tables import Row, TableShape, quote
from app.db import migrate
from app.db.database import Database, DatabaseProblem, read_url
from app.db.engines import DatabaseUrl
from app.settings import Settings

AT_ONCE = 100
"""Rows that are fetched from SQLite at once; its cursor holds no more than that in memory."""
_ACCEPTED: Mapping[type, frozenset[type]] = {
    int: frozenset({int}),
    bool: frozenset({int}),
    float: frozenset({float}),
    str: frozenset({str}),
    bytes: frozenset({bytes}),
}
"""What SQLite, which keeps a value of any type in any column, may give for a column of a kind, beside NULL."""


class SourceUnreadable(DatabaseProblem):
    """What is copied or compared cannot be read to its end."""


def read_address(value: str, option: str) -> DatabaseUrl:
    """Of a database as an option names it: a path of a file, or an address. DatabaseProblem names the option."""
    if "://" not in value and value:
        return DatabaseUrl("sqlite", value)
    try:
        return read_url(value)
    except DatabaseProblem:
        raise DatabaseProblem(
            f"{option} must be a file, sqlite:///path/to/file or postgresql://user@host/name."
        ) from None


@contextmanager
def open_source(settings: Settings, url: DatabaseUrl | None = None) -> Iterator[Database]:
    """The archive of the settings, or the one at `url`, in whatever version it is. DatabaseProblem where there is none,
    and where it is a copy that was not finished."""
    url = url or read_url(settings.url)
    if url.dialect == "sqlite" and not Path(url.database).is_file():
        raise DatabaseProblem(f"There is no archive at {url}.")
    chosen = settings.model_copy(update={"database_url": url.format()})
    db = Database(chosen, log.append)
    try:
        db.condition.look()
        state = migrate.find_state(db)
        if state == "empty":
            raise DatabaseProblem(f"There is no archive at {url}.")
        if state == "unfinished":
            raise DatabaseProblem(migrate.describe_unfinished(str(url)))
        yield db
    finally:
        db.close_now()


def prepare_long_read(connection: Connection) -> None:
    """Lets this transaction take as long as it needs, whatever limits the server has for others."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))


def read_rows(connection: Connection, table: TableShape) -> Iterator[Row]:
    """All rows of a table in the order of its key, texts by their code points: the same on both databases. A flag is
    True or False on both. SourceUnreadable names what no column of its type may hold."""
    driver: Any = connection.connection.driver_connection
    keys = [_order_by(connection, table, name) for name in table.key]
    columns = ", ".join(quote(connection, name) for name in table.names)
    statement = f"SELECT {columns} FROM {quote(connection, table.name)} ORDER BY {', '.join(keys)}"
    if connection.dialect.name == "sqlite":
        return _read_sqlite(driver, table, statement)
    return _read_postgres(driver, table, statement)


def _order_by(connection: Connection, table: TableShape, name: str) -> str:
    is_text = connection.dialect.name == "postgresql" and table.kinds[name] is str
    return quote(connection, name) + (' COLLATE "C"' if is_text else "")


def _read_sqlite(driver: sqlite3.Connection, table: TableShape, statement: str) -> Iterator[Row]:
    flags = [place for place, column in enumerate(table.columns) if column.kind is bool]
    known: set[tuple[type, ...]] = set()
    cursor = driver.execute(statement)
    while True:
        try:
            rows = cursor.fetchmany(AT_ONCE)
        except sqlite3.OperationalError as error:
            raise _describe_unreadable(driver, table, statement, error) from error
        except sqlite3.Error as error:
            raise SourceUnreadable(f"The table {table.name} cannot be read: {error}.") from error
        if not rows:
            return
        for row in rows:
            # What types a row has is looked up as a whole: looking at each value of each row takes as long as reading.
            if (types := tuple(map(type, row))) not in known:
                _check_types(table, row)
                known.add(types)
            if flags:
                row = _read_flags(table, row, flags)
            yield row


def _check_types(table: TableShape, row: Row) -> None:
    for column, value in zip(table.columns, row, strict=True):
        if value is not None and type(value) not in _ACCEPTED[column.kind]:
            raise SourceUnreadable(f"{name_value(table, row, column.name)} is a value of another type.")


def _read_flags(table: TableShape, row: Row, places: Sequence[int]) -> Row:
    values = list(row)
    for place in places:
        if (value := values[place]) is not None:
            if value not in (0, 1):
                raise SourceUnreadable(f"{name_value(table, row, table.columns[place].name)} is neither 0 nor 1.")
            values[place] = bool(value)
    return tuple(values)


def _read_postgres(driver: Any, table: TableShape, statement: str) -> Iterator[Row]:
    import psycopg

    try:
        # COPY, unlike a cursor, sends row after row without holding many of them anywhere.
        with driver.cursor().copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types([column.sql_type for column in table.columns])
            yield from copy.rows()
    except psycopg.Error as error:
        raise SourceUnreadable(f"The table {table.name} cannot be read: {migrate.first_line(error)}.") from error


def _describe_unreadable(
    driver: sqlite3.Connection, table: TableShape, statement: str, error: sqlite3.OperationalError
) -> SourceUnreadable:
    """Python's text of the error holds the text itself, which nobody should have to see in a terminal."""
    if "decode" not in str(error):
        return SourceUnreadable(f"The table {table.name} cannot be read: {error}.")
    factory, driver.text_factory = driver.text_factory, bytes
    try:
        for row in driver.execute(statement):
            for column, value in zip(table.columns, row, strict=True):
                if column.kind is str and isinstance(value, bytes) and not _is_utf8(value):
                    return SourceUnreadable(f"{name_value(table, row, column.name)} is no text in UTF-8.")
    finally:
        driver.text_factory = factory
    return SourceUnreadable(f"The table {table.name} holds a text that is none in UTF-8.")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def name_value(table: TableShape, row: Sequence[object], column: str) -> str:
    """Where a value stands, for people: table, column, and the row's key."""
    return f"{table.name}.{column} where {name_key(table, row)}"


LONGEST_KEY = 100


def name_key(table: TableShape, row: Sequence[object]) -> str:
    """A row's key, such as `article_id = 7, version = 2`, cut off where it is long."""
    named = ", ".join(f"{name} = {_show(row[place])}" for name, place in zip(table.key, table.key_places, strict=True))
    return named if len(named) <= LONGEST_KEY else f"{named[:LONGEST_KEY]}…"


def _show(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)


def read_counters(connection: Connection, tables: Sequence[TableShape]) -> dict[str, int]:
    """By table the last number that the database has given out, though the row may be gone by now. Of databases that
    keep one apart from the rows alone."""
    if connection.dialect.name == "sqlite":
        is_kept = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first()
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence")).all() if is_kept else []
        return {row.name: row.seq for row in rows}
    counters = {}
    for table in tables:
        if (sequence := find_sequence(connection, table)) is not None:
            last, is_called = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()
            counters[table.name] = last if is_called else last - 1
    return counters


def find_sequence(connection: Connection, table: TableShape) -> str | None:
    """The sequence of PostgreSQL that numbers a table's rows, as SQL names it."""
    if (column := table.numbered_key) is None:
        return None
    values = {"table": quote(connection, table.name), "column": column}
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), values).scalar()
    return None if sequence is None else str(sequence)
