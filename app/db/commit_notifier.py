"""Whether anything was committed, asked in microseconds, by whoever follows the log."""

import threading
import time

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection

SHARED_SECONDS = 0.02
"""Less than followers let pass between two looks, so that each of them may be the one that asks."""


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
