"""Waits for news in the log: one look at the head every tenth of a second for everybody who waits, however many.

Holds no connection while it waits, and gives up at once when the server is told to end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.db.log_position import LogHead

SECONDS = 0.1


class LogWatch:
    """`read` is asked for the head. `ending` says whether the server is shutting down; whoever runs one sets it.
    `beat` is the longest silence of a stream in seconds: less than what proxies take for death."""

    def __init__(self, read: Callable[[], Awaitable[LogHead]]) -> None:
        self._read = read
        self._next: asyncio.Task[LogHead] | None = None
        self.beat = 15.0
        self.ending: Callable[[], bool] = lambda: False

    async def tick(self) -> LogHead:
        """The head as of a moment after the call. DatabaseUnavailable where nobody can say."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._look())
        return await asyncio.shield(self._next)

    async def _look(self) -> LogHead:
        await asyncio.sleep(SECONDS)
        return await self._read()

    async def close(self) -> None:
        """Nobody waits any more, and nothing is read after this."""
        self.ending = lambda: True
        if self._next is not None:
            self._next.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._next
