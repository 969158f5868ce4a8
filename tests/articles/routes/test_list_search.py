"""`q` on the article list: keys with `read_drafts` search in every state; to nobody else is there such a thing."""

import asyncio
from collections.abc import Iterable

import httpx
import pytest
from conftest import ENGINES, Served

pytestmark = [pytest.mark.anyio, pytest.mark.long_on("postgresql")]
ON = ENGINES
ANY = {"If-Match": "*"}


async def make(api: Served, status: str = "draft", **article: object) -> httpx.Response:
    made = await api.editor.post(
        "/v1/articles", json={"title": "Untitled", "status": status, "language": "en", **article}
    )
    assert made.status_code == 201, made.text
    return made


async def change(api: Served, ref: object, **fields: object) -> httpx.Response:
    done = await api.editor.patch(f"/v1/articles/{ref}", json=fields, headers=ANY)
    assert done.status_code == 200, done.text
    return done


async def find(api: Served, query: str, after: httpx.Response) -> list[int]:
    """The ids found, as of the change."""
    response = await api.editor.get(f"/v1/articles?{query}&min_seq={after.headers['x-seq']}")
    assert response.status_code == 200, response.text
    body = response.json()
    if body["page"]["number"] is None and "cursor" not in query:
        assert body["page"]["total"] >= len(body["data"])
    return ids(body["data"])


def ids(rows: Iterable[dict[str, object]]) -> list[int]:
    return [int(str(row["id"])) for row in rows]


async def test_article_is_found_in_the_state_that_it_is_in(api: Served) -> None:
    made = await make(api, title="The quokka ferry", body="<p>A marsupial crossing the harbour.</p>")
    id = made.json()["id"]
    assert await find(api, "q=quokka&status=draft", made) == [id]
    assert await find(api, "q=marsupials&status=draft,withdrawn", made) == [id]
    for other in ("published", "scheduled", "withdrawn,trashed"):
        assert await find(api, f"q=quokka&status={other}", made) == [], other
    later = await change(api, id, status="scheduled", published_at="2150-01-01T00:00:00Z")
    assert [await find(api, f"q=quokka&status={one}", later) for one in ("draft", "scheduled")] == [[], [id]]
    later = await change(api, id, status="published", published_at=None)
    assert [await find(api, f"q=quokka&status={one}", later) for one in ("draft,scheduled", "published")] == [[], [id]]
    assert await find(api, "q=quokka", later) == [id]
    gone = await api.editor.delete(f"/v1/articles/{id}?reason=error", headers=ANY)
    assert gone.status_code in (200, 204)
    assert [await find(api, f"q=quokka{one}", gone) for one in ("", "&status=withdrawn")] == [[], [id]]
    assert await find(api, "q=quokka&withdrawn_from=2020", gone) == [id]
    assert await find(api, "q=quokka&withdrawn_to=2020", gone) == []
    gone = await api.editor.delete(f"/v1/articles/{id}?purge=true", headers=ANY)
    states = "published,draft,scheduled,withdrawn,trashed"
    assert await find(api, f"q=quokka&status={states}", gone) == []


async def test_query_of_signs_alone_is_warned_of(api: Served) -> None:
    made = await make(api, title="Sluice")
    for q, codes in (("-*()", ["nothing_to_search"]), ("sluice", []), ("", []), ("+", [])):
        response = await api.editor.get(f"/v1/articles?status=draft&q={q}&min_seq={made.headers['x-seq']}")
        assert ids(response.json()["data"]) == [made.json()["id"]]
        assert [warning["code"] for warning in response.json()["warnings"]] == codes


async def test_draft_is_found_by_what_it_says_now_and_by_its_filters(api: Served) -> None:
    made = await make(api, title="Sluice", body="<p>quokka</p>", tags=["harbour"], language="en")
    other = await make(api, title="Weir", body="<p>quokka</p>", tags=["river"], language="en")
    first, second = made.json()["id"], other.json()["id"]
    assert sorted(await find(api, "q=quokka&status=draft", other)) == [first, second]
    assert await find(api, "q=quokka&status=draft&tag=harbour", other) == [first]
    assert await find(api, "q=quokka&status=draft&tag_not=harbour", other) == [second]
    assert await find(api, f"q=quokka&status=draft&id={second}", other) == [second]
    later = await change(api, first, body="<p>wombat</p>")
    assert await find(api, "q=quokka&status=draft", later) == [second]
    assert await find(api, "q=wombat&status=draft", later) == [first]
    assert await find(api, "q=title:weir&status=draft", later) == [second]
    binned = await api.editor.delete(f"/v1/articles/{second}", headers=ANY)
    assert [await find(api, f"q=quokka&status={one}", binned) for one in ("draft", "trashed")] == [[], [second]]


