"""Dateline as it is started by people, with the response cache off, and the articles as it shows them."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from bench.beside.processes import ProcessGroup, run_processes
from bench.beside.questions import LIMIT, LoadQuestion, LoadResult, Row

PROJECT = Path(__file__).parents[2]
READ_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class DatelineServer:
    """The server of this project."""

    group: ProcessGroup
    name: str = "Dateline"

    def make_path(self, question: LoadQuestion) -> str:
        if question.is_of_one:
            return f"/v1/articles/{question.slug or question.article}"
        params: dict[str, str | int] = {"limit": LIMIT}
        if question.bodies:
            params["include"] = "body"
        if question.words:
            return "/v1/search?" + urlencode({"q": question.words, **params})
        return "/v1/articles?" + urlencode({**({"tag": question.tag} if question.tag else {}), **params})

    def read_page(self, question: LoadQuestion, content: bytes) -> LoadResult:
        response = json.loads(content)
        if question.is_of_one:
            return LoadResult([response])
        if question.words is None:
            return LoadResult(response["data"])
        assert response["query"]["match"] == "all", response["query"]
        return LoadResult([hit["article"] for hit in response["data"]], response["page"]["total"])

    def count_hits(self, question: LoadQuestion, page: LoadResult) -> int | None:
        return page.total


@contextmanager
def run_dateline(archive: Path, port: int, workers: int, log: Path) -> Iterator[DatelineServer]:
    """Serves the archive, with `--workers` where there is to be more than one."""
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    command += ["--workers", str(workers)] if workers > 1 else []
    env = {"DATELINE_DATA_DIR": str(archive), "DATELINE_CACHE_MB": "0"}
    with run_processes(command, port, env, PROJECT, log) as group:
        _wait_until_ready(group, log)
        yield DatelineServer(group)


def _wait_until_ready(group: ProcessGroup, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{group.address}/health/ready", timeout=60).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"Dateline is not ready; see {log}")


def read_articles(engine: DatelineServer) -> list[Row]:
    """All articles as lists show them, the newest first, with body, plain text, and what only an item has."""
    rows: list[Row] = []
    params: dict[str, str | int] = {"limit": READ_AT_ONCE, "include": "body,body_text"}
    with httpx.Client(base_url=engine.group.address, timeout=60) as client:
        while True:
            response = client.get("/v1/articles", params=params).raise_for_status().json()
            rows += response["data"]
            if not response["page"]["next"]:
                break
            params["cursor"] = response["page"]["next"]
        item = client.get(f"/v1/articles/{rows[0]['id']}").raise_for_status().json()
    for name in item.keys() - rows[0].keys():
        # Made-up articles have none of it: an empty list for each.
        assert item[name] == [], name
        for row in rows:
            row[name] = []
    return rows
