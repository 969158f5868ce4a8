"""Webhooks under fire: servers and receivers that are killed while many changes are written, and what has to be true
after it. Receivers are processes of their own, which note what they take before they respond."""

import json
import multiprocessing
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.articles.filters import ArticleFilter
from app.changes import log
from app.db.database import Database
from app.db.log_position import parse_token
from app.http import auth
from app.settings import Settings
from app.sync import change_rows
from app.sync.change_rows import ChangeConsumer, ChangeRow
from support.consumers import RandomWriter
from support.processes import DatelineProcess
from support.webhooks.receivers import QuietServer

_context = multiprocessing.get_context("forkserver")
FILTERS: tuple[dict[str, str], ...] = ({}, {"tag": "a", "tag_not": "b"}, {"region": "europe", "language": "en"})
PATIENCE = 900


class Endpoint:
    """A receiver at a port of its own, which can be killed and started again. Its file has a line for each message that
    it took: place, article and whether the official library finds its signature good."""

    def __init__(self, folder: Path, number: int, *, slow: float) -> None:
        self.port, self._path, self._slow = _find_port(), folder / f"endpoint{number}.ndjson", slow
        self._secret = folder / f"secret{number}"
        self._path.touch()
        self.kills = 0
        self._start()

    def _start(self) -> None:
        arguments = (self.port, str(self._path), str(self._secret), self._slow)
        self._process = _context.Process(target=_receive, args=arguments, daemon=True)
        self._process.start()

    def learn(self, secret: str) -> None:
        self._secret.write_text(secret)

    def kill(self, seconds: float) -> None:
        """Away for so long."""
        self.kills += 1
        self._process.kill()
        self._process.join()
        time.sleep(seconds)
        self._start()

    def end(self) -> None:
        self._process.kill()
        self._process.join()

    def list_received(self) -> list[dict[str, Any]]:
        # A kill may have cut the last line short, of which nobody was told then.
        received = []
        for line in self._path.read_text().split("\n"):
            with suppress(ValueError):
                received.append(json.loads(line))
        return received


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _receive(port: int, path: str, secret: str, slow: float) -> None:
    """In the process of a receiver. `slow`: the part of messages that it takes its time for."""
    file, lock, chance = Path(path).open("a"), threading.Lock(), random.Random()  # noqa: SIM115 -- until it is killed

    class NotingHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                payload = Webhook(Path(secret).read_text()).verify(body, dict(self.headers.items()))
                good = True
            except WebhookVerificationError:
                payload, good = json.loads(body), False
            data = payload["data"]
            told = next(one for one in (data["article"], data["tag"], data["region"]) if one)
            line = {"seq": data["seq"], "about": [payload["type"].split(".")[0], told["id"]], "good": good}
            with lock:  # a line break before, so that half a line spoils no other
                file.write("\n" + json.dumps(line))
                file.flush()
            if chance.random() < slow:
                time.sleep(chance.random() * 1.5)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = QuietServer(("127.0.0.1", port), NotingHandler)
    server.serve_forever(poll_interval=0.05)


class KillableServer:
    """`dateline serve` at an archive, which can be killed and started again."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._environment = {
            "DATELINE_DATA_DIR": str(folder), "DATELINE_DATABASE_URL": settings.url, "DATELINE_INDEX_HEAP_MB": "15",
            "DATELINE_LOG_LEVEL": "ERROR", "DATELINE_WEBHOOK_PRIVATE_ADDRESSES": "true",
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = DatelineProcess("serve", "--port", "0", environment=self._environment, quiet=True)
        line = next(self.process.lines, "")
        assert line.startswith("Dateline is at http://"), "\n".join([line, *self.process.lines])
        self.address = line.split()[3]

    def kill(self) -> None:
        self.process.end()

    def stop(self) -> float:
        """As its operator does; the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.end()
        return time.monotonic() - began


@dataclass
class WebhookRun:
    """What a run came to, for people and for its test."""

    changes: int = 0
    expected: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    disordered: list[int] = field(default_factory=list)
    unsigned: int = 0
    server_kills: int = 0
    receiver_kills: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.changes} changes, told {self.expected}, received {self.received}, missing {self.missing}, "
            f"duplicates {self.duplicates}, out of order {self.disordered}, badly signed {self.unsigned}, "
            f"server killed {self.server_kills} times, receivers {self.receiver_kills} times, {self.seconds:.0f} s"
        )


@contextmanager
def _run_endpoints(folder: Path, slow: float) -> Iterator[list[Endpoint]]:
    with ExitStack() as stack:
        endpoints = []
        for number in range(len(FILTERS)):
            endpoints.append(Endpoint(folder, number, slow=slow))
            stack.callback(endpoints[-1].end)
        yield endpoints


