"""The long runs. Each has a small form among the other tests; this is where figures come from."""

import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

import pytest
from conftest import ENGINES, Served

from app.changes import log
from app.db.database import Database
from app.settings import Settings
from torture.drivers import checkpoints, crashes, rivals, writers

ON = ENGINES

pytestmark = pytest.mark.torture

on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LINES = 1_500
ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "200"))
SECONDS = float(os.environ.get("TORTURE_SECONDS", "300"))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Lines for whoever watches, printed at the end."""
    lines: list[str] = []
    yield lines
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 -- figures are what these runs are for


def _processes(count: int) -> Executor:
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


@on_postgres
@pytest.mark.parametrize(("transactions", "batch"), [(2_500, 1), (100, 50)])
def test_follower_among_eight_processes_misses_nothing(
    database_url: str, say: list[str], transactions: int, batch: int
) -> None:
    load = writers.WriteLoad(database_url, transactions, batch)
    with _processes(9) as pool:
        output = writers.run(pool, load)
    rate = load.writers * transactions / output.seconds
    say.append(f"{output.entries} entries in batches of {batch}: {output}; {rate:.0f} commits/s")
    assert (output.skipped, output.double) == (0, 0)


@on_postgres
@pytest.mark.parametrize(("transactions", "batch"), [(2_500, 1), (100, 50)])
def test_follower_of_a_plain_sequence_misses_rows(
    database_url: str, say: list[str], transactions: int, batch: int
) -> None:
    with _processes(9) as pool:
        output = writers.run(pool, writers.WriteLoad(database_url, transactions, batch), naive=True)
    say.append(f"a sequence, batches of {batch}: {output}; {100 * output.skipped / output.entries:.1f} % skipped")
    assert output.skipped > 0


def test_file_stays_whole_under_writers_and_checkpoints(sqlite_settings: Settings, say: list[str]) -> None:
    db = Database(sqlite_settings, log.append)
    with db.snapshot() as snapshot:
        before = log.head(snapshot).seq
    db.close_now()
    with _processes(4) as pool:
        writing = [pool.submit(checkpoints.write, sqlite_settings, writer, SECONDS) for writer in range(2)]
        reading = [pool.submit(checkpoints.read, sqlite_settings, SECONDS) for _ in range(2)]
        written = [one.result() for one in writing]
        say.append(f"{SECONDS:.0f} s: {written}, {[one.result() for one in reading]} snapshots read")
    assert checkpoints.faults(sqlite_settings, sum(one.count for one in written), before) == []


@pytest.mark.parametrize("half", [1, 2])
def test_nothing_confirmed_is_lost_over_many_kills(sqlite_settings: Settings, say: list[str], half: int) -> None:
    rounds, seed = ROUNDS // 2, time.time_ns()
    archive, began, open_ = crashes.CrashingArchive(sqlite_settings, random.Random(seed), LINES), time.monotonic(), 0
    for number in range(rounds):
        archive.crash(within=1.5)
        open_ += archive.retry()
        assert archive.faults() == [], f"round {number + 1} of seed {seed}"
    killed_at = archive.count_imported()
    archive.finish_imports()
    archive.retry()
    assert archive.faults() == []
    assert archive.count_imported() == rounds * LINES
    say.append(
        f"half {half}: {rounds} rounds in {time.monotonic() - began:.0f} s: {len(archive.all.sent)} writes answered "
        f"({len(archive.all.state)} articles), {archive.reads} reads, {open_} "
        f"open when killed, {killed_at} of {rounds * LINES} lines imported before the kills; nothing lost"
    )


@pytest.mark.anyio
async def test_of_two_hundred_writers_with_one_etag_exactly_one_wins(api: Served, say: list[str]) -> None:
    statuses = await rivals.one_wins_each_round(api, rounds=20, writers=200)
    say.append(f"20 rounds of 200 writers with one ETag ({api.db.dialect}): {dict(statuses)}")
