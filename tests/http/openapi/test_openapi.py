"""The generated description of the API and the page that shows it."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from app.errors import CODES
from app.http import openapi
from app.http.docs import docs_page
from app.http.params import parser
from app.http.params.typed import Params


class OpenapiListParams(Params):
    """Of an imagined list."""

    tag = parser.refs("tag", "Any of these tags.", "nato")
    limit = parser.limit()


def make_app() -> FastAPI:
    app = FastAPI(
        title="Dateline",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.name_operation,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )

    @app.get(
        "/things",
        openapi_extra={"parameters": OpenapiListParams.openapi()},
        responses=openapi.describe_problems("limit_too_large", "gone"),
    )
    async def list_things() -> Response:
        return Response()

    @app.get("/things/{ref}", responses=openapi.describe_problems("not_found", "gone", "index_behind"))
    async def get_thing(ref: str) -> Response:
        return Response(ref)

    openapi.install(app, description="News.", tags=[{"name": "things", "description": "All."}])
    return app


def get(app: FastAPI, path: str) -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get(path)

    return asyncio.run(send())


def test_description_lists_parameters_problems_and_stable_ids() -> None:
    shown = get(make_app(), "/openapi.json").json()
    assert shown["openapi"].startswith("3.1")
    operation = shown["paths"]["/things"]["get"]
    assert operation["operationId"] == "list_things"
    assert [item["name"] for item in operation["parameters"]] == ["tag", "limit"]
    assert set(operation["responses"]) == {
        "200", "400", "401", "408", "410", "422", "429", "431", "500", "503",
    }  # fmt: skip
    examples = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
    assert set(examples) == {"limit_too_large", "unknown_parameter", "duplicate_parameter", "invalid_value"}


def test_description_merges_codes_of_one_status() -> None:
    responses = get(make_app(), "/openapi.json").json()["paths"]["/things/{ref}"]["get"]["responses"]
    examples = responses["503"]["content"]["application/problem+json"]["examples"]
    assert set(examples) == {"index_behind", "overloaded", "database_unavailable"}


def test_description_has_one_schema_of_problems_and_none_of_the_framework() -> None:
    schemas = get(make_app(), "/openapi.json").json()["components"]["schemas"]
    assert schemas["Problem"]["properties"]["code"]["enum"] == list(CODES)
    assert "HTTPValidationError" not in schemas


def test_description_may_be_cached_and_revalidated() -> None:
    response = get(make_app(), "/openapi.json")
    assert response.headers["etag"]
    assert response.headers["cache-control"].startswith("public")


def test_undeclared_code_is_a_mistake_in_the_code() -> None:
    with pytest.raises(KeyError):
        openapi.describe_problems("no_such_code")


def test_docs_page_asks_nothing_of_other_hosts() -> None:
    app = make_app()
    docs_page.install(app)
    page = get(app, "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!--", "")
    requested = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert len(requested) == 3
    for name in requested:
        assert len(get(app, f"/{name}").content) > 100
