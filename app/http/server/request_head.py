"""uvicorn's protocol with one budget for all that a client sends of a request beside its body, and a check of `Host`.

The parser keeps a head of any length, uvicorn any number of fields, and both put trailers behind the headers of a
request that is being handled. Here bytes and fields are counted for each request anew: request line, headers, chunk
framing with its extensions, trailers. Knows no connections beside its own and no routes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import httptools
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
# RFC 9112, section 3.2, RFC 3986, section 3.2.2. An empty value is what a client sends for a URI without an authority.
_HOST = re.compile(rb"(?:\[[0-9A-Za-z._~!$&'()*+,;=:-]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")


class BudgetedProtocol(HttpToolsProtocol):
    """Refuses a request beyond its budget with 431 `head_too_large`, or with 400 where its head was within it.

    `receiving` is one of IDLE, HEAD and BODY. A subclass says in `end_with` how a connection ends, and hears from
    `note_head_size` of a head that comes in parts. Each request passes here: what looks clumsy saves calls."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.receiving = IDLE
        self.ended = False
        self._host: bytes | None = None
        self._spent = self._fresh = 0
        self._in_parts = False
        self._refusal: DatelineError | None = None

    def end_with(self, error: DatelineError) -> None:
        """The last that this client is sent."""
        raise NotImplementedError

    def note_head_size(self, size: int) -> None:
        """A head has come in part, and takes `size` bytes of memory; 0 when it is whole."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        # Nearly every request is whole with its first packet, and within the budget.
        if self.receiving == IDLE and len(data) <= SLICE:
            self._fresh = len(data)
            self._parse(data)
            if self.receiving == IDLE:
                return
        else:
            self._receive_slices(memoryview(data))
        if self.receiving == HEAD and not self.ended:
            self._in_parts = True
            self.note_head_size(self._spent + FIELD_OVERHEAD * self._count_fields)

    def _receive_slices(self, data: memoryview) -> None:
        start = 0
        while start < len(data) and self.parser is not None and not (self.ended or self.transport.is_closing()):
            step = self._next_size()
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

    def _next_size(self) -> int:
        """How many bytes to parse before looking again; 0 beyond the budget."""
        room = LARGEST_HEAD - self._spent
        if self.receiving == IDLE or room > SLICE:
            return SLICE
        if self.receiving == BODY:  # what frames a chunk is charged before its body has come
            return max(room, SMALLEST_STEP) if room > -SMALLEST_STEP else 0
        return max(room, 0)

    def _parse(self, data: bytes | memoryview) -> None:
        """As uvicorn's `data_received` has it, but for the clocks, of which there are none."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.send_400_response(explain_unread(error))
        except httptools.HttpParserUpgrade:
            pass  # handled as if it had not been requested
        if self.receiving and self._count_fields > MOST_FIELDS:
            self._end_over_budget()
        if len(self.pipeline) > MOST_PIPELINED and not self.ended:
            self.send_400_response("Too many requests were sent at once.")

    def _end_over_budget(self) -> None:
        self._refusal = self._budget_error()
        self.send_400_response(self._refusal.detail)

    def _budget_error(self) -> DatelineError:
        limits = f"at most {LARGEST_HEAD} bytes and {MOST_FIELDS} fields"
        if self.receiving == HEAD:
            return HeadTooLarge(f"The head of a request has {limits}.")
        return MalformedRequest(
            f"The head of a request, its trailers and what frames its chunks have {limits} together."
        )

    def send_400_response(self, msg: str) -> None:
        """The response to what is no HTTP, as a problem document in place of uvicorn's text."""
        error, self._refusal = self._refusal or MalformedRequest(msg), None
        self.end_with(error)

    # What the parser calls. An error that is raised there ends the parsing, and `_parse` says why.

    def on_url(self, url: bytes) -> None:
        if self.receiving == IDLE:
            self.receiving = HEAD
            self._spent, self._fresh = self._fresh, 0
            self._host = None
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """As uvicorn has it, but for `Host`. Called for trailers too, when `headers` is another list."""
        headers = self.headers
        if len(headers) >= MOST_FIELDS:
            # At once, not behind the slice: thousands of fields of three bytes from many clients would hold the loop.
            self._refuse(self._budget_error())
        name = name.lower()
        if name == b"host" and self.receiving == HEAD:
            if self._host is not None:
                self._refuse(MalformedRequest("The header Host was sent twice."))
            if not is_host(value):
                self._refuse(MalformedRequest("The header Host is no name or address, with or without a port."))
            self._host = value
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        # RFC 9112, section 3.2; HTTP/1.0 knows no Host.
        if self._host is None and self.parser.get_http_version() >= "1.1":
            self._refuse(MalformedRequest("A request of HTTP/1.1 names the server in the header Host."))
        self.receiving = BODY
        if self._in_parts:
            self._in_parts = False
            self.note_head_size(0)
        HttpToolsProtocol.on_headers_complete(self)
        self.headers = []  # for trailers, which nobody reads

    def on_body(self, body: bytes) -> None:
        size = len(body)
        self._spent = max(0, self._spent - size - min(size, CHUNK_FRAMING))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """As uvicorn has it, but for WebSockets."""
        if self.headers and self._count_fields > MOST_FIELDS:
            self._refuse(self._budget_error())
        self.receiving = IDLE
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    @property
    def _count_fields(self) -> int:
        """Headers, and trailers beside them."""
        return len(self.headers) + (len(list(self.scope["headers"])) if self.receiving == BODY else 0)

    def _should_upgrade(self) -> bool:
        """There are no WebSockets here, and uvicorn would look for them in each request."""
        return False

    def _refuse(self, error: DatelineError) -> None:
        self._refusal = error
        raise error


def explain_unread(error: httptools.HttpParserError) -> str:
    """What is wrong with what is no HTTP, of that which users of `curl` and of plain sockets come to send."""
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return "The address has to be percent-encoded: letters beyond ASCII as UTF-8, such as %C3%BC for ü."
    # A space ends the address; the parser has no error of its own for what stands behind it.
    if str(error).startswith("Expected HTTP/"):
        return "Behind the address the version of HTTP is expected. A space in the address has to be sent as %20."
    return "Invalid HTTP request received."


@lru_cache(maxsize=1024)
def is_host(value: bytes) -> bool:
    """Whether a value of `Host` is what RFC 9112 allows: a name or address, with or without a port, or nothing."""
    return _HOST.fullmatch(value.rstrip(b" \t")) is not None
