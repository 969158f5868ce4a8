"""A real server as its operator meets it: what it says, what it sends, how it ends, and what it refuses."""

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.processes import DatelineProcess

from app.lifespan import cancel_tasks

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = ["--seed", str(ROOT / "seed_data")]


class ServerProcessUnderTest:
    """`dateline serve` as a process; `greeting` are the lines up to the last one that it prints by itself."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0", *arguments],
            cwd=ROOT,
            env=os.environ | {"DATELINE_DATA_DIR": str(data_dir)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.greeting: list[str] = []

    def greet(self, last: str) -> None:
        """Reads what it prints, to the line that begins with `last`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.greeting.append(line.rstrip("\n"))
            if line.startswith(last):
                return
        raise AssertionError(self.greeting + self.process.communicate()[1].splitlines())

    @property
    def address(self) -> str:
        results = re.search(r"http://127\.0\.0\.1:\d+", "\n".join(self.greeting))
        assert results is not None
        return results[0]

    def end(self, number: int) -> tuple[int, str]:
        """The exit status after a signal, and what was written to standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err


@contextmanager
def run_server(data_dir: Path, *arguments: str, last: str = "Try: ") -> Iterator[ServerProcessUnderTest]:
    server = ServerProcessUnderTest(data_dir, *arguments)
    try:
        server.greet(last)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def read_refusal(data_dir: Path, *arguments: str, **more: str) -> str:
    """The one line of a server that could not start; `more` settings by the names of their variables."""
    server = DatelineProcess("serve", *arguments, environment={"DATELINE_DATA_DIR": str(data_dir), **more})
    status, out, err = server.wait(30)
    server.end()
    assert (status, out.partition(" sample articles")[0] or "40") == (1, "40")
    assert re.fullmatch(r"dateline: .+\n", err), err
    return err


def find_requests(page: str) -> list[str]:
    """The paths that a page asks for."""
    return re.findall(r"curl -s 'http://127\.0\.0\.1:8000(/[^']*)'", (ROOT / page).read_text("utf-8"))


def test_first_start_does_not_wait_for_a_search_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_SEARCH_URL", "http://127.0.0.1:9")
    with run_server(tmp_path / "new", *SEED, last="Admin key") as server:
        assert server.greeting[0].startswith("40 sample articles")
        assert httpx.get(f"{server.address}/v1/articles").status_code == 200
        response = httpx.get(f"{server.address}/v1/search?q=nato")
        assert response.status_code == 503
        assert "search cluster" in response.json()["detail"]


def test_first_start_imports_the_seed_greets_with_a_key_and_ends_well(tmp_path: Path) -> None:
    with run_server(tmp_path / "new", *SEED, last="Admin key") as server:
        assert server.greeting[0].startswith("40 sample articles")
        with httpx.Client(base_url=server.address, timeout=10) as client:
            tried = server.greeting[-2].split("'")[1]
            assert client.get(tried).json()["page"]["total"] > 0
            assert client.get("/health/ready").json()["status"] == "ok"
            responses = [client.get(path) for path in find_requests("README.md")]
            assert [one.status_code for one in responses] == [200, 200, 200, 200, 422]
            assert all(one.json()["data"] for one in responses[:4])
            feed = client.get("/feeds/articles.json").json()
            assert feed["feed_url"] == f"{server.address}/feeds/articles.json"
            assert {entry["url"].partition("/v1/")[0] for entry in feed["items"]} == {server.address}
            explained = [client.get(path).status_code for path in find_requests("docs/search.md")]
            assert explained == [200] * 6
            key = {"Authorization": f"Bearer {server.greeting[-1].split()[-1]}"}
            made = client.post("/v1/articles", json={"title": "Made by hand", "body": "Text."}, headers=key)
            assert made.status_code == 201
        assert server.end(signal.SIGTERM) == (0, "")
    with run_server(tmp_path / "new", *SEED) as again:
        assert [line.split(" ", 1)[0] for line in again.greeting] == ["Dateline", "Try:"]
        assert httpx.get(again.address + "/v1/articles").json()["page"]["total"] == 40
        assert again.end(signal.SIGINT) == (0, "")


def test_too_few_open_files_to_serve_anybody_are_refused_in_one_line(tmp_path: Path) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = f"ulimit -n 500; exec {sys.executable} -m app serve --port 0"
    output = subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"DATELINE_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == allowed
    assert (output.returncode, output.stdout) == (1, "")
    assert re.fullmatch(r"dateline: The system allows 500 open files.*ulimit -n \d+\n", output.stderr), output.stderr


def test_second_server_and_taken_port_are_refused_in_one_line_while_imports_run_beside(
    tmp_path: Path, sqlite_template: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "dateline.db").write_bytes(sqlite_template.read_bytes())
    with run_server(data) as server:
        assert "running already" in read_refusal(data, "--port", "0")
        port = server.address.rpartition(":")[2]
        assert f"Port {port}" in read_refusal(tmp_path / "other", "--port", port)
        assert not (tmp_path / "other").exists()
        importing = DatelineProcess("import", SEED[1], "--json", environment={"DATELINE_DATA_DIR": str(data)})
        status, out, _ = importing.wait(30)
        importing.end()
        assert status == 0
        seq = json.loads(out)["seq"]
        response = httpx.get(server.address + "/v1/search", params={"q": "nato", "min_seq": seq})
        assert response.json()["page"]["total"] > 0


@pytest.mark.anyio
async def test_tasks_end_although_a_cancellation_gets_lost() -> None:
    lost: list[str] = []

    async def run(name: str) -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if name in lost:
                    raise
                lost.append(name)

    tasks = [asyncio.create_task(run(name)) for name in ("schedule", "jobs")]
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_tasks(tasks), 10)
    assert sorted(lost) == ["jobs", "schedule"]
    assert all(task.cancelled() for task in tasks)
