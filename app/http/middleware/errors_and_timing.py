"""What every response gets, whichever layer made it: one layer, since each one costs every request time.

CORS headers; where caches do not share the response an id of the request and the time it took; a count; and
a problem document for whatever was raised within. Never changes the content of a response.
"""

from __future__ import annotations

import logging
import time
from asyncio import CancelledError
from collections.abc import Iterable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DatelineError
from app.http.middleware.access_log import RequestTally
from app.http.middleware.cors import Cors
from app.http.middleware.log_lines import current_scope
from app.http.middleware.root_path import add_root_path
from app.http.problems import make_crash_error, render_problem
from app.http.request_state import get_request_id

log = logging.getLogger(__name__)

_ENDINGS = (CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit)


class ErrorsAndTiming:
    """Responses that are not shared carry the request's id in X-Request-Id, and in Server-Timing how many milliseconds
    it took until they began.

    Once a response has begun it can only be broken off, which is what re-raising does. A client that disconnects is
    no failure, and a response that never began is not counted."""

    def __init__(self, app: ASGIApp, tally: RequestTally, cors: Cors, *, is_named_in_log: bool = False) -> None:
        """`is_named_in_log`: every line of the log names its request, which costs each a microsecond."""
        self.app, self.tally, self.cors = app, tally, cors
        self.is_named_in_log = is_named_in_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        scope.setdefault("state", {})
        if self.is_named_in_log:
            current_scope.set(scope)  # of this task, which ends with the request
        preflight = self.cors.render_preflight(scope)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if not status:
                status = message["status"]
                headers = message["headers"] if preflight else self.cors.add_headers(scope, message["headers"])
                if scope.get("root_path"):
                    headers = add_root_path(scope, headers)
                if not _is_shared(headers):
                    spent = b"app;dur=%.1f" % ((time.perf_counter() - began) * 1000)
                    headers = [*headers, (b"x-request-id", get_request_id(scope).encode()), (b"server-timing", spent)]
                message = {**message, "headers": headers}
            await send(message)

        try:
            # A preflight needs no key and no route: it is about whether the browser may send the request at all.
            await (preflight or self.app)(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except _ENDINGS:
            raise
        # Not only Exception: a panic in a Rust extension arrives as a BaseException.
        except BaseException as error:
            problem = error if isinstance(error, DatelineError) else _log_crash(error, scope)
            if status:
                raise
            await render_problem(problem, scope)(scope, receive, send_with_headers)
        finally:
            if status:
                self.tally.add(scope["method"], scope["path"], status, time.perf_counter() - began)


def _is_shared(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        # An id or a time would make a stored response the one of whoever came first.
        if name == b"cache-control":
            return value.startswith(b"public")
    return False


def _log_crash(error: BaseException, scope: Scope) -> DatelineError:
    log.error("%s %r failed, request %s", scope["method"], scope["path"], get_request_id(scope), exc_info=error)
    return make_crash_error()
