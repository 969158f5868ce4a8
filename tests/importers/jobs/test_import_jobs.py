"""Imports that run as jobs: kept while they arrive, done chunk by chunk, taken up again, each item told of."""

import asyncio
import contextlib
import io
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import func, select

from app.changes import jobs, log
from app.changes.jobs import Jobs, Task
from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.jobs import upload_store
from app.importers.jobs.part_stream import PART_BYTES
from app.importers.jobs.worker import ImportWorker, choose_queue
from app.importers.pipeline import ImportOptions
from app.importers.web.fetch import Fetch, FetchedPage, FetchError
from app.models import Article, ImportPart, ImportResult, Job, table
from app.settings import Settings

ON = ENGINES

pytestmark = pytest.mark.anyio
A, PART, RESULT, JOB = table(Article), table(ImportPart), table(ImportResult), table(Job)
JobJson = dict[str, Any]
ASYNC = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}


def lines(count: int, **fields: object) -> bytes:
    stories = ({"id": f"s{number}", "title": f"Story {number}", "body": "Met.", **fields} for number in range(count))
    return b"".join(orjson.dumps(story) + b"\n" for story in stories)


@pytest.fixture
async def local(sqlite_settings: Settings) -> AsyncIterator[Served]:
    """For what neither database does in its own way."""
    async with serve(sqlite_settings) as running:
        yield running


@pytest.fixture
def quiet(sqlite_settings: Settings) -> Iterator[Database]:
    """An archive that nobody works on."""
    database = Database(sqlite_settings, log.append)
    try:
        yield database
    finally:
        database.close_now()


async def send_job(client: httpx.AsyncClient, body: Any, headers: dict[str, str], **query: str) -> JobJson:
    """The job as it is when it has ended."""
    response = await client.post("/v1/imports", params=query, content=body, headers=headers)
    assert response.status_code == 202, response.text
    return await wait_for_end(client, response.headers["location"])


async def wait_for_end(client: httpx.AsyncClient, address: str) -> JobJson:
    for _ in range(500):
        payload: JobJson = (await client.get(address)).json()
        if payload["state"] in ("done", "failed"):
            return payload
        await asyncio.sleep(0.02)
    raise AssertionError(payload)


def open_no_fetcher() -> contextlib.AbstractContextManager[Fetch]:
    raise AssertionError("no address is read here")


def make_worker(db: Database, fetch: Fetch | None = None, *, enrich: bool = True) -> ImportWorker:
    """Its clock stands, so that a chunk takes as long as it takes."""
    fetcher = open_no_fetcher if fetch is None else lambda: contextlib.nullcontext(fetch)
    return ImportWorker(db, "", fetcher, enrich=enrich, clock=lambda: 0.0)


def count(db: Database, what: Any) -> int:
    with db.snapshot() as snapshot:
        return int(snapshot.connection.execute(select(func.count()).select_from(what)).scalar_one())


async def test_lines_as_a_job_say_of_each_item_what_became_of_it(api: Served) -> None:
    body = lines(3, mood="calm") + b"{ no json\n" + lines(1, title="Edited at once")
    response = await api.editor.post("/v1/imports", content=body, headers=ASYNC, params={"origin": "wire"})
    assert (response.status_code, response.headers["preference-applied"]) == (202, "respond-async")
    assert response.json()["state"] == "waiting"
    result = await wait_for_end(api.editor, response.headers["location"])
    counts = result["progress"]
    assert (counts["read"], counts["created"] + counts["updated"], counts["failed"]) == (5, 4, 1)
    assert (result["created_by"], result["format"], result["origin"]) == ("test", "ndjson", "wire")
    assert result["unknown_fields"] == {"mood": 3}
    assert [(one["number"], one["item"], one["outcome"]) for one in result["results"]][2:4] == [
        (3, "body:3", "created"), (4, "body:4", "failed"),
    ]  # fmt: skip
    again = await send_job(api.editor, lines(3, mood="calm"), ASYNC, origin="wire")
    assert again["progress"] == {"read": 3, "created": 0, "updated": 1, "unchanged": 2, "failed": 0}
    assert (count(api.db, PART), count(api.db, A)) == (0, 3)


