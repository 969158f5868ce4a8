"""How connections to the database are made: the address that is given, and an engine for each kind of database."""

import re
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app.db.readers import BUSY_SECONDS, name_for_reading


class DatabaseProblem(Exception):
    """The archive cannot be opened as it is; the message is one line for a person."""


def read_url(text: str) -> URL:
    """Accepts `sqlite:///file`, `postgresql://…` and `postgres://…`; DatabaseProblem for anything else."""
    try:
        url = make_url(re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", text))
    except ArgumentError:
        raise DatabaseProblem("DATELINE_DATABASE_URL is not an address of a database.") from None
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return url
    if url.drivername == "postgresql+psycopg":
        return url
    raise DatabaseProblem("DATELINE_DATABASE_URL must be sqlite:///path/to/file or postgresql://user@host/name.")


def create_sqlite_engine(path: Path, *, read_only: bool) -> Engine:
    """One whose transactions hold the write lock from their beginning, unless `read_only`."""

    def connect() -> sqlite3.Connection:
        address = name_for_reading(path) if read_only else f"{path.absolute().as_uri()}?mode=rwc"
        return sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None, timeout=BUSY_SECONDS)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4, max_overflow=16)

    @event.listens_for(engine, "connect")
    def prepare_connection(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        if not read_only:
            if connection.execute("PRAGMA page_count").fetchone() == (0,):
                # Before the first table: pages that become free can be given back in portions. Of a file that is there
                # this would write, and `dateline compact` does it.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: after a power cut NORMAL would give sequence numbers out again that followers have seen.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -64000")
            # What is deleted is overwritten, so that a purged text is not left in pages that are free. Most builds of
            # SQLite do so anyway.
            connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that turns into a write fails with BUSY instead of waiting.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def create_postgres_engine(url: URL, size: int) -> Engine:
    """DatabaseProblem where its driver is not installed."""
    try:
        return create_engine(
            url,
            pool_size=size,
            max_overflow=4,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "options": "-c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000",
            },
        )
    except ModuleNotFoundError:
        raise DatabaseProblem("PostgreSQL needs its driver: pip install 'dateline[postgres]'.") from None
