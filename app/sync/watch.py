"""Waits for news in the log: one look at the head every tenth of a second for everybody who waits, however many, and
one at how far saved searches are matched, more often, because what is told of them has waited for that already.

Holds no connection while it waits, and gives up at once when the server is told to end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from app.db.log_position import LogHead
from app.search.saved_searches.matches import MatchPosition

SECONDS, MATCHED_SECONDS = 0.1, 0.03

T = TypeVar("T")


class _SharedLook(Generic[T]):
    """Reads the same for all who ask within so many seconds."""

    def __init__(self, read: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._next: asyncio.Task[T] | None = None

    async def wait(self) -> T:
        """As of a moment after the call."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._look())
        return await asyncio.shield(self._next)

    async def _look(self) -> T:
        await asyncio.sleep(self._seconds)
        return await self._read()

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._next


class LogWatch:
    """`read` is asked for the head, `read_matched` for how far saved searches are matched. `ending` says whether the
    server is shutting down; whoever runs one sets it. `beat` is the longest silence of a stream in seconds: less than
    what proxies take for death."""

    def __init__(
        self, read: Callable[[], Awaitable[LogHead]], read_matched: Callable[[], Awaitable[MatchPosition]]
    ) -> None:
        self._head = _SharedLook(read, SECONDS)
        self._matched = _SharedLook(read_matched, MATCHED_SECONDS)
        self.beat = 15.0
        self.ending: Callable[[], bool] = lambda: False

    async def tick(self) -> LogHead:
        """The head as of a moment after the call. DatabaseUnavailable where nobody can say."""
        return await self._head.wait()

    async def tick_matched(self) -> MatchPosition:
        """The same of how far saved searches are matched."""
        return await self._matched.wait()

    async def close(self) -> None:
        """Nobody waits any more, and nothing is read after this."""
        self.ending = lambda: True
        await self._head.close()
        await self._matched.close()
