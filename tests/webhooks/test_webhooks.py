"""Webhooks from outside: an endpoint is told what the change feed tells, signed, in order, and again where that fails."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Served, serve
from support.receivers import Receiver, close_after_status, find_closed_port, respond_with, run_receiver

from app.settings import Settings

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
BODY = "<p>The dams of the region.</p>"
ANY = {"If-Match": "*"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


@pytest.fixture(scope="module")
async def api(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("webhooks")
    shutil.copy(sqlite_template, folder / "dateline.db")
    settings = Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15, webhook_private_addresses=True)
    async with serve(settings) as running:
        yield running


async def create(api: Served, url: str, **more: object) -> Json:
    response = await api.editor.post("/v1/webhooks", json={"name": "Test", "url": url, **more})
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


async def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come to that in time")


async def get(api: Served, id: int) -> Json:
    shown: Json = (await api.editor.get(f"/v1/webhooks/{id}")).json()
    return shown


async def wait_until(api: Served, id: int, condition: Callable[[Json], bool], seconds: float = 10) -> Json:
    for _ in range(int(seconds / 0.05)):
        if condition(shown := await get(api, id)):
            return shown
        await asyncio.sleep(0.05)
    pytest.fail(f"it did not come to that in time: {shown}")


async def test_endpoint_is_told_what_the_feed_tells(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url, filter={"tag": "dams"}, include=["body"])
    assert made["secret"].startswith("whsec_")
    since = made["place"]
    article = await api.post(title="Dams", body=BODY, tags=["dams"])
    await api.post(title="Other", body=BODY)
    other = {"title": "Dams of others"}
    assert (await api.editor.patch(f"/v1/articles/{article['id']}", json=other, headers=ANY)).status_code == 200
    tags = {"tags": ["rivers"]}
    assert (await api.editor.patch(f"/v1/articles/{article['id']}", json=tags, headers=ANY)).status_code == 200
    await wait_for(lambda: len(receiver.received) == 3)
    feed = await api.public.get("/v1/changes", params={"since": since, "tag": "dams", "include": "article,body"})
    told = feed.json()["data"]
    assert [one.data for one in receiver.received][-1] == told[-1]
    assert [(one.data["seq"], one.data["event"]) for one in receiver.received] == [
        (one["seq"], one["event"]) for one in told
    ]
    assert [one.payload["type"] for one in receiver.received] == [
        "article.published", "article.updated", "article.left_filter",
    ]  # fmt: skip
    for one in receiver.received:
        one.verify(made["secret"])
        assert one.payload["timestamp"] == one.data["at"]
    assert receiver.received[0].data["card"]["body"] == BODY
    assert len({one.id for one in receiver.received}) == 3
    shown = await wait_until(api, made["id"], lambda now: now["behind"] == 0)
    assert (shown["state"], shown["waiting"], "secret" in shown) == ("on", 0, False)
    attempts = (await api.editor.get(f"/v1/webhooks/{made['id']}/attempts")).json()["data"]
    assert [(one["type"], one["status"], one["delivered"], one["target"]["id"]) for one in attempts] == [
        (one.payload["type"], 204, True, article["id"]) for one in reversed(receiver.received)
    ]
    assert [one["message"] for one in attempts] == [one.id for one in reversed(receiver.received)]


async def test_draft_is_never_told(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    draft = await api.editor.post("/v1/articles", json={"title": "Hidden desk", "body": BODY})
    id = draft.json()["id"]
    await api.editor.patch(f"/v1/articles/{id}", json={"title": "Hidden still"}, headers=ANY)
    await api.post(title="Seen", body=BODY)
    await wait_for(lambda: len(receiver.received) == 1)
    published = await api.editor.patch(f"/v1/articles/{id}", json={"status": "published"}, headers=ANY)
    assert published.status_code == 200, published.text
    await wait_for(lambda: len(receiver.received) == 2)
    assert receiver.received[0].data["card"]["title"] == "Seen"
    told = receiver.received[1].data
    assert (told["event"], told["changed_fields"], told["article"]["previous_slug"]) == ("published", [], None)
    attempts = (await api.editor.get(f"/v1/webhooks/{made['id']}/attempts")).json()["data"]
    assert len(attempts) == 2
