"""Answers in memory: entries of one standing at a time, bounded in bytes, the longest unused forgotten first.

Knows nothing of requests; `response_cache` asks and fills. The counts are for whoever watches the server.
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

from app.http.headers import Headers
from app.http.middleware.compression import Coding, is_worth, pack, packed_headers
from app.http.server.single_write import HEAD, head

OVERHEAD = 3_000
"""Bytes that an entry takes beside its body and headers, for each coding, rounded up from what was measured."""
_ABOUT_THE_BODY = (b"content-length", b"content-type", b"content-encoding")


@dataclass(frozen=True)
class Ready:
    """One answer in one coding as messages that are sent as they are."""

    etag: bytes | None
    start: Message
    body: Message
    size: int

    @cached_property
    def unchanged(self) -> Message:
        """The start of a 304, which has the headers of the answer but for those about its body."""
        brief = [(name, value) for name, value in self.start["headers"] if name.lower() not in _ABOUT_THE_BODY]
        return {"type": "http.response.start", "status": 304, "headers": brief, HEAD: head(304, brief)}


NO_BODY: Message = {"type": "http.response.body", "body": b""}


def ready(status: int, headers: Headers, body: bytes) -> Ready:
    size = OVERHEAD + len(body) + 4 * sum(map(len, chain.from_iterable(headers)))
    return Ready(
        next((value for name, value in headers if name.lower() == b"etag"), None) if status == 200 else None,
        {"type": "http.response.start", "status": status, "headers": headers, HEAD: head(status, headers)},
        {"type": "http.response.body", "body": body},
        size,
    )


@dataclass(slots=True)
class Entry:
    """One answer in the codings that were asked for so far; `until` as time.monotonic() tells, None where only a
    change ends it."""

    plain: Ready
    until: float | None
    size: int
    codings: dict[Coding, Ready] = field(default_factory=dict)

    async def packed(self, coding: Coding) -> Ready:
        """Made once, when first asked for; the answer as it is where packing saves nothing."""
        body, headers = self.plain.body["body"], self.plain.start["headers"]
        if not is_worth(headers, body):
            return self.plain
        smaller = await pack(body, coding)
        return ready(self.plain.start["status"], packed_headers(headers, coding, len(smaller)), smaller)


def entry(status: int, headers: Headers, body: bytes, seconds: float | None) -> Entry:
    """The answer as it is, good for so many seconds from now, or until something changes."""
    # A copy: orjson leaves its result in a buffer of at least 8 kB, and up to twice as large as needed.
    plain = ready(status, headers, bytes(memoryview(body)))
    until = None if seconds is None else time.monotonic() + seconds
    return Entry(plain, until, plain.size, {"identity": plain})


Entries = OrderedDict[Hashable, Entry]
Flights = dict[Hashable, "asyncio.Future[Entry | None]"]


class Kept:
    """All entries. Those of a standing that is over go at once: a fill that began under it keeps the `entries` that it
    was begun with, and what it puts there is never found again."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.entries: Entries = OrderedDict()
        self.flights: Flights = {}
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self.waited = 0
        self.evicted = 0
        self.turns = 0
        self.standing: object = None

    def turn(self, standing: object) -> None:
        """Forgets everything: this is another standing than before."""
        self.standing = standing
        self.entries, self.flights, self.bytes = OrderedDict(), {}, 0
        self.turns += 1

    def find(self, key: Hashable) -> Entry | None:
        """What is kept under a key and still good."""
        found = self.entries.get(key)
        if found is None:
            return None
        if found.until is not None and found.until < time.monotonic():
            self._drop(key)
            return None
        self.entries.move_to_end(key)
        return found

    def put(self, entries: Entries, key: Hashable, made: Entry, key_size: int) -> None:
        """Keeps an entry, unless the standing is over or the entry is large enough to drive out many others."""
        made.size += key_size
        if entries is self.entries and made.size <= self.most // 8:
            self._drop(key)
            entries[key] = made
            self.bytes += made.size
            self._shrink()

    def add(self, key: Hashable, to: Entry, coding: Coding, made: Ready) -> None:
        """Keeps an entry's answer in another coding."""
        if coding in to.codings:
            return
        to.codings[coding] = made
        if self.entries.get(key) is to and made is not to.plain:
            to.size += made.size
            self.bytes += made.size
            self._shrink()

    def _drop(self, key: Hashable) -> None:
        gone = self.entries.pop(key, None)
        self.bytes -= gone.size if gone is not None else 0

    def _shrink(self) -> None:
        while self.bytes > self.most:
            _, gone = self.entries.popitem(last=False)
            self.bytes -= gone.size
            self.evicted += 1
