"""Bulk edits and undos whose server is killed again and again: complete in the end, each article once; and what reads
take meanwhile."""

import contextlib
import random
import statistics
import time
from collections.abc import Callable, Iterator
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
from app.models import Article, Change, table
from app.settings import Settings
from torture.drivers.crashes import wait_for_index

pytestmark = pytest.mark.torture
A, CHANGE = table(Article), table(Change)
KILLS = 10
Json = dict[str, Any]
LINES = {"Content-Type": "application/x-ndjson"}
MOVING = ("version", "updated_at")


class RestartedArchive:
    """An archive whose server comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder, index_heap_mb=15)
        self.environment = {"DATELINE_DATA_DIR": str(folder), "DATELINE_INDEX_HEAP_MB": "15"}
        self.environment |= {"DATELINE_LOG_LEVEL": "ERROR", "DATELINE_RATE_LIMIT": "0"}
        self.key = ""

    @contextlib.contextmanager
    def serve(self) -> Iterator[httpx.Client]:
        """In the end the server is killed, whatever it is at."""
        server = DatelineProcess("serve", "--port", "0", environment=self.environment, quiet=True)
        try:
            line = next(server.lines)
            assert line.startswith("Dateline is at http://"), line
            if not self.key:
                db = Database(self.settings, log.append)
                self.key = db.write_now(auth.create_key, "torture", auth.SCOPES).value
                db.close_now()
            headers = {"Authorization": f"Bearer {self.key}"}
            with httpx.Client(base_url=line.split()[3], headers=headers, timeout=60) as client:
                yield client
        finally:
            server.end()

    def run(self, *arguments: str) -> None:
        process = DatelineProcess(*arguments, environment=self.environment)
        status, said, errors = process.wait(600)
        process.end()
        assert status == 0, (said, errors)

    def export(self, client: httpx.Client) -> dict[int, Json]:
        lines = client.get("/v1/export").content.splitlines()[:-1]
        by_name = {one["id"]: one for one in map(orjson.loads, lines)}
        return {id: {n: v for n, v in one.items() if n not in MOVING} for id, one in by_name.items()}

    def count(self, *conditions: Any) -> int:
        db = Database(self.settings, log.append)
        with db.snapshot() as snapshot:
            expected = select(func.count()).select_from(CHANGE).where(CHANGE.c.entity == "article", *conditions)
            result = snapshot.connection.execute(expected).scalar_one()
        db.close_now()
        return int(result)


def _wait(client: httpx.Client, address: str, until: float, part: str | None = None) -> Json:
    while True:
        record: Json = client.get(address).json()
        state = (record[part] or {}).get("state") if part else record["state"]
        if state in ("done", "failed") or time.monotonic() > until:
            return {**record, "at": state}
        time.sleep(0.02)


def test_reuters_are_edited_once_each_whatever_is_killed(
    tmp_path: Path, data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    archive, chance = RestartedArchive(tmp_path), random.Random(time.time_ns())
    with archive.serve():
        pass
    file = data("corpora/reuters.ndjson")
    _import(archive, file)
    quiet: list[float] = []
    busy: list[float] = []
    with archive.serve() as client:
        total = client.get("/v1/articles", params={"limit": 1}).json()["page"]["total"]
        paths = ["/v1/articles?tag=grain&limit=20", "/v1/search?q=wheat", "/v1/articles?limit=20"]
        _read(client, paths, quiet, lambda: len(quiet) >= 500)
        before, started = archive.count(), time.monotonic()
        edit = {"filter": {}, "add_tags": ["reviewed"], "language": "fr"}
        begun = client.post("/v1/articles/bulk", json=edit)
        assert begun.status_code == 202, begun.text
        address = begun.headers["location"]

        def is_done() -> bool:
            return len(busy) % 20 == 0 and client.get(address).json()["state"] == "done"

        _read(client, paths, busy, is_done)
        seconds = time.monotonic() - started
        record = client.get(address).json()
    assert record["progress"]["updated"] == total
    assert archive.count() - before == total
    before, kills, record = archive.count(), 0, {}
    address = ""
    while record.get("at") != "done":
        with archive.serve() as client:
            if not address:
                response = client.post(
                    "/v1/articles/bulk", json={"filter": {}, "remove_tags": ["reviewed"], "language": "en"}
                )
                address = response.headers["location"]
            patience = 600 if kills >= KILLS else chance.uniform(0.05, seconds / 6)
            record = _wait(client, address, time.monotonic() + patience)
        kills += 1
    assert record["progress"] == {"read": total, "created": 0, "updated": total, "unchanged": 0, "failed": 0}
    assert archive.count() - before == total
    assert archive.count(CHANGE.c.version == 3) == total
    with capsys.disabled():
        reported = ", ".join(f"{name} {_p99(some) * 1000:.1f} ms" for name, some in (("quiet", quiet), ("busy", busy)))
        print(  # noqa: T201 -- figures are what these runs are for
            f"\n{total} articles edited in {seconds:.1f} s; p99 of {len(busy)} reads: {reported}; "
            f"median busy {statistics.median(busy) * 1000:.1f} ms; {kills} servers for the second edit"
        )


def _import(archive: RestartedArchive, file: Path) -> None:
    process = DatelineProcess("import", str(file), "--no-enrich", "--json", environment=archive.environment)
    status, _, _ = process.wait(600)
    process.end()
    assert status == 1  # one story is empty


def _read(client: httpx.Client, paths: list[str], took: list[float], is_enough: Callable[[], bool]) -> None:
    """Lists and items that the cache does not have."""
    number = 0
    while not is_enough():
        number += 1
        path = paths[number % len(paths)] if number % 2 else f"/v1/articles/{1 + number % 15_000}"
        began = time.perf_counter()
        assert client.get(path, params={"fields": "title", "utm_n": str(number)}).status_code == 200
        took.append(time.perf_counter() - began)


def _without_ids_of_tags(article: Json) -> Json:
    return article | {"tags": [{**tag, "id": None} for tag in article["tags"]]}


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _story(number: int, again: bool) -> bytes:
    text = "Another text." if again else "The council met."
    tags = ["river", f"topic-{number % 20}"] if again else ["river"]
    story = {"id": f"s{number}", "title": f"Story {number}", "body": f"<p>{text} {number}.</p>", "tags": tags}
    return orjson.dumps(story | ({"status": "draft"} if number % 10 == 3 and number > 200 else {})) + b"\n"


@pytest.mark.parametrize("kills", [0, 5])
def test_import_of_a_thousand_is_undone_but_for_what_was_edited_since(tmp_path: Path, kills: int) -> None:
    archive, chance = RestartedArchive(tmp_path), random.Random(time.time_ns())
    with archive.serve() as client:
        old = b"".join(_story(n, again=False) for n in range(200))
        assert client.post("/v1/imports?origin=wire", content=old, headers=LINES).status_code == 200
        before = archive.export(client)
        new = b"".join(_story(n, again=True) for n in range(1_000))
        summary = orjson.loads(
            client.post("/v1/imports?origin=wire", content=new, headers=LINES).content.splitlines()[-1]
        )
        assert summary["summary"] == {"created": 800, "updated": 200, "unchanged": 0, "failed": 0}
        imported = archive.export(client)
        edited = [*chance.sample(sorted(before), 20), *chance.sample(sorted(imported.keys() - before.keys()), 30)]
        for id in edited:
            patch = client.patch(f"/v1/articles/{id}", json={"standfirst": "By hand."}, headers={"If-Match": "*"})
            assert patch.status_code == 200
        by_hand = archive.export(client)
    record: Json = {}
    for _ in range(kills):
        with archive.serve() as client:
            with contextlib.suppress(httpx.HTTPError):
                client.post(f"/v1/imports/{summary['import']}/undo", timeout=chance.uniform(0.02, 0.4))
            time.sleep(chance.uniform(0, 0.1))
    with archive.serve() as client:
        response = client.post(f"/v1/imports/{summary['import']}/undo")
        assert response.status_code in (200, 202, 409), response.text
        record = _wait(client, f"/v1/imports/{summary['import']}", time.monotonic() + 120, "undo")
        assert record["at"] == "done", record
        rows: list[Json] = []
        address = f"/v1/imports/{summary['import']}/articles?undone=kept&limit=100"
        rows += client.get(address).json()["data"]
        assert {row["id"] for row in rows} == set(edited)
        after = archive.export(client)
        assert after == {id: by_hand[id] if id in edited else one for id, one in before.items()} | {
            id: by_hand[id] for id in edited
        }
        assert archive.count(CHANGE.c.event == "withdrawn") == len(imported.keys() - before.keys()) - 30
        again = client.post("/v1/imports?origin=wire", content=new, headers=LINES)
        assert orjson.loads(again.content.splitlines()[-1])["summary"]["created"] == 0
        revived = archive.export(client)
        assert revived.keys() == imported.keys()
        # Tags that nothing had any more are made anew, under other numbers.
        changed = [id for id in imported if _without_ids_of_tags(revived[id]) != _without_ids_of_tags(imported[id])]
        assert sorted(changed) == sorted(edited)
        wait_for_index(client)
    archive.run("check")
