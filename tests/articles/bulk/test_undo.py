"""Imports have records, and are taken back: withdrawn, binned, restored, and brought again under the same ids."""

import asyncio
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import create_engine, func, literal, select, update

from app.articles.bulk import job_chunks, records, undo_job
from app.articles.bulk.findings import Findings
from app.articles.store import authorship
from app.changes import jobs, log
from app.db.database import Database
from app.errors import InvalidTransition
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions
from app.models import Article, Change, Job, SourceBaseline, Tag, table
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.anyio

Json = dict[str, Any]
A, JOB, TAG, CHANGE = table(Article), table(Job), table(Tag), table(Change)
BASELINE = table(SourceBaseline)
LINES = {"Content-Type": "application/x-ndjson"}
ANY = {"If-Match": "*"}
MOVING = ("version", "updated_at", "etag")


def story(number: int, **fields: object) -> Json:
    return {"id": f"s{number}", "title": f"Story number {number}", "body": f"The council met {number} times.", **fields}


async def send_stories(api: Served, *stories: Json, **query: str) -> Json:
    """The summary line."""
    body = b"".join(orjson.dumps(one) + b"\n" for one in stories)
    response = await api.editor.post("/v1/imports", params={"origin": "wire", **query}, content=body, headers=LINES)
    assert response.status_code == 200, response.text
    return dict(orjson.loads(response.content.splitlines()[-1]))


async def undone(api: Served, id: int) -> Json:
    """The record, when the undo has ended."""
    response = await api.editor.post(f"/v1/imports/{id}/undo")
    assert response.status_code in (200, 202), response.text
    for _ in range(500):
        record: Json = (await api.editor.get(f"/v1/imports/{id}")).json()
        if record["undo"]["state"] == "done":
            return record
        assert record["undo"]["state"] != "failed", record
        await asyncio.sleep(0.05)
    raise AssertionError(record)


async def read_export(api: Served) -> dict[str, Json]:
    """What everybody reads of the archive, but for what moves with every version."""
    lines = (await api.public.get("/v1/export")).content.splitlines()[:-1]
    body = {one["slug"]: one for one in map(orjson.loads, lines)}
    return {slug: {name: value for name, value in one.items() if name not in MOVING} for slug, one in body.items()}


async def article(api: Served, ref: object) -> Json:
    return dict((await api.editor.get(f"/v1/articles/{ref}", follow_redirects=True)).json())


async def articles(api: Served, id: int, **query: str) -> list[Json]:
    response = await api.editor.get(f"/v1/imports/{id}/articles", params={"limit": "100", **query})
    assert response.status_code == 200, response.text
    return list(response.json()["data"])


async def test_a_stream_has_a_record_with_its_articles(api: Served) -> None:
    first = await send_stories(api, story(1), story(2, status="draft"), {"id": "bad"})
    again = await send_stories(api, story(1, body="It met again."), story(2, status="draft"))
    record = (await api.editor.get(f"/v1/imports/{again['import']}")).json()
    assert (record["kind"], record["via"], record["state"], record["created_by"]) == (
        "import",
        "stream",
        "done",
        "test",
    )
    assert record["progress"] == {"read": 2, "created": 0, "updated": 1, "unchanged": 1, "failed": 0}
    assert (record["origins"], record["options"]["origin"], record["undo"]) == (["wire"], "wire", None)
    made = await articles(api, first["import"])
    assert [(one["action"], one["version_before"], one["version"]) for one in made] == [("created", None, 1)] * 2
    [updated] = await articles(api, again["import"])
    assert (updated["slug"], updated["action"], updated["version_before"], updated["version"]) == (
        "story-number-1", "updated", 1, 2,
    )  # fmt: skip
    listed = (await api.editor.get("/v1/imports", params={"limit": "1"})).json()
    assert ([one["id"] for one in listed["data"]], listed["page"]["total"]) == ([again["import"]], 2)
    rest = await api.editor.get("/v1/imports", params={"limit": "1", "cursor": listed["page"]["next"]})
    assert [one["id"] for one in rest.json()["data"]] == [first["import"]]
    assert rest.json()["page"]["next"] is None


