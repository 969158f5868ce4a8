"""How much each key is used, and how often those may ask that have a limit of their own: pure ASGI.

The layer counts requests and bytes of responses that came with a key, once the key has proved valid, and tells the key
what is left of its limit. A request without a key passes through it as it is. Reads no database: what is counted lies
in memory until `auth.write_use` writes it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db.database import Database
from app.errors import RateLimited
from app.http import auth
from app.http.headers import find_header
from app.http.middleware.rate_limit import MINUTE, RateLimitState, take_token
from app.http.server.shared_buckets import SharedInstants

MOST_KEYS = 16_384
MOST_COUNTED = 100
"""Keys that are counted one by one for monitoring; the rest together."""
OTHERS = "other"
_KEY, _LIMIT = "key_of_request", "key_limit"
Headers = dict[str, str]


class KeyRates:
    """The limits of keys, for all workers of a server: made before they are forked."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._full_at = SharedInstants(MOST_KEYS)

    def take(self, key: int, per_minute: int) -> RateLimitState:
        """Takes one of the key's requests if there is one left."""
        now, step = self._clock(), MINUTE // per_minute
        taken: list[RateLimitState] = []

        def take_from(full_at: int | None) -> int:
            state, missing = take_token(max((full_at or now) - now, 0), step, step * per_minute)
            taken.append(state)
            return now + missing

        self._full_at.change(str(key), take_from)
        return taken[0]


def note_key(scope: Scope, caller: auth.Caller, rates: KeyRates) -> None:
    """Says whose request it is. RateLimited where the key has made as many as it may; asked once for a request."""
    state = scope.setdefault("state", {})
    if state.get(_KEY) == caller.key:
        return
    if caller.rate_limit is not None and caller.key is not None:
        left = rates.take(caller.key, caller.rate_limit)
        headers = _render_limit(caller.rate_limit, left)
        if not left.allowed:
            raise RateLimited(left.seconds, headers)
        state[_LIMIT] = headers
    state[_KEY] = caller.key


def _render_limit(per_minute: int, left: RateLimitState) -> Headers:
    return {
        "RateLimit-Policy": f'"key";q={per_minute};w=60',
        "RateLimit": f'"key";r={left.remaining};t={left.seconds}',
    }


class KeyUsageCount:
    """Counts into `db`, where the next note of the key's use takes it from, and into `requests` for monitoring."""

    def __init__(self, app: ASGIApp, db: Database, requests: Counter[str]) -> None:
        self.app, self._db, self._requests = app, db, requests

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # What the layer has no part in is awaited without it: each coroutine more costs every request time.
        has_key = scope["type"] == "http" and find_header(scope, b"authorization") is not None
        return (self._count if has_key else self.app)(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        state, sent = scope.setdefault("state", {}), 0

        async def count_bytes(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            elif _LIMIT in state:
                more = [(name.lower().encode(), value.encode()) for name, value in state[_LIMIT].items()]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            await self.app(scope, receive, count_bytes)
        finally:
            key = state.get(_KEY)
            if key is not None:
                auth.count_use(self._db, key, 1, sent)
                name = str(key)
                known = name in self._requests or len(self._requests) < MOST_COUNTED
                self._requests[name if known else OTHERS] += 1
