"""Compares two archives row by row, in the order of their keys, each in one snapshot; values are never shown. Changes
nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlmodel import SQLModel

from app.commands.copies.source import name_key, prepare_long_read, read_rows
from app.commands.copies.tables import EPOCHS, Row, TableShape, describe_misfit, list_copied, read_tables
from app.db import migrate
from app.db.database import Database, DatabaseProblem

MOST_NAMED = 50
"""Differences that are named one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one row: `columns` differ, or it is `only` in this archive (`here`) or in the other (`there`)."""

    table: str
    key: str
    columns: tuple[str, ...] = ()
    only: str | None = None

    def describe(self) -> str:
        what = f"only {self.only}" if self.only else f"differs in {', '.join(self.columns)}"
        return f"{self.table} where {self.key}: {what}"


@dataclass(slots=True)
class ArchiveComparison:
    """`rows` that were read of this archive, `differences` that are named, and how many there are by table."""

    tables: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def add(self, difference: Difference) -> None:
        self.counts[difference.table] = self.counts.get(difference.table, 0) + 1
        if len(self.differences) < MOST_NAMED:
            self.differences.append(difference)


def compare_archives(db: Database, other: Database) -> ArchiveComparison:
    """All tables that a copy has, but for the epochs. DatabaseProblem where one of the two is not of this version."""
    result = ArchiveComparison()
    with db.snapshot() as mine, other.snapshot() as theirs:
        sides = (mine.connection, theirs.connection)
        for connection, name in zip(sides, ("This archive", "The other archive"), strict=True):
            prepare_long_read(connection)
            _check_version(connection, name)
        own, others = (read_tables(connection, SQLModel.metadata.tables.keys()) for connection in sides)
        if (misfit := describe_misfit(others, own) or describe_misfit(own, others)) is not None:
            raise DatabaseProblem(f"{misfit}: the tables of the two archives are not the same.")
        for table in list_copied(own):
            result.tables += 1
            rows = read_rows(mine.connection, table)
            other_rows = read_rows(theirs.connection, others[table.name].arrange(table))
            result.rows += _compare_table(table, rows, other_rows, result)
    return result


def _check_version(connection: Connection, name: str) -> None:
    state = migrate.name_state(migrate.read_revision(connection))
    if state != "current":
        raise DatabaseProblem(f"{name} is of another version ({state}); two of this version can be compared.")


def _compare_table(table: TableShape, mine: Iterator[Row], theirs: Iterator[Row], result: ArchiveComparison) -> int:
    """Both go on in step: the one with the smaller key alone has that row. Returns the number of rows of `mine`."""
    places = table.key_places
    ignored = EPOCHS.get(table.name)
    count = 0
    row, other = next(mine, None), next(theirs, None)
    while row is not None or other is not None:
        own_key, other_key = ([one[place] for place in places] if one else None for one in (row, other))
        if row is not None and (other_key is None or own_key < other_key):  # type: ignore[operator] # of one type
            result.add(Difference(table.name, name_key(table, row), only="here"))
            count, row = count + 1, next(mine, None)
        elif other is not None and (own_key is None or other_key < own_key):  # type: ignore[operator]
            result.add(Difference(table.name, name_key(table, other), only="there"))
            other = next(theirs, None)
        else:
            assert row is not None
            assert other is not None
            if row != other and (columns := _list_differing(table, row, other, ignored)):
                result.add(Difference(table.name, name_key(table, row), columns))
            count, row, other = count + 1, next(mine, None), next(theirs, None)
    return count


def _list_differing(table: TableShape, row: Row, other: Row, ignored: str | None) -> tuple[str, ...]:
    pairs = zip(table.names, row, other, strict=True)
    return tuple(name for name, own, their in pairs if own != their and name != ignored)
