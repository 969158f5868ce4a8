"""A real server and a real import at the same SQLite file, killed at random moments, and what must be true after it."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import func, select

from app import check
from app.changes import log
from app.db import Database
from app.http import auth
from app.importers.pipeline import BATCH
from app.models import Article, table
from app.settings import Settings

ROOT = Path(__file__).parent.parent.parent
A = table(Article)
POSTERS = 3


@dataclass
class Posted:
    """What was sent under which Idempotency-Key, and the ids of what was answered with 201."""

    sent: dict[str, str] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)


class Archive:
    """One archive over many crashes; each brings a file of so many `lines` to import."""

    def __init__(self, settings: Settings, rng: random.Random, lines: int) -> None:
        self.settings, self.rng, self.lines, self.round = settings, rng, lines, 0
        self.all = Posted()
        db = Database(settings, log.append)
        self.headers = {"Authorization": f"Bearer {db.write_now(auth.create, 'crash', auth.SCOPES).value}"}
        db.close_now()

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A `dateline` command of its own, with this archive."""
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "DATELINE_DATA_DIR": str(self.settings.data_dir),
            "DATELINE_INDEX_HEAP_MB": "15",
            "DATELINE_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "app", *arguments]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @contextmanager
    def server(self) -> Iterator[tuple["subprocess.Popen[str]", str]]:
        """A running server and its address; killed in the end if it still runs."""
        process = self.start("serve", "--port", "0")
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("Dateline is at http://"), line + process.stdout.read()
            yield process, line.split()[3]
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def crash(self, within: float) -> None:
        """One round: posts and imports, until both processes are killed within so many seconds.

        In most rounds these begin with the import's first batch: it takes longer to start than to be killed.
        """
        self.round += 1
        with self.server() as (server, address):
            importing = self.start("import", "--json", str(self._file(self.round)))
            threads = [threading.Thread(target=self._post, args=(address, i)) for i in range(POSTERS)]
            for thread in threads:
                thread.start()
            if self.rng.random() < 0.7:
                self._await_batch(importing)
            time.sleep(self.rng.uniform(0.02, within))
            for victim in self.rng.sample([server, importing], 2):
                victim.kill()
                time.sleep(self.rng.choice((0, 0, 0.05)))
            for thread in threads:
                thread.join()
            importing.communicate()

    def _await_batch(self, importing: "subprocess.Popen[str]") -> None:
        connection = sqlite3.connect(f"file:{self.settings.data_dir / 'dateline.db'}?mode=ro", uri=True, timeout=10)
        wanted = "SELECT 1 FROM article WHERE origin = ? LIMIT 1"
        while importing.poll() is None and not connection.execute(wanted, (f"round-{self.round}.ndjson",)).fetchall():
            time.sleep(0.01)
        connection.close()

    def _file(self, number: int) -> Path:
        path = self.settings.data_dir / f"round-{number}.ndjson"
        if not path.exists():
            lines = (
                {"external_id": str(i), "title": f"Import {number} of line {i}", "body": {"text": f"Words {i}."}}
                for i in range(self.lines)
            )
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    def _post(self, address: str, poster: int) -> None:
        with httpx.Client(base_url=address, headers=self.headers, timeout=30) as client:
            for i in range(100_000):
                key = f"{self.round}-{poster}-{i}"
                self.all.sent[key] = f"Posted as {key} by hand"
                try:
                    self.all.answered[key] = self.send(client, key)
                except httpx.TransportError:
                    return

    def send(self, client: httpx.Client, key: str) -> int:
        """Posts what belongs to a key; its id."""
        body = {"title": self.all.sent[key], "status": "published", "body": {"text": "Words."}}
        answer = client.post("/v1/articles", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        found = answer.json()["id"]
        assert isinstance(found, int)
        return found

    def retry(self) -> int:
        """Sends what got no answer again, and some of what did: nothing is made twice. Returns how many were open."""
        with self.server() as (process, address), httpx.Client(base_url=address, headers=self.headers) as client:
            open_keys = sorted(self.all.sent.keys() - self.all.answered.keys())
            some = self.rng.sample(sorted(self.all.answered), min(5, len(self.all.answered)))
            for key in (*open_keys, *some):
                found = self.send(client, key)
                assert self.all.answered.setdefault(key, found) == found, key
                assert self.send(client, key) == found, key
            _wait_for_index(client)
            process.terminate()
            assert process.wait(20) == 0
        return len(open_keys)

    def faults(self) -> list[str]:
        """What is lost, torn, doubled or out of step."""
        db = Database(self.settings, log.append)
        columns = (A.c.id, A.c.title, A.c.status)
        with db.snapshot() as snapshot:
            by_hand = select(*columns).where(A.c.origin == "api")
            there = {row[0]: row[1] for row in snapshot.connection.execute(by_hand) if row[2] == "published"}
            imported = select(A.c.origin, func.count()).where(A.c.origin != "api").group_by(A.c.origin)
            counts = {row[0]: row[1] for row in snapshot.connection.execute(imported)}
        wrong = [f"{key} lost" for key, id in self.all.answered.items() if there.get(id) != self.all.sent[key]]
        wrong += [f"{len(there)} articles, {len(self.all.answered)} answered"] * (len(there) != len(self.all.answered))
        wrong += [f"{count} of {origin}" for origin, count in counts.items() if count % BATCH and count != self.lines]
        wrong += [f"{one.name}: {one.detail}" for one in check.run(db, self.settings) if not one.good]
        db.close_now()
        return wrong

    def imported(self) -> int:
        db = Database(self.settings, log.append)
        with db.snapshot() as snapshot:
            count = snapshot.connection.execute(select(func.count()).where(A.c.origin != "api")).scalar_one()
        db.close_now()
        return count

    def finish_imports(self) -> None:
        """Imports every file again, to its end: all lines are there, none twice."""
        files = [str(self._file(number)) for number in range(1, self.round + 1)]
        process = self.start("import", "--json", *files)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, said


def _wait_for_index(client: httpx.Client) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if client.get("/health/ready").json()["index_lag"] == 0:
            return
        time.sleep(0.05)
    raise AssertionError("the index did not catch up")
