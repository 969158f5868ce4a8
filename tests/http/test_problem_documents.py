"""Every error of the closed list as a document: it says what OpenAPI and the pages say, wherever it is raised."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import orjson
import pytest
from conftest import Served, serve
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from app import errors, main
from app.errors import CODES, MEMBERS, DatelineError, FieldError, InvalidInput
from app.http import openapi, paging, problems
from app.http.middleware.access_log import RequestTally
from app.http.middleware.cors import Cors
from app.http.middleware.errors_and_timing import ErrorsAndTiming
from app.http.openapi import problem_shapes
from app.http.problems import MEDIA_TYPE, build_document
from app.settings import Settings
from app.sync.streaming_response import Streamed

ROOT = Path(__file__).resolve().parent.parent.parent
WITH_ARGUMENTS: dict[str, Callable[[], DatelineError]] = {
    "missing_scope": lambda: errors.MissingScope("write"),
    "method_not_allowed": lambda: errors.MethodNotAllowed(["GET", "HEAD"]),
    "not_acceptable": lambda: errors.NotAcceptable(["json", "csv"]),
    "unsupported_media_type": lambda: errors.UnsupportedMediaType(["application/json"]),
    "slug_taken": lambda: errors.SlugTaken("a-slug"),
    "external_id_taken": lambda: errors.ExternalIdTaken("e-1"),
    "invalid_transition": lambda: errors.InvalidTransition(members={"article_status": "draft", "allowed": []}),
    "gone": lambda: errors.Gone(withdrawn_at="2025-12-01T10:00:00Z", reason="An error of fact."),
    "precondition_failed": lambda: errors.PreconditionFailed(7, ["title"], named=[6]),
    "body_too_large": lambda: errors.BodyTooLarge(100),
    "rate_limited": lambda: errors.RateLimited(30),
    "index_behind": lambda: errors.IndexBehind("", 9, {"indexed": 3, "articles": 40}),
}
BY_CODE = {leaf.code: leaf for leaf in errors._list_leaves(DatelineError)}
OF_NO_OPERATION = {"method_not_allowed", "preflight_refused", "request_in_progress"}
"""What no operation of OpenAPI can response with by itself."""


def make_error(code: str) -> DatelineError:
    kind = BY_CODE[code]
    if code in WITH_ARGUMENTS:
        return WITH_ARGUMENTS[code]()
    return kind("What is wrong.", "limit") if issubclass(kind, InvalidInput) else kind("What is wrong.")  # type: ignore[arg-type]


def is_valid(shown: object) -> bool:
    """Against the schema that OpenAPI has of it."""
    schemas = orjson.loads(orjson.dumps(problem_shapes.SCHEMAS).replace(b"#/components/schemas/", b"#/$defs/"))
    result: bool = jsonschema_rs.is_valid(schemas["Problem"] | {"$defs": schemas}, shown)
    return result


@pytest.mark.parametrize("code", CODES)
def test_error_is_a_valid_document_whose_members_are_its_own(code: str) -> None:
    error = make_error(code)
    shown = orjson.loads(orjson.dumps(build_document(error, "r1")))
    assert is_valid(shown), shown
    row = CODES[code]
    assert (shown["type"], shown["code"], shown["status"], shown["title"]) == (
        f"/problems/{code}", code, row.status, row.title,
    )  # fmt: skip
    assert (shown["detail"], error.status) == (error.detail, row.status)
    assert shown["request_id"] == (None if row.status in (404, 410) and code in ("not_found", "gone") else "r1")
    own = {*error.members, *error.paths}
    assert not set(MEMBERS) & own
    assert own <= set(problem_shapes.MEMBERS)
    [described] = openapi.describe_problems(code).values()
    assert set(error.headers) - {"Allow"} <= set(described["headers"])
    assert not is_valid({**shown, "status": "published"})
    for wrong in shown.get("errors", []):
        assert wrong["code"] == code


@pytest.mark.parametrize("member", MEMBERS)
def test_members_of_every_document_cannot_be_given_another_meaning(member: str) -> None:
    with pytest.raises(ValueError, match=member):
        errors.InvalidTransition(members={member: "published", "allowed": []})
    error = errors.InvalidTransition(members={"allowed": []})
    before = build_document(error, "r1")
    error.members = {member: "published", "allowed": []}  # past the check
    after = build_document(error, "r1")
    assert {name: after[name] for name in before} == before


def test_first_of_several_errors_names_the_document() -> None:
    several = InvalidInput(FieldError("invalid_value", "One.", "a"), FieldError("unknown_field", "Two.", pointer="/b"))
    shown = build_document(several, None)
    assert is_valid(shown)
    assert (shown["code"], shown["status"], shown["title"]) == ("invalid_value", 422, "Invalid value")


def test_description_and_page_have_the_same_codes(settings: Settings) -> None:
    app = main.create_app(settings)
    shown = openapi.build_document(app, description="", tags=main.TAGS, bodies=main.BODIES)
    assert shown["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(CODES)
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| \*\*(.+?)\.\*\*", page, flags=re.MULTILINE)
    assert [(int(status), code, title) for status, code, title in rows] == [
        (row.status, code, row.title) for code, row in CODES.items()
    ]
    named: set[str] = set()
    for operation in [one for path in shown["paths"].values() for one in path.values()]:
        for status, response in operation["responses"].items():
            examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
            named |= examples.keys()
            for code, example in examples.items():
                assert (str(CODES[code].status), is_valid(example["value"])) == (status, True), (code, example)
    assert CODES.keys() - named <= OF_NO_OPERATION
    asyncio.run(app.state.archive.db.close())


# Wherever it is raised.


def problem(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a response that is a valid problem document."""
    assert response.headers["content-type"] == MEDIA_TYPE, (response.status_code, response.text)
    shown = response.json()
    assert is_valid(shown), shown
    assert shown["status"] == response.status_code
    return response.status_code, shown["code"]


