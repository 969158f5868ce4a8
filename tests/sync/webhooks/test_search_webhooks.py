"""Webhooks that follow a saved search: they are told what its changes tell, whatever becomes of search and endpoint."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from conftest import ENGINES, Served, serve, with_own_epoch
from sqlalchemy import select
from support.tables import tables_with
from support.webhooks.pace import look_often
from support.webhooks.receivers import Received, Receiver, find_closed_port, respond_with, run_receiver

from app.models import SearchPosition, table
from app.settings import Settings
from app.sync.webhooks import delivery

pytestmark = [pytest.mark.anyio, pytest.mark.long_on("postgresql")]
ON = ENGINES

Json = dict[str, Any]
ANY = {"If-Match": "*"}
POSITION = table(SearchPosition)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    look_often(monkeypatch)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


@pytest.fixture(scope="module")
async def archive(shared_settings: Settings) -> AsyncIterator[Served]:
    settings = with_own_epoch(shared_settings).model_copy(update={"webhook_private_addresses": True})
    async with serve(settings) as running:
        await publish(running, "The first one")
        await wait_until(lambda: bool(running.app.state.archive.index.seq()))  # searches are saved by the index
        yield running


@pytest.fixture
async def api(archive: Served) -> AsyncIterator[Served]:
    """The archive of the module, without the webhooks and searches of other tests."""
    yield archive
    for one in (await archive.editor.get("/v1/webhooks", params={"limit": 100})).json()["data"]:
        assert (await archive.editor.delete(f"/v1/webhooks/{one['id']}")).status_code == 204
    for one in (await archive.editor.get("/v1/searches", params={"limit": 100})).json()["data"]:
        assert (await archive.editor.delete(f"/v1/searches/{one['slug']}")).status_code == 204


async def save(api: Served, slug: str, q: str, **more: object) -> str:
    """The place from which its changes go on."""
    response = await api.editor.post("/v1/searches", json={"slug": slug, "q": q, "public": True, **more})
    assert response.status_code == 201, response.text
    return response.headers["x-seq"]


async def create(api: Served, url: str, **more: object) -> Json:
    response = await api.editor.post("/v1/webhooks", json={"name": "Test", "url": url, **more})
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


async def patch(api: Served, id: int, expected: int = 200, **changes: object) -> Json:
    response = await api.editor.patch(f"/v1/webhooks/{id}", json=changes)
    assert response.status_code == expected, response.text
    body: Json = response.json()
    return body


async def get(api: Served, id: int) -> Json:
    shown: Json = (await api.editor.get(f"/v1/webhooks/{id}")).json()
    return shown


async def publish(api: Served, title: str, **fields: object) -> int:
    made: Json = await api.post(title=title, body="<p>Of the day.</p>", **fields)
    return int(made["id"])


async def edit(api: Served, id: int, **changes: object) -> None:
    response = await api.editor.patch(f"/v1/articles/{id}", json=changes, headers=ANY)
    assert response.status_code == 200, response.text


async def purge(api: Served, id: int) -> None:
    assert (await api.editor.delete(f"/v1/articles/{id}?purge=true", headers=ANY)).status_code == 204


async def list_changes(api: Served, slug: str, since: str) -> list[Json]:
    response = await api.public.get("/v1/changes", params={"search": slug, "since": since, "include": "article"})
    assert response.status_code == 200, response.text
    changes: list[Json] = response.json()["data"]
    return changes


async def settle(api: Served, id: int) -> Json:
    """Until all is matched, and the webhook has told what there is."""
    for _ in range(500):
        head = await api.app.state.archive.head()
        with api.db.snapshot() as snapshot:
            matched = snapshot.connection.execute(select(POSITION.c.public_seq)).scalar_one()
        shown = await get(api, id)
        if matched >= head.public_seq and shown["behind"] == shown["waiting"] == 0:
            return shown
        await asyncio.sleep(0.02)
    pytest.fail(f"it did not come to that in time: {shown}")


async def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come to that in time")


def read_copy(received: list[Received]) -> dict[int, str]:
    """What a receiver has that does as it is told: titles by article."""
    copy: dict[int, str] = {}
    for one in received:
        if (id := one.article) is not None:
            card = one.data["card"]
            if card is None:
                copy.pop(id, None)
            else:
                copy[id] = card["title"]
    return copy


async def list_results(api: Served, slug: str) -> dict[int, str]:
    seq = (await api.public.get("/v1/articles", params={"limit": 1})).headers["x-seq"]
    response = await api.public.get(f"/v1/searches/{slug}", params={"limit": 100, "min_seq": seq})
    hits = response.raise_for_status().json()["data"]
    return {hit["article"]["id"]: hit["article"]["title"] for hit in hits}


async def test_endpoint_is_told_what_the_changes_of_the_search_tell(api: Served, receiver: Receiver) -> None:
    entering = await publish(api, "Barley")
    since = await save(api, "grain", "grain -rice")
    made = await create(api, receiver.url, search="grain")
    assert (made["search"], made["filter"], made["warnings"]) == ("grain", None, [])
    expected: list[Json] = []
    new = await publish(api, "Grain")
    for step in (
        lambda: edit(api, entering, title="Barley and grain"),
        lambda: edit(api, new, title="More grain"),
        lambda: publish(api, "Rice and grain"),
        lambda: api.editor.post("/v1/articles", json={"title": "Grain in a draft"}),
        lambda: edit(api, new, title="Oats"),
        lambda: api.editor.delete(f"/v1/articles/{entering}", headers=ANY),
        lambda: purge(api, entering),
    ):
        await settle(api, made["id"])
        expected += await list_changes(api, "grain", expected[-1]["seq"] if expected else since)
        assert [one.data for one in receiver.received] == expected
        await step()
    await settle(api, made["id"])
    expected += await list_changes(api, "grain", expected[-1]["seq"])
    assert [one.data for one in receiver.received] == expected
    assert [(one.payload["type"], one.article) for one in receiver.received] == [
        ("article.published", new), ("article.updated", entering), ("article.updated", new),
        ("article.left_filter", new), ("article.withdrawn", entering), ("article.purged", entering),
    ]  # fmt: skip
    assert [bool(one.data["card"]) for one in receiver.received] == [True] * 3 + [False] * 3
    for one in receiver.received:
        one.verify(made["secret"])
        assert "." not in one.id
    assert len({one.id for one in receiver.received}) == 6


async def test_changes_of_one_row_are_told_each_and_again_by_replay(
    api: Served, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that matches when a search is saved stands at one row, of which a part is read at a time."""
    monkeypatch.setattr(delivery, "BATCH", 2)
    made = await create(api, receiver.url, enabled=False)
    ids = [await publish(api, f"Tin mine {number}") for number in range(5)]
    await save(api, "tin", "tin")
    await patch(api, made["id"], search="tin", enabled=True)
    await settle(api, made["id"])
    assert sorted(one.article or 0 for one in receiver.received) == ids
    assert len({one.id for one in receiver.received}) == 5
    first = list(receiver.received)
    middle = next(one.data["seq"] for one in first if one.article == ids[2])
    again = await api.editor.post(f"/v1/webhooks/{made['id']}/replay", params={"since": middle})
    assert again.status_code == 200, again.text
    await settle(api, made["id"])
    assert {one.id for one in receiver.received[5:]} == {one.id for one in first}
    assert read_copy(receiver.received) == await list_results(api, "tin")


