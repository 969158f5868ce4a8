"""A primary of PostgreSQL with a synchronous standby, killed under load again and again, the standby promoted; and many
writes through PgBouncer. What was confirmed is there once."""

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
from support.processes import WorkerServer
from torture.drivers.article_writers import WriteRecord, count_wrong, write_articles
from torture.drivers.pgbouncer import MODES, run_pgbouncer
from torture.drivers.postgres_cluster import PostgresNode, join_urls, run_nodes

from app.changes import log
from app.commands import open_archive
from app.db.database import Database
from app.http import auth
from app.settings import Settings

pytestmark = [pytest.mark.torture, pytest.mark.anyio]
FAILOVERS = int(os.environ.get("TORTURE_FAILOVERS", "5"))
WRITES = int(os.environ.get("TORTURE_WRITES", "1000"))
WRITERS, SERVERS = 6, 2
LOADED_SECONDS, AFTER_SECONDS = 1.0, 1.5
SYNCHRONOUS: Mapping[str, str] = {"synchronous_commit": "on"}


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Lines for whoever watches, printed at the end."""
    lines: list[str] = []
    yield lines
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201 -- figures are what these runs are for


@dataclass
class Failovers:
    """`seconds` from the kill of a primary to the first write that was confirmed after the promotion, which took
    `promoting` of them."""

    seconds: list[float] = field(default_factory=list)
    promoting: list[float] = field(default_factory=list)
    unnoticed: int = 0


def create_key(url: str, folder: Path) -> dict[str, str]:
    """The header of a key with every scope, of an archive that is made for it."""
    settings = Settings(data_dir=folder, database_url=url)
    open_archive.open_archive(settings).close_now()
    database = Database(settings, log.append)
    try:
        return {"Authorization": f"Bearer {database.write_now(auth.create_key, 'writers', auth.SCOPES).value}"}
    finally:
        database.close_now()


@contextmanager
def run_server(folder: Path, **settings: str) -> Iterator[WorkerServer]:
    server = WorkerServer(folder, 1, seed=None, **settings)
    server.process.discard_errors()
    try:
        yield server
    finally:
        server.end()


def load_titles(node: PostgresNode) -> dict[int, str]:
    with psycopg.connect(node.url()) as connection:
        return dict(connection.execute("SELECT id, title FROM article").fetchall())


async def fail_over(
    record: WriteRecord, writers: Sequence[asyncio.Task[None]], primary: PostgresNode, standby: PostgresNode,
    outcome: Failovers,
) -> None:  # fmt: skip
    """As a manager of failovers does: the standby waits for nobody once it is the primary. The one that was killed
    comes back as its standby."""
    await asyncio.sleep(LOADED_SECONDS)
    killed = time.monotonic()
    await asyncio.to_thread(primary.kill)
    confirmed = len(record.at)
    await asyncio.to_thread(standby.promote)
    promoted = time.monotonic()
    while len(record.at) <= confirmed or record.at[-1] < promoted:
        for failed in (writer for writer in writers if writer.done()):
            await failed
        assert time.monotonic() < promoted + 30, (record.refusals, record.broken, len(record.saved))
        await asyncio.sleep(0.005)
    outcome.promoting.append(promoted - killed)
    outcome.seconds.append(next(at for at in record.at if at > promoted) - killed)
    await asyncio.sleep(AFTER_SECONDS)
    await asyncio.to_thread(primary.follow, standby)
    await asyncio.to_thread(standby.wait_for_standby)
    standby.configure({"synchronous_standby_names": "standby"})
    await asyncio.to_thread(standby.reload)


@pytest.mark.parametrize("servers", [SERVERS])
async def test_failovers_lose_and_double_nothing(servers: int, tmp_path: Path, say: list[str]) -> None:
    outcome, record = Failovers(), WriteRecord()
    with run_nodes(2, SYNCHRONOUS) as nodes:
        await asyncio.to_thread(nodes[1].follow, nodes[0])
        nodes[0].configure({"synchronous_standby_names": "standby"})
        nodes[0].reload()
        url = join_urls(nodes)
        headers = create_key(url, tmp_path / "made")
        settings = {"database_url": url, "index_interval": "0.1", "index_heap_mb": "15", "log_level": "ERROR"}
        with (
            run_server(tmp_path / "first", **settings) as first,
            run_server(tmp_path / "second", **settings) as second,
        ):
            async with (
                httpx.AsyncClient(base_url=first.address, timeout=60) as one,
                httpx.AsyncClient(base_url=second.address, timeout=60) as other,
            ):
                ending = asyncio.Event()
                writers = [
                    asyncio.create_task(
                        write_articles(record, (one, other)[i % servers], headers, f"Quay {i}", 1_000_000, ending)
                    )
                    for i in range(WRITERS)
                ]
                for round in range(FAILOVERS):
                    primary, standby = nodes[round % 2], nodes[1 - round % 2]
                    await fail_over(record, writers, primary, standby, outcome)
                ending.set()
                await asyncio.gather(*writers)
                stored = load_titles(nodes[FAILOVERS % 2])
                lost, doubled = count_wrong(record, stored)
                for client in (one, other):
                    ready = (await client.get("/health/ready")).json()
                    assert ready["database"] is True
    seconds, promoting = sorted(outcome.seconds), statistics.median(outcome.promoting)
    refused = Counter({f"{status} {code}": n for (status, code), n in record.refusals.items()})
    say += [
        f"{len(seconds)} failovers, {WRITERS} writers at {servers} servers: {len(record.saved)} confirmed, "
        f"lost {lost}, doubled {doubled}",
        f"kill to first write: min {seconds[0]:.2f} median {statistics.median(seconds):.2f} max {seconds[-1]:.2f} s, "
        f"of which promoting median {promoting:.2f} s; slowest response {record.slowest:.2f} s",
        f"refused {dict(refused)}, without Retry-After {record.without_retry}",
    ]
    assert (lost, doubled, record.without_retry, record.broken) == (0, 0, 0, {}), say
    assert {status for status, _ in record.refusals} <= {503, 409}, refused


@pytest.mark.parametrize("mode", MODES)
async def test_many_writes_through_pgbouncer(mode: str, tmp_path: Path, say: list[str]) -> None:
    record = WriteRecord()
    with run_nodes(1) as nodes, run_pgbouncer(nodes[0], mode) as url:
        headers = create_key(url, tmp_path / "made")
        with run_server(tmp_path / "data", database_url=url, index_heap_mb="15") as server:
            limits = httpx.Limits(max_connections=20)
            async with httpx.AsyncClient(base_url=server.address, timeout=60, limits=limits) as client:
                began = time.monotonic()
                await asyncio.gather(
                    *(write_articles(record, client, headers, f"Quay {i}", WRITES // 10) for i in range(10))
                )
                took = time.monotonic() - began
                read = [await client.get(f"/v1/articles/{id}") for id in list(record.saved.values())[:100]]
        stored = load_titles(nodes[0])
    lost, doubled = count_wrong(record, stored)
    wrong = lost + doubled + (len(stored) != len(record.saved)) + sum(record.refusals.values())
    wrong += sum(one.status_code != 200 for one in read)
    say.append(
        f"PgBouncer, {mode} mode: {len(record.saved)} writes, wrong {wrong} (lost {lost}, doubled {doubled}, refused "
        f"{dict(record.refusals)}), {len(record.saved) / took:.0f} a second"
    )
    assert (len(record.saved), wrong) == (WRITES // 10 * 10, 0)