def run_webhooks(
    settings: Settings, folder: Path, *, changes: int, servers: int, kills: int, receiver_kills: int, seed: int
) -> WebhookRun:
    """Writes so many changes while servers and receivers are killed at random; then waits until all is delivered."""
    result, began = WebhookRun(), time.monotonic()
    db = Database(settings, log.append, alone=False)
    headers = {"Authorization": f"Bearer {db.write_now(auth.create_key, 'torture', auth.SCOPES).value}"}
    writer = RandomWriter(db, random.Random(seed), numbers=400, batch=40)
    with ExitStack() as stack:
        endpoints = stack.enter_context(_run_endpoints(folder, slow=0.01))
        running = []
        for number in range(servers):
            (folder / f"server{number}").mkdir()
            running.append(KillableServer(settings, folder / f"server{number}" if servers > 1 else folder))
            stack.callback(lambda one=running[-1]: one.kill())  # type: ignore[misc] # bound here
        ids = [_create(running[0], headers, one, expected) for one, expected in zip(endpoints, FILTERS, strict=True)]
        with db.snapshot() as snapshot:
            first = log.head(snapshot).seq
        writing = threading.Thread(target=_write, args=(writer, first, changes))
        writing.start()
        killers = [
            threading.Thread(target=_kill_servers, args=(running, kills, random.Random(seed + 1))),
            threading.Thread(target=_kill_endpoints, args=(endpoints, receiver_kills, random.Random(seed + 2))),
        ]
        for killer in killers:
            killer.start()
        for thread in (writing, *killers):
            thread.join()
        _wait_for_end(running, headers, ids)
        result.seconds = time.monotonic() - began
        result.server_kills, result.receiver_kills = kills, sum(one.kills for one in endpoints)
        _compare(db, first, endpoints, result)
    db.close_now()
    return result


def _create(server: KillableServer, headers: dict[str, str], endpoint: Endpoint, expected: dict[str, str]) -> int:
    payload = {"name": "Torture", "url": f"http://127.0.0.1:{endpoint.port}/", "filter": expected}
    response = httpx.post(f"{server.address}/v1/webhooks", json=payload, headers=headers)
    assert response.status_code == 201, response.text
    endpoint.learn(response.json()["secret"])
    return int(response.json()["id"])


def _write(writer: RandomWriter, first: int, changes: int) -> None:
    while writer.write() < first + changes:
        time.sleep(0.02)  # so that it goes on while things are killed


def _kill_servers(servers: Sequence[KillableServer], kills: int, chance: random.Random) -> None:
    for _ in range(kills):
        time.sleep(chance.uniform(1.5, 5))
        server = chance.choice(servers)
        server.kill()
        server.start()


def _kill_endpoints(endpoints: Sequence[Endpoint], kills: int, chance: random.Random) -> None:
    for _ in range(kills):
        time.sleep(chance.uniform(0.5, 4))
        chance.choice(endpoints).kill(chance.uniform(0.1, 3))


def _wait_for_end(servers: Sequence[KillableServer], headers: dict[str, str], ids: Sequence[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        shown = [httpx.get(f"{servers[0].address}/v1/webhooks/{id}", headers=headers).json() for id in ids]
        if all(one["behind"] == one["waiting"] == 0 for one in shown):
            return
        assert time.monotonic() < deadline, shown
        time.sleep(0.5)


def _compare(db: Database, first: int, endpoints: Sequence[Endpoint], result: WebhookRun) -> None:
    rows = _read_log(db, first)
    result.changes = len(rows)
    with db.snapshot() as snapshot:
        tags = {slug: int(id) for slug, id in snapshot.connection.exec_driver_sql("SELECT slug, id FROM tag")}
        [europe] = snapshot.connection.exec_driver_sql("SELECT id FROM region WHERE slug = 'europe'").scalars()
    filters = (
        ArticleFilter(),
        ArticleFilter(tags=(tags["a"],), tags_not=(tags["b"],)),
        ArticleFilter(regions=(europe,), languages=("en",)),
    )
    for endpoint, article_filter in zip(endpoints, filters, strict=True):
        told = {row.seq for row in rows if change_rows.tell(ChangeConsumer(article_filter), row) is not None}
        received = endpoint.list_received()
        places = [_read_seq(one["seq"]) for one in received]
        counts = Counter(places)
        by_entity: dict[tuple[str, int], list[int]] = {}
        for one, seq in zip(received, places, strict=True):
            by_entity.setdefault(tuple(one["about"]), []).append(seq)
        firsts = [list(dict.fromkeys(own)) for own in by_entity.values()]
        result.expected.append(len(told))
        result.received.append(len(places))
        result.missing.append(len(told - counts.keys()))
        result.duplicates.append(sum(counts.values()) - len(counts))
        result.disordered.append(sum(own != sorted(own) for own in firsts))
        result.unsigned += sum(not one["good"] for one in received)


def _read_seq(token: str) -> int:
    place = parse_token(token)
    assert place is not None
    return place.seq


def _read_log(db: Database, first: int) -> list[ChangeRow]:
    columns = ", ".join(ChangeRow.__slots__)
    with db.snapshot() as snapshot:
        statement = f"SELECT {columns} FROM change WHERE seq > {first} ORDER BY seq"
        return [ChangeRow(*row) for row in snapshot.connection.exec_driver_sql(statement)]
