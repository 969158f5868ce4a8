"""What a purge leaves: no word of an article in any table, and none in any file of a SQLite archive that was
compacted."""

import asyncio
from io import BytesIO
from pathlib import Path

import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlalchemy import select
from support.tables import tables_with

from app.articles.store import purge
from app.audit import old_rows
from app.commands import open_archive
from app.db.database import DatabaseProblem
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions
from app.models import ImportSource, Job, PurgedRef, table
from app.search.indexing.rebuild import rebuild_indexes
from app.settings import Settings

pytestmark = pytest.mark.anyio
ON = ENGINES
ANY = {"If-Match": "*"}
WORD = "quetzalberry"


def files_with(folder: Path, word: str) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if word.encode() in path.read_bytes().lower()]


async def import_article(api: Served) -> int:
    """An article of an import that ran as a job, whose rows name it in all that they have."""
    text = f"---\ntitle: The {WORD} job\n{WORD}field: 1\nregions: [Upper {WORD}]\n---\n\n<script>{WORD}</script> text"
    headers = {"Content-Type": "text/markdown"}
    job = (await api.editor.post("/v1/imports", content=text.encode(), headers=headers)).json()["id"]
    for _ in range(400):
        body = (await api.editor.get(f"/v1/imports/{job}")).json()
        if body["state"] == "done":
            break
        await asyncio.sleep(0.02)
    [result] = body["results"]
    assert result["outcome"] == "created", body
    assert WORD in repr(body["unknown_fields"])
    return int(result["id"])


@pytest.mark.slow
async def test_purged_words_are_in_no_table_and_no_file(api: Served) -> None:
    db = api.db
    article = {
        "title": f"A {WORD} story", "body": f"<p>{WORD} {'x' * 9000} {WORD}</p>", "external_id": WORD,
        "source": {"name": "Desk", "url": f"https://news.example/{WORD}"}, "seo": {"title": WORD},
        "related": [{"title": f"More {WORD}", "url": f"https://a.example/{WORD}"}], "previous_slugs": [f"old-{WORD}"],
    }  # fmt: skip
    made = await api.editor.post(
        "/v1/articles", json={**article, "status": "published"}, headers={"Idempotency-Key": "one"}
    )
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    # Long texts, long and short again, so that pages of the file are freed before there is a purge.
    for length in (30_000, 10):
        body = f"<p>{WORD} {'y ' * length}</p>"
        await api.editor.patch(f"/v1/articles/{id}", json={"body": body, "correction": WORD}, headers=ANY)
    job = await import_article(api)
    with db.engine.begin() as connection:
        url = f"https://news.example/{WORD}"
        connection.execute(table(ImportSource).insert(), {"url": url, "state": "{}", "updated_at": 1})
        old = {"kind": "import", "state": "done", "arguments": f'{{"url":"{url}","format":null}}', "progress": "{}"}
        connection.execute(table(Job).insert(), {**old, "created_at": 1, "updated_at": 1})
    there = set(tables_with(db, WORD))
    assert {
        "article.title",
        "revision.document",
        "article_slug.slug",
        "job.progress",
        "job.arguments",
        "import_source.url",
    } <= there
    for one in (id, job):
        gone = await api.editor.delete(f"/v1/articles/{one}?purge=true", headers=ANY)
        assert gone.status_code == 204, gone.text
    assert list(tables_with(db, WORD)) == []
    for ref in (f"a-{WORD}-story", f"old-{WORD}", str(id)):
        assert (await api.public.get(f"/v1/articles/{ref}")).status_code == 410
    with db.snapshot() as snapshot:
        refs = snapshot.connection.execute(select(table(PurgedRef).c.ref)).scalars().all()
    assert str(id) in refs
    assert sum(ref.startswith("sha256:") for ref in refs) >= 3


async def test_file_that_is_named_after_a_purged_article_is_named_nowhere(api: Served, tmp_path: Path) -> None:
    paths = [tmp_path / f"2027-01-0{n}-{name}.md" for n, name in enumerate(("harbour", f"the-{WORD}-file", "lock"), 1)]
    for path in paths:
        path.write_text(f"---\ntitle: {path.stem[11:].replace('-', ' ')}\n---\n\nText.\n")
    items = list(sources.find_sources([str(path) for path in paths], BytesIO()))
    report = await asyncio.to_thread(
        pipeline.run_import, api.db, items, ImportOptions(origin="desk"), lambda: 1_800_000_000
    )
    assert report.created == 3, report
    assert {"import_record.source", "job.arguments"} <= set(tables_with(api.db, WORD))
    gone = await api.editor.delete(f"/v1/articles/the-{WORD}-file?purge=true", headers=ANY)
    assert gone.status_code == 204, gone.text
    assert list(tables_with(api.db, WORD)) == []
    record = (await api.editor.get(f"/v1/imports/{report.record}")).json()
    assert ("harbour" in record["source"], purge.PURGED in record["source"]) == (True, True)


