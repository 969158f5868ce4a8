"""A copy in a file of SQLite: written in batches, with indexes made at the end, closed as one file without others
beside it."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from app.commands.copies import target
from app.commands.copies.source import name_value
from app.commands.copies.tables import Row, TableShape, quote
from app.db import migrate, permissions
from app.db.database import DatabaseProblem
from app.db.engines import create_sqlite_engine
from app.db.file_locks import FileLock

BATCH_ROWS, BATCH_BYTES = 5_000, 8_000_000
"""What one transaction writes, and memory holds, at most: rows, or bytes of texts, plus one row."""
_INDEXES = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
_NUMBERED = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")


class SqliteTarget:
    """See `target.Target`. `name` is the file's for people; one process fills it, which a lock beside it ensures."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path, self.name = path, name or str(path)
        self._lock_path = path.with_name(path.name + ".copy-lock")
        self._lock = FileLock(self._lock_path)
        self._engine: Engine | None = None
        self._indexes: list[tuple[str, str]] = []
        self._revision = ""
        self._is_held = False

    def begin(self, revision: str) -> dict[str, TableShape]:
        try:
            permissions.make_folder(self.path.parent)
            self._is_held = self._lock.try_hold()
            if not self._is_held:
                raise DatabaseProblem(f"Another `dateline copy` is writing {self.name} now.")
            self._make_room()
            permissions.create_file(self.path)
        except OSError as error:
            raise DatabaseProblem(f"{self.name} cannot be made: {error.strerror}: {error.filename}.") from error
        self._revision = revision
        self._engine = create_sqlite_engine(self.path, read_only=False)
        with self._change() as connection:
            tables = target.make_tables(connection, revision, target.make_mark(revision))
            # With indexes each row would be put into each of them in the order in which rows come.
            self._indexes = [(name, sql) for name, sql in connection.execute(_INDEXES)]
            for name, _ in self._indexes:
                connection.execute(text(f"DROP INDEX {quote(connection, name)}"))
            return tables

    def _make_room(self) -> None:
        """Removes an empty file, and a copy that was cut short; DatabaseProblem where anything else is there."""
        if not self.path.exists():
            return
        if self.path.stat().st_size and (state := self._find_state()) not in ("empty", "unfinished"):
            raise target.refuse(self.name, state)
        for end in ("-wal", "-shm", ""):  # the file with the mark last
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def _find_state(self) -> migrate.State:
        engine = create_sqlite_engine(self.path, read_only=True)
        try:
            with engine.connect() as connection:
                state = migrate.name_state(migrate.read_revision(connection))
                if state == "empty" and inspect(connection).get_table_names():
                    raise DatabaseProblem(f"{self.name} is a database of something else.")
                return state
        except DBAPIError as error:
            raise DatabaseProblem(f"{self.name} cannot be used: {migrate.first_line(error)}.") from error
        finally:
            engine.dispose()

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """One transaction. Foreign keys are not looked at: rows may come before those that they refer to."""
        assert self._engine is not None
        try:
            with self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA foreign_keys = OFF")
                with connection.begin():
                    yield connection
        except (DBAPIError, sqlite3.Error) as error:
            raise target.describe_failure(self.name, error) from error

    def fill(self, table: TableShape, rows: Iterator[Row]) -> int:
        columns = ", ".join(f'"{name}"' for name in table.names)
        statement = f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" * len(table.names))})'
        count = 0
        for batch in split_batches(table, _refuse_nan(table, rows)):
            with self._change() as connection:
                driver: Any = connection.connection.driver_connection
                driver.executemany(statement, batch)
            count += len(batch)
        return count

    def finish(self, tables: Sequence[TableShape], counters: Mapping[str, int], *, keeps_webhooks: bool) -> None:
        for _, sql in self._indexes:
            with self._change() as connection:
                connection.exec_driver_sql(sql)
        with self._change() as connection:
            if (orphan := connection.exec_driver_sql("PRAGMA foreign_key_check").first()) is not None:
                raise DatabaseProblem(
                    f"A row of {orphan[0]} refers to one of {orphan[2]} that is not there. `dateline check` of the "
                    "archive lists such rows."
                )
            numbers = target.find_last_numbers(connection, tables, counters)
            for name in connection.execute(_NUMBERED).scalars().all():
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
                row = {"name": name, "last": numbers[name]}
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), row)
            target.complete(connection, self._revision, keeps_webhooks=keeps_webhooks)
        self._close_file()

    def _close_file(self) -> None:
        """The mode is part of the file: with a log it would get files beside it as soon as somebody looks at it."""
        assert self._engine is not None
        self._engine.dispose()
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            # It is whole by now, and whoever has opened it already may keep it as it is.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise target.describe_failure(self.name, error) from error

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        if self._is_held:
            self._lock_path.unlink(missing_ok=True)  # while it is held, as `FileLock` wants it
        self._lock.close()

    def remove(self) -> None:
        """What it has made, for who does not go on with it."""
        self.close()
        for end in ("-wal", "-shm", ""):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)


def _refuse_nan(table: TableShape, rows: Iterator[Row]) -> Iterator[Row]:
    """SQLite would keep "not a number" as NULL, and say nothing."""
    floats = [place for place, column in enumerate(table.columns) if column.kind is float]
    if not floats:
        yield from rows
        return
    for row in rows:
        for place in floats:
            if row[place] != row[place]:
                raise DatabaseProblem(f"{name_value(table, row, table.names[place])} is no number.")
        yield row


def split_batches(table: TableShape, rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows as they come, in lists of BATCH_ROWS or about BATCH_BYTES."""
    long = [place for place, column in enumerate(table.columns) if column.kind in (str, bytes)]
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        for place in long:
            if (value := row[place]) is not None:
                size += len(value)  # type: ignore[arg-type] # a text or bytes, by the column
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
