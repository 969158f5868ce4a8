"""Responses as they go over the wire: one in one piece is sent by one write, with a head made once where it can be.

uvicorn writes heads and bodies apart: two packets and two calls of the system for each response. Decides nothing about
its content; what is not whole, or says how its connection goes on, is left to uvicorn.
"""

from __future__ import annotations

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.http.headers import FixedHeaders, Headers, encode_headers

_BODILESS = frozenset({204, 304})


class DefaultHeaders:
    """The headers of all responses, the date, as bytes: uvicorn makes another list of them each second."""

    def __init__(self) -> None:
        self._headers: Headers | None = None
        self._lines = b""

    def render_lines(self, headers: Headers) -> bytes:
        if headers is not self._headers:
            self._headers, self._lines = headers, b"".join([b"%b: %b\r\n" % pair for pair in headers])
        return self._lines


class SingleWriteSend:
    """`send` of one request: holds the start of a response until the first of its body is there, as ASGI has it, and
    writes both at once where that is all. After a failure in between another response can still be sent."""

    __slots__ = ("_cycle", "_every", "_start", "_until_close")

    def __init__(self, cycle: RequestResponseCycle, every: DefaultHeaders) -> None:
        self._cycle, self._every = cycle, every
        self._start: Message | None = None
        self._until_close = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._cycle.response_started:
            self._start = message
            return
        start, self._start = self._start, None
        cycle = self._cycle
        if cycle.transport.is_closing():  # uvicorn tells it to the newest of several requests only
            cycle.disconnected = True
        if start is None:
            await self._pass_on(message)
        elif not self.is_written(start, message):
            self._until_close = cycle.scope["http_version"] < "1.1" and not any(
                name.lower() == b"content-length" for name, _ in start.get("headers", ())
            )
            if self._until_close:
                # HTTP/1.0 knows no chunks: the body ends with the connection. uvicorn would send chunks all the same.
                cycle.chunked_encoding = False
            await self._pass_on(start)
            await self._pass_on(message)
        if cycle.response_complete or cycle.disconnected:
            try:  # noqa: SIM105 -- a context manager for each response would cost more
                del cycle.send  # which holds the cycle in turn
            except AttributeError:
                pass

    async def _pass_on(self, message: Message) -> None:
        if self._until_close and message["type"] == "http.response.body":
            self._cycle.expected_content_length = len(message.get("body", b""))
        await RequestResponseCycle.send(self._cycle, message)  # type: ignore[arg-type] # names its messages one by one

    def is_written(self, start: Message, message: Message) -> bool:
        """Writes a whole response; False where it takes more than one write, or the client has to catch up first."""
        cycle, body = self._cycle, message.get("body", b"")
        headers = start.get("headers", ())
        lines = headers.lines if isinstance(headers, FixedHeaders) else encode_headers(headers)
        if message.get("more_body") or cycle.disconnected or cycle.flow.write_paused or lines is None:
            return False
        if cycle.scope["method"] == "HEAD" or start["status"] in _BODILESS:
            body = b""
        elif (b"content-length", b"%d" % len(body)) not in headers:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        default_lines = self._every.render_lines(cycle.default_headers)
        last = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        cycle.transport.write(b"".join((STATUS_LINE[start["status"]], lines, default_lines, last, body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        cycle.on_response = _ignore  # which would hold the connection, as that holds its last cycle
        return True


def _ignore() -> None:
    """Comes after a response that has ended."""
