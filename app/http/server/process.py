"""Runs an application under uvicorn in this process, until a signal ends it. Knows no settings and no archive."""

from __future__ import annotations

import asyncio
import signal
import socket
from dataclasses import dataclass
from threading import Event
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from app.http.server.acceptor import Acceptor
from app.http.server.shared_counts import SharedCounts

GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _SharedListening:
    listening: socket.socket
    counts: SharedCounts
    lifeline: int


class _Server(uvicorn.Server):
    """uvicorn's, which can also share its listening socket with other processes."""

    shared: _SharedListening | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.shared is None:
            await super().startup(sockets)
            return
        await super().startup([])
        loop, shared = asyncio.get_running_loop(), self.shared

        def make_protocol() -> asyncio.Protocol:
            # As uvicorn makes it for the servers of asyncio.
            protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop
            )
            return protocol

        def end() -> None:
            loop.remove_reader(shared.lifeline)
            self.should_exit = True

        loop.add_reader(shared.lifeline, end)
        self.servers = [Acceptor(shared.listening, shared.counts, make_protocol)]  # type: ignore[list-item] # what is used of one


class ServerProcess:
    """One server. `protocol` is what a connection is made by (`Guard.protocol`); None takes uvicorn's own, without our
    limits and with a connection that rests ended after `keep_alive` seconds."""

    def __init__(self, app: ASGIApp, protocol: Any | None, keep_alive: float) -> None:
        config = uvicorn.Config(
            app,
            loop="auto",  # uvloop, wherever it can be installed
            http=protocol or "httptools",
            ws="none",
            log_config=None,
            log_level="error",  # its warnings are all about what clients send
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=max(1, round(keep_alive)),
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._told = Event()
        # uvicorn puts its own in their place while it runs, and these back when it has ended.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    @property
    def is_ending(self) -> bool:
        return self._server.should_exit

    def end(self) -> None:
        """As if told to, from any thread."""
        self._server.should_exit = True

    def run(self, listening: socket.socket) -> bool:
        """Serves until told to stop; False where the server could not start."""
        self._server.run(sockets=[listening])
        return self._server.started or self._told.is_set()

    def run_worker(self, listening: socket.socket, counts: SharedCounts, lifeline: int) -> bool:
        """The same as one of several processes that listen on the socket. It ends as if told to, too, where the other
        end of `lifeline` is closed: its supervisor has died."""
        self._server.shared = _SharedListening(listening, counts, lifeline)
        return self.run(listening)

    def _end(self, *_: object) -> None:
        """For signals that come before uvicorn listens for them, and those that it raises again when all is closed: by
        default they would end the process with a status that says it went wrong."""
        self._told.set()
        self._server.should_exit = True
