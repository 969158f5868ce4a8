"""The audit: every way of writing leaves its rows, in the same transaction, with who did it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve, with_own_epoch
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.changes import audit_trail
from app.changes.entries import LogEntry
from app.db.audit_rows import MOST_DETAILS, encode_details
from app.db.database import Database
from app.http import auth
from app.models import Audit, Change, SavedSearch, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
AUDIT, CHANGE, SEARCH = table(Audit), table(Change), table(SavedSearch)


@pytest.fixture
async def own_archive(settings: Settings) -> AsyncIterator[Served]:
    async with serve(with_own_epoch(settings)) as server:
        yield server


@dataclass
class Door:
    """One key at one way of writing; `row` sends the request under an id of its own and returns the audit's rows."""

    served: Served
    key: str
    name: str
    number: int = 0

    async def send(self, verb: str, path: str, expected: int | None, **more: Any) -> httpx.Response:
        self.number += 1
        headers = {"Authorization": self.key, "X-Request-Id": self.request, **more.pop("headers", {})}
        response = await self.served.public.request(verb, path, headers=headers, **more)
        assert expected is None or response.status_code == expected, response.text
        return response

    async def article(self, **fields: object) -> int:
        made = await self.send("POST", "/v1/articles", 201, json={"title": f"Story {self.name}", **fields})
        return int(made.json()["id"])

    @property
    def request(self) -> str:
        return f"{self.served.db.dialect}-{self.name}-{self.number}"


ANY = {"If-Match": "*"}
Try = Callable[[Door], Awaitable[list[tuple[object, ...]]]]