async def test_stream_and_command_tell_of_their_items_what_a_job_tells(local: Served, tmp_path: Path) -> None:
    odd = {"id": "odd", "title": "Odd", "body": "Met.", "mood": "calm", "regions": ["belgum", "spain"]}
    content = lines(1) + orjson.dumps(odd) + b"\n"
    told = ("notes", "unknown_fields", "unknown_regions")
    job = await send_job(local.editor, content, ASYNC, origin="wire")
    assert job["unknown_fields"] == {"mood": 1}
    assert job["unknown_regions"] == {"belgum": 1}
    assert [one["first"] for one in job["notes"]] == ["body:2"]
    lines_type = {"Content-Type": "application/x-ndjson"}
    for query in ("origin=other", "origin=other", "origin=third&dry_run=true"):
        response = await local.editor.post(f"/v1/imports?{query}", content=content, headers=lines_type)
        last = orjson.loads(response.content.splitlines()[-1])
        assert (last["unknown_fields"], last["unknown_regions"]) == ({"mood": 1}, {"belgum": 1})
        assert last["notes"] == [{**one, "first": 2} for one in job["notes"]]
        if last["import"] is not None:
            record = (await local.editor.get(f"/v1/imports/{last['import']}")).json()
            assert [record[name] for name in told] == [job[name] for name in told]
    file = tmp_path / "lines.ndjson"
    file.write_bytes(content)
    report = pipeline.run_import(
        local.db, sources.find_sources([str(file)], io.BytesIO()), ImportOptions(), local.db.read_time
    )
    record = (await local.editor.get(f"/v1/imports/{report.record}")).json()
    assert [record[name] for name in told[1:]] == [job[name] for name in told[1:]]
    assert [one["first"] for one in record["notes"]] == [f"{file}:2"]


async def test_results_page_in_order_and_by_outcome(local: Served) -> None:
    result = await send_job(local.editor, (lines(2) + b"{\n") * 2, ASYNC)
    address = f"/v1/imports/{result['id']}"
    numbers: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await local.editor.get(address, params={"limit": 4, **cursor})).json()
        numbers += [one["number"] for one in page["results"]]
        if page["page"]["next"] is None:
            break
        cursor = {"cursor": page["page"]["next"]}
    assert numbers == [1, 2, 3, 4, 5, 6]
    failed = (await local.editor.get(address, params={"outcome": "failed"})).json()
    assert [one["number"] for one in failed["results"]] == [3, 6]
    assert failed["page"]["total"] == 2
    assert (await local.editor.get(address, params={"outcome": "failed", **cursor})).status_code == 400


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "body", "title"),
    [
        ("text/markdown", "---\ntitle: A bridge opens\n---\n\nAcross the river.", "A bridge opens"),
        ("text/plain; charset=utf-8", "A ferry stops\n\nThe last boat left at noon.", "A ferry stops"),
        ("text/html", "<h1>A dam holds</h1><article><p>The lake rose all night.</p></article>", "A dam holds"),
        (
            "application/rss+xml",
            "<rss version='2.0'><channel><title>T</title><item><guid>1</guid><title>A lock jams</title>"
            "<description>Ships wait.</description></item></channel></rss>",
            "A lock jams",
        ),
        ("application/json", '[{"id": "t", "title": "A tunnel is dug", "body": "Below."}]', "A tunnel is dug"),
    ],
)
async def test_other_formats_become_a_job(local: Served, kind: str, body: str, title: str) -> None:
    result = await send_job(local.editor, body.encode(), {"Content-Type": kind})
    assert result["progress"]["created"] == 1
    assert [one["title"] for one in (await local.public.get("/v1/articles")).json()["data"]] == [title]
    again = await send_job(local.editor, body.encode(), {"Content-Type": kind})
    assert again["progress"]["unchanged"] == 1


