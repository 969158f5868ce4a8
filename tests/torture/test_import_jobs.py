"""An import as a job whose server is killed again and again: in the end every item is there, once, and told of once."""

import random
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select
from support.processes import DatelineProcess

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.models import Article, Change, ImportPart, ImportResult, table
from app.settings import Settings
from torture.drivers.crashes import wait_for_index

pytestmark = pytest.mark.torture
LINES = 12_000
KILLS = 12


def _line(number: int) -> bytes:
    story = {"id": number, "title": f"Story {number} of many", "body": f"<p>{'Words of it. ' * 90}</p>"}
    return b"{ broken\n" if number % 1_000 == 7 else orjson.dumps(story) + b"\n"


def test_killed_job_is_done_once_and_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(data_dir=tmp_path, index_heap_mb=15)
    environment = {"DATELINE_DATA_DIR": str(tmp_path), "DATELINE_INDEX_HEAP_MB": "15", "DATELINE_LOG_LEVEL": "ERROR"}
    chance = random.Random(time.time_ns())
    key: str | None = None
    by_name: dict[str, Any] = {}
    job, kills, bad = "", 0, LINES // 1_000
    while not by_name or by_name["state"] != "done":
        server = DatelineProcess("serve", "--port", "0", environment=environment, quiet=True)
        line = next(server.lines)
        assert line.startswith("Dateline is at http://"), line
        if key is None:
            db = Database(settings, log.append)
            key = db.write_now(auth.create_key, "torture", auth.SCOPES).value
            db.close_now()
        with httpx.Client(base_url=line.split()[3], headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
            if not job:
                sent = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
                body = b"".join(_line(number) for number in range(LINES))
                response = client.post("/v1/imports?origin=torture", content=body, headers=sent)
                assert response.status_code == 202, response.text
                job = response.headers["location"]
            until = time.monotonic() + chance.uniform(0.3, 1.5)
            while by_name.get("state") != "done" and (kills == KILLS or time.monotonic() < until):
                by_name = client.get(job).json()
                assert by_name["state"] != "failed", by_name
                time.sleep(0.05)
            if by_name.get("state") == "done":
                wait_for_index(client)
        server.end()
        kills += 1
    assert by_name["progress"] == {
        "read": LINES, "created": LINES - bad, "updated": 0, "unchanged": 0, "failed": bad,
    }  # fmt: skip
    db = Database(settings, log.append)
    with db.snapshot() as snapshot:
        counts = [
            snapshot.connection.execute(select(func.count()).select_from(table(one))).scalar_one()
            for one in (Article, ImportResult, ImportPart)
        ]
        changes = snapshot.connection.execute(select(func.count()).where(table(Change).c.entity == "article"))
        assert (*counts, changes.scalar_one()) == (LINES - bad, LINES, 0, LINES - bad)
    db.close_now()
    process = DatelineProcess("check", environment=environment)
    status, said, _ = process.wait(60)
    process.end()
    assert status == 0, said
    with capsys.disabled():
        print(f"\n{kills} servers for one import of {LINES} lines")  # noqa: T201 -- figures are what these runs are for