@pytest.mark.slow
@pytest.mark.long_on("postgresql")
async def test_nothing_is_lost_while_the_endpoint_is_away(api: Served) -> None:
    ids = [await publish(api, f"Wool {number}") for number in range(6)]
    port = find_closed_port()
    await save(api, "wool", "wool")
    made = await create(api, f"http://127.0.0.1:{port}/hook", search="wool")
    for id in ids[:4]:
        await edit(api, id, standfirst="A first change")
    for _ in range(500):
        if (await get(api, made["id"]))["failing_since"] is not None:
            break
        await asyncio.sleep(0.02)
    await edit(api, ids[0], title="Wool again")
    await edit(api, ids[1], title="Cotton")
    await edit(api, ids[1], title="Wool as before")
    await edit(api, ids[2], title="Linen")
    await api.editor.delete(f"/v1/articles/{ids[3]}", headers=ANY)
    late = await publish(api, "Wool of late")
    with run_receiver(port) as receiver:
        await patch(api, made["id"], url=f"http://127.0.0.1:{port}/hook")
        await settle(api, made["id"])
        await edit(api, late, title="Wool of late, again")
        await settle(api, made["id"])
        results = await list_results(api, "wool")
        assert read_copy(receiver.received) == {id: title for id, title in results.items() if id not in ids[4:]}
        for id in (*ids[:4], late):
            told = [one for one in receiver.received if one.article == id]
            seqs = [one.data["seq"] for one in told]
            order = [
                one["seq"] for one in await list_changes(api, "wool", "0") if (one["article"] or {}).get("id") == id
            ]
            assert order == seqs[-1:], "the latest change comes last"
            versions = [one.data["article"]["version"] for one in told]
            assert versions == sorted(versions)
        assert not {ids[4], ids[5]} & {one.article for one in receiver.received}


