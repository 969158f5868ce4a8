"""Tags that occur together: which, in which order, and of which articles they are counted."""

from math import log

import pytest
from conftest import ENGINES, Served
from hypothesis import given
from hypothesis import strategies as st

from app.tags.cooccurrence import LEAST, find_related

ON = ENGINES


async def _fill(api: Served) -> None:
    for number in range(4):
        await api.post(title=f"Grain {number}", tags=["Grain", "Ports", "News"])
    for number in range(2):
        await api.post(title=f"Rail {number}", tags=["Rail", "News", {"name": "Timetable", "kind": "event"}])
    await api.post(title="Grain by rail", tags=["Grain", "Rail", "News"])


@pytest.mark.anyio
async def test_tags_beside_a_tag_more_often_than_by_chance_are_listed(api: Served) -> None:
    await _fill(api)
    response = await api.public.get("/v1/tags/grain/related")
    rows = response.json()["data"]
    # News is on every article, and Rail on one of grain: neither says anything.
    assert [(row["slug"], row["together"], row["article_count"]) for row in rows] == [("ports", 4, 4)]
    assert rows[0]["expected"] == round(5 * 4 / 7, 2)
    assert rows[0]["score"] == pytest.approx(2 * (4 * log(4 * 7 / 20) + log(7 / 15) + 2 * log(7 * 2 / 6)), abs=1e-3)
    again = await api.public.get("/v1/tags/grain/related", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304
    events = await api.public.get("/v1/tags/rail/related?kind=event&limit=1")
    assert [row["slug"] for row in events.json()["data"]] == ["timetable"]
    assert (await api.public.get("/v1/tags/rail/related?kind=person")).json() == {"data": []}


@pytest.mark.anyio
async def test_hidden_articles_are_not_counted_and_their_tags_are_unknown(api: Served) -> None:
    await _fill(api)
    for number in range(3):
        await api.post(title=f"Draft {number}", tags=["Grain", "Embargo"], status="draft")
    seen = (await api.public.get("/v1/tags/grain/related")).json()
    assert [row["slug"] for row in seen["data"]] == ["ports"]
    assert (await api.editor.get("/v1/tags/grain/related")).json() == seen
    assert (await api.public.get("/v1/tags/embargo/related")).status_code == 404
    assert (await api.editor.get("/v1/tags/embargo/related")).json() == {"data": []}


@pytest.mark.anyio
async def test_merged_tags_lead_on_and_wrong_parameters_are_named(api: Served) -> None:
    await _fill(api)
    await api.editor.post("/v1/tags", json={"name": "Cereals"})
    assert (await api.editor.post("/v1/tags/cereals/merge", json={"into": "grain"})).status_code == 200
    moved = await api.public.get("/v1/tags/cereals/related?limit=3", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, "/v1/tags/grain/related?limit=3")
    for query, code in (
        ("limit=51", "limit_too_large"),
        ("limit=0", "invalid_value"),
        ("kind=colour", "invalid_value"),
    ):
        refused = await api.public.get(f"/v1/tags/grain/related?{query}")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code)
    assert (await api.public.get("/v1/tags/nothing/related")).json()["code"] == "not_found"
    assert (await api.public.get("/v1/tags/%F0%9F%9A%80/related")).json()["code"] == "not_found"


@given(st.lists(st.sets(st.integers(1, 6), max_size=6), max_size=30), st.integers(1, 6))
def test_only_what_is_more_frequent_beside_the_tag_is_related(articles: list[set[int]], tag: int) -> None:
    counts = {other: sum(other in one for one in articles) for other in range(1, 7)}
    own = [one for one in articles if tag in one]
    together = {other: sum(other in one for one in own) for other in range(1, 7)}
    related = find_related(tag, together, counts, len(articles))
    assert {one.id for one in related} == {
        other
        for other in range(1, 7)
        if other != tag and together[other] >= LEAST and together[other] * len(articles) > len(own) * counts[other]
    }
    assert all(one.score > 0 for one in related)
