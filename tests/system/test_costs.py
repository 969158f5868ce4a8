"""The small form of the search for expensive requests: a few hundred against a small archive, and one that is planted.

What reads cost on 20,000 articles the long form says, in `make torture`.
"""

import random
import time
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from conftest import Served, serve
from fastapi import FastAPI
from support.costly import STREAMS, UNLISTED, CostlyRequest, Json, Material, Measured, Search, Shapes, collect_material
from support.stories import story, write

from app.http.middleware.load_shedding import is_long_lived
from app.http.middleware.rate_limit import EXEMPT
from app.settings import Settings

pytestmark = pytest.mark.anyio

MOST = 0.25
REQUESTS = 150


class CostMeter:
    """Asks an application in this process and looks what that cost it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.statuses: set[int] = set()

    async def get(self, path: str, coding: str) -> tuple[int, Mapping[str, str], Json]:
        response = await self.client.get(path, headers={"Accept-Encoding": coding})
        return response.status_code, response.headers, response.json()

    async def spend(self, request: CostlyRequest) -> Measured:
        """The less of two: what else this process does may come between."""
        return min([await self._spend(request) for _ in range(2)], key=lambda one: one.cpu)

    async def _spend(self, request: CostlyRequest) -> Measured:
        before = time.process_time()
        response = await self.client.get(request.url, headers={"Accept-Encoding": request.coding})
        self.statuses.add(response.status_code)
        return Measured(time.process_time() - before, request, response.status_code, len(response.content))


@pytest.fixture
async def plain(sqlite_settings: Settings) -> AsyncIterator[Served]:
    """A server that keeps no responses, with sixty articles."""
    async with serve(sqlite_settings.model_copy(update={"cache_mb": 0})) as served:
        await write(served.db, *(story(served.db, number, tags=[f"tag {number % 7}"]) for number in range(1, 61)))
        last = await served.post(title="The last of them", body="<p>Words of the last one.</p>")
        assert last
        yield served


@pytest.mark.slow
async def test_no_request_that_chance_makes_costs_much(plain: Served) -> None:
    clock = CostMeter(plain.public)
    material = await collect_material(clock.get)
    document = (await clock.get("/openapi.json", "identity"))[2]
    shapes = Shapes(document, material, random.Random(17))
    search = Search(shapes, clock.spend)
    await search.run(REQUESTS)
    assert search.asked == REQUESTS
    assert {one.request.path for one in search.worst} == set(shapes.paths)  # each address had its turn
    assert {200, 422} <= clock.statuses  # what is in order, and what is refused
    assert not any(status >= 500 for status in clock.statuses)
    assert [one for one in search.worst if one.cpu > MOST] == []


async def test_every_get_of_the_description_is_searched_or_a_stream(plain: Served) -> None:
    document = (await plain.public.get("/openapi.json")).json()
    every = {path for path, operations in document["paths"].items() if "get" in operations}
    shapes = Shapes(document, Material({"id": ["1"]}, ["word"]), random.Random(1))
    assert set(shapes.paths) == (every - STREAMS) | set(UNLISTED)
    assert every >= STREAMS
    for path in STREAMS:  # and what is declared one here is counted as one there
        assert is_long_lived({"path": path, "query_string": b""})
        assert not EXEMPT.fullmatch(path)


def _make_costly_app() -> FastAPI:
    app = FastAPI(openapi_url="/openapi.json")

    @app.get("/planted")
    async def cost_much(size: int = 1, deep: bool = False) -> int:
        """Costs much where it is deep and large only."""
        end = time.process_time() + (0.3 if deep and size > 1_000 else 0.0)
        while time.process_time() < end:
            pass
        return size

    return app


async def test_a_costly_request_is_found() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_make_costly_app()), base_url="http://test") as client:
        clock = CostMeter(client)
        document = (await clock.get("/openapi.json", "identity"))[2]
        search = Search(Shapes(document, Material({}, ["word"]), random.Random(3)), clock.spend)
        while not [one for one in search.worst if one.cpu > MOST]:
            assert search.asked < 400
            await search.run(8)
    assert search.worst[0].request.path == "/planted"
