"""A copy in a database of PostgreSQL: each table by one COPY, with indexes and foreign keys made at the end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from app.commands.copies import target
from app.commands.copies.source import find_sequence, name_value
from app.commands.copies.tables import NOT_COPIED, Row, TableShape, quote
from app.db import migrate
from app.db.condition import ask_postgres
from app.db.database import DatabaseProblem
from app.db.engines import DatabaseUrl, create_postgres_engine
from app.db.postgres.address import complete
from app.db.readers import read_sql_state

_SETTINGS = ("statement_timeout", "idle_in_transaction_session_timeout")
_LOCKED = "55P03"
INT4 = 2**31
"""What columns of the type `integer` hold is below this, and not below its negative."""
_FOREIGN_KEYS = text(
    "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'f' AND conrelid::regclass::text = ANY(:tables) ORDER BY conname"
)
_INDEXES = text(
    "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
    " JOIN pg_class ON pg_class.oid = indexrelid"
    " WHERE indrelid::regclass::text = ANY(:tables) AND NOT indisprimary"
    " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY relname"
)


class PostgresTarget:
    """See `target.Target`. One copy at a time fills it: each of its transactions locks the mark, and looks whether
    it is still its own. Locks of a session would be another's behind a pooler."""

    def __init__(self, url: DatabaseUrl) -> None:
        self.name = str(url)
        self._parameters = complete(url.parameters, for_writing=True)
        self._engine = create_postgres_engine(self._parameters, 1)
        self._mark = self._revision = ""
        self._foreign_keys: list[tuple[str, str, str]] = []
        self._indexes: list[str] = []

    def begin(self, revision: str) -> dict[str, TableShape]:
        self._revision, self._mark = revision, target.make_mark(revision)
        self._check_encoding()
        with self._change() as connection:
            self._check_access()
            migrate.hold_migration_lock(connection)
            self._make_room(connection)
            tables = target.make_tables(connection, revision, self._mark)
            self._drop_references(connection, [quote(connection, name) for name in tables])
            return tables

    def _check_encoding(self) -> None:
        """By the driver alone: SQLAlchemy cannot even connect to a database without an encoding."""
        try:
            with psycopg.connect(**self._parameters) as connection:  # type: ignore[arg-type] # all text
                encoding = connection.info.parameter_status("server_encoding")
        except psycopg.Error as error:
            raise DatabaseProblem(f"{self.name} cannot be used: {migrate.first_line(error)}.") from error
        if encoding != "UTF8":
            raise DatabaseProblem(f"{self.name} has the encoding {encoding}; an archive needs a database in UTF8.")

    def _check_access(self) -> None:
        if (reason := ask_postgres(self._engine, was_refused=False).reason) is not None:
            raise DatabaseProblem(f"{self.name} can only be read: {reason}.")

    def _make_room(self, connection: Connection) -> None:
        """Drops what a copy that was cut short has left; DatabaseProblem where an archive is there, or another copy at
        work, or where other tables have names of the archive's."""
        state = migrate.name_state(migrate.read_revision(connection))
        own = SQLModel.metadata.tables.keys() | NOT_COPIED.keys()
        names = [name for name in inspect(connection).get_table_names() if name in own]
        if state == "unfinished":
            self._lock_mark(connection)
            for name in names:
                connection.execute(text(f"DROP TABLE {quote(connection, name)} CASCADE"))
        elif state != "empty":
            raise target.refuse(self.name, state)
        elif names:
            raise DatabaseProblem(f"{self.name} has tables of something else: {', '.join(names[:5])}.")

    def _lock_mark(self, connection: Connection) -> None:
        try:
            connection.execute(text("SELECT version_num FROM alembic_version FOR UPDATE NOWAIT"))
        except DBAPIError as error:
            if read_sql_state(error) == _LOCKED:
                raise DatabaseProblem(f"Another `dateline copy` is writing {self.name} now.") from error
            raise

    def _drop_references(self, connection: Connection, tables: list[str]) -> None:
        """Foreign keys are checked at the end, for all rows at once, since rows may come before those that they refer
        to; and each row would be put into each index in the order in which rows come."""
        self._foreign_keys = [
            (table, name, sql) for table, name, sql in connection.execute(_FOREIGN_KEYS, {"tables": tables})
        ]
        for table, name, _ in self._foreign_keys:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        indexes = connection.execute(_INDEXES, {"tables": tables}).all()
        self._indexes = [sql for _, sql in indexes]
        for name, _ in indexes:
            connection.execute(text(f"DROP INDEX {name}"))

    @contextmanager
    def _change(self) -> Iterator[Connection]:
        """One transaction, however long it takes. DatabaseProblem where another copy has begun anew meanwhile."""
        try:
            with self._engine.begin() as connection:
                for setting in _SETTINGS:
                    connection.execute(text(f"SET LOCAL {setting} = 0"))
                yield connection
        except (DBAPIError, psycopg.Error) as error:
            raise target.describe_failure(self.name, error) from error

    @contextmanager
    def _go_on(self) -> Iterator[Connection]:
        with self._change() as connection:
            mark = connection.execute(text("SELECT version_num FROM alembic_version FOR UPDATE")).scalar()
            if mark != self._mark:
                raise DatabaseProblem(f"Another `dateline copy` has begun to write {self.name} anew.")
            yield connection

    def fill(self, table: TableShape, rows: Iterator[Row]) -> int:
        with self._go_on() as connection:
            names = ", ".join(quote(connection, name) for name in table.names)
            driver: Any = connection.connection.driver_connection
            statement = f"COPY {quote(connection, table.name)} ({names}) FROM STDIN (FORMAT BINARY)"
            with driver.cursor() as cursor:
                with cursor.copy(statement) as copy:
                    copy.set_types([column.sql_type for column in table.columns])
                    for row in _refuse_misfits(table, rows):
                        copy.write_row(row)
                return int(cursor.rowcount)

    def finish(self, tables: Sequence[TableShape], counters: Mapping[str, int], *, keeps_webhooks: bool) -> None:
        added = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {sql}" for table, name, sql in self._foreign_keys]
        for statement in [*self._indexes, *added]:
            with self._go_on() as connection:
                # As PostgreSQL has written it: a colon in it is no parameter.
                driver: Any = connection.connection.driver_connection
                driver.execute(statement)
        with self._go_on() as connection:
            for own in tables:  # without it the first queries would be planned as for empty tables
                connection.execute(text(f"ANALYZE {quote(connection, own.name)}"))
        with self._go_on() as connection:
            self._set_sequences(connection, tables, counters)
            target.complete(connection, self._revision, keeps_webhooks=keeps_webhooks)

    def _set_sequences(self, connection: Connection, tables: Sequence[TableShape], counters: Mapping[str, int]) -> None:
        numbers = target.find_last_numbers(connection, tables, counters)
        for table in tables:
            if (sequence := find_sequence(connection, table)) is not None:
                last = numbers[table.name]
                values = {"sequence": sequence, "last": max(last, 1), "is_called": last > 0}
                connection.execute(text("SELECT setval(:sequence, :last, :is_called)"), values)

    def close(self) -> None:
        self._engine.dispose()


def _refuse_misfits(table: TableShape, rows: Iterator[Row]) -> Iterator[Row]:
    """DatabaseProblem for what SQLite holds and PostgreSQL cannot. Numbers are looked at here, because the driver
    writes one that is too long for `integer` as another one."""
    texts = [place for place, column in enumerate(table.columns) if column.kind is str]
    short = [place for place, column in enumerate(table.columns) if column.sql_type == "integer"]
    for row in rows:
        for place in texts:
            if (words := row[place]) is not None and "\0" in words:  # type: ignore[operator] # a text, by the column
                raise DatabaseProblem(
                    f"{name_value(table, row, table.names[place])} has a NUL, which PostgreSQL keeps in no text."
                )
        for place in short:
            if (number := row[place]) is not None and not -INT4 <= number < INT4:  # type: ignore[operator] # an integer
                raise DatabaseProblem(
                    f"{name_value(table, row, table.names[place])} is more than its column holds on PostgreSQL."
                )
        yield row