async def test_markup_that_is_no_format_is_not_published_as_text(local: Served) -> None:
    result = await send_job(local.editor, b"<a", {"Content-Type": "application/xml"})
    assert (result["progress"]["failed"], count(local.db, A)) == (1, 0)
    assert "application/xml" in result["results"][0]["reason"]


async def test_dry_run_as_a_job_changes_nothing(local: Served) -> None:
    result = await send_job(local.editor, lines(2), ASYNC, dry_run="true")
    assert (result["progress"]["created"], result["dry_run"], result["results"][0]["id"]) == (2, True, None)
    assert count(local.db, A) == 0


async def test_who_may_not_or_asks_wrongly_is_refused_and_leaves_nothing(local: Served) -> None:
    writer, publisher = await local.key("write"), await local.key("publish")
    url = orjson.dumps({"url": "https://news.example/feed.xml"})
    as_json = {"Content-Type": "application/json"}

    async def status(body: bytes, headers: dict[str, str], query: str = "") -> int:
        return (await local.public.post(f"/v1/imports{query}", content=body, headers=headers)).status_code

    assert await status(lines(1), ASYNC) == 401
    assert await status(lines(1), ASYNC | writer) == 403
    assert await status(url, as_json | publisher) == 403
    assert await status(lines(1), ASYNC | publisher, "?timezone=Mars/Base") == 422
    assert await status(lines(1), ASYNC | publisher, "?format=xlsx") == 422
    assert await status(b'{"url": "ftp://news.example"}', as_json | publisher) == 422
    assert await status(b'{"format": "feed", "origin": "wire"}', as_json | publisher) == 422
    assert [await status(one, as_json | publisher) for one in (b"5", b"null", b'"a story"')] == [400] * 3
    assert await status(b'{"url": "https://news.example/\\u0000"}', as_json | publisher) == 422
    assert await status(b"\0", as_json | publisher) == 400
    assert await status(url, as_json | publisher, "?origin=wire") == 403
    assert await status(url[:-1] + b', "origin": "other"}', as_json | publisher, "?origin=wire") == 422
    assert (await local.public.get("/v1/imports/1")).status_code == 401
    assert [(await local.editor.get(f"/v1/imports/{id}")).status_code for id in ("1", "x")] == [404, 404]
    assert count(local.db, JOB) == 0


async def test_body_that_could_only_fail_as_an_address_is_refused_at_once(local: Served) -> None:
    async def list_errors(**payload: object) -> list[tuple[str, str, str | None]]:
        response = await local.editor.post("/v1/imports", json=payload)
        assert response.status_code == 422, response.text
        return [(one["pointer"], one["code"], one.get("did_you_mean")) for one in response.json()["errors"]]

    feed, missing = "https://news.example/feed.xml", ("/url", "invalid_value", None)
    assert await list_errors() == [missing]
    assert await list_errors(ulr=feed) == [missing, ("/ulr", "unknown_field", "url")]
    assert await list_errors(urls=[feed]) == [missing, ("/urls", "unknown_field", "url")]
    assert await list_errors(url=feed, dry_run=True) == [("/dry_run", "unknown_field", None)]
    assert await list_errors(url=feed, orgin="x") == [("/orgin", "unknown_field", "origin")]
    for host in ("127.0.0.1:8000", "10.1.2.3", "[::1]", "localhost", "169.254.169.254"):
        assert await list_errors(url=f"http://{host}/feed.xml") == [missing]
    assert count(local.db, JOB) == 0


