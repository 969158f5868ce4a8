"""Requests and their responses: numbers for the operator, and a log line per request if that is switched on.

Never keeps or writes queries, keys or bodies: of an address only the path is seen, and only routes are counted by name.
"""

from __future__ import annotations

import os
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.middleware.log_lines import find_trace_id, format_now
from app.http.server.client_address import ClientAddresses, Network

NAMES = frozenset(
    {"articles", "search", "suggest", "timeline", "trending", "tags", "regions", "resolve", "changes", "export",
     "imports", "jobs", "suggestions"}
)  # fmt: skip
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
EDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Seconds; a histogram has one bucket more, for what took longer."""


def name_route(path: str) -> str:
    """A name from a short list, whatever is asked for: `articles`, `articles/one` for one of them and what is below."""
    parts = path.split("/", 3)
    if len(parts) < 3 or parts[1] != "v1" or parts[2] not in NAMES:
        return "other"
    return f"{parts[2]}/one" if len(parts) > 3 else parts[2]


class RequestTally:
    """Plain numbers since the start. `responses` by (method, route, hundreds of the status); `seconds` by route: a
    count for each bucket; `spent` the sum of seconds by route."""

    def __init__(self) -> None:
        self.responses: Counter[tuple[str, str, int]] = Counter()
        self.seconds: dict[str, list[int]] = {}
        self.spent: Counter[str] = Counter()

    def add(self, method: str, path: str, status: int, seconds: float) -> None:
        name = name_route(path)
        self.responses[method if method in METHODS else "other", name, status // 100] += 1
        buckets = self.seconds.get(name)
        if buckets is None:
            buckets = self.seconds[name] = [0] * (len(EDGES) + 1)
        buckets[bisect_left(EDGES, seconds)] += 1
        self.spent[name] += seconds  # type: ignore[assignment] # Counter's stub knows whole numbers only


class AccessLog:
    """One line of JSON per response, as it ends: when, method, path, status, milliseconds, request id, client, trace.
    `is_among_others`: with the members that every line of a log has."""

    def __init__(
        self, app: ASGIApp, trusted: Sequence[Network] = (), out: TextIO | None = None, *, is_among_others: bool = False
    ) -> None:
        self.app, self._out = app, out
        self._common = {"level": "INFO", "logger": "access"} if is_among_others else {}
        self._clients = ClientAddresses(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        start: Message = {}

        async def send_observed(message: Message) -> None:
            nonlocal start
            start = start or message
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        finally:
            self._write(scope, start, time.perf_counter() - began)

    def _write(self, scope: Scope, start: Message, seconds: float) -> None:
        """Status null: the client disconnected before the response. Shared responses have no request id."""
        id = next((value.decode() for name, value in start.get("headers", ()) if name == b"x-request-id"), None)
        line = {
            "at": format_now(),
            **self._common,
            "method": scope["method"],
            "path": scope["path"][:500],
            "status": start.get("status"),
            "ms": round(seconds * 1000, 2),
            "request_id": id,
            "client": self._clients.find_address(scope),
            "trace_id": find_trace_id(scope),
        }
        if self._common:
            line |= {"message": f"{line['method']} {line['path']} {line['status']}", "process": os.getpid()}
        (self._out or sys.stderr).write(orjson.dumps(line).decode() + "\n")
