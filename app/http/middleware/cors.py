"""CORS for responses that shared caches store: the headers do not depend on whether the request came from a browser.

Starlette's own layer handles only requests with an Origin; what a cache got from any other client would then be refused
by browsers. Its rules are used here, not the layer.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import PreflightRefused
from app.http.headers import FixedHeaders, find_header
from app.http.problems import render_problem

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = (
    "ETag", "Link", "Location", "Allow", "X-Seq", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id",
    "Dateline-Warnings", "Preference-Applied", "Content-Disposition",
)  # fmt: skip
# Nothing is sent by itself, such as a cookie, so no header gives a page a right that it has not; and which ones
# libraries add for tracing nobody can list.
ALLOWED = ("*",)
DAY = 86_400


class Cors:
    """`origins` may read, `*` for all; cookies are never used."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._rules = CORSMiddleware(
            _ignore,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
            max_age=DAY,
        )
        simple = self._rules.simple_headers.items()
        self._simple = FixedHeaders((name.lower().encode(), text.encode()) for name, text in simple)

    def render_preflight(self, scope: Scope) -> Response | None:
        """The response to a preflight request; None for any other request."""
        if scope["method"] != "OPTIONS":
            return None
        headers = Headers(scope=scope)
        if "origin" not in headers or "access-control-request-method" not in headers:
            return None
        response = self._rules.preflight_response(headers)
        if response.status_code < 400:
            return response
        why = bytes(response.body).decode().rpartition("CORS ")[2]
        refused = render_problem(PreflightRefused(f"Not allowed for a page of another origin: {why}."), scope)
        refused.headers.update(self._rules.preflight_headers)
        return refused

    def add_headers(
        self, scope: Scope, headers: Sequence[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]] | FixedHeaders:
        """The headers of a response with those of CORS."""
        if self._rules.allow_all_origins:
            return headers.join(self._simple) if isinstance(headers, FixedHeaders) else [*headers, *self._simple]
        response_headers = MutableHeaders(raw=list(headers))
        origin = (find_header(scope, b"origin") or b"").decode("latin-1")
        if self._rules.is_allowed_origin(origin):
            response_headers.update(self._rules.simple_headers)
            response_headers["Access-Control-Allow-Origin"] = origin
        response_headers.add_vary_header("Origin")
        return response_headers.raw


async def _ignore(scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing is behind the rules."""