@pytest.mark.parametrize(
    "document",
    [
        {"url": "https://news.example/a", "headline": "A story"},
        {"link": "https://news.example/a", "html": "<p>Text</p>"},
        {"@context": "https://schema.org", "@type": "NewsArticle", "url": "https://news.example/a", "name": "A story"},
        {"uri": "urn:a", "versioncreated": "2025-01-01T00:00:00Z", "body_xhtml": "<p>Text</p>"},
        {"url": "https://news.example/", "posts": [{"title": "A story"}]},
        {"id": "a1", "lang": "en"},
    ],
)
async def test_body_that_may_be_an_article_is_none_that_names_an_address(local: Served, document: object) -> None:
    publisher = await local.key("publish")
    response = await local.public.post("/v1/imports", json=document, headers=publisher)
    assert (response.status_code, response.json()["url"]) == (202, None)


async def test_private_address_may_be_named_where_the_operator_allows_it(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"import_private_addresses": True})) as local:
        response = await local.editor.post("/v1/imports", json={"url": "http://127.0.0.1:9/feed.xml"})
        assert response.status_code == 202, response.text


async def test_body_over_the_cap_leaves_nothing(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"max_import_bytes": 2_500_000})) as local:

        async def body() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 100_000

        responses = [
            await local.editor.post("/v1/imports", content=body(), headers={"Content-Type": "text/plain"}),
            await local.editor.post("/v1/imports", content=b"x" * 2_500_001, headers={"Content-Type": "text/plain"}),
        ]
        assert [response.status_code for response in responses] == [413, 413]
        assert (count(local.db, JOB), count(local.db, PART)) == (0, 0)


def test_body_in_pieces_reads_as_it_was_sent(quiet: Database) -> None:
    content = bytes(range(256)) * 5_000
    job = quiet.write_now(upload_store.begin_upload, {}, None).value
    quiet.write_now(upload_store.save_part, job, 0, content[:PART_BYTES])
    quiet.write_now(upload_store.finish_upload, job, 1, content[PART_BYTES:])
    stream = upload_store.StoredParts(quiet, job)
    assert stream.read() == content
    assert stream.seek(-3, 2) == len(content) - 3
    assert stream.read() == content[-3:]
    stream.seek(PART_BYTES - 2)
    assert stream.read(2) + stream.read(2) == content[PART_BYTES - 2 : PART_BYTES + 2]


@pytest.mark.slow
async def test_job_that_was_cut_off_goes_on_behind_its_last_chunk(quiet: Database) -> None:
    many = jobs.CHUNK * 2 + 30
    job = quiet.write_now(upload_store.create_whole, {"format": "ndjson", "origin": "wire"}, None, lines(many)).value

    async def task() -> Task:
        match = await Jobs(quiet, {}, {upload_store.KIND: make_worker(quiet)}).find(job)
        assert match is not None
        return match

    killed, rival = make_worker(quiet), make_worker(quiet)
    stale = rival(await task())
    quiet.write_now(jobs.advance, {upload_store.KIND: killed(await task())}, job)
    killed(await task())  # prepared, and never saved
    assert (await task()).progress["read"] == count(quiet, A) == count(quiet, RESULT) == jobs.CHUNK
    with pytest.raises(jobs.Overtaken):
        quiet.write_now(jobs.advance, {upload_store.KIND: stale}, job)
    for worker in (rival, make_worker(quiet)):
        quiet.write_now(jobs.advance, {upload_store.KIND: worker(await task())}, job)
    done = await task()
    assert (done.state, done.progress["created"]) == ("done", many)
    assert (count(quiet, A), count(quiet, RESULT), count(quiet, PART)) == (many, many, 0)


async def test_chunk_whose_transaction_was_lost_is_done_again(quiet: Database) -> None:
    job = quiet.write_now(upload_store.create_whole, {"format": "ndjson"}, None, lines(5)).value
    work = make_worker(quiet)
    match = await Jobs(quiet, {}, {upload_store.KIND: work}).find(job)
    assert match is not None
    work(match)
    quiet.write_now(jobs.advance, {upload_store.KIND: work(match)}, job)
    assert count(quiet, A) == 5


