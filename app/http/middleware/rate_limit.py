"""How many requests a minute each client may make: pure ASGI, in the memory of one process or of
all workers of a server.

A client is its key once a response has shown that the key is valid, else its address. Never reads the database, never
believes a forwarded address from a peer that is no trusted proxy, and counts nothing under /health and /metrics.
Responses of a layer outside of this one are not counted.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import RateLimited
from app.http.headers import find_header
from app.http.problems import render_problem
from app.http.server.client_address import ClientAddresses, Network
from app.http.server.shared_buckets import SharedInstants

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
MOST_CLIENTS = 50_000
"""Addresses, and as many keys, that are remembered; the least recently seen is evicted first."""
EXEMPT = re.compile(r"/(?:health|metrics)(?:/.*)?", re.DOTALL)
"""Endpoints of the operator, which must respond whatever goes on."""
# Without leading zeros, so that a key has one name in whatever way it is written.
_KEY = re.compile(r"dl_0*([0-9]{1,15}_[A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """What a client has left after a request: `remaining` more at once, and another in `seconds`, rounded up."""

    allowed: bool
    remaining: int
    seconds: int


class Buckets(Protocol):
    """Token buckets by name; one of a name that is not in it is full."""

    def __contains__(self, name: str) -> bool: ...

    def take(self, name: str) -> RateLimitState:
        """Takes a token if there is one. Asking in vain costs nothing, and keeps the client from being forgotten."""
        ...

    def forget(self, name: str) -> None: ...


def take_token(missing: int, step: int, room: int) -> tuple[RateLimitState, int]:
    """Of a bucket that `missing` nanoseconds fill, where a token takes `step` and all of them `room`; what is missing
    then. The generic cell rate algorithm: one instant is all that a bucket needs, and none is filled by a clock."""
    allowed = missing + step <= room
    missing += step if allowed else 0
    until_more = missing % step or step
    return RateLimitState(allowed, (room - missing) // step, -(-until_more // SECOND)), missing


class TokenBuckets:
    """Token buckets of `per_minute` tokens, filled evenly. Of each only the instant is kept, in nanoseconds of a
    steady clock, at which it will be full again; a name that is not here has a full one."""

    def __init__(self, per_minute: int, most: int, clock: Callable[[], int]) -> None:
        self._step = MINUTE // per_minute
        self._room = self._step * per_minute
        self._most = most
        self._clock = clock
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._full_at

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str) -> RateLimitState:
        """Takes a token if there is one. Asking in vain costs nothing, and keeps the client from being forgotten."""
        now = self._clock()
        state, missing = take_token(max(self._full_at.get(name, now) - now, 0), self._step, self._room)
        self._full_at[name] = now + missing
        # In the order of their last request, so that the one to forget is the first.
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return state

    def forget(self, name: str) -> None:
        """As if never heard of."""
        self._full_at.pop(name, None)


class SharedTokenBuckets:
    """The same for all workers of a server together: `TokenBuckets` in memory that they share."""

    def __init__(self, per_minute: int, most: int, clock: Callable[[], int]) -> None:
        self._step = MINUTE // per_minute
        self._room = self._step * per_minute
        self._clock = clock
        self._full_at = SharedInstants(most)

    def __contains__(self, name: str) -> bool:
        return self._full_at.find(name) is not None

    def take(self, name: str) -> RateLimitState:
        now = self._clock()
        taken: list[RateLimitState] = []

        def take_from(full_at: int | None) -> int:
            state, missing = take_token(max((full_at or now) - now, 0), self._step, self._room)
            taken.append(state)
            return now + missing

        self._full_at.change(name, take_from)
        return taken[0]

    def forget(self, name: str) -> None:
        self._full_at.remove(name)


def hash_key(authorization: bytes | None) -> str | None:
    """What a key is counted under: a hash, so that no secret is kept. None for what cannot be a key."""
    token = (authorization or b"").decode("latin-1").partition(" ")[2]
    key = _KEY.fullmatch(token.strip())
    return blake2b(key[1].encode(), digest_size=16).hexdigest() if key else None


class RateCounters:
    """The state of each client's limit, for both layers that respond: the one that refuses, and the cache."""

    def __init__(
        self,
        per_minute: int,
        trusted: Sequence[Network] = (),
        most: int = MOST_CLIENTS,
        clock: Callable[[], int] = time.monotonic_ns,
        *,
        shared: bool = False,
    ) -> None:
        """`shared` before the workers are forked that count together."""
        make = SharedTokenBuckets if shared else TokenBuckets
        self.clients = ClientAddresses(trusted)
        self.addresses: Buckets = make(per_minute, most, clock)
        self.keys: Buckets = make(per_minute, most, clock)
        self.policy = f'"default";q={per_minute};w=60'

    def admits(self, scope: Scope) -> bool:
        """Counts a request without a key that gets its response outside of `RateLimit`. A request that is not admitted
        has to go there: a refused request costs nothing."""
        return self.addresses.take(self.clients.find_address(scope)).allowed


class RateLimit:
    """Responds with 429 `rate_limited` to a client that made more requests in a minute than `counters` allow, and tells
    others in RateLimit (draft-ietf-httpapi-ratelimit-headers-11) how many are left, but for responses that caches
    share."""

    def __init__(self, app: ASGIApp, counters: RateCounters) -> None:
        self.app = app
        self.clients, self.policy = counters.clients, counters.policy
        self.addresses, self.keys = counters.addresses, counters.keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or EXEMPT.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        key = hash_key(find_header(scope, b"authorization"))
        address = self.clients.find_address(scope)
        state = self.keys.take(key) if key and key in self.keys else self.addresses.take(address)
        if not state.allowed:
            await render_problem(RateLimited(state.seconds, self._render_headers(state)), scope)(scope, receive, send)
            return

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                key_state = self._learn(key, address, message) if key else None
                message = self._add_headers(message, key_state or state)
            await send(message)

        await self.app(scope, receive, send_with_limits)

    def _learn(self, key: str, address: str, message: Message) -> RateLimitState | None:
        """A key is counted for itself from the first response that shows it to be valid until one that shows that it
        is not: the rest, such as guessing at keys, is at the expense of the address."""
        # Such as one that was revoked meanwhile: it must not go on with a bucket of its own.
        if message["status"] == 401 and key in self.keys:
            self.keys.forget(key)
            return self.addresses.take(address)
        # X-Seq is on what has been read from the archive, which begins with checking the key.
        good = key not in self.keys and any(name.lower() == b"x-seq" for name, _ in message["headers"])
        return self.keys.take(key) if good else None

    def _add_headers(self, message: Message, state: RateLimitState) -> Message:
        shared = (
            name.lower() == b"cache-control" and value.startswith(b"public") for name, value in message["headers"]
        )
        if any(shared):
            return message
        more = [(name.lower().encode(), value.encode()) for name, value in self._render_headers(state).items()]
        return {**message, "headers": [*message["headers"], *more]}

    def _render_headers(self, state: RateLimitState) -> dict[str, str]:
        default_state = f'"default";r={state.remaining};t={state.seconds}'
        return {"RateLimit-Policy": self.policy, "RateLimit": default_state}
