"""Empties the write-ahead log of a SQLite archive after a purge: it holds pages as they were before. What was deleted
in the file itself SQLite overwrites (`secure_delete`). Knows no articles."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, closing

from sqlalchemy import Engine
from sqlmodel import Session

READERS_MILLISECONDS, AGAIN_SECONDS = 100, 1.0
"""For how long readers are waited for who still need the log, and when to try again."""
_ERASE = "dateline.erase"

log = logging.getLogger(__name__)


def request_truncation(session: Session) -> None:
    """Asks for it, once this transaction is committed."""
    session.info[_ERASE] = True


class WalTruncation:
    """For one database. `alone` holds the lock on writing, `writers` is where writes run, `busy_seconds` how long
    connections wait for locks otherwise."""

    def __init__(
        self, engine: Engine, alone: Callable[[], AbstractContextManager[None]], writers: Executor, busy_seconds: int
    ) -> None:
        self._engine, self._alone, self._writers, self._busy = engine, alone, writers, busy_seconds
        self._due = False
        self._timer: asyncio.TimerHandle | None = None

    def truncate_after_commit(self, session: Session) -> None:
        """While the lock on writing is still held."""
        if self._due or _ERASE in session.info:
            self._due = not self._truncate()

    def retry(self, loop: asyncio.AbstractEventLoop) -> None:
        """Each second, until no reader needs the log any more. In the event loop's thread."""
        if self._due and self._timer is None:
            run = loop.run_in_executor
            self._timer = loop.call_later(AGAIN_SECONDS, lambda: run(self._writers, self._try_again, loop))

    def close(self) -> None:
        """Whoever closes the file last leaves no log behind."""
        self._due = False
        if self._timer is not None:
            self._timer.cancel()

    def _try_again(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._alone():
            self._due = self._due and not self._truncate()
        self._timer = None
        if self._due:
            loop.call_soon_threadsafe(self.retry, loop)

    def _truncate(self) -> bool:
        """Whether all of it is in the file now and the log is empty; not where a reader is still at an older state."""
        # The driver's own connection: a checkpoint cannot run within the transaction that SQLAlchemy would begin.
        with closing(self._engine.raw_connection()) as connection:
            try:
                cursor = connection.cursor()
                cursor.execute(f"PRAGMA busy_timeout = {READERS_MILLISECONDS}")
                # A row of three numbers: whether it was blocked, pages in the log, pages that were moved.
                [busy, *_] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                # The connection goes back to the pool, where others expect the usual patience.
                cursor.execute(f"PRAGMA busy_timeout = {self._busy * 1000}")
                return bool(busy == 0)
            except sqlite3.Error as error:
                log.warning("the write-ahead log could not be emptied: %s", error)
                return False
