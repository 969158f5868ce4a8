"""A key with an embargo follows: at any moment its copy is what the list shows it, and what leaves leaves at once."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import Served, serve
from sqlalchemy import update
from sqlmodel import Session
from support.stories import DAY, NOW, story, write

from app.articles import editing, service, states
from app.articles.editing import ArticleEdit
from app.articles.store.row_columns import SaveContext
from app.audit.entitlements.terms import Terms
from app.changes import log
from app.db.database import Database
from app.errors import InvalidTransition
from app.http import auth
from app.models import Article, Change, table
from app.settings import Settings
from app.tags import queries as tags

ON = ("sqlite", "postgresql")
pytestmark = pytest.mark.anyio

A, CHANGE = table(Article), table(Change)
FIELDS = "title,version,tags.slug"
MOMENTS = 20
GONE = ("left_filter", "withdrawn", "purged", "trashed")


@pytest.fixture
async def closed_archive(settings: Settings) -> AsyncIterator[Served]:
    """An archive that nobody reads without a key."""
    async with serve(settings.model_copy(update={"public_reads": False})) as api:
        yield api


def _let_pass(session: Session, seconds: int) -> None:
    """As if all that has happened had happened so many seconds earlier."""
    session.connection().execute(update(CHANGE).values(at=CHANGE.c.at - seconds))
    session.connection().execute(update(A).values(withdrawn_at=A.c.withdrawn_at - seconds))


async def make_key(api: Served, asked: Terms) -> dict[str, str]:
    """The header of a key with these terms; tags in them by their slugs."""
    only = asked.only
    if "tag=" in only:
        slug = only.partition("tag=")[2]
        known = await tags.by_refs(api.db, [slug], hidden=True)
        only = f"tag={known[slug].id}"
    stored = Terms(only, asked.embargo_hours, asked.without).encode()
    made = await api.db.write(auth.create_key, "partner", (), None, stored)
    return {"Authorization": f"Bearer {made.value}"}


@dataclass
class KeyCopy:
    """Two copies of what a key sees: by the cards of changes, and by their events alone."""

    api: Served
    key: dict[str, str]
    filter: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    place: str = "0"
    cards: dict[int, Any] = field(default_factory=dict)
    present: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    """Of which articles it was told anything but that they were purged."""

    async def poll(self, limit: int, *, lost: bool = False) -> bool:
        query: dict[str, str | int] = {
            **self.filter,
            **self.options,
            "since": self.place,
            "limit": limit,
            "include": "article",
        }
        response = await self.api.public.get("/v1/changes", params={**query, "fields": FIELDS}, headers=self.key)
        assert response.status_code == 200, response.text
        body = response.json()
        for change in body["data"]:
            if change["article"] is None:
                continue
            id = change["article"]["id"]
            if change["card"] is None:
                self.cards.pop(id, None)
            else:
                self.cards[id] = change["card"]
            if change["event"] in GONE:
                self.present.discard(id)
            else:
                self.present.add(id)
            self.told |= {id} if change["event"] != "purged" else set()
        if not lost:
            self.place = body["next"]
        return bool(body["has_more"])

    async def catch_up(self, chance: random.Random) -> None:
        if chance.random() < 0.4:
            await self.poll(chance.randint(1, 3), lost=True)
        while await self.poll(chance.randint(1, 5)):
            pass

    async def list_articles(self) -> dict[int, Any]:
        response = await self.api.public.get(
            "/v1/articles", params={**self.filter, "fields": FIELDS, "limit": "100"}, headers=self.key
        )
        assert response.status_code == 200, response.text
        return {row["id"]: row for row in response.json()["data"]}


def _change(session: Session, id: int, changes: dict[str, object]) -> None:
    current = editing.lock_article(session, id)
    if current is not None:
        editing.edit(session, current, ArticleEdit(changes), SaveContext(NOW, "ann", ""))


async def _happen(db: Database, chance: random.Random, ids: dict[int, int], generations: dict[int, int]) -> None:
    number = chance.randint(1, 8)
    what = chance.choice(("write", "write", "withdraw", "publish", "retitle", "draft", "purge"))
    if what == "write" or number not in ids:
        some = chance.sample("abc", chance.randint(0, 2))
        status = chance.choice(("published", "published", "draft"))
        identity, title = number + 100 * generations.get(number, 0), f"Story {number} {chance.random()}"
        [saved] = await write(db, story(db, identity, tags=some, status=status, title=title))
        ids[number] = saved.id
    elif what == "withdraw":
        await db.write(service.withdraw, [ids[number]], now=NOW)
    elif what == "purge":
        await db.write(_purge, ids.pop(number))
        generations[number] = generations.get(number, 0) + 1  # what was purged never comes back
    else:
        changes: dict[str, dict[str, object]] = {
            "publish": {"status": "published", "published_at": NOW - DAY},
            "draft": {"status": "draft"},
            "retitle": {"title": f"Another title {chance.random()}"},
        }
        with suppress(InvalidTransition):  # not every state may follow every other
            await db.write(_change, ids[number], changes[what])


def _purge(session: Session, id: int) -> None:
    states.remove(session, id, now=NOW, by=None)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2])
async def test_copy_behind_an_embargo_is_what_the_list_shows(closed_archive: Served, seed: int) -> None:
    chance, ids, generations, db = random.Random(seed), dict[int, int](), dict[int, int](), closed_archive.db
    await write(db, story(db, 99, tags=["a", "b", "c"], status="published"))
    hour = await make_key(closed_archive, Terms(embargo_hours=1))
    tagged = await make_key(closed_archive, Terms("tag=a", 1))
    now = await make_key(closed_archive, Terms("tag=a"))
    followers = [
        KeyCopy(closed_archive, hour),
        KeyCopy(closed_archive, hour, {"tag": "b"}),
        KeyCopy(closed_archive, hour, {"tag_not": "a"}, {"compact": "true"}),
        KeyCopy(closed_archive, tagged),
        KeyCopy(closed_archive, tagged, {"tag": "b"}),
        KeyCopy(closed_archive, now),
        KeyCopy(closed_archive, now, {}, {"compact": "true"}),
    ]
    seen, visible = 0, set[int]()
    for moment in range(MOMENTS):
        for _ in range(chance.randint(1, 4)):
            await _happen(db, chance, ids, generations)
            visible |= set(await followers[0].list_articles())
            if chance.random() < 0.3:
                await chance.choice(followers).poll(chance.randint(1, 3))
        await db.write(_let_pass, chance.choice((60, 1_500, 1_800, 3_700)))
        for number, follower in enumerate(followers):
            await follower.catch_up(chance)
            listed = await follower.list_articles()
            assert follower.cards == listed, (moment, number)
            assert follower.present == set(listed), (moment, number)
            seen += len(listed)
        visible |= set(await followers[0].list_articles())
        assert followers[0].told <= visible, "told of an article before its embargo was over"
        results = await closed_archive.public.get("/v1/search?limit=100", headers=hour | {"Cache-Control": "no-cache"})
        assert {hit["article"]["id"] for hit in results.json()["data"]} <= set(followers[0].cards)
    assert seen > MOMENTS


async def test_article_is_told_when_its_embargo_ends_and_its_withdrawal_at_once(closed_archive: Served) -> None:
    follower = KeyCopy(closed_archive, await make_key(closed_archive, Terms(embargo_hours=1)))
    [one, two] = await write(
        closed_archive.db, *(story(closed_archive.db, number, status="published") for number in (1, 2))
    )
    await follower.catch_up(random.Random(1))
    assert (follower.present, await follower.list_articles()) == (set(), {})
    hidden = await closed_archive.public.get(f"/v1/articles/{one.id}", headers=follower.key)
    assert hidden.status_code == 404
    # Withdrawn within its embargo: neither that it was there is told, nor that it has gone.
    await closed_archive.db.write(service.withdraw, [two.id], now=int(time.time()))
    await closed_archive.db.write(_let_pass, 3_601)
    await follower.catch_up(random.Random(1))
    assert (follower.present, set(await follower.list_articles())) == ({one.id}, {one.id})
    assert (await closed_archive.public.get(f"/v1/articles/{two.id}", headers=follower.key)).status_code == 404
    await closed_archive.db.write(service.withdraw, [one.id], now=int(time.time()))
    await follower.catch_up(random.Random(1))
    assert follower.present == set()
    assert (await closed_archive.public.get(f"/v1/articles/{one.id}", headers=follower.key)).status_code == 410


async def test_copy_that_takes_only_latest_changes_learns_what_has_left(closed_archive: Served) -> None:
    follower = KeyCopy(closed_archive, await make_key(closed_archive, Terms(embargo_hours=1)), {}, {"compact": "true"})
    [one] = await write(closed_archive.db, story(closed_archive.db, 1, status="published"))
    await closed_archive.db.write(_let_pass, 3_601)
    await follower.catch_up(random.Random(1))
    assert follower.present == {one.id}
    await closed_archive.db.write(service.withdraw, [one.id], now=int(time.time()))
    await closed_archive.db.write(_change, one.id, {"status": "draft"})
    await follower.catch_up(random.Random(1))
    assert (follower.present, follower.cards) == (set(), {})


async def test_who_waits_is_woken_by_the_end_of_an_embargo(closed_archive: Served) -> None:
    key = await make_key(closed_archive, Terms(embargo_hours=1))
    [one] = await write(closed_archive.db, story(closed_archive.db, 1, status="published"))
    waiting = asyncio.create_task(closed_archive.public.get("/v1/changes?since=now&wait=10", headers=key))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await closed_archive.db.write(_let_pass, 3_601)
    told = (await asyncio.wait_for(waiting, 5)).json()
    assert [(row["event"], row["article"]["id"]) for row in told["data"]] == [("published", one.id)]
    again = (await closed_archive.public.get("/v1/changes", params={"since": told["next"]}, headers=key)).json()
    assert again["data"] == []
    by_row = await closed_archive.public.get("/v1/changes", params={"since": told["data"][0]["seq"]}, headers=key)
    assert by_row.json()["data"] == []


async def test_back_dated_article_is_under_embargo_all_the_same(closed_archive: Served) -> None:
    key = await make_key(closed_archive, Terms(embargo_hours=24))
    await write(closed_archive.db, story(closed_archive.db, 1, status="published", published_at=NOW - 400 * DAY))
    assert (await closed_archive.public.get("/v1/articles", headers=key)).json()["data"] == []
    results = (
        await closed_archive.public.get("/v1/search?q=story&min_seq=" + (await _head(closed_archive)), headers=key)
    ).json()
    assert (results["data"], results["page"]["total"]) == ([], 0)


async def _head(api: Served) -> str:
    with api.db.snapshot() as snapshot:
        return log.head(snapshot).public_token
