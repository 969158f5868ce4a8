"""Gives the free pages of a SQLite file back to the system, some at a time: what was deleted leaves them, and without
this they wait for new rows. A file from before they could be given back so gets to it by `dateline compact`."""

from contextlib import closing

from app.db.database import Database, Snapshot

INCREMENTAL = 2
"""What `PRAGMA auto_vacuum` says of a file whose free pages can be given back."""


def read_free(snapshot: Snapshot) -> int:
    """Bytes of free pages; none of a database that keeps house itself."""
    if snapshot.connection.dialect.name != "sqlite":
        return 0
    pages, size = (
        snapshot.connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0 for name in ("freelist_count", "page_size")
    )
    return int(pages) * int(size)


def can_be_given_back(snapshot: Snapshot) -> bool:
    """Whether the file knows where each of its pages is pointed to from, without which none can be moved."""
    return snapshot.connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == INCREMENTAL


def give_back(db: Database, pages: int) -> None:
    """At most so many pages, in a transaction of its own."""
    # The driver's own connection, as a script: each page is a row without columns, of which a statement takes the first
    # alone and a script all.
    with db.hold_write_lock(), closing(db.engine.raw_connection()) as connection:
        connection.cursor().executescript(f"PRAGMA incremental_vacuum({int(pages)})")
