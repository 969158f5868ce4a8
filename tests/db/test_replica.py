"""A replica of PostgreSQL is read for published articles where it has what a request knows; nothing that was withdrawn
reappears from one that is behind, gone, or of another archive."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Served, serve
from test_connecting import STORY, make_settings, wait_until
from torture.drivers.postgres_cluster import PostgresNode, run_nodes

from app.db.postgres.replica import Replica

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@dataclass(frozen=True)
class Replicated:
    api: Served
    primary: PostgresNode
    standby: PostgresNode

    @property
    def replica(self) -> Replica:
        assert self.api.db.replica is not None
        return self.api.db.replica

    async def read(self, path: str) -> int:
        """The status of a response to the public that is made anew."""
        return (await self.api.public.get(path, headers={"Cache-Control": "no-cache"})).status_code


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[PostgresNode]]:
    with run_nodes(3) as nodes:
        nodes[1].follow(nodes[0])
        yield nodes


@pytest.fixture(name="replicated")
async def open_replicated(nodes: list[PostgresNode], tmp_path: Path) -> AsyncIterator[Replicated]:
    settings = make_settings(tmp_path, nodes[0].url(), replica_url=nodes[1].url(), cache_mb=0)
    async with serve(settings) as api:
        yield Replicated(api, nodes[0], nodes[1])


async def publish(at: Replicated) -> tuple[object, str]:
    created = await at.api.post(**STORY)
    etag = (await at.api.editor.get(f"/v1/articles/{created['id']}")).headers["etag"]
    await wait_until(at.api, lambda ready: (ready["replica"], ready["replica_lag"]) == ("ok", 0))
    return created["id"], etag


async def test_published_articles_come_from_the_replica_and_nothing_else_does(replicated: Replicated) -> None:
    id, _ = await publish(replicated)
    for path in (f"/v1/articles/{id}", "/v1/articles", f"/v1/articles/{id}/related", "/v1/articles?has=tag"):
        before = replicated.replica.served
        assert await replicated.read(path) == 200
        if path != "/v1/articles?has=tag":  # of which there is none, which the primary has to say
            assert replicated.replica.served > before, path
    counts = replicated.replica.served, replicated.replica.refused
    assert (await replicated.api.editor.get(f"/v1/articles/{id}")).status_code == 200
    assert (await replicated.api.editor.get("/v1/articles")).status_code == 200
    assert (await replicated.api.editor.post("/v1/articles", json=STORY)).status_code == 201
    assert (await replicated.api.public.get("/v1/changes?since=0")).status_code == 200
    assert (replicated.replica.served, replicated.replica.refused) == counts
    counted = (await replicated.api.editor.get("/metrics")).text
    assert f'dateline_replica_reads_total{{server="replica"}} {counts[0]}.0' in counted


async def test_nothing_withdrawn_reappears_from_a_replica_that_is_behind(replicated: Replicated) -> None:
    id, etag = await publish(replicated)
    assert await replicated.read(f"/v1/articles/{id}") == 200
    replicated.standby.execute("SELECT pg_wal_replay_pause()")
    try:
        headers = {"If-Match": etag}
        gone = await replicated.api.editor.delete(f"/v1/articles/{id}", params={"reason": "wrong"}, headers=headers)
        assert gone.status_code in (200, 204), gone.text
        served = replicated.replica.served
        for _ in range(20):
            assert await replicated.read(f"/v1/articles/{id}") == 410
            listed = (await replicated.api.public.get("/v1/articles", params={"id": str(id)})).json()
            assert listed["data"] == []
            assert (await replicated.api.public.get("/v1/articles")).status_code == 200
            await asyncio.sleep(0.01)
        assert replicated.replica.served == served
        await wait_until(replicated.api, lambda ready: ready["replica"] == "behind" and ready["replica_lag"] != 0)
        assert (await replicated.api.public.get("/health/ready")).status_code == 200
    finally:
        replicated.standby.execute("SELECT pg_wal_replay_resume()")
    await wait_until(replicated.api, lambda ready: ready["replica"] == "ok")
    assert await replicated.read(f"/v1/articles/{id}") == 410
    other, _ = await publish(replicated)
    assert await replicated.read(f"/v1/articles/{other}") == 200
    assert replicated.replica.served > served


async def test_primary_is_read_while_the_replica_is_gone(replicated: Replicated) -> None:
    id, _ = await publish(replicated)
    assert await replicated.read(f"/v1/articles/{id}") == 200
    await asyncio.to_thread(replicated.standby.kill)
    try:
        for _ in range(5):
            assert await replicated.read(f"/v1/articles/{id}") == 200
        await wait_until(replicated.api, lambda ready: ready["replica"] == "unavailable" and ready["status"] == "ok")
    finally:
        await asyncio.to_thread(replicated.standby.start)
    served = replicated.replica.served
    for _ in range(200):
        assert await replicated.read(f"/v1/articles/{id}") == 200
        if replicated.replica.served > served:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the replica is not read again")


async def test_server_of_another_archive_is_no_replica(nodes: list[PostgresNode], tmp_path: Path) -> None:
    other = nodes[2]
    await asyncio.to_thread(other.create, {"fsync": "off"})
    await asyncio.to_thread(other.start)
    other.execute("CREATE DATABASE archive")
    async with serve(make_settings(tmp_path / "other", other.url())) as api:
        for _ in range(50):
            await api.editor.post("/v1/articles", json={**STORY, "status": "published"})
    settings = make_settings(tmp_path, nodes[0].url(), replica_url=other.url(), cache_mb=0)
    async with serve(settings) as api:
        id = (await api.post(title="Of this archive alone"))["id"]
        for _ in range(10):
            read = await api.public.get(f"/v1/articles/{id}")
            assert read.json()["title"] == "Of this archive alone"
            await asyncio.sleep(0.06)
        assert api.db.replica is not None
        assert api.db.replica.served == 0
        await wait_until(api, lambda ready: ready["replica"] == "unavailable")
