"""Single flight: concurrent calls under one key share one run. Caches no results."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class SingleFlight:
    """Of one event loop. Work under one key must always be the same work."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[object]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[object, object, T]]) -> T:
        """The result of the work, or its error, for every caller while it runs; it goes on when one of them has
        gone."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.create_task(work())
            running.add_done_callback(lambda _: self._running.pop(key))
        return cast("T", await asyncio.shield(running))
