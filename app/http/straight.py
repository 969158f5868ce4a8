"""The short way of a read: from its path to its function, past everything that FastAPI does for others.

Finds the same function as the router, which keeps the schema and answers whatever is not here. Parses nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction, signature

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import DatelineError
from app.http.problems import render

Function = Callable[[Request], Awaitable[Response]]


class Straight:
    """Calls the functions of all routes that answer a GET and ask for nothing but the request: no dependencies to
    solve, no model to fill, 60 µs less for each. The routes in the order in which the router tries them."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        reads = [route for route in routes if isinstance(route, APIRoute) and _is_read(route)]
        self._written_out = {route.path: route for route in reads if not route.param_convertors}
        self._patterns = [(route.path_regex.match, route) for route in reads if route.param_convertors]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        route, scope["path_params"] = found
        scope["route"], scope["endpoint"] = route, route.endpoint
        function: Function = route.endpoint
        try:
            response = await function(Request(scope, receive, send))
        except DatelineError as error:
            response = render(error, scope)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[APIRoute, dict[str, object]] | None:
        path = scope["path"]
        route = self._written_out.get(path)
        if route is not None:
            return route, {}
        for match, other in self._patterns:
            found = match(path)
            if found is not None:
                parts = found.groupdict()
                return other, {name: other.param_convertors[name].convert(text) for name, text in parts.items()}
        return None


def _is_read(route: APIRoute) -> bool:
    parameters = signature(route.endpoint).parameters
    return route.methods == {"GET"} and iscoroutinefunction(route.endpoint) and list(parameters) == ["request"]
