"""CORS for answers that shared caches keep: the headers do not depend on whether the request came from a browser.

Starlette's own layer answers only requests with an Origin; what a cache got from any other client would then be refused
by browsers. Its rules are used here, not the layer.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import PreflightRefused
from app.http.headers import header
from app.http.problems import render

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = (
    "ETag", "Link", "Location", "Allow", "X-Seq", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id",
    "Dateline-Warnings",
)  # fmt: skip
ALLOWED = ("Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "Content-Type")
DAY = 86_400


class Cors:
    """`origins` may read, `*` for all; cookies are never used."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._rules = CORSMiddleware(
            _nothing,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
            max_age=DAY,
        )
        self._simple = [(name.lower().encode(), text.encode()) for name, text in self._rules.simple_headers.items()]

    def preflight(self, scope: Scope) -> Response | None:
        """The whole answer to what a browser asks before it asks; None for any other request."""
        if scope["method"] != "OPTIONS":
            return None
        asked = Headers(scope=scope)
        if "origin" not in asked or "access-control-request-method" not in asked:
            return None
        found = self._rules.preflight_response(asked)
        if found.status_code < 400:
            return found
        why = bytes(found.body).decode().rpartition("CORS ")[2]
        refused = render(PreflightRefused(f"Not allowed for a page of another origin: {why}."), scope)
        refused.headers.update(self._rules.preflight_headers)
        return refused

    def opened(self, scope: Scope, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer, those of CORS among them."""
        if self._rules.allow_all_origins:
            return [*headers, *self._simple]
        shown = MutableHeaders(raw=list(headers))
        origin = (header(scope, b"origin") or b"").decode("latin-1")
        if self._rules.is_allowed_origin(origin):
            shown.update(self._rules.simple_headers)
            shown["Access-Control-Allow-Origin"] = origin
        shown.add_vary_header("Origin")
        return shown.raw


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing is behind the rules."""
