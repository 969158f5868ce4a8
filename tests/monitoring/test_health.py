"""Health: what a load balancer is told."""

import asyncio

import httpx
import pytest
from conftest import Served, lifespan

from app.main import create_app
from app.settings import Settings

pytestmark = pytest.mark.anyio


async def test_server_is_live_and_becomes_ready(api: Served) -> None:
    live = await api.public.get("/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert live.headers["cache-control"] == "no-store"
    await api.post(title="Something to index")
    for _ in range(100):
        ready = await api.public.get("/health/ready")
        if ready.json()["index_lag"] == 0:
            break
        await asyncio.sleep(0.02)
    assert ready.json() == {
        "status": "ok", "database": True, "index": True, "index_lag": 0, "problem": None, "read_only": None,
        "clock_problem": None, "replica": None, "replica_lag": None,
    }  # fmt: skip
    assert (await api.public.get("/health/ready?x=1")).status_code == 422


async def test_server_without_an_index_is_not_ready_but_lists(sqlite_settings: Settings) -> None:
    app = create_app(sqlite_settings, follow=False)
    async with (
        lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["index"]) == (503, False)
        listed = await client.get("/v1/articles")
        assert (listed.status_code, listed.json()["page"]["total_is"]) == (200, "none")
        assert (await client.get("/v1/search?q=x")).json()["code"] == "index_behind"
        for address in ("/v1/tags?sort=-article_count", "/v1/tags?min_articles=1", "/v1/regions?min_articles=1"):
            assert (await client.get(address)).json()["code"] == "index_behind", address
        assert (await client.get("/v1/tags")).status_code == 200
        region = (await client.get("/v1/regions/belgium?include=counts")).json()
        assert region["article_count"] is None
