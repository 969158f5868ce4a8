"""Servers whose clocks differ: one database decides what is due, and no state changes that nobody named."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from conftest import Served
from sqlalchemy import select, update
from support.processes import DatelineProcess
from support.stories import story as new_story

from app.articles import service
from app.db.database import Database
from app.http import auth
from app.models import Article, Change, table
from app.settings import Settings

pytestmark = pytest.mark.slow

ON = ("postgresql",)
A, CHANGE = table(Article), table(Change)
SLOW, FAST = -5, 3_600


@contextmanager
def _server(settings: Settings, name: str, clock: float) -> Iterator[httpx.Client]:
    """A server whose clock is off by so many seconds, and a client of it."""
    (settings.data_dir / name).mkdir()
    environment = {
        "DATELINE_DATABASE_URL": settings.url,
        "DATELINE_DATA_DIR": str(settings.data_dir / name),
        "CLOCK_OFFSET": str(clock),
    }
    process = DatelineProcess("serve", "--port", "0", environment=environment, quiet=True)
    try:
        result = (word for line in process.lines for word in line.split() if word.startswith("http://"))
        with httpx.Client(base_url=next(result), timeout=30) as client:
            yield client
    finally:
        process.end()


@pytest.fixture
def servers(db: Database, settings: Settings) -> Iterator[list[httpx.Client]]:
    key = db.write_now(auth.create_key, "desk", auth.SCOPES).value
    with _server(settings, "slow", SLOW) as slow, _server(settings, "fast", FAST) as fast:
        for client in (slow, fast):
            client.headers["Authorization"] = f"Bearer {key}"
        yield [slow, fast]


def _publish_and_edit(servers: list[httpx.Client], chance: random.Random, number: int) -> str:
    """Published by one of them and edited by the other at once; its slug."""
    first, second = chance.sample(servers, 2)
    made = first.post("/v1/articles", json={"title": f"Story {number}", "body": "Words", "status": "published"})
    assert made.status_code == 201, made.text
    at = _seconds(made.json()["published_at"])
    assert abs(at - time.time()) < 3  # the database runs on this machine
    edited = second.patch(
        f"/v1/articles/{made.json()['id']}",
        json={"standfirst": "More", **chance.choice([{}, {"tags": ["edited"]}])},
        headers={"If-Match": made.headers["etag"]},
    )
    assert edited.status_code == 200, edited.text
    assert (edited.json()["status"], edited.json()["published_at"]) == ("published", made.json()["published_at"])
    return str(made.json()["slug"])


def _seconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp())


def _schedule(servers: list[httpx.Client], chance: random.Random, number: int) -> tuple[str, int]:
    """Due in a moment, with a fraction of a second; its slug, and the first second at which it may be read."""
    due = round(time.time() + chance.uniform(1.1, 2.5), 3)  # as exact as the text says it
    text = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds")
    body = {"title": f"Later {number}", "body": "Words", "status": "scheduled", "published_at": text}
    made = chance.choice(servers).post("/v1/articles", json=body)
    assert made.status_code == 201, made.text
    assert _seconds(made.json()["published_at"]) >= due
    return str(made.json()["slug"]), _seconds(made.json()["published_at"])


def _run(servers: list[httpx.Client], count: int) -> None:
    chance = random.Random(count)
    published = [_publish_and_edit(servers, chance, number) for number in range(count)]
    waiting = dict(_schedule(servers, chance, number) for number in range(max(3, count // 20)))
    refused = servers[1].post(
        "/v1/articles",
        json={"title": "Soon", "body": "Words", "status": "published", "published_at": _text(time.time() + 60)},
    )
    assert refused.status_code == 422  # by the fast server's own clock it would be past
    _read_when_due(servers, waiting)
    changes = _changes(servers[0])
    assert [row for row in changes if row["event"] == "withdrawn"] == []
    assert sum(row["event"] == "published" for row in changes) == len(published) + 3 if count < 60 else True
    for slug in random.Random(1).sample(published, min(count, 20)):
        assert {client.get(f"/v1/articles/{slug}").json()["status"] for client in servers} == {"published"}


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _read_when_due(servers: list[httpx.Client], waiting: dict[str, int]) -> None:
    """Each goes live at its second or in the one after, and never before."""
    public = [httpx.Client(base_url=client.base_url) for client in servers]
    until = time.time() + 20
    while waiting and time.time() < until:
        for slug, due in list(waiting.items()):
            fresh = {"utm_try": str(time.time())}  # past what is cached
            result = {client.get(f"/v1/articles/{slug}", params=fresh).status_code for client in public}
            if 200 in result:
                assert time.time() >= due
                del waiting[slug]
        time.sleep(0.05)
    for client in public:
        client.close()
    assert waiting == {}


def _changes(client: httpx.Client) -> list[Any]:
    rows: list[Any] = []
    since = "0"
    while True:
        page = client.get("/v1/changes", params={"since": since, "limit": 1000}).json()
        rows += page["data"]
        since = page["next"]
        if not page["has_more"]:
            return rows


@pytest.mark.parametrize("job", [False, True])
def test_imports_are_measured_by_the_clock_of_the_archive(servers: list[httpx.Client], job: bool) -> None:
    """What ends or begins in half an hour, sent to a server that is an hour ahead."""
    soon = _text(time.time() + 1_800)
    stories = [
        {"id": "ending", "title": "Ending", "body": "Words", "expiryDate": soon},
        {"id": "coming", "title": "Coming", "body": "Words", "publishDate": soon},
    ]
    headers = {"Content-Type": "application/x-ndjson", **({"Prefer": "respond-async"} if job else {})}
    sent = servers[1].post("/v1/imports", content="".join(json.dumps(one) + "\n" for one in stories), headers=headers)
    assert sent.status_code == (202 if job else 200), sent.text
    until = time.time() + 20
    while job and servers[0].get(sent.headers["location"]).json()["state"] not in ("done", "failed"):
        assert time.time() < until
        time.sleep(0.1)
    shown = (
        servers[0]
        .get("/v1/articles", params={"status": "draft,scheduled,published", "utm_try": str(time.time())})
        .json()["data"]
    )
    assert {one["slug"]: one["status"] for one in shown} == {"ending": "published", "coming": "scheduled"}


def test_servers_with_other_clocks_change_no_state_and_publish_nothing_early(servers: list[httpx.Client]) -> None:
    _run(servers, 20)


@pytest.mark.torture
def test_a_thousand_publishes_on_servers_with_other_clocks(servers: list[httpx.Client]) -> None:
    _run(servers, 1_000)


def test_clock_that_goes_back_an_hour_during_an_import_takes_nothing_from_the_public(db: Database) -> None:
    now = int(time.time())
    dated, undated = new_story(db, 1, published_at=now - 60), new_story(db, 2, published_at=None)
    for at, more in ((now, ""), (now - 3_600, " edited"), (now - 3_600, " again")):
        edited = [replace(one, title=one.title + more, content_hash=f"{more}{at}") for one in (dated, undated)]
        db.write_now(service.upsert, edited, now=at, site_url="")
    with db.snapshot() as snapshot:
        rows = snapshot.connection.execute(select(A.c.status, A.c.version, A.c.published_at).order_by(A.c.id)).all()
        events = snapshot.connection.execute(select(CHANGE.c.event).where(CHANGE.c.entity == "article")).scalars().all()
    assert [tuple(row) for row in rows] == [("published", 3, now - 60), ("published", 3, None)]
    assert sorted(events) == ["published", "published", "updated", "updated", "updated", "updated"]


@pytest.mark.anyio
async def test_edit_of_an_article_whose_date_is_in_the_future_leaves_it_published(api: Served) -> None:
    """As after the database's own clock was set back."""
    made = await api.post(title="Story", body="Words")
    later = int(time.time()) + 3_600
    with api.db.engine.begin() as connection:
        connection.execute(update(A).where(A.c.id == made["id"]).values(published_at=later))
    path, headers = f"/v1/articles/{made['id']}", {"If-Match": '"1"'}
    edited = await api.editor.patch(path, json={"standfirst": "More"}, headers=headers)
    assert (edited.status_code, edited.json()["status"]) == (200, "published")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "value", "kept"),
    [
        ("scheduled", "2190-01-01T00:00:00.001Z", "2190-01-01T00:00:01Z"),
        ("scheduled", "2190-01-01T00:00:00.000Z", "2190-01-01T00:00:00Z"),
        ("scheduled", "2190-01-01T01:59:59.999+02:00", "2190-01-01T00:00:00Z"),
        ("published", "2020-01-01T00:00:00.999Z", "2020-01-01T00:00:00Z"),
    ],
)
async def test_embargo_with_a_fraction_of_a_second_rounds_up(api: Served, status: str, value: str, kept: str) -> None:
    article = {"title": "Story", "body": "Words", "status": status, "published_at": value}
    made = await api.editor.post("/v1/articles", json=article)
    assert (made.status_code, made.json()["published_at"]) == (201, kept)
