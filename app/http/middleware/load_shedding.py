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
from app.http.server.shared_counts import PerAddress, Shared, SharedCounts

STREAMS = frozenset({"/v1/changes/stream", "/v1/export", "/internal/index"})
WAITING = "/v1/changes"
RETRY_STREAM = 10


@dataclass(frozen=True, slots=True)
class LoadCaps:
    """How many may go on at once in this server: requests, streams of all clients, streams of one address."""

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
        elif self.limiter.is_strained or not self.load.begin_request(self.caps.requests):
            await self._refuse("requests", Overloaded(), scope, receive, send)
        else:
            try:
                await self.app(scope, receive, send)
            finally:
                self.load.end_request()

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = self._clients.find_address(scope)
        if problem := self.load.begin_stream(address, self.caps):
            await self._refuse(*problem, scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self.load.end_stream(address)

    async def _refuse(self, why: str, error: DatelineError, scope: Scope, receive: Receive, send: Send) -> None:
        self.limiter.refused[why] += 1
        await render_problem(error, scope)(scope, receive, send)


class CurrentLoad:
    """What is being worked on at this moment, here; streams by the address of their client. What begins counts before
    it is compared with what all workers have: two that begin at once may both be refused, never both be too many."""

    def __init__(self, counts: SharedCounts | None = None) -> None:
        self.requests = self.snapshots = 0
        self.streams: Counter[str] = Counter()
        self._counts = counts or SharedCounts()

    def begin_request(self, most: int) -> bool:
        """Whether there is room for one more."""
        self.requests += 1
        self._counts.set_own(Shared.REQUESTS, self.requests)
        if self.requests + self._counts.add_others(Shared.REQUESTS) <= most:
            return True
        self.end_request()
        return False

    def end_request(self) -> None:
        self.requests -= 1
        self._counts.set_own(Shared.REQUESTS, self.requests)

    def begin_snapshot(self, most: int) -> bool:
        """Whether there is room for one more snapshot of the index that is sent."""
        self.snapshots += 1
        self._counts.set_own(Shared.SNAPSHOTS, self.snapshots)
        if self.snapshots + self._counts.add_others(Shared.SNAPSHOTS) <= most:
            return True
        self.end_snapshot()
        return False

    def end_snapshot(self) -> None:
        self.snapshots -= 1
        self._counts.set_own(Shared.SNAPSHOTS, self.snapshots)

    def begin_stream(self, address: str, caps: LoadCaps) -> tuple[str, DatelineError] | None:
        """Why there is no room for one more, and what to say of it."""
        counts = self._counts
        self._add_stream(address, 1)
        problem: tuple[str, DatelineError] | None = None
        if self.streams.total() + counts.add_others(Shared.STREAMS) > caps.streams:
            problem = "streams", Overloaded("As many streams as can be are open.", RETRY_STREAM)
        elif (
            self.streams[address] + counts.add_others_of_address(PerAddress.STREAMS, address) > caps.streams_per_address
        ):
            problem = "streams_of_address", RateLimited(RETRY_STREAM)
        if problem:
            self.end_stream(address)
        return problem

    def end_stream(self, address: str) -> None:
        self._add_stream(address, -1)
        # Else the counter would keep an entry for every address that ever had a stream.
        if not self.streams[address]:
            del self.streams[address]

    def _add_stream(self, address: str, change: int) -> None:
        self.streams[address] += change
        self._counts.set_own(Shared.STREAMS, self.streams.total())
        self._counts.add_of_address(PerAddress.STREAMS, address, change)


def is_long_lived(scope: Scope) -> bool:
    """Whether the response takes as long as the client likes."""
    path = scope["path"]
    return path in STREAMS or (path == WAITING and "wait" in query_string.parse_query(scope["query_string"]))
