"""Where copies of archives go: places with nothing in them yet, and what their tables hold, read without Dateline."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

Table = dict[str, object]
Dump = dict[str, list[Table]]
"""By table all rows, by columns, in an order that says nothing."""

FindPlace = Callable[[str], str]


def find_file(url: str) -> Path:
    """The file of an address of SQLite."""
    return Path(url.removeprefix("sqlite:///"))


def dump(url: str) -> Dump:
    """Every table of a database, by plain drivers. Flags are numbers, as SQLite has them."""
    return _dump_sqlite(url) if url.startswith("sqlite") else _dump_postgres(url)


def _dump_sqlite(url: str) -> Dump:
    with closing(sqlite3.connect(find_file(url))) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {name: _list_rows(connection.execute(f'SELECT * FROM "{name}"')) for (name,) in names}


def _dump_postgres(url: str) -> Dump:
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            name: _list_rows(connection.execute(f'SELECT * FROM "{name}"'.encode()))  # bytes: composed of a name
            for (name,) in names
        }


def list_indexes(url: str) -> set[str]:
    """The definitions of all indexes that have one, as the database has them."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(find_file(url))) as connection:
            return {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index'") if sql}
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'").fetchall()
    return {sql for (sql,) in rows}


def _list_rows(cursor: sqlite3.Cursor | psycopg.Cursor[tuple[object, ...]]) -> list[Table]:
    assert cursor.description is not None
    columns = [one[0] for one in cursor.description]
    rows = [[int(value) if isinstance(value, bool) else value for value in row] for row in cursor.fetchall()]
    return sorted((dict(zip(columns, row, strict=True)) for row in rows), key=lambda row: repr(sorted(row.items())))


def execute(url: str, *statements: str) -> None:
    """Runs statements of SQL and commits, by plain drivers."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(find_file(url))) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        return
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())
