"""PATCH, PUT and DELETE of one article: versions compared, what changes and what stays, states, who may."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from conftest import Served
from sqlalchemy import func, select

from app.db.database import Reader, Row
from app.db.sql import Prepared, Value
from app.models import Change, Revision, table

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


async def create_article(desk: Served, **article: object) -> Json:
    response = await desk.editor.post("/v1/articles", json={"title": "One of many stories", **article})
    assert response.status_code == 201, response.text
    body: Json = response.json()
    return body


async def send(
    desk: Served,
    method: str,
    article: Mapping[str, Any],
    body: object = None,
    version: object = None,
    below: str = "",
    **more: Any,
) -> httpx.Response:
    tag = f'"{article["version"]}"' if version is None else str(version)
    content: Json = {} if body is None else {"json": body}
    headers = {"If-Match": tag, **more.pop("headers", {})}
    return await desk.editor.request(method, f"/v1/articles/{article['id']}{below}", headers=headers, **content, **more)


async def patch(desk: Served, article: Mapping[str, Any], body: object, **more: Any) -> httpx.Response:
    return await send(desk, "PATCH", article, body, **more)


def count_rows(desk: Served, id: int) -> tuple[int, int]:
    """Rows of the log about an article, and kept versions."""
    change, kept = table(Change), table(Revision)
    with desk.db.snapshot() as snapshot:
        return (
            snapshot.connection.execute(
                select(func.count()).where(change.c.entity == "article", change.c.entity_id == id)
            ).scalar_one(),
            snapshot.connection.execute(select(func.count()).where(kept.c.article_id == id)).scalar_one(),
        )


FULL: Json = {
    "title": "How the Danube Commission keeps a river open",
    "standfirst": "Eleven states.",
    "dateline": {"text": "Budapest, May 2025.", "place": "Budapest", "date": "2025-05"},
    "body": {"markdown": "First *words*.\n\nSecond ones."},
    "tags": ["shipping", {"name": "Danube Commission", "kind": "organisation"}],
    "authors": ["Ines Marlow"],
    "regions": ["romania", {"slug": "europe", "roles": ["about", "mention"]}],
    "related": [{"title": "What the Montreux Convention says"}],
    "images": [{"url": "https://a.example/x.jpg", "alt": "A barge"}],
    "source": {"name": "Herald", "url": "https://a.example/x"},
    "seo": {"title": "S", "description": "D"},
    "signature": "Ed.",
    "language": "fr",
    "published_at": "2025-05",
}


async def test_patch_changes_what_it_names_and_returns_the_article(desk: Served) -> None:
    first = await create_article(desk, **FULL, slug="danube-patched", status="published")
    response = await patch(desk, first, {"title": "A river is kept open", "standfirst": None, "seo": {"title": None}})
    assert response.status_code == 200, response.text
    now = response.json()
    assert (now["title"], now["standfirst"], now["version"]) == ("A river is kept open", None, 2)
    assert now["seo"] == {"title": None, "description": "D", "canonical_url": None}
    differing = {name for name in now if now[name] != first[name]}
    assert differing <= {"title", "standfirst", "seo", "version", "updated_at"}
    assert response.headers["cache-control"] == "no-store"
    read = await desk.public.get("/v1/articles/danube-patched")
    assert (read.json(), read.headers["etag"]) == (now, response.headers["etag"])
    ready = await desk.public.get("/v1/search", params={"q": '"kept open"', "min_seq": response.headers["x-seq"]})
    assert [hit["article"]["id"] for hit in ready.json()["data"]] == [first["id"]]
    assert count_rows(desk, first["id"]) == (2, 1)


async def test_what_was_read_can_be_put_back_and_changes_nothing(desk: Served) -> None:
    first = await create_article(desk, **FULL, status="published", external_id="7")
    for query in ("", "?names_in=fr", "?include=body_text,body_markdown,body_blocks"):
        shown = await desk.editor.get(f"/v1/articles/{first['id']}{query}")
        response = await send(desk, "PUT", first, shown.json(), shown.headers["etag"])
        assert response.status_code == 200, response.text
        assert response.json() == first
    assert (await patch(desk, first, {})).json() == first
    same = {"title": f"  {first['title']} ", "tags": ["Shipping", "danube-commission"], "body": FULL["body"]}
    assert (await patch(desk, first, same)).json() == first
    assert count_rows(desk, first["id"]) == (1, 0)


async def test_put_replaces_all_but_what_says_which_article_it_is(desk: Served) -> None:
    first = await create_article(desk, **FULL, external_id="8", slug="to-be-replaced")
    response = await send(desk, "PUT", first, {"title": "Another text"})
    now = response.json()
    assert (now["title"], now["body"], now["tags"], now["authors"], now["related"]) == ("Another text", "", [], [], [])
    assert (now["dateline"], now["images"], now["source"], now["standfirst"]) == (None, [], None, None)
    kept = ("slug", "status", "language", "external_id", "published_at", "published_precision")
    assert {name: now[name] for name in kept} == {name: first[name] for name in kept}


async def test_dateline_that_changes_takes_its_region_along(desk: Served) -> None:
    first = await create_article(desk, **FULL)
    roles = {region["slug"]: region["roles"] for region in first["regions"]}
    assert roles == {"romania": ["about"], "europe": ["about", "mention"], "budapest": ["dateline"]}
    text = await patch(desk, first, {"dateline": {"text": "BUDAPEST, May 2025"}})
    assert text.json()["regions"] == first["regions"]
    moved = await patch(desk, text.json(), {"dateline": {"place": "Vienna", "date": None}})
    now = moved.json()
    assert now["dateline"] == {
        "text": "BUDAPEST, May 2025", "place": "Vienna", "region": "austria", "date": None, "precision": None,
    }  # fmt: skip
    assert [region["slug"] for region in now["regions"]] == ["romania", "europe", "vienna"]
    added = await patch(desk, now, {"regions": [*now["regions"], "kenya"]})
    assert [region["slug"] for region in added.json()["regions"]] == ["romania", "europe", "vienna", "kenya"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"title": ""}, "invalid_value", "/title"),
        ({"title": None}, "invalid_value", "/title"),
        ({"title": "  "}, "invalid_value", "/title"),
        ({"slug": None}, "invalid_value", "/slug"),
        ({"language": None}, "invalid_value", "/language"),
        ({"titel": "x"}, "unknown_field", "/titel"),
        ({"version": 7}, "read_only_field", "/version"),
        ({"word_count": 7}, "read_only_field", "/word_count"),
        ({"url": "https://a.example/"}, "read_only_field", "/url"),
        ({"corrections": [{"at": "2025", "text": "x", "version": 1}]}, "read_only_field", "/corrections"),
        ({"body_text": "x"}, "read_only_field", "/body_text"),
        ({"published_at": "10000-01-01T00:00:00Z"}, "invalid_value", "/published_at"),
        ({"published_at": "2025-01-01T10:00:00"}, "offset_required", "/published_at"),
        ({"tags": [f"tag {n}" for n in range(10_000)]}, "invalid_value", "/tags"),
        ({"regions": ["belgium", "atlantis"]}, "unknown_region", "/regions/1"),
        ({"dateline": {"text": "X", "region": "nowhere"}}, "unknown_region", "/dateline/region"),
        ({"status": "scheduled"}, "invalid_value", "/published_at"),
        ({"status": "published", "published_at": "2199-01-01"}, "invalid_value", "/published_at"),
        ({"status": "gone"}, "invalid_value", "/status"),
        ({"correction": "It was wrong."}, "invalid_value", "/correction"),
        ({"seo": {"keywords": "x"}}, "unknown_field", "/seo/keywords"),
        ({"related": [{"article": "no-such-article"}]}, "invalid_value", "/related/0/article"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_mistake_in_a_change_is_refused_and_changes_nothing(
    desk: Served, body: Json, code: str, pointer: str
) -> None:
    first = await create_article(desk, body="<p>Words.</p>")
    before = await desk.editor.get(f"/v1/articles/{first['id']}")
    response = await patch(desk, first, {"standfirst": "new", **body})
    assert response.status_code == 422, response.text
    assert (response.json()["code"], response.json()["errors"][0]["pointer"]) == (code, pointer)
    assert (await desk.editor.get(f"/v1/articles/{first['id']}")).content == before.content
    assert count_rows(desk, first["id"]) == (1, 0)


async def test_if_match_compares_the_version_and_nothing_else(desk: Served) -> None:
    first = await create_article(desk)
    for version, tag in enumerate(('W/"1-0000000000000000"', '"2"', '"99", "3-abc"', "*"), 1):
        response = await patch(desk, first, {"standfirst": f"Line {version}"}, version=tag)
        assert (response.status_code, response.json().get("version")) == (200, version + 1), response.text
    path = f"/v1/articles/{first['id']}"
    for method in ("PATCH", "PUT", "DELETE"):
        bare = await desk.editor.request(method, path, json={"title": "x"} if method != "DELETE" else None)
        assert (bare.status_code, bare.json()["code"]) == (428, "precondition_required")
    for tag in ('"x"', '"0"', '"99"', '"999999999999999999999"'):
        response = await patch(desk, first, {"standfirst": "x"}, version=tag)
        assert (response.status_code, response.json()["code"]) == (412, "precondition_failed"), tag
        detail = response.json()["detail"]
        assert detail.startswith("If-Match names no version that this has had. The current version is 5."), tag
        assert detail.endswith('or "5".')
    for tag in ("", "5", "W/5", "x"):
        response = await patch(desk, first, {"standfirst": "x"}, version=tag)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_value"), tag
        assert response.json()["errors"][0]["parameter"] == "If-Match"
    assert (await desk.editor.get(path)).json()["version"] == 5


async def test_stale_writer_is_told_what_has_changed_since(desk: Served) -> None:
    first = await create_article(desk, standfirst="A")
    second = (await patch(desk, first, {"standfirst": "B", "tags": ["nato"]})).json()
    third = (await patch(desk, second, {"authors": ["Jon Abara"], "body": "<p>x</p>"})).json()
    assert (await patch(desk, third, {"standfirst": "A", "tags": []})).status_code == 200
    for version, fields in (
        (1, ["authors", "body"]),
        (2, ["authors", "body", "standfirst", "tags"]),
        (7, ["authors", "body"]),
    ):
        response = await send(desk, "PUT", first, first, f'"{version}"')
        assert response.status_code == 412
        problem = response.json()
        assert (problem["current_version"], problem["changed_fields"]) == (4, fields), version


async def one_wins(api: Served, article: Json, writers: int) -> Json:
    """Lets so many change one version at once; the article as the one that won left it."""
    responses = await asyncio.gather(
        *(patch(api, article, {"title": f"Version {article['version']} of writer {n}"}) for n in range(writers))
    )
    won = [response for response in responses if response.status_code == 200]
    assert len(won) == 1
    assert {response.status_code for response in responses} == {200, 412}
    assert won[0].json()["version"] == article["version"] + 1
    body: Json = won[0].json()
    return body


@pytest.mark.torture
async def test_of_two_hundred_with_one_version_one_wins_each_round(api: Served) -> None:
    article = await create_article(api)
    titles = []
    for _ in range(20):
        article = await one_wins(api, article, writers=200)
        titles.append(article["title"])
    path = f"/v1/articles/{article['id']}/revisions?limit=100"
    kept = (await api.editor.get(path)).json()["data"]
    assert [one["title"] for one in kept][:-1] == titles[::-1]
    assert count_rows(api, article["id"]) == (21, 20)


async def test_of_many_with_one_version_exactly_one_wins(api: Served) -> None:
    article = await create_article(api)
    for _ in range(2):
        article = await one_wins(api, article, writers=20)
    everyone = await asyncio.gather(*(patch(api, article, {"standfirst": f"Line {n}"}, version="*") for n in range(8)))
    assert {response.status_code for response in everyone} == {200}
    assert count_rows(api, article["id"]) == (11, 10)


async def test_renamed_article_is_read_under_its_new_slug(desk: Served) -> None:
    first = await create_article(desk, slug="called-so-first", status="published")
    taken = await create_article(desk, slug="called-otherwise")
    refused = await patch(desk, first, {"slug": "called-otherwise"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/slug")
    now = (await patch(desk, first, {"slug": "called-so-now", "previous_slugs": ["called-so-once"]})).json()
    for old in ("called-so-first", "called-so-once"):
        response = await desk.public.get(f"/v1/articles/{old}?fields=title")
        assert (response.status_code, response.headers["location"]) == (308, "/v1/articles/called-so-now?fields=title")
    write = await desk.editor.patch("/v1/articles/called-so-first", json={}, headers={"If-Match": "*"})
    assert (write.status_code, write.headers["location"]) == (308, "/v1/articles/called-so-now")
    back = await patch(desk, now, {"slug": "called-so-first"})
    assert (back.status_code, back.json()["slug"]) == (200, "called-so-first")
    elsewhere = await patch(desk, taken, {"previous_slugs": ["fine", "called-so-once"]})
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["pointer"]) == (409, "/previous_slugs/1")


async def test_identity_of_another_article_is_refused(desk: Served) -> None:
    await create_article(desk, external_id="e-1", origin="herald")
    other = await create_article(desk, external_id="e-2", origin="herald")
    refused = await patch(desk, other, {"external_id": "e-1"})
    assert (refused.status_code, refused.json()["code"]) == (409, "external_id_taken")
    assert (await patch(desk, other, {"external_id": None})).json()["external_id"] is None


async def test_states_change_in_their_order_only(desk: Served) -> None:
    article = await create_article(desk)
    steps = (
        ({"status": "withdrawn"}, 409), ({"status": "scheduled", "published_at": "2199-01-01"}, 200),
        ({"status": "withdrawn"}, 409), ({"status": "published"}, 422), ({"status": "draft"}, 200),
        ({"status": "published", "published_at": None}, 200), ({"published_at": None}, 422),
        ({"published_at": "2199"}, 422), ({"status": "scheduled"}, 409), ({"status": "draft"}, 200),
        ({"status": "published"}, 200), ({"status": "withdrawn"}, 200), ({"status": "scheduled"}, 409),
        ({"status": "draft"}, 200), ({"status": "withdrawn"}, 200), ({"status": "published"}, 200),
    )  # fmt: skip
    first = None
    for body, status in steps:
        response = await patch(desk, article, body)
        assert response.status_code == status, (body, response.text)
        if status == 409:
            shown = response.json()
            assert (shown["code"], shown["status"], shown["article_status"]) == (
                "invalid_transition", 409, article["status"],
            )  # fmt: skip
            assert body["status"] not in response.json()["allowed"]
        article = (await desk.editor.get(f"/v1/articles/{article['id']}")).json()
        first = first or article["first_published_at"]
        assert article["first_published_at"] == first


async def test_deleted_article_is_gone_with_its_reason_and_can_return(desk: Served) -> None:
    article = await desk.post(title="This was wrong from the start", slug="wrong", tags=["nato"])
    response = await send(desk, "DELETE", article, params={"reason": "It was wrong."})
    withdrawn = response.json()
    assert (response.status_code, withdrawn["status"], withdrawn["version"]) == (200, "withdrawn", 2)
    gone = await desk.public.get("/v1/articles/wrong")
    assert (gone.status_code, gone.json()["reason"]) == (410, "It was wrong.")
    assert gone.json()["withdrawn_at"]
    listed = await desk.public.get("/v1/articles", params={"slug": "wrong", "min_seq": response.headers["x-seq"]})
    assert (listed.json()["data"], listed.json()["page"]["total"]) == ([], 0)
    again = await send(desk, "DELETE", withdrawn)
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")
    assert "purge=true" in again.json()["detail"]
    back = await patch(desk, withdrawn, {"status": "published"})
    assert back.status_code == 200
    assert (await desk.public.get("/v1/articles/wrong")).json() == back.json()
    again = await send(desk, "DELETE", back.json())
    assert again.status_code == 200
    assert (await desk.public.get("/v1/articles/wrong")).json()["reason"] is None


async def test_purged_article_that_was_never_public_just_goes(desk: Served) -> None:
    for status in ({}, {"status": "scheduled", "published_at": "2199"}):
        article = await create_article(desk, slug="never-seen", **status)
        response = await send(desk, "DELETE", article, params={"purge": "true"})
        assert (response.status_code, response.content) == (204, b"")
        nothing = await desk.editor.get("/v1/articles/no-such-article-at-all")
        for ref in ("never-seen", article["id"]):
            left = await desk.editor.get(f"/v1/articles/{ref}")
            assert (left.status_code, left.content) == (404, nothing.content)
    told = await desk.editor.get("/v1/changes?since=0&status=draft,scheduled&limit=1000")
    assert {"purged"} == {one["event"] for one in told.json()["data"] if one["article"]["id"] == article["id"]}
    public = await desk.public.get("/v1/changes?since=0&limit=1000")
    assert article["id"] not in [one["article"]["id"] for one in public.json()["data"]]


async def test_purged_article_leaves_nothing_but_that_it_was_there(api: Served) -> None:
    body = {"title": "Quibbleford was named by mistake", "slug": "quibbleford", "status": "published"}
    key = {"Idempotency-Key": "once"}
    article = (await api.editor.post("/v1/articles", json=body, headers=key)).json()
    translation = await api.post(title="Auf Deutsch", translation_of=article["id"])
    article = (await patch(api, article, {"slug": "quibbleford-renamed"})).json()
    assert (await send(api, "DELETE", article, params={"purge": "true", "reason": "x"})).status_code == 422
    response = await send(api, "DELETE", article, params={"purge": "true"})
    assert (response.status_code, response.content) == (204, b"")
    for ref in ("quibbleford", "quibbleford-renamed", article["id"]):
        for client in (api.public, api.editor):
            gone = await client.get(f"/v1/articles/{ref}")
            assert (gone.status_code, set(gone.json())) == (
                410, {"type", "title", "status", "detail", "code", "request_id"},
            )  # fmt: skip
    told = (await api.public.get("/v1/changes?since=0")).json()["data"]
    assert [(one["event"], one["article"]["slug"]) for one in told if one["article"]["id"] == article["id"]] == [
        ("purged", None)
    ]
    rest = await api.editor.get(f"/v1/articles/{translation['id']}")
    assert (rest.json()["translation_of"], rest.json()["version"]) == (None, 2)
    result = await api.public.get("/v1/search", params={"q": "quibbleford", "min_seq": response.headers["x-seq"]})
    assert result.json()["page"]["total"] == 0
    stored = api.settings.data_dir / "dateline.db"
    if api.db.dialect == "sqlite":
        with api.db.snapshot() as snapshot:
            rows = snapshot.connection.exec_driver_sql("SELECT before || after FROM change").scalars().all()
        assert stored.exists()
        assert not [row for row in rows if row and "quibbleford" in row]
    repeated = await api.editor.post("/v1/articles", json=body, headers=key)
    assert (repeated.status_code, repeated.content) == (410, gone.content)
    anew = await api.editor.post("/v1/articles", json=body, headers={"Idempotency-Key": "another"})
    assert (anew.status_code, anew.json()["slug"]) == (201, "quibbleford")
    assert (await api.public.get("/v1/articles/quibbleford")).status_code == 200


async def test_scopes_decide_who_may_change_what(desk: Served) -> None:
    draft = await create_article(desk)
    public = await create_article(desk, status="published")
    writer, seer = await desk.key("write", "read_drafts"), await desk.key("read_drafts")
    blind, chief = await desk.key("write", "publish"), await desk.key("admin", "read_drafts")
    nothing = await desk.public.get("/v1/articles/no-such-article-at-all")

    async def try_change(key: dict[str, str], method: str, article: Json, body: object = None, query: str = "") -> int:
        content: Json = {} if body is None else {"json": body}
        headers = {**key, "If-Match": "*"}
        path = f"/v1/articles/{article['id']}{query}"
        response = await desk.public.request(method, path, headers=headers, **content)
        if response.status_code == 404:
            assert response.content == nothing.content
        if response.status_code == 403:
            assert response.json()["code"] == "missing_scope"
        return response.status_code

    assert await try_change({}, "PATCH", draft, {}) == 401
    assert await try_change({}, "DELETE", public) == 401
    assert await try_change(seer, "PATCH", draft, {"title": "x"}) == 403
    assert await try_change(blind, "PATCH", draft, {"title": "x"}) == 404
    assert await try_change(writer, "PATCH", draft, {"title": "x"}) == 200
    assert await try_change(writer, "PATCH", draft, {"status": "published"}) == 403
    assert await try_change(writer, "PATCH", public, {"title": "x"}) == 403
    assert await try_change(writer, "DELETE", public) == 403
    assert await try_change(writer, "DELETE", public, query="?purge=true") == 403
    assert await try_change(blind, "PATCH", public, {"title": "x"}) == 200
    assert await try_change(writer, "DELETE", draft) == 200
    assert await try_change(chief, "DELETE", public, query="?purge=true") == 204


async def test_correction_is_kept_shown_and_announced(desk: Served) -> None:
    article = await create_article(desk, status="published")
    text = "An earlier version named twelve states."
    now = (await patch(desk, article, {"title": "Eleven states", "correction": text})).json()
    [correction] = now["corrections"]
    assert (correction["text"], correction["version"], correction["at"]) == (text, 2, now["updated_at"])
    assert (await desk.public.get(f"/v1/articles/{article['id']}")).json()["corrections"] == [correction]
    put = await send(desk, "PUT", now, {**now, "correction": "And another."})
    assert [one["version"] for one in put.json()["corrections"]] == [2, 3]
    told = (await desk.public.get("/v1/changes?since=0&limit=1000")).json()["data"]
    events = [(one["event"], one["changed_fields"]) for one in told if one["article"]["id"] == article["id"]]
    assert events == [("published", []), ("corrected", ["corrections", "title"]), ("corrected", ["corrections"])]


class Between:
    """A reader that lets something else happen once, as soon as it has told that a key is new."""

    def __init__(self, inner: Reader, happens: Callable[[], Awaitable[object]]) -> None:
        self.inner, self.happens = inner, [happens]

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        result = await self.inner.rows(statement, values, bounded=bounded)
        if "FROM idempotency_key" in statement.sql and self.happens:
            await self.happens.pop()()
        return result

    def version(self) -> int | None:
        return self.inner.version()

    async def close(self) -> None:
        await self.inner.close()


@pytest.mark.parametrize("change", [{"title": "Changed by the other"}, {"slug": "renamed-by-the-other"}])
async def test_change_made_by_the_same_request_a_moment_before_gives_its_response(
    api: Served, change: dict[str, object]
) -> None:
    article = await create_article(api, slug="twice-at-once")

    async def ask() -> httpx.Response:
        headers = {"Idempotency-Key": "twice", "If-Match": '"1"'}
        return await api.editor.patch("/v1/articles/twice-at-once", json=change, headers=headers)

    inner = api.db.reader
    earlier: list[httpx.Response] = []

    async def send_other() -> None:
        earlier.append(await ask())

    api.db.reader = Between(inner, send_other)
    try:
        later = await ask()
    finally:
        api.db.reader = inner
    assert [later.status_code, earlier[0].status_code] == [200, 200]
    assert later.json() == earlier[0].json()
    assert count_rows(api, article["id"])[1] == 1


async def test_repeated_change_gets_the_same_response(api: Served) -> None:
    article = await create_article(api, slug="repeated")
    key = {"Idempotency-Key": "k"}
    body = {"title": "Changed once", "slug": "repeated-and-renamed"}
    responses = [
        await api.editor.patch("/v1/articles/repeated", json=body, headers={"If-Match": '"1"', **key}) for _ in range(2)
    ]
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[0].json() == responses[1].json()
    other = await patch(api, responses[0].json(), {"title": "Another"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    at_once = await asyncio.gather(
        *(patch(api, responses[0].json(), {"title": "At once"}, headers={"Idempotency-Key": "c"}) for _ in range(8))
    )
    assert {(response.status_code, response.json()["version"]) for response in at_once} == {(200, 3)}
    for _ in range(2):
        binned = await send(api, "DELETE", article, version='"3"', headers={"Idempotency-Key": "d"})
        assert (binned.status_code, binned.json()["status"], binned.json()["version"]) == (200, "trashed", 4)
    for _ in range(2):
        again = await send(api, "POST", article, version='"4"', below="/restore", headers={"Idempotency-Key": "r"})
        assert (again.status_code, again.json()["status"], again.json()["version"]) == (200, "draft", 5)


async def test_what_is_removed_from_a_body_is_reported(desk: Served) -> None:
    unsafe = '<p onclick="x()">Hi<script>x()</script> <a href="javascript:x()">there</a></p>'
    removed = ["onclick of p", "script", "href of a"]
    article = await desk.editor.post("/v1/articles", json={"title": "Unsafe", "body": unsafe})
    markdown = await patch(desk, article.json(), {"body": {"markdown": f"Some *words*\n\n{unsafe}"}})
    for response in (article, markdown):
        [warning] = json.loads(response.headers["dateline-warnings"])
        assert (warning["code"], warning["pointer"], warning["removed"]) == ("markup_removed", "/body", removed)
        assert "script" not in response.json()["body"]
        assert "Hi" in response.json()["body"]
    back = await send(desk, "PUT", markdown.json(), markdown.json())
    assert (back.status_code, back.headers.get("dateline-warnings")) == (200, None)
    text = await patch(desk, markdown.json(), {"body": {"text": "a <b> c"}})
    assert (text.headers.get("dateline-warnings"), text.json()["body"]) == (None, "<p>a &lt;b&gt; c</p>")


async def test_bodies_that_cannot_be_read_are_problems(desk: Served) -> None:
    article = await create_article(desk)
    path, tag = f"/v1/articles/{article['id']}", {"If-Match": "*"}
    for method, kind, content, status in (
        ("PATCH", "application/merge-patch+json", b'{"title": "x"', 400),
        ("PATCH", "application/json", b"[]", 400),
        ("PATCH", "application/json-patch+json", b"[]", 415),
        ("PUT", "application/merge-patch+json", b"{}", 415),
        ("PUT", "application/json", b"", 400),
    ):
        response = await desk.editor.request(method, path, content=content, headers=tag | {"Content-Type": kind})
        assert response.status_code == status
    assert count_rows(desk, article["id"]) == (1, 0)