async def create(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    return [("create", "article", id, None, 1)]


async def update(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    await door.send("PATCH", f"/v1/articles/{id}", 200, headers=ANY, json={"status": "published"})
    return [("publish", "article", id, 1, 2)]


async def put(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    await door.send("PUT", f"/v1/articles/{id}", 200, headers=ANY, json={"title": "Another"})
    return [("edit", "article", id, 1, 2)]


async def delete(door: Door) -> list[tuple[object, ...]]:
    id = await door.article(status="published")
    await door.send("DELETE", f"/v1/articles/{id}?reason=wrong", 200, headers=ANY)
    return [("withdraw", "article", id, 1, 2)]


async def relate(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    await door.send("PUT", f"/v1/articles/{id}/related", 200, headers=ANY, json=["A title that is nowhere"])
    return [("edit", "article", id, 1, 2)]


async def restore(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    await door.send("PATCH", f"/v1/articles/{id}", 200, headers=ANY, json={"title": "Changed"})
    await door.send("POST", f"/v1/articles/{id}/revisions/1/restore", 200, headers=ANY)
    return [("edit", "article", id, 2, 3)]


async def decide(door: Door) -> list[tuple[object, ...]]:
    """The decision, and the edit that follows from it."""
    id = await door.article(body="<p>Helsinki and Finland, Finland.</p>")
    suggestions = (await door.send("GET", f"/v1/articles/{id}/suggestions", 200)).json()["data"]
    one = next(one["id"] for one in suggestions if one["kind"] == "region")
    await door.send("PUT", f"/v1/articles/{id}/suggestions/{one}", 200, headers=ANY, json={"state": "accepted"})
    return [("edit", "article", id, 1, 2), ("suggestion_accept", "article", id, 1, 1)]


async def preview(door: Door) -> list[tuple[object, ...]]:
    """Nothing is stored."""
    await door.send("POST", "/v1/preview", 200, json={"body": "Words."})
    return []


async def take_out_of_the_bin(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    await door.send("DELETE", f"/v1/articles/{id}", 200, headers=ANY)
    trashed = [row["action"] for row in rows(door.served.db, request_id=door.request)]
    await door.send("POST", f"/v1/articles/{id}/restore", 200)
    assert trashed == ["trash"]
    return [("restore", "article", id, 2, 3)]


async def make_tag(door: Door) -> list[tuple[object, ...]]:
    made = await door.send("POST", "/v1/tags", 201, json={"name": f"Tag {door.name}", "kind": "topic"})
    return [("tag_create", "tag", made.json()["id"], None, None)]


async def change_tag(door: Door) -> list[tuple[object, ...]]:
    made = await door.send("POST", "/v1/tags", 201, json={"name": f"Change {door.name}", "kind": "topic"})
    await door.send("PATCH", f"/v1/tags/{made.json()['slug']}", 200, json={"name": f"Changed {door.name}"})
    return [("tag_edit", "tag", made.json()["id"], None, None)]


async def merge(door: Door) -> list[tuple[object, ...]]:
    ids = []
    for name in ("from", "into"):
        made = await door.send("POST", "/v1/tags", 201, json={"name": f"{name} {door.name}", "kind": "topic"})
        ids.append(made.json()["id"])
    article = await door.article(status="published", tags=[f"from-{door.name}"])
    await door.send("POST", f"/v1/tags/from-{door.name}/merge", 200, json={"into": f"into-{door.name}"})
    job = ("tag_merge", "job", ..., None, None)
    return [job, job, ("relink", "article", article, 1, 1), ("tag_merge", "tag", ids[1], None, None)]


async def make_region(door: Door) -> list[tuple[object, ...]]:
    payload = {"level": "grouping", "name": f"Pact {door.name}", "members": ["france"]}
    made = await door.send("POST", "/v1/regions", 201, json=payload)
    return [("region_create", "region", made.json()["id"], None, None)]


async def change_region(door: Door) -> list[tuple[object, ...]]:
    payload = {"level": "grouping", "name": f"Union {door.name}", "members": ["france"]}
    made = await door.send("POST", "/v1/regions", 201, json=payload)
    country = {"0": "kenya", "1": "ghana", "2": "peru"}[door.name[3]]
    article = await door.article(regions=[country], status="published")
    await door.send("PATCH", f"/v1/regions/{made.json()['slug']}", 200, json={"members": [country]})
    job = ("region_edit", "job", ..., None, None)
    region = made.json()["id"]
    filled = ("relink", "region", region, None, None)
    return [job, job, ("relink", "article", article, 1, 1), ("region_edit", "region", region, None, None), filled]


async def import_(door: Door) -> list[tuple[object, ...]]:
    lines = b'{"id": "1", "title": "Wired", "body": "Text."}\nbroken\n'
    headers = {"Content-Type": "application/x-ndjson"}
    response = await door.send("POST", f"/v1/imports?origin={door.name}", 200, content=lines, headers=headers)
    lines_back = [orjson.loads(line) for line in response.content.splitlines()]
    id, record = lines_back[0]["id"], lines_back[-1]["import"]
    return [("create", "article", id, None, 1), ("import", "import", record, None, None)]


async def edit_in_bulk(door: Door) -> list[tuple[object, ...]]:
    id = await door.article()
    begun = await door.send("POST", "/v1/articles/bulk", 202, json={"ids": [id], "language": "fr"})
    record = await wait_for_end(door, begun.headers["location"])
    told = ("bulk_edit", "import", record["id"], None, None)
    return [told, told, ("edit", "article", id, 1, 2)]


async def undo(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_), (_, _, record, *_)] = await import_(door)
    await door.send("POST", f"/v1/imports/{record}/undo", 200)
    told = ("undo", "import", record, None, None)
    return [told, told, ("withdraw", "article", id, 1, 2)]


async def stop(door: Door) -> list[tuple[object, ...]]:
    """Asked for until it comes before the end of the job, which is short."""
    id = await door.article()
    for language in ("fr", "de", "nl", "da", "sv", "fi", "pl", "cs"):
        edit = {"ids": [id], "language": language}
        begun = await door.send("POST", "/v1/articles/bulk", 202, json=edit)
        job = begun.json()["id"]
        stopped = await door.send("POST", f"/v1/jobs/{job}/stop", None)
        if stopped.status_code == 200:
            return [("bulk_edit", "import", job, None, None)]
        assert stopped.status_code == 409, stopped.text
    raise AssertionError("no job could be stopped")


async def wait_for_end(door: Door, address: str) -> dict[str, Any]:
    for _ in range(200):
        record = await door.served.editor.get(address)
        if record.json()["state"] == "done":
            return dict(record.json())
        await asyncio.sleep(0.05)
    raise AssertionError(record.text)


async def make_webhook(door: Door) -> list[tuple[object, ...]]:
    payload = {"name": f"Hook {door.name}", "url": "https://hooks.example.invalid/", "enabled": False}
    made = await door.send("POST", "/v1/webhooks", 201, json=payload)
    return [("webhook_create", "webhook", made.json()["id"], None, 1)]


async def change_webhook(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_)] = await make_webhook(door)
    await door.send("PATCH", f"/v1/webhooks/{id}", 200, json={"filter": {"tag": "x"}})
    return [("webhook_edit", "webhook", id, 1, 2)]


async def delete_webhook(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_)] = await make_webhook(door)
    await door.send("DELETE", f"/v1/webhooks/{id}", 204)
    return [("webhook_delete", "webhook", id, 1, None)]


async def rotate_webhook(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_)] = await make_webhook(door)
    await door.send("POST", f"/v1/webhooks/{id}/rotate", 200)
    return [("webhook_rotate", "webhook", id, 1, 2)]


async def replay_webhook(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_)] = await make_webhook(door)
    await door.send("POST", f"/v1/webhooks/{id}/replay?since=0", 200)
    return [("webhook_replay", "webhook", id, 1, 2)]


async def try_webhook(door: Door) -> list[tuple[object, ...]]:
    """Nothing of the archive changes by it."""
    [(_, _, id, *_)] = await make_webhook(door)
    await door.send("POST", f"/v1/webhooks/{id}/test", 200)
    return []


async def save_search(door: Door) -> list[tuple[object, ...]]:
    made = await door.send("POST", "/v1/searches", 201, json={"slug": door.name, "q": f"secret {door.name}"})
    assert made.json()["slug"] == door.name
    return [("search_create", "search", find_search(door), None, None)]


async def change_search(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_)] = await save_search(door)
    await door.send("PATCH", f"/v1/searches/{door.name}", 200, json={"q": "another secret", "name": None})
    return [("search_edit", "search", id, None, None)]


