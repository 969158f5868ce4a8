"""A log that was pruned: who begins with it has in the end what the list has, whatever was deleted when; and who would
miss something is told so."""

import random
from collections.abc import AsyncIterator
from itertools import count

import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import delete as delete_from
from sqlalchemy import func, insert, select, update
from sqlmodel import Session
from support.old_log import ANY, Copy, count_rows, delete, forecast, make_older, patch, post, prune, wait_for_indexes

from app.audit.pruning import log_end
from app.audit.pruning.run import Pruning, RoundStopped
from app.changes import log
from app.commands import check
from app.db.database import Database, Snapshot
from app.db.log_position import parse_token
from app.http import auth
from app.models import Change, ChangeHead, Webhook, WebhookRetry, table
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio
CHANGE, HEAD, WEBHOOK, RETRY = (table(model) for model in (Change, ChangeHead, Webhook, WebhookRetry))
TAGS = ("nato", "eu", "asean")
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"tag": "nato"},
    {"tag": "eu", "has_not": "image"},
    {"region": "europe"},
    {"region": "fables"},
)
STATES = {"status": "draft,published,withdrawn"}


async def edit_at_random(api: Served, chance: random.Random, steps: int) -> None:
    """All that becomes of articles: edited, tagged anew, withdrawn, taken back, purged; and regions that others lie
    in."""
    region = {"level": "grouping", "name": "Fables", "members": ["france"]}
    await api.editor.post("/v1/regions", json=region)
    ids: list[int] = []
    for step in range(steps):
        what = chance.random()
        if what < 0.25 or not ids:
            places = [chance.choice(["france", "kenya", "japan"])]
            status = chance.choice(["published", "published", "draft"])
            tags = chance.sample(TAGS, chance.randint(0, 2))
            ids.append(await post(api.editor, f"Story {step}", tags=tags, regions=places, status=status))
        elif what < 0.65:
            tags = chance.sample(TAGS, chance.randint(0, 2))
            await api.editor.patch(f"/v1/articles/{chance.choice(ids)}", json={"tags": tags}, headers=ANY)
        elif what < 0.8:
            id, status = chance.choice(ids), chance.choice(["published", "draft", "published"])
            await api.editor.patch(f"/v1/articles/{id}", json={"status": status}, headers={"If-Match": "*"})
        elif what < 0.9:
            await api.editor.delete(f"/v1/articles/{chance.choice(ids)}", headers={"If-Match": "*"})
        elif what < 0.95:
            await delete(api.editor, ids.pop(chance.randrange(len(ids))), purge="true")
        else:
            members = chance.sample(["france", "kenya", "japan", "peru"], 2)
            response = await api.editor.patch(
                "/v1/regions/fables", json={"members": members}, headers={"If-Match": "*"}
            )
            assert response.status_code in (200, 202), response.text


async def check_copies(api: Served) -> None:
    """Whoever begins now has what the lists have, by whichever way."""
    for client, filters in ((api.public, FILTERS), (api.editor, ({}, STATES, {"tag": "nato", **STATES}))):
        for params in filters:
            for way in ({}, {"compact": "true"}):
                copy = await Copy(client, {**params, **way}).follow()
                assert copy.cards == await copy.load_list(), (params, way)


