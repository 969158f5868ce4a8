"""Takes connections from a socket that several processes listen on, so that each gets about as many.

Whoever is free takes one at a time. A worker that has more than another leaves it to that one for a moment and takes it
all the same where it does not: it may be busy, or stopped. Without this one of them takes all that come at once, and
one core does the work of clients that keep their connections.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from app.http.server.shared_counts import Shared, SharedCounts

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.003
PAUSE_SECONDS = 0.5
"""Where the system has no more files."""


class Acceptor:
    """Stands where uvicorn has asyncio's servers: `close` and `wait_closed` are what it asks of them."""

    def __init__(
        self, listening: socket.socket, counts: SharedCounts, make_protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._listening, self._counts, self._make_protocol = listening, counts, make_protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._resuming: asyncio.TimerHandle | None = None
        self._is_closed = self._has_waited = False
        listening.setblocking(False)
        self._loop.add_reader(listening.fileno(), self._take_one)

    def close(self) -> None:
        """Takes no more."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._resuming is not None:
            self._resuming.cancel()
        self._loop.remove_reader(self._listening.fileno())

    async def wait_closed(self) -> None:
        """Until the connections that were taken are made."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _take_one(self) -> None:
        if self._has_more_than_another() and not self._has_waited:
            self._pause(PATIENCE_SECONDS)
            return
        self._has_waited = False
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was quicker, or the client has gone
        except OSError as error:
            logger.error("no connection can be taken: %s", error.strerror)
            self._pause(PAUSE_SECONDS)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:
            connection.close()  # the client has gone

    def _has_more_than_another(self) -> bool:
        counts = self._counts
        own = counts.get(counts.own, Shared.CONNECTIONS) + len(self._opening)
        others = [
            counts.get(worker, Shared.CONNECTIONS)
            for worker in range(counts.workers)
            if worker != counts.own and counts.get(worker, Shared.BEAT)
        ]
        return bool(others) and own > min(others)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening.fileno())
        self._resuming = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._has_waited = True
        self._loop.add_reader(self._listening.fileno(), self._take_one)
