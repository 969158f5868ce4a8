"""Articles that say nearly the same as an earlier one: imported, told of and kept as suggestions, whatever door they
came through and whatever door the earlier one did."""

import asyncio
import io
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served

from app.articles.store.suggested import near_duplicates
from app.db import migrate
from app.importers import pipeline
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.sources import SourceInput

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

Json = dict[str, Any]
LINES = {"Content-Type": "application/x-ndjson"}
BODY = (
    "The ferry company of the northern isles said on Monday that its two oldest boats will be sold before winter, "
    "since the new pier at Low Water cannot take them; the islanders who work on board were told on Friday evening."
)
EDITED = f"{BODY.replace('two oldest', 'three oldest')} More follows."
OTHER = (
    "Bakers in the valley have agreed on a price for rye after four weeks of talks that nobody outside the trade had "
    "heard of, and the mill at the upper bridge will grind again from the first of the month, its owner wrote."
)


def story(id: str, body: str, **fields: object) -> bytes:
    return orjson.dumps({"id": id, "title": f"Story {id}", "body": body, **fields}) + b"\n"


def import_stories(api: Served, *stories: bytes, enrich: bool = True) -> ImportReport:
    source = SourceInput("wire.ndjson", "wire.ndjson", lambda: io.BytesIO(b"".join(stories)))
    return pipeline.run_import(api.db, [source], ImportOptions(enrich=enrich), lambda: 1_760_000_000)


async def stream_stories(api: Served, *stories: bytes) -> list[int | None]:
    response = await api.editor.post("/v1/imports?origin=wire", content=b"".join(stories), headers=LINES)
    assert response.status_code == 200, response.text
    return [orjson.loads(line)["copy_of"] for line in response.content.splitlines()[:-1]]


async def wait_for_end(api: Served, location: str) -> Json:
    job: Json = (await api.editor.get(location)).json()
    while job["state"] not in ("done", "failed"):
        await asyncio.sleep(0.02)
        job = (await api.editor.get(location)).json()
    return job


async def list_duplicates(api: Served, id: int) -> list[tuple[int, float]]:
    shown = (await api.editor.get(f"/v1/articles/{id}/suggestions")).json()["data"]
    return [(one["article"]["id"], one["score"]) for one in shown if one["kind"] == "duplicate"]


async def write_draft(api: Served, body: str) -> int:
    """By an editor, as a draft: the index does not have it."""
    made = await api.post(title="An editor's own", body=body, status="draft")
    return int(str(made["id"]))


@both
async def test_copies_within_an_import_and_of_what_was_there_are_told_of_once(api: Served) -> None:
    own = await write_draft(api, OTHER)
    report = import_stories(api, story("a", BODY), story("b", EDITED), story("c", OTHER), story("d", "Short."))
    a, b, c = own + 1, own + 2, own + 3
    assert (report.created, report.copies) == (4, [("wire.ndjson:2", b, a), ("wire.ndjson:3", c, own)])
    assert ["wire.ndjson:2", "wire.ndjson:3"] in report.notes.values()
    [(of, score)] = await list_duplicates(api, b)
    assert (of, 0.8 < score < 1) == (a, True)
    again = import_stories(api, story("a", BODY), story("b", EDITED), story("c", OTHER))
    assert (again.unchanged, again.copies) == (3, [])
    assert await list_duplicates(api, b) == [(of, score)]


async def test_article_is_no_copy_of_itself_nor_of_its_own_earlier_version(api: Served) -> None:
    assert (
        await stream_stories(api, story("a", BODY), story("a", EDITED), story("a", BODY, standfirst="New."))
        == [None] * 3
    )
    assert await stream_stories(api, story("a", EDITED)) == [None]


async def test_revision_that_is_no_copy_any_more_is_kept_as_none(api: Served) -> None:
    [_, first] = await stream_stories(api, story("a", BODY), story("b", BODY))
    assert first is not None
    assert await stream_stories(api, story("b", OTHER)) == [None]
    assert await list_duplicates(api, first + 1) == []
    assert await stream_stories(api, story("c", OTHER)) == [first + 1]


async def test_lines_and_jobs_say_of_each_item_what_it_repeats(api: Served) -> None:
    own = await write_draft(api, BODY)
    assert await stream_stories(api, story("a", EDITED), story("b", OTHER), story("c", OTHER)) == [
        own,
        None,
        own + 2,
    ]
    headers = LINES | {"Prefer": "respond-async"}
    response = await api.editor.post("/v1/imports", content=story("j", BODY) + story("k", "Short."), headers=headers)
    job = await wait_for_end(api, response.headers["location"])
    assert [(one["outcome"], one["copy_of"]) for one in job["results"]] == [("created", own), ("created", None)]
    [note] = [one for one in job["notes"] if "nearly the same" in one["note"]]
    assert (note["count"], note["first"]) == (1, "body:1")
    [first, *others] = await list_duplicates(api, job["results"][0]["id"])
    assert first == (own, 1.0)
    assert {id for id, _ in others} <= {own + 1}  # the edited one, as soon as the index has it


async def test_articles_of_an_archive_before_keys_were_kept_are_found(api: Served) -> None:
    own = await write_draft(api, BODY)
    migrate.downgrade(api.db, "0003")
    migrate.upgrade(api.db)
    assert import_stories(api, story("a", EDITED)).copies == [("wire.ndjson:1", own + 1, own)]


async def test_without_enrichment_nothing_is_looked_for(api: Served) -> None:
    report = import_stories(api, story("a", BODY), story("b", BODY), enrich=False)
    assert (report.created, report.copies) == (2, [])


async def test_texts_that_share_a_run_only_are_no_copies(api: Served) -> None:
    boilerplate = " ".join(BODY.split()[:12])
    assert await stream_stories(api, story("a", BODY), story("b", f"{boilerplate} {OTHER}")) == [None, None]
    with api.db.snapshot() as snapshot:
        assert near_duplicates.find_copies(snapshot.connection, {}) == {}


async def test_copy_of_a_draft_is_told_to_those_alone_who_may_read_drafts(api: Served) -> None:
    await write_draft(api, BODY)
    sender = await api.key("write", "publish")
    response = await api.public.post("/v1/imports", content=story("a", EDITED) * 2, headers=LINES | sender)
    assert [orjson.loads(line)["copy_of"] for line in response.content.splitlines()[:-1]] == [None, None]
    draft, later = story("c", BODY, status="draft"), {"Prefer": "respond-async"}
    location = (await api.editor.post("/v1/imports", content=draft, headers=LINES | later)).headers["location"]
    [own] = (await wait_for_end(api, location))["results"]
    [seen] = (await api.public.get(location, headers=sender)).json()["results"]
    assert (seen["id"], seen["slug"], seen["copy_of"]) == (None, None, None)
    assert own["slug"] is not None
    assert own["copy_of"] is not None
