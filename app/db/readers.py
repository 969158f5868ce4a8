"""The read side: what every reader does, prepared statements on one read-only connection of SQLite, whether anything
was committed, and what the databases' errors mean. Never writes."""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Protocol

import orjson
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection

from app.db.log_position import LogHead
from app.db.sql import Prepared, Value
from app.errors import DatabaseUnavailable

Row = tuple[object, ...]
BUSY_SECONDS = 10
MAPPED_BYTES = 1 << 40
"""The whole file; SQLite itself maps at most 2 GiB of it and reads what is beyond as usual."""
SHARED_SECONDS = 0.02
"""Less than followers let pass between two looks, so that each of them may be the one that asks."""
# Serialisation, deadlock, lock time-out, server going away; and a unique value that another transaction took between
# this one's look and its insert: run again, it sees it.
RETRY_STATES = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "08003", "08006", "23505"})


class Reader(Protocol):
    """Runs prepared statements outside any write. Raises DatabaseUnavailable where the database does not respond.

    Each call sees everything that was committed before it began; behind `read_as_of`, of articles everything up to the
    place named there at least.
    """

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        """All rows. `bounded` says that an index limits the work, so that it may run in the event loop."""

    def version(self) -> int | None:
        """Another number than before after every commit by anyone, in microseconds; None where that cannot be told
        without waiting."""

    async def close(self) -> None: ...


class Rows(Protocol):
    """What reading functions need of a reader."""

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]: ...


class Readable(Protocol):
    """Where reading functions read: the database, or a transaction that is still open."""

    @property
    def dialect(self) -> str: ...

    @property
    def reader(self) -> Rows: ...


_known_head: ContextVar[LogHead | None] = ContextVar("known_head", default=None)


def read_as_of(head: LogHead | None) -> None:
    """From here on this task is content with articles as they were at the head or are later, so that a replica which
    has replayed it may be read. None: with nothing but what there is now."""
    _known_head.set(head)


def read_known_head() -> LogHead | None:
    """What the task has said by `read_as_of`."""
    return _known_head.get()


class SqliteReader:
    """One read-only connection in the event loop, one in a thread for statements that no index bounds."""

    def __init__(self, path: Path, *, alone: bool = True) -> None:
        """`alone`: what is committed while clients are connected is committed in this process."""
        self._path, self._is_alone = path, alone
        self._loop_connection = self._connect()
        self._thread_connection = self._connect()
        self._version = self._loop_connection.cursor()
        self._told: int | None = None
        self._asker: object = None
        self._thread = ThreadPoolExecutor(1, "sqlite-read")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            name_for_reading(self._path),
            uri=True,
            isolation_level=None,  # no transactions: each statement sees what was committed before it
            check_same_thread=False,  # opened where the reader is made, used in the loop or in the one thread
            cached_statements=512,
        )
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        # Pages are read where the system has them: no copies, no calls. The cache is for those beyond.
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        connection.execute("PRAGMA cache_size = -6000")
        return connection

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        bound = encode_sqlite_values(statement, values)
        try:
            if bounded:
                return self._loop_connection.execute(statement.sql, bound).fetchall()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._thread, lambda: self._thread_connection.execute(statement.sql, bound).fetchall()
            )
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailable(f"The database does not answer: {error}.") from error

    def version(self) -> int | None:
        """One look serves all tasks that were ready before it: whatever a later commit makes ready is behind `_forget`
        in the loop's queue. Only the task that looked can have committed something itself meanwhile, and looks again;
        what runs outside of tasks commits nothing. Where other workers commit too, each call looks: a client may have
        their response before this loop comes to `_forget`.
        """
        asker = asyncio.current_task() or self
        if self._is_alone and self._asker is not None and (self._asker is not asker or asker is self):
            return self._told
        try:
            self._told = self._version.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.OperationalError:
            self._told = None
        if self._is_alone and self._asker is None:
            asyncio.get_running_loop().call_soon(self._forget)
        self._asker = asker
        return self._told

    def _forget(self) -> None:
        self._asker = None

    async def close(self) -> None:
        self._thread.shutdown()
        self._loop_connection.close()
        self._thread_connection.close()


def name_for_reading(path: Path) -> str:
    """The address of a file for a connection that only reads. In a folder where SQLite can make no files beside it, and
    where there are none, it is read as one that nobody changes: else it could not be opened at all."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    is_closed = not os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    is_alone = is_closed and not path.with_name(path.name + "-wal").exists()
    return f"{address}&immutable=1" if is_alone else address


def encode_sqlite_values(statement: Prepared, values: Mapping[str, Value]) -> dict[str, Value]:
    """Lists travel to SQLite as JSON."""
    bound = {**statement.constants, **values}
    for name in statement.lists:
        bound[name] = orjson.dumps(bound[name]).decode()
    return bound


class CommitNotifier:
    """Tells in microseconds whether anything can have been committed since it was last asked. For one thread.

    SQLite counts what other connections commit; on PostgreSQL the log's counter is asked for.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._question = "PRAGMA data_version" if engine.dialect.name == "sqlite" else "SELECT seq FROM change_head"
        self._connection: PoolProxiedConnection | None = None

    def number(self) -> int | None:
        """Another one than before after every commit that matters; None where the database does not respond."""
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
                self._connection.detach()
            cursor = self._connection.cursor()
            cursor.execute(self._question)
            row = cursor.fetchone()
            cursor.close()
            return int(row[0]) if row else None
        except (DBAPIError, PoolTimeout, self._engine.dialect.loaded_dbapi.Error):
            self._disconnect()
            return None

    def close(self) -> None:
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SharedNotifier(CommitNotifier):
    """One connection for every thread that follows the log, and one question for those that ask at nearly the same
    time. A number that is a moment old is no loss: it is read before the log is, and is another one the next time."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._lock = threading.Lock()
        self._until = 0.0
        self._last: int | None = None
        self._is_shut_down = False

    def number(self) -> int | None:
        """None too when the database was closed."""
        with self._lock:
            if self._is_shut_down:
                return None
            if (now := time.monotonic()) >= self._until:
                self._last, self._until = super().number(), now + SHARED_SECONDS
            return self._last

    def close(self) -> None:
        """Opened anew for whoever asks after that."""
        with self._lock:
            super().close()

    def shut_down(self) -> None:
        """Nobody opens it again: a thread that still follows must not leave a connection behind."""
        with self._lock:
            self._is_shut_down = True
            super().close()


def is_disconnected(state: str | None) -> bool:
    """Whether a PostgreSQL error says, or by saying nothing lets assume, that the connection has ended."""
    return state is None or state.startswith(("08", "57P"))


def read_sql_state(error: DBAPIError) -> str | None:
    """PostgreSQL's code of what went wrong; None on SQLite."""
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def is_permanent_refusal(error: DBAPIError) -> bool:
    """Whether the database says the same of the same rows again: it is not busy, not full and not away."""
    state = read_sql_state(error)
    if error.connection_invalidated or state in RETRY_STATES:
        return False
    return state.startswith(("22", "23", "54")) if state else not isinstance(error, OperationalError)


def is_taken(error: DBAPIError) -> bool:
    """Whether a value that has to be unique is there already: perhaps since another transaction's commit."""
    return isinstance(error, IntegrityError) and read_sql_state(error) in (None, "23505")
