"""CORS for answers that shared caches keep: the headers do not depend on whether the request came from a browser.

Starlette's own layer answers only requests with an Origin; what a cache got from any other client would then be refused
by browsers.
"""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = (
    "ETag", "Link", "Location", "Allow", "X-Seq", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id",
    "Dateline-Warnings",
)  # fmt: skip
ALLOWED = ("Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "Content-Type")
DAY = 86_400


class Cors(CORSMiddleware):
    """`origins` may read, `*` for all; cookies are never used."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
            max_age=DAY,
        )
        self._simple = [(name.lower().encode(), text.encode()) for name, text in self.simple_headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or any(name == b"origin" for name, _ in scope["headers"]):
            await super().__call__(scope, receive, send)
            return

        async def open_to_all(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self.allow_all_origins:
                    message = {**message, "headers": [*message["headers"], *self._simple]}
                else:
                    MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, open_to_all)