PATHS = (
    "/", "/docs", "/openapi.json", "/problems", "/problems/gone", "/metrics", "/health/live", "/v1/articles",
    "/v1/articles/1", "/v1/export", "/v1/changes/stream", "/v1/imports", "/v1/regions/tree", "/v1/tags/a",
)  # fmt: skip


@pytest.mark.anyio
async def test_options_are_problem_documents_on_every_path(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as served:
        for path in PATHS:
            response = await served.public.options(path)
            assert problem(response) == (405, "method_not_allowed"), path
            assert set(response.headers["allow"].split(", ")) & {"GET", "POST"}, path
        for path in ("/nothing", "/v2", "/v1/articles/1/nothing", "/%00"):
            assert problem(await served.public.options(path)) == (404, "not_found"), path


@pytest.mark.anyio
async def test_path_that_is_written_out_has_its_methods_and_no_others(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as served:
        any_version = {"If-Match": "*"}
        for method, path, allow in (
            ("GET", "/v1/articles/bulk", "POST"),
            ("HEAD", "/v1/articles/bulk", "POST"),
            ("DELETE", "/v1/articles/bulk", "POST"),
            ("PATCH", "/v1/articles/bulk", "POST"),
            ("PATCH", "/v1/regions/tree", "GET, HEAD"),
        ):
            payload = {"name": "x"} if "tree" in path else {"title": "x"}
            content = {"json": payload} if method == "PATCH" else {}
            response = await served.editor.request(method, path, headers=any_version, **content)  # type: ignore[arg-type]
            assert (response.status_code, response.headers.get("allow")) == (405, allow), (method, path)
            assert response.headers["cache-control"] == "no-store"
            if method != "HEAD":
                assert problem(response) == (405, "method_not_allowed")
        assert problem(await served.public.get("/v1/articles/bulky")) == (404, "not_found")
        assert problem(await served.public.get("/v1/articles/bulk/related")) == (404, "not_found")
        draft = await served.editor.post("/v1/articles", json={"title": "Bulk"})
        assert draft.json()["slug"] == "bulk"
        assert problem(await served.public.get("/v1/articles/bulk")) == (405, "method_not_allowed")
        assert (await served.editor.get("/v1/articles/bulk")).json()["title"] == "Bulk"


@pytest.mark.anyio
async def test_preflight_that_is_refused_says_why_and_one_that_is_not_is_short(sqlite_settings: Settings) -> None:
    origin = "https://news.example"
    allowed = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    refused: dict[str, dict[str, str]] = {
        "origin": {"Origin": "https://other.example"},
        "method": {"Access-Control-Request-Method": "TRACE"},
        "private-network": {"Access-Control-Request-Private-Network": "true"},
    }
    async with serve(sqlite_settings.model_copy(update={"cors_origins": [origin]})) as served:
        for why, more in refused.items():
            for path in ("/v1/articles", "/nothing"):
                response = await served.public.options(path, headers=allowed | more)
                assert problem(response) == (400, "preflight_refused")
                assert response.json()["detail"].endswith(f": {why}.")
                assert response.headers["access-control-allow-methods"]
                assert "access-control-allow-origin" not in response.headers
        response = await served.public.options("/v1/articles", headers=allowed)
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, origin)


STREAMS: dict[tuple[str, str], tuple[int, str]] = {
    ("GET", "/v1/export?format=xml"): (406, "not_acceptable"),
    ("GET", "/v1/export?nonsense=1"): (422, "unknown_parameter"),
    ("GET", "/v1/export?status=draft"): (401, "unauthorized"),
    ("GET", "/v1/export?format=csv&tag=a&tag=b&published_from=2024&published_to=2023"): (422, "invalid_range"),
    ("GET", "/v1/articles?format=csv&limit=0"): (422, "invalid_value"),
    ("GET", "/v1/changes/stream?since=nonsense"): (422, "invalid_value"),
    ("GET", "/v1/changes/stream?status=draft"): (401, "unauthorized"),
    ("POST", "/v1/imports"): (401, "unauthorized"),
}


@pytest.mark.anyio
async def test_streams_that_cannot_begin_are_problem_documents(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as served:
        for (method, path), expected in STREAMS.items():
            assert problem(await served.public.request(method, path)) == expected, path
        lines = {"Content-Type": "application/x-ndjson"}
        response = await served.editor.post("/v1/imports?timezone=Nowhere", content=b"{}", headers=lines)
        assert problem(response)[0] == 422


@pytest.mark.anyio
@pytest.mark.parametrize(
    "door",
    ["/v1/articles", "/v1/search", "/v1/tags", "/v1/regions", "/v1/searches", "/feeds/articles.rss", "/v1/audit"],
)
async def test_cursor_of_no_page_or_of_another_list_is_named_among_the_errors(shared_api: Served, door: str) -> None:
    head = (await shared_api.public.get("/v1/articles")).headers["x-seq"]
    await shared_api.public.get("/v1/search", params={"min_seq": head})  # there is an index from now on
    alien = paging.encode(paging.Cursor("after", 1, 1), "another list")
    for cursor, code in (("abc", "cursor_invalid"), (alien, "cursor_mismatch")):
        response = await shared_api.editor.get(f"{door}?cursor={cursor}")
        shown = response.json()
        [error] = shown["errors"]
        assert (response.status_code, error["parameter"], error["code"]) == (400, "cursor", code)
        assert error["detail"] == shown["detail"]


@pytest.mark.anyio
async def test_format_that_is_none_is_named_among_the_errors(shared_api: Served) -> None:
    for door in ("/v1/articles", "/v1/articles/1", "/v1/search", "/v1/tags", "/v1/timeline", "/v1/export"):
        response = await shared_api.public.get(f"{door}?format=jsn")
        [error] = response.json()["errors"]
        assert (response.status_code, error["parameter"], error["code"]) == (406, "format", "not_acceptable"), door
        assert error["allowed"] == response.json()["allowed"]
        assert error["did_you_mean"] in error["allowed"]
    by_header = await shared_api.public.get("/v1/articles/1", headers={"Accept": "image/png"})
    assert (by_header.status_code, "errors" in by_header.json()) == (406, False)


def make_streaming_app(failing: BaseException, after: int) -> FastAPI:
    """An application whose stream fails after so many pieces."""
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})
    problems.install(app)

    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(after):
            yield b"piece"
        raise failing

    @app.get("/")
    async def stream(request: Request) -> Response:
        return Streamed(pieces(), {}, "text/plain")

    app.add_middleware(ErrorsAndTiming, tally=RequestTally(), cors=Cors(["*"]))
    return app


def fetch(app: FastAPI) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/")

    return asyncio.run(send())


def test_what_fails_before_the_first_piece_of_a_stream_is_a_problem_document(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    assert problem(fetch(make_streaming_app(errors.DatabaseUnavailable(), 0))) == (503, "database_unavailable")
    assert problem(fetch(make_streaming_app(RuntimeError("a secret"), 0))) == (500, "internal_error")
    with pytest.raises(RuntimeError):
        fetch(make_streaming_app(RuntimeError("a secret"), 1))


def test_a_stream_of_nothing_is_empty() -> None:
    async def wait_forever() -> AsyncGenerator[bytes]:
        if asyncio.get_running_loop().is_closed():
            yield b"never"

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Streamed(wait_forever(), {}, "text/plain")({"type": "http"}, lambda: None, send))  # type: ignore[arg-type,return-value]
    assert [message.get("body", b"start") for message in sent] == [b"start", b""]
