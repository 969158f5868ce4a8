"""Many at once: requests, writers with a follower, processes on one file, and processes that are killed.

The same with more and for longer: `make torture`.
"""

import asyncio
import multiprocessing
import random
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from conftest import ENGINES, Served
from torture.drivers import checkpoints, crashes, writers
from torture.drivers.rivals import one_wins_each_round

from app.changes import log
from app.db.database import Database
from app.settings import Settings

pytestmark = pytest.mark.slow

ON = ENGINES

on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def processes(count: int) -> Executor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


@pytest.mark.anyio
async def test_many_posts_at_once_are_all_accepted(api: Served) -> None:
    before = _head(api.settings)
    bodies = [{"title": f"One of many, number {i}", "tags": [f"tag {i % 7}"]} for i in range(200)]
    responses = await asyncio.gather(*(api.editor.post("/v1/articles", json=body) for body in bodies))
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 200
    with api.db.snapshot() as snapshot:
        assert len(log.read(snapshot, before, 1_000)) == log.head(snapshot).seq - before == 200


@pytest.mark.anyio
async def test_posts_of_one_title_at_once_get_slugs_of_their_own(api: Served) -> None:
    body = {"title": "All of the same title", "tags": ["the same new tag"]}
    responses = await asyncio.gather(*(api.editor.post("/v1/articles", json=body) for _ in range(40)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["slug"] for response in responses}) == 40
    assert len({response.json()["tags"][0]["slug"] for response in responses}) == 1


@pytest.mark.anyio
async def test_posts_at_once_with_one_key_make_one_article(api: Served) -> None:
    headers = {"Idempotency-Key": "the same"}
    body = {"title": "Only once, however often it is sent"}
    responses = await asyncio.gather(*(api.editor.post("/v1/articles", json=body, headers=headers) for _ in range(20)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 1


@pytest.mark.anyio
async def test_of_many_writers_with_one_etag_exactly_one_wins(api: Served) -> None:
    await one_wins_each_round(api, rounds=2, writers=50)


@on_postgres
@pytest.mark.parametrize(("transactions", "batch"), [(60, 1), (5, 50)])
def test_follower_among_eight_writers_misses_nothing(database_url: str, transactions: int, batch: int) -> None:
    with ThreadPoolExecutor(9) as pool:
        output = writers.run(pool, writers.WriteLoad(database_url, transactions, batch))
    assert (output.skipped, output.double) == (0, 0)


@on_postgres
def test_follower_of_a_plain_sequence_misses_rows(database_url: str) -> None:
    """The control: what finds nothing wrong with the log does find what is wrong with a sequence."""
    with ThreadPoolExecutor(9) as pool:
        output = writers.run(pool, writers.WriteLoad(database_url, 20, 50), naive=True)
    assert output.skipped > 0


def test_processes_that_write_and_checkpoint_one_file_leave_it_whole(sqlite_settings: Settings) -> None:
    before, seconds = _head(sqlite_settings), 1.5
    with processes(2) as pool:
        writing = [pool.submit(checkpoints.write, sqlite_settings, writer, seconds) for writer in range(2)]
        checkpoints.read(sqlite_settings, seconds)
        written = [one.result(30).count for one in writing]
    assert min(written) > 10
    assert checkpoints.faults(sqlite_settings, sum(written), before) == []


def _head(settings: Settings) -> int:
    db = Database(settings, log.append)
    with db.snapshot() as snapshot:
        seq = log.head(snapshot).seq
    db.close_now()
    return seq


def test_killed_server_and_import_lose_nothing_that_was_confirmed(sqlite_settings: Settings) -> None:
    archive = crashes.CrashingArchive(sqlite_settings, random.Random(), lines=150)
    for _ in range(5):
        archive.crash(within=0.15)
    archive.retry()
    assert archive.faults() == []
    assert archive.all.sent
