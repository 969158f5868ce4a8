"""Load shedding: requests beyond what the server can work on at once, and streams beyond their caps, get 503 or 429.

Pure ASGI, inside of the response cache: cached responses are sent however busy the server is. Never turns away what
the operator asks for, never queues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import DatelineError, Overloaded, RateLimited
from app.http.middleware.rate_limit import EXEMPT
from app.http.params import query_string
from app.http.problems import render_problem
from app.http.server.client_address import ClientAddresses, Network
from app.http.server.connections import ConnectionLimiter

STREAMS = frozenset({"/v1/changes/stream", "/v1/export"})
WAITING = "/v1/changes"
RETRY_STREAM = 10


@dataclass(frozen=True, slots=True)
class LoadCaps:
    """How many may go on at once in this process: requests, streams of all clients, streams of one address."""

    requests: int
    streams: int
    streams_per_address: int


class LoadShedding:
    """Counts what is being worked on. Streams, and requests that wait for news, do nothing for most of their time and
    are counted apart. `load` is also read by the metrics."""

    def __init__(
        self,
        app: ASGIApp,
        caps: LoadCaps,
        limiter: ConnectionLimiter,
        load: CurrentLoad,
        trusted: Sequence[Network] = (),
    ) -> None:
        self.app, self.caps, self.limiter, self.load = app, caps, limiter, load
        self._clients = ClientAddresses(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (not scope["path"].startswith("/v1/") and EXEMPT.fullmatch(scope["path"])):
            await self.app(scope, receive, send)
        elif is_long_lived(scope):
            await self._stream(scope, receive, send)
        elif self.limiter.is_strained or self.load.requests >= self.caps.requests:
            await self._refuse("requests", Overloaded(), scope, receive, send)
        else:
            self.load.requests += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.load.requests -= 1

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        address, load = self._clients.find_address(scope), self.load
        if load.streams.total() >= self.caps.streams:
            error: DatelineError = Overloaded("As many streams as can be are open.", RETRY_STREAM)
            await self._refuse("streams", error, scope, receive, send)
        elif load.streams[address] >= self.caps.streams_per_address:
            await self._refuse("streams_of_address", RateLimited(RETRY_STREAM), scope, receive, send)
        else:
            load.streams[address] += 1
            try:
                await self.app(scope, receive, send)
            finally:
                load.streams[address] -= 1
                # Else the counter would keep an entry for every address that ever had a stream.
                if not load.streams[address]:
                    del load.streams[address]

    async def _refuse(self, why: str, error: DatelineError, scope: Scope, receive: Receive, send: Send) -> None:
        self.limiter.refused[why] += 1
        await render_problem(error, scope)(scope, receive, send)


class CurrentLoad:
    """What is being worked on at this moment; streams by the address of their client."""

    def __init__(self) -> None:
        self.requests = 0
        self.streams: Counter[str] = Counter()


def is_long_lived(scope: Scope) -> bool:
    """Whether the response takes as long as the client likes."""
    path = scope["path"]
    return path in STREAMS or (path == WAITING and "wait" in query_string.parse_query(scope["query_string"]))
