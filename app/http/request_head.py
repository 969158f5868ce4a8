"""uvicorn's protocol with one budget for all that a client sends of a request beside its body, and a check of `Host`.

The parser keeps a head of any length, uvicorn any number of fields, and both put trailers behind the headers of a
request that is being answered. Here bytes and fields are counted for each request anew: request line, headers, chunk
framing with its extensions, trailers. Knows no connections beside its own and no routes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import DatelineError, HeadTooLarge, MalformedRequest

LARGEST_HEAD = 65_536
MOST_FIELDS = 128
MOST_PIPELINED = 32
SLICE = 16_384
"""Bytes that are parsed before looking again: a packet may hold thousands of requests."""
CHUNK_FRAMING = 20
"""Bytes around each chunk that are no extension: a size of at most 16 digits and two line ends."""
SMALLEST_STEP = 1_024
"""Bytes that are parsed at least while a body arrives, so that a budget that is nearly spent makes no steps of one
byte."""
FIELD_OVERHEAD = 200
"""Bytes that a header takes in memory beside its name and value."""

IDLE, HEAD, BODY = range(3)
"""What of a request is being received; what comes behind a body is received as a part of it."""
_WATCHED = frozenset({b"host", b"expect"})
# RFC 9112, section 3.2, RFC 3986, section 3.2.2. An empty value is what a client sends for a URI without an authority.
_HOST = re.compile(rb"(?:\[[0-9A-Za-z._~!$&'()*+,;=:-]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")


class BudgetedProtocol(HttpToolsProtocol):
    """Refuses a request beyond its budget with 431 `head_too_large`, or with 400 where its head was within it.

    `receiving` is one of IDLE, HEAD and BODY. A subclass says in `end_with` how a connection ends."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.receiving = IDLE
        self.ended = False
        self._fields = self._hosts = 0
        self._spent = self._fresh = 0
        self._refusal: DatelineError | None = None

    def end_with(self, error: DatelineError) -> None:
        """The last that this client is sent."""
        raise NotImplementedError

    @property
    def head_bytes(self) -> int:
        """What a head that has come in part takes in memory."""
        return self._spent + FIELD_OVERHEAD * self._fields if self.receiving == HEAD else 0

    def data_received(self, data: bytes) -> None:
        # Nearly every request is whole with its first packet, and within the budget.
        if len(data) <= SLICE and self.receiving == IDLE:
            self._fresh = len(data)
            self._parse(data)
        else:
            self._receive_slices(memoryview(data))

    def _receive_slices(self, data: memoryview) -> None:
        start = 0
        while start < len(data) and self.parser is not None and not (self.ended or self.transport.is_closing()):
            step = self._step()
            if not step:
                self._end_over_budget()
                return
            piece = data[start : start + step]
            start += len(piece)
            # Where several requests are sent at once, only the first to begin in a slice is charged for that slice:
            # the parser does not tell where the next one begins.
            if self.receiving:
                self._spent += len(piece)
            else:
                self._fresh = len(piece)
            self._parse(piece)

    def _step(self) -> int:
        """How many bytes to parse before looking again; 0 beyond the budget."""
        room = LARGEST_HEAD - self._spent
        if self.receiving == IDLE or room > SLICE:
            return SLICE
        if self.receiving == BODY:  # what frames a chunk is charged before its body has come
            return max(room, SMALLEST_STEP) if room > -SMALLEST_STEP else 0
        return max(room, 0)

    def _parse(self, data: bytes | memoryview) -> None:
        super().data_received(data)  # type: ignore[arg-type] # the parser takes any buffer
        if len(self.pipeline) > MOST_PIPELINED and not self.ended:
            self.send_400_response("Too many requests were sent at once.")

    def _end_over_budget(self) -> None:
        self._refusal = self._over_budget()
        self.send_400_response(self._refusal.detail)

    def _over_budget(self) -> DatelineError:
        most = f"at most {LARGEST_HEAD} bytes and {MOST_FIELDS} fields"
        if self.receiving == HEAD:
            return HeadTooLarge(f"The head of a request has {most}.")
        return MalformedRequest(f"The head of a request, its trailers and what frames its chunks have {most} together.")

    def send_400_response(self, msg: str) -> None:
        """What uvicorn answers to what is no HTTP, as a problem document."""
        error, self._refusal = self._refusal or MalformedRequest(msg), None
        self.end_with(error)

    # What the parser calls. An error that is raised there ends the parsing, and uvicorn calls `send_400_response`.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._spent, self._fresh = self._fresh, 0
        self._fields = self._hosts = 0
        self.receiving = HEAD

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called for trailers too, which are counted and dropped. As uvicorn has it, else."""
        self._fields += 1
        if self._fields > MOST_FIELDS:
            self._refuse(self._over_budget())
        if self.receiving == BODY:
            return
        name = name.lower()
        if name in _WATCHED:
            self._watch(name, value)
        self.headers.append((name, value))

    def _watch(self, name: bytes, value: bytes) -> None:
        if name == b"expect":
            self.expect_100_continue = self.expect_100_continue or value.lower() == b"100-continue"
            return
        self._hosts += 1
        if self._hosts > 1:
            self._refuse(MalformedRequest("The header Host was sent twice."))
        if not is_host(value):
            self._refuse(MalformedRequest("The header Host is no name or address, with or without a port."))

    def on_headers_complete(self) -> None:
        # RFC 9112, section 3.2; HTTP/1.0 knows no Host.
        if not self._hosts and self.parser.get_http_version() >= "1.1":
            self._refuse(MalformedRequest("A request of HTTP/1.1 names the server in the header Host."))
        self.receiving = BODY
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        size = len(body)
        self._spent = max(0, self._spent - size - min(size, CHUNK_FRAMING))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.receiving = IDLE
        super().on_message_complete()

    def _refuse(self, error: DatelineError) -> None:
        self._refusal = error
        raise error


@lru_cache(maxsize=1024)
def is_host(value: bytes) -> bool:
    """Whether a value of `Host` is what RFC 9112 allows: a name or address, with or without a port, or nothing."""
    return _HOST.fullmatch(value.rstrip(b" \t")) is not None
