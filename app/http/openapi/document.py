"""The document as data: FastAPI's own, completed by what it leaves out.

Made once per app, at the first request for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.http.api_route import ApiRoute
from app.http.auth import FEEDS, KEY_SCHEME
from app.http.body import JSON_TYPE
from app.http.conditional import PUBLIC, VARY, list_etag, respond
from app.http.openapi import problem_shapes, response_shapes
from app.http.openapi.body_schemas import describe_bodies
from app.http.openapi.problem_shapes import describe_problems
from app.http.openapi.response_shapes import NOT_MODIFIED
from app.http.problems import MEDIA_TYPE

Json = dict[str, Any]

EVERYWHERE = (
    "malformed_request", "unauthorized", "request_timeout", "rate_limited", "head_too_large", "internal_error",
    "overloaded", "database_unavailable",
)  # fmt: skip
WITH_QUERY = ("unknown_parameter", "duplicate_parameter", "invalid_value")
WITH_BODY = ("malformed_json", "unsupported_media_type", "body_too_large", "unknown_field", "invalid_value")
ANY_KEY: Json = {KEY_SCHEME.scheme_name: []}
BASIC = "basic"
BASIC_SCHEME: Json = {
    "type": "http",
    "scheme": "basic",
    "description": "Of feeds only: a key is the password, whatever the name.",
}
_VERBS = ("get", "put", "post", "patch", "delete")


def name_operation(route: APIRoute) -> str:
    """For FastAPI's `generate_unique_id_function`: the route's name, which clients' generated code is named after."""
    return route.name


def install(
    app: FastAPI,
    *,
    description: str,
    tags: Sequence[Mapping[str, str]] = (),
    bodies: Sequence[type[BaseModel]] = (),
    public_reads: bool = True,
) -> None:
    """Serves `/openapi.json`. The app must have been made with `openapi_url=None`, so that FastAPI serves none.

    `bodies`: shapes that some route describes, besides the bodies of each `ApiRoute`."""
    documents: list[bytes] = []
    making = asyncio.Lock()

    def make_document() -> bytes:
        return orjson.dumps(
            build_document(app, description=description, tags=tags, bodies=bodies, public_reads=public_reads)
        )

    async def get_openapi(request: Request) -> Response:
        async with making:
            if not documents:
                documents.append(await asyncio.to_thread(make_document))  # 0.2 s
        body = documents[0]
        return respond(request, body, etag=list_etag(body), cache_control=PUBLIC, headers={"Vary": VARY})

    app.router.routes.append(Route("/openapi.json", get_openapi, name="openapi"))


def build_document(
    app: FastAPI,
    *,
    description: str,
    tags: Sequence[Mapping[str, str]] = (),
    bodies: Sequence[type[BaseModel]] = (),
    public_reads: bool = True,
) -> Json:
    """The document as data. Two operations with one id make FastAPI warn, which tests take as an error. Without
    `public_reads` an operation that says nothing of keys needs one, of any scope."""
    document: Json = orjson.loads(orjson.dumps(app.openapi()))
    document["info"] |= {"description": description, "license": {"name": "MIT", "identifier": "MIT"}}
    document["servers"] = [{"url": "/"}]
    document["tags"] = [dict(tag) for tag in tags]
    document["security"] = [{}, ANY_KEY] if public_reads else [ANY_KEY]
    parts = document.setdefault("components", {})
    scheme = KEY_SCHEME.model.model_dump(mode="json", by_alias=True, exclude_none=True)
    parts["securitySchemes"] = {KEY_SCHEME.scheme_name: scheme, BASIC: BASIC_SCHEME}
    routes = {route.name: route for route in _list_routes(app)}
    payloads = (route.payload for route in routes.values() if route.payload is not None)
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= problem_shapes.SCHEMAS | describe_bodies(*bodies, *payloads)
    parts["schemas"] = dict(sorted(schemas.items()))
    parts["headers"] = dict(response_shapes.HEADERS)
    for operation in _list_operations(document):
        operation.setdefault("security", document["security"])
        if (route := routes.get(operation["operationId"])) is not None:
            _restore_examples(operation, route)
            if route.path.startswith(FEEDS):
                operation["security"] = [*operation["security"], {BASIC: []}]
        _describe_failures(operation)
        _describe_headers(operation)
    return document


def _list_routes(app: FastAPI) -> Iterator[ApiRoute]:
    routes = (context.original_route for context in iter_route_contexts(app.routes))
    yield from (route for route in routes if isinstance(route, ApiRoute))


def _list_operations(document: Json) -> Iterator[Json]:
    for path in document.get("paths", {}).values():
        yield from (path[verb] for verb in _VERBS if verb in path)


def _restore_examples(operation: Json, route: ApiRoute) -> None:
    """FastAPI leaves out of examples what is null in them, which is required of a response."""
    for status, response in operation["responses"].items():
        declared = route.responses.get(int(status), {}).get("content", {})
        for kind, content in response.get("content", {}).items():
            if "example" in content:
                content["example"] = declared[kind]["example"]
            for name, example in content.get("examples", {}).items():
                example["value"] = declared[kind]["examples"][name]["value"]


def _describe_failures(operation: Json) -> None:
    """Adds the failures of every operation, and replaces FastAPI's own 422."""
    responses: Json = operation["responses"]
    if MEDIA_TYPE not in responses.get("422", {}).get("content", {MEDIA_TYPE: ()}):
        del responses["422"]
    in_query = any(parameter["in"] == "query" for parameter in operation.get("parameters", ()))
    codes = [*EVERYWHERE, *(WITH_QUERY if in_query else ("unknown_parameter",))]
    codes += WITH_BODY if JSON_TYPE in operation.get("requestBody", {}).get("content", ()) else ()
    codes += ["missing_scope"] if any(any(keys.values()) for keys in operation["security"]) else []
    for status, response in describe_problems(*dict.fromkeys(codes)).items():
        described = responses.setdefault(str(status), response)
        if described is not response:
            problem_shapes.merge_problems(described, response)
    operation["responses"] = dict(sorted(responses.items()))


def _describe_headers(operation: Json) -> None:
    """Adds the headers of every response, and the one that asks for a 304."""
    for response in operation["responses"].values():
        headers = response.get("headers", {}) | response_shapes.refer_to_headers(*response_shapes.EVERYWHERE)
        response["headers"] = dict(sorted(headers.items()))
    if str(NOT_MODIFIED) in operation["responses"]:
        operation.setdefault("parameters", []).append(response_shapes.IF_NONE_MATCH)
