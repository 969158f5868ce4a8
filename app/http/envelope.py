"""What every answer has around what it says, whoever made it: one layer, since each costs every request its part.

CORS headers; where caches do not share the answer an id of the request and the time it took; a place in the tally; and
a problem document for whatever was raised within. Changes nothing of what an answer says.
"""

from __future__ import annotations

import logging
import re
import time
from asyncio import CancelledError
from random import getrandbits

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DatelineError
from app.http.compression import Headers
from app.http.cors import Cors
from app.http.headers import header
from app.http.problems import crash, render
from app.http.traffic import Tally

log = logging.getLogger(__name__)

_SANE_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_ENDINGS = (CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)


class Envelope:
    """Gives each request an id, the client's own if it sent a sane one, in `scope["state"]["request_id"]`. Answers that
    are not shared say it in X-Request-Id, and in Server-Timing how many milliseconds it took until they began.

    Once an answer has begun it can only be broken off, which is what raising on does. That the client has gone is no
    failure: nobody is left to be told, and an answer that never began is not counted."""

    def __init__(self, app: ASGIApp, tally: Tally, cors: Cors) -> None:
        self.app, self.tally, self.cors = app, tally, cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        request_id = _id(scope)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id.decode()}
        preflight = self.cors.preflight(scope)

        async def enclosed(message: Message) -> None:
            nonlocal status
            if not status:
                status = message["status"]
                headers = message["headers"] if preflight else self.cors.opened(scope, message["headers"])
                if not _is_shared(headers):
                    spent = b"app;dur=%.1f" % ((time.perf_counter() - began) * 1000)
                    headers = [*headers, (b"x-request-id", request_id), (b"server-timing", spent)]
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


def _id(scope: Scope) -> bytes:
    sent = header(scope, b"x-request-id")
    return sent if sent is not None and _SANE_ID.fullmatch(sent) else b"%016x" % getrandbits(64)


def _is_shared(headers: Headers) -> bool:
    for name, value in headers:
        if name == b"cache-control":
            return value.startswith(b"public")
    return False


def _logged(error: BaseException, scope: Scope) -> DatelineError:
    request_id = scope.get("state", {}).get("request_id")
    log.error("%s %r failed, request %s", scope["method"], scope["path"], request_id, exc_info=error)
    return crash()
