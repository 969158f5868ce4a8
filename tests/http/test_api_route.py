"""The class of ordinary routes: what a signature says is what is checked, in its order, and what OpenAPI says."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

import httpx
import pytest
from conftest import Served, serve
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.security import SecurityScopes
from pydantic import BeforeValidator
from starlette.requests import Request

from app.errors import MissingScope, NotFound, Unauthorized
from app.http import auth, openapi, problems
from app.http.api_route import ApiRoute, describe_path, read_row_id
from app.http.auth import KEY_SCHEME
from app.http.body import PATCH_TYPES, JsonBody, PayloadModel
from app.http.params import parser
from app.http.params.typed import Params
from app.settings import Settings

THING = {"name": "id", "in": "path", "description": "Which.", "schema": {"type": "integer"}, "example": 7}
ThingId = Annotated[int, BeforeValidator(read_row_id), describe_path(THING)]


class ThingCreate(PayloadModel):
    """A thing."""

    name: str


class ThingPatch(PayloadModel):
    """A change of one."""

    media_types = PATCH_TYPES
    name: str | None = None


class ThingParams(Params):
    """Of things."""

    since = parser.time("since", "Only what is newer.")


async def check_key(request: Request, scopes: SecurityScopes, scheme: Annotated[object, Depends(KEY_SCHEME)]) -> str:
    key = request.headers.get("x-key", "")
    if not key:
        raise Unauthorized()
    for scope in scopes.scopes:
        if scope not in key:
            raise MissingScope(scope)
    return key


Writer = Annotated[str, Security(check_key, scopes=["write"])]
router = APIRouter(route_class=ApiRoute)


@router.post("/things", name="create_thing")
async def create_thing(key: Writer, params: ThingParams, payload: ThingCreate) -> dict[str, object]:
    """Makes one."""
    return {"name": payload.name, "since": params.since is not None, "key": key}


async def find_thing(id: ThingId) -> int:
    if id > 10:
        raise NotFound()
    return id


@router.patch("/things/{id}", name="update_thing")
async def update_thing(
    key: Writer, thing: Annotated[int, Depends(find_thing)], payload: JsonBody[ThingPatch]
) -> dict[str, object]:
    """Changes one."""
    return {"name": payload.validate({"id": thing}).name}


@router.get("/things", name="list_things")
async def list_things() -> list[str]:
    """All."""
    return []


def make_app() -> FastAPI:
    app = FastAPI(
        openapi_url=None,
        generate_unique_id_function=openapi.name_operation,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    problems.install(app)
    app.include_router(router, prefix="/v1")
    return app


def send(method: str, path: str, content: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Status, and the JSON or the code of the problem."""

    async def request() -> tuple[int, Any]:
        transport = httpx.ASGITransport(make_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            response = await client.request(method, f"/v1{path}", content=content, headers=named)
            payload = response.json()
            return response.status_code, payload if response.is_success else payload["code"]

    return asyncio.run(request())


def test_checks_come_in_the_order_of_the_signature() -> None:
    wrong = {"content_type": "text/plain"}
    assert send("POST", "/things?x=1", b"{", **wrong) == (401, "unauthorized")
    assert send("POST", "/things?x=1", b"{", x_key="read", **wrong) == (403, "missing_scope")
    assert send("POST", "/things?x=1", b"{", x_key="write", **wrong) == (422, "unknown_parameter")
    assert send("POST", "/things?since=now", b"{", x_key="write", **wrong) == (415, "unsupported_media_type")
    assert send("POST", "/things?since=now", b"{", x_key="write") == (400, "malformed_json")
    assert send("POST", "/things?since=now", b'{"nam": "a"}', x_key="write") == (422, "invalid_value")
    made = {"name": "a", "since": True, "key": "write"}
    assert send("POST", "/things?since=now", b'{"name": "a"}', x_key="write") == (200, made)


def test_thing_is_looked_for_before_its_change_is_read() -> None:
    assert send("PATCH", "/things/11", b"{", x_key="read") == (403, "missing_scope")
    assert send("PATCH", "/things/11?x=1", b"{", x_key="write") == (422, "unknown_parameter")
    assert send("PATCH", "/things/11", b"{", x_key="write") == (404, "not_found")
    assert send("PATCH", "/things/7", b"{", x_key="write", content_type="text/plain") == (415, "unsupported_media_type")
    assert send("PATCH", "/things/7", b"{", x_key="write") == (400, "malformed_json")
    assert send("PATCH", "/things/7", b'{"id": 8}', x_key="write") == (422, "read_only_field")
    patch = {"x_key": "write", "content_type": "application/merge-patch+json; charset=utf-8"}
    assert send("PATCH", "/things/7", b'{"id": 7, "name": "b"}', **patch) == (200, {"name": "b"})


def test_route_without_parameters_takes_none() -> None:
    assert send("GET", "/things") == (200, [])
    assert send("GET", "/things?utm_source=x") == (200, [])
    assert send("GET", "/things?limit=1") == (422, "unknown_parameter")


@pytest.mark.parametrize("text", ["x", "-1", "1.0", "١", "9" * 19, "%20", "1e3"])
def test_number_of_no_row_is_not_found(text: str) -> None:
    assert send("PATCH", f"/things/{text}", b"{}", x_key="write") == (404, "not_found")


def test_openapi_follows_from_the_signature() -> None:
    document = openapi.build_document(make_app(), description="Things.")
    create, update = document["paths"]["/v1/things"]["post"], document["paths"]["/v1/things/{id}"]["patch"]
    assert create["security"] == update["security"] == [{"key": ["write"]}]
    assert document["paths"]["/v1/things"]["get"]["security"] == [{}, {"key": []}]
    assert [one["name"] for one in create["parameters"]] == ["since"]
    assert create["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ThingCreate"}}},
    }
    assert list(update["requestBody"]["content"]) == list(PATCH_TYPES)
    [path] = update["parameters"]
    assert (path["name"], path["in"], path["required"], path["description"]) == ("id", "path", True, "Which.")
    assert path["schema"]["type"] == "integer"
    assert path["schema"]["examples"] == [7]
    assert {"ThingCreate", "ThingPatch"} <= document["components"]["schemas"].keys()
    assert {"401", "403", "415", "422"} <= create["responses"].keys()
    assert "403" not in document["paths"]["/v1/things"]["get"]["responses"]


