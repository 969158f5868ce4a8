"""Addresses with a slash at their end lead to those without it."""

import re

import pytest
from conftest import serve

from app.settings import Settings

pytestmark = pytest.mark.anyio

NOWHERE = (
    "/v1/nothing/", "/v1/articles//", "//v1/articles/", "//elsewhere.example/", "//elsewhere.example/v1/articles/",
    "/v1/articles/a%2F", "/%2F/", "/v1/regions/a/b/",
)  # fmt: skip


async def test_every_address_with_a_slash_leads_to_the_one_without(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        paths = (await api.public.get("/openapi.json")).json()["paths"]
        for path, methods in paths.items():
            address = re.sub(r"{\w+}", "%C3%A9-1", path)
            for method in methods:
                response = await api.public.request(method, f"{address}/?limit=3&q=a%2Bb")
                assert (response.status_code, response.headers["location"]) == (308, f"{address}?limit=3&q=a%2Bb")
        assert (await api.public.get("/docs/")).headers["location"] == "/docs"
        followed = await api.public.get("/v1/articles/?limit=3", follow_redirects=True)
        assert (followed.status_code, followed.json()["page"]["limit"]) == (200, 3)


@pytest.mark.parametrize("path", NOWHERE)
async def test_address_that_there_is_not_leads_nowhere(path: str, sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        response = await api.public.get(f"http://test{path}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
