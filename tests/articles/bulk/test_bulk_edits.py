"""Many articles edited in one step: counted first, each once, a version and a row of the log for each, undone whole."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, select
from sqlmodel import Session

from app.articles.bulk import edit_job, job_chunks
from app.articles.filters import ArticleFilter
from app.changes import jobs, log
from app.db.database import Database
from app.models import Article, Change, ImportArticle, table
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio

Json = dict[str, Any]
A, CHANGE, TOUCHED = table(Article), table(Change), table(ImportArticle)
ANY = {"If-Match": "*"}


async def fill(api: Served, count: int, **fields: object) -> None:
    lines = (
        {"id": f"s{n}", "title": f"Story {n}", "body": "<p>The council met.</p>", "tags": ["river"], **fields}
        for n in range(1, count + 1)
    )
    body = b"".join(orjson.dumps(one) + b"\n" for one in lines)
    response = await api.editor.post(
        "/v1/imports", params={"origin": "wire"}, content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    assert response.status_code == 200, response.text


async def run_edit(api: Served, **value: object) -> Json:
    """The record when the edit has ended."""
    response = await api.editor.post("/v1/articles/bulk", json=value)
    assert response.status_code == 202, response.text
    return await wait_for_end(api, response.headers["location"])


async def wait_for_end(api: Served, address: str) -> Json:
    for _ in range(500):
        record: Json = (await api.editor.get(address)).json()
        if record["state"] in ("done", "failed"):
            return record
        await asyncio.sleep(0.02)
    raise AssertionError(record)


async def get_article(api: Served, number: int) -> Json:
    return dict((await api.editor.get(f"/v1/articles/story-{number}")).json())


def tags(article: Json) -> list[str]:
    return [one["slug"] for one in article["tags"]]


async def test_each_article_gets_what_was_asked_for_a_version_and_a_row_of_the_log(api: Served) -> None:
    await fill(api, 4, tags=["river", "flood", {"name": "World", "kind": "section"}], authors=["Ada Marlow"])
    await api.editor.patch("/v1/articles/story-4", json={"tags": ["other"]}, headers=ANY)
    head = (await api.editor.get("/v1/changes", params={"since": "now"})).json()["next"]
    record = await run_edit(
        api, filter={"tag": "river"}, add_tags=["Deterrence"], remove_tags=["flood"], add_regions=["belgium"],
        section="security", language="fr",
    )  # fmt: skip
    assert (record["kind"], record["state"], record["created_by"]) == ("bulk_edit", "done", "test")
    assert record["progress"] == {"read": 3, "created": 0, "updated": 3, "unchanged": 0, "failed": 0}
    assert record["options"] == {
        "filter": {"tag": "river"}, "add_tags": ["Deterrence"], "remove_tags": ["flood"], "add_regions": ["belgium"],
        "section": "security", "language": "fr",
    }  # fmt: skip
    for number in (1, 2, 3):
        one = await get_article(api, number)
        assert (tags(one), one["language"], one["version"]) == (["security", "river", "deterrence"], "fr", 2)
        assert [(place["slug"], place["roles"]) for place in one["regions"]] == [("belgium", ["about"])]
        assert [author["name"] for author in one["authors"]] == ["Ada Marlow"]
    assert (await get_article(api, 4))["version"] == 2
    rows = (await api.editor.get("/v1/changes", params={"since": head})).json()["data"]
    assert [(one["event"], one["article"]["version"]) for one in rows] == [("updated", 2)] * 3
    again = await run_edit(api, filter={"tag": ["river"]}, add_tags=["deterrence"])
    assert again["progress"]["unchanged"] == 3
    back = await api.editor.post(f"/v1/imports/{record['id']}/undo")
    assert (back.status_code, back.json()["undo"]["restored"], back.json()["undo"]["tags_removed"]) == (200, 3, 2)
    one = await get_article(api, 1)
    assert (tags(one), one["language"], one["regions"], one["version"]) == (["river", "flood", "world"], "und", [], 3)


async def test_dry_run_counts_and_shows_and_changes_nothing(api: Served) -> None:
    await fill(api, 12)
    response = await api.editor.post(
        "/v1/articles/bulk", params={"dry_run": "true"}, json={"filter": {"tag": "river"}, "language": "fr"}
    )
    body = response.json()
    assert (response.status_code, body["matched"], len(body["samples"])) == (200, 12, 10)
    assert body["samples"][0] == {
        "id": body["samples"][0]["id"], "slug": "story-1", "title": "Story 1", "status": "published", "version": 1,
    }  # fmt: skip
    assert (await get_article(api, 1))["version"] == 1
    assert (await api.editor.get("/v1/imports", params={"kind": "bulk_edit"})).json()["data"] == []
    unknown = await api.editor.post(
        "/v1/articles/bulk", params={"dry_run": "true"}, json={"filter": {"tag": "rivers"}, "language": "fr"}
    )
    assert (unknown.json()["matched"], unknown.json()["warnings"][0]["did_you_mean"]) == (0, "river")


async def test_articles_that_are_named_and_are_not_there_are_told(api: Served) -> None:
    await fill(api, 2)
    draft = (await api.editor.post("/v1/articles", json={"title": "Draft", "body": "Text."})).json()["id"]
    ids = [(await get_article(api, n))["id"] for n in (1, 2)]

    async def find_missing(client: httpx.AsyncClient, **choice: object) -> tuple[int, list[object], list[str]]:
        edit: Json = {**choice, "add_tags": ["dam"]}
        preview = (await client.post("/v1/articles/bulk?dry_run=true", json=edit)).json()
        return preview["matched"], preview["missing"], [one["code"] for one in preview["warnings"]]

    told = ["unknown_article"]
    assert await find_missing(api.editor, ids=[*ids, draft]) == (3, [], [])
    assert await find_missing(api.editor, ids=[999, *ids, 998, 999]) == (2, [999, 998], told)
    assert await find_missing(api.editor, filter={"id": [ids[0], 999]}) == (1, [999], told)
    assert await find_missing(api.editor, filter={"id": ids, "tag": "river"}) == (2, [], [])
    assert await find_missing(api.editor, filter={"slug": ["story-1", "story-9"]}) == (1, ["story-9"], told)
    assert await find_missing(api.editor, filter={"external_id": ["s2", "s9"]}) == (1, ["s9"], told)
    assert await find_missing(api.editor, filter={"slug": "story-9"}) == (0, ["story-9"], told)
    publisher = await api.key("write", "publish")
    edit: Json = {"ids": [ids[0], draft], "add_tags": ["dam"]}
    hidden = await api.public.post("/v1/articles/bulk?dry_run=true", json=edit, headers=publisher)
    assert hidden.json()["missing"] == [draft]
    many = await find_missing(api.editor, ids=[*ids, *range(1_000, 11_000 - len(ids))])
    assert (many[0], many[1]) == (2, [*range(1_000, 1_100)])

    begun = await api.editor.post("/v1/articles/bulk", json={"ids": [*ids, 999], "add_tags": ["dam"]})
    assert "1 of 3 articles" in begun.headers["dateline-warnings"]
    record = await wait_for_end(api, begun.headers["location"])
    assert (record["missing"], record["progress"]["read"], record["progress"]["failed"]) == ([999], 2, 0)


async def test_states_change_where_they_may_and_the_rest_says_why(api: Served) -> None:
    await fill(api, 2)
    draft = (await api.editor.post("/v1/articles", json={"title": "Draft", "body": "Text."})).json()
    ids = [(await get_article(api, n))["id"] for n in (1, 2)]
    record = await run_edit(api, ids=[*ids, draft["id"], 999_999], status="withdrawn")
    assert record["progress"] == {"read": 3, "created": 0, "updated": 2, "unchanged": 0, "failed": 1}
    rows = (await api.editor.get(f"/v1/imports/{record['id']}/articles", params={"action": "failed"})).json()["data"]
    assert [(one["id"], "not withdrawn" in one["note"]) for one in rows] == [(draft["id"], True)]
    assert (await api.public.get("/v1/articles/story-1")).status_code == 410
    # What a bulk edit withdrew somebody has withdrawn: an import leaves it alone.
    await fill(api, 2)
    assert (await get_article(api, 1))["status"] == "withdrawn"
    await api.editor.post(f"/v1/imports/{record['id']}/undo")
    assert (await api.public.get("/v1/articles/story-1")).status_code == 200


async def test_mistakes_are_named_with_their_places(api: Served) -> None:
    await fill(api, 1)
    wrong: list[tuple[Json, str, str]] = [
        ({"language": "fr"}, "invalid_value", ""),
        ({"ids": [1], "filter": {}, "language": "fr"}, "invalid_value", ""),
        ({"filter": {"tag": "river"}}, "invalid_value", ""),
        ({"filter": {"tga": "river"}, "language": "fr"}, "unknown_parameter", "/filter/tga"),
        ({"filter": {"region": "atlantis"}, "language": "fr"}, "unknown_region", "/filter/region"),
        ({"filter": {"year": "x"}, "language": "fr"}, "invalid_value", "/filter/year"),
        ({"filter": {}, "remove_tags": ["rivers"]}, "invalid_value", "/remove_tags/0"),
        ({"filter": {}, "add_regions": ["atlantis"]}, "unknown_region", "/add_regions/0"),
        ({"filter": {}, "add_tags": ["river", {"name": None}]}, "invalid_value", "/add_tags/1"),
        ({"filter": {}, "remove_tags": [{}]}, "invalid_value", "/remove_tags/0"),
        ({"filter": {}, "remove_regions": [{"level": "city"}]}, "unknown_region", "/remove_regions/0"),
        ({"filter": {}, "section": {}}, "invalid_value", "/section"),
        ({"filter": {}, "section": {"slug": "river", "kind": "topic"}}, "invalid_value", "/section/kind"),
        ({"filter": {}, "remove_tags": [{"name": "river"}]}, "invalid_value", "/remove_tags/0"),
        ({"filter": {}, "add_tags": [{"name": 5}]}, "invalid_value", "/add_tags/0/name"),
        (
            {"filter": {}, "add_regions": [{"slug": "spain", "roles": ["dateline"]}]},
            "invalid_value",
            "/add_regions/0/roles",
        ),
        ({"filter": {"tag": []}, "language": "fr"}, "invalid_value", "/filter/tag"),
        ({"filter": {"tag": [None]}, "language": "fr"}, "invalid_value", "/filter/tag/0"),
        ({"filter": {"tag": {"slug": "river"}}, "language": "fr"}, "invalid_value", "/filter/tag"),
        ({"filter": {"a/b~c": "x"}, "language": "fr"}, "unknown_parameter", "/filter/a~1b~0c"),
        ({"filter": {}, "colour": "red"}, "unknown_field", "/colour"),
        ({"filter": {}, "status": "purged"}, "invalid_value", "/status"),
    ]
    for value, code, pointer in wrong:
        problem = await api.editor.post("/v1/articles/bulk", json=value)
        error = problem.json()["errors"][0]
        assert (problem.status_code, problem.json()["code"], error.get("pointer", "")) == (422, code, pointer), value
    assert problem.json()["errors"][0].get("did_you_mean") is None
    unknown = await api.editor.post("/v1/articles/bulk", json={"filter": {}, "remove_tags": ["rivers"]})
    assert unknown.json()["errors"][0]["did_you_mean"] == "river"


async def test_scopes_are_those_of_single_edits(api: Served) -> None:
    await fill(api, 1)
    await api.editor.post("/v1/articles", json={"title": "Draft", "body": "Text."})
    edit: Json = {"filter": {}, "language": "fr"}
    assert (await api.public.post("/v1/articles/bulk", json=edit)).status_code == 401
    writer = await api.key("write", "read_drafts")
    assert (await api.public.post("/v1/articles/bulk", json=edit, headers=writer)).status_code == 403
    drafts: Json = {"filter": {"status": "draft"}, "language": "fr"}
    assert (await api.public.post("/v1/articles/bulk", json=drafts, headers=writer)).status_code == 202
    publisher = await api.key("write", "publish")
    assert (await api.public.post("/v1/articles/bulk", json=drafts, headers=publisher)).status_code == 403
    with api.db.snapshot() as snapshot:
        hidden = snapshot.connection.execute(select(A.c.id).where(A.c.status == "draft")).scalar_one()
    response = await api.public.post("/v1/articles/bulk", json={"ids": [hidden], "language": "nl"}, headers=publisher)
    # Records tell of what is hidden, and a job only how far it is.
    assert response.headers["location"].startswith("/v1/jobs/")
    assert (await api.public.get(f"/v1/imports/{response.json()['id']}", headers=publisher)).status_code == 403
    record = await wait_for_end(api, f"/v1/imports/{response.json()['id']}")
    assert record["progress"]["read"] == 0
    # A tag that only an import's draft has is none to who may not read drafts.
    await fill(api, 1, id="hidden", status="draft", tags=["riverbed"])
    removed: Json = {"filter": {}, "remove_tags": ["riverbed"]}
    refused = await api.public.post("/v1/articles/bulk", json=removed, headers=publisher)
    assert (refused.status_code, refused.json()["errors"][0].get("did_you_mean")) == (422, "river")
    both = await api.key("write", "publish", "read_drafts")
    assert (await api.public.post("/v1/articles/bulk", json=removed, headers=both)).status_code == 202


async def test_article_that_has_changed_its_state_since_it_was_chosen_is_left_alone(settings: Settings) -> None:
    async with serve(settings) as api:
        await fill(api, 2)
    quiet = Database(settings, log.append)
    job = quiet.write_now(edit_job.begin, ArticleFilter(), edit_job.Changes(language="fr"), {}, "me", "").value
    quiet.write_now(jobs.advance, job_chunks.WORKS, job)  # both are chosen
    with quiet.engine.begin() as connection:
        connection.execute(A.update().where(A.c.slug == "story-1").values(status="draft"))
    quiet.write_now(jobs.advance, job_chunks.WORKS, job)
    with quiet.snapshot() as snapshot:
        rows = snapshot.connection.execute(
            select(A.c.slug, A.c.language, TOUCHED.c.action, TOUCHED.c.note)
            .join(TOUCHED, TOUCHED.c.article_id == A.c.id)
            .where(TOUCHED.c.job_id == job)
            .order_by(A.c.slug)
        ).all()
    quiet.close_now()
    assert [tuple(row) for row in rows] == [
        ("story-1", "und", "failed", edit_job.MOVED_ON), ("story-2", "fr", "updated", None),
    ]  # fmt: skip


async def test_edit_left_by_a_dying_process_goes_on_exactly_there(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 2)
    monkeypatch.setattr(edit_job, "SELECTED_AT_ONCE", 3)
    async with serve(settings) as api:
        await fill(api, 7)
    quiet = Database(settings, log.append)
    article_filter = ArticleFilter()
    changes = edit_job.Changes(language="fr")
    job = quiet.write_now(edit_job.begin, article_filter, changes, {}, "me", "").value
    for _ in range(4):  # three to write down what is meant, one to edit
        task = quiet.write_now(jobs.advance, job_chunks.WORKS, job).value
    assert task is not None
    assert (task.progress["total"], task.progress["done"]) == (7, 2)

    def die(session: Session) -> None:
        jobs.advance(session, job_chunks.WORKS, job)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        quiet.write_now(die)
    quiet.close_now()
    async with serve(settings) as api:
        record = await wait_for_end(api, f"/v1/imports/{job}")
        assert record["progress"]["updated"] == 7
        with api.db.snapshot() as snapshot:
            versions = snapshot.connection.execute(select(A.c.version, A.c.language)).all()
            rows = snapshot.connection.execute(
                select(func.count()).select_from(CHANGE).where(CHANGE.c.version == 2)
            ).scalar_one()
    assert ({tuple(row) for row in versions}, rows) == ({(2, "fr")}, 7)
