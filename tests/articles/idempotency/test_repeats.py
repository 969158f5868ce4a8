"""A repeated Idempotency-Key gets the first response, byte for byte, whatever became of the article; or 410 where
something that the response showed was purged."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import httpx
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, select, text
from support.processes import serve_by_workers

from app.models import Article, IdempotencyArticle, IdempotencyKey, IdempotencyUsage, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
ROWS, SHOWN, USAGE, A = (table(model) for model in (IdempotencyKey, IdempotencyArticle, IdempotencyUsage, Article))
Serve = Callable[[Settings], AbstractAsyncContextManager[Served]]
SCOPES = (("write",), ("write", "publish"), ("write", "publish", "read_drafts"))
EVENTS = ("edited", "withdrawn", "purged", "renamed", "tag renamed")
OF_THE_REQUEST = {"x-request-id", "ratelimit", "ratelimit-policy", "server-timing"}


@dataclass
class RepeatedRequest:
    """A write under an Idempotency-Key of its own, and the first response to it."""

    method: str
    path: str
    body: object
    headers: dict[str, str]
    first: httpx.Response | None = field(default=None, repr=False)

    async def send(self, api: Served) -> httpx.Response:
        body = {} if self.body is None else {"json": self.body}
        return await api.public.request(self.method, self.path, headers=self.headers, **body)  # type: ignore[arg-type] # httpx's


def read_parts(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything of a response but what every response has of its own."""
    headers = [(name, text) for name, text in response.headers.multi_items() if name not in OF_THE_REQUEST]
    return response.status_code, headers, response.content


def request(key: dict[str, str], method: str, path: str, body: object = None) -> RepeatedRequest:
    return RepeatedRequest(method, path, body, {**key, "If-Match": "*", "Idempotency-Key": secrets.token_hex(8)})


async def carried_out(api: Served, key: dict[str, str], scopes: tuple[str, ...], name: str) -> list[RepeatedRequest]:
    """One write through every door that a key with these scopes can use, all about one article; the first makes it."""
    status = "published" if "publish" in scopes else "draft"
    made = {"title": f"Grain of {name}", "slug": name, "status": status, "body": f"<p>By the writer of {name}.</p>",
            "tags": [{"name": f"Tag {name}"}]}  # fmt: skip
    path = f"/v1/articles/{name}"
    doors = [request(key, "POST", "/v1/articles?include=body_markdown", made)]
    if "publish" in scopes:
        doors.append(request(key, "PATCH", path, {"title": f"Barley of {name}", "body": "<p onclick='x'>Twice.</p>"}))
        doors.append(request(key, "PUT", f"{path}/related", {"data": [{"article": "other"}, {"title": "Waits"}]}))
        doors.append(request(key, "PUT", path, {**made, "title": f"Rye of {name}", "standfirst": "As it shall be."}))
    if "read_drafts" in scopes:
        doors.append(request(key, "POST", f"{path}/revisions/1/restore"))
    for one in doors:
        one.first = await one.send(api)
        assert one.first.status_code in (200, 201), one.first.text
    return doors


async def happens(api: Served, event: str, name: str) -> None:
    path, any_version = f"/v1/articles/{name}", {"If-Match": "*"}
    change = {
        "edited": {"title": "EMBARGOED", "body": "<p>secret text</p>", "standfirst": "secret"},
        "renamed": {"slug": f"{name}-renamed"},
    }
    if event in change:
        done = await api.editor.patch(path, json=change[event], headers=any_version)
    elif event == "tag renamed":
        done = await api.editor.patch(f"/v1/tags/tag-{name}", json={"name": "Renamed", "slug": f"{name}-new"})
    else:
        await api.editor.patch(path, json={"status": "published"}, headers=any_version)
        query = {"purge": "true"} if event == "purged" else {"reason": "court order"}
        done = await api.editor.request("DELETE", path, params=query, headers=any_version)
    assert done.status_code in (200, 204), done.text


