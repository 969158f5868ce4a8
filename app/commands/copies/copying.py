"""Copies an archive: everything in SQL, table by table, out of one snapshot of the source, which may be served and
written to meanwhile."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, inspect

from app.commands.copies.source import prepare_long_read, read_counters, read_rows
from app.commands.copies.sqlite_target import SqliteTarget
from app.commands.copies.tables import NOT_COPIED, Row, TableShape, describe_misfit, list_copied, read_tables
from app.commands.copies.target import Target
from app.db import migrate
from app.db.database import Database, DatabaseProblem
from app.db.engines import DatabaseUrl

NEWS_ROWS = 10_000
"""After so many rows of a table the next line of news comes, if there is somebody to be told."""

Tables = dict[str, TableShape]
Tell = Callable[[str, int, int], None]
"""Is told the name of the table that is copied now, how many tables are done, and how many rows of this one."""


@dataclass(slots=True)
class CopyReport:
    """What was copied: rows by table, and the seconds that all of it took. `others` are tables of the database that are
    not the archive's."""

    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    others: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def open_target(url: DatabaseUrl) -> Target:
    """What lies at an address, to be filled. DatabaseProblem where PostgreSQL's driver is missing."""
    if url.dialect == "sqlite":
        return SqliteTarget(Path(url.database))
    try:
        from app.commands.copies.postgres_target import PostgresTarget
    except ModuleNotFoundError:
        raise DatabaseProblem("PostgreSQL needs its driver: pip install 'dateline[postgres]'.") from None
    return PostgresTarget(url)


def copy_archive(db: Database, target: Target, *, keeps_webhooks: bool = False, tell: Tell | None = None) -> CopyReport:
    """Fills a target that is empty; closes it, whatever happens. DatabaseProblem where that does not work: then the
    target is marked as not finished, and the source is as it was."""
    began, report = time.monotonic(), CopyReport()
    try:
        with db.snapshot() as snapshot:
            source = snapshot.connection
            prepare_long_read(source)
            own, tables = _begin(source, target, report)
            copied = list_copied(tables)
            for number, table in enumerate(copied):
                rows = _count_rows(read_rows(source, own[table.name].arrange(table)), table.name, number, tell)
                report.rows[table.name] = target.fill(table, rows)
            counters = read_counters(source, copied)
        target.finish(copied, counters, keeps_webhooks=keeps_webhooks)
    finally:
        target.close()
    report.seconds = time.monotonic() - began
    return report


def _begin(source: Connection, target: Target, report: CopyReport) -> tuple[Tables, Tables]:
    """The tables of both, by name; looks whether they are the same."""
    revision = migrate.read_revision(source)
    assert revision is not None
    if migrate.name_state(revision) == "newer":
        raise DatabaseProblem("The archive is of a newer version of Dateline than this one; use that.")
    tables = target.begin(revision)
    own = read_tables(source, tables.keys())
    if (misfit := describe_misfit(own, tables)) is not None:
        raise DatabaseProblem(f"{misfit}: the archive's tables are not those of its version, {revision}.")
    report.others = sorted(set(inspect(source).get_table_names()) - tables.keys() - NOT_COPIED.keys())
    return own, tables


def _count_rows(rows: Iterator[Row], name: str, number: int, tell: Tell | None) -> Iterator[Row]:
    count = 0
    for count, row in enumerate(rows):
        if tell is not None and count % NEWS_ROWS == 0:
            tell(name, number, count)
        yield row