async def delete_search(door: Door) -> list[tuple[object, ...]]:
    [(_, _, id, *_)] = await save_search(door)
    await door.send("DELETE", f"/v1/searches/{door.name}", 204)
    return [("search_delete", "search", id, None, None)]


def find_search(door: Door) -> int:
    """The newest one."""
    with door.served.db.snapshot() as snapshot:
        return int(snapshot.connection.execute(select(func.max(SEARCH.c.id))).scalar_one())


DOORS: dict[str, Try] = {
    "create_article": create,
    "update_article": update,
    "replace_article": put,
    "delete_article": delete,
    "replace_related": relate,
    "restore_article": take_out_of_the_bin,
    "restore_revision": restore,
    "decide_suggestion": decide,
    "preview_body": preview,
    "create_tag": make_tag,
    "update_tag": change_tag,
    "merge_tags": merge,
    "create_region": make_region,
    "update_region": change_region,
    "import_articles": import_,
    "edit_articles": edit_in_bulk,
    "undo_import": undo,
    "stop_job": stop,
    "create_webhook": make_webhook,
    "update_webhook": change_webhook,
    "delete_webhook": delete_webhook,
    "rotate_webhook_secret": rotate_webhook,
    "replay_webhook": replay_webhook,
    "test_webhook": try_webhook,
    "create_search": save_search,
    "update_search": change_search,
    "delete_search": delete_search,
}


def rows(db: Database, **expected: object) -> list[dict[str, Any]]:
    """Rows of the audit as they are stored, oldest first."""
    statement = select(AUDIT).where(*(AUDIT.c[name] == value for name, value in expected.items())).order_by(AUDIT.c.id)
    with db.snapshot() as snapshot:
        return [dict(row._mapping) for row in snapshot.connection.execute(statement)]


def check_against_log(db: Database) -> None:
    """Every row of the log has one of the audit that says the same; regions of the program are told of together."""
    with db.snapshot() as snapshot:
        changes = [dict(row._mapping) for row in snapshot.connection.execute(select(CHANGE).order_by(CHANGE.c.seq))]
    by_seq: dict[int, list[dict[str, Any]]] = {}
    for row in rows(db):
        if row["action"] != "region_load":
            by_seq.setdefault(row["seq"], []).append(row)
    for change in changes:
        if change["entity"] == "region" and change["changed_fields"] == "[]":
            continue
        [row] = by_seq[change["seq"]]
        assert (row["entity"], row["entity_id"]) == (change["entity"], change["entity_id"])
        after = row["version_before"] if change["event"] == "purged" else row["version_after"]
        assert after == change["version"]


