"""Workers that are killed at random under reads and writes; responses of four of them under writes at full speed."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from conftest import ENGINES
from support import linearizable
from support.processes import WorkerServer, run_workers

from app.settings import Settings

ON = ENGINES
pytestmark = [pytest.mark.torture, pytest.mark.anyio]
KILLS = int(os.environ.get("TORTURE_KILLS", "60"))
SECONDS = float(os.environ.get("TORTURE_SECONDS", "20"))
WORKERS = 4
BROKEN = (httpx.TransportError,)
"""What a client sees whose connection was to the worker that was killed."""


@dataclass
class Outcome:
    """`saved` by title; `newest` is the highest version of the moving article that anybody has been told of."""

    saved: dict[str, int] = field(default_factory=dict)
    newest: int = 1
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


async def write(outcome: Outcome, address: str, headers: dict[str, str], name: str, ending: asyncio.Event) -> None:
    """Each article under a key of its own; repeated with it where the connection broke."""
    number = 0
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        while not ending.is_set():
            number += 1
            title = f"{name} {number}"
            while True:
                try:
                    response = await client.post(
                        "/v1/articles", json={"title": title, "status": "published"}, headers={"Idempotency-Key": title}
                    )
                    break
                except BROKEN:
                    outcome.counts["broken"] += 1
            if response.status_code == 201:
                outcome.saved[title] = response.json()["id"]
                outcome.counts["written"] += 1
            elif response.json().get("code") != "idempotency_in_progress":
                outcome.wrong.append(f"POST {response.status_code} {response.text[:200]}")


async def change(outcome: Outcome, address: str, headers: dict[str, str], ending: asyncio.Event) -> None:
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        while not ending.is_set():
            try:
                response = await client.patch(
                    linearizable.ITEM, json={"title": f"T{time.monotonic_ns()}"}, headers={"If-Match": "*"}
                )
            except BROKEN:
                outcome.counts["broken"] += 1
                continue
            if response.status_code != 200:
                outcome.wrong.append(f"PATCH {response.status_code} {response.text[:200]}")
                continue
            outcome.newest = max(outcome.newest, response.json()["version"])
            outcome.counts["changed"] += 1


async def read(outcome: Outcome, address: str, path: str, ending: asyncio.Event) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        while not ending.is_set():
            floor = outcome.newest
            try:
                response = await client.get(path)
            except BROKEN:
                outcome.counts["broken"] += 1
                continue
            if response.status_code != 200:
                outcome.wrong.append(f"GET {path} {response.status_code} {response.text[:200]}")
                continue
            shown = response.json()
            version = (shown if path == linearizable.ITEM else shown["data"][0])["version"]
            if version < floor:
                outcome.wrong.append(f"stale: version {version} after {floor}")
            outcome.newest = max(outcome.newest, version)
            outcome.counts["read"] += 1
            await asyncio.sleep(0.002)


async def list_all(server: WorkerServer) -> list[int]:
    """Process ids of all workers, as soon as there are as many again."""
    deadline = time.monotonic() + 60
    while len(workers := server.list_workers()) < WORKERS:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return workers


async def test_killed_workers_lose_nothing_and_nobody_else_notices(settings: Settings, tmp_path: Path) -> None:
    chance = random.Random(7)
    with run_workers(tmp_path / "data", WORKERS, database_url=settings.database_url) as server:
        headers = {"Authorization": f"Bearer {server.key}"}
        moving = {"title": "Moving", "slug": "moving", "status": "published", "tags": ["moving"]}
        async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as editor:
            assert (await editor.post("/v1/articles", json=moving)).status_code == 201
        outcome, ending = Outcome(), asyncio.Event()
        clients = [asyncio.create_task(write(outcome, server.address, headers, f"W{n}", ending)) for n in range(4)]
        clients += [asyncio.create_task(change(outcome, server.address, headers, ending))]
        paths = (linearizable.ITEM, linearizable.FOUND)
        clients += [asyncio.create_task(read(outcome, server.address, paths[n % 2], ending)) for n in range(8)]
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 1.0))
            workers = await list_all(server)
            os.kill(chance.choice(workers), signal.SIGKILL)
        await list_all(server)
        ending.set()
        await asyncio.wait_for(asyncio.gather(*clients), 120)
        assert not outcome.wrong, (outcome.counts, outcome.wrong[:5])
        assert min(outcome.counts[what] for what in ("written", "changed", "read")) >= KILLS // 4, outcome.counts
        async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as client:
            counts: Counter[str] = Counter()
            page = "/v1/articles?fields=title&limit=100&count=none"
            while page:
                shown = (await client.get(page)).json()
                counts.update(article["title"] for article in shown["data"])
                after = shown["page"].get("next")
                page = f"/v1/articles?fields=title&limit=100&count=none&cursor={after}" if after else ""
        lost = [title for title in outcome.saved if not counts[title]]
        doubled = [title for title, count in counts.items() if count > 1 and title.startswith("W")]
        assert (lost, doubled) == ([], []), outcome.counts


async def test_no_worker_ever_sends_an_older_version(settings: Settings, tmp_path: Path) -> None:
    with run_workers(tmp_path / "data", WORKERS, database_url=settings.database_url) as server:
        headers = {"Authorization": f"Bearer {server.key}"}
        async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as editor:
            moving = {"title": "Moving", "slug": "moving", "status": "published", "tags": ["moving"]}
            assert (await editor.post("/v1/articles", json=moving)).status_code == 201
            history = await linearizable.run(editor, [server.address], SECONDS, 16)
    assert not history.stale, history.stale[:5]
    assert min(history.counts[what] for what in ("write", "200", "304")) >= SECONDS, history.counts
