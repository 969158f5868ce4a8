"""Regions over HTTP: the list, the tree, one of them by each of its references."""

from typing import Any

import pytest
from support.newsroom import Newsroom, newsroom, slugs_of

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("ref", ["belgium", "BE", "BEL", "m49:056"])
async def test_region_is_found_by_slug_and_codes(newsroom: Newsroom, ref: str) -> None:
    shown: Any = await newsroom.get(f"/v1/regions/{ref}", include="ancestors,counts")
    assert (shown["slug"], shown["iso2"], shown["iso3"], shown["m49"]) == ("belgium", "BE", "BEL", "056")
    assert shown["parent"] == "western-europe"
    assert {"eu", "nato"} <= set(shown["groupings"])
    assert [one["slug"] for one in shown["ancestors"]] == ["world", "europe", "western-europe"]
    assert shown["article_count"] == 1
    assert "children" not in shown
    by_id = await newsroom.get(f"/v1/regions/{shown['id']}")
    assert by_id["slug"] == "belgium"


@pytest.mark.parametrize("ref", ["m49:999", "nowhere", "1" * 30, "a%00"])
async def test_reference_that_is_none_is_not_found(newsroom: Newsroom, ref: str) -> None:
    assert (await newsroom.served.public.get(f"/v1/regions/{ref}")).status_code == 404


async def test_names_come_in_the_language_asked_for(newsroom: Newsroom) -> None:
    for language, name in (("fr", "Belgique"), ("FR-be", "Belgique"), ("xx", "Belgium")):
        shown: Any = await newsroom.get("/v1/regions/belgium", names_in=language, include="ancestors")
        assert shown["name"] == name
    tree: Any = await newsroom.get("/v1/regions/tree", names_in="de", depth=1)
    assert tree["name"] == "Welt"
    assert "Afrika" in [one["name"] for one in tree["children"]]
    assert all(one["children"] == [] for one in tree["children"])


async def test_list_filters_by_name_level_parent_and_grouping(newsroom: Newsroom) -> None:
    assert slugs_of(await newsroom.get("/v1/regions", q="Belgi", level="country")) == ["belgium"]
    assert slugs_of(await newsroom.get("/v1/regions", q="BE"))[0] == "belgium"
    assert slugs_of(await newsroom.get("/v1/regions", q="!!")) == []
    below = await newsroom.get("/v1/regions", parent="europe")
    assert slugs_of(below) == ["eastern-europe", "northern-europe", "southern-europe", "western-europe"]
    baltic = await newsroom.get("/v1/regions", within="nato", level="country", limit=100)
    assert {"estonia", "turkey", "canada"} <= set(slugs_of(baltic))
    assert "austria" not in slugs_of(baltic)
    wrong = await newsroom.served.public.get("/v1/regions?within=natoo,eu")
    [error] = wrong.json()["errors"]
    assert (error["code"], error["parameter"], error["did_you_mean"]) == ("unknown_region", "within", "nato")


async def test_counts_are_of_what_is_published(newsroom: Newsroom) -> None:
    shown: Any = await newsroom.get("/v1/regions", q="europe", level="region", include="counts")
    assert [(row["slug"], row["article_count"]) for row in shown["data"]] == [("europe", 2)]


async def test_whole_list_is_paged_both_ways(newsroom: Newsroom) -> None:
    everything: Any = await newsroom.get("/v1/regions", limit=100)
    seen = slugs_of(everything)
    page = everything["page"]
    pages = [seen]
    while page["next"]:
        shown: Any = await newsroom.get("/v1/regions", limit=100, cursor=page["next"])
        page = shown["page"]
        pages.append(slugs_of(shown))
    assert sum(map(len, pages)) == len(set().union(*pages)) == everything["page"]["total"]
    back: Any = await newsroom.get("/v1/regions", limit=100, cursor=page["previous"])
    assert slugs_of(back) == pages[-2]
    numbered: Any = await newsroom.get("/v1/regions", limit=100, page=2)
    assert slugs_of(numbered) == pages[1]
    empty: Any = await newsroom.get("/v1/regions", limit=100, page=50)
    assert (empty["data"], empty["page"]["next"]) == ([], None)
    assert slugs_of(await newsroom.get("/v1/regions", limit=1, cursor=empty["page"]["previous"])) == pages[-1][-1:]
