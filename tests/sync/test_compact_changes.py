"""A copy by compact changes: what the list has, every article once, wherever it was cut off."""

import random
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from conftest import ENGINES, Served
from support.stories import NOW, story, write

from app.articles import service

pytestmark = pytest.mark.anyio
ON = ENGINES

Json = dict[str, Any]
FIELDS = "title,version,tags.slug,body"
FILTERS: tuple[dict[str, str], ...] = ({}, {"tag": "a", "tag_not": "b"}, {"region": "europe"}, {"status": "draft"})


async def read_page(client: httpx.AsyncClient, since: str, limit: int, query: dict[str, str]) -> Json:
    asked = query | {"since": since, "limit": str(limit), "compact": "true", "include": "article", "fields": FIELDS}
    response = await client.get("/v1/changes", params=asked)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


def take_in(copy: dict[int, Json], page: Json) -> list[int]:
    """The articles that came."""
    changes = [change for change in page["data"] if change["article"] is not None]
    for change in changes:
        copy.pop(change["article"]["id"], None)
        if change["card"] is not None:
            copy[change["card"]["id"]] = change["card"]
    return [change["card"]["id"] for change in changes if change["card"] is not None]


async def write_at_random(api: Served, chance: random.Random, count: int) -> None:
    for _ in range(count):
        [saved] = await write(
            api.db,
            story(
                api.db,
                chance.randint(1, 9),
                title=f"Told as {chance.random()}",
                tags=chance.sample("abc", chance.randint(0, 3)),
                places=chance.sample(["belgium", "kenya"], chance.randint(0, 1)),
                status=chance.choice(["published", "published", "draft", "withdrawn"]),
            ),
        )
        if chance.random() < 0.2:
            await api.db.write(service.withdraw, [saved.id], now=NOW)


async def list_articles(client: httpx.AsyncClient, query: dict[str, str]) -> dict[int, Json]:
    asked = query | {"limit": "100", "fields": FIELDS, "include": "body"}
    return {one["id"]: one for one in (await client.get("/v1/articles", params=asked)).json()["data"]}


@pytest.mark.parametrize("seed", [1, 2])
async def test_compact_copy_is_the_list_with_each_article_once(api: Served, seed: int) -> None:
    chance = random.Random(seed)
    await write_at_random(api, chance, 40)
    for query in FILTERS:
        copy: dict[int, Json] = {}
        came, place, more = list[int](), "0", True
        while more:
            page = await read_page(api.editor, place, chance.randint(1, 4), query)
            if chance.random() < 0.3:
                continue  # it was cut off before it was saved
            came += take_in(copy, page)
            place, more = page["next"], page["has_more"]
        assert copy == await list_articles(api.editor, query), query
        assert sorted(came) == sorted(copy), query


@pytest.mark.parametrize("seed", [4, 5])
async def test_compact_copy_is_right_whatever_happens_meanwhile(api: Served, seed: int) -> None:
    chance = random.Random(seed)
    await write_at_random(api, chance, 15)
    copies: list[dict[int, Json]] = [{} for _ in FILTERS]
    places = ["0"] * len(FILTERS)
    for round in range(12):
        for i, query in enumerate(FILTERS):
            last = round == 11
            page = await read_page(api.editor, places[i], 1000 if last else chance.randint(1, 3), query)
            take_in(copies[i], page)
            places[i] = page["next"]
            assert not (last and page["has_more"])
        await write_at_random(api, chance, 3 if round < 10 else 0)
    for copy, query in zip(copies, FILTERS, strict=True):
        assert copy == await list_articles(api.editor, query), query


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7])
@pytest.mark.long_on("postgresql")
async def test_compact_copy_follows_what_enters_and_leaves_a_region(api: Served, seed: int) -> None:
    chance = random.Random(seed)
    made = await api.editor.post("/v1/regions", json={"name": "Both", "level": "grouping", "members": ["belgium"]})
    assert made.status_code == 201, made.text
    asked = ("", "region=both", "region_not=both", "region=europe,both", "status=draft,published")
    filters = [dict(parse_qsl(query)) for query in asked]
    copies: list[dict[int, Json]] = [{} for _ in filters]
    places = ["0"] * len(filters)
    for round in range(10):
        await write_at_random(api, chance, 4)
        members = chance.choice([["belgium"], ["kenya"], ["belgium", "kenya"], ["peru"]])
        moved = await api.editor.patch("/v1/regions/both", json={"members": members})
        assert moved.status_code == 200, moved.text
        for i, query in enumerate(filters):
            more = True
            while more and (round == 9 or chance.random() < 0.5):
                page = await read_page(api.editor, places[i], chance.randint(1, 4), query)
                take_in(copies[i], page)
                places[i], more = page["next"], page["has_more"]
    for copy, query in zip(copies, filters, strict=True):
        whole: dict[int, Json] = {}
        take_in(whole, await read_page(api.editor, "0", 1000, query))
        assert copy == whole == await list_articles(api.editor, query), query


async def test_article_that_left_before_its_latest_change_is_told_as_gone(api: Served) -> None:
    [one] = await write(api.db, story(api.db, 1, tags=["a"]))
    place = (await read_page(api.public, "0", 10, {"tag": "a"}))["next"]
    await write(api.db, story(api.db, 1, tags=["b"]))
    await write(api.db, story(api.db, 1, tags=["b"], title="Changed once more"))
    page = await read_page(api.public, place, 10, {"tag": "a"})
    assert [(c["event"], c["article"]["id"], c["card"]) for c in page["data"]] == [("left_filter", one.id, None)]


async def test_latest_change_of_the_public_is_the_latest_that_it_may_see(api: Served) -> None:
    one, _ = await write(api.db, story(api.db, 1), story(api.db, 2))
    await api.db.write(service.withdraw, [one.id], now=NOW)
    response = await api.editor.patch(f"/v1/articles/{one.id}", json={"title": "Hush"}, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text
    page = await read_page(api.public, "0", 10, {})
    assert [(c["event"], c["card"] is None) for c in page["data"]] == [("published", False), ("withdrawn", True)]