def test_private_archive_has_no_operation_without_a_key() -> None:
    document = openapi.build_document(make_app(), description="Things.", public_reads=False)
    assert document["paths"]["/v1/things"]["get"]["security"] == [{"key": []}]


SCOPES: dict[str, list[list[str]]] = {
    "create_article": [["write"]], "update_article": [["write"]], "replace_article": [["write"]],
    "delete_article": [["write"], ["admin"]], "restore_article": [["write"]], "replace_related": [["write"]],
    "list_revisions": [["read_drafts"]], "get_revision": [["read_drafts"]], "get_revision_diff": [["read_drafts"]],
    "restore_revision": [["write", "read_drafts"]], "list_suggestions": [["read_drafts"]],
    "decide_suggestion": [["write", "read_drafts"]], "preview_body": [["write"]],
    "list_audit": [["admin"]], "list_article_audit": [["read_drafts"]], "get_own_key": [[]],
    "create_search": [["write"]], "update_search": [["write"]], "delete_search": [["write"]],
    "create_tag": [["admin"]], "update_tag": [["admin"]], "merge_tags": [["admin"]],
    "create_region": [["admin"]], "update_region": [["admin"]], "get_job": [["admin"]], "stop_job": [["admin"]],
    "edit_articles": [["write"]], "list_imports": [["publish", "read_drafts"]],
    "list_import_articles": [["publish", "read_drafts"]], "undo_import": [["admin"]],
    "import_articles": [["publish"]], "get_import": [["publish"]],
    "create_webhook": [["admin"]], "list_webhooks": [["admin"]], "get_webhook": [["admin"]],
    "update_webhook": [["admin"]], "delete_webhook": [["admin"]], "rotate_webhook_secret": [["admin"]],
    "test_webhook": [["admin"]], "replay_webhook": [["admin"]], "list_webhook_attempts": [["admin"]],
}  # fmt: skip
"""Of all operations that need a key, in each way in which a key may do."""


@pytest.mark.anyio
async def test_every_operation_asks_for_the_scopes_that_it_declares(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        document = (await api.public.get("/openapi.json")).json()
        operations = [
            (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        declared = {one["operationId"]: one["security"] for _, _, one in operations if {} not in one["security"]}
        declared = {name: [way["key"] for way in ways] for name, ways in declared.items() if ways}
        assert declared == SCOPES
        for method, path, operation in operations:
            await check_scopes(api, method, re.sub(r"{\w+}", "1", path), operation)


async def check_scopes(api: Served, method: str, path: str, operation: dict[str, Any]) -> None:
    """Nobody gets further than the declaration says, whatever is wrong with what is sent."""
    garbage: dict[str, Any] = {"content": b"{", "headers": {"Content-Type": "text/nothing"}} if method != "get" else {}
    name = operation["operationId"]
    if name not in SCOPES:
        if "stream" not in path:
            assert (await api.public.request(method, path)).status_code != 401, name
        return
    public = await api.public.request(method, path, **garbage)
    assert (public.status_code, public.json()["code"]) == (401, "unauthorized"), name
    for scopes in SCOPES[name]:
        for scope in scopes:
            key = await api.key(*(other for other in auth.SCOPES if other != scope))
            query = "?purge=true" if name == "delete_article" and scope == "admin" else ""
            refused = await api.public.request(method, path + query, **{**garbage, "headers": key})
            assert (refused.status_code, refused.json().get("scope")) == (403, scope), name
