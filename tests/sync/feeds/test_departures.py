"""What feeds tell of articles that have left them: out of the log, by an index, whatever else is written there."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import insert, select, update

from app.changes import log
from app.db.database import Database
from app.db.sql import Prepared
from app.models import ChangeHead, table
from app.settings import Settings
from app.sync.feeds.departures import MOST_ROWS, _statement

ON = ENGINES
pytestmark = pytest.mark.anyio

MANY = 21_000
HEAD = table(ChangeHead)


@pytest.fixture(scope="module")
async def api(shared_settings: Settings) -> AsyncIterator[Served]:
    async with serve(shared_settings.model_copy(update={"api_url": "https://api.news.example"})) as running:
        yield running


async def list_deleted(api: Served, address: str) -> list[str]:
    response = await api.public.get(address)
    assert response.status_code == 200, response.text
    return [one["id"] for one in response.json()["_dateline"]["deleted"]]


async def post(api: Served, title: str, tag: str) -> dict[str, object]:
    return await api.post(title=title, body="<p>x</p>", tags=[tag])


async def withdraw(api: Served, article: dict[str, object]) -> None:
    body, headers = {"status": "withdrawn"}, {"If-Match": "*"}
    response = await api.editor.patch(f"/v1/articles/{article['id']}", json=body, headers=headers)
    assert response.status_code == 200, response.text


def edit_draft(api: Served, id: int, times: int) -> None:
    """Writes what so many edits of a draft leave in the log."""
    facts = '{"status":"draft"}'
    with api.db.hold_write_lock(), api.db.engine.begin() as connection:
        seq = connection.execute(select(HEAD.c.seq)).scalar_one()
        rows = [
            {
                "seq": seq + 1 + i, "mark": i, "at": 1_700_000_000, "entity": "article", "entity_id": id,
                "event": "updated", "version": 2 + i, "changed_fields": "[]", "public": False, "before": facts,
                "after": facts,
            }
            for i in range(times)
        ]  # fmt: skip
        connection.execute(insert(log.CHANGE), rows)
        connection.execute(update(HEAD).values(seq=seq + times, mark=times - 1))


async def test_edits_of_drafts_do_not_make_feeds_forget(api: Served) -> None:
    gone, later, _ = [await post(api, title, "drafts") for title in ("Gone", "Later", "Stays")]
    await withdraw(api, gone)
    edit_draft(api, 4_000_000, MANY)
    await withdraw(api, later)
    for address in ("/feeds/tags/drafts.json", "/feeds/articles.json"):
        names = [f"tag:api.news.example,2025:article/{one['id']}" for one in (later, gone)]
        assert (await list_deleted(api, address))[:2] == names


async def test_document_with_departures_is_told_anew_when_one_comes_back(api: Served) -> None:
    one, other, _ = [await post(api, title, "returns") for title in ("One", "Other", "Stays")]
    for article in (one, other):
        await withdraw(api, article)
    address = "/feeds/tags/returns.json"
    assert [int(name.rpartition("/")[2]) for name in await list_deleted(api, address)] == [other["id"], one["id"]]
    body, headers = {"status": "published"}, {"If-Match": "*"}
    await api.editor.patch(f"/v1/articles/{one['id']}", json=body, headers=headers)
    assert [int(name.rpartition("/")[2]) for name in await list_deleted(api, address)] == [other["id"]]


async def test_departures_are_read_by_their_index(sqlite_settings: Settings) -> None:
    statement = _statement("sqlite")
    plan = Prepared("EXPLAIN QUERY PLAN " + statement.sql, statement.constants, statement.lists)
    db = Database(sqlite_settings, log.append)
    try:
        rows = await db.reader.rows(plan, {"after": 0, "until": 1_000_000, "most": MOST_ROWS})
    finally:
        db.close_now()
    assert [str(row[3]).partition(" (")[0] for row in rows] == ["SEARCH change USING INDEX ix_change_departures"]


async def test_saved_search_tells_what_its_words_have_lost(api: Served) -> None:
    """Other articles leave other searches, and what was purged leaves every feed."""
    edited, moved, gone, stays, purged, other = [
        await post(api, f"Walrus {name}", "arctic") for name in ("edited", "moved", "gone", "stays", "purged", "other")
    ]
    body = {"slug": "walrus", "q": "walrus -seal", "filters": {"tag": ["arctic"]}, "public": True}
    assert (await api.editor.post("/v1/searches", json=body)).status_code == 201
    unmatched = await post(api, "Penguins", "antarctic")
    since = (await api.editor.get("/v1/searches/walrus")).headers["x-seq"]
    assert await list_deleted(api, "/feeds/searches/walrus.json") == await list_deleted(api, NOTHING_BUT_PURGED)
    await edit(api, edited, title="Seals alone")
    await edit(api, edited, title="Seals, and nobody else")
    await edit(api, moved, tags=["antarctic"])
    await edit(api, stays, title="Walrus still stays")
    await withdraw(api, unmatched)
    address = f"/v1/articles/{purged['id']}?purge=true"
    assert (await api.editor.delete(address, headers={"If-Match": "*"})).status_code in (200, 204)
    # The last one, because purges are told out of the log, which may be ahead of what is matched.
    await withdraw(api, gone)
    left = await wait_for_deleted(api, "/feeds/searches/walrus.json", 4)
    assert {
        name for name in left if name in names_of(edited, moved, gone, stays, purged, unmatched, other)
    } == names_of(edited, moved, gone, purged)
    told = (await api.editor.get("/v1/changes", params={"search": "walrus", "since": since})).json()["data"]
    by_follower = {one["article"]["id"] for one in told if one["event"] in ("left_filter", "withdrawn", "purged")}
    assert by_follower == {one["id"] for one in (edited, moved, gone, purged)}
    await edit(api, edited, title="Walrus again")
    await wait_for_deleted(api, "/feeds/searches/walrus.json", len(left) - 1)
    assert f'ref="{names_of(edited).pop()}"' not in (await api.public.get("/feeds/searches/walrus.atom")).text
    entry = f'ref="{names_of(moved).pop()}"'
    assert entry in (await api.public.get("/feeds/searches/walrus.atom")).text


NOTHING_BUT_PURGED = "/feeds/articles.json?id=999999"


def names_of(*articles: dict[str, object]) -> set[str]:
    return {f"tag:api.news.example,2025:article/{one['id']}" for one in articles}


async def edit(api: Served, article: dict[str, object], **fields: object) -> None:
    response = await api.editor.patch(f"/v1/articles/{article['id']}", json=fields, headers={"If-Match": "*"})
    assert response.status_code == 200, response.text


async def wait_for_deleted(api: Served, address: str, count: int) -> list[str]:
    """Until what is matched tells of so many."""
    deadline = time.monotonic() + 20
    while len(left := await list_deleted(api, address)) != count:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.02)
    return left