@pytest.mark.slow
@pytest.mark.long_on("postgresql")
async def test_every_door_that_writes_leaves_the_right_rows_for_each_of_three_keys(own_archive: Served) -> None:
    described = (await own_archive.public.get("/openapi.json")).json()["paths"]
    writes = {
        one["operationId"]
        for operations in described.values()
        for verb, one in operations.items()
        if verb in ("post", "put", "patch", "delete")
    }
    assert writes == DOORS.keys()
    for number in range(3):
        name = f"key{number}"
        made = (await own_archive.db.write(auth.create_key, name, auth.SCOPES)).value
        for operation, attempt in DOORS.items():
            door = Door(own_archive, f"Bearer {made}", f"{name}-{operation.replace('_', '-')}")
            expected = await attempt(door)
            result = rows(own_archive.db, request_id=door.request)
            told = [
                tuple(row[n] for n in ("action", "entity", "entity_id", "version_before", "version_after"))
                for row in result
            ]
            told = [(one[0], one[1], ..., *one[3:]) if one[1] == "job" else one for one in told]
            assert sorted(map(repr, told)) == sorted(map(repr, expected)), operation
            own = ("key", name, int(made.split("_")[1]))
            assert {(row["actor_kind"], row["actor"], row["key_id"]) for row in result} == (
                {own} if expected else set()
            )
    check_against_log(own_archive.db)
    assert not rows(own_archive.db, actor="unknown", entity="article")