@pytest.mark.slow
def test_address_is_fetched_once_and_remembered_with_its_articles(quiet: Database) -> None:
    requested: list[dict[str, str]] = []

    def fetch(url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        requested.append(dict(known or {}))
        headers = {"etag": '"1"', "content-type": "application/x-ndjson"}
        return FetchedPage(url, 304 if known else 200, headers, b"" if known else lines(jobs.CHUNK + 5))

    work = make_worker(quiet, fetch)
    payload: jobs.Json = {"url": "https://news.example/all.ndjson"}
    for _ in range(2):
        job = quiet.write_now(upload_store.create_whole, payload, None, b"").value
        task = jobs.Task(job, upload_store.KIND, "waiting", payload, {}, None, 0, 0)
        while not task.has_ended:
            advanced = quiet.write_now(jobs.advance, {upload_store.KIND: work(task)}, job).value
            assert advanced is not None
            task = advanced
    assert requested == [{}, {"etag": '"1"'}]
    assert count(quiet, A) == count(quiet, RESULT) == jobs.CHUNK + 5
    assert task.progress["notes"] == {"not changed since it was imported": (1, payload["url"])}


@pytest.mark.slow
def test_addresses_that_hang_stop_neither_other_imports_nor_the_server(quiet: Database) -> None:
    held = threading.Event()

    def fetch(url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        held.wait(90)
        raise FetchError(url, "nobody answers")

    hanging = [
        quiet.write_now(upload_store.create_whole, {"url": "https://slow.example"}, None, b"").value for _ in range(6)
    ]
    sent = [quiet.write_now(upload_store.create_whole, {"format": "ndjson"}, None, lines(1)).value for _ in range(6)]
    reads = make_worker(quiet, fetch, enrich=False)

    async def stopped_behind_what_was_sent() -> list[str]:
        work = Jobs(quiet, {}, {upload_store.KIND: reads}, choose_queue)
        running = asyncio.create_task(work.run())
        async with asyncio.timeout(60):
            for job in sent:
                while not ((task := await work.find(job)) and task.has_ended):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        states = [task.state for job in hanging if (task := await work.find(job))]
        await quiet.reader.close()
        return states

    began = time.monotonic()
    assert asyncio.run(stopped_behind_what_was_sent()) == ["waiting"] * 6
    assert time.monotonic() - began < 60
    held.set()
    assert (count(quiet, RESULT), count(quiet, A)) == (6, 1)


@pytest.mark.parametrize("turns", range(4))
async def test_stop_that_comes_with_a_new_job_is_not_lost(quiet: Database, turns: int) -> None:
    work = Jobs(quiet, {}, {upload_store.KIND: make_worker(quiet)})
    running = asyncio.create_task(work.run())
    await asyncio.sleep(0.05)
    work.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    ended, _ = await asyncio.wait([running], timeout=2)
    await quiet.reader.close()
    assert ended


def test_control_characters_in_what_an_address_lists_end_no_job(db: Database) -> None:
    def fetch(url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        if not url.endswith("sitemap.txt"):
            raise FetchError(url, f"not an address: {url}")
        return FetchedPage(url, 200, {}, b"https://news.example/a\0b\n")

    payload: jobs.Json = {"url": "https://news.example/sitemap.txt"}
    job = db.write_now(upload_store.create_whole, payload, None, b"").value
    task = jobs.Task(job, upload_store.KIND, "waiting", payload, {}, None, 0, 0)
    work = make_worker(db, fetch)
    db.write_now(jobs.advance, {upload_store.KIND: work(task)}, job)
    with db.snapshot() as snapshot:
        [reported] = snapshot.connection.execute(select(RESULT.c.item, RESULT.c.reason))
    assert tuple(reported) == ("https://news.example/ab", "not an address: https://news.example/ab")
