"""The OpenAPI 3.1 document: FastAPI's, with every failure described, stable operation ids and the server's own data.

Made once per app, at the first request for it. Describes; decides nothing.
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

from app.errors import CODES, ProblemCode
from app.http.api_route import ApiRoute
from app.http.auth import KEY_SCHEME
from app.http.body import JSON_TYPE
from app.http.conditional import PUBLIC, VARY, list_etag, respond
from app.http.problems import MEDIA_TYPE

Json = dict[str, Any]
Responses = dict[int | str, Json]

EVERYWHERE = (
    "malformed_request", "unauthorized", "request_timeout", "rate_limited", "head_too_large", "internal_error",
    "overloaded", "database_unavailable",
)  # fmt: skip
WITH_QUERY = ("unknown_parameter", "duplicate_parameter", "invalid_value")
WITH_BODY = ("malformed_json", "unsupported_media_type", "body_too_large", "unknown_field", "invalid_value")
ANY_KEY: Json = {KEY_SCHEME.scheme_name: []}
_VERBS = ("get", "put", "post", "patch", "delete")
_SHARED_STATUS = (404, 410)


def describe_problems(*codes: str) -> Responses:
    """The `responses=` of a route that may fail in these ways, besides those `EVERYWHERE`; KeyError for a code that
    does not exist."""
    by_status: dict[int | str, list[ProblemCode]] = {}
    for code in codes:
        by_status.setdefault(CODES[code].status, []).append(CODES[code])
    return {status: _describe_response(status_codes) for status, status_codes in by_status.items()}


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
        # Of many first requests one makes the document, and the others wait for it.
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
    parts["securitySchemes"] = {KEY_SCHEME.scheme_name: scheme}
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {"Problem": PROBLEM, "ProblemError": PROBLEM_ERROR}
    for body in (*bodies, *_list_bodies(app)):
        schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {}) | {body.__name__: schema}
    parts["schemas"] = dict(sorted(schemas.items()))
    for operation in _list_operations(document):
        operation.setdefault("security", document["security"])
        _describe_failures(operation)
    return document


def _list_bodies(app: FastAPI) -> Iterator[type[BaseModel]]:
    routes = (context.original_route for context in iter_route_contexts(app.routes))
    yield from (route.payload for route in routes if isinstance(route, ApiRoute) and route.payload is not None)


def _list_operations(document: Json) -> Iterator[Json]:
    for path in document.get("paths", {}).values():
        yield from (path[verb] for verb in _VERBS if verb in path)


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
            _merge_codes(described, response)
    for response in responses.values():
        examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
        for code, example in examples.items():
            example["value"] = _make_example(CODES[code])  # FastAPI leaves out what is null
    operation["responses"] = dict(sorted(responses.items()))


def _merge_codes(known: Json, more: Json) -> None:
    """Two sets of codes under one status; beside a body that is no problem, such as that of a health check, both."""
    contents = known.setdefault("content", {})
    if MEDIA_TYPE not in contents:
        contents |= more["content"]
        return
    examples = contents[MEDIA_TYPE]["examples"]
    for code, example in more["content"][MEDIA_TYPE]["examples"].items():
        examples.setdefault(code, example)
    known["description"] = _join_titles(CODES[code] for code in examples)


def _describe_response(codes: list[ProblemCode]) -> Json:
    examples = {row.code: {"summary": row.title, "value": _make_example(row)} for row in codes}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _join_titles(iter(codes)), "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}}


def _join_titles(codes: Iterator[ProblemCode]) -> str:
    return "; ".join(f"`{row.code}`: {row.title}" for row in codes) + "."


def _make_example(row: ProblemCode) -> Json:
    problem: Json = {
        "type": f"/problems/{row.code}",
        "title": row.title,
        "status": row.status,
        "detail": f"{row.title}.",
        "code": row.code,
        "request_id": None if row.status in _SHARED_STATUS else "5f0c2d9ab1e84c37",
    }
    if row.status == 422:
        problem["errors"] = [{"parameter": "limit", "code": row.code, "detail": f"{row.title}."}]
    return problem


PROBLEM_ERROR: Json = {
    "type": "object",
    "description": "One thing wrong with one input.",
    "properties": {
        "parameter": {"type": "string", "description": "The query or path parameter."},
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) into the body."},
        "code": {"type": "string", "enum": list(CODES)},
        "detail": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}},
        "did_you_mean": {"type": "string"},
    },
    "required": ["code", "detail"],
}
PROBLEM: Json = {
    "type": "object",
    "description": "A failure (RFC 9457). Branch on `code`; show `detail`. Some codes have members of their own.",
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Answers with the code's documentation."},
        "title": {"type": "string", "description": "The same for every occurrence of the code."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "About this occurrence."},
        "code": {"type": "string", "enum": list(CODES)},
        "request_id": {
            "type": ["string", "null"],
            "description": "For the server's log; null where caches may keep it.",
        },
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemError"}},
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
}