async def test_what_changes_nothing_leaves_no_row(api: Served) -> None:
    made = await api.editor.post("/v1/articles", json={"title": "Once"}, headers={"Idempotency-Key": "a"})
    path, before = f"/v1/articles/{made.json()['id']}", len(rows(api.db))
    again = await api.editor.post("/v1/articles", json={"title": "Once"}, headers={"Idempotency-Key": "a"})
    same = await api.editor.patch(path, json={"title": "Once"}, headers=ANY)
    stale = await api.editor.patch(path, json={"title": "Other"}, headers={"If-Match": '"9"'})
    wrong = await api.editor.patch(path, json={"status": "withdrawn"}, headers=ANY)
    assert [a.status_code for a in (again, same, stale, wrong)] == [201, 200, 412, 409]
    lines = b'{"id": "1", "title": "Wired", "body": "Text."}\n'
    dry = await api.editor.post(
        "/v1/imports?dry_run=true", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    assert dry.status_code == 200
    assert len(rows(api.db)) == before


async def test_details_name_fields_states_and_counts_and_no_text(api: Served) -> None:
    made = await api.post(title="Quixotic herring", body="<p>Marmalade</p>")
    sent = {"title": "Quixotic mackerel", "correction": "It was mackerel."}
    await api.editor.patch(f"/v1/articles/{made['id']}", json=sent, headers=ANY)
    lines = b'{"id": "1", "title": "Quixotic", "body": "Text."}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    response = await api.editor.post("/v1/imports?origin=wire", content=lines, headers=headers)
    record = orjson.loads(response.content.splitlines()[-1])
    details = [(row["action"], orjson.loads(row["details"] or "{}")) for row in rows(api.db)][-4:]
    assert details == [
        ("create", {"status": [None, "published"]}),
        ("correct", {"fields": ["corrections", "title"]}),
        ("create", {"status": [None, "published"], "origin": "wire", "import": record["import"]}),
        ("import", {"state": "done", "created": 1, "updated": 0, "unchanged": 0, "failed": 0, "origin": "wire"}),
    ]
    assert "uixotic" not in repr(rows(api.db))


async def test_saved_searches_are_named_where_they_are_public(api: Served) -> None:
    await api.post(title="Herring")
    for slug, public in (("quiet", False), ("loud", True)):
        body = {"slug": slug, "q": "herring", "public": public, "name": "Quixotic"}
        assert (await api.editor.post("/v1/searches", json=body)).status_code == 201
    sent: list[tuple[str, dict[str, Any]]] = [
        ("loud", {"q": "cod", "name": None}),
        ("loud", {}),
        ("loud", {"public": False}),
    ]
    for slug, change in sent:
        assert (await api.editor.patch(f"/v1/searches/{slug}", json=change)).status_code == 200
    for slug in ("quiet", "loud"):
        assert (await api.editor.delete(f"/v1/searches/{slug}")).status_code == 204
    told = [(row["action"], orjson.loads(row["details"] or "{}")) for row in rows(api.db, entity="search")]
    assert told == [
        ("search_create", {}),
        ("search_create", {"search": "loud"}),
        ("search_edit", {"search": "loud", "fields": ["name", "q"]}),
        ("search_edit", {"fields": ["public"]}),
        ("search_delete", {}),
        ("search_delete", {}),
    ]
    for text in ("uixotic", "quiet", "cod", "herring"):
        assert text not in repr(rows(api.db, entity="search"))


async def test_job_acts_in_the_name_of_whoever_sent_it(api: Served) -> None:
    headers = {"Content-Type": "text/plain", "X-Request-Id": "sent-by-hand"}
    response = await api.editor.post("/v1/imports?origin=desk", content=b"Title\n\nText of it.", headers=headers)
    job = response.json()["id"]
    for _ in range(200):
        if (await api.editor.get(f"/v1/imports/{job}")).json()["state"] == "done":
            break
        await asyncio.sleep(0.02)
    result = rows(api.db, request_id="sent-by-hand")
    told = [(row["action"], row["entity"], orjson.loads(row["details"])) for row in result]
    within = {"import": job, "origin": "desk"}
    counts = {"created": 1, "updated": 0, "unchanged": 0, "failed": 0, "done": 1}
    assert told[0] == ("import", "import", {"state": "begun"})
    assert sorted(told[1:], key=repr) == sorted(
        [
            ("create", "article", {"status": [None, "published"], **within}),
            ("import", "import", {"state": "done", **counts, **within}),
        ],
        key=repr,
    )
    assert {row["actor"] for row in result} == {"test"}


async def test_scheduled_article_is_published_by_the_server(api: Served) -> None:
    from app.articles import service
    from app.db.actor import Actor, act_as

    made = await api.editor.post(
        "/v1/articles", json={"title": "Soon", "status": "scheduled", "published_at": "2199-01-01T00:00:00Z"}
    )
    with act_as(Actor("server", "schedule")):
        api.db.write_now(service.go_live, now=7_258_118_400)
    [created, live] = rows(api.db, entity="article", entity_id=made.json()["id"])
    assert (created["action"], orjson.loads(created["details"])["status"]) == ("create", [None, "scheduled"])
    assert (live["action"], live["actor_kind"], live["actor"]) == ("publish", "server", "schedule")


STATES = {
    ("draft", "scheduled"): "schedule",
    ("draft", "published"): "publish",
    ("draft", "trashed"): "trash",
    ("scheduled", "draft"): "unschedule",
    ("scheduled", "published"): "publish",
    ("scheduled", "trashed"): "trash",
    ("published", "withdrawn"): "withdraw",
    ("published", "draft"): "unpublish",
    ("withdrawn", "published"): "publish",
    ("withdrawn", "draft"): "unpublish",
    ("trashed", "draft"): "restore",
    ("trashed", "published"): "restore",
}


@pytest.mark.parametrize(("states", "action"), STATES.items())
def test_action_is_named_by_the_states_before_and_after(states: tuple[str, str], action: str) -> None:
    before, after = ({"status": one} for one in states)
    entry = LogEntry("article", 1, "updated", public=True, version=2, before=dict(before), after=dict(after))
    assert audit_trail.derive_action(entry) == action
    assert audit_trail.derive_action(replace(entry, event="corrected")) == action


@given(st.dictionaries(st.text(max_size=50), st.text(max_size=3_000), max_size=8))
def test_details_are_bounded_in_bytes(details: dict[str, str]) -> None:
    text = encode_details(details)
    said = orjson.loads(text)
    assert len(text.encode()) <= MOST_DETAILS
    assert said == details or "left_out" in said
