"""The process that reads a job: what ends it costs its item, and neither memory nor time of the server."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select
from test_import_restarts import News, begun, counts, done, step

from app.changes import jobs, log
from app.changes.jobs import Task
from app.db.database import Database
from app.importers.jobs import upload_store
from app.importers.jobs.messages import ItemLimits
from app.importers.jobs.part_stream import PART_BYTES
from app.importers.jobs.worker import ImportWorker
from app.importers.web.fetch import Fetch, FetchedPage
from app.models import Article, ImportResult, table
from app.settings import Settings

pytestmark = pytest.mark.slow

A, RESULT = table(Article), table(ImportResult)
WORDS = "The herring came to the quay, and nobody had seen as many. "


@pytest.fixture
def db(sqlite_settings: Settings) -> Iterator[Database]:
    database = Database(sqlite_settings, log.append)
    try:
        yield database
    finally:
        database.close_now()


def make_worker(db: Database, limits: ItemLimits, fetch: Fetch | None = None, *, enrich: bool = False) -> ImportWorker:
    def fetcher() -> contextlib.AbstractContextManager[Fetch]:
        assert fetch is not None
        return contextlib.nullcontext(fetch)

    return ImportWorker(db, "", fetcher, enrich=enrich, limits=limits, clock=lambda: 0.0)


def create_job(db: Database, *stories: Mapping[str, object]) -> Task:
    payload: jobs.Json = {"format": "ndjson"}
    content = b"\n".join(orjson.dumps(one) for one in stories)
    job = db.write_now(upload_store.begin_upload, payload, None).value
    pieces = [content[i : i + PART_BYTES] for i in range(0, len(content), PART_BYTES)]
    for number, piece in enumerate(pieces[:-1]):
        db.write_now(upload_store.save_part, job, number, piece)
    db.write_now(upload_store.finish_upload, job, len(pieces) - 1, pieces[-1])
    return Task(job, upload_store.KIND, "waiting", payload, {}, None, 0, 0)


def load_results(db: Database, task: Task) -> list[tuple[str, str, str | None]]:
    with db.snapshot() as snapshot:
        rows = select(RESULT.c.item, RESULT.c.outcome, RESULT.c.reason).where(RESULT.c.job_id == task.id)
        return [tuple(row) for row in snapshot.connection.execute(rows.order_by(RESULT.c.number))]


def readers() -> list[int]:
    """The numbers of the processes that read for this one."""
    results = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"app.importers.jobs.reader_process" in (path / "cmdline").read_bytes():
                results.append(int(path.name))
    return results


def test_item_that_takes_too_much_memory_costs_itself(db: Database) -> None:
    stories = [{"id": n, "title": f"Story {n}", "body": "Met."} for n in range(4)]
    task = create_job(db, *stories[:2], {"id": "large", "title": "Large", "body": WORDS * 400_000}, *stories[2:])
    # Four times the line: to read it takes twice as much, to make an article of it six times.
    ended = done(db, make_worker(db, ItemLimits(memory_bytes=100_000_000)), task)
    assert counts(ended) == [5, 4, 0, 0, 1]
    assert load_results(db, task)[2] == ("body:3", "failed", "it took too much memory")


def test_item_that_takes_too_much_time_costs_itself(db: Database) -> None:
    stories = [{"id": n, "title": f"Story {n}", "body": "Met."} for n in range(4)]
    # What it is read for takes a second for each few megabytes.
    large = {"id": "large", "title": "Large", "body": (WORDS + "\n\n") * 500_000}
    task = create_job(db, *stories[:2], large, *stories[2:])
    ended = done(db, make_worker(db, ItemLimits(cpu_seconds=1), enrich=True), task)
    assert counts(ended) == [5, 4, 0, 0, 1]
    assert load_results(db, task)[2] == ("body:3", "failed", "it took too much time")


def test_process_that_gives_no_sign_is_given_up(db: Database) -> None:
    worker = make_worker(db, ItemLimits(silent_seconds=2))
    task = step(db, worker, create_job(db, *({"id": n, "title": f"Story {n}"} for n in range(jobs.CHUNK + 5))))
    [reader] = readers()
    os.kill(reader, signal.SIGSTOP)
    assert counts(done(db, worker, task)) == [jobs.CHUNK + 5, jobs.CHUNK + 5, 0, 0, 0]
    worker.close()
    assert readers() == []


def test_killed_process_loses_nothing_and_tells_of_nothing_twice(db: Database) -> None:
    worker = make_worker(db, ItemLimits())
    many = jobs.CHUNK * 2 + 5
    task = create_job(db, *({"id": n, "title": f"Story {n}"} for n in range(many)))
    for _ in range(2):
        task = step(db, worker, task)
        for reader in readers():
            os.kill(reader, signal.SIGKILL)
    assert counts(done(db, worker, task)) == [many, many, 0, 0, 0]
    assert len({where for where, *_ in load_results(db, task)}) == many


def test_page_that_ends_its_process_costs_itself_and_is_asked_for_again_next_time(db: Database) -> None:
    news = News("herring", "salt", "timber", "wool")

    def heavy(url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        page = news(url, accept=accept, known=known)
        if url.endswith("salt"):
            return FetchedPage(url, 200, page.headers, page.body + f"<p>{WORDS}</p>".encode() * 50_000)
        return page

    url, limits = "https://n.example/sitemap.xml", ItemLimits(memory_bytes=60_000_000)
    task = begun(db, url)
    assert counts(done(db, make_worker(db, limits, heavy), task)) == [4, 3, 0, 0, 1]
    [(where, reason)] = [(where, reason) for where, outcome, reason in load_results(db, task) if outcome == "failed"]
    # Libraries that get no memory say so in their own ways.
    assert where == "https://n.example/salt"
    assert reason
    assert counts(done(db, make_worker(db, limits, news), begun(db, url))) == [1, 1, 0, 0, 0]


def test_job_that_ends_process_after_process_ends_itself(db: Database) -> None:
    large = f"<p>{WORDS}</p>" * 200_000
    heavy = [{"id": f"h{n}", "title": f"Heavy {n}", "body_html": large} for n in range(2)]
    task = create_job(db, {"id": 1, "title": "First"}, *heavy, {"id": 2, "title": "Last"})
    ended = done(db, make_worker(db, ItemLimits(cpu_seconds=1, most_deaths=1)), task)
    assert (ended.state, counts(ended)) == ("done", [3, 1, 0, 0, 2])
    assert load_results(db, task)[1:] == [
        ("body:2", "failed", "it took too much time"),
        ("body:3", "failed", "it took too much time, as 1 items before it; the rest was not read"),
    ]


def test_process_ends_with_its_server() -> None:
    code = (
        "from app.importers.jobs.process_pool import ReaderProcess\n"
        "from app.importers.jobs.messages import ItemLimits, ProcessSetup\n"
        "child = ReaderProcess(ProcessSetup(ItemLimits(), False))\n"
        "child.receive()\nprint(child.number, flush=True)\ninput()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent.parent,
    )
    with server:
        assert server.stdout is not None
        reader = int(server.stdout.readline())
        assert Path(f"/proc/{reader}").exists()
        server.kill()
    assert_soon(lambda: not is_running(reader))


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def assert_soon(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("module", ["reader_process", "preparation_process"])
def test_process_needs_neither_database_nor_framework(module: str) -> None:
    code = (
        f"import sys, app.importers.jobs.{module}\n"
        "print([name for name in ('sqlalchemy', 'sqlite3', 'pydantic', 'fastapi', 'tantivy') if name in sys.modules])"
    )
    said = subprocess.check_output(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent.parent.parent, text=True
    )
    assert said.strip() == "[]"


def test_names_that_came_meanwhile_are_known_in_the_next_chunk(db: Database) -> None:
    worker = make_worker(db, ItemLimits(), enrich=True)
    first = [{"id": f"f{n}", "title": f"Story {n}", "tags": ["Herring"]} for n in range(jobs.CHUNK)]
    task = create_job(db, *first, {"id": "last", "title": "The day of the herring", "body": WORDS})
    done(db, worker, task)
    with db.snapshot() as snapshot:
        suggested = "SELECT s.kind FROM suggestion s JOIN article a ON a.id = s.article_id WHERE a.external_id = 'last'"
        assert "tag" in snapshot.connection.exec_driver_sql(suggested).scalars().all()


def test_event_loop_runs_on_while_a_job_is_read(db: Database) -> None:
    """The whole job is worked on in this process's loop, but for what is read."""
    task = create_job(db, *({"id": n, "title": f"Story {n}", "body": WORDS * 3_000} for n in range(30)))
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        work = jobs.Jobs(db, {}, {upload_store.KIND: make_worker(db, ItemLimits(), enrich=True)})
        running = asyncio.create_task(work.run())
        while not ((match := await work.find(task.id)) and match.has_ended):
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await db.reader.close()

    asyncio.run(watch())
    assert longest < 2
