"""What a database says of itself, asked once a second: whether it can be written, and what its clock says. Reads go on
whatever it says. Knows no tables.

An archive can only be read where a setting says so, and by itself while its file or folder is not writable, PostgreSQL
is a standby, or `default_transaction_read_only` is on. What works in the background rests until that has changed.
"""

import asyncio
import errno
import logging
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.db.file_locks import FileLock
from app.errors import ReadOnly

SECONDS = 1.0
BY_SETTING = "this server only reads, by its setting DATELINE_READ_ONLY"
MOST_OFFSET = 2.0
"""Seconds by which a node's clock may differ from the database's before its log says so."""
_REFUSALS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_READ_ONLY_TRANSACTION = "25006"
_SQLITE_PERM, _SQLITE_READONLY = 3, 8
_ASK_POSTGRES = text(
    "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',"
    " extract(epoch FROM clock_timestamp())::float8"
)
_ASK_SQLITE = text("SELECT (julianday('now') - 2440587.5) * 86400.0")

log = logging.getLogger(__name__)


class Reported(NamedTuple):
    """`reason`: why nothing can be written, None where it can; `clock` in epoch seconds."""

    reason: str | None
    clock: float


class Condition:
    """Of one database, as of the last look. `offset` is by how many seconds this node's clock is ahead of it."""

    def __init__(self, ask: Callable[[bool], Reported], *, is_fixed: bool = False) -> None:
        """`ask` is told whether the database refused to be written before; `is_fixed`: a setting says so."""
        self._ask = ask
        self._fixed = BY_SETTING if is_fixed else None
        self._found_reason: str | None = None
        self.offset = 0.0
        self._is_off = False

    @property
    def reason(self) -> str | None:
        """Why nothing can be written, None where it can."""
        return self._fixed or self._found_reason

    def check(self) -> None:
        """ReadOnly where nothing can be written."""
        if (reason := self.reason) is not None:
            raise ReadOnly(f"Nothing can be written now: {reason}.", 60 if self._fixed else 5)

    def note_refusal(self, error: Exception) -> ReadOnly | None:
        """What a caller is told where the database refused an error because it can only be read; None for others."""
        if not _is_refusal(error):
            return None
        self._set(self._found_reason or "the database refuses to be written")
        return ReadOnly(f"Nothing can be written now: {self.reason}.", 5)

    def look(self) -> None:
        """Asks the database. One that does not respond is as it was before."""
        began = time.time()
        try:
            reported = self._ask(self._found_reason is not None)
        except (DBAPIError, OSError):
            return
        ended = time.time()
        self._set(reported.reason)
        self._note_clock((began + ended) / 2 - reported.clock, ended - began)

    async def watch(self) -> None:
        """Looks once a second, for ever."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Exception:
                log.exception("the database could not be asked how it is; trying again")
            await asyncio.sleep(SECONDS)

    async def wait_until_writable(self) -> None:
        """For what works in the background."""
        while self.reason is not None:  # noqa: ASYNC110 -- found out by other threads
            await asyncio.sleep(SECONDS / 4)

    def _set(self, reason: str | None) -> None:
        before, self._found_reason = self._found_reason, reason
        if reason is not None and before is None:
            log.warning("the archive can only be read: %s", reason)
        elif reason is None and before is not None:
            log.warning("the archive can be written again")

    def _note_clock(self, offset: float, taken: float) -> None:
        """`taken` are the seconds that asking took, within which the database may have looked at its clock."""
        self.offset = offset
        is_off = abs(offset) - taken / 2 > MOST_OFFSET
        if is_off and not self._is_off:
            log.warning(
                "this machine's clock is %.1f s %s that of the database, which decides what is due: set both by NTP",
                abs(offset), "ahead of" if offset > 0 else "behind",
            )  # fmt: skip
        elif self._is_off and not is_off:
            log.warning("this machine's clock agrees with that of the database again")
        self._is_off = is_off

    @property
    def clock_problem(self) -> str | None:
        """A sentence where the clocks differ by more than MOST_OFFSET."""
        return f"This machine's clock differs by {self.offset:+.1f} s from the database's." if self._is_off else None


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _REFUSALS
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", None)
    is_sqlites = isinstance(code, int) and code & 0xFF in (_SQLITE_PERM, _SQLITE_READONLY)
    return is_sqlites or getattr(cause, "sqlstate", None) == _READ_ONLY_TRANSACTION


def ask_postgres(engine: Engine, *, was_refused: bool) -> Reported:
    """Of the server that is written to. A connection keeps the default that held when it was opened, so that none is
    used again where a write was refused."""
    if was_refused:
        engine.dispose()
    with engine.connect() as connection:
        is_standby, is_read_only, clock = connection.execute(_ASK_POSTGRES).one()
    reason = "PostgreSQL is set to read only (default_transaction_read_only)" if is_read_only else None
    return Reported("PostgreSQL is a standby, which repeats what its primary writes" if is_standby else reason, clock)


def ask_sqlite(path: Path, writing: Engine, reading: Engine, lock: FileLock, *, was_refused: bool) -> Reported:
    """Of a file. Where a write was refused before, only a transaction shows that it would not be again: connections
    that were opened then can only read for good."""
    reason = describe_access(path)
    if reason is None and was_refused:
        writing.dispose()
        try:
            with lock.hold(), closing(writing.raw_connection()) as connection:
                connection.cursor().execute("BEGIN IMMEDIATE")
                connection.rollback()
        except Exception as error:
            if not _is_refusal(error) and not _is_refusal(DBAPIError(None, None, error)):
                raise
            reason = "the database refuses to be written"
    with reading.connect() as connection:
        return Reported(reason, float(connection.execute(_ASK_SQLITE).scalar_one()))


def describe_access(path: Path) -> str | None:
    """Why the system does not let this process write a file; None where it does, and where there is none yet."""
    by_effective_user = os.access in os.supports_effective_ids
    for what, one in (("file", path), ("folder", path.parent)):
        if one.exists() and not os.access(one, os.W_OK, effective_ids=by_effective_user):
            return f"the archive's {what} is not writable"
    return None