@pytest.mark.slow
@pytest.mark.long_on("postgresql")
async def test_copy_by_messages_ends_as_the_results(api: Served, receiver: Receiver) -> None:
    chance = random.Random(11)
    refused = threading.Event()

    def respond(handler: Any, received: Received) -> None:
        respond_with(500 if refused.is_set() and received.article and received.article % 3 == 0 else 204)(
            handler, received
        )

    receiver.respond = respond
    await save(api, "cod", "cod")
    made = await create(api, receiver.url, search="cod")
    ids: list[int] = []
    for number in range(60):
        (refused.set if number % 20 < 12 else refused.clear)()
        kind = chance.randrange(12)
        if len(ids) < 8 or kind == 0:
            ids.append(await publish(api, f"Cod {number}"))
        elif kind < 9:
            await edit(api, chance.choice(ids), title=f"{chance.choice(('Cod', 'Cod', 'Eel'))} {number}")
        elif kind == 9:
            await api.editor.delete(f"/v1/articles/{chance.choice(ids)}", headers=ANY)
        elif kind == 10:
            await edit(api, chance.choice(ids), status="published")
        else:
            await purge(api, ids.pop(chance.randrange(len(ids))))
    refused.clear()
    await patch(api, made["id"], url=receiver.url)
    await settle(api, made["id"])
    taken = [one for one in receiver.received if one.data["article"]]
    assert read_copy(taken) == await list_results(api, "cod") != {}
    for id in {one.article for one in taken}:
        versions = [one.data["article"]["version"] for one in taken if one.article == id]
        assert versions == sorted(versions)


async def test_change_that_moves_on_while_it_waits_is_told_once(api: Served, receiver: Receiver) -> None:
    since = await save(api, "oil", "oil")
    receiver.respond = respond_with(500)
    made = await create(api, receiver.url, search="oil")
    article = await publish(api, "Oil")
    for title in ("Oil of today", "Oil of tomorrow"):
        for _ in range(500):
            shown = await get(api, made["id"])
            if (shown["waiting"], shown["behind"]) == (1, 0):
                break
            await asyncio.sleep(0.02)
        await edit(api, article, title=title)
    for _ in range(500):
        if (await get(api, made["id"]))["behind"] == 0:
            break
        await asyncio.sleep(0.02)
    receiver.respond = respond_with(204)
    receiver.received.clear()
    await patch(api, made["id"], url=receiver.url)
    await settle(api, made["id"])
    assert [one.data for one in receiver.received] == await list_changes(api, "oil", since)
    assert read_copy(receiver.received) == {article: "Oil of tomorrow"}


