"""The version of everything that the public's responses depend on besides the URL: read for each request, in a few
microseconds. Two responses to one request made under the same version are equal, but for those that show the time.
Reads nothing else.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.changes import log
from app.db.database import Database
from app.db.log_position import LogHead, LogPosition
from app.db.sql import read_into

DAY = 86_400


@dataclass(frozen=True, slots=True)
class CacheVersion:
    """The log's last public row, how far the index has it (None without an index), and the day, by which searches
    weigh what is new. Drafts move none of them."""

    epoch: int
    seq: int
    mark: int
    index: tuple[int, int] | None
    day: int


class CurrentHead:
    """Where the log stands, asked for again only after a commit where that can be told."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._head: LogHead | None = None

    def get_known(self, db: Database) -> LogHead | None:
        """The very object read last, if nothing can have been committed since."""
        version = db.reader.version()
        return self._head if version is not None and version == self._version else None

    async def read(self, db: Database) -> LogHead:
        """Never older than the call. DatabaseUnavailable where the database does not respond."""
        version = db.reader.version()
        if version is None or version != self._version or self._head is None:
            [self._head] = read_into(LogHead, await db.reader.rows(log.head_statement(db.dialect), {}))
            self._version = version
        return self._head


class CacheVersions:
    """The current version; `index` returns the position of the search index.

    `get_known` and `ask` never return a version that was over before they were called: a client that has seen a write
    be acknowledged gets a version that includes it.
    """

    def __init__(self, db: Database, index: Callable[[], LogPosition | None]) -> None:
        self._db, self._index = db, index
        self._latest = CurrentHead()
        self._version: int | None = None
        self._told = CacheVersion(0, -1, 0, None, -1)
        self._until = 0.0
        self._place: LogPosition | None = None
        self._behind = True
        self._running: asyncio.Future[CacheVersion] | None = None
        self._next: asyncio.Future[CacheVersion] | None = None

    def get_known(self) -> CacheVersion | None:
        """The very object returned last, if nothing can have changed since; None if the database must be asked."""
        version = self._db.reader.version()
        if version is None or version != self._version or time.time() >= self._until:
            return None
        return None if self._behind and self._index() != self._place else self._told

    async def ask(self) -> CacheVersion:
        """DatabaseUnavailable where the database does not respond."""
        version = self._db.reader.version()
        if version is not None:
            return self._tell(version, await self._latest.read(self._db))
        # Where asking takes a while, all who come during one question are told by the next one.
        if self._next is None:
            self._next = asyncio.ensure_future(self._read_after(self._running))
        return await asyncio.shield(self._next)

    async def _read_after(self, running: "asyncio.Future[CacheVersion] | None") -> CacheVersion:
        if running is not None:
            await asyncio.wait({running})
        self._running, self._next = self._next, None
        return self._tell(None, await self._latest.read(self._db))

    def _tell(self, version: int | None, head: LogHead) -> CacheVersion:
        now, place = time.time(), self._index()
        day = int(now // DAY)
        reached = None if place is None else (place.epoch, min(place.seq, head.public_seq))
        told = CacheVersion(head.epoch, head.public_seq, head.public_mark, reached, day)
        self._version, self._place, self._until = version, place, (day + 1) * DAY
        self._behind = reached != (head.epoch, head.public_seq)
        # The same object as long as it is equal: whoever compares does so by identity.
        self._told = self._told if told == self._told else told
        return self._told
