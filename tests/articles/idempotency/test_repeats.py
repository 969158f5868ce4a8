"""A repeated Idempotency-Key gets the first response, byte for byte, whatever became of the article; or 410 where
something that the response showed was purged."""

import asyncio
import secrets
from dataclasses import dataclass, field

import httpx
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, select, text

from app.models import Article, IdempotencyArticle, IdempotencyKey, IdempotencyUsage, table
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
ROWS, SHOWN, USAGE, A = (table(model) for model in (IdempotencyKey, IdempotencyArticle, IdempotencyUsage, Article))
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

    async def send(self, served: Served) -> httpx.Response:
        body = {} if self.body is None else {"json": self.body}
        return await served.public.request(self.method, self.path, headers=self.headers, **body)  # type: ignore[arg-type] # httpx's


def read_parts(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything of a response but what every response has of its own."""
    headers = [(name, text) for name, text in response.headers.multi_items() if name not in OF_THE_REQUEST]
    return response.status_code, headers, response.content


def request(key: dict[str, str], method: str, path: str, body: object = None) -> RepeatedRequest:
    return RepeatedRequest(method, path, body, {**key, "If-Match": "*", "Idempotency-Key": secrets.token_hex(8)})


async def carried_out(served: Served, key: dict[str, str], scopes: tuple[str, ...], name: str) -> list[RepeatedRequest]:
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
        one.first = await one.send(served)
        assert one.first.status_code in (200, 201), one.first.text
    return doors


async def happens(served: Served, event: str, name: str) -> None:
    path, any_version = f"/v1/articles/{name}", {"If-Match": "*"}
    change = {
        "edited": {"title": "EMBARGOED", "body": "<p>secret text</p>", "standfirst": "secret"},
        "renamed": {"slug": f"{name}-renamed"},
    }
    if event in change:
        done = await served.editor.patch(path, json=change[event], headers=any_version)
    elif event == "tag renamed":
        done = await served.editor.patch(f"/v1/tags/tag-{name}", json={"name": "Renamed", "slug": f"{name}-new"})
    else:
        await served.editor.patch(path, json={"status": "published"}, headers=any_version)
        query = {"purge": "true"} if event == "purged" else {"reason": "court order"}
        done = await served.editor.request("DELETE", path, params=query, headers=any_version)
    assert done.status_code in (200, 204), done.text


async def check(served: Served, event: str, doors: list[RepeatedRequest], gone: bytes) -> None:
    for one in doors:
        assert one.first is not None
        again = await one.send(served)
        if event == "purged":
            assert (again.status_code, again.content) == (410, gone), one
        else:
            assert read_parts(again) == read_parts(one.first), (event, one)


async def count_articles(served: Served) -> int:
    with served.db.snapshot() as snapshot:
        return snapshot.connection.execute(select(func.count()).select_from(A)).scalar_one()


async def test_repeats_get_the_first_response_whatever_became_of_the_article(settings: Settings) -> None:
    matrix: dict[tuple[int, str], list[RepeatedRequest]] = {}
    async with serve(settings) as served:
        await served.post(title="Another", slug="other")
        gone_article = await served.post(title="Was here", slug="was-here")
        await happens(served, "purged", "was-here")
        gone = (await served.public.get(f"/v1/articles/{gone_article['id']}")).content
        for i, scopes in enumerate(SCOPES):
            key = await served.key(*scopes)
            for event in EVENTS:
                name = f"{event.replace(' ', '-')}-{i}"
                matrix[i, event] = await carried_out(served, key, scopes, name)
                await check(served, "nothing", matrix[i, event], gone)
                await happens(served, event, name)
                await check(served, event, matrix[i, event], gone)
        articles = len(
            (await served.editor.get("/v1/articles?status=draft,published,withdrawn&limit=100")).json()["data"]
        )
    async with serve(settings) as served:
        for (_, event), doors in matrix.items():
            await check(served, event, doors, gone)
        assert sum(len(doors) for doors in matrix.values()) == 5 * (1 + 4 + 5)
        assert await count_articles(served) == articles


async def test_requests_sent_at_once_get_the_same_bytes(served: Served) -> None:
    made = await served.post(title="One", slug="one")
    key = await served.key("write", "publish")
    for one in (
        request(key, "POST", "/v1/articles", {"title": "Race", "status": "published"}),
        request(key, "PATCH", f"/v1/articles/{made['id']}", {"title": "Changed at once", "slug": "renamed"}),
        request(key, "DELETE", f"/v1/articles/{made['id']}?reason=wrong"),
    ):
        responses = await asyncio.gather(*(one.send(served) for _ in range(6)))
        first = read_parts(responses[0])
        assert first[0] in (200, 201)
        assert all(read_parts(other) == first for other in responses)
        shown = await served.editor.get(f"/v1/articles/{responses[0].json()['id']}")
        assert (shown.content, shown.headers["etag"]) == (first[2], responses[0].headers["etag"])


@pytest.mark.parametrize("query", ["", "?fields=title,related.title", "?include=body_text"])
async def test_purge_deletes_responses_to_writes_of_other_articles_that_show_it(served: Served, query: str) -> None:
    named = await served.post(title="Named in another", slug="named")
    original = await served.post(title="Original", slug="original")
    key = await served.key("write", "publish")
    body = {"title": "Host", "status": "published", "related": [{"article": "named"}], "translation_of": original["id"]}
    shows = request(key, "POST", f"/v1/articles{query}", body)
    apart = request(key, "POST", "/v1/articles", {"title": "Apart", "status": "published"})
    host = await shows.send(served)
    first = read_parts(await apart.send(served))
    related = request(key, "PUT", f"/v1/articles/{host.json()['id']}/related?fields=title", [{"article": "named"}])
    assert (await related.send(served)).status_code == 200
    assert b"Named in another" in read_parts(await shows.send(served))[2]
    await happens(served, "purged", "named")
    assert [(await one.send(served)).status_code for one in (shows, related)] == [410, 410]
    assert read_parts(await apart.send(served)) == first
    with served.db.snapshot() as snapshot:
        connection = snapshot.connection
        stored = connection.execute(select(ROWS.c.size, ROWS.c.response, ROWS.c.headers)).all()
        used = connection.execute(select(USAGE.c.bytes)).scalars().all()
        assert not connection.execute(select(SHOWN).where(SHOWN.c.article_id == named["id"])).all()
    assert sorted(size > 0 for size, _, _ in stored) == [False, False, True]
    assert sum(used) == sum(size for size, _, _ in stored)
    assert all((size == 0) == (response is None) == (headers is None) for size, response, headers in stored)


async def test_response_names_no_original_that_the_client_may_not_see(served: Served) -> None:
    original = await served.post(title="Original", slug="original")
    translation = await served.post(title="Auf Deutsch", slug="deutsch", translation_of=original["id"])
    await happens(served, "withdrawn", "original")
    key = await served.key("write", "publish")
    for headers in ({"If-Match": "*"}, {"If-Match": "*", "Idempotency-Key": "k"}):
        change = {"standfirst": f"Changed {len(headers)} times."}
        changed = await served.public.patch("/v1/articles/deutsch", json=change, headers=key | headers)
        assert (changed.status_code, changed.json()["translation_of"]) == (200, None)
        shown = await served.public.get("/v1/articles/deutsch")
        assert (shown.content, shown.headers["etag"]) == (changed.content, changed.headers["etag"])
    for_editors = (await served.editor.get("/v1/articles/deutsch")).json()
    assert for_editors["translation_of"] == translation["translation_of"] == original["id"]


async def test_full_room_refuses_before_anything_is_written(settings: Settings) -> None:
    async with serve(settings.model_copy(update={"max_idempotency_bytes": 100_000})) as served:
        key, other = await served.key("write"), await served.key("write")
        responses = []
        for i in range(4):
            body = {"title": f"Long {i}", "body": {"text": secrets.token_hex(35_000)}}
            responses.append(await request(key, "POST", "/v1/articles", body).send(served))
        statuses = [response.status_code for response in responses]
        assert (statuses[0], statuses[-1]) == (201, 429)
        refused = responses[-1].json()
        assert (refused["code"], refused["errors"][0]["parameter"]) == ("rate_limited", "Idempotency-Key")
        assert "without Idempotency-Key" in refused["detail"]
        assert 86_000 < int(responses[-1].headers["retry-after"]) <= 86_401
        assert await count_articles(served) == statuses.count(201)
        again = request(other, "POST", "/v1/articles", {"title": "Of another key"})
        assert (await again.send(served)).status_code == 201
        without = await served.public.post("/v1/articles", json={"title": "Without"}, headers=key)
        assert without.status_code == 201
        await _age(served)
        fresh = request(key, "POST", "/v1/articles", {"title": "A day later"})
        assert (await fresh.send(served)).status_code == 201
        with served.db.snapshot() as snapshot:
            assert snapshot.connection.execute(select(func.count()).select_from(ROWS)).scalar() == 1
            left = dict(snapshot.connection.execute(select(USAGE.c.caller, USAGE.c.bytes)).all())
        assert sorted(used > 0 for used in left.values()) == [False, True]


async def _age(served: Served) -> None:
    """Makes all stored responses a day older."""
    await served.db.write(lambda session: session.connection().execute(ROWS.update().values(created_at=1)))


async def test_key_may_be_used_again_after_a_day(served: Served) -> None:
    key = await served.key("write")
    one = request(key, "POST", "/v1/articles", {"title": "Yesterday's"})
    first = await one.send(served)
    await _age(served)
    second = await one.send(served)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    assert read_parts(await one.send(served)) == read_parts(second)


async def test_request_of_the_time_before_responses_were_stored_is_not_carried_out_again(served: Served) -> None:
    key = await served.key("write")
    one = request(key, "POST", "/v1/articles", {"title": "Made before the upgrade"})
    made = await one.send(served)
    former = text("UPDATE idempotency_key SET size = NULL, headers = NULL, response = NULL")
    await served.db.write(lambda session: session.connection().execute(former))
    again = await one.send(served)
    assert (made.status_code, again.status_code, again.json()["code"]) == (201, 410, "gone")
    assert "before the server was updated" in again.json()["detail"]
    assert await count_articles(served) == 1
