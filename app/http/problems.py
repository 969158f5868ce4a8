"""Every failure as `application/problem+json` (RFC 9457), whoever raised it: domain, router, parser or a crash.

Never shows a stack trace, a class name or a path of the server; those go to the log under the request id.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from app.errors import (
    CODES,
    DatelineError,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    ProblemCode,
)
from app.http.body import translate_errors
from app.http.conditional import PUBLIC, VARY, list_etag, respond
from app.http.request_state import get_request_id

MEDIA_TYPE = "application/problem+json"

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SHARED = frozenset({"not_found", "gone"})
_BY_STATUS = {400: "malformed_json"} | {
    status: code
    for code, status in reversed([(known.code, known.status) for known in CODES.values()])
    if status not in (400, 409, 422)
}


def build_document(error: DatelineError, request_id: str | None, root_path: str = "") -> dict[str, object]:
    """The problem document. What may be kept by caches (404, 410) must be the same for everybody, and a thing
    that is hidden the same as one that is missing: there `request_id` is null. Paths begin with `root_path`."""
    problem: dict[str, object] = {
        "type": f"{root_path}/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": None if error.code in _SHARED else request_id,
    }
    if error.errors:
        problem["errors"] = [wrong.to_dict() for wrong in error.errors]
    # Written twice: first in its place, then so that no member of the error's own can stand for it.
    paths = {name: root_path + path for name, path in error.paths.items()}
    return {**problem, **error.members, **paths, **problem}


def render_problem(error: DatelineError, scope: Scope) -> Response:
    """The response to the request of `scope`. Caches may keep a 404 or 410 to a reader for five seconds."""
    if isinstance(error, NotFound):
        error = _find_other_methods(scope) or error
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.code in _SHARED and scope["method"] in ("GET", "HEAD"):
        has_key = any(name == b"authorization" for name, _ in scope["headers"])
        headers |= {"Cache-Control": f"{'private' if has_key else 'public'}, max-age=5", "Vary": VARY}
    body = orjson.dumps(build_document(error, get_request_id(scope), scope.get("root_path", "")))
    return Response(body, error.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Registers the handlers and the pages about problems. What is raised outside the router, by middleware, is
    rendered by `errors_and_timing`."""
    app.add_exception_handler(DatelineError, _on_domain_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.router.routes.append(Route("/problems", _list_problems, name="list_problems"))
    app.router.routes.append(Route("/problems/{code}", _get_problem, name="get_problem"))


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DatelineError)
    return render_problem(error, request.scope)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """The router's own errors; a library's are translated by status."""
    assert isinstance(error, HTTPException)
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    if error.status_code == 404 and (address := _find_address_without_slash(request.scope)) is not None:
        return Response(status_code=308, headers={"Location": address, "Cache-Control": "public, max-age=60"})
    return render_problem(_translate_exception(error, request.scope), request.scope)


def _translate_exception(error: HTTPException, scope: Scope) -> DatelineError:
    if error.status_code == 404:
        return NotFound()
    if error.status_code == 405:
        return MethodNotAllowed(_find_methods(scope))
    code = CODES[_BY_STATUS.get(error.status_code, "invalid_value" if error.status_code < 500 else "internal_error")]
    return _plain_error(code, "" if code.status >= 500 else error.detail)


def _plain_error(code: ProblemCode, detail: str = "") -> DatelineError:
    error = DatelineError(detail or f"{code.title}.")
    error.code, error.status, error.title = code.code, code.status, code.title
    return error


def make_crash_error() -> DatelineError:
    """What a client learns of a crash: that there was one."""
    return _plain_error(
        CODES["internal_error"], "Something broke; the server's log has the cause under this request id."
    )


def _find_address_without_slash(scope: Scope) -> str | None:
    """Where a path with a slash at its end leads that has a route without it, query included; else None. Only to paths
    that there are: `//elsewhere.example/` would be an address of another host."""
    path: str = scope["path"]
    # As it was sent: what is encoded in it stays so, and a slash that is encoded is a part of the reference.
    sent: str = scope["raw_path"].decode("latin-1")
    if not sent.endswith("/") or not _find_routes(scope, path.removesuffix("/")):
        return None
    address = sent.removesuffix("/")
    query = scope["query_string"].decode("latin-1")
    return f"{address}?{query}" if query else address


def _find_routes(scope: Scope, path: str) -> list[RouteContext]:
    return [one for one in iter_route_contexts(scope["app"].routes) if one.methods and one.path_regex.match(path)]


def _find_other_methods(scope: Scope) -> MethodNotAllowed | None:
    """Of a path that is written out (`/articles/bulk`) and has no route of this method: one with a parameter
    (`/articles/{ref}`) has looked for a thing of that name, and there is none. An article may have the slug `bulk`."""
    route = scope.get("route")
    if "{" not in getattr(route, "path", ""):
        return None
    path, method = scope["path"], "GET" if scope["method"] == "HEAD" else scope["method"]
    own = [one.methods for one in iter_route_contexts(scope["app"].routes) if one.path == path and one.methods]
    if not own or any(method in methods for methods in own):
        return None
    return MethodNotAllowed(_find_methods(scope))


def _find_methods(scope: Scope) -> Iterable[str]:
    """All methods of the path: the router itself would name those of the first route that has it. Those of a path that
    is written out (`/regions/tree`) go before those of one with a parameter (`/regions/{ref}`)."""
    path = scope["path"]
    routes = _find_routes(scope, path)
    own = [one for one in routes if one.path == path] or routes
    methods = {method for one in own for method in one.methods or ()}
    for method in _METHODS:
        if method in methods:
            yield from ("GET", "HEAD") if method == "GET" else (method,)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    unread = any(wrong.get("type") == "json_invalid" for wrong in errors)
    return render_problem(MalformedJson() if unread else translate_errors(errors), request.scope)


def _describe_code(code: ProblemCode, root_path: str) -> dict[str, object]:
    return {
        "type": f"{root_path}/problems/{code.code}",
        "code": code.code,
        "status": code.status,
        "title": code.title,
        "documentation": " ".join(code.documentation.split()),
    }


async def _list_problems(request: Request) -> Response:
    return _render_page(request, {"data": [_describe_code(code, _find_root(request)) for code in CODES.values()]})


async def _get_problem(request: Request) -> Response:
    code = CODES.get(request.path_params["code"])
    if code is None:
        raise NotFound()
    return _render_page(request, _describe_code(code, _find_root(request)))


def _find_root(request: Request) -> str:
    root_path = request.scope.get("root_path", "")
    assert isinstance(root_path, str)
    return root_path


def _render_page(request: Request, page: dict[str, object]) -> Response:
    body = orjson.dumps(page)
    return respond(request, body, etag=list_etag(body), cache_control=PUBLIC, headers={"Vary": VARY})
