"""A server of several worker processes as clients and its operator meet it: one archive, one address, limits of all
together; nothing stale from any of them; whoever dies is replaced, and nothing is left running."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
from support import linearizable
from support.processes import DatelineProcess, WorkerServer, run_workers

from app.http.server import supervisor

pytestmark = pytest.mark.slow

WORKERS = 3


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_gone(process: int) -> bool:
    return not is_alive(process)


def count_requests(address: str) -> float:
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("dateline_requests_total"))


def test_workers_serve_one_archive_and_end_together(tmp_path: Path) -> None:
    with run_workers(tmp_path / "data") as server:
        workers = server.list_workers()
        clients = server.open_clients(6)
        assert {client.get("/v1/articles").json()["page"]["total"] for client in clients} == {40}
        key = {"Authorization": f"Bearer {server.key}"}
        for number, client in enumerate(clients):
            made = client.post(
                "/v1/articles", json={"title": f"Number {number}", "body": "Text.", "status": "published"}, headers=key
            )
            assert made.status_code == 201
            slug = made.json()["slug"]
            assert {other.get(f"/v1/articles/{slug}").status_code for other in clients} == {200}
        seq = made.headers["x-seq"]
        pages = [client.get("/v1/search", params={"q": "number", "min_seq": seq}).json() for client in clients]
        assert {page["page"]["total"] >= 6 for page in pages} == {True}
        draft = clients[0].post("/v1/articles", json={"title": "Number of quokkas", "body": "Text."}, headers=key)
        sought = {"q": "quokkas", "status": "draft", "min_seq": draft.headers["x-seq"]}
        pages = [client.get("/v1/articles", params=sought, headers=key).json() for client in clients]
        assert [[row["id"] for row in page["data"]] for page in pages] == [[draft.json()["id"]]] * len(clients)
        assert {client.get("/health/ready").json()["status"] for client in clients} == {"ok"}
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == (0, "", "")
        assert not any(map(is_alive, workers))


def test_repeat_with_the_same_key_at_another_worker_makes_nothing_twice(tmp_path: Path) -> None:
    with run_workers(tmp_path / "data") as server:
        key = {"Authorization": f"Bearer {server.key}", "Idempotency-Key": "once"}
        made = [client.post("/v1/articles", json={"title": "Once"}, headers=key) for client in server.open_clients(6)]
        assert {response.status_code for response in made} == {201}
        assert len({response.json()["id"] for response in made}) == 1


@pytest.mark.torture
def test_worker_that_dies_or_hangs_is_replaced_and_counters_go_on(tmp_path: Path) -> None:
    with run_workers(tmp_path / "data") as server:
        for client in server.open_clients(9):
            client.get("/v1/articles")
        before = count_requests(server.address)
        for process in server.list_workers()[:2]:
            os.kill(process, signal.SIGKILL)
            wait_until(lambda: len(server.list_workers()) == WORKERS)
            assert httpx.get(f"{server.address}/v1/articles").status_code == 200
        assert count_requests(server.address) >= before
        stopped = server.list_workers()[0]
        os.kill(stopped, signal.SIGSTOP)
        statuses = [httpx.get(f"{server.address}/v1/articles", timeout=5).status_code for _ in range(10)]
        assert statuses == [200] * 10, "requests waited at a worker that is stopped"
        wait_until(lambda: not is_alive(stopped), supervisor.HANGING_SECONDS + 10)
        wait_until(lambda: len(server.list_workers()) == WORKERS)
        key = {"Authorization": f"Bearer {server.key}"}
        made = httpx.post(f"{server.address}/v1/articles", json={"title": "Later", "status": "published"}, headers=key)
        seq = made.headers["x-seq"]

        def is_found() -> bool:
            return httpx.get(f"{server.address}/v1/search", params={"q": "later", "min_seq": seq}).status_code == 200

        wait_until(is_found)


def test_nothing_is_left_running_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with run_workers(tmp_path / "data") as server:
        workers = server.list_workers()
        with pytest.raises(AssertionError, match=r"status 1: .+ running already"):
            WorkerServer(tmp_path / "data", WORKERS)
        server.process.kill()
        wait_until(lambda: not any(map(is_alive, workers)))


def test_archive_has_another_server_as_soon_as_a_test_has_left_one(tmp_path: Path) -> None:
    """Its supervisor killed, and a worker stopped: a next server would be refused as long as that one lives."""
    for _ in range(2):
        with run_workers(tmp_path / "data") as server:
            workers = server.list_workers()
            os.kill(workers[0], signal.SIGSTOP)
            server.process.kill()
        # What a process holds is let go of a moment before it is gone.
        for worker in workers:
            wait_until(partial(is_gone, worker), 1)


def test_bad_start_ends_all_with_its_reason(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    for settings, reason in (
        ({"DATELINE_DATA_DIR": str(blocked / "data")}, "folder cannot be used"),
        ({"DATELINE_DATA_DIR": str(tmp_path), "DATELINE_INDEX_DIR": str(blocked)}, "folder cannot be used"),
        (
            {"DATELINE_DATA_DIR": str(tmp_path), "DATELINE_DATABASE_URL": "mysql://127.0.0.1:1/no"},
            "DATELINE_DATABASE_URL",
        ),
        ({"DATELINE_DATA_DIR": str(tmp_path), "DATELINE_WORKERS": "0"}, "DATELINE_WORKERS"),
    ):
        process = DatelineProcess(
            "serve", "--port", "0", environment={"DATELINE_WORKERS": "2", "DATELINE_HOST": "127.0.0.1", **settings}
        )
        status, out, err = process.wait(30)
        process.end()
        assert (status, out) == (1, ""), (settings, err)
        assert reason in err.splitlines()[-1], err


def test_limits_are_those_of_all_workers_together(tmp_path: Path) -> None:
    with (
        run_workers(tmp_path / "data", max_streams_per_address="4", rate_limit="30") as server,
        ExitStack() as streams,
    ):
        clients = server.open_clients(9)
        statuses = [
            streams.enter_context(client.stream("GET", "/v1/changes/stream?since=0")).status_code for client in clients
        ]
        assert sorted(statuses) == [200] * 4 + [429] * 5
        others, began = server.open_clients(6), time.monotonic()
        statuses = [others[i % 6].get("/v1/regions/belgium").status_code for i in range(60)]
        # The four streams have taken theirs, and half a token is added each second.
        assert 26 <= statuses.count(200) <= 27 + (time.monotonic() - began) / 2 + 5


@pytest.mark.anyio
async def test_no_response_of_any_worker_is_older_than_one_before_it(tmp_path: Path) -> None:
    with run_workers(tmp_path / "data") as server:
        headers = {"Authorization": f"Bearer {server.key}"}
        async with httpx.AsyncClient(base_url=server.address, headers=headers) as editor:
            moving = {"title": "Moving", "slug": "moving", "status": "published", "tags": ["moving"]}
            assert (await editor.post("/v1/articles", json=moving)).status_code == 201
            history = await asyncio.wait_for(linearizable.run(editor, [server.address], 3, 12), 60)
        assert not history.stale, history.stale[:5]
        assert min(history.counts[what] for what in ("write", "200", "304")) > 3, history.counts