async def test_records_are_for_keys_that_publish_and_read_drafts_and_undo_is_for_admins(api: Served) -> None:
    id = (await send_stories(api, story(1, status="draft")))["import"]
    assert (await api.public.get("/v1/imports")).status_code == 401
    writer, publisher = await api.key("write"), await api.key("publish")
    both = await api.key("publish", "read_drafts")
    for path, alone in (("/v1/imports", 403), (f"/v1/imports/{id}", 200), (f"/v1/imports/{id}/articles", 403)):
        assert (await api.public.get(path, headers=writer)).status_code == 403
        assert (await api.public.get(path, headers=publisher)).status_code == alone
        assert (await api.public.get(path, headers=both)).status_code == 200
    [hidden] = (await api.public.get(f"/v1/imports/{id}/articles", headers=both)).json()["data"]
    assert (hidden["slug"], hidden["action"]) == ("story-number-1", "created")
    await undone(api, id)
    shown = [(await api.public.get(f"/v1/imports/{id}", headers=who)).json()["undo"] for who in (publisher, both)]
    assert (shown[0], shown[1]["trashed"]) == (None, 1)
    assert (await api.public.post(f"/v1/imports/{id}/undo", headers=publisher)).status_code == 403
    assert (await api.editor.post("/v1/imports/9999/undo")).status_code == 404


async def test_undo_gives_back_what_was_there_and_leaves_what_was_edited_since(api: Served) -> None:
    await send_stories(
        api, *(story(n, tags=["river"], related=[{"title": "Another story of ours"}]) for n in range(1, 4))
    )
    before = await read_export(api)
    changed = [story(n, body="Changed.", title=f"New {n}", slug=f"new-{n}", tags=["flood"]) for n in range(1, 4)]
    new = [story(n, tags=["river", "landslide"], authors=["A. Newcomer"]) for n in range(4, 8)]
    second = await send_stories(api, *changed, *new, story(8, status="draft"))
    edited = [await article(api, "story-number-3"), await article(api, "story-number-7")]
    for one in edited:
        patch = await api.editor.patch(f"/v1/articles/{one['id']}", json={"standfirst": "By hand."}, headers=ANY)
        assert patch.status_code == 200, patch.text
    record = await undone(api, second["import"])
    counts = {name: record["undo"][name] for name in ("withdrawn", "trashed", "restored", "kept", "gone")}
    assert counts == {"withdrawn": 3, "trashed": 1, "restored": 2, "kept": 2, "gone": 0}
    kept = {one["id"]: one["note"] for one in await articles(api, second["import"], undone="kept")}
    assert kept == {one["id"]: "edited since" for one in edited}
    after = await read_export(api)
    slugs = {one["slug"] for one in edited}
    for slug in ("story-number-1", "story-number-2"):
        assert after[slug].pop("previous_slugs") == [slug.replace("story-number", "new")]
        assert before[slug].pop("previous_slugs") == []
    assert {slug: one for slug, one in after.items() if slug not in slugs} == {
        slug: one for slug, one in before.items() if slug != "story-number-3"
    }
    gone = await api.public.get("/v1/articles/story-number-4")
    assert (gone.status_code, undo_job.REASON in gone.text) == (410, True)
    assert (await api.public.get("/v1/articles/story-number-8")).status_code == 404


async def test_tags_that_only_the_import_made_are_removed_and_their_numbers_never_given_again(api: Served) -> None:
    await send_stories(api, story(1, tags=["river"]))
    second = await send_stories(api, story(2, tags=["river", "landslide", "used"]), story(3, tags=["mine"]))
    patch = await api.editor.patch("/v1/tags/mine", json={"aliases": ["Ours"]})
    assert patch.status_code == 200
    await api.editor.post("/v1/articles", json={"title": "Another", "body": "Text.", "tags": ["used"]})
    last = (await api.editor.get("/v1/tags/landslide")).json()["id"]
    record = await undone(api, second["import"])
    assert record["undo"]["tags_removed"] == 1
    result = {
        slug: (await api.editor.get(f"/v1/tags/{slug}")).status_code for slug in ("river", "landslide", "used", "mine")
    }
    assert result == {"river": 200, "landslide": 404, "used": 200, "mine": 200}
    assert [tag["slug"] for tag in (await article(api, "story-number-2"))["tags"]] == ["river", "used"]
    with api.db.snapshot() as snapshot:
        newest = snapshot.connection.execute(select(func.max(TAG.c.id))).scalar_one()
    made = (await api.editor.post("/v1/tags", json={"name": "Landslide"})).json()
    assert made["id"] > max(newest, last)


