"""The audit for the command line: as many rows as wanted, newest first, read in portions. Reads only."""

from collections.abc import Iterator

from app.audit import queries
from app.db.database import Database
from app.db.sql import read_integer

AT_ONCE = 1_000


def find_keys(db: Database, name: str) -> list[int]:
    """The number itself, or the numbers of the keys called so, three at most."""
    if name.isascii() and name.isdigit() and len(name) < 18:
        return [int(name)]
    with db.snapshot() as snapshot:
        return [read_integer(row[0]) for row in snapshot.fetch(queries.select_keys(db.dialect), {"name": name})]


def read_rows(db: Database, audit_filter: queries.AuditFilter, most: int) -> Iterator[queries.AuditEntry]:
    """Each portion is read at a point in time of its own, so that a long list holds up nobody."""
    place = queries.AuditPosition()
    while most > 0:
        size = min(most, AT_ONCE)
        statement, values = queries.select_page(db.dialect, audit_filter, size, place)
        with db.snapshot() as snapshot:
            rows = queries.read_rows(snapshot.fetch(statement, values), place.turn)
        yield from rows
        if len(rows) < size:
            return
        most -= size
        place = queries.AuditPosition("after", rows[-1].at, rows[-1].id)
