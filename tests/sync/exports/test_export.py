"""The export: whole, filtered, in step with the log, and good for making the same archive again."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from conftest import Served, serve
from sqlalchemy import update
from sqlmodel import Session
from support.listening import listen
from support.stories import NOW, story, write

from app.articles import service
from app.commands import open_archive
from app.commands.cli import cli
from app.importers import pipeline
from app.importers.pipeline import ImportOptions
from app.importers.sources import SourceInput
from app.models import Article, table
from app.settings import Settings
from app.sync.exports import export, full_export

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


async def read_export(client: httpx.AsyncClient, **query: Any) -> tuple[list[Json], str]:
    """The articles, and the place to follow on from."""
    response = await client.get("/v1/export", params=query)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["cache-control"] == "no-store"
    *rows, last = [orjson.loads(line) for line in response.text.splitlines()]
    assert last == {"end": True, "count": len(rows)}
    return rows, response.headers["x-seq"]


async def test_export_has_every_published_article_in_full(api: Served) -> None:
    made = await write(api.db, *(story(api.db, number) for number in range(export.PAGE + 1)))
    await write(api.db, story(api.db, 900, status="draft"), story(api.db, 901, slug="moved"))
    await write(api.db, story(api.db, 901, slug="moved-again", tags=["a"]))
    rows, place = await read_export(api.public)
    assert [row["id"] for row in rows[:-1]] == [one.id for one in made]
    item = (await api.public.get("/v1/articles/moved-again")).json()
    assert rows[-1] == item | {"origin": "test", "previous_slugs": ["moved"], "previous_urls": []}
    assert (await api.public.get("/v1/changes", params={"since": place})).json()["data"] == []


async def test_export_takes_filters_fields_and_states(api: Served) -> None:
    await write(api.db, story(api.db, 1, tags=["a"]), story(api.db, 2), story(api.db, 3, status="draft"))
    rows, _ = await read_export(api.public, tag="a", fields="title", include="body_text")
    assert rows == [{"id": rows[0]["id"], "title": "Story number 1", "body_text": "The text of story 1."}]
    assert (await read_export(api.public, tag="none"))[0] == []
    drafts, _ = await read_export(api.editor, status="draft")
    assert [row["title"] for row in drafts] == ["Story number 3"]
    for query, status in (({"status": "draft"}, 401), ({"limit": 5}, 422), ({"region": "atlantis"}, 422)):
        assert (await api.public.get("/v1/export", params=query)).status_code == status


async def test_head_of_an_export_says_where_it_stands(api: Served) -> None:
    await write(api.db, story(api.db, 1))
    head = await api.public.head("/v1/export")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["x-seq"] == (await api.public.get("/v1/export")).headers["x-seq"]


@pytest.mark.slow
async def test_place_of_an_export_is_before_what_changes_while_it_runs(settings: Settings) -> None:
    async with listen(settings) as listening:
        db = listening.db
        body = "<p>" + "word " * 4000 + "</p>"
        count = export.PAGE * 3
        saved = await write(db, *(story(db, number) for number in range(count)))
        await db.write(_enlarge, body)
        # Uncompressed, since so alike texts would fit into the buffers of the connection.
        headers = {"Accept-Encoding": "identity"}
        async with listening.public.stream("GET", "/v1/export", headers=headers) as response:
            lines = response.aiter_lines()
            got = [orjson.loads(await anext(lines))["id"]]
            # A client that does not read on holds nobody up: neither this write nor any other.
            await asyncio.sleep(0.3)
            last, first = saved[-1].id, saved[0].id
            await asyncio.wait_for(db.write(service.withdraw, [first, last], now=NOW), 5)
            [new] = await write(db, story(db, count + 1))
            rest = [orjson.loads(line) async for line in lines]
        got += [row["id"] for row in rest[:-1]]
        assert last not in got
        assert first in got
        query = {"since": response.headers["x-seq"]}
        told = (await listening.public.get("/v1/changes", params=query)).json()["data"]
        assert [(one["event"], one["article"]["id"]) for one in told] == [
            ("withdrawn", first), ("withdrawn", last), ("published", new.id),
        ]  # fmt: skip


def _enlarge(session: Session, body: str) -> None:
    session.connection().execute(update(table(Article)).values(body=body))


CORRECTION = {"at": "2025-06-11T09:00:00Z", "text": "It lasted one day.", "version": 2}
WITHDRAWN = {"at": "2025-06-12T10:00:00Z", "reason": "It was wrong."}
SOURCES = [
    {
        "id": "A,1", "slug": "summit", "title": "Leaders meet at the summit in Brussels", "standfirst": "Two days.",
        "body": "<h2>First</h2><p>They met.</p>", "published_at": "2025-06-10T08:00:00Z", "origin": "herald-example",
        "tags": [{"name": "NATO", "kind": "organisation"}, {"name": "World", "kind": "section"}, "summits"],
        "authors": ["Ines Marlow", "Jon Abara"], "desk": {"name": "foreign", "level": 2},
        "regions": [{"slug": "belgium", "name": "Belgium", "roles": ["mention"]}],
        "dateline": {"text": "Brussels, June 2025.", "place": "Brussels", "date": "2025-06"},
        "source": {"name": "Herald, The", "url": "https://herald.example/summit"}, "signature": "Herald / Herald",
        "images": [{"url": "https://herald.example/a.jpg", "width": 1200, "credit": "M. Ode"}],
        "previous_slugs": ["the-summit"], "previous_urls": ["https://old.example/summit"],
        "related": [{"title": "A grain deal is signed"}, {"title": "Not yet", "url": "https://old.example/not-yet"}],
        "canonical_url": "https://herald.example/summit",
        "corrections": [CORRECTION],
    },
    {"id": "2", "title": "A grain deal is signed", "published_at": "2025-06", "language": "pt-BR",
     "body": "Ships sail.", "related": ["Leaders meet at the summit in Brussels"], "summary": "One", "excerpt": "Two",
     "regions": ["Atlantis"]},
    {"id": "3", "title": "Nobody knows this yet", "status": "draft", "body": "Hush."},
    {"title": "Without any id", "body": "Told apart by its content.", "published_at": "1923"},
    {"id": "5", "title": "Taken back", "body": "Wrong.", "status": "withdrawn", "published_at": "2025-06-11",
     "withdrawn": WITHDRAWN},
]  # fmt: skip
_OWN = ("id", "version", "created_at")


def _import(settings: Settings, lines: bytes) -> pipeline.ImportReport:
    db = open_archive.open_archive(settings)
    try:
        source = SourceInput("all.ndjson", "all.ndjson", lambda: BytesIO(lines))
        return pipeline.run_import(db, [source], ImportOptions(format="ndjson"), lambda: NOW)
    finally:
        db.close_now()


async def _dump(settings: Settings, since: str | None = None) -> tuple[list[Json], str]:
    pieces: list[bytes] = []
    db = open_archive.open_archive(settings)
    try:
        place = await full_export.write(db, settings, since, pieces.append)
    finally:
        db.close_now()
    *rows, last = [orjson.loads(line) for line in b"".join(pieces).splitlines()]
    assert last == {"end": True, "count": len(rows)}
    return rows, place


def _comparable(article: Json) -> Json:
    """Without what an archive numbers and dates by itself, in the article and in those that it is related to."""
    shown = {name: value for name, value in article.items() if name not in _OWN}
    for name in ("tags", "authors", "regions"):
        shown[name] = [{part: value for part, value in one.items() if part != "id"} for one in shown[name]]
    shown["related"] = [
        post | {"article": post["article"] and post["article"]["slug"]} for post in article.get("related", ())
    ]
    return shown


async def test_export_imported_elsewhere_gives_the_same_archive(settings: Settings, tmp_path: Path) -> None:
    lines = b"\n".join(orjson.dumps(one) for one in SOURCES)
    assert _import(settings, lines).created == len(SOURCES)
    first, _ = await _dump(settings)
    assert {row["status"] for row in first} == {"published", "draft", "withdrawn"}
    assert first[-1]["withdrawn"] == WITHDRAWN
    assert first[0]["related"][0]["article"]["slug"] == "a-grain-deal-is-signed"
    assert first[0]["corrections"] == [CORRECTION]
    assert (first[0]["desk"], first[1]["excerpt"]) == ({"name": "foreign", "level": 2}, "Two")
    whole = b"\n".join(orjson.dumps(row) for row in [*first, {"end": True, "count": len(first)}])
    elsewhere = Settings(data_dir=tmp_path / "elsewhere")
    report = _import(elsewhere, whole)
    assert (report.created, report.failures) == (len(SOURCES), [])
    second, _ = await _dump(elsewhere)
    assert [_comparable(row) for row in second] == [_comparable(row) for row in first]
    again = _import(elsewhere, whole)
    assert (again.unchanged, again.failures) == (len(SOURCES), [])


async def test_export_since_a_place_has_what_changed_behind_it(settings: Settings) -> None:
    async with serve(settings) as api:
        await write(api.db, story(api.db, 1), story(api.db, 2), story(api.db, 3, status="draft"))
    _, place = await _dump(settings)
    assert (await _dump(settings, place))[0] == []
    async with serve(settings) as api:
        await write(api.db, story(api.db, 2, title="Told once more"), story(api.db, 4))
    assert [row["title"] for row in (await _dump(settings, place))[0]] == ["Told once more", "Story number 4"]


def test_command_writes_lines_and_where_to_go_on(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATELINE_DATA_DIR", str(sqlite_settings.data_dir))
    assert cli(["export"], standalone_mode=False) in (0, None)
    out, err = capfd.readouterr()
    assert out == '{"end":true,"count":0}\n'
    place = err.split()[-1]
    assert cli(["export", "--since", place], standalone_mode=False) in (0, None)
    assert capfd.readouterr().out == out


async def test_export_goes_on_behind_an_id(api: Served) -> None:
    await write(api.db, *(story(api.db, number, tags=["a"] if number % 3 else []) for number in range(30)))
    for query in ({}, {"tag": "a", "fields": "title"}):
        whole, place = await read_export(api.public, **query)
        for cut in (0, 1, len(whole) // 2, len(whole)):
            before, rest = whole[:cut], await read_export(api.public, **query, after=before_id(whole, cut))
            assert (before + rest[0], rest[1]) == (whole, place)
    rows, _ = await read_export(api.public)
    sheet = (await api.public.get("/v1/export", params={"format": "csv", "after": rows[-2]["id"]})).text
    assert [line.split(",")[0] for line in sheet.splitlines()] == ['"id"', str(rows[-1]["id"])]


def before_id(rows: list[Json], cut: int) -> int:
    return int(rows[cut - 1]["id"]) if cut else 0


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5", "9" * 30, "1,2"])
async def test_export_goes_on_behind_nothing_but_an_id(shared_api: Served, after: str) -> None:
    response = await shared_api.public.get("/v1/export", params={"after": after})
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "after")


async def test_parts_of_an_export_and_the_changes_since_the_first_are_the_whole(api: Served) -> None:
    saved = await write(api.db, *(story(api.db, number) for number in range(1, 7)))
    first, place = await read_export(api.public)
    copy = {row["id"]: row["title"] for row in first[:3]}  # here it broke off
    await write(api.db, story(api.db, 2, title="Changed behind the cut"), story(api.db, 7, title="New meanwhile"))
    await api.db.write(service.withdraw, [saved[0].id, saved[5].id], now=NOW)
    rest, _ = await read_export(api.public, after=first[2]["id"])
    copy |= {row["id"]: row["title"] for row in rest}
    query = {"since": place, "include": "article"}
    for change in (await api.public.get("/v1/changes", params=query)).json()["data"]:
        if change["card"] is None:
            copy.pop(change["article"]["id"], None)
        else:
            copy[change["card"]["id"]] = change["card"]["title"]
    assert copy == {row["id"]: row["title"] for row in (await read_export(api.public))[0]}
