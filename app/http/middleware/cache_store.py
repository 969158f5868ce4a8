"""Responses in memory: entries of one cache version at a time, bounded in bytes, least recently used evicted first.

Knows nothing of requests; `response_cache` looks up and fills. The counts are for monitoring.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from starlette.types import Message

from app.http.headers import FixedHeaders, Headers
from app.http.middleware.compression import Coding, compress, is_compressible, rewrite_headers

OVERHEAD = 3_000
"""Bytes that an entry takes beside its body and headers, for each coding, rounded up from what was measured."""
_ABOUT_THE_BODY = (b"content-length", b"content-type", b"content-encoding")


@dataclass(frozen=True)
class EncodedResponse:
    """One response in one content coding, as ASGI messages that are sent as they are."""

    etag: bytes | None
    start: Message
    body: Message
    size: int

    @cached_property
    def not_modified(self) -> Message:
        """The start of a 304, with the headers of the response but for those about its body."""
        brief = [(name, value) for name, value in self.start["headers"] if name.lower() not in _ABOUT_THE_BODY]
        return {"type": "http.response.start", "status": 304, "headers": FixedHeaders(brief)}


NO_BODY: Message = {"type": "http.response.body", "body": b""}


def encode_response(status: int, headers: Headers, body: bytes) -> EncodedResponse:
    size = OVERHEAD + len(body) + 4 * sum(map(len, chain.from_iterable(headers)))
    return EncodedResponse(
        next((value for name, value in headers if name.lower() == b"etag"), None) if status == 200 else None,
        {"type": "http.response.start", "status": status, "headers": FixedHeaders(headers)},
        {"type": "http.response.body", "body": body},
        size,
    )


@dataclass(slots=True)
class CacheEntry:
    """One response in the content codings requested so far. `until` is in seconds of time.monotonic(); None: valid
    until the next change."""

    plain: EncodedResponse
    until: float | None
    size: int
    codings: dict[Coding, EncodedResponse] = field(default_factory=dict)

    async def compress(self, coding: Coding) -> EncodedResponse:
        """The response in a coding; uncompressed where compression saves nothing."""
        body, headers = self.plain.body["body"], self.plain.start["headers"]
        if not is_compressible(headers, body):
            return self.plain
        smaller = await compress(body, coding)
        return encode_response(self.plain.start["status"], rewrite_headers(headers, coding, len(smaller)), smaller)


def create_entry(status: int, headers: Headers, body: bytes, seconds: float | None) -> CacheEntry:
    """An entry with the uncompressed response, valid for so many seconds, or with None until the next change."""
    # A copy: orjson leaves its result in a buffer of at least 8 kB, and up to twice as large as needed.
    plain = encode_response(status, headers, bytes(memoryview(body)))
    until = None if seconds is None else time.monotonic() + seconds
    return CacheEntry(plain, until, plain.size, {"identity": plain})


Entries = OrderedDict[Hashable, CacheEntry]
Flights = dict[Hashable, "asyncio.Future[CacheEntry | None]"]


class CacheStore:
    """All entries of the current version. A new version drops them at once: a fill that began before keeps the
    `entries` it began with, and what it puts there is never found."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.entries: Entries = OrderedDict()
        self.flights: Flights = {}
        self.bytes = 0
        self.hits = self.misses = self.waited = self.evicted = self.turns = 0
        self.version: object = None

    def reset(self, version: object) -> None:
        """Drops all entries: a new version has begun."""
        self.version = version
        self.entries, self.flights, self.bytes = OrderedDict(), {}, 0
        self.turns += 1

    def get(self, key: Hashable) -> CacheEntry | None:
        """The entry under a key, if it is still valid."""
        entry = self.entries.get(key)
        if entry is None:
            return None
        if entry.until is not None and entry.until < time.monotonic():
            self._remove(key)
            return None
        self.entries.move_to_end(key)
        return entry

    def put(self, entries: Entries, key: Hashable, entry: CacheEntry, key_size: int) -> None:
        """Stores an entry, unless its version has ended or it is so large that it would evict many others."""
        entry.size += key_size
        if entries is self.entries and entry.size <= self.max_bytes // 8:
            self._remove(key)
            entries[key] = entry
            self.bytes += entry.size
            self._shrink()

    def add_coding(self, key: Hashable, entry: CacheEntry, coding: Coding, encoded: EncodedResponse) -> None:
        """Stores an entry's response in another coding."""
        if coding in entry.codings:
            return
        entry.codings[coding] = encoded
        if self.entries.get(key) is entry and encoded is not entry.plain:
            entry.size += encoded.size
            self.bytes += encoded.size
            self._shrink()

    def _remove(self, key: Hashable) -> None:
        removed = self.entries.pop(key, None)
        self.bytes -= removed.size if removed is not None else 0

    def _shrink(self) -> None:
        while self.bytes > self.max_bytes:
            _, removed = self.entries.popitem(last=False)
            self.bytes -= removed.size
            self.evicted += 1