async def check(api: Served, event: str, doors: list[RepeatedRequest], gone: bytes) -> None:
    for one in doors:
        assert one.first is not None
        again = await one.send(api)
        if event == "purged":
            assert (again.status_code, again.content) == (410, gone), one
        else:
            assert read_parts(again) == read_parts(one.first), (event, one)


async def count_articles(api: Served) -> int:
    with api.db.snapshot() as snapshot:
        return snapshot.connection.execute(select(func.count()).select_from(A)).scalar_one()


@pytest.mark.slow
@pytest.mark.parametrize("serve", [serve, pytest.param(serve_by_workers, marks=pytest.mark.torture)])
async def test_repeats_get_the_first_response_whatever_became_of_the_article(settings: Settings, serve: Serve) -> None:
    matrix: dict[tuple[int, str], list[RepeatedRequest]] = {}
    async with serve(settings) as api:
        await api.post(title="Another", slug="other")
        gone_article = await api.post(title="Was here", slug="was-here")
        await happens(api, "purged", "was-here")
        gone = (await api.public.get(f"/v1/articles/{gone_article['id']}")).content
        for i, scopes in enumerate(SCOPES):
            key = await api.key(*scopes)
            for event in EVENTS:
                name = f"{event.replace(' ', '-')}-{i}"
                matrix[i, event] = await carried_out(api, key, scopes, name)
                await check(api, "nothing", matrix[i, event], gone)
                await happens(api, event, name)
                await check(api, event, matrix[i, event], gone)
        articles = len((await api.editor.get("/v1/articles?status=draft,published,withdrawn&limit=100")).json()["data"])
    async with serve(settings) as api:
        for (_, event), doors in matrix.items():
            await check(api, event, doors, gone)
        assert sum(len(doors) for doors in matrix.values()) == 5 * (1 + 4 + 5)
        assert await count_articles(api) == articles


async def test_requests_sent_at_once_get_the_same_bytes(api: Served) -> None:
    made = await api.post(title="One", slug="one")
    key = await api.key("write", "publish")
    for one in (
        request(key, "POST", "/v1/articles", {"title": "Race", "status": "published"}),
        request(key, "PATCH", f"/v1/articles/{made['id']}", {"title": "Changed at once", "slug": "renamed"}),
        request(key, "DELETE", f"/v1/articles/{made['id']}?reason=wrong"),
    ):
        responses = await asyncio.gather(*(one.send(api) for _ in range(6)))
        first = read_parts(responses[0])
        assert first[0] in (200, 201)
        assert all(read_parts(other) == first for other in responses)
        shown = await api.editor.get(f"/v1/articles/{responses[0].json()['id']}")
        assert (shown.content, shown.headers["etag"]) == (first[2], responses[0].headers["etag"])


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?fields=title,related.title", "?include=body_text"])
async def test_purge_deletes_responses_to_writes_of_other_articles_that_show_it(api: Served, query: str) -> None:
    named = await api.post(title="Named in another", slug="named")
    original = await api.post(title="Original", slug="original")
    key = await api.key("write", "publish")
    body = {"title": "Host", "status": "published", "related": [{"article": "named"}], "translation_of": original["id"]}
    shows = request(key, "POST", f"/v1/articles{query}", body)
    apart = request(key, "POST", "/v1/articles", {"title": "Apart", "status": "published"})
    host = await shows.send(api)
    first = read_parts(await apart.send(api))
    related = request(key, "PUT", f"/v1/articles/{host.json()['id']}/related?fields=title", [{"article": "named"}])
    assert (await related.send(api)).status_code == 200
    assert b"Named in another" in read_parts(await shows.send(api))[2]
    await happens(api, "purged", "named")
    assert [(await one.send(api)).status_code for one in (shows, related)] == [410, 410]
    assert read_parts(await apart.send(api)) == first
    with api.db.snapshot() as snapshot:
        connection = snapshot.connection
        stored = connection.execute(select(ROWS.c.size, ROWS.c.response, ROWS.c.headers)).all()
        used = connection.execute(select(USAGE.c.bytes)).scalars().all()
        assert not connection.execute(select(SHOWN).where(SHOWN.c.article_id == named["id"])).all()
    assert sorted(size > 0 for size, _, _ in stored) == [False, False, True]
    assert sum(used) == sum(size for size, _, _ in stored)
    assert all((size == 0) == (response is None) == (headers is None) for size, response, headers in stored)