async def test_importing_again_revives_under_the_same_ids_unless_somebody_touched_it(api: Served) -> None:
    stories = [story(n, tags=["landslide"]) for n in range(1, 5)]
    first = await send_stories(api, *stories, story(5, status="draft"))
    before = await read_export(api)
    ids = {n: (await article(api, f"story-number-{n}"))["id"] for n in range(1, 6)}
    await undone(api, first["import"])
    assert await read_export(api) == {}
    republished = await api.editor.patch(f"/v1/articles/{ids[4]}", json={"status": "published"}, headers=ANY)
    assert republished.status_code == 200, republished.text
    touched = await api.editor.delete(f"/v1/articles/{ids[4]}", params={"reason": "ours"}, headers=ANY)
    assert touched.status_code == 200
    again = await send_stories(api, *stories, story(5, status="draft"))
    assert again["summary"]["created"] == 0
    assert (await article(api, ids[4]))["status"] == "withdrawn"
    after = await read_export(api)
    assert {slug: one["id"] for slug, one in after.items()} == {f"story-number-{n}": ids[n] for n in (1, 2, 3)}
    for slug in ("story-number-1", "story-number-2"):
        assert _without_ids_of_tags(after[slug]) == _without_ids_of_tags(before[slug])
        assert (await article(api, slug))["version"] == 3
    assert (await article(api, ids[5]))["status"] == "draft"
    twice = await send_stories(api, *stories[:2])
    assert twice["summary"] == {"created": 0, "updated": 0, "unchanged": 2, "failed": 0}
    await undone(api, again["import"])
    assert await read_export(api) == {}
    third = await send_stories(api, *stories[:2])
    assert third["summary"]["updated"] == 2
    assert (await api.public.get("/v1/articles/story-number-1")).status_code == 200


def _without_ids_of_tags(article: Json) -> Json:
    """A tag that nothing had any more is made anew."""
    return article | {"tags": [{**tag, "id": None} for tag in article["tags"]]}


async def test_undo_of_what_cannot_be_undone_is_409_and_says_why(api: Served) -> None:
    id = (await send_stories(api, story(1)))["import"]
    await undone(api, id)
    problem = await api.editor.post(f"/v1/imports/{id}/undo")
    assert (problem.status_code, problem.json()["code"]) == (409, "invalid_transition")
    assert "already" in problem.json()["detail"]
    second = (await send_stories(api, story(2)))["import"]
    other = (await api.db.write(records.begin, records.COMMAND, "wire.ndjson", {"origin": "wire"}, "me")).value
    running = await api.editor.post(f"/v1/imports/{other}/undo")
    assert (running.status_code, "still running" in running.json()["detail"]) == (409, True)
    same = await api.editor.post(f"/v1/imports/{second}/undo")
    assert (same.status_code, f"Import {other} of the same source" in same.json()["detail"]) == (409, True)
    await api.db.write(_age, other)  # the command has died
    assert (await api.editor.post(f"/v1/imports/{second}/undo")).status_code == 200
    assert (await api.editor.post(f"/v1/imports/{other}/undo")).status_code == 200
    with pytest.raises(InvalidTransition, match="given up"):
        await api.db.write(records.note_outcomes, other, [], [], Findings())


def _age(session: Any, id: int) -> None:
    old = int(time.time()) - records.ABANDONED_SECONDS - 1
    session.connection().execute(update(JOB).where(JOB.c.id == id).values(updated_at=old))


async def test_undo_gives_authorship_back_and_forgets_what_the_source_said(api: Served) -> None:
    await send_stories(api, story(1, standfirst="Theirs."))
    [one] = (await api.editor.get("/v1/articles")).json()["data"]
    await api.editor.patch(f"/v1/articles/{one['id']}", json={"title": "Ours"}, headers=ANY)
    second = await send_stories(api, story(1, standfirst="Theirs again.", title="Theirs too"), overwrite="true")
    assert (await article(api, one["id"]))["title"] == "Theirs too"
    await undone(api, second["import"])
    assert (await article(api, one["id"]))["title"] == "Ours"
    with api.db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(func.count()).select_from(BASELINE)).scalar_one() == 0
    await send_stories(api, story(1, standfirst="A third time.", title="Theirs for good"))
    shown = await article(api, one["id"])
    assert (shown["title"], shown["standfirst"]) == ("Ours", "A third time.")


