"""Problem documents (RFC 9457) in OpenAPI: their shape, and which codes stand under which status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.errors import CODES, ProblemCode
from app.http.auth import SCOPES
from app.http.openapi.response_shapes import refer_to_headers
from app.http.problems import MEDIA_TYPE

Json = dict[str, Any]
Responses = dict[int | str, Json]

_SHARED_STATUS = (404, 410)
_WAITING = frozenset(
    {"request_in_progress", "rate_limited", "index_behind", "overloaded", "read_only", "database_unavailable"}
)
"""Codes that come with Retry-After."""
_NAMES: Json = {"type": "array", "items": {"type": "string"}}
MEMBERS: Json = {
    "scope": {"type": "string", "enum": list(SCOPES), "description": "With `missing_scope`: the scope that is needed."},
    "allowed": {**_NAMES, "description": "What would have been accepted: formats, or states."},
    "article_status": {"type": "string", "description": "With `invalid_transition`: the present state."},
    "withdrawn_at": {"type": "string", "format": "date-time", "description": "With `gone`, unless it was purged."},
    "reason": {"type": ["string", "null"], "description": "With `gone`: why it was withdrawn."},
    "export": {
        "type": "string",
        "format": "uri-reference",
        "description": "With `cursor_expired`: where to start again.",
    },
    "current_version": {"type": ["integer", "null"], "description": "With `precondition_failed`."},
    "changed_fields": {**_NAMES, "description": "With `precondition_failed`: what has changed since."},
    "max_bytes": {"type": "integer", "description": "With `body_too_large`."},
    "progress": {
        "type": "object",
        "description": "With `index_behind`, while an index is being built.",
        "properties": {"indexed": {"type": "integer"}, "articles": {"type": "integer"}},
        "required": ["indexed", "articles"],
    },
}
"""Members that only some codes have; a test compares them with the errors."""
_MEMBER_EXAMPLES: dict[str, Json] = {
    "missing_scope": {"scope": "write"},
    "not_acceptable": {"allowed": ["json"]},
    "unsupported_media_type": {"allowed": ["application/json"]},
    "invalid_transition": {"article_status": "withdrawn", "allowed": ["draft", "published"]},
    "gone": {"withdrawn_at": "2025-05-14T09:12:44Z", "reason": None},
    "cursor_expired": {"export": "/v1/export"},
    "precondition_failed": {"current_version": 4, "changed_fields": ["title"]},
    "body_too_large": {"max_bytes": 10_000_000},
}

PROBLEM_ERROR: Json = {
    "type": "object",
    "description": "One thing wrong with one input.",
    "properties": {
        "parameter": {"type": "string", "description": "The query or path parameter."},
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) into the body."},
        "code": {"type": "string", "enum": list(CODES)},
        "detail": {"type": "string"},
        "allowed": _NAMES,
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
        **MEMBERS,
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
}
SCHEMAS: Json = {"Problem": PROBLEM, "ProblemError": PROBLEM_ERROR}


def describe_problems(*codes: str) -> Responses:
    """The `responses=` of a route that may fail in these ways, besides those that every route has; KeyError for a code
    that does not exist."""
    by_status: dict[int | str, list[ProblemCode]] = {}
    for code in codes:
        by_status.setdefault(CODES[code].status, []).append(CODES[code])
    return {status: _describe_response(status_codes) for status, status_codes in by_status.items()}


def merge_problems(known: Json, more: Json) -> None:
    """Two sets of codes under one status; beside a body that is no problem, such as that of a health check, both."""
    known["headers"] = {**known.get("headers", {}), **more["headers"]}
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
    return {
        "description": _join_titles(codes),
        "headers": refer_to_headers(*_list_headers(codes)),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _list_headers(codes: list[ProblemCode]) -> list[str]:
    names = ["Cache-Control"]
    names += ["Vary"] if any(row.status in _SHARED_STATUS for row in codes) else []
    names += ["Retry-After"] if any(row.code in _WAITING for row in codes) else []
    names += ["WWW-Authenticate"] if any(row.status == 401 for row in codes) else []
    return names


def _join_titles(codes: Iterable[ProblemCode]) -> str:
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
    return problem | _MEMBER_EXAMPLES.get(row.code, {})