async def test_search_that_is_removed_switches_it_off(api: Served, receiver: Receiver) -> None:
    await save(api, "lead", "lead")
    made = await create(api, receiver.url, search="lead")
    asleep = await create(api, receiver.url, search="lead", enabled=False)
    assert (await api.editor.delete("/v1/searches/lead")).status_code == 204
    for webhook in (made, asleep):
        shown = await get(api, webhook["id"])
        assert (shown["off"]["reason"], shown["search"], shown["filter"]) == ("search_removed", None, None)
        assert (shown["state"], shown["version"]) == ("off", 2)
    rows = (await api.editor.get("/v1/audit", params={"action": "webhook_off"})).json()["data"]
    named = {row["target"]["id"]: row for row in rows[:2]}
    assert named.keys() == {made["id"], asleep["id"]}
    assert [(row["details"], row["actor"]["kind"]) for row in named.values()] == [
        ({"reason": "search_removed"}, "key")
    ] * 2
    refused = await patch(api, made["id"], 422, enabled=True)
    assert [one["pointer"] for one in refused["errors"]] == ["/search"]
    await publish(api, "Lead and zinc")
    await save(api, "zinc", "zinc")
    shown = await patch(api, asleep["id"], filter={"tag": "zinc"})
    assert (shown["off"]["reason"], shown["filter"]) == ("asked", {"tag": "zinc"})
    shown = await patch(api, made["id"], search="zinc", enabled=True)
    assert (shown["off"], shown["search"]) == (None, "zinc")
    later = await publish(api, "Zinc")
    await settle(api, made["id"])
    assert later in {one.article for one in receiver.received}
    assert read_copy(receiver.received) == await list_results(api, "zinc")


async def test_search_that_asks_something_else_is_followed_on(api: Served, receiver: Receiver) -> None:
    await save(api, "metal", "iron")
    made = await create(api, receiver.url, search="metal")
    iron, steel = await publish(api, "Iron"), await publish(api, "Steel")
    await settle(api, made["id"])
    assert [one.article for one in receiver.received] == [iron]
    changed = await api.editor.patch("/v1/searches/metal", json={"q": "steel"})
    assert changed.status_code == 200, changed.text
    assert (await get(api, made["id"]))["version"] == 1
    await edit(api, iron, standfirst="It is not asked for now")
    await edit(api, steel, standfirst="It is")
    await settle(api, made["id"])
    assert {one.article for one in receiver.received[1:]} == {steel}
    last = receiver.received[-1].data
    assert (last["event"], last["card"]["standfirst"]) == ("updated", "It is")
    assert last == (await list_changes(api, "metal", "0"))[-1]


async def test_filter_and_search_take_each_others_place(api: Served, receiver: Receiver) -> None:
    await save(api, "copper", "copper")
    made = await create(api, receiver.url, filter={"tag": "copper"})
    shown = await patch(api, made["id"], search="copper", filter=None)
    assert (shown["search"], shown["filter"], shown["version"]) == ("copper", None, 2)
    by_words = await publish(api, "Copper")
    await publish(api, "By its tag alone", tags=["copper mining"])
    await settle(api, made["id"])
    assert [one.article for one in receiver.received] == [by_words]
    shown = await patch(api, made["id"], filter={"tag": "copper-mining"})
    assert (shown["search"], shown["filter"]) == (None, {"tag": "copper-mining"})
    await edit(api, by_words, title="Copper again")
    by_tag = await publish(api, "Of a tag", tags=["copper mining"])
    await settle(api, made["id"])
    assert [one.article for one in receiver.received[1:]] == [by_tag]
    unchanged = await patch(api, made["id"], search=None, name="Other")
    assert unchanged["filter"] == {"tag": "copper-mining"}
    audit = (await api.editor.get("/v1/audit", params={"action": "webhook_edit"})).json()["data"]
    assert [row["details"]["fields"] for row in audit[:3]] == [["name"], ["filter"], ["search"]]


