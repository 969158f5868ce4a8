"""Webhooks from outside: an endpoint is told what the change feed tells, signed, in order, and again where it fails."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from conftest import Served, serve
from sqlalchemy import update
from standardwebhooks.webhooks import WebhookVerificationError
from support.tables import tables_with
from support.webhooks.pace import look_often
from support.webhooks.receivers import (
    Received,
    Receiver,
    Respond,
    close_after_status,
    find_closed_port,
    respond_with,
    run_receiver,
)

from app.settings import Settings
from app.sync.webhooks import queries, service
from app.sync.webhooks.payloads import Include
from app.sync.webhooks.selection import INCLUDES

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
BODY = "<p>The dams of the region.</p>"
ANY = {"If-Match": "*"}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    look_often(monkeypatch)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


@pytest.fixture
async def api(archive: Served) -> AsyncIterator[Served]:
    """The archive of the module, without the webhooks of other tests."""
    yield archive
    for one in (await archive.editor.get("/v1/webhooks", params={"limit": 100})).json()["data"]:
        assert (await archive.editor.delete(f"/v1/webhooks/{one['id']}")).status_code == 204


@pytest.fixture(scope="module")
async def archive(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
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


async def post(api: Served, **article: object) -> Json:
    made: Json = await api.post(**article)
    return made


async def list_attempts(api: Served, id: int) -> list[Json]:
    attempts: list[Json] = (await api.editor.get(f"/v1/webhooks/{id}/attempts", params={"limit": 100})).json()["data"]
    return attempts


async def edit(api: Served, id: int, **changes: object) -> None:
    response = await api.editor.patch(f"/v1/articles/{id}", json=changes, headers=ANY)
    assert response.status_code == 200, response.text


async def test_endpoint_is_told_what_the_feed_tells(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url, filter={"tag": "dams"}, include=["body"])
    assert made["secret"].startswith("whsec_")
    since = made["place"]
    article = await post(api, title="Dams", body=BODY, tags=["dams"])
    await post(api, title="Other", body=BODY)
    await wait_for(lambda: len(receiver.received) == 1)  # later its card would be what the article is by then
    await edit(api, article["id"], title="Dams of others")
    await edit(api, article["id"], tags=["rivers"])
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
    attempts = await list_attempts(api, made["id"])
    assert [(one["type"], one["status"], one["delivered"], one["target"]["id"]) for one in attempts] == [
        (one.payload["type"], 204, True, article["id"]) for one in reversed(receiver.received)
    ]
    assert [one["message"] for one in attempts] == [one.id for one in reversed(receiver.received)]


async def test_draft_is_never_told(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    draft = await api.editor.post("/v1/articles", json={"title": "Hidden desk", "body": BODY})
    id = draft.json()["id"]
    await edit(api, id, title="Hidden still")
    await post(api, title="Seen", body=BODY)
    await wait_for(lambda: len(receiver.received) == 1)
    await edit(api, id, status="published")
    await wait_for(lambda: len(receiver.received) == 2)
    assert receiver.received[0].data["card"]["title"] == "Seen"
    told = receiver.received[1].data
    assert (told["event"], told["changed_fields"], told["article"]["previous_slug"]) == ("published", [], None)
    await wait_until(api, made["id"], lambda now: now["behind"] == 0)
    assert len(await list_attempts(api, made["id"])) == 2


@pytest.mark.parametrize(
    ("respond", "status", "error"),
    [
        (respond_with(302, Location="http://127.0.0.1:1/"), 302, "the receiver redirects (302), which is not followed"),
        (respond_with(500), 500, "the receiver responds with 500"),
    ],
)
async def test_failure_is_told_and_tried_again_later(
    api: Served, receiver: Receiver, respond: Respond, status: int, error: str
) -> None:
    receiver.respond = respond
    made = await create(api, receiver.url)
    article = await post(api, title="Refused", body=BODY)
    shown = await wait_until(api, made["id"], lambda now: now["waiting"] == 1)
    assert (shown["state"], shown["off"], shown["behind"]) == ("failing", None, 0)
    [attempt] = await list_attempts(api, made["id"])
    assert (attempt["status"], attempt["error"], attempt["delivered"]) == (status, error, False)
    assert attempt["next_try"] == shown["next_try"] > attempt["at"]
    assert attempt["target"] == {"entity": "article", "id": article["id"]}
    failed = await api.editor.get(f"/v1/webhooks/{made['id']}/attempts?failed=true")
    assert len(failed.json()["data"]) == 1
    for path in ("/health/ready", "/health/live"):
        assert (await api.public.get(path)).status_code == 200


@pytest.mark.parametrize("respond", [respond_with(200, b"x" * 10_000_000), close_after_status])
async def test_odd_success_is_one(api: Served, receiver: Receiver, respond: Respond) -> None:
    receiver.respond = respond
    made = await create(api, receiver.url)
    for number in range(3):
        await post(api, title=f"Odd {number}", body=BODY)
    await wait_until(api, made["id"], lambda now: now["behind"] == 0)
    assert [one["delivered"] for one in await list_attempts(api, made["id"])] == [True] * 3


@pytest.mark.slow
async def test_refused_article_holds_up_no_other_and_keeps_its_order(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    first = await post(api, title="First", body=BODY)
    await wait_for(lambda: len(receiver.received) == 1)
    refused = {first["id"]}

    def respond(handler: Any, received: Received) -> None:
        respond_with(500 if received.article in refused else 204)(handler, received)

    receiver.respond = respond
    for number in range(3):
        await edit(api, first["id"], title=f"First {number}")
    second = await post(api, title="Second", body=BODY)
    third = await post(api, title="Third", body=BODY)
    # Of several articles whichever comes first: they are sent side by side.
    await wait_for(lambda: len(receiver.received) >= 4)
    articles = Counter(one.article for one in receiver.received)
    assert articles == {first["id"]: 2, second["id"]: 1, third["id"]: 1}, "it was tried again at once"
    refused.clear()
    await wait_until(api, made["id"], lambda now: now["waiting"] == 0 and now["behind"] == 0)
    own = [one.id for one in receiver.received if one.article == first["id"]]
    assert own[1] == own[2]
    assert len(set(own)) == len(own) - 1 == 4
    numbers = [one["number"] for one in await list_attempts(api, made["id"]) if one["message"] == own[1]]
    assert numbers == [2, 1]
    places = [one.data["seq"] for one in receiver.received if one.article == first["id"]]
    feed = (await api.public.get("/v1/changes", params={"since": made["place"], "id": first["id"]})).json()["data"]
    assert list(dict.fromkeys(places)) == [one["seq"] for one in feed]


@pytest.mark.slow
async def test_dead_endpoint_keeps_a_place_and_not_a_queue(api: Served) -> None:
    port = find_closed_port()
    made = await create(api, f"http://127.0.0.1:{port}/hook")
    ids = [(await post(api, title=f"Waiting {number}", body=BODY))["id"] for number in range(40)]
    shown = await wait_until(api, made["id"], lambda now: now["waiting"] >= 10)
    await asyncio.sleep(1)
    shown = await get(api, made["id"])
    assert shown["waiting"] + shown["behind"] >= 40
    assert shown["waiting"] < 10 + 8 + 2, "an endpoint that is away is not tried for every article"
    with run_receiver(port) as receiver:
        await wait_until(api, made["id"], lambda now: now["behind"] == now["waiting"] == 0, 20)
        assert {one.article for one in receiver.received} == set(ids)
    assert (await get(api, made["id"]))["state"] == "on"


async def test_endpoint_that_is_gone_is_switched_off_and_goes_on_where_it_stood(
    api: Served, receiver: Receiver
) -> None:
    receiver.respond = respond_with(410)
    made = await create(api, receiver.url)
    article = await post(api, title="Nobody there", body=BODY)
    shown = await wait_until(api, made["id"], lambda now: now["off"] is not None)
    assert (shown["enabled"], shown["state"], shown["off"]["reason"]) == (False, "off", "gone")
    await post(api, title="Later", body=BODY)
    audit = (await api.editor.get("/v1/audit", params={"action": "webhook_off"})).json()["data"][0]
    assert audit["target"] == {"kind": "webhook", "id": made["id"], "slug": None}
    assert (audit["details"], audit["actor"]["kind"]) == ({"reason": "gone"}, "server")
    receiver.respond = respond_with(204)
    assert len(receiver.received) == 1
    again = await api.editor.patch(f"/v1/webhooks/{made['id']}", json={"enabled": True})
    assert again.json()["enabled"] is True
    await wait_until(api, made["id"], lambda now: now["behind"] == now["waiting"] == 0)
    told = [one.article for one in receiver.received]  # in order for each article, not of them all
    assert (len(told), told[0], told.count(article["id"])) == (3, article["id"], 2)


async def test_endpoint_that_asks_for_patience_gets_it(api: Served, receiver: Receiver) -> None:
    responses = [respond_with(429, Retry_After="2")]

    def respond(handler: Any, received: Received) -> None:
        (responses.pop() if responses else respond_with(204))(handler, received)

    receiver.respond = respond
    made = await create(api, receiver.url)
    await post(api, title="Too many", body=BODY)
    await wait_for(lambda: len(receiver.received) == 1)
    await post(api, title="Another", body=BODY)
    await wait_until(api, made["id"], lambda now: now["behind"] == now["waiting"] == 0)
    times = [one.at for one in receiver.received]
    assert len(times) == 3
    assert 0.9 < times[1] - times[0] < 5


async def test_five_days_without_success_switch_it_off(api: Served, receiver: Receiver) -> None:
    receiver.respond = respond_with(500)
    made = await create(api, receiver.url)
    await post(api, title="Long ago", body=BODY)
    await wait_until(api, made["id"], lambda now: now["waiting"] == 1)
    long_ago = 5 * 86_400
    with api.db.engine.begin() as connection:
        connection.execute(update(service.WEBHOOK).values(failing_since=service.WEBHOOK.c.failing_since - long_ago))
        connection.execute(update(service.WEBHOOK).values(version=9))
    await post(api, title="Today", body=BODY)
    shown = await wait_until(api, made["id"], lambda now: now["off"] is not None)
    assert shown["off"]["reason"] == "failing"
    assert shown["waiting"] == 2, "nothing of what waits is lost"


async def test_copy_of_an_archive_tells_nobody(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    with api.db.engine.begin() as connection:
        connection.execute(update(service.WEBHOOK).values(epoch=77))
    await post(api, title="In a copy", body=BODY)
    shown = await wait_until(api, made["id"], lambda now: now["off"] is not None)
    assert shown["off"]["reason"] == "archive_replaced"
    await api.editor.patch(f"/v1/webhooks/{made['id']}", json={"enabled": True})
    article = await post(api, title="From now on", body=BODY)
    await wait_for(lambda: bool(receiver.received))
    assert [one.article for one in receiver.received] == [article["id"]]


async def test_rotation_signs_by_both_secrets(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    rotated = (await api.editor.post(f"/v1/webhooks/{made['id']}/rotate")).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["rotating_until"] == (await get(api, made["id"]))["rotating_until"]
    await post(api, title="Twice signed", body=BODY)
    await wait_for(lambda: bool(receiver.received))
    assert len(receiver.received[0].headers["webhook-signature"].split(" ")) == 2
    for secret in (made["secret"], rotated["secret"]):
        receiver.received[0].verify(secret)
    with api.db.engine.begin() as connection:
        connection.execute(update(service.WEBHOOK).values(previous_until=1, version=service.WEBHOOK.c.version + 1))
    await post(api, title="Once signed", body=BODY)
    await wait_for(lambda: len(receiver.received) == 2)
    receiver.received[1].verify(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        receiver.received[1].verify(made["secret"])


async def test_secret_is_shown_nowhere_but_once(api: Served, receiver: Receiver, capfd: Any) -> None:
    made = await create(api, receiver.url)
    id = made["id"]
    for path in (f"/v1/webhooks/{id}", "/v1/webhooks", f"/v1/webhooks/{id}/attempts", "/v1/audit", "/metrics"):
        assert "whsec" not in (await api.editor.get(path)).text
    changed = await api.editor.patch(f"/v1/webhooks/{id}", json={"name": "Other"})
    assert "whsec" not in changed.text
    row = await queries.find(api.db, id)
    assert made["secret"] not in repr(row)
    assert "whsec" not in "".join(capfd.readouterr())


async def test_test_message_is_sent_at_once_and_its_result_shown(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url, enabled=False)
    for status, delivered in ((200, True), (404, False)):
        receiver.respond = respond_with(status)
        result = (await api.editor.post(f"/v1/webhooks/{made['id']}/test")).json()
        assert (result["status"], result["delivered"]) == (status, delivered)
        message = receiver.received[-1]
        assert (message.id, message.payload["type"]) == (result["message"], "webhook.test")
        message.verify(made["secret"])
    assert [one["type"] for one in await list_attempts(api, made["id"])] == ["webhook.test"] * 2


async def test_replay_tells_again_in_order_with_cards_of_now(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    one = await post(api, title="Replayed", body=BODY)
    await edit(api, one["id"], title="Replayed twice")
    await post(api, title="Replayed too", body=BODY)
    await wait_until(api, made["id"], lambda now: now["behind"] == 0)
    assert len(receiver.received) == 3
    path = f"/v1/webhooks/{made['id']}/replay"
    again = await api.editor.post(path, params={"since": made["place"]})
    assert (again.status_code, again.json()["behind"]) == (200, 3)
    await wait_for(lambda: len(receiver.received) == 6)
    first, second = receiver.received[:3], receiver.received[3:]
    assert sorted(one.id for one in first) == sorted(one.id for one in second)
    own = [change.data for change in second if change.article == one["id"]]
    assert [change["event"] for change in own] == ["published", "updated"]
    assert {change["card"]["title"] for change in own} == {"Replayed twice"}
    await wait_until(api, made["id"], lambda now: now["behind"] == 0)
    late = await api.editor.post(path, params={"since": "now"})
    assert (late.status_code, late.json()["errors"][0]["parameter"]) == (422, "since")
    assert (await api.editor.post(path)).status_code == 422
    since_a_time = await api.editor.post(path, params={"since": "now-1h"})
    assert since_a_time.status_code == 200
    await wait_for(lambda: len(receiver.received) >= 9)


async def test_change_of_a_webhook_counts_from_its_response_on(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url, filter={"tag": "ports"})
    await post(api, title="Ports", body=BODY, tags=["ports"])
    await wait_for(lambda: len(receiver.received) == 1)
    with run_receiver() as other:
        changes = {"url": other.url, "filter": {"tag": "harbours"}, "include": ["body"], "name": "Other"}
        changed = await api.editor.patch(f"/v1/webhooks/{made['id']}", json=changes, headers={"If-Match": '"1"'})
        assert changed.status_code == 200, changed.text
        assert (changed.json()["version"], changed.headers["etag"].removeprefix("W/")[:3]) == (2, '"2-')
        await post(api, title="Ports again", body=BODY, tags=["ports"])
        await post(api, title="Harbours", body=BODY, tags=["harbours"])
        await wait_for(lambda: len(other.received) == 1)
        assert other.received[0].data["card"]["body"] == BODY
    stale = await api.editor.patch(f"/v1/webhooks/{made['id']}", json={"name": "x"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert stale.json()["detail"] == "The current version is 2."
    for version, status, detail in (
        ("2", 422, 'The quotes of the ETag are missing: send "2".'),
        ('"77"', 412, "If-Match names no version that this has had."),
    ):
        headers = {"If-Match": version}
        refused = await api.editor.patch(f"/v1/webhooks/{made['id']}", json={"name": "x"}, headers=headers)
        assert (refused.status_code, refused.json()["detail"].startswith(detail)) == (status, True), version
    assert (await api.editor.delete(f"/v1/webhooks/{made['id']}")).status_code == 204
    assert (await api.editor.get(f"/v1/webhooks/{made['id']}")).status_code == 404
    await post(api, title="Harbours again", body=BODY, tags=["harbours"])
    await asyncio.sleep(0.6)
    assert len(receiver.received) == 1
    actions = [row["action"] for row in (await api.editor.get("/v1/audit?limit=50")).json()["data"]]
    assert [one for one in actions if one.startswith("webhook")][:3] == [
        "webhook_delete", "webhook_edit", "webhook_create",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "pointer", "code"),
    [
        ({"url": "ftp://a.example/"}, "/url", "invalid_value"),
        ({"url": "http://user:word@a.example/"}, "/url", "invalid_value"),
        ({"url": "http://256.256.256.256/"}, "/url", "invalid_value"),
        ({"url": "http://\u2603.example/"}, "/url", "invalid_value"),
        ({"filter": {"tagg": "x"}}, "/filter/tagg", "unknown_parameter"),
        ({"filter": {"status": "draft"}}, "/filter/status", "unknown_parameter"),
        ({"filter": {"published_from": "now-1d"}}, "/filter/published_from", "invalid_value"),
        ({"filter": {"region": "atlantis"}}, "/filter/region", "unknown_region"),
        ({"filter": {"tag": []}}, "/filter/tag", "invalid_value"),
        ({"include": ["secrets"]}, "/include/0", "invalid_value"),
        ({"name": ""}, "/name", "invalid_value"),
        ({"secret": "mine"}, "/secret", "unknown_field"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_pointer(
    api: Served, payload: Json, pointer: str, code: str
) -> None:
    sent = {"name": "Test", "url": "http://a.example/", **payload}
    response = await api.editor.post("/v1/webhooks", json=sent)
    assert response.status_code == 422, response.text
    assert [(one["pointer"], one["code"]) for one in response.json()["errors"]] == [(pointer, code)]


async def test_only_admin_may(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    paths = (("GET", ""), ("POST", ""), ("GET", f"/{made['id']}"), ("POST", f"/{made['id']}/rotate"))
    key = await api.key("read_drafts", "write", "publish")
    for method, path in paths:
        assert (await api.public.request(method, f"/v1/webhooks{path}")).status_code == 401
        assert (await api.public.request(method, f"/v1/webhooks{path}", headers=key)).status_code == 403


def test_card_may_have_what_items_may_have() -> None:
    assert set(get_args(Include)) == set(INCLUDES)


async def test_there_are_fifty_at_most(api: Served) -> None:
    port = find_closed_port()
    for _ in range(50):
        await create(api, f"http://127.0.0.1:{port}/", enabled=False)
    one_more = await api.editor.post("/v1/webhooks", json={"name": "x", "url": f"http://127.0.0.1:{port}/"})
    assert one_more.status_code == 422
    assert "50 webhooks" in one_more.json()["detail"]
    listed = (await api.editor.get("/v1/webhooks", params={"limit": 20})).json()
    assert (len(listed["data"]), listed["page"]["total"]) == (20, 50)


async def test_webhook_follows_a_merge_of_its_tag(api: Served, receiver: Receiver) -> None:
    for slug in ("barrages", "weirs"):
        assert (await api.editor.post("/v1/tags", json={"name": slug, "slug": slug})).status_code == 201
    moved = [(await post(api, title=f"Barrage {n}", body=BODY, tags=["barrages"]))["id"] for n in range(5)]
    made = await create(api, receiver.url, filter={"tag": "barrages"})
    assert made["warnings"] == []
    merged = await api.editor.post("/v1/tags/barrages/merge", json={"into": "weirs"})
    assert merged.status_code == 200, merged.text
    await wait_for(lambda: len([one for one in receiver.received if one.article]) == 5)
    told = [one.data for one in receiver.received if one.article]
    assert {one["article"]["id"] for one in told} == set(moved)
    assert {one["event"] for one in told} == {"updated"}, "none has left the filter"
    assert all(one["card"] for one in told)
    shown = await get(api, made["id"])
    assert shown["filter"] == {"tag": "barrages"}
    assert [(one["code"], one["replaced_by"]) for one in shown["warnings"]] == [("replaced_by", "weirs")]
    later = await post(api, title="Weir", body=BODY, tags=["weirs"])
    await wait_for(lambda: receiver.received[-1].article == later["id"])


async def test_purge_is_told_and_takes_the_log_of_attempts(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    article = await post(api, title="To be purged", body=BODY)
    named = await create(api, receiver.url, filter={"slug": article["slug"]})
    await wait_for(lambda: len(receiver.received) == 1)
    receiver.respond = respond_with(500)
    await edit(api, article["id"], title="To be purged soon")
    await wait_until(api, made["id"], lambda now: now["waiting"] == 1)
    receiver.respond = respond_with(204)
    gone = await api.editor.delete(f"/v1/articles/{article['id']}?purge=true", headers=ANY)
    assert gone.status_code == 204
    for webhook in (made, named):
        await wait_until(api, webhook["id"], lambda now: now["behind"] == now["waiting"] == 0)
        attempts = await list_attempts(api, webhook["id"])
        assert [(one["type"], one["delivered"]) for one in attempts] == [("article.purged", True)]
    assert receiver.received[-1].data["article"] == {
        "id": article["id"], "slug": None, "previous_slug": None, "version": article["version"] + 1,
    }  # fmt: skip
    assert (await get(api, named["id"]))["filter"] == {"slug": "(purged)"}
    assert list(tables_with(api.db, "to be purged")) == list(tables_with(api.db, "to-be-purged")) == []


async def test_metrics_tell_results_and_how_far_each_is(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url)
    await post(api, title="Counted", body=BODY)
    await wait_until(api, made["id"], lambda now: now["behind"] == 0)
    text = (await api.editor.get("/metrics")).text
    assert f'dateline_webhook_lag_changes{{webhook="{made["id"]}"}} 0.0' in text
    counted = [
        line for line in text.splitlines() if line.startswith('dateline_webhook_requests_total{result="delivered"')
    ]
    assert float(counted[0].split()[-1]) >= 1


async def test_private_addresses_are_refused_unless_they_are_allowed(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as running:
        for url in ("http://127.0.0.1:8000/", "http://localhost/", "http://10.1.2.3/", "http://[::1]/"):
            response = await running.editor.post("/v1/webhooks", json={"name": "x", "url": url})
            assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/url")
            assert "DATELINE_WEBHOOK_PRIVATE_ADDRESSES" in response.json()["detail"]
        named = await create(running, "http://receiver.localdomain.invalid/")
        result = (await running.editor.post(f"/v1/webhooks/{named['id']}/test")).json()
        assert (result["delivered"], result["status"]) == (False, None)


async def test_warnings_of_a_webhook_are_the_same_wherever_it_is_shown(api: Served, receiver: Receiver) -> None:
    made = await create(api, receiver.url, filter={"tag": "nonsense"}, enabled=False)
    [warning] = made["warnings"]
    assert warning.keys() == {"code", "parameter", "detail"}
    path = f"/v1/webhooks/{made['id']}"
    changed = (await api.editor.patch(path, json={"name": "Other"})).json()
    listed = (await api.editor.get("/v1/webhooks")).json()["data"]
    for shown in ((await api.editor.get(path)).json(), changed, *listed):
        assert shown["warnings"] == [warning]
