"""Pure ASGI layers around all routes: HEAD, and how large a body may be.

From outside in: (the cache), HeadAsGet, compression, the envelope, overload, (limits), BodyLimit, the fast path, the
routes; all but the cache put there by `app.add_middleware`, innermost first. None reads or changes what an answer says.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BodyTooLarge
from app.http.headers import header
from app.http.problems import render


class HeadAsGet:
    """HEAD for every GET: runs it and lets only the start through, with its Content-Length. A stream is ended
    at its first piece, as if the client had gone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        ended = False

        async def bodiless(message: Message) -> None:
            nonlocal ended
            if ended:
                raise OSError("nobody reads the body of a HEAD")
            if message["type"] == "http.response.body":
                ended = True
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        async def gone() -> Message:
            return {"type": "http.disconnect"} if ended else await receive()

        try:
            await self.app({**scope, "method": "GET"}, gone, bodiless)
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):  # whose bodies nobody reads
            await self.app(scope, receive, send)
            return
        most = self._most(scope["path"])
        length = header(scope, b"content-length") or b""
        if length.isdigit() and int(length[:20]) > most:
            await render(BodyTooLarge(most), scope)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise BodyTooLarge(most)
            return message

        await self.app(scope, counted, send)

    def _most(self, path: str) -> int:
        for start, most in self.larger.items():
            if path.startswith(start):
                return most
        return self.max_bytes