async def test_bulk_edit_that_chose_a_purged_article_by_name_does_not_name_it(api: Served) -> None:
    made = await api.post(title=f"The {WORD}", external_id=f"{WORD}-1")
    for chosen in ({"slug": made["slug"]}, {"external_id": made["external_id"]}):
        begun = await api.editor.post("/v1/articles/bulk", json={"filter": chosen, "language": "fr"})
        assert begun.status_code == 202, begun.text
        for _ in range(200):
            if (await api.editor.get(begun.headers["location"])).json()["state"] == "done":
                break
            await asyncio.sleep(0.02)
    assert "job.arguments" in set(tables_with(api.db, WORD))
    gone = await api.editor.delete(f"/v1/articles/{made['id']}?purge=true", headers=ANY)
    assert gone.status_code == 204, gone.text
    assert list(tables_with(api.db, WORD)) == []


async def test_purge_reaches_what_a_stream_found_in_an_article_that_it_left_unchanged(api: Served) -> None:
    line = {"id": "a", "title": "T", "body": "b", f"{WORD}field": 1, "regions": [f"Upper {WORD}"]}
    for again in ("created", "unchanged"):
        response = await api.editor.post(
            "/v1/imports?origin=wire", content=orjson.dumps(line), headers={"Content-Type": "application/x-ndjson"}
        )
        result, last = [orjson.loads(one) for one in response.content.splitlines()]
        assert result["outcome"] == again
        record = (await api.editor.get(f"/v1/imports/{last['import']}")).json()
        assert WORD in repr(record["unknown_fields"])
    gone = await api.editor.delete(f"/v1/articles/{result['id']}?purge=true", headers=ANY)
    assert gone.status_code == 204, gone.text
    assert list(tables_with(api.db, WORD)) == []


@pytest.mark.parametrize("kind", ["import", "import_stream", "import_command"])
async def test_import_of_long_ago_tells_nothing_of_its_items(api: Served, kind: str) -> None:
    progress = orjson.dumps({"created": 3, "notes": {WORD: [1, "a"]}, "unknown_fields": {}}).decode()
    row = {"kind": kind, "state": "done", "arguments": "{}", "progress": progress, "created_at": 1, "updated_at": 1}
    with api.db.engine.begin() as connection:
        connection.execute(table(Job).insert(), row)
    await api.db.write(old_rows.delete_results, 30, 100)
    assert list(tables_with(api.db, WORD)) == []
    assert list(tables_with(api.db, '{"created":3}')) == ["job.progress"]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_write_ahead_log_is_emptied_as_soon_as_no_reader_needs_it(api: Served) -> None:
    made = await api.post(title=f"The {WORD} held", body="<p>a</p>")
    log = api.settings.data_dir / "dateline.db-wal"
    with api.db.snapshot() as snapshot:
        snapshot.connection.exec_driver_sql("SELECT 1 FROM article").all()
        await api.editor.delete(f"/v1/articles/{made['id']}?purge=true", headers=ANY)
        assert WORD.encode() in log.read_bytes()
    for _ in range(100):
        if not log.stat().st_size:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the write-ahead log still holds the article")


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_compacted_archive_has_the_word_in_no_file(settings: Settings) -> None:
    async with serve(settings) as api:
        ids = []
        for number in range(12):
            sent = {"title": f"{WORD} {number}", "body": f"<p>{WORD} {'y ' * 200 * number}</p>", "status": "published"}
            ids.append((await api.editor.post("/v1/articles", json=sent)).json()["id"])
            await api.editor.patch(f"/v1/articles/{ids[number // 2]}", json={"body": f"<p>{WORD}</p>"}, headers=ANY)
        draft = await api.editor.post("/v1/articles", json={"title": f"{WORD} draft", "body": f"<p>{WORD}</p>"})
        ids.append(draft.json()["id"])
        await api.post(title="One that stays")
        kept = await api.editor.post("/v1/articles", json={"title": "One that stays a draft"})
        address = f"/v1/articles?q={WORD}&status=draft&min_seq={kept.headers['x-seq']}"
        assert (await api.editor.get(address)).json()["page"]["total"] == 1
        assert files_with(settings.drafts_index_path, WORD)
        for id in ids:
            await api.editor.delete(f"/v1/articles/{id}?purge=true", headers=ANY)
    db = open_archive.open_archive(settings)
    open_archive.compact(db)
    rebuild_indexes(db, settings)
    db.close_now()
    assert files_with(settings.data_dir, WORD) == []
    async with serve(settings) as api:
        body = (await api.public.get(f"/v1/search?q={WORD[:-1]}")).json()
        assert (body["data"], WORD in repr(body["query"]["corrections"])) == ([], False)
        for query, total in ((WORD, 0), ("stays", 1)):
            response = await api.editor.get(f"/v1/articles?q={query}&status=draft")
            assert response.json()["page"]["total"] == total
        with open_archive.hold_server_lock(api.db.url), pytest.raises(DatabaseProblem, match="running already"):
            open_archive.compact(api.db)
