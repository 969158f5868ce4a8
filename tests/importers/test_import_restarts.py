"""Imports from addresses that are interrupted, or of which something fails: nothing is lost, nothing told of twice."""

import contextlib
import io
from collections.abc import Iterator, Mapping

import orjson
import pytest
from sqlalchemy import select
from support.wordpress_blog import BlogServer, post

from app.changes import jobs, log
from app.changes.jobs import Task
from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.jobs import job_items, upload_store
from app.importers.jobs.worker import ImportWorker
from app.importers.pipeline import ImportOptions
from app.importers.web.fetch import Fetch, FetchedPage, FetchError
from app.models import Article, ImportResult, table
from app.settings import Settings

pytestmark = pytest.mark.slow

A, RESULT = table(Article), table(ImportResult)
TOO_LARGE = b"9" * 30
"""A number that can be read and not be kept, so that its item fails after its reader."""


@pytest.fixture
def db(sqlite_settings: Settings) -> Iterator[Database]:
    database = Database(sqlite_settings, log.append)
    try:
        yield database
    finally:
        database.close_now()


def begun(db: Database, url: str) -> Task:
    payload: jobs.Json = {"url": url}
    return Task(
        db.write_now(upload_store.create_whole, payload, None, b"").value,
        upload_store.KIND,
        "waiting",
        payload,
        {},
        None,
        0,
        0,
    )


def make_worker(db: Database, fetch: Fetch) -> ImportWorker:
    """Its clock stands, unless an address makes it go."""
    clock = fetch.clock if isinstance(fetch, News) else lambda: 0.0
    return ImportWorker(db, "", lambda: contextlib.nullcontext(fetch), enrich=False, clock=clock)


def step(db: Database, worker: ImportWorker, task: Task) -> Task:
    advanced = db.write_now(jobs.advance, {upload_store.KIND: worker(task)}, task.id).value
    assert advanced is not None
    return advanced


def done(db: Database, worker: ImportWorker, task: Task) -> Task:
    while not task.has_ended:
        task = step(db, worker, task)
    return task


def counts(task: Task) -> list[object]:
    return [task.progress[name] for name in ("read", "created", "updated", "unchanged", "failed")]


class News:
    """A sitemap, the newest page first. `slow` takes longer than a chunk may; the next one begins behind it."""

    def __init__(self, *pages: str) -> None:
        self.pages, self.gone, self.slow = list(pages), "", ""
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def __call__(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        name = url.rpartition("/")[2]
        if name == "sitemap.xml":
            listed = (f"<url><loc>https://n.example/{one}</loc><lastmod>2025</lastmod></url>" for one in self.pages)
            return FetchedPage(url, 200, {}, f"<urlset>{''.join(listed)}</urlset>".encode())
        if name == self.gone:
            raise FetchError(url, "the server answers 503", 503)
        if name == self.slow:
            self.now += 2 * job_items.SECONDS
        page = f"<title>The {name} of the day</title><article><p>{f'What the {name} brought to the quay. ' * 9}</p>"
        return FetchedPage(url, 200, {"content-type": "text/html"}, page.encode())


def test_sitemap_that_begins_otherwise_after_a_restart_loses_no_page(db: Database) -> None:
    news = News("herring", "salt", "timber", "wool")
    news.slow, news.gone = "timber", "salt"
    task = step(db, make_worker(db, news), begun(db, "https://n.example/sitemap.xml"))
    assert counts(task) == [3, 2, 0, 0, 1]
    news.pages[:0] = ["amber", "tar"]
    news.gone = news.slow = ""
    ended = done(db, make_worker(db, news), task)
    assert counts(ended) == [6, 6, 0, 0, 0]
    with db.snapshot() as snapshot:
        reported = select(RESULT.c.item, RESULT.c.outcome).order_by(RESULT.c.number)
        rows = [(where.rpartition("/")[2], outcome) for where, outcome in snapshot.connection.execute(reported)]
    assert rows == [(name, "created") for name in ("herring", "salt", "timber", "amber", "tar", "wool")]
    again = done(db, make_worker(db, news), begun(db, "https://n.example/sitemap.xml"))
    assert counts(again) == [0, 0, 0, 0, 0]


def test_page_that_changed_while_its_import_was_down_is_not_lost(db: Database) -> None:
    news = News("herring", "wool")
    news.slow = "herring"
    task = step(db, make_worker(db, news), begun(db, "https://n.example/sitemap.xml"))
    news.slow = ""

    def fetch_edited(url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        page = news(url)
        return FetchedPage(url, 200, page.headers, page.body.replace(b"brought to", b"took from"))

    assert counts(done(db, make_worker(db, fetch_edited), task)) == [2, 2, 0, 0, 0]
    with db.snapshot() as snapshot:
        bodies = list(snapshot.connection.execute(select(A.c.body)).scalars())
    assert all("took from" in body for body in bodies)


def test_blog_that_is_read_on_after_a_restart_is_counted_once(db: Database) -> None:
    many = jobs.CHUNK + 60
    blog = BlogServer([post(number) for number in range(1, many + 1)])
    task = step(db, make_worker(db, blog), begun(db, blog.url))
    count = len(blog.asked)
    assert counts(done(db, make_worker(db, blog), task)) == [many, many, 0, 0, 0]
    assert blog.asked[count:].count("wp/v2/posts") == 3  # of four pages: from the last bookmark on


class Lines:
    """An address that responds with 304 to whoever has read it."""

    def __init__(self) -> None:
        self.known: list[dict[str, str]] = []

    def __call__(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        self.known.append(dict(known or {}))
        lines = [b'{"id": "1", "title": "A", "big": %s}' % TOO_LARGE, orjson.dumps({"id": "2", "title": "B"})]
        return FetchedPage(url, 304 if known else 200, {"etag": '"1"'}, b"" if known else b"\n".join(lines))


def test_address_of_which_an_item_failed_later_is_read_anew(db: Database) -> None:
    lines, url = Lines(), "https://n.example/a.ndjson"
    for unchanged in range(2):
        ended = done(db, make_worker(db, lines), begun(db, url))
        assert counts(ended) == [2, 1 - unchanged, 0, unchanged, 1]
    for _ in range(2):
        report = pipeline.run_import(
            db, sources.find_sources([url], io.BytesIO()), ImportOptions(), lambda: 1, fetch=lines
        )
        assert [where for where, _ in report.failures] == [f"{url}:1"]
    assert lines.known == [{}] * 4
