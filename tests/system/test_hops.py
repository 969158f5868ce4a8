"""A request is a few functions away from SQL: whoever looks for what it does finds it. What counts as a hop stands in
`hops`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from conftest import Served, serve
from hops import HopTracer

from app.settings import Settings

pytestmark = pytest.mark.anyio

MOST_OF_READS = 3
MOST_OF_SEARCHES = 4
MOST_OF_WRITES = 6
STORY: dict[str, object] = {
    "title": "A harbour is dredged",
    "body": "<p>Ships wait.</p>",
    "status": "published",
    "tags": ["Harbours"],
    "regions": ["belgium"],
}


@dataclass(frozen=True)
class Traced:
    """An application that runs, all of whose threads are traced."""

    api: Served
    tracer: HopTracer

    async def send(self, method: str, path: str, most: int, **options: object) -> httpx.Response:
        """The response to an editor's request, which may have so many hops."""
        with self.tracer.watch(self.api.app):
            response = await self.api.editor.request(method, path, **options)  # type: ignore[arg-type] # httpx's own
        assert response.is_success, response.text
        assert self.tracer.statements, "nothing was traced"
        assert self.tracer.hops <= most, f"{method} {path}: {self.tracer.describe()}"
        return response


@pytest.fixture
async def traced_api(sqlite_settings: Settings) -> AsyncIterator[Traced]:
    with HopTracer() as tracer:
        async with serve(sqlite_settings) as api:
            # Opens the connections, which is no request's matter.
            made = await api.post(**STORY)
            await api.public.get(f"/v1/articles/{made['id']}")
            yield Traced(api, tracer)


async def test_a_new_article_with_new_tags_and_a_key_is_six_hops_from_sql(traced_api: Traced) -> None:
    story = STORY | {"title": "A lock is built", "tags": ["Locks", {"name": "Lock Trust", "kind": "organisation"}]}
    await traced_api.send("POST", "/v1/articles", MOST_OF_WRITES, json=story)
    keyed = story | {"title": "Another lock is built", "tags": ["Gates"], "authors": ["Ann Ferry"]}
    headers = {"Idempotency-Key": "a-lock"}
    made = await traced_api.send("POST", "/v1/articles", MOST_OF_WRITES, json=keyed, headers=headers)
    assert made.headers["location"].endswith("another-lock-is-built")


async def test_an_edit_is_six_hops_from_sql(traced_api: Traced) -> None:
    made = await traced_api.api.editor.post("/v1/articles", json=STORY | {"title": "A pier is mended"})
    path = f"/v1/articles/{made.json()['id']}"
    changes = {"title": "A pier is built anew", "slug": "a-new-pier", "tags": ["Piers"], "regions": ["estonia"]}
    edited = await traced_api.send(
        "PATCH", path, MOST_OF_WRITES, json=changes, headers={"If-Match": made.headers["etag"]}
    )
    assert edited.json()["slug"] == "a-new-pier"
    anyhow = {"If-Match": "*"}
    await traced_api.send("PATCH", path, MOST_OF_WRITES, json={"title": "A pier"}, headers=anyhow)
    related = {"related": [{"title": "A harbour is dredged"}, {"title": "Nobody has written this"}]}
    await traced_api.send("PATCH", path, MOST_OF_WRITES, json=related, headers=anyhow)
    await traced_api.send(
        "PUT", path, MOST_OF_WRITES, json={"title": "A pier", "body": "<p>It stands.</p>"}, headers=anyhow
    )


async def test_states_and_versions_are_six_hops_from_sql(traced_api: Traced) -> None:
    made = await traced_api.api.editor.post("/v1/articles", json=STORY | {"title": "A quay is closed"})
    path, anyhow = f"/v1/articles/{made.json()['id']}", {"If-Match": "*"}
    await traced_api.send("PATCH", path, MOST_OF_WRITES, json={"title": "A quay is opened"}, headers=anyhow)
    await traced_api.send("POST", f"{path}/revisions/1/restore", MOST_OF_WRITES, headers=anyhow)
    await traced_api.send("DELETE", path, MOST_OF_WRITES, headers=anyhow)
    await traced_api.send("PATCH", path, MOST_OF_WRITES, json={"status": "draft"}, headers=anyhow)
    await traced_api.send("DELETE", path, MOST_OF_WRITES, headers=anyhow)
    await traced_api.send("POST", f"{path}/restore", MOST_OF_WRITES)


async def test_reads_are_three_or_four_hops_from_sql(traced_api: Traced) -> None:
    """Of a server that has served others: what fills its memory once is read further down."""
    api = traced_api.api
    await api.public.get("/v1/search?q=ships")
    made = await api.post(**STORY | {"title": "A dock is flooded", "related": [{"title": "A harbour is dredged"}]})
    path = f"/v1/articles/{made['id']}"
    item = await traced_api.send("GET", path, MOST_OF_READS)
    assert item.json()["related"][0]["article"] is not None
    await traced_api.send("GET", f"{path}?names_in=fr", MOST_OF_READS)
    await api.post(**STORY | {"title": "A dock is dry"})
    listed = await traced_api.send("GET", "/v1/articles?tag=harbours&region=belgium", MOST_OF_READS)
    assert len(listed.json()["data"]) == 3
    await traced_api.send("GET", "/v1/articles?tag=harbours&sort=title&fields=title,body&names_in=fr", MOST_OF_READS)
    await traced_api.send("GET", "/v1/articles?tag=harbors&source=Nobody&slug=a-dock-is-dry&page=1", MOST_OF_READS)
    hits = await traced_api.send(
        "GET", "/v1/search?q=dock+ships&tag=harbours&highlight=body&facets=tag", MOST_OF_SEARCHES
    )
    assert hits.json()["query"]["q"] == "dock ships"
