"""Runs an application under uvicorn in this process, until a signal ends it. Knows no settings and no archive."""

from __future__ import annotations

import signal
import socket
from threading import Event
from typing import Any

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 10


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
        self._server = uvicorn.Server(config)
        self._told = Event()
        # uvicorn puts its own in their place while it runs, and these back when it has ended.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    @property
    def is_ending(self) -> bool:
        return self._server.should_exit

    def run(self, listening: socket.socket) -> bool:
        """Serves until told to stop; False where the server could not start."""
        self._server.run(sockets=[listening])
        return self._server.started or self._told.is_set()

    def _end(self, *_: object) -> None:
        """For signals that come before uvicorn listens for them, and those that it raises again when all is closed: by
        default they would end the process with a status that says it went wrong."""
        self._told.set()
        self._server.should_exit = True
