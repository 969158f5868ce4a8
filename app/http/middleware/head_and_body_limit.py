"""Pure ASGI layers around all routes: HEAD, and how large a body may be.

From outside in: (the cache), HeadAsGet, compression, errors and timing, load shedding, (rate limit), BodyLimit, the
fast path, the routes; all but the cache put there by `app.add_middleware`, innermost first. None reads or changes the
content of a response."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BodyTooLarge
from app.http.headers import find_header
from app.http.problems import render_problem


class HeadAsGet:
    """HEAD for every GET: runs it and lets only the start through, with its Content-Length. A stream is ended
    at its first piece, as if the client had gone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # What a layer has no part in is awaited without it: each coroutine more costs every request time.
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        return (self._run if is_head else self.app)(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False

        async def send_start(message: Message) -> None:
            nonlocal ended
            if ended:
                # As a server raises it where the client has gone: streams know that, and end.
                raise OSError("nobody reads the body of a HEAD")
            if message["type"] == "http.response.body":
                ended = True
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        async def receive_disconnect() -> Message:
            return {"type": "http.disconnect"} if ended else await receive()

        try:
            await self.app({**scope, "method": "GET"}, receive_disconnect, send_start)
        except (ClientDisconnect, OSError):
            if not ended:
                raise


class BodyLimit:
    """Refuses bodies over `max_bytes`: at once if Content-Length says so, else as soon as that much has come.
    `larger` has other limits for paths that begin with its keys."""

    def __init__(self, app: ASGIApp, max_bytes: int, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.larger = dict(larger or {})

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_unread = scope["type"] != "http" or scope["method"] in ("GET", "HEAD")  # whose bodies nobody reads
        return (self.app if is_unread else self._limit)(scope, receive, send)

    async def _limit(self, scope: Scope, receive: Receive, send: Send) -> None:
        max_bytes = self._max_bytes_of(scope["path"])
        length = find_header(scope, b"content-length") or b""
        if length.isdigit() and int(length[:20]) > max_bytes:
            await render_problem(BodyTooLarge(max_bytes), scope)(scope, receive, send)
            return
        received_bytes = 0

        async def receive_counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            # A body in chunks has no length before its end (RFC 9112, section 7.1).
            received_bytes += len(message.get("body", b""))
            if received_bytes > max_bytes:
                raise BodyTooLarge(max_bytes)
            return message

        await self.app(scope, receive_counted, send)

    def _max_bytes_of(self, path: str) -> int:
        for start, most in self.larger.items():
            if path.startswith(start):
                return most
        return self.max_bytes
