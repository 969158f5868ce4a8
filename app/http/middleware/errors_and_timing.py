"""What every answer has around what it says, whoever made it: one layer, since each costs every request its part.

CORS headers; where caches do not share the answer an id of the request and the time it took; a place in the tally; and
a problem document for whatever was raised within. Changes nothing of what an answer says.
"""

from __future__ import annotations

import logging
import time
from asyncio import CancelledError

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DatelineError
from app.http.headers import Headers
from app.http.middleware.access_log import Tally
from app.http.middleware.cors import Cors
from app.http.problems import crash, render
from app.http.request_id import request_id

log = logging.getLogger(__name__)

_ENDINGS = (CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)


class Envelope:
    """Answers that are not shared say the request's id in X-Request-Id, and in Server-Timing how many milliseconds it
    took until they began.

    Once an answer has begun it can only be broken off, which is what raising on does. That the client has gone is no
    failure: nobody is left to be told, and an answer that never began is not counted."""

    def __init__(self, app: ASGIApp, tally: Tally, cors: Cors) -> None:
        self.app, self.tally, self.cors = app, tally, cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        scope.setdefault("state", {})
        preflight = self.cors.preflight(scope)

        async def enclosed(message: Message) -> None:
            nonlocal status
            if not status:
                status = message["status"]
                headers = message["headers"] if preflight else self.cors.opened(scope, message["headers"])
                if not _is_shared(headers):
                    spent = b"app;dur=%.1f" % ((time.perf_counter() - began) * 1000)
                    headers = [*headers, (b"x-request-id", request_id(scope).encode()), (b"server-timing", spent)]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await (preflight or self.app)(scope, receive, enclosed)
        except ClientDisconnect:
            return
        except _ENDINGS:
            raise
        # Not only Exception: a panic in a Rust extension arrives as a BaseException.
        except BaseException as error:
            problem = error if isinstance(error, DatelineError) else _logged(error, scope)
            if status:
                raise
            await render(problem, scope)(scope, receive, enclosed)
        finally:
            if status:
                self.tally.add(scope["method"], scope["path"], status, time.perf_counter() - began)


def _is_shared(headers: Headers) -> bool:
    for name, value in headers:
        if name == b"cache-control":
            return value.startswith(b"public")
    return False


def _logged(error: BaseException, scope: Scope) -> DatelineError:
    log.error("%s %r failed, request %s", scope["method"], scope["path"], request_id(scope), exc_info=error)
    return crash()
