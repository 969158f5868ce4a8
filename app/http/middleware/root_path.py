"""The path below which a proxy serves the API (`/api`): taken off what a request asks for, so that nothing within knows
of it, and put before the paths that response headers name. Bodies name theirs through `app.text.addresses`.

ASGI's `root_path` of the scope has it. Unlike elsewhere, `path` is without it: a proxy may strip it or leave it, and
what is within must not care. Only `DATELINE_ROOT_PATH` and trusted proxies are believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import MalformedRequest
from app.http.headers import FixedHeaders, Headers, list_headers
from app.http.problems import render_problem
from app.http.server.client_address import ClientAddresses, Network
from app.settings.values import read_root_path

HEADER = b"x-forwarded-prefix"
_VARY = b"X-Forwarded-Prefix"
_PATHS = (b"location", b"content-location", b"link")
_ONE_CHARACTER = rb"(?:%[0-9A-Fa-f]{2}|[^%])"

AnyHeaders = Headers | FixedHeaders
FindMessages = Callable[[Scope], tuple[Message, Message] | None]


class RootPath:
    """Around all other layers: a request that came with a prefix goes on without it. 400 for a trusted proxy's
    X-Forwarded-Prefix that is no path, since every address in the response would be wrong."""

    def __init__(self, app: ASGIApp, root_path: str = "", trusted: Sequence[Network] = ()) -> None:
        self.app = app
        self._root_path, self._trusts = root_path, bool(trusted)
        self._clients = ClientAddresses(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._remove(scope)
            except MalformedRequest as error:
                await render_problem(error, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def wrap(self, find_messages: FindMessages) -> FindMessages:
        """The same for what looks for a response in memory before there is a task for the request."""

        def find(scope: Scope) -> tuple[Message, Message] | None:
            try:
                self._remove(scope)
            except MalformedRequest:
                return None  # the application says so
            return find_messages(scope)

        return find

    def _remove(self, scope: Scope) -> None:
        """Again for the same scope it changes nothing: no path of the API begins like a root path."""
        root_path = self._find(scope)
        if not root_path:
            return
        scope["root_path"] = root_path
        path: str = scope["path"]
        if path == root_path or path.startswith(f"{root_path}/"):
            scope["path"] = path[len(root_path) :] or "/"
            scope["raw_path"] = _cut(scope["raw_path"], len(root_path)) or b"/"

    def _find(self, scope: Scope) -> str:
        sent = list_headers(scope, HEADER) if self._trusts else []
        if not sent or not self._clients.read_peer((scope.get("client") or ("",))[0]).trusted:
            return self._root_path
        try:
            (one,) = sent
            return read_root_path(one.decode("ascii"))
        except ValueError:
            raise MalformedRequest(
                "X-Forwarded-Prefix is not one path such as /api: the last proxy has to replace what it was sent."
            ) from None


def _cut(raw_path: bytes, length: int) -> bytes:
    """A path as it was sent without its first characters, each of which may be percent-encoded."""
    return re.sub(rb"\A%b{%d}" % (_ONE_CHARACTER, length), b"", raw_path)


def is_forwarded(scope: Scope) -> bool:
    """Whether a header may have said what the root path is."""
    return bool(list_headers(scope, HEADER))


def add_root_path(scope: Scope, headers: AnyHeaders) -> AnyHeaders:
    """The headers of a response whose paths lead where the client can follow them: `Location`, `Content-Location` and
    `Link`. What a header of the request decided is kept by shared caches for requests with that header."""
    if any(name.lower() in _PATHS for name, _ in headers):  # else the same object, which may remember its lines
        headers = [(name, _prefix(scope["root_path"], name.lower(), value)) for name, value in headers]
    return _add_vary(headers) if is_forwarded(scope) else headers


def _prefix(root_path: str, name: bytes, value: bytes) -> bytes:
    if name not in _PATHS:
        return value
    return _compile_target(root_path, is_link=name == b"link").sub(rb"\g<0>" + root_path.encode("ascii"), value)


@lru_cache(maxsize=64)
def _compile_target(root_path: str, *, is_link: bool) -> re.Pattern[bytes]:
    """The place before a path. What comes behind `//` is another host, and what begins with the root path comes from
    where the body has the same address."""
    before = b"<" if is_link else rb"\A"
    return re.compile(rb"%b(?=/(?!/))(?!%b(?:/|\Z|[>?]))" % (before, re.escape(root_path.encode("ascii"))))


def _add_vary(headers: AnyHeaders) -> Headers:
    vary = next((value for name, value in headers if name.lower() == b"vary"), b"")
    others = [pair for pair in headers if pair[0].lower() != b"vary"]
    return [*others, (b"vary", _join_vary(vary))]


@lru_cache(maxsize=64)
def _join_vary(vary: bytes) -> bytes:
    return b", ".join(filter(None, (vary, _VARY)))
