"""The response cache: the public's answers as ready messages, outermost, pure ASGI.

Keeps only what says `Cache-Control: public`, for requests without a key, and for no longer than the standing lasts
under which it was made: after a change that the public can see nothing older is ever sent. Of many who ask for one
thing that is not kept, one goes on and the others wait for its answer. Never decides what an answer says.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DatabaseUnavailable
from app.http.conditional import PUBLIC, matches
from app.http.middleware.cache_store import NO_BODY, Entries, Entry, Kept, Ready, entry
from app.http.middleware.compression import Coding, chosen, packing
from app.http.middleware.rate_limit import Counters

SECONDS = 5.0
"""For answers that do not say PUBLIC: those that move with the clock, and that there is nothing."""
# What nearly all clients send where the answer does not depend on it.
_ANY = frozenset({b"", b"*/*", b"application/json"})
_KNOWN_TO_VARY = frozenset({"accept", "accept-encoding", "authorization"})
_NAME = re.compile(rb"[A-Za-z0-9_.-]*")
_PUBLIC = PUBLIC.encode()

Key = tuple[str, bytes, bytes, bytes]


class Standings(Protocol):
    """What public answers depend on besides their address. Neither method tells a standing that was over before it was
    called; equal ones are the same object."""

    def get_known(self) -> object | None:
        """None where it takes waiting to tell."""
        ...

    async def ask(self) -> object:
        """DatabaseUnavailable where nobody can tell."""
        ...


class Cache:
    """`kept` holds the answers, `counters` what each client has left of its limit, if there is one. Of paths that begin
    with one of `never` nothing is kept or waited for. `by_origin`: answers differ by Origin."""

    def __init__(
        self,
        app: ASGIApp,
        kept: Kept,
        standings: Standings,
        *,
        counters: Counters | None = None,
        never: Sequence[str] = (),
        by_origin: bool = False,
    ) -> None:
        self.app, self.kept, self.standings = app, kept, standings
        self.counters, self.by_origin = counters, by_origin
        self.never = tuple(never)
        self.known_to_vary = _KNOWN_TO_VARY | ({"origin"} if by_origin else frozenset())

    def at_once(self, scope: Scope) -> tuple[Message, Message] | None:
        """Start and body of an answer that is kept, for who can do without a task; None where it takes anything that
        waits, or the application."""
        headers = dict(scope["headers"])
        key = self._key(scope, headers)
        standing = None if key is None else self.standings.get_known()
        if key is None or standing is None:
            return None
        self._turn(standing)
        found = self.kept.find(key)
        ready = None if found is None else found.codings.get(chosen(headers.get(b"accept-encoding", b"")))
        if ready is None or (self.counters is not None and not self.counters.admits(scope)):
            return None
        self.kept.hits += 1
        return _part(ready, scope["method"], headers.get(b"if-none-match"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        key = self._key(scope, headers)
        standing = None if key is None else self.standings.get_known() or await self._asked()
        if key is None or standing is None:
            await self.app(scope, receive, send)
            return
        self._turn(standing)
        found = self.kept.find(key)
        if found is None:
            await self._missed(key, scope, receive, send, headers)
        elif self.counters is None or self.counters.admits(scope):
            self.kept.hits += 1
            await self._answer(found, key, scope, headers, send)
        else:
            await self.app(scope, receive, send)

    def _key(self, scope: Scope, headers: dict[bytes, bytes]) -> Key | None:
        """What an answer is kept under; None for what none is kept of."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return None
        # Of a header that is there twice, the key has one value and a route may read the other. Health must not wait
        # for a database that does not answer.
        path = scope["path"]
        passed = (
            b"authorization" in headers
            or path.startswith(self.never)
            or (len(headers) < len(scope["headers"]) and _twice(scope))
        )
        if passed:
            return None
        accept = headers.get(b"accept", b"")
        origin = headers.get(b"origin", b"") if self.by_origin else b""
        return path, scope["query_string"], b"" if accept in _ANY else accept, origin

    def _turn(self, standing: object) -> None:
        if standing is not self.kept.standing:
            self.kept.turn(standing)

    async def _asked(self) -> object | None:
        """None where the database does not answer: then nothing is known to be of now."""
        try:
            return await self.standings.ask()
        except DatabaseUnavailable:
            return None

    async def _answer(self, found: Entry, key: Key, scope: Scope, headers: dict[bytes, bytes], send: Send) -> None:
        coding = chosen(headers.get(b"accept-encoding", b""))
        ready = found.codings.get(coding) or await self._packed(found, key, coding)
        for message in _part(ready, scope["method"], headers.get(b"if-none-match")):
            await send(message)

    async def _packed(self, found: Entry, key: Key, coding: Coding) -> Ready:
        ready = await found.packed(coding)
        self.kept.add(key, found, coding, ready)
        return ready

    async def _missed(self, key: Key, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        path, query, accept, origin = key
        if scope["method"] == "HEAD":
            await self.app(scope, receive, send)
            return
        key = path, in_order(query), accept, origin
        found = self.kept.find(key) or await self._waited_for(key)
        if found is not None and (self.counters is None or self.counters.admits(scope)):
            self.kept.hits += 1
            await self._answer(found, key, scope, headers, send)
        elif found is not None or key in self.kept.flights:
            await self.app(scope, receive, send)
        else:
            await self._fill(key, scope, receive, send, headers)

    async def _waited_for(self, key: Key) -> Entry | None:
        """The answer that another request is being given; None where there is none, or none that can be shared."""
        flight = self.kept.flights.get(key)
        if flight is None:
            return None
        self.kept.waited += 1
        return await asyncio.shield(flight)

    async def _fill(self, key: Key, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        """Asks the application for the whole answer, plain, and gives this client and those who wait their parts."""
        self.kept.misses += 1
        flights, entries = self.kept.flights, self.kept.entries
        flight = flights[key] = asyncio.get_running_loop().create_future()
        coding = chosen(headers.get(b"accept-encoding", b""))
        catch = _Catch(packing(send, coding), self.known_to_vary, flight)
        inside = [pair for pair in scope["headers"] if pair[0] not in (b"if-none-match", b"accept-encoding")]
        try:
            await self.app({**scope, "query_string": key[1], "headers": inside}, receive, catch)
        finally:
            del flights[key]
            if not flight.done():
                flight.set_result(catch.made)
        if catch.made is not None:
            self._keep(entries, key, catch.made)
            await self._answer(catch.made, key, scope, headers, send)

    def _keep(self, entries: Entries, key: Key, made: Entry) -> None:
        self.kept.put(entries, key, made, sum(len(part) for part in key))


class _Catch:
    """Holds an answer that can be shared; lets any other through as it comes, and tells those who wait at once."""

    def __init__(self, send: Send, known_to_vary: frozenset[str], flight: asyncio.Future[Entry | None]) -> None:
        self.made: Entry | None = None
        self._send, self._known_to_vary, self._flight = send, known_to_vary, flight
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and can_be_shared(message, self._known_to_vary):
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None and message["type"] == "http.response.body" and not message.get("more_body"):
            self.made = entry(start["status"], start["headers"], message.get("body", b""), _seconds(start))
            return
        if not self._flight.done():
            self._flight.set_result(None)
        if start is not None:
            await self._send(start)
        await self._send(message)


def can_be_shared(start: Message, known_to_vary: frozenset[str]) -> bool:
    """Whether an answer is one piece that says `public`, and differs by nothing that a key of the cache lacks."""
    headers = {name.lower(): value for name, value in start["headers"]}
    public = headers.get(b"cache-control", b"").startswith(b"public")
    varies = _names(headers.get(b"vary", b""))
    return public and b"content-length" in headers and b"set-cookie" not in headers and varies <= known_to_vary


@lru_cache(maxsize=64)
def _names(vary: bytes) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in vary.decode("latin-1").split(",")) - {""}


def _twice(scope: Scope) -> bool:
    names = [name for name, _ in scope["headers"]]
    return any(names.count(name) > 1 for name in (b"accept", b"origin"))


def _seconds(start: Message) -> float | None:
    """Only what says PUBLIC is good until something changes."""
    says = next(value for name, value in start["headers"] if name.lower() == b"cache-control")
    return None if says == _PUBLIC else SECONDS


def _part(ready: Ready, method: str, known: bytes | None) -> tuple[Message, Message]:
    """What is sent of an answer: no body to who has it already, or asks for the head alone."""
    if known is not None and ready.etag is not None and _matches(known, ready.etag):
        return ready.unchanged, NO_BODY
    return ready.start, ready.body if method == "GET" else NO_BODY


def _matches(known: bytes, etag: bytes) -> bool:
    return known == etag or matches(known.decode("latin-1"), etag.decode("latin-1"))


def in_order(query: bytes) -> bytes:
    """A query string with its parameters in the order of their names, which no answer depends on; those of one name
    keep theirs. As it is where a name is written in an unusual way."""
    if b"&" not in query:
        return query
    parts = query.split(b"&")
    names = [part.partition(b"=")[0] for part in parts]
    if not all(_NAME.fullmatch(name) for name in names):
        return query
    return b"&".join(part for _, part in sorted(zip(names, parts, strict=True), key=lambda pair: pair[0]))
