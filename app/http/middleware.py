"""Pure ASGI layers around all routes: request ids, HEAD, body size, and the last net under everything.

From outside in: (cache), RequestId, HeadAsGet, (compression, CORS), Problems, (limits), BodyLimit, the routes; all but
the cache put there by `app.add_middleware`, innermost first, since FastAPI's own last net is outside of these and knows
no problem documents. None reads or changes what an answer says.
"""

from __future__ import annotations

import logging
import re
from asyncio import CancelledError
from collections.abc import Mapping
from random import getrandbits

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BodyTooLarge, DatelineError
from app.http.problems import crash, render

log = logging.getLogger(__name__)

_SANE_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_ENDINGS = (CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name, which is in lower case."""
    return next((value for key, value in scope["headers"] if key == name), None)


class RequestId:
    """Gives each request an id, the client's own if it sent a sane one: in `scope["state"]["request_id"]` and,
    on answers that are not shared, in the header X-Request-Id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = header(scope, b"x-request-id") or b""
        request_id = sent if _SANE_ID.fullmatch(sent) else b"%016x" % getrandbits(64)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id.decode()}

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start" and not _is_shared(message):
                headers = [*message["headers"], (b"x-request-id", request_id)]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, tagged)


def _is_shared(message: Message) -> bool:
    return any(name.lower() == b"cache-control" and value.startswith(b"public") for name, value in message["headers"])


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
        if scope["type"] != "http":
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
        return next((most for start, most in self.larger.items() if path.startswith(start)), self.max_bytes)


class Problems:
    """Turns whatever is raised within, by middleware or in a crash, into a problem document, and logs crashes.
    Once an answer has begun it can only be broken off, which is what raising on does. That the client has gone is no
    failure: nobody is left to be told."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return
        except _ENDINGS:
            raise
        # Not only Exception: a panic in a Rust extension arrives as a BaseException.
        except BaseException as error:
            problem = error if isinstance(error, DatelineError) else _logged(error, scope)
            if started:
                raise
            await render(problem, scope)(scope, receive, send)


def _logged(error: BaseException, scope: Scope) -> DatelineError:
    request_id = scope.get("state", {}).get("request_id")
    log.error("%s %r failed, request %s", scope["method"], scope["path"], request_id, exc_info=error)
    return crash()
