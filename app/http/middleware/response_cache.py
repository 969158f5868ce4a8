"""The response cache: public responses as encoded messages, outermost, pure ASGI.

Stores only responses with `Cache-Control: public`, for requests without a key. An entry is valid for one cache version:
after a change that the public can see nothing older is ever sent. On a miss one request fills the entry and the others
wait for it (single flight). Never decides what a response says.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DatabaseUnavailable
from app.http.conditional import PUBLIC, is_match
from app.http.middleware.cache_store import NO_BODY, CacheEntry, CacheStore, EncodedResponse, Entries, create_entry
from app.http.middleware.compression import Coding, choose_coding, wrap_send
from app.http.middleware.rate_limit import RateCounters

SECONDS = 5.0
"""For responses without PUBLIC: those that move with the clock, and 404s."""
# `Accept` values that share one cache key: nearly all clients send one of them.
_ANY = frozenset({b"", b"*/*", b"application/json"})
_KNOWN_TO_VARY = frozenset({"accept", "accept-encoding", "authorization", "x-forwarded-prefix"})
"""The last one as the root path that it means."""
_NAME = re.compile(rb"[A-Za-z0-9_.-]*")
_PUBLIC = PUBLIC.encode()

Key = tuple[str, bytes, bytes, bytes, str]


class VersionSource(Protocol):
    """Where the cache version comes from, which changes with whatever public responses depend on. Neither method
    returns a version that had ended before the call; equal versions are the same object."""

    def get_known(self) -> object | None:
        """The version if it is known without waiting, else None."""

    async def ask(self) -> object:
        """The version; DatabaseUnavailable where the database does not respond."""


class ResponseCache:
    """`store` holds the responses, `counters` the state of each client's rate limit, if there is one. Paths that begin
    with one of `never` bypass the cache. `by_origin`: responses differ by Origin."""

    def __init__(
        self,
        app: ASGIApp,
        store: CacheStore,
        versions: VersionSource,
        *,
        counters: RateCounters | None = None,
        never: Sequence[str] = (),
        by_origin: bool = False,
    ) -> None:
        self.app, self.store, self.versions = app, store, versions
        self.counters, self.by_origin = counters, by_origin
        self.never = tuple(never)
        self.known_to_vary = _KNOWN_TO_VARY | ({"origin"} if by_origin else frozenset())

    def find_messages(self, scope: Scope) -> tuple[Message, Message] | None:
        """Start and body of a cached response, to be sent without a task; None on a miss, and where anything would have
        to wait."""
        headers = dict(scope["headers"])
        key = self._make_key(scope, headers)
        version = None if key is None else self.versions.get_known()
        if key is None or version is None:
            return None
        self._use_version(version)
        entry = self.store.get(key)
        encoded = None if entry is None else entry.codings.get(choose_coding(headers.get(b"accept-encoding", b"")))
        if encoded is None or (self.counters is not None and not self.counters.admits(scope)):
            return None
        self.store.hits += 1
        return _select_messages(encoded, scope["method"], headers.get(b"if-none-match"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        key = self._make_key(scope, headers)
        version = None if key is None else self.versions.get_known() or await self._load_version()
        if key is None or version is None:
            await self.app(scope, receive, send)
            return
        self._use_version(version)
        entry = self.store.get(key)
        if entry is None:
            await self._handle_miss(key, scope, receive, send, headers)
        elif self.counters is None or self.counters.admits(scope):
            self.store.hits += 1
            await self._send_entry(entry, key, scope, headers, send)
        else:
            await self.app(scope, receive, send)

    def _make_key(self, scope: Scope, headers: dict[bytes, bytes]) -> Key | None:
        """The cache key of a request; None for a request that bypasses the cache."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return None
        # Of a header that is sent twice, the key has one value and a route may read the other. Health must not wait
        # for a database that does not respond.
        path = scope["path"]
        passed = (
            b"authorization" in headers
            or path.startswith(self.never)
            or (len(headers) < len(scope["headers"]) and _has_duplicates(scope))
        )
        if passed:
            return None
        accept = headers.get(b"accept", b"")
        origin = headers.get(b"origin", b"") if self.by_origin else b""
        return path, scope["query_string"], b"" if accept in _ANY else accept, origin, scope.get("root_path", "")

    def _use_version(self, version: object) -> None:
        if version is not self.store.version:
            self.store.reset(version)

    async def _load_version(self) -> object | None:
        """None where the database does not respond: then no entry is known to be current."""
        try:
            return await self.versions.ask()
        except DatabaseUnavailable:
            return None

    async def _send_entry(
        self, entry: CacheEntry, key: Key, scope: Scope, headers: dict[bytes, bytes], send: Send
    ) -> None:
        coding = choose_coding(headers.get(b"accept-encoding", b""))
        encoded = entry.codings.get(coding) or await self._compress(entry, key, coding)
        for message in _select_messages(encoded, scope["method"], headers.get(b"if-none-match")):
            await send(message)

    async def _compress(self, entry: CacheEntry, key: Key, coding: Coding) -> EncodedResponse:
        encoded = await entry.compress(coding)
        self.store.add_coding(key, entry, coding, encoded)
        return encoded

    async def _handle_miss(
        self, key: Key, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]
    ) -> None:
        path, query, accept, origin, root_path = key
        # Its response has no body that could be stored for a GET.
        if scope["method"] == "HEAD":
            await self.app(scope, receive, send)
            return
        key = path, sort_parameters(query), accept, origin, root_path
        entry = self.store.get(key) or await self._wait_for_flight(key)
        if entry is not None and (self.counters is None or self.counters.admits(scope)):
            self.store.hits += 1
            await self._send_entry(entry, key, scope, headers, send)
        # Refused by its rate limit, which the layer within has to say; or another request has begun to fill it
        # meanwhile.
        elif entry is not None or key in self.store.flights:
            await self.app(scope, receive, send)
        else:
            await self._fill(key, scope, receive, send, headers)

    async def _wait_for_flight(self, key: Key) -> CacheEntry | None:
        """The entry that another request is filling; None where no request is, or its response cannot be shared."""
        flight = self.store.flights.get(key)
        if flight is None:
            return None
        self.store.waited += 1
        return await asyncio.shield(flight)

    async def _fill(self, key: Key, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        """Runs the application for the whole response, uncompressed, and sends it to this client and the waiting
        ones."""
        self.store.misses += 1
        flights, entries = self.store.flights, self.store.entries
        flight = flights[key] = asyncio.get_running_loop().create_future()
        coding = choose_coding(headers.get(b"accept-encoding", b""))
        catch = _CapturingSend(wrap_send(send, coding), self.known_to_vary, flight)
        inside = [pair for pair in scope["headers"] if pair[0] not in (b"if-none-match", b"accept-encoding")]
        try:
            await self.app({**scope, "query_string": key[1], "headers": inside}, receive, catch)
        finally:
            del flights[key]
            if not flight.done():
                flight.set_result(catch.entry)
        if catch.entry is not None:
            self._store(entries, key, catch.entry)
            await self._send_entry(catch.entry, key, scope, headers, send)

    def _store(self, entries: Entries, key: Key, entry: CacheEntry) -> None:
        self.store.put(entries, key, entry, sum(len(part) for part in key))


class _CapturingSend:
    """Buffers a shareable response; streams any other through and wakes the waiting requests at once."""

    def __init__(self, send: Send, known_to_vary: frozenset[str], flight: asyncio.Future[CacheEntry | None]) -> None:
        self.entry: CacheEntry | None = None
        self._send, self._known_to_vary, self._flight = send, known_to_vary, flight
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and is_shareable(message, self._known_to_vary):
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None and message["type"] == "http.response.body" and not message.get("more_body"):
            self.entry = create_entry(
                start["status"], start["headers"], message.get("body", b""), _cache_seconds(start)
            )
            return
        if not self._flight.done():
            self._flight.set_result(None)
        if start is not None:
            await self._send(start)
        await self._send(message)


def is_shareable(start: Message, known_to_vary: frozenset[str]) -> bool:
    """Whether a response is public, of known length, and varies by nothing that the cache key lacks."""
    headers = {name.lower(): value for name, value in start["headers"]}
    public = headers.get(b"cache-control", b"").startswith(b"public")
    varies = _parse_vary(headers.get(b"vary", b""))
    return public and b"content-length" in headers and b"set-cookie" not in headers and varies <= known_to_vary


@lru_cache(maxsize=64)
def _parse_vary(vary: bytes) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in vary.decode("latin-1").split(",")) - {""}


