"""A real server and a real import at the same SQLite file, killed at random moments, and what must be true after it."""

import json
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import func, select
from support.processes import DatelineProcess

from app.changes import log
from app.commands import check
from app.db.database import Database
from app.http import auth
from app.importers.pipeline import BATCH
from app.models import Article, Revision, table
from app.settings import Settings

A, REVISION = table(Article), table(Revision)
WRITERS = 3


@dataclass(frozen=True)
class StoredRequest:
    """A write as it was sent under an Idempotency-Key, and what its article is after it."""

    method: str
    path: str
    body: dict[str, object] | None
    version: int
    title: str
    status: str = "published"


@dataclass
class Sent:
    """Every request by its key, the article of its response, and each article's last acknowledged state."""

    requests: dict[str, StoredRequest] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    state: dict[int, StoredRequest] = field(default_factory=dict)

    @property
    def open(self) -> list[str]:
        """Keys that got no response, in the order in which they were sent."""
        return [key for key in self.requests if key not in self.sent]

    def acknowledge(self, key: str, id: int) -> None:
        self.sent[key] = id
        known, new = self.state.get(id), self.requests[key]
        if known is None or known.version < new.version:
            self.state[id] = new


def create(key: str) -> StoredRequest:
    title = f"Made as {key} by hand"
    words = {"text": f"Words of {key}."}
    body: dict[str, object] = {
        "title": title,
        "status": "published",
        "body": words,
        "tags": ["kills", f"tag {key[-1]}"],
    }
    return StoredRequest("POST", "/v1/articles", body, 1, title)


def change(key: str, id: int, old: StoredRequest) -> StoredRequest:
    """An edit of what was read, or the end of it."""
    if key.endswith("7"):
        path = f"/v1/articles/{id}?reason=torture"
        return StoredRequest("DELETE", path, None, old.version + 1, old.title, "withdrawn")
    title = f"Changed as {key} by hand"
    return StoredRequest("PATCH", f"/v1/articles/{id}", {"title": title}, old.version + 1, title)


