"""Saved searches over HTTP: what they find, who may see them, and how their changes are followed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from conftest import ENGINES, Served

pytestmark = pytest.mark.anyio
ON = ENGINES

Json = dict[str, Any]


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
    while True:
        head = await api.app.state.archive.head()
        index = api.app.state.archive.index.seq()
        rows = await api.db.reader.rows(_position(api), {})
        asked = await api.db.reader.rows(_asked(api), {})
        if index is not None and index >= head.public_seq and (not asked or rows[0][0] >= head.public_seq):
            return
        await asyncio.sleep(0.01)


def _position(api: Served) -> Any:
    from sqlalchemy import select

    from app.db.sql import prepare
    from app.models import SearchPosition, table

    return prepare(select(table(SearchPosition).c.public_seq), api.db.dialect)


def _asked(api: Served) -> Any:
    from sqlalchemy import select

    from app.db.sql import prepare
    from app.models import SearchQuery, table

    return prepare(select(table(SearchQuery).c.id).where(table(SearchQuery).c.hash.is_not(None)).limit(1), api.db.dialect)


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
    assert [(event, bool(one["card"])) for (event, _), one in zip(list_events(everything), everything["data"])] == [
        ("published", True), ("left_filter", False),
    ]  # fmt: skip
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
