"""How many requests a minute each client may make: pure ASGI, in the memory of one process.

A client is its key once an answer has shown that the key is good, else its address. Never reads the database, never
believes a forwarded address from a peer that is no trusted proxy, and counts nothing under /health and /metrics.
What is answered by a layer outside of this one is not counted.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import RateLimited
from app.http.headers import header
from app.http.problems import render
from app.http.server.client_address import Clients, Network

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
MOST_CLIENTS = 50_000
"""Addresses, and as many keys, that are remembered; who was not heard of for longest is forgotten first."""
EXEMPT = re.compile(r"/(?:health|metrics)(?:/.*)?", re.DOTALL)
"""What the operator asks for, which must answer whatever goes on."""
# Without leading zeros, so that a key has one name in whatever way it is written.
_KEY = re.compile(r"dl_0*([0-9]{1,15}_[A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a client has left after a request: `remaining` more at once, and another in `seconds`, rounded up."""

    allowed: bool
    remaining: int
    seconds: int


class Buckets:
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

    def take(self, name: str) -> Standing:
        """Takes a token if there is one. Asking in vain costs nothing, and keeps the client from being forgotten."""
        now = self._clock()
        missing = max(self._full_at.get(name, now) - now, 0)
        allowed = missing + self._step <= self._room
        missing += self._step if allowed else 0
        self._full_at[name] = now + missing
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        until_more = missing % self._step or self._step
        return Standing(allowed, (self._room - missing) // self._step, -(-until_more // SECOND))

    def forget(self, name: str) -> None:
        """As if never heard of."""
        self._full_at.pop(name, None)


def key_name(authorization: bytes | None) -> str | None:
    """What a key is counted under: a hash, so that no secret is kept. None for what cannot be a key."""
    token = (authorization or b"").decode("latin-1").partition(" ")[2]
    key = _KEY.fullmatch(token.strip())
    return blake2b(key[1].encode(), digest_size=16).hexdigest() if key else None


class Counters:
    """What each client has left, for all layers that answer: one that refuses, and one that answers from memory."""

    def __init__(
        self,
        per_minute: int,
        trusted: Sequence[Network] = (),
        most: int = MOST_CLIENTS,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.clients = Clients(trusted)
        self.addresses = Buckets(per_minute, most, clock)
        self.keys = Buckets(per_minute, most, clock)
        self.policy = f'"default";q={per_minute};w=60'

    def admits(self, scope: Scope) -> bool:
        """Counts a request without a key that is answered outside of `Limits`. Who is not admitted is to be sent
        there: asking in vain costs nothing."""
        return self.addresses.take(self.clients.address(scope)).allowed


class Limits:
    """Answers 429 `rate_limited` to a client that made more requests in a minute than `counters` allow, and tells
    others in RateLimit (draft-ietf-httpapi-ratelimit-headers-11) how many are left, but for answers that caches
    share."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self.app = app
        self.clients, self.policy = counters.clients, counters.policy
        self.addresses, self.keys = counters.addresses, counters.keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or EXEMPT.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        key = key_name(header(scope, b"authorization"))
        address = self.clients.address(scope)
        standing = self.keys.take(key) if key and key in self.keys else self.addresses.take(address)
        if not standing.allowed:
            await render(RateLimited(standing.seconds, self._headers(standing)), scope)(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = self._learn(key, address, message) if key else None
                message = self._told(message, known or standing)
            await send(message)

        await self.app(scope, receive, told)

    def _learn(self, key: str, address: str, message: Message) -> Standing | None:
        """A key is counted for itself from the first answer that shows it to be good until one that shows that it
        is not: the rest, such as guessing at keys, is at the expense of the address."""
        if message["status"] == 401 and key in self.keys:
            self.keys.forget(key)
            return self.addresses.take(address)
        # X-Seq is on what has been read from the archive, which begins with checking the key.
        good = key not in self.keys and any(name.lower() == b"x-seq" for name, _ in message["headers"])
        return self.keys.take(key) if good else None

    def _told(self, message: Message, standing: Standing) -> Message:
        shared = (
            name.lower() == b"cache-control" and value.startswith(b"public") for name, value in message["headers"]
        )
        if any(shared):
            return message
        more = [(name.lower().encode(), value.encode()) for name, value in self._headers(standing).items()]
        return {**message, "headers": [*message["headers"], *more]}

    def _headers(self, standing: Standing) -> dict[str, str]:
        left = f'"default";r={standing.remaining};t={standing.seconds}'
        return {"RateLimit-Policy": self.policy, "RateLimit": left}