class CrashingArchive:
    """One archive over many crashes; each brings a file of so many `lines` to import."""

    def __init__(self, settings: Settings, rng: random.Random, lines: int) -> None:
        self.settings, self.rng, self.lines, self.round = settings, rng, lines, 0
        self.all = Sent()
        self.reads = 0
        db = Database(settings, log.append)
        self.headers = {"Authorization": f"Bearer {db.write_now(auth.create_key, 'crash', auth.SCOPES).value}"}
        db.close_now()

    def start(self, *arguments: str) -> DatelineProcess:
        """A `dateline` command of its own, with this archive."""
        environment = {
            "DATELINE_DATA_DIR": str(self.settings.data_dir),
            "DATELINE_INDEX_HEAP_MB": "15",
            "DATELINE_LOG_LEVEL": "ERROR",
        }
        return DatelineProcess(*arguments, environment=environment, quiet=True)

    @contextmanager
    def server(self) -> Iterator[tuple[DatelineProcess, str]]:
        """A running server and its address; killed in the end if it still runs."""
        process = self.start("serve", "--port", "0")
        try:
            line = next(process.lines, "")
            assert line.startswith("Dateline is at http://"), "\n".join([line, *process.lines])
            yield process, line.split()[3]
        finally:
            process.end()

    def crash(self, within: float) -> None:
        """One round: writes, reads and imports, until both processes are killed within so many seconds.

        In most rounds these begin with the import's first batch: it takes longer to start than to be killed.
        """
        self.round += 1
        with self.server() as (server, address):
            importing = self.start("import", "--json", str(self._file(self.round)))
            threads = [threading.Thread(target=self._write, args=(address, i)) for i in range(WRITERS)]
            threads.append(threading.Thread(target=self._read, args=(address,)))
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
            importing.end()

    def _await_batch(self, importing: DatelineProcess) -> None:
        connection = sqlite3.connect(f"file:{self.settings.data_dir / 'dateline.db'}?mode=ro", uri=True, timeout=10)
        expected = "SELECT 1 FROM article WHERE origin = ? LIMIT 1"
        while importing.status is None and not connection.execute(expected, (f"round-{self.round}.ndjson",)).fetchall():
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

    def _write(self, address: str, writer: int) -> None:
        """Makes, changes and withdraws articles of its own until the server is gone."""
        with httpx.Client(base_url=address, headers=self.headers, timeout=30) as client:
            mine: list[int] = []
            for i in range(100_000):
                key = f"{self.round}-{writer}-{i}"
                alive = [id for id in mine[-20:] if self.all.state[id].status == "published"]
                if i % 3 and alive:
                    id = alive[i % len(alive)]
                    self.all.requests[key] = change(key, id, self.all.state[id])
                else:
                    self.all.requests[key] = create(key)
                try:
                    id = self.send(client, key)
                except httpx.TransportError:
                    return
                self.all.acknowledge(key, id)
                if self.all.requests[key].method == "POST":
                    mine.append(id)

    def _read(self, address: str) -> None:
        """Reads lists, searches and changes meanwhile; what is sent is whole."""
        paths = ("/v1/articles?limit=50", "/v1/search?q=hand&facets=tag", "/v1/changes?since=0&limit=200", "/v1/tags")
        with httpx.Client(base_url=address, timeout=30) as client:
            for i in range(100_000):
                try:
                    response = client.get(paths[i % len(paths)])
                except httpx.TransportError:
                    return
                assert response.status_code in (200, 503), response.text
                self.reads += 1

    def send(self, client: httpx.Client, key: str) -> int:
        """Sends what belongs to a key; the id of its article."""
        request = self.all.requests[key]
        headers = {"Idempotency-Key": key}
        if request.method != "POST":
            headers["If-Match"] = f'"{request.version - 1}"'
        response = client.request(request.method, request.path, json=request.body, headers=headers)
        assert response.status_code == (201 if request.method == "POST" else 200), f"{key}: {response.text}"
        if request.method == "POST":
            result = response.json()["id"]
            assert isinstance(result, int)
            return result
        return int(request.path.partition("?")[0].rpartition("/")[2])

    def retry(self) -> int:
        """Sends what got no response again, and some of what did: nothing is done twice. Returns how many were open."""
        with self.server() as (process, address), httpx.Client(base_url=address, headers=self.headers) as client:
            waiting = self.all.open
            some = self.rng.sample(sorted(self.all.sent), min(5, len(self.all.sent)))
            for key in (*waiting, *some):
                response = self.send(client, key)
                assert self.all.sent.get(key, response) == response, key
                self.all.acknowledge(key, response)
                assert self.send(client, key) == response, key
            wait_for_index(client)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20)[0] == 0
        return len(waiting)

    def faults(self) -> list[str]:
        """What is lost, torn, doubled or out of step."""
        db = Database(self.settings, log.append)
        columns = (A.c.id, A.c.title, A.c.status, A.c.version)
        with db.snapshot() as snapshot:
            by_hand = select(*columns).where(A.c.origin == "api")
            there = {row[0]: tuple(row[1:]) for row in snapshot.connection.execute(by_hand)}
            kept = select(REVISION.c.article_id, func.count()).group_by(REVISION.c.article_id)
            revisions = {row[0]: row[1] for row in snapshot.connection.execute(kept)}
            imported = select(A.c.origin, func.count()).where(A.c.origin != "api").group_by(A.c.origin)
            counts = {row[0]: row[1] for row in snapshot.connection.execute(imported)}
        expected = {id: (one.title, one.status, one.version) for id, one in self.all.state.items()}
        wrong = [
            f"{id}: {there.get(id)} instead of {state}" for id, state in expected.items() if there.get(id) != state
        ]
        wrong += [f"{len(there)} articles, {len(expected)} answered"] * (len(there) != len(expected))
        wrong += [f"{id}: a revision is lost" for id, row in there.items() if revisions.get(id, 0) != row[2] - 1]
        wrong += [f"{count} of {origin}" for origin, count in counts.items() if count % BATCH and count != self.lines]
        wrong += [f"{one.name}: {one.detail}" for one in check.run_checks(db, self.settings) if not one.good]
        db.close_now()
        return wrong

    def count_imported(self) -> int:
        db = Database(self.settings, log.append)
        with db.snapshot() as snapshot:
            count = snapshot.connection.execute(select(func.count()).where(A.c.origin != "api")).scalar_one()
        db.close_now()
        return count

    def finish_imports(self) -> None:
        """Imports every file again, to its end: all lines are there, none twice."""
        files = [str(self._file(number)) for number in range(1, self.round + 1)]
        process = self.start("import", "--json", *files)
        status, said, _ = process.wait(600)
        assert status == 0, said
        process.end()


def wait_for_index(client: httpx.Client) -> None:
    """Both: that of what is published, and that of what is hidden, for which the client needs a key."""
    end = time.monotonic() + 60
    drafts: dict[str, str | int] = {"status": "draft", "limit": 1}
    place = client.get("/v1/articles", params=drafts).headers["x-seq"]
    drafts |= {"q": "word", "min_seq": place}
    while time.monotonic() < end:
        is_level = client.get("/health/ready").json()["index_lag"] == 0
        if is_level and client.get("/v1/articles", params=drafts).status_code == 200:
            return
        time.sleep(0.05)
    raise AssertionError("the index did not catch up")
