"""Merges as jobs: cut off between chunks, beside writers, in any order; in the end no article has the old tag."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson
import pytest
from conftest import Served
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import func, select
from sqlmodel import Session
from support.stories import NOW, story, write

from app.articles import service
from app.articles.store import log_facts, relink_jobs
from app.changes import jobs, log
from app.changes.jobs import Jobs, Task
from app.db.database import Database
from app.models import ArticleTag, Change, Tag, table
from app.settings import Settings
from app.tags import merges

pytestmark = pytest.mark.anyio
TAG, TAGGED, CHANGE = table(Tag), table(ArticleTag), table(Change)


@pytest.fixture
def local(sqlite_settings: Settings) -> Iterator[Database]:
    database = Database(sqlite_settings, log.append)
    try:
        yield database
    finally:
        database.close_now()


def ids(db: Database) -> dict[str, int]:
    with db.snapshot() as snapshot:
        return {row.slug: row.id for row in snapshot.connection.execute(select(TAG.c.slug, TAG.c.id))}


def with_tag(db: Database, slug: str) -> int:
    with db.snapshot() as snapshot:
        statement = select(func.count()).select_from(TAGGED).join(TAG, TAG.c.id == TAGGED.c.tag_id)
        return int(snapshot.connection.execute(statement.where(TAG.c.slug == slug)).scalar_one())


def tags_of(db: Database) -> dict[int, list[int]]:
    result: dict[int, list[int]] = {}
    with db.snapshot() as snapshot:
        rows = select(TAGGED.c.article_id, TAGGED.c.tag_id).order_by(TAGGED.c.article_id, TAGGED.c.position)
        for article, tag in snapshot.connection.execute(rows):
            result.setdefault(article, []).append(tag)
    return result


def begin(db: Database, source: str, target: str) -> int:
    known = ids(db)
    job = db.write_now(merges.begin, known[source], known[target]).value
    assert job is not None
    return job


def wait_for(happened: threading.Semaphore, times: int) -> None:
    for _ in range(times):
        assert happened.acquire(timeout=10)


def _chunk_that_is_lost(session: Session, id: int) -> None:
    jobs.advance(session, relink_jobs.WORKS, id)
    raise KeyboardInterrupt


async def test_job_that_was_cut_off_is_taken_up_where_it_was(db: Database, settings: Settings) -> None:
    many = jobs.CHUNK + 20
    await write(db, *(story(db, number, tags=["old", "new"][: 1 + number % 2]) for number in range(many)))
    job = begin(db, "old", "new")
    first = db.write_now(jobs.advance, relink_jobs.WORKS, job).value
    assert first is not None
    assert (first.state, first.progress) == ("running", {"done": jobs.CHUNK, "total": many})
    with pytest.raises(KeyboardInterrupt):
        db.write_now(_chunk_that_is_lost, job)
    assert with_tag(db, "old") == 20
    other = Database(settings, log.append)
    try:
        running = asyncio.create_task(Jobs(other, relink_jobs.WORKS).run())
        task = await Jobs(db, relink_jobs.WORKS).find(job)
        while task is None or not task.has_ended:
            await asyncio.sleep(0.01)
            task = await Jobs(db, relink_jobs.WORKS).find(job)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        await other.close()
    assert (task.state, task.progress) == ("done", {"done": many, "total": many})
    assert (with_tag(db, "old"), with_tag(db, "new")) == (0, many)
    with db.snapshot() as snapshot:
        told = select(func.count(), func.count(CHANGE.c.entity_id.distinct())).where(
            CHANGE.c.changed_fields == '["tags"]', CHANGE.c.event == "updated"
        )
        assert tuple(snapshot.connection.execute(told).one()) == (many, many)
    await db.reader.close()


@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)], indirect=True
)
async def test_nothing_written_meanwhile_keeps_the_old_tag(db: Database) -> None:
    await write(db, *(story(db, number, tags=["old"]) for number in range(40)), story(db, 99, tags=["new"]))
    numbers, written, ended = count(1_000), threading.Semaphore(0), threading.Event()

    def keep_writing() -> None:
        while not ended.is_set():
            written.release()
            manuscripts = [story(db, next(numbers), tags=["old"]), story(db, 7, tags=["old", "other"])]
            db.write_now(service.upsert, manuscripts, now=NOW, site_url="")

    writers = [threading.Thread(target=keep_writing) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        wait_for(written, 10)
        job = begin(db, "old", "new")
        task: Task | None = None
        while task is None or not task.has_ended:
            task = db.write_now(jobs.advance, relink_jobs.WORKS, job).value or task
        wait_for(written, 10)
    finally:
        ended.set()
        for writer in writers:
            writer.join()
    assert with_tag(db, "old") == 0
    with db.snapshot() as snapshot:
        rows = snapshot.connection.execute(
            select(CHANGE.c.entity_id, CHANGE.c.after).where(CHANGE.c.entity == "article").order_by(CHANGE.c.seq)
        )
        last = {row.entity_id: log_facts.from_log(row.entity_id, orjson.loads(row.after)) for row in rows}
        assert last == log_facts.load(snapshot.connection, list(last))


async def test_other_merges_of_its_tags_wait_for_one_that_goes_on(api: Served) -> None:
    await write(api.db, *(story(api.db, number, tags=[tag]) for number, tag in enumerate(["one", "two", "six"])))
    job = begin(api.db, "one", "two")
    assert begin(api.db, "one", "two") == job
    refused = await api.editor.post("/v1/tags/two/merge", json={"into": "six"})
    if refused.status_code != 200:  # else the server has been quicker
        assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
        assert f"/v1/jobs/{job}" in refused.json()["detail"]
    shown: Any = {"state": "waiting"}
    while shown["state"] != "done":
        await asyncio.sleep(0.02)
        shown = (await api.editor.get(f"/v1/jobs/{job}")).json()
    assert {**shown, "created_at": "", "updated_at": ""} == {
        "id": job, "kind": "merge_tags", "state": "done", "done": 1, "total": 1, "error": None,
        "result": "/v1/tags/two", "created_at": "", "updated_at": "",
    }  # fmt: skip
    for path in ("/v1/jobs/999", "/v1/jobs/x"):
        assert (await api.editor.get(path)).status_code == 404


def _raise_broken(session: Session, task: Task) -> jobs.Step:
    raise RuntimeError("a mistake")


async def test_job_that_cannot_go_on_fails_and_is_left(local: Database) -> None:
    job = local.write_now(jobs.add, "broken", {}, 3).value
    task = await Jobs(local, {"broken": _raise_broken}).finish(job)
    assert (task.state, task.error) == ("failed", "RuntimeError")
    await local.reader.close()


names = st.sampled_from("abcde")
happenings = st.lists(
    st.one_of(
        st.tuples(names, names),
        st.tuples(st.integers(0, 3), st.lists(names, unique=True, max_size=4)),
    ),
    min_size=3,
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happening=happenings)
async def test_articles_have_the_tags_that_merges_leave(local: Database, happening: list[tuple[Any, Any]]) -> None:
    offset = max(tags_of(local), default=0) * 10
    await write(local, *(story(local, offset + 5 + i, tags=[f"{offset}-{name}"]) for i, name in enumerate("abcde")))
    known = ids(local)
    leads = {name: name for name in "abcde"}
    model: dict[int, list[str]] = {}
    for one, other in happening:
        if isinstance(one, int):
            [saved] = await write(local, story(local, offset + one, tags=[f"{offset}-{name}" for name in other]))
            model[saved.id] = list(dict.fromkeys(leads[name] for name in other))
        elif leads[one] == one and leads[other] != one:
            into = leads[other]
            job = begin(local, f"{offset}-{one}", f"{offset}-{other}")
            local.write_now(jobs.advance, relink_jobs.WORKS, job)
            leads = {name: into if led == one else led for name, led in leads.items()}
            model = {
                id: list(dict.fromkeys(into if name == one else name for name in has)) for id, has in model.items()
            }
    result = tags_of(local)
    slugs = {known[f"{offset}-{name}"]: name for name in "abcde"}
    assert {id: [slugs[tag] for tag in result.get(id, [])] for id in model} == model