async def test_stopped_undo_goes_on_where_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_job, "CHUNK", 4)
    async with serve(settings) as api:
        id = (await send_stories(api, *(story(n) for n in range(1, 10))))["import"]
    quiet = Database(settings, log.append)
    job = quiet.write_now(undo_job.begin, id, "me").value
    assert quiet.write_now(undo_job.begin, id, "me").value == job
    task = quiet.write_now(jobs.advance, job_chunks.WORKS, job).value
    assert task is not None
    assert (task.progress["done"], task.progress["total"]) == (4, 9)
    assert quiet.write_now(jobs.stop, job).value
    quiet.close_now()
    async with serve(settings) as api:
        stopped = (await api.editor.get(f"/v1/imports/{id}")).json()["undo"]
        assert (stopped["state"], stopped["error"], stopped["undone_at"]) == ("failed", "stopped", None)
        assert (await api.editor.post(f"/v1/jobs/{job}/stop")).status_code == 409
        record = await undone(api, id)
        assert (record["undo"]["withdrawn"], record["undo"]["job"] > job) == (5, True)
        with api.db.snapshot() as snapshot:
            statement = select(CHANGE.c.entity_id).where(CHANGE.c.event == "withdrawn")
            withdrawn = list(snapshot.connection.execute(statement).scalars())
        assert len(withdrawn) == len(set(withdrawn)) == 9


async def test_only_undos_and_bulk_edits_are_stopped(api: Served) -> None:
    assert (await api.editor.post("/v1/jobs/999/stop")).status_code == 404
    merge = (await api.db.write(jobs.add, "merge_tags", {"source": 1, "target": 2}, 0)).value
    problem = await api.editor.post(f"/v1/jobs/{merge}/stop")
    assert (problem.status_code, "merge_tags" in problem.json()["detail"]) == (409, True)


def test_import_by_command_has_a_record_and_is_revived_after_its_undo(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "wire.ndjson"
    file.write_bytes(b"".join(orjson.dumps(story(n)) + b"\n" for n in range(3)))

    def run(**options: Any) -> pipeline.ImportReport:
        items = sources.find_sources([str(file)], BytesIO())
        return pipeline.run_import(db, items, ImportOptions(by="me (command)", **options), db.read_time)

    assert run(dry_run=True).record is None
    report = run()
    assert report.record is not None
    db.write_now(_finish, db.write_now(undo_job.begin, report.record, "me").value)
    with db.snapshot() as snapshot:
        rows = snapshot.connection.execute(select(A.c.status, A.c.saved_by, A.c.withdrawn_reason)).all()
    assert {tuple(row) for row in rows} == {("withdrawn", "undo", "import undone")}
    again = run()
    assert (again.created, again.updated, again.unchanged) == (0, 3, 0)


def _finish(session: Any, job: int) -> None:
    while (task := jobs.advance(session, job_chunks.WORKS, job)) is not None and not task.has_ended:
        pass


async def test_an_undo_that_a_server_left_is_finished_by_the_next(settings: Settings) -> None:
    async with serve(settings) as api:
        id = (await send_stories(api, *(story(n) for n in range(1, 4))))["import"]
    quiet = Database(settings, log.append)
    job = quiet.write_now(undo_job.begin, id, "me").value
    quiet.close_now()
    async with serve(settings) as api:
        for _ in range(200):
            record = (await api.editor.get(f"/v1/imports/{id}")).json()
            if record["undo"]["state"] == "done":
                break
            await asyncio.sleep(0.05)
        assert (record["undo"]["job"], record["undo"]["withdrawn"]) == (job, 3)


@pytest.mark.parametrize("name", ["undo", "import", "undo (version 3)", "Undo (version 3)", "UNDO (version x)"])
def test_key_that_is_called_like_a_machine_is_somebody(name: str) -> None:
    signed = authorship.sign(name)
    assert signed == f"key {name}"
    with create_engine("sqlite://").connect() as connection:
        assert connection.execute(select(authorship.is_persons(literal(signed)))).scalar()
        assert not connection.execute(select(authorship.is_persons(literal(authorship.sign_restored(3))))).scalar()
