"""Single flight: concurrent calls under one key share one run. Caches no results."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Of one event loop. Work under one key must always be the same work."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[object, object, T]]) -> T:
        """The result of the work, or its error, for every caller while it runs; it goes on when one of them has
        gone."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.create_task(work())
            running.add_done_callback(lambda _: self._running.pop(key))
        # Shielded: a caller that is cancelled would cancel the work for all who wait with it.
        result: T = await asyncio.shield(running)
        return result
