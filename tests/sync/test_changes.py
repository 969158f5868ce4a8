"""The change feed: what a consumer is told, in which order, from where on, and what it never learns."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from conftest import Served, serve
from sqlalchemy import update
from sqlmodel import Session
from support.stories import NOW, story, write

from app.articles import service
from app.changes import log
from app.db.log_position import LogPosition, parse_token
from app.http import auth
from app.settings import Settings
from app.sync import change_rows

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


@pytest.fixture
async def local(sqlite_settings: Settings) -> AsyncIterator[Served]:
    """For what neither database does in its own way."""
    async with serve(sqlite_settings) as server:
        yield server


async def changes(client: httpx.AsyncClient, **query: Any) -> Json:
    response = await client.get("/v1/changes", params=query)
    assert response.status_code == 200, response.text
    body: Json = response.json()
    return body


async def read_position(api: Served) -> str:
    return str((await changes(api.public, since="now"))["next"])


def list_events(response: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    return [(one["event"], one["article"] and one["article"]["id"]) for one in response["data"]]


async def problem(api: Served, expected: int, **query: Any) -> Json:
    response = await api.public.get("/v1/changes", params=query)
    assert response.status_code == expected, response.text
    body: Json = response.json()
    return body


async def test_changes_come_in_commit_order_with_places_to_go_on_from(api: Served) -> None:
    start = await read_position(api)
    [one, two] = await write(api.db, story(api.db, 1), story(api.db, 2))
    await write(api.db, story(api.db, 1, title="Story number one, again", slug="again"))
    await api.db.write(service.withdraw, [two.id], now=NOW)
    everything = await changes(api.public, since=start)
    assert list_events(everything) == [
        ("published", one.id), ("published", two.id), ("updated", one.id), ("withdrawn", two.id),
    ]  # fmt: skip
    assert everything["has_more"] is False
    updated = everything["data"][2]
    assert updated["article"] == {"id": one.id, "slug": "again", "previous_slug": "story-number-1", "version": 2}
    assert "title" in updated["changed_fields"]
    assert everything["data"][0]["changed_fields"] == []
    met, since = [], start
    while True:
        page = await changes(api.public, since=since, limit=1)
        met += page["data"]
        assert page["data"] == [] or page["next"] == page["data"][0]["seq"]
        since = page["next"]
        if not page["has_more"]:
            break
    assert met == everything["data"]
    assert since == everything["next"]
    from_middle = await changes(api.public, since=everything["data"][1]["seq"])
    assert from_middle["data"] == everything["data"][2:]


async def test_response_is_never_stored_and_bears_its_place(local: Served) -> None:
    response = await local.public.get("/v1/changes")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-seq"] == response.json()["next"]
    head = await local.public.head("/v1/changes")
    assert (head.status_code, head.content) == (200, b"")


async def test_public_learns_nothing_of_drafts_not_even_that_there_are_some(api: Served) -> None:
    start = await read_position(api)
    [draft] = await write(api.db, story(api.db, 1, status="draft", tags=["secret"]))
    assert await changes(api.public, since=start) == {"data": [], "next": start, "has_more": False, "warnings": []}
    for tag in ("secret", "no-such-tag"):
        assert (await changes(api.public, since=start, tag=tag))["data"] == []
    seen = await changes(api.editor, since=start, status="draft,published")
    assert list_events(seen) == [("updated", draft.id)]
    assert (await changes(api.editor, since=start))["data"] == []
    await write(api.db, story(api.db, 1, status="published", slug="out", title="Out now at last"))
    [published] = (await changes(api.public, since=start))["data"]
    assert published["event"] == "published"
    assert (published["article"]["previous_slug"], published["changed_fields"]) == (None, [])


async def test_filtered_consumer_learns_of_entering_and_leaving(api: Served) -> None:
    start = await read_position(api)
    [one, other] = await write(api.db, story(api.db, 1, tags=["a"]), story(api.db, 2, tags=["b"]))
    await write(api.db, story(api.db, 1, tags=["b"]))
    await write(api.db, story(api.db, 1, tags=["b"], title="Unseen by those who follow a"))
    await write(api.db, story(api.db, 1, tags=["a", "b"]))
    assert list_events(await changes(api.public, since=start, tag="a")) == [
        ("published", one.id), ("left_filter", one.id), ("updated", one.id),
    ]  # fmt: skip
    assert list_events(await changes(api.public, since=start, tag="b")) == [
        ("published", other.id), ("updated", one.id), ("updated", one.id), ("updated", one.id),
    ]  # fmt: skip
    nothing = await changes(api.public, since=start, tag="c")
    assert [warning["code"] for warning in nothing.pop("warnings")] == ["unknown_tag"]
    assert nothing == {"data": [], "next": await read_position(api), "has_more": False}


async def test_last_article_of_a_tag_withdrawn_is_still_told_to_who_follows_the_tag(api: Served) -> None:
    [one] = await write(api.db, story(api.db, 1, tags=["rare"]))
    start = await read_position(api)
    await api.db.write(service.withdraw, [one.id], now=NOW)
    assert list_events(await changes(api.public, since=start, tag="rare")) == [("withdrawn", one.id)]


async def test_translation_is_told_when_its_original_comes_and_goes(local: Served) -> None:
    [original] = await write(local.db, story(local.db, 1, status="draft"))
    start = await read_position(local)
    [one] = await write(local.db, replace(story(local.db, 2), translation_of=original.id))
    of_it = {"translation_of": original.id, "include": "article"}
    assert (await changes(local.public, since=start, **of_it))["data"] == []
    [published] = (await changes(local.public, since=start, include="article"))["data"]
    assert published["card"]["translation_of"] is None
    assert (await local.public.get("/v1/articles", params={"translation_of": original.id})).json()["data"] == []
    await write(local.db, story(local.db, 1, status="published"))
    seen = await changes(local.public, since=start, **of_it)
    assert list_events(seen) == [("updated", one.id)]
    assert seen["data"][0]["card"]["translation_of"] == original.id
    await local.db.write(service.withdraw, [original.id], now=NOW)
    assert list_events(await changes(local.public, since=seen["next"], **of_it)) == [("left_filter", one.id)]
    everything = await changes(local.public, since=seen["next"], include="article")
    assert [(row["event"], row["card"] and row["card"]["translation_of"]) for row in everything["data"]] == [
        ("withdrawn", None),
        ("linked", None),
    ]


async def test_card_is_the_article_as_it_is_now_or_null(api: Served) -> None:
    start = await read_position(api)
    [one, two] = await write(api.db, story(api.db, 1, tags=["a"]), story(api.db, 2, tags=["a"]))
    await write(api.db, story(api.db, 1, tags=["a"], title="Its newest title of all"))
    await api.db.write(service.withdraw, [two.id], now=NOW)
    body = await changes(api.public, since=start, tag="a", include="article")
    assert [(one["event"], one["card"] and one["card"]["title"]) for one in body["data"]] == [
        ("published", "Its newest title of all"),
        ("published", None),
        ("updated", "Its newest title of all"),
        ("withdrawn", None),
    ]
    assert "body" not in body["data"][0]["card"]
    with_body = await changes(api.public, since=start, include="body", fields="title,tags.slug", limit=1)
    assert with_body["data"][0]["card"] == {
        "id": one.id,
        "title": "Its newest title of all",
        "body": "<p>The text of story 1.</p>",
        "tags": [{"slug": "a"}],
    }


def _rename(session: Session, tag: int, region: int) -> None:
    log.record(session, log.LogEntry("tag", tag, "tag_renamed", public=True))
    log.record(session, log.LogEntry("region", region, "region_renamed", public=True))
    log.record(session, log.LogEntry("region", region, "region_added", public=True))


async def test_renames_are_told_to_everybody_whatever_the_filter(api: Served) -> None:
    await write(api.db, story(api.db, 1, tags=["a"]))
    start = await read_position(api)
    await api.db.write(_rename, 1, 2)
    body = (await changes(api.public, since=start, tag="b", include="article"))["data"]
    assert [(one["event"], one["article"], one["card"]) for one in body] == [
        ("tag_renamed", None, None),
        ("region_renamed", None, None),
    ]
    assert body[0]["tag"] == {"id": 1, "slug": "a", "previous_slug": None, "name": "a", "kind": "topic"}
    assert body[1]["region"]["id"] == 2


async def test_change_of_a_tag_says_what_was_changed(api: Served) -> None:
    await write(api.db, story(api.db, 1, tags=["a"]))
    start = await read_position(api)
    for patch in (
        {"aliases": ["ay"]},
        {"names": {"fr": "á"}},
        {"slug": "aa"},
        {"name": "Aa", "kind": "event", "aliases": []},
    ):
        response = await api.editor.patch("/v1/tags/1", json=patch)
        assert response.status_code == 200, response.text
    body = (await changes(api.public, since=start, names_in="fr"))["data"]
    assert [(one["changed_fields"], one["tag"]["previous_slug"]) for one in body] == [
        (["aliases"], None), (["names"], None), (["slug"], "a"), (["aliases", "kind", "name"], None),
    ]  # fmt: skip
    told = body[0]["tag"]
    assert told == {"id": 1, "slug": "aa", "previous_slug": None, "name": "á", "kind": "event"}


async def test_change_of_a_region_says_what_was_changed(api: Served) -> None:
    made = await api.editor.post("/v1/regions", json={"name": "Low Lands", "level": "grouping", "members": ["belgium"]})
    assert made.status_code == 201, made.text
    start, path = await read_position(api), f"/v1/regions/{made.json()['slug']}"
    for patch in ({"aliases": ["Flatland"]}, {"members": ["belgium", "netherlands"]}, {"name": "Lowlands"}):
        assert (await api.editor.patch(path, json=patch)).status_code in (200, 202)
    body = [one for one in (await changes(api.public, since=start))["data"] if one["region"]]
    assert [one["changed_fields"] for one in body][:2] == [["aliases"], ["members"]]
    assert body[2]["region"]["name"] == "Lowlands"
    assert "name" in body[2]["changed_fields"]


def _purge(session: Session, id: int) -> None:
    log.record(session, log.LogEntry("article", id, "purged", public=True))


async def test_purge_is_told_to_everybody_with_nothing_but_the_id(local: Served) -> None:
    start = await read_position(local)
    await local.db.write(_purge, 7)
    [body] = (await changes(local.public, since=start, tag="any", include="article"))["data"]
    assert body["event"] == "purged"
    assert body["article"] == {"id": 7, "slug": None, "previous_slug": None, "version": None}
    assert body["card"] is None


BENT: dict[str, Callable[[LogPosition], LogPosition]] = {
    "other epoch": lambda place: LogPosition(place.epoch + 1, place.seq, place.mark),
    "beyond the head": lambda place: LogPosition(place.epoch, place.seq + 1, place.mark),
    "other mark": lambda place: LogPosition(place.epoch, place.seq, place.mark ^ 1),
    "negative": lambda place: LogPosition(place.epoch, -1, 0),
    "marked beginning": lambda place: LogPosition(place.epoch, 0, 5),
}


async def test_place_of_another_log_is_expired_with_the_way_to_start_again(api: Served) -> None:
    place = parse_token(await read_position(api))
    assert place is not None
    for what, bend in BENT.items():
        body = await problem(api, 410, since=bend(place).token, tag="a,b", year="2024", limit=7)
        assert (body["code"], body["export"]) == ("cursor_expired", "/v1/export?tag=a%2Cb&year=2024"), what
        assert [error["parameter"] for error in body["errors"]] == ["since"]
    assert (await api.public.get(body["export"])).status_code == 200


REFUSED = (
    ("since", "yesterday", "invalid_value"),
    ("since", "A" * 31, "invalid_value"),
    ("published_from", "now-7d", "invalid_value"),
    ("q", "nato", "unknown_parameter"),
    ("sort", "title", "unknown_parameter"),
    ("limit", "1001", "limit_too_large"),
    ("wait", "61", "invalid_value"),
    ("include", "everything", "unknown_field"),
    ("region", "atlantis", "unknown_region"),
)


async def test_what_cannot_be_followed_is_refused(local: Served) -> None:
    for parameter, value, code in REFUSED:
        [wrong] = (await problem(local, 422, **{parameter: value}))["errors"]
        assert (wrong["parameter"], wrong["code"]) == (parameter, code)


async def test_other_states_need_the_scope(local: Served) -> None:
    assert (await problem(local, 401, status="draft"))["code"] == "unauthorized"
    key = await local.key("write")
    response = await local.public.get("/v1/changes", params={"status": "draft"}, headers=key)
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")


async def test_filter_that_names_a_merged_tag_has_changed(api: Served) -> None:
    for name in ("alliance", "nato"):
        assert (await api.editor.post("/v1/tags", json={"name": name, "kind": "topic"})).status_code == 201
    before = await read_position(api)
    merged = await api.editor.post("/v1/tags/alliance/merge", json={"into": "nato"})
    assert merged.status_code == 200, merged.text
    body = await problem(api, 410, since="0", tag="alliance,other")
    assert body["code"] == "filter_changed"
    assert "'alliance' is part of 'nato' now" in body["detail"]
    detail = "'alliance' is part of 'nato' now."
    assert body["errors"] == [{"parameter": "tag", "code": "filter_changed", "detail": detail}]
    assert (await problem(api, 410, since=before, tag="alliance"))["code"] == "filter_changed"
    assert (await changes(api.public, since=await read_position(api), tag="alliance"))["data"] == []


async def test_waiting_response_comes_when_something_happens(api: Served) -> None:
    start = await read_position(api)
    waiting = asyncio.create_task(changes(api.public, since=start, tag="a", wait=10))
    await asyncio.sleep(0.15)
    await write(api.db, story(api.db, 1, tags=["b"]))
    await write(api.db, story(api.db, 3, status="draft", tags=["a"]))
    await asyncio.sleep(0.25)
    assert not waiting.done()
    [two] = await write(api.db, story(api.db, 2, tags=["a"]))
    assert list_events(await asyncio.wait_for(waiting, 2)) == [("published", two.id)]


async def test_tag_made_while_waiting_is_known_when_its_article_comes(local: Served) -> None:
    waiting = asyncio.create_task(changes(local.public, since=await read_position(local), tag="new", wait=10))
    await asyncio.sleep(0.15)
    [one] = await write(local.db, story(local.db, 1, tags=["new"]))
    assert list_events(await asyncio.wait_for(waiting, 2)) == [("published", one.id)]


@pytest.mark.slow
async def test_waiting_ends_empty_in_time_past_what_was_not_for_it(local: Served) -> None:
    start = await read_position(local)
    await write(local.db, story(local.db, 1, tags=["b"]))
    began = time.monotonic()
    body = await changes(local.public, since=start, tag="a", wait=1)
    assert 0.9 < time.monotonic() - began < 2
    assert [warning["code"] for warning in body.pop("warnings")] == ["unknown_tag"]
    assert body == {"data": [], "next": await read_position(local), "has_more": False}


async def test_waiting_for_a_server_that_ends_is_over_at_once(local: Served) -> None:
    waiting = asyncio.create_task(changes(local.public, since=await read_position(local), wait=30))
    await asyncio.sleep(0.1)
    local.app.state.watch.ending = lambda: True
    assert (await asyncio.wait_for(waiting, 1))["data"] == []


async def test_key_revoked_while_waiting_ends_the_wait(local: Served) -> None:
    key = await local.key("read_drafts")
    waiting = asyncio.create_task(local.public.get("/v1/changes?since=now&wait=10", headers=key))
    await asyncio.sleep(0.15)
    await local.db.write(auth.revoke_key, int(key["Authorization"].split("_")[1]))
    await write(local.db, story(local.db, 1))
    assert (await asyncio.wait_for(waiting, 2)).status_code == 401


def _many(session: Session, rows: int) -> None:
    for id in range(rows):
        log.record(session, log.LogEntry("article", id, "updated", public=True))


async def test_narrow_filter_over_a_long_log_takes_several_responses(local: Served) -> None:
    start = await read_position(local)
    await local.db.write(_many, change_rows.EXAMINED)
    [one] = await write(local.db, story(local.db, 1, tags=["a"]))
    first = await changes(local.public, since=start, tag="a")
    assert (first["data"], first["has_more"]) == ([], True)
    second = await changes(local.public, since=first["next"], tag="a")
    assert (list_events(second), second["has_more"]) == ([("published", one.id)], False)


def _forget(session: Session) -> None:
    change = log.CHANGE
    session.connection().execute(change.delete().where(change.c.seq < 3))


async def test_place_older_than_what_is_kept_is_expired(api: Served) -> None:
    first = parse_token((await changes(api.public, since="0"))["next"])
    assert first is not None
    await api.db.write(_forget)
    assert (await problem(api, 410, since="0"))["code"] == "cursor_expired"
    assert (await changes(api.public, since=first.token))["data"] == []


@pytest.mark.slow
async def test_scheduled_article_goes_live_as_published(local: Served) -> None:
    soon = int(time.time()) + 1
    [one] = await write(local.db, story(local.db, 1, published_at=soon), now=soon - 1)
    since = await read_position(local)
    body = await changes(local.public, since=since, wait=5)
    assert list_events(body) == [("published", one.id)]


def _replace(session: Session) -> None:
    session.connection().execute(update(log.HEAD).values(epoch=log.HEAD.c.epoch + 1))


async def test_replaced_archive_ends_a_wait(local: Served) -> None:
    waiting = asyncio.create_task(local.public.get("/v1/changes?since=now&wait=10"))
    await asyncio.sleep(0.15)
    await local.db.write(_replace)
    response = await asyncio.wait_for(waiting, 2)
    assert (response.status_code, response.json()["code"]) == (410, "cursor_expired")