async def test_what_waits_when_the_search_is_left_is_decided_anew(api: Served, receiver: Receiver) -> None:
    await save(api, "silver", "silver")
    receiver.respond = respond_with(500)
    made = await create(api, receiver.url, search="silver")
    kept, left = await publish(api, "Silver", tags=["metals"]), await publish(api, "Silver of others")
    for _ in range(500):
        if (await get(api, made["id"]))["waiting"] == 2:
            break
        await asyncio.sleep(0.02)
    receiver.respond = respond_with(204)
    receiver.received.clear()
    await patch(api, made["id"], filter={"tag": "metals"}, url=receiver.url)
    await settle(api, made["id"])
    assert [one.article for one in receiver.received] == [kept]
    assert left not in read_copy(receiver.received)


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({"search": "gold", "filter": {"tag": "x"}}, "/search"),
        ({"search": "gold", "filter": {}}, "/search"),
        ({"search": "no-such-search"}, "/search"),
        ({"search": "nul\0"}, "/search"),
        ({"search": ""}, "/search"),
        ({"search": 3}, "/search"),
    ],
)
async def test_what_cannot_be_followed_is_refused(api: Served, payload: Json, pointer: str) -> None:
    await save(api, "gold", "gold")
    made = await create(api, "http://127.0.0.1:1/", enabled=False, search="gold")
    sent = {"name": "Test", "url": "http://a.example/", **payload}
    for response in (
        await api.editor.post("/v1/webhooks", json=sent),
        await api.editor.patch(f"/v1/webhooks/{made['id']}", json=payload),
    ):
        assert response.status_code == 422, response.text
        assert [one["pointer"] for one in response.json()["errors"]] == [pointer]
    refused = await patch(api, made["id"], 422, search=None)
    assert [one["pointer"] for one in refused["errors"]] == ["/search"]
    assert (await get(api, made["id"]))["search"] == "gold"


async def test_purge_takes_what_waits(api: Served, receiver: Receiver) -> None:
    await save(api, "salt", "saltwater")
    made = await create(api, receiver.url, search="salt")
    article = await publish(api, "Saltwater of yesterday")
    await settle(api, made["id"])
    receiver.respond = respond_with(500)
    await edit(api, article, title="Saltwater of yesterday and today")
    for _ in range(500):
        if (await get(api, made["id"]))["waiting"] == 1:
            break
        await asyncio.sleep(0.02)
    receiver.respond = respond_with(204)
    receiver.received.clear()
    await purge(api, article)
    await settle(api, made["id"])
    assert [(one.payload["type"], one.article) for one in receiver.received] == [("article.purged", article)]
    attempts = (await api.editor.get(f"/v1/webhooks/{made['id']}/attempts")).json()["data"]
    assert [(one["type"], one["delivered"]) for one in attempts] == [("article.purged", True)]
    assert list(tables_with(api.db, "saltwater of")) == []


async def test_merged_and_renamed_tags_are_told(api: Served, receiver: Receiver) -> None:
    dam, lake = await publish(api, "A dam", tags=["weirs"]), await publish(api, "A lake", tags=["ponds"])
    since = await save(api, "water", "", filters={"tag": ["weirs"]})
    made = await create(api, receiver.url, search="water")
    assert (await api.editor.post("/v1/tags/weirs/merge", json={"into": "ponds"})).status_code == 200
    await settle(api, made["id"])
    renamed = await api.editor.patch("/v1/tags/ponds", json={"slug": "waters", "name": "Waters"})
    assert renamed.status_code == 200
    await settle(api, made["id"])
    await wait_until(lambda: read_copy(receiver.received).keys() == {dam, lake})
    assert receiver.received[-1].payload["type"] == "tag.renamed"
    last = {one.article: one.data["seq"] for one in receiver.received if one.article}
    told = await list_changes(api, "water", since)
    assert last == {one["article"]["id"]: one["seq"] for one in told if one["article"]}
    tags = [one.data["seq"] for one in receiver.received if not one.article]
    assert tags == [one["seq"] for one in told if not one["article"]]