async def test_search_is_for_keys_that_may_read_drafts(api: Served) -> None:
    made = await make(api, title="Quokka")
    await find(api, "q=quokka&status=draft", made)
    writer = await api.key("write", "publish", "admin")
    for query, headers, status, code in (
        ("q=quokka&status=draft", {}, 401, "unauthorized"),
        ("q=quokka&status=draft", writer, 403, "missing_scope"),
        ("q=quokka", {}, 422, "unknown_parameter"),
        ("q=quokka&status=published", writer, 422, "unknown_parameter"),
        ("q=", {}, 422, "unknown_parameter"),
    ):
        refused = await api.public.get(f"/v1/articles?{query}", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code), query
        if status == 422:
            [error] = refused.json()["errors"]
            assert (error["did_you_mean"], "q" in error["allowed"]) == ("/v1/search", False)
    reader = await api.key("read_drafts")
    response = await api.public.get("/v1/articles?q=quokka&status=draft", headers=reader)
    assert ids(response.json()["data"]) == [made.json()["id"]]
    assert response.headers["cache-control"] == "private, no-store"
    assert "Authorization" in response.headers["vary"]
    assert "cache-tag" not in response.headers


async def test_what_a_draft_says_changes_nothing_in_the_public_search(api: Served) -> None:
    await api.post(title="Quokas at the harbour", body="<p>One word.</p>")
    before = (await api.public.get("/v1/search?q=quokka")).json()
    made = await make(api, title="Quokka", body="<p>quokka quokka</p>", tags=["quokka"])
    await find(api, "q=quokka&status=draft", made)
    assert (await api.public.get("/v1/search?q=quokka&min_seq=" + made.headers["x-seq"])).json() == before
    assert (await api.public.get("/v1/suggest?q=quokka")).json()["groups"][0]["items"] == []


async def list_pages(api: Served, query: str) -> tuple[list[int], list[int]]:
    """Everything by cursor, forwards and then back again."""
    there, back = [], []
    body = (await api.editor.get(f"/v1/articles?{query}&limit=3")).json()
    total = body["page"]["total"]
    there += ids(body["data"])
    while body["page"]["next"]:
        body = (await api.editor.get("/v1/articles", params=f"{query}&limit=3&cursor={body['page']['next']}")).json()
        there += ids(body["data"])
        assert (body["page"]["total"], len(there) <= total) == (total, True), query
    back = ids(body["data"])
    while body["page"]["previous"]:
        body = (
            await api.editor.get("/v1/articles", params=f"{query}&limit=3&cursor={body['page']['previous']}")
        ).json()
        back = ids(body["data"]) + back
        assert len(back) <= total, query
    assert len(there) == total
    return there, back


SORTS = ("-published_at", "published_at", "-updated_at", "updated_at", "-created_at", "created_at")


async def test_pages_come_in_the_order_of_the_list(api: Served) -> None:
    """Against the list without a query, in which every article has the word; many are of one second."""
    for number in range(13):
        dated = {} if number % 3 else {"published_at": f"2020-01-{number // 2 + 1:02}T00:00:00Z"}
        made = await make(api, ("draft", "published")[number % 2], title=f"Quokka {number}", **dated)
    await api.editor.get(f"/v1/search?limit=1&min_seq={made.headers['x-seq']}")
    await find(api, "q=quokka&status=draft", made)
    for states in ("draft", "published", "draft,published"):
        for sort in SORTS:
            query = f"status={states}&sort={sort}"
            expected = ids((await api.editor.get(f"/v1/articles?{query}&limit=100")).json()["data"])
            assert await list_pages(api, f"{query}&q=quokka") == (expected, expected), query
            numbered = (await api.editor.get(f"/v1/articles?{query}&q=quokka&limit=3&page=2")).json()
            assert ids(numbered["data"]) == expected[3:6], query
        asked = await api.editor.get(f"/v1/articles?status={states}&q=quokka&limit=100")
        assert sorted(ids(asked.json()["data"])) == sorted(expected)
    there, back = await list_pages(api, "status=draft&q=quokka")
    assert (sorted(there), sorted(back)) == (sorted(set(there)), sorted(there))