async def test_response_names_no_original_that_the_client_may_not_see(api: Served) -> None:
    original = await api.post(title="Original", slug="original")
    translation = await api.post(title="Auf Deutsch", slug="deutsch", translation_of=original["id"])
    await happens(api, "withdrawn", "original")
    key = await api.key("write", "publish")
    for headers in ({"If-Match": "*"}, {"If-Match": "*", "Idempotency-Key": "k"}):
        change = {"standfirst": f"Changed {len(headers)} times."}
        changed = await api.public.patch("/v1/articles/deutsch", json=change, headers=key | headers)
        assert (changed.status_code, changed.json()["translation_of"]) == (200, None)
        shown = await api.public.get("/v1/articles/deutsch")
        assert (shown.content, shown.headers["etag"]) == (changed.content, changed.headers["etag"])
    for_editors = (await api.editor.get("/v1/articles/deutsch")).json()
    assert for_editors["translation_of"] == translation["translation_of"] == original["id"]


async def test_full_room_refuses_before_anything_is_written(settings: Settings) -> None:
    async with serve(settings.model_copy(update={"max_idempotency_bytes": 100_000})) as api:
        key, other = await api.key("write"), await api.key("write")
        responses = []
        for i in range(4):
            body = {"title": f"Long {i}", "body": {"text": secrets.token_hex(35_000)}}
            responses.append(await request(key, "POST", "/v1/articles", body).send(api))
        statuses = [response.status_code for response in responses]
        assert (statuses[0], statuses[-1]) == (201, 429)
        refused = responses[-1].json()
        assert (refused["code"], refused["errors"][0]["parameter"]) == ("rate_limited", "Idempotency-Key")
        assert "without Idempotency-Key" in refused["detail"]
        assert 86_000 < int(responses[-1].headers["retry-after"]) <= 86_401
        assert await count_articles(api) == statuses.count(201)
        again = request(other, "POST", "/v1/articles", {"title": "Of another key"})
        assert (await again.send(api)).status_code == 201
        without = await api.public.post("/v1/articles", json={"title": "Without"}, headers=key)
        assert without.status_code == 201
        await _age(api)
        fresh = request(key, "POST", "/v1/articles", {"title": "A day later"})
        assert (await fresh.send(api)).status_code == 201
        with api.db.snapshot() as snapshot:
            assert snapshot.connection.execute(select(func.count()).select_from(ROWS)).scalar() == 1
            left = dict(snapshot.connection.execute(select(USAGE.c.caller, USAGE.c.bytes)).all())
        assert sorted(used > 0 for used in left.values()) == [False, True]


async def _age(api: Served) -> None:
    """Makes all stored responses a day older."""
    await api.db.write(lambda session: session.connection().execute(ROWS.update().values(created_at=1)))


async def test_key_may_be_used_again_after_a_day(api: Served) -> None:
    key = await api.key("write")
    one = request(key, "POST", "/v1/articles", {"title": "Yesterday's"})
    first = await one.send(api)
    await _age(api)
    second = await one.send(api)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert read_parts(await one.send(api)) == read_parts(second)


async def test_request_of_the_time_before_responses_were_stored_is_not_carried_out_again(api: Served) -> None:
    key = await api.key("write")
    one = request(key, "POST", "/v1/articles", {"title": "Made before the upgrade"})
    made = await one.send(api)
    former = text("UPDATE idempotency_key SET size = NULL, headers = NULL, response = NULL")
    await api.db.write(lambda session: session.connection().execute(former))
    again = await one.send(api)
    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 410, "gone")
    assert "before the server was updated" in again.json()["detail"]
    assert await count_articles(api) == 1
