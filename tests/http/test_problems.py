"""Failures as clients see them, through a small app with the layers around it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from runpy import run_path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app import errors
from app.errors import CODES, FieldError
from app.http import problems
from app.http.middleware.access_log import RequestTally
from app.http.middleware.cors import Cors
from app.http.middleware.errors_and_timing import ErrorsAndTiming
from app.http.middleware.head_and_body_limit import BodyLimit, HeadAsGet

ROOT = Path(__file__).resolve().parent.parent.parent


class Panic(BaseException):
    """What a panic in an extension looks like: no Exception."""


class Body(BaseModel, extra="forbid"):
    title: str


def make_app() -> FastAPI:
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})
    problems.install(app)

    @app.get("/item")
    async def item() -> Response:
        return Response(b"item", headers={"Cache-Control": "public, max-age=30"})

    @app.post("/item")
    async def create(request: Request) -> Response:
        return Response(str(len(await request.body())))

    @app.post("/big")
    async def create_big(request: Request) -> Response:
        return Response(str(len(await request.body())))

    @app.patch("/item")
    async def change(body: Body) -> Response:
        return Response(body.title)

    @app.get("/fails/{how}")
    async def fails(how: str) -> Response:
        raise FAILURES[how]

    @app.get("/endless")
    async def endless() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"piece"

        return StreamingResponse(pieces())

    app.add_middleware(BodyLimit, max_bytes=100, larger={"/big": 1000})
    app.add_middleware(ErrorsAndTiming, tally=RequestTally(), cors=Cors(["*"]))
    app.add_middleware(HeadAsGet)
    return app


FAILURES: dict[str, BaseException] = {
    "crash": RuntimeError("a secret of the server"),
    "panic": Panic("a secret of the server"),
    "hidden": errors.NotFound(),
    "withdrawn": errors.Gone(withdrawn_at="2025-12-01T10:00:00Z", reason="An error of fact."),
    "purged": errors.Gone(),
    "stale": errors.PreconditionFailed(7, ["title"], named=[6]),
    "key": errors.Unauthorized(),
    "limit": errors.RateLimited(30, {"RateLimit": '"reads";r=0;t=30'}),
    "input": errors.InvalidInput(
        FieldError("offset_required", "No offset.", "published_from"),
        FieldError("unknown_field", "No such field.", pointer="/titel", did_you_mean="title"),
    ),
}


def call(method: str, path: str, content: bytes | AsyncIterator[bytes] | None = None, **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, content=content, headers=named)

    return asyncio.run(send())


def get(path: str, **headers: str) -> httpx.Response:
    return call("GET", path, None, **headers)


def test_codes_are_the_closed_list() -> None:
    assert len(CODES) == 47
    for row in CODES.values():
        assert 400 <= row.status <= 599
        assert row.title
        assert len(row.documentation) > 40


def test_problem_has_all_members_and_its_type_leads_to_its_documentation() -> None:
    response = get("/fails/stale")
    shown = response.json()
    assert (response.status_code, response.headers["content-type"]) == (412, "application/problem+json")
    assert response.headers["cache-control"] == "no-store"
    assert shown == {
        "type": "/problems/precondition_failed",
        "title": "The item has changed meanwhile",
        "status": 412,
        "detail": "The current version is 7.",
        "code": "precondition_failed",
        "request_id": response.headers["x-request-id"],
        "current_version": 7,
        "changed_fields": ["title"],
    }
    documented = get(shown["type"])
    assert documented.status_code == 200
    assert documented.json()["code"] == "precondition_failed"
    assert "If-Match" in documented.json()["documentation"]


def test_problems_list_all_codes() -> None:
    assert [row["code"] for row in get("/problems").json()["data"]] == list(CODES)


def test_unknown_problem_is_a_problem() -> None:
    assert get("/problems/nonsense").json()["code"] == "not_found"


def test_several_errors_have_the_code_of_the_first() -> None:
    shown = get("/fails/input").json()
    assert (shown["code"], shown["status"], shown["title"]) == ("offset_required", 422, "A time needs an offset")
    assert shown["errors"] == [
        {"parameter": "published_from", "code": "offset_required", "detail": "No offset."},
        {"pointer": "/titel", "code": "unknown_field", "detail": "No such field.", "did_you_mean": "title"},
    ]


def test_unknown_route_and_hidden_thing_give_the_same_bytes() -> None:
    hidden, missing = get("/fails/hidden"), get("/nothing/here")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden.json()["request_id"] is None


def test_404_may_be_kept_for_five_seconds_and_privately_with_a_key() -> None:
    assert get("/nothing").headers["cache-control"] == "public, max-age=5"
    assert "x-request-id" not in get("/nothing").headers
    private = get("/nothing", authorization="Bearer dl_x")
    assert private.headers["cache-control"] == "private, max-age=5"
    assert private.headers["x-request-id"]
    assert call("POST", "/nothing").headers["cache-control"] == "no-store"


def test_withdrawn_says_when_and_why_and_purged_nothing() -> None:
    shown = get("/fails/withdrawn").json()
    assert (shown["withdrawn_at"], shown["reason"]) == ("2025-12-01T10:00:00Z", "An error of fact.")
    assert "withdrawn_at" not in get("/fails/purged").json()


def test_wrong_method_names_every_allowed_one() -> None:
    response = call("DELETE", "/item")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, POST, PATCH"


def test_headers_of_an_error_go_out_with_it() -> None:
    assert get("/fails/key").headers["www-authenticate"] == "Bearer"
    assert get("/fails/limit").headers["retry-after"] == "30"
    assert get("/fails/limit").headers["ratelimit"] == '"reads";r=0;t=30'


@pytest.mark.parametrize("how", ["crash", "panic"])
def test_crash_is_a_problem_without_its_cause(how: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = get(f"/fails/{how}", x_request_id="mine-1")
    assert (response.status_code, response.json()["code"], response.json()["request_id"]) == (
        500,
        "internal_error",
        "mine-1",
    )
    assert "secret" not in response.text
    [logged] = [record for record in caplog.records if "mine-1" in record.getMessage()]
    assert logged.exc_info is not None
    assert "secret" in str(logged.exc_info[1])


def test_body_over_the_limit_is_refused_by_its_announced_length() -> None:
    response = call("POST", "/item", b"x" * 101)
    assert (response.status_code, response.json()["code"], response.json()["max_bytes"]) == (413, "body_too_large", 100)
    assert call("POST", "/item", b"x" * 100).text == "100"


def test_body_over_the_limit_is_refused_while_it_comes() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10

    response = call("POST", "/item", pieces())
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_body_limit_is_larger_where_said() -> None:
    assert call("POST", "/big", b"x" * 1000).text == "1000"
    assert call("POST", "/big", b"x" * 1001).status_code == 413


@pytest.mark.parametrize(
    ("content", "status", "code", "pointer"),
    [
        (b"{", 400, "malformed_json", None),
        (b'{"title": 3}', 422, "invalid_value", "/title"),
        (b'{"title": "a", "a/b": 1}', 422, "unknown_field", "/a~1b"),
        (b"[]", 422, "invalid_value", ""),
    ],
)
def test_body_that_the_framework_refuses_is_a_problem(
    content: bytes, status: int, code: str, pointer: str | None
) -> None:
    response = call("PATCH", "/item", content, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert [error["pointer"] for error in response.json().get("errors", [])] == ([] if pointer is None else [pointer])


def test_head_is_like_get_without_the_body() -> None:
    response = call("HEAD", "/item")
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "4")
    assert call("HEAD", "/nothing").headers["content-type"] == "application/problem+json"


def test_head_of_an_endless_stream_ends() -> None:
    assert call("HEAD", "/endless").status_code == 200


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "a\tb", '"><'])
def test_request_id_of_the_client_is_taken_only_if_sane(sent: str) -> None:
    assert get("/fails/key", x_request_id="abc-1.2").headers["x-request-id"] == "abc-1.2"
    assert get("/fails/key", x_request_id=sent).headers["x-request-id"] not in ("", sent)


def test_shared_response_carries_no_request_id() -> None:
    assert "x-request-id" not in get("/item").headers


def test_generated_pages_are_those_of_the_code() -> None:
    script = run_path(str(ROOT / "scripts" / "build_docs.py"))
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == script["errors"]()
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == script["settings"]()
