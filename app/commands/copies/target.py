"""What a copy is written into, a file of SQLite or a database of PostgreSQL: what both have in common. A target is
marked as not finished until the last commit, and nothing opens it before; nothing is written into what is not empty."""

from collections.abc import Iterator, Mapping, Sequence
from secrets import randbits, token_hex
from typing import Protocol

from sqlalchemy import Connection, inspect, text

from app.commands.copies.tables import NOT_COPIED, NUMBERED_FOR, Row, TableShape, quote, read_tables
from app.db import migrate
from app.db.database import DatabaseProblem


class Target(Protocol):
    """One copy in the making:

        target.begin(revision)                  # its tables, empty, and the mark
        for table in …: target.fill(table, rows)
        target.finish(counters, …)              # what depends on all rows; then one commit takes the mark away
        target.close()                          # whatever has happened

    A copy that is cut short in between has to be begun anew: what is missing is in another snapshot of the source by
    then. DatabaseProblem where the target is not empty, does not respond, or has no room.
    """

    name: str

    def begin(self, revision: str) -> dict[str, TableShape]:
        """Makes the tables of this revision; returns them. Throws away what an earlier copy has left unfinished."""

    def fill(self, table: TableShape, rows: Iterator[Row]) -> int:
        """Writes the rows of a table; returns how many."""

    def finish(self, tables: Sequence[TableShape], counters: Mapping[str, int], *, keeps_webhooks: bool) -> None:
        """`counters`: by table the last number that was given out. With `keeps_webhooks` they go on where they stood,
        as the source's would."""

    def close(self) -> None: ...


def make_mark(revision: str) -> str:
    """The revision of a target that is not finished: by it a copy knows that no other has taken its place."""
    return f"{migrate.UNFINISHED}{revision}-{token_hex(6)}"


def make_tables(connection: Connection, revision: str, mark: str) -> dict[str, TableShape]:
    """Tables as the migrations make them, without the rows that these bring, and the mark."""
    before = set(inspect(connection).get_table_names())
    migrate.run_migrations(connection, revision)
    names = set(inspect(connection).get_table_names()) - before
    for name in sorted(names - NOT_COPIED.keys(), reverse=True):
        connection.execute(text(f"DELETE FROM {quote(connection, name)}"))
    set_revision(connection, mark)
    return read_tables(connection, names)


def set_revision(connection: Connection, revision: str) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def complete(connection: Connection, revision: str, *, keeps_webhooks: bool) -> None:
    """The last changes, in one transaction: another epoch, and no mark any more."""
    epoch = {"epoch": randbits(63)}
    if keeps_webhooks:
        moved = "UPDATE webhook SET epoch = :epoch WHERE epoch = (SELECT epoch FROM change_head)"
        connection.execute(text(moved), epoch)
    connection.execute(text("UPDATE change_head SET epoch = :epoch"), epoch)
    set_revision(connection, revision)


def find_last_numbers(
    connection: Connection, tables: Sequence[TableShape], counters: Mapping[str, int]
) -> dict[str, int]:
    """By table with a numbered key the last number that was given out, or stands in a row."""
    results, names = {}, {table.name for table in tables}
    for table in tables:
        if (key := table.numbered_key) is not None:
            elsewhere = NUMBERED_FOR.get(table.name)
            places = [(table.name, key), *([elsewhere] if elsewhere and elsewhere[0] in names else [])]
            highest = [_read_highest(connection, *place) for place in places]
            results[table.name] = max(*highest, counters.get(table.name, 0), 0)
    return results


def _read_highest(connection: Connection, table: str, column: str) -> int:
    statement = f"SELECT max({quote(connection, column)}) FROM {quote(connection, table)}"
    return int(connection.execute(text(statement)).scalar() or 0)


def refuse(name: str, state: migrate.State) -> DatabaseProblem:
    """For a target that holds something."""
    version = {"outdated": " of an older version", "newer": " of a newer version of Dateline"}.get(state, "")
    return DatabaseProblem(
        f"{name} holds an archive already{version}. A copy is made where nothing is yet: name another place, or remove "
        "that archive first."
    )


def describe_failure(name: str, error: Exception) -> DatabaseProblem:
    """Of a target that could not be written."""
    return DatabaseProblem(
        f"{name} could not be written: {migrate.first_line(error).rstrip('.')}{_name_place(error)}. Nothing in it is "
        "of use: mend that and run the same command again, which begins anew."
    )


def _name_place(error: Exception) -> str:
    """Which row and column of a COPY PostgreSQL refused; rows are counted in the order of their keys."""
    diagnosis = getattr(getattr(error, "orig", None) or error, "diag", None)
    context = getattr(diagnosis, "context", None)
    # Behind the place it may quote the value.
    return f" ({context.splitlines()[0].partition(':')[0]})" if context else ""