@pytest.mark.parametrize("seed", [1])
async def test_who_begins_with_a_pruned_log_has_what_the_list_has(api: Served, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(2):
        await edit_at_random(api, chance, 40)
        make_older(api.db)
        await edit_at_random(api, chance, 5)
        await wait_for_indexes(api)
        rows, expected = count_rows(api.db), forecast(api, log_days=30)
        report = await prune(api, log_days=30)
        assert report.log_rows == expected.log.rows == rows - count_rows(api.db) > 0
        assert expected.log.bytes > 100 * expected.log.rows
        await check_copies(api)
    assert forecast(api, log_days=30).log.rows == 0
    assert check_log(api.db) is None


def check_log(db: Database) -> str | None:
    """What `dateline check` finds wrong of the log, and of articles beside it."""
    with db.snapshot() as snapshot:
        return check._check_log(snapshot.connection) or check._check_versions(snapshot.connection)


async def test_tombstones_stay(api: Served) -> None:
    gone = await post(api.editor, "What is to go")
    await patch(api.editor, gone, tags=["eu"])
    await delete(api.editor, gone, purge="true")
    left = await post(api.editor, "What stays")
    make_older(api.db)
    assert (await prune(api, log_days=1)).log_rows == 2
    copy = await Copy(api.public).follow()
    assert copy.events == [("purged", gone), ("published", left)]


async def test_a_place_from_before_expires_and_says_how_to_go_on(api: Served) -> None:
    for number in range(6):
        id = await post(api.editor, f"Story {number}", tags=["eu"])
        await patch(api.editor, id, tags=[])
    old, head = Copy(api.public, {"tag": "eu"}), Copy(api.public)
    await old.poll()
    await head.follow()
    make_older(api.db)
    await prune(api, log_days=30)
    response = await api.public.get("/v1/changes", params={"since": old.place, "tag": "eu"})
    assert (response.status_code, response.json()["code"]) == (410, "cursor_expired")
    assert "since=0" in response.json()["detail"]
    assert response.json()["export"] == "/v1/export?tag=eu"
    at_head = await api.public.get("/v1/changes", params={"since": head.place})
    assert (at_head.status_code, at_head.json()["data"]) == (200, [])
    dated = await api.public.get("/v1/changes", params={"since": "now-200d"})
    assert (dated.status_code, dated.json()["code"]) == (410, "cursor_expired")
    assert (await api.public.get("/v1/changes", params={"since": "now-20d"})).status_code == 200
    seq = await api.public.get("/v1/search", params={"q": "story", "min_seq": old.place})
    assert (seq.status_code, seq.json()["code"]) == (422, "seq_unknown")


async def test_who_is_under_way_goes_on_until_the_log_is_pruned_again(api: Served) -> None:
    ids = [await post(api.editor, f"Story {number}") for number in range(6)]
    for id in ids:
        await patch(api.editor, id, tags=["eu"])
    make_older(api.db)
    await prune(api, log_days=30)
    first, second = Copy(api.public), Copy(api.public)
    await first.poll(2)
    await second.poll(2)
    assert len((await first.follow()).cards) == 6
    # The one that the second copy has is withdrawn, and edited beyond recognition, in what is pruned next.
    await delete(api.editor, ids[0])
    await patch(api.editor, ids[0], tags=["nato"])
    await post(api.editor, "One more")
    make_older(api.db)
    await prune(api, log_days=30)
    response = await api.public.get("/v1/changes", params={"since": second.place})
    assert (response.status_code, response.json()["code"]) == (410, "cursor_expired")
    fresh = await Copy(api.public).follow()
    assert fresh.cards == await fresh.load_list()
    stream = await api.public.get("/v1/changes/stream", params={"since": first.place})
    assert stream.status_code == 410  # it was within what is pruned now


@pytest.mark.long_on("postgresql")
async def test_readers_do_not_notice_when_rows_are_deleted(api: Served) -> None:
    await edit_at_random(api, random.Random(3), 40)
    make_older(api.db)
    rows, settings = count_rows(api.db), api.settings.model_copy(update={"log_days": 30})
    await wait_for_indexes(api)
    portions, seen = count(), list[list[tuple[str, int]]]()
    for most in (2, 3, 5, 1_000):
        pruning = Pruning(api.db, settings, lambda: next(portions) >= most)  # noqa: B023 # called within the round
        pruning.pace.size = 4
        portions = count()
        try:
            pruning.run()
        except RoundStopped:
            assert most < 1_000
        copy = await Copy(api.public, {"tag": "nato"}).follow()
        seen.append([(event, id) for event, id in copy.events])
        assert copy.cards == await copy.load_list()
        assert check_log(api.db) is None
    assert all(one == seen[0] for one in seen)
    assert count_rows(api.db) < rows
    await check_copies(api)


async def test_what_is_old_enough_stays_for_whom_it_is_needed(api: Served) -> None:
    id = await post(api.editor, "A story")
    made = await api.editor.post("/v1/webhooks", json={"name": "W", "url": "https://receiver.test/", "enabled": True})
    assert made.status_code == 201, made.text
    webhook = made.json()["id"]
    await patch(api.editor, id, tags=["eu"])
    await patch(api.editor, id, tags=["nato"])
    make_older(api.db)
    await wait_for_indexes(api)
    held = forecast(api, log_days=30)
    assert (held.log.rows, held.held_by) == (0, (f"webhook {webhook}",))
    assert (await prune(api, log_days=30)).log_rows == 0

    async def switch(enabled: bool) -> dict[str, object]:
        response = await api.editor.patch(
            f"/v1/webhooks/{webhook}", json={"enabled": enabled}, headers={"If-Match": "*"}
        )
        assert response.status_code == 200, response.text
        return dict(response.json())

    await switch(False)
    assert (await prune(api, log_days=30)).log_rows == 1  # the one by which it became public stays
    switched = await switch(True)
    assert isinstance(switched["off"], dict)
    assert switched["off"]["reason"] == "place_expired"
    old = await api.editor.post(f"/v1/webhooks/{webhook}/replay", params={"since": "now-200d"})
    assert (old.status_code, old.json()["code"]) == (410, "cursor_expired")
    assert (await api.editor.post(f"/v1/webhooks/{webhook}/replay", params={"since": "0"})).status_code == 200
    assert (await switch(True))["off"] is None


async def test_what_an_endpoint_did_not_take_stays_as_long_as_it_is_tried(api: Served) -> None:
    id = await post(api.editor, "A story")
    made = await api.editor.post("/v1/webhooks", json={"name": "W", "url": "https://receiver.test/", "enabled": False})
    address = f"/v1/webhooks/{made.json()['id']}"
    for tag in ("eu", "nato"):
        await patch(api.editor, id, tags=[tag])
    make_older(api.db)
    await wait_for_indexes(api)

    def fail(session: Session) -> int:
        """As if it had been sent all, and had not taken the first of it."""
        connection, head = session.connection(), log.head(Snapshot(session.connection()))
        connection.execute(update(WEBHOOK).values(seq=head.seq, off_reason=None))
        row = {
            "webhook_id": made.json()["id"],
            "entity": "article",
            "entity_id": id,
            "attempts": 1,
            "next_try": 4_000_000_000,
        }
        connection.execute(insert(RETRY).values(seq=head.seq - 1, **row))
        return head.seq

    seq = api.db.write_now(fail).value
    with api.db.snapshot() as snapshot:
        held = {hold.seq for hold in log_end.find_holds(snapshot.connection, log.head(snapshot))}
    assert held == {seq - 2}
    off = await api.editor.patch(address, json={"enabled": False}, headers=ANY)
    assert off.status_code == 200, off.text
    assert (await prune(api, log_days=30)).log_rows == 1
    switched = await api.editor.patch(address, json={"enabled": True}, headers=ANY)
    assert switched.json()["off"]["reason"] == "place_expired"
    again = await api.editor.post(f"{address}/replay", params={"since": "0"})
    assert again.status_code == 200
    assert (await api.editor.patch(address, json={"enabled": True}, headers=ANY)).json()["off"] is None


async def test_an_index_that_was_away_builds_itself_anew(api: Served) -> None:
    from test_pruned_followers import Remembered

    from app.changes.follower import step

    id = await post(api.editor, "A story")
    follower = Remembered()
    assert step(api.db, follower) > 0  # there is none: built
    while step(api.db, follower):
        pass
    place = follower.place
    for tag in ("eu", "nato", "asean"):
        await patch(api.editor, id, tags=[tag])
    make_older(api.db)
    await prune(api, log_days=30)
    assert follower.rebuilt == 1
    while step(api.db, follower):
        pass
    assert follower.rebuilt == 2
    assert follower.place is not None
    assert place is not None
    assert follower.place.seq > place.seq


async def test_check_finds_what_pruning_did_not_delete(api: Served) -> None:
    ids = [await post(api.editor, f"Story {number}") for number in range(3)]
    for id in ids:
        await patch(api.editor, id, tags=["eu"])
    gone = await post(api.editor, "Gone")
    await delete(api.editor, gone, purge="true")
    await post(api.editor, "The end")
    make_older(api.db)
    await prune(api, log_days=30)
    await post(api.editor, "Behind")
    await post(api.editor, "And more")
    with api.db.snapshot() as snapshot:
        head = log.head(snapshot)
        tombstone = snapshot.connection.execute(select(CHANGE.c.seq).where(CHANGE.c.event == "purged")).scalar_one()
    assert tombstone < head.pruned_seq < head.seq - 1
    for seq, place in ((tombstone, f"up to {head.pruned_seq}"), (head.seq - 1, f"between {head.pruned_seq + 1}")):
        with api.db.engine.connect() as connection:
            connection.execute(delete_from(CHANGE).where(CHANGE.c.seq == seq))
            wrong = check._check_log(connection)
            connection.rollback()
        assert wrong is not None
        assert place in wrong
        assert check_log(api.db) is None


async def test_the_place_is_one_that_the_public_sees(api: Served) -> None:
    await post(api.editor, "A story")
    draft = await post(api.editor, "A draft", status="draft")
    for tag in ("eu", "nato"):
        await patch(api.editor, draft, tags=[tag])
    now = Copy(api.public, place="now")
    await now.poll()
    make_older(api.db)
    await prune(api, log_days=30)
    with api.db.snapshot() as snapshot:
        head = log.head(snapshot)
        assert head.pruned_seq == head.public_seq < head.seq
        assert log_end.find_end(snapshot, api.settings.model_copy(update={"log_days": 30})) is None
    assert parse_token(now.place) == head.public_position
    await now.poll()
    assert now.events == []
    await post(api.editor, "News")
    await now.poll()
    assert [event for event, _ in now.events] == ["published"]


@pytest.fixture
async def closed_archive(settings: Settings) -> AsyncIterator[Served]:
    async with serve(settings.model_copy(update={"public_reads": False})) as api:
        yield api


async def test_a_key_with_an_embargo_sees_no_more_and_no_less(closed_archive: Served) -> None:
    api = closed_archive
    from app.audit.entitlements.terms import Terms

    seen = await post(api.editor, "Seen in the end")
    withdrawn = await post(api.editor, "Withdrawn within its embargo")
    await delete(api.editor, withdrawn)
    await patch(api.editor, withdrawn, tags=["eu"])
    await patch(api.editor, seen, tags=["eu"])
    make_older(api.db, 10)
    young = await post(api.editor, "Under embargo")
    await patch(api.editor, young, tags=["eu"])
    make_older(api.db, 3)
    young_too = await post(api.editor, "Under embargo as well")

    async def make_key(hours: int) -> dict[str, str]:
        made = await api.db.write(auth.create_key, "partner", (), None, Terms("", hours, ()).encode())
        return {"Authorization": f"Bearer {made.value}"}

    short, long = await make_key(24), await make_key(24 * 7)
    copies = [Copy(api.public, headers=key) for key in (short, long)]
    for copy in copies:
        await copy.follow()
    before = [await copy.load_list() for copy in copies]
    assert [set(one) for one in before] == [{seen, young}, {seen}]
    # Not for the key whose embargo is longer than the log is kept: what it has yet to be told of stays.
    report = await prune(api, log_days=2)
    assert report.held_by == (f"key {await _last_key(api)}, with an embargo of 168 hours",)
    assert report.log_rows > 0
    latest = await make_key(24 * 14)  # of whom the log knew nothing when it was pruned
    for copy, listed in zip(copies, before, strict=True):
        fresh = await Copy(api.public, headers=copy.headers).follow()
        assert fresh.cards == await copy.load_list() == listed
        assert {id for _, id in fresh.events} == set(listed)
        await copy.follow()
        assert copy.cards == listed
        gone = await api.public.get(f"/v1/articles/{withdrawn}", headers=dict(copy.headers))
        assert gone.status_code == 404  # never seen: not even as withdrawn
    assert (await Copy(api.public, headers=latest).follow()).cards == {}
    make_older(api.db, 5)
    for copy in [*copies, Copy(api.public, headers=short)]:
        await copy.follow()
        assert copy.cards == await copy.load_list()
    assert young in copies[1].cards
    assert young_too in copies[0].cards


async def _last_key(api: Served) -> int:
    with api.db.snapshot() as snapshot:
        return int(snapshot.connection.execute(select(func.max(log_end.KEY.c.id))).scalar_one())
