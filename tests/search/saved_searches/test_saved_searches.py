"""Saved searches over HTTP: what they find, who may see them, and how their changes are followed."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from conftest import ENGINES, Served, serve, with_own_epoch
from sqlalchemy import select

from app.articles import service
from app.db.sql import prepare
from app.http import auth
from app.models import SearchMatch, SearchPosition, SearchQuery, table
from app.search.saved_searches import service as searches
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES

Json = dict[str, Any]
MATCH, QUERY, POSITION = table(SearchMatch), table(SearchQuery), table(SearchPosition)


@pytest.fixture
async def sqlite_api(sqlite_settings: Settings) -> AsyncIterator[Served]:
    """For what neither database does in its own way."""
    async with serve(with_own_epoch(sqlite_settings)) as running:
        yield running


async def save(api: Served, slug: str, *, expected: int = 201, **body: Any) -> Json:
    response = await api.editor.post("/v1/searches", json={"slug": slug, **body})
    assert response.status_code == expected, response.text
    saved: Json = response.json()
    return saved


async def publish(api: Served, title: str, **fields: Any) -> Json:
    response = await api.editor.post("/v1/articles", json={"title": title, "status": "published", **fields})
    assert response.status_code == 201, response.text
    await settle(api)
    article: Json = response.json()
    return article


async def settle(api: Served) -> None:
    """Until the index and the matches have everything that the public sees."""
    dialect = api.db.dialect
    asked = prepare(select(QUERY.c.id).where(QUERY.c.hash.is_not(None)).limit(1), dialect)
    reached = prepare(select(POSITION.c.public_seq), dialect)
    while True:
        head = await api.app.state.archive.head()
        index = api.app.state.archive.index.seq()
        [[matched]] = await api.db.reader.rows(reached, {})
        is_matched = not await api.db.reader.rows(asked, {}) or matched >= head.public_seq
        if index is not None and index >= head.public_seq and is_matched:
            return
        await asyncio.sleep(0.01)


async def get(client: httpx.AsyncClient, path: str, expected: int = 200, **query: Any) -> Json:
    response = await client.get(path, params=query)
    assert response.status_code == expected, response.text
    body: Json = response.json()
    return body


def list_ids(results: Mapping[str, Any]) -> list[int]:
    return [hit["article"]["id"] for hit in results["data"]]


def list_events(changes: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    return [(one["event"], one["article"] and one["article"]["id"]) for one in changes["data"]]


async def edit(api: Served, article: Json, **fields: Any) -> None:
    response = await api.editor.patch(f"/v1/articles/{article['id']}", json=fields, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text
    await settle(api)


async def test_search_finds_what_matched_before_and_is_told_what_comes_and_leaves(api: Served) -> None:
    early = await publish(api, "Grain leaves the harbour", tags=["shipping"])
    await publish(api, "Rice leaves the harbour", tags=["shipping"])
    saved = await save(api, "grain", q="grain -rice", filters={"tag": "shipping"}, name="Grain")
    assert (saved["filters"], saved["own"], saved["public"]) == ({"tag": ["shipping"]}, True, False)
    response = await api.editor.get("/v1/searches/grain")
    start = response.headers["x-seq"]
    assert list_ids(response.json()) == [early["id"]]
    assert response.json()["search"]["name"] == "Grain"
    late = await publish(api, "More grain", body="<p>Barley and oats.</p>", tags=["shipping"])
    await edit(api, early, title="Oats leave the harbour")
    changes = await get(api.editor, "/v1/changes", search="grain", since=start)
    assert list_events(changes) == [("published", late["id"]), ("left_filter", early["id"])]
    everything = await get(api.editor, "/v1/changes", search="grain", since="0", include="article")
    cards = [bool(one["card"]) for one in everything["data"]]
    assert list_events(everything) == [("published", late["id"]), ("left_filter", early["id"])]
    assert cards == [True, False]
    assert everything["next"] == changes["next"]
    assert list_ids(await get(api.editor, "/v1/searches/grain")) == [late["id"]]
    later = await get(api.editor, "/v1/changes", search="grain", since=changes["next"])
    assert (later["data"], later["next"]) == ([], changes["next"])
    await api.editor.delete(f"/v1/articles/{late['id']}", headers={"If-Match": "*"})
    await settle(api)
    gone = await get(api.editor, "/v1/changes", search="grain", since=changes["next"])
    assert list_events(gone) == [("withdrawn", late["id"])]


async def test_pages_of_changes_of_one_row_leave_nothing_out(api: Served) -> None:
    """All that matched when it was saved stands at one row of the log."""
    articles = [await publish(api, f"Tin mine {i}") for i in range(5)]
    await save(api, "tin", q="tin")
    met: list[int] = []
    since, seqs = "0", []
    for _ in range(10):
        page = await get(api.editor, "/v1/changes", search="tin", since=since, limit=2)
        met += [id for _, id in list_events(page) if id is not None]
        seqs += [one["seq"] for one in page["data"]]
        since = page["next"]
        if not page["has_more"]:
            break
    assert met == [one["id"] for one in articles]
    middle = await get(api.editor, "/v1/changes", search="tin", since=seqs[2])
    assert [id for _, id in list_events(middle)] == met[3:]
    assert all(one["article"]["slug"] and one["article"]["version"] == 1 for one in middle["data"])


async def test_private_search_is_its_owners_alone_and_survives_the_key(sqlite_api: Served) -> None:
    api = sqlite_api
    article = await publish(api, "Copper prices")
    await save(api, "copper", q="copper")
    same, other = await api.key("write"), {}
    written = await api.db.write(auth.create_key, "somebody else", ("read_drafts", "write", "publish", "admin"))
    other = {"Authorization": f"Bearer {written.value}"}
    for path in (
        "/v1/searches/copper", "/v1/changes?search=copper", "/v1/changes/stream?search=copper",
        "/feeds/searches/copper.atom",
    ):  # fmt: skip
        missing = path.replace("copper", "nothing")
        for headers in ({}, other):
            seen, unseen = [
                await api.public.get(one, headers={**headers, "X-Request-Id": "same"}) for one in (path, missing)
            ]
            assert seen.status_code == unseen.status_code == 404, path
            assert seen.content.replace(b"copper", b"") == unseen.content.replace(b"nothing", b""), path
    for method in ("PATCH", "DELETE"):
        response = await api.public.request(method, "/v1/searches/copper", headers=other, json={"name": "Mine"})
        assert response.status_code == 404
    assert (await api.public.get("/v1/searches", headers=other)).json()["data"] == []
    shown = await api.public.get("/v1/searches/copper", headers=same)
    assert list_ids(shown.json()) == [article["id"]]
    assert shown.headers["cache-control"].startswith("private")
    # The same slug is free to others, and tells nothing.
    response = await api.public.post("/v1/searches", headers=other, json={"slug": "copper", "q": "zinc"})
    assert response.status_code == 201
    assert [one["q"] for one in (await api.public.get("/v1/searches", headers=same)).json()["data"]] == ["copper"]


async def test_public_search_is_everybodys_to_read_and_has_a_feed(sqlite_api: Served) -> None:
    api = sqlite_api
    assert (await api.public.get("/v1/searches/silver")).status_code == 404
    article = await publish(api, "Silver is found", body="<p>Far below.</p>")
    await save(api, "silver", q="silver", public=True, name="Silver news")
    shown = await get(api.public, "/v1/searches/silver")
    assert (list_ids(shown), shown["search"]["own"]) == ([article["id"]], False)
    assert [one["slug"] for one in (await get(api.public, "/v1/searches"))["data"]] == ["silver"]
    feed = await api.public.get("/feeds/searches/silver.json")
    assert feed.json()["title"].endswith("Silver news")
    assert [one["title"] for one in feed.json()["items"]] == ["Silver is found"]
    for form, start in (("rss", b"<?xml"), ("atom", b"<?xml")):
        assert (await api.public.get(f"/feeds/searches/silver.{form}")).content.startswith(start)
    assert (await api.public.get("/feeds/searches/silver.atom?tag=x")).status_code == 422
    writer = await api.key("write")
    refused = await api.public.post("/v1/searches", headers=writer, json={"slug": "gold", "q": "gold", "public": True})
    assert (refused.status_code, refused.json()["scope"]) == (403, "publish")
    refused = await api.public.patch("/v1/searches/silver", headers=writer, json={"name": "Mine"})
    assert refused.status_code == 403
    assert (await api.editor.delete("/v1/searches/silver")).status_code == 204
    assert (await api.public.get("/v1/searches/silver")).status_code == 404


async def test_place_from_before_another_question_is_gone(api: Served) -> None:
    article = await publish(api, "Lead and zinc")
    await save(api, "metals", q="lead")
    start = (await api.editor.get("/v1/searches/metals")).headers["x-seq"]
    before = (await get(api.editor, "/v1/changes", since="0", limit=1))["next"]
    body = await get(api.editor, "/v1/changes", 410, search="metals", since=before)
    assert body["code"] == "filter_changed"
    changed = await api.editor.patch("/v1/searches/metals", json={"q": "zinc", "name": None})
    assert (changed.status_code, changed.json()["q"]) == (200, "zinc")
    for since in (start, (await get(api.editor, "/v1/changes", since="now"))["next"]):
        body = await get(api.editor, "/v1/changes", 410, search="metals", since=since)
        assert (body["code"], "/v1/searches/metals" in body["detail"]) == ("filter_changed", True)
        assert [error["parameter"] for error in body["errors"]] == ["since"]
    again = await get(api.editor, "/v1/changes", search="metals", since=changed.headers["x-seq"])
    assert again["data"] == []
    assert list_events(await get(api.editor, "/v1/changes", search="metals")) == [("published", article["id"])]


async def test_merged_and_renamed_tag_is_followed(sqlite_api: Served) -> None:
    api = sqlite_api
    one = await publish(api, "A dam", tags=["dams"])
    two = await publish(api, "A lake", tags=["lakes"])
    await save(api, "water", filters={"tag": ["dams"]})
    start = (await api.editor.get("/v1/searches/water")).headers["x-seq"]
    assert (await api.editor.post("/v1/tags/dams/merge", json={"into": "lakes"})).status_code == 200
    assert (await api.editor.patch("/v1/tags/lakes", json={"slug": "waters", "name": "Waters"})).status_code == 200
    await settle(api)
    shown = await get(api.editor, "/v1/searches/water")
    assert set(list_ids(shown)) == {one["id"], two["id"]}
    assert shown["search"]["filters"] == {"tag": ["waters"]}
    assert [(w["code"], w["replaced_by"]) for w in shown["warnings"]] == [("replaced_by", "waters")]
    renamed = (await api.editor.patch("/v1/searches/water", json={"name": "Waters"})).json()
    assert renamed["warnings"] == shown["warnings"]
    told = await get(api.editor, "/v1/changes", search="water", since=start, include="article")
    last = {one["article"]["id"]: one["event"] for one in told["data"] if one["article"]}
    assert set(last) == {one["id"], two["id"]}
    assert "left_filter" not in last.values()
    assert any(one["event"] == "tag_renamed" for one in told["data"])


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"q": ""}, "invalid_value", "/q"),
        ({"q": "x", "filters": {"tag": "no-such-tag"}}, "invalid_value", "/filters/tag"),
        ({"q": "x", "filters": {"tga": "nato"}}, "unknown_parameter", "/filters/tga"),
        ({"q": "x", "filters": {"published_from": "now-7d"}}, "invalid_value", "/filters/published_from"),
        ({"q": "x", "filters": {"slug": "a"}}, "invalid_value", "/filters/slug"),
        ({"q": "x", "filters": {"region": "atlantis"}}, "unknown_region", "/filters/region"),
        ({"q": " ".join("a" * 65)}, "query_too_complex", "/q"),
        ({"q": "x", "typo": "off"}, "unknown_field", "/typo"),
    ],
)
async def test_what_cannot_be_followed_is_refused(sqlite_api: Served, body: Json, code: str, pointer: str) -> None:
    await publish(sqlite_api, "Something")
    refused = await save(sqlite_api, "wrong", expected=422, **body)
    assert [(one["code"], one["pointer"]) for one in refused["errors"]] == [(code, pointer)]


async def test_limits_are_told(sqlite_api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    api = sqlite_api
    await publish(api, "Bread")
    await publish(api, "Bread and butter")
    await save(api, "bread", q="bread")
    assert (await save(api, "bread", expected=409, q="butter"))["code"] == "slug_taken"
    monkeypatch.setattr(searches, "MOST_MATCHES", 1)
    broad = await save(api, "broad", expected=422, q="bread OR butter")
    assert (broad["code"], "2 articles" in broad["detail"]) == ("search_too_broad", True)
    # What somebody asks already is written down once.
    await save(api, "again", q="bread")
    assert len(await api.db.reader.rows(prepare(select(QUERY.c.id), api.db.dialect), {})) == 1
    limits = searches.SearchLimits(2, 10)
    monkeypatch.setattr(searches, "SearchLimits", lambda *_: limits)
    from app.search.saved_searches import routes

    monkeypatch.setattr(routes, "SearchLimits", lambda *_: limits)
    assert (await save(api, "third", expected=409, q="bread"))["code"] == "too_many_searches"


async def test_removed_and_purged_rows_are_gone(api: Served) -> None:
    one = await publish(api, "Salt and pepper")
    two = await publish(api, "Salt")
    await save(api, "salt", q="salt")
    await save(api, "pepper", q="pepper")
    start = (await api.editor.get("/v1/searches/salt")).headers["x-seq"]
    gone = await api.editor.delete(f"/v1/articles/{one['id']}?purge=true", headers={"If-Match": "*"})
    assert gone.status_code in (200, 204)
    await settle(api)
    told = await get(api.editor, "/v1/changes", search="salt", since=start)
    assert list_events(told) == [("purged", one["id"])]
    rows = await api.db.reader.rows(prepare(select(MATCH.c.article_id), api.db.dialect), {})
    assert [id for (id,) in rows] == [two["id"]]
    for slug in ("salt", "pepper"):
        assert (await api.editor.delete(f"/v1/searches/{slug}")).status_code == 204
        assert (await api.editor.get("/v1/changes", params={"search": slug})).status_code == 404
    deadline = time.monotonic() + 20
    asked = prepare(select(QUERY.c.id), api.db.dialect)
    while await api.db.reader.rows(asked, {}) and time.monotonic() < deadline:  # noqa: ASYNC110 -- a thread removes them
        await asyncio.sleep(0.05)
    for rest in (QUERY, MATCH):
        assert await api.db.reader.rows(prepare(select(rest), api.db.dialect), {}) == []


async def test_waiting_and_the_stream_are_told_when_it_is_matched(api: Served) -> None:
    await publish(api, "Wool")
    await save(api, "wool", q="wool")
    start = (await api.editor.get("/v1/searches/wool")).headers["x-seq"]
    waiting = asyncio.create_task(get(api.editor, "/v1/changes", search="wool", since=start, wait=20))
    await asyncio.sleep(0.2)
    hidden = await api.editor.post("/v1/articles", json={"title": "Wool in a draft"})
    await publish(api, "Cotton")
    assert not waiting.done()
    article = await publish(api, "More wool")
    assert list_events(await waiting) == [("published", article["id"])]
    await api.db.write(service.withdraw, [article["id"]], now=int(time.time()))
    await settle(api)
    assert hidden.json()["id"] not in list_ids(await get(api.editor, "/v1/searches/wool"))


async def test_search_and_filters_do_not_go_together(sqlite_api: Served) -> None:
    await publish(sqlite_api, "Iron")
    await save(sqlite_api, "iron", q="iron")
    for query in ({"tag": "nato"}, {"status": "draft"}):
        body = await get(sqlite_api.editor, "/v1/changes", 422, search="iron", **query)
        assert [one["parameter"] for one in body["errors"]] == list(query)