def _has_duplicates(scope: Scope) -> bool:
    names = [name for name, _ in scope["headers"]]
    return any(names.count(name) > 1 for name in (b"accept", b"origin"))


def _cache_seconds(start: Message) -> float | None:
    """How long an entry is valid; None, until the next change, only for PUBLIC."""
    says = next(value for name, value in start["headers"] if name.lower() == b"cache-control")
    return None if says == _PUBLIC else SECONDS


def _select_messages(encoded: EncodedResponse, method: str, if_none_match: bytes | None) -> tuple[Message, Message]:
    """The messages to send: without a body on a matching If-None-Match, and for HEAD."""
    if if_none_match is not None and encoded.etag is not None and _is_match(if_none_match, encoded.etag):
        return encoded.not_modified, NO_BODY
    return encoded.start, encoded.body if method == "GET" else NO_BODY


def _is_match(if_none_match: bytes, etag: bytes) -> bool:
    return if_none_match == etag or is_match(if_none_match.decode("latin-1"), etag.decode("latin-1"))


def sort_parameters(query: bytes) -> bytes:
    """A query string with its parameters in the order of their names, which no response depends on; those of one name
    keep theirs. As it is where a name is written in an unusual way."""
    if b"&" not in query:
        return query
    parts = query.split(b"&")
    names = [part.partition(b"=")[0] for part in parts]
    if not all(_NAME.fullmatch(name) for name in names):
        return query
    return b"&".join(part for _, part in sorted(zip(names, parts, strict=True), key=lambda pair: pair[0]))