async def test_relevance_is_the_order_within_one_index(api: Served) -> None:
    long = await make(api, title="Harbour", body=f"<p>{'something else ' * 60} quokka</p>")
    best = await make(api, title="Quokka", body="<p>quokka</p>")
    order = [best.json()["id"], long.json()["id"]]
    assert await find(api, "q=quokka&status=draft", best) == order
    assert await find(api, "q=quokka&status=draft&sort=relevance", best) == order
    for query, code in (
        ("q=quokka&status=draft,published&sort=relevance", "invalid_value"),
        ("status=draft&sort=relevance", "invalid_value"),
        ("q=quokka&status=draft&sort=title", "invalid_value"),
        (f"q={'quokka+' * 70}&status=draft", "query_too_complex"),
    ):
        refused = await api.editor.get(f"/v1/articles?{query}")
        assert (refused.status_code, refused.json()["code"]) == (422, code), query
    first = (await api.editor.get("/v1/articles?q=quokka&status=draft&limit=1")).json()["page"]["next"]
    for query in ("q=quokka&status=draft&sort=-updated_at", "q=quokkas&status=draft", "status=draft"):
        refused = await api.editor.get(f"/v1/articles?{query}&limit=1&cursor={first}")
        assert (refused.status_code, refused.json()["code"]) == (400, "cursor_mismatch"), query


async def test_nothing_older_than_a_commit_is_shown(api: Served) -> None:
    """Without waiting for the index: what has left its state is not found, and a card is that of now."""
    made = await make(api, title="Quokka")
    id = made.json()["id"]
    assert await find(api, "q=quokka&status=draft", made) == [id]
    for number in range(10):
        later = await change(api, id, title=f"Quokka {number}")
        [card] = (await api.editor.get("/v1/articles?q=quokka&status=draft")).json()["data"]
        assert (card["title"], card["version"]) == (f"Quokka {number}", later.json()["version"])
    await change(api, id, status="published")
    body = (await api.editor.get("/v1/articles?q=quokka&status=draft")).json()
    assert (body["data"], body["page"]["total"]) == ([], 0)


async def test_empty_query_is_none(api: Served) -> None:
    made = await make(api, title="Quokka")
    for query in ("q=", "q=+", "q=%22%22"):
        assert ids((await api.editor.get(f"/v1/articles?status=draft&{query}")).json()["data"]) == [made.json()["id"]]


async def test_writes_of_published_articles_leave_the_draft_index_alone(api: Served) -> None:
    """And `min_seq` of such a write is waited for all the same."""
    made = await make(api, title="Quokka")
    await find(api, "q=quokka&status=draft", made)
    commits = {path: path.stat().st_mtime_ns for path in api.settings.drafts_index_path.rglob("meta.json")}
    assert len(commits) == 1
    for number in range(3):
        published = await make(api, "published", title=f"Harbour {number}")
        assert await find(api, "q=quokka&status=draft", published) == [made.json()["id"]]
    await asyncio.sleep(0.1)
    assert {path: path.stat().st_mtime_ns for path in api.settings.drafts_index_path.rglob("meta.json")} == commits


@pytest.mark.parametrize(
    "query",
    ["articles?", "articles?q=", "articles?q=quokka&status=draft", "search?", "search?q=quokka"],
)
async def test_order_that_is_named_as_allowed_is_not_refused(shared_api: Served, query: str) -> None:
    head = (await shared_api.public.get("/v1/articles")).headers["x-seq"]
    for door in ("articles?q=a&status=draft", "search?"):  # there are both indexes from now on
        assert (await shared_api.editor.get(f"/v1/{door}&min_seq={head}")).status_code == 200
    for wrong in ("foo", "relevence"):
        response = await shared_api.editor.get(f"/v1/{query}&sort={wrong}")
        [error] = response.json()["errors"]
        assert ("relevance" in error["allowed"]) == ("q=quokka" in query), query
        assert error.get("did_you_mean") in (None, *error["allowed"])
        for word in error["allowed"]:
            assert (await shared_api.editor.get(f"/v1/{query}&sort={word}")).status_code == 200, word


@pytest.mark.parametrize("door", ["articles", "search"])
async def test_relevance_without_words_is_refused_with_the_orders_that_there_are(shared_api: Served, door: str) -> None:
    [error] = (await shared_api.public.get(f"/v1/{door}?sort=relevance")).json()["errors"]
    assert "-published_at" in error["allowed"]
    assert "relevance" not in error["allowed"]
