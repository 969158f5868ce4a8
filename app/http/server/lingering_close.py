"""Connections that end with a last response: what the client still sends is read and dropped for a moment.

A connection that is closed while something is unread is reset, and the client may never see why it was refused. Knows
no requests; says nothing of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import orjson

from app.errors import DatelineError
from app.http.problems import MEDIA_TYPE, build_document

SECONDS = 1
MOST_LEAVING = 256
MOST_DROPPED = 1_000_000
"""Bytes of a client that goes on sending."""
MOST_UNSENT = 65_536
"""Bytes of earlier responses; who has not taken more than that is watched as a slow client instead."""

Lost = Callable[[Exception | None], None]


class LingeringClose(asyncio.Protocol):
    """The rest of one connection: `response` goes out at once, or with `waits` as soon as the client has said anything.
    `lost` is called when the connection has ended."""

    def __init__(self, transport: asyncio.Transport, response: bytes, lost: Lost, *, waits: bool) -> None:
        self._transport, self._response, self._lost = transport, response, lost
        self._dropped = 0
        self._timer = asyncio.get_running_loop().call_later(SECONDS, self._close)
        transport.set_protocol(self)
        if not waits:
            self._send()

    def data_received(self, data: bytes) -> None:
        self._send()
        self._dropped += len(data)
        if self._dropped > MOST_DROPPED:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._lost(exc)

    def _send(self) -> None:
        if self._response:
            self._transport.write(self._response)
            self._response = b""
            # RFC 9112, section 9.6: the writing side is closed first, and what the client still sends is read.
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def _close(self) -> None:
        if self._response:
            self._transport.close()
        else:
            self._transport.abort()


def encode_response(error: DatelineError, root_path: str = "") -> bytes:
    """A whole response as it goes over the wire, for who has no request to render it for."""
    body = orjson.dumps(build_document(error, None, root_path))
    header_fields = {
        "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **error.headers,
        "Content-Length": str(len(body)), "Connection": "close",
    }  # fmt: skip
    lines = [
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
        *(f"{k}: {v}" for k, v in header_fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
