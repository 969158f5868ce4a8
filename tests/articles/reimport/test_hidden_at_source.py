"""What a second import makes of a public article whose source is public no more, or is not yet: nothing of its hidden
text, and all of what the source has changed once it is public again."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import orjson
import pytest
from conftest import Served
from support import exports
from test_import_boundary import EXPORT
from test_threeway import STORY, SourceDesk, notes, own_row

from app.articles.reimport.three_way_merge import DRAFT, EDITED, HELD
from app.db.database import Database
from app.importers.pipeline import ImportReport
from app.importers.records import visibility

SECRET = "An unchecked rewrite."
LATER = "2190-05-06T07:08:09Z"
SCHEDULED = "scheduled at the source, public here"
HIDDEN: dict[str, object] = {
    "title": SECRET, "body": SECRET, "standfirst": SECRET, "tags": ["Secret"], "authors": ["Secret Author"],
    "related": [{"title": SECRET}], "slug": "secret", "previous_slugs": ["secret-before"], "signature": SECRET,
    "extra_words": SECRET,
}  # fmt: skip


@pytest.fixture
def desk(db: Database, tmp_path: Path) -> SourceDesk:
    return SourceDesk(db, tmp_path)


def tell(desk: SourceDesk) -> tuple[str, str, int]:
    article = desk.article
    return article["status"], article["title"], article["version"]


def is_unchanged(report: ImportReport) -> bool:
    counts = (report.created, report.updated, report.unchanged)
    return counts == (0, 0, 1) and not any(map(visibility.is_of_state, report.notes))


@pytest.mark.parametrize(
    ("marker", "note"),
    [
        ({"draft": True}, DRAFT), ({"status": "pending"}, DRAFT), ({"password": "tide"}, DRAFT),
        ({"draft": True, "password": "tide"}, DRAFT),
        ({"status": "scheduled", "published_at": LATER}, SCHEDULED), ({"embargo": LATER}, SCHEDULED),
        ({"status": "published", "published_at": LATER}, SCHEDULED), ({"published_at": LATER}, SCHEDULED),
    ],
    ids=repr,
)  # fmt: skip
def test_line_that_is_not_public_changes_nothing_that_is_until_it_is(
    desk: SourceDesk, marker: dict[str, object], note: str
) -> None:
    desk.lines(STORY)
    before = desk.article
    for _ in range(2):
        report = desk.lines(STORY | HIDDEN | marker)
        assert is_unchanged(report)
        assert notes(report)[0] == note
        assert notes(report)[1].startswith(HELD.format("title, standfirst, body, tags"))
        assert desk.article == before
    desk.lines(STORY | HIDDEN)
    assert tell(desk) == ("published", SECRET, 2)
    assert desk.article["tags"] == ["Secret Author", "World", "Secret"]
    assert is_unchanged(desk.lines(STORY | HIDDEN))


def of_wordpress(words: str, hidden: str) -> Iterable[tuple[str, str]]:
    secret = EXPORT.replace("The lake rose.", words)
    yield "export.xml", EXPORT
    yield "export.xml", secret.replace("<wp:status>publish</wp:status>", hidden)
    yield "export.xml", secret


def of_markdown(words: str, marker: str) -> Iterable[tuple[str, str]]:
    yield "dam.md", "---\ntitle: A dam holds\n---\nThe lake rose.\n"
    yield "dam.md", f"---\ntitle: A dam holds\n{marker}\n---\n{words}\n"
    yield "dam.md", f"---\ntitle: A dam holds\n---\n{words}\n"


def of_agency(item: Callable[..., str], words: str) -> Iterable[tuple[str, str]]:
    yield "item.xml", item("A dam holds")
    yield "item.xml", item("A dam holds", "withheld", f"<p>{words}</p>")
    yield "item.xml", item("A dam holds", "usable", f"<p>{words}</p>")


def of_ghost(words: str) -> Iterable[tuple[str, bytes]]:
    for text, seen in (("The lake rose.", "public"), (words, "members"), (words, "public")):
        post = {"id": "a", "title": "A", "html": f"<p>{text}</p>", "status": "published", "visibility": seen}
        yield "blog.json", exports.ghost(post)


FILES = [
    of_wordpress(SECRET, "<wp:status>private</wp:status>"),
    of_wordpress(SECRET, "<wp:status>draft</wp:status>"),
    of_wordpress(SECRET, "<wp:status>publish</wp:status><wp:post_password>tide</wp:post_password>"),
    of_markdown(SECRET, "draft: true"),
    of_markdown(SECRET, f"publishDate: {LATER}"),
    of_agency(exports.nitf, SECRET),
    of_agency(exports.newsml, SECRET),
    of_ghost(SECRET),
]


@pytest.mark.parametrize("files", [list(one) for one in FILES], ids=lambda one: str(one[1][1])[:60])
def test_every_format_waits_until_its_source_is_public(desk: SourceDesk, files: list[tuple[str, str]]) -> None:
    public, hidden, again = files
    desk.file(*public)
    before = desk.article
    report = desk.file(*hidden)
    assert is_unchanged(report)
    state, held = notes(report)[-2:]
    assert (state in (DRAFT, SCHEDULED), held.startswith(HELD.format("body"))) == (True, True)
    assert visibility.count_drafts(report.notes) == []
    assert desk.article == before
    desk.file(*again)
    assert (desk.article["status"], SECRET in desk.article["body"]) == ("published", True)


def test_overwriting_makes_a_draft_of_it_first(desk: SourceDesk) -> None:
    desk.lines(STORY)
    desk.lines(STORY | HIDDEN | {"draft": True}, overwrite=True)
    assert tell(desk) == ("draft", SECRET, 2)


def test_overwriting_with_a_part_of_what_is_a_draft_publishes_nothing(desk: SourceDesk) -> None:
    """A line without a state and a text says nothing of its state: it is the one that its source named last."""
    desk.lines(STORY)
    desk.lines({"id": "a", "title": "A dam holds", "draft": True})
    for overwrite in (False, True):
        report = desk.lines({"id": "a", "title": SECRET}, overwrite=overwrite)
        assert notes(report) == [DRAFT, HELD.format("title")]
    assert tell(desk) == ("published", "A dam holds", 1)
    desk.lines({"id": "a", "title": SECRET, "draft": False})
    assert tell(desk) == ("published", SECRET, 2)


def test_overwriting_with_a_date_to_come_waits_for_it(desk: SourceDesk) -> None:
    desk.lines(STORY)
    desk.lines(STORY | HIDDEN | {"status": "published", "published_at": LATER}, overwrite=True)
    assert tell(desk) == ("scheduled", SECRET, 2)


def test_draft_that_an_editor_published_waits_for_its_source(desk: SourceDesk) -> None:
    draft = STORY | {"draft": True}
    desk.lines(draft)
    desk.edit(status="published")
    assert notes(desk.lines(draft)) == []
    desk.edit(signature="The editors")
    before = desk.article
    report = desk.lines(draft | {"title": SECRET, "signature": SECRET})
    assert (is_unchanged(report), desk.article) == (True, before)
    assert notes(report) == [DRAFT, HELD.format("title"), EDITED.format("signature")]
    report = desk.lines(STORY | {"title": SECRET, "signature": SECRET, "status": "published"})
    assert (desk.article["title"], desk.article["signature"]) == (SECRET, "The editors")
    assert notes(report) == [EDITED.format("signature")]


def test_retraction_of_what_an_editor_published_again_changes_nothing(desk: SourceDesk) -> None:
    desk.lines(STORY)
    desk.lines(STORY | {"status": "withdrawn"})
    desk.edit(status="published")
    before = desk.article
    report = desk.lines(STORY | {"status": "withdrawn", "body": SECRET})
    assert (is_unchanged(report), desk.article) == (True, before)
    assert notes(report) == ["withdrawn at the source, public here", HELD.format("body")]


def test_draft_that_an_editor_scheduled_waits_too(desk: SourceDesk) -> None:
    desk.lines(STORY | {"draft": True})
    desk.edit(status="scheduled", published_at=4_000_000_000)
    before = desk.article
    report = desk.lines(STORY | {"draft": True, "body": SECRET})
    assert (is_unchanged(report), desk.article) == (True, before)
    assert notes(report) == ["draft at the source, scheduled here", HELD.format("body")]


def test_what_is_scheduled_on_both_sides_follows_its_source(desk: SourceDesk) -> None:
    scheduled = STORY | {"status": "scheduled", "published_at": LATER}
    desk.lines(scheduled)
    report = desk.lines(scheduled | {"body": SECRET, "published_at": "2191-05-06T07:08:09Z"})
    assert (desk.article["status"], SECRET in desk.article["body"], notes(report)) == ("scheduled", True, [])


def test_row_of_an_own_export_that_is_a_draft_changes_nothing_that_is_public(desk: SourceDesk) -> None:
    desk.lines(STORY | {"draft": True})
    row = own_row(desk)
    desk.edit(status="published")
    before = desk.article
    for overwrite in (False, True):
        dry = desk.file("own.csv", row.replace("A dam holds", SECRET), overwrite=overwrite, dry_run=True)
        report = desk.file("own.csv", row.replace("A dam holds", SECRET), overwrite=overwrite)
        assert notes(dry) == notes(report)
        if not overwrite:
            assert (is_unchanged(report), desk.article) == (True, before)
            assert notes(report) == [DRAFT, HELD.format("title")]
    assert tell(desk) == ("draft", SECRET, before["version"] + 1)


def test_dry_run_says_the_same(desk: SourceDesk) -> None:
    desk.lines(STORY)
    dry, wet = (desk.lines(STORY | HIDDEN | {"draft": True}, dry_run=one) for one in (True, False))
    assert list(dry.notes) == list(wet.notes)


@pytest.mark.anyio
async def test_nobody_reads_or_finds_it_over_http(api: Served) -> None:
    lines = {"Content-Type": "application/x-ndjson"}
    await api.editor.post("/v1/imports?origin=wire", content=orjson.dumps(STORY), headers=lines)
    hidden = orjson.dumps(STORY | HIDDEN | {"draft": True})

    async def read() -> list[bytes]:
        paths = (
            "/v1/articles/a-dam-holds",
            "/v1/articles?count=none",
            "/v1/tags?q=secret",
            "/feeds/articles.rss",
            "/v1/export",
        )
        return [(await api.public.get(path)).content for path in paths]

    before = await read()
    response = await api.editor.post("/v1/imports?origin=wire", content=hidden, headers=lines)
    result = orjson.loads(response.content.splitlines()[0])
    assert (result["outcome"], result["notes"][0]) == ("unchanged", DRAFT)
    job: httpx.Response = await api.editor.post(
        "/v1/imports?origin=wire", content=hidden, headers=lines | {"Prefer": "respond-async"}
    )
    for _ in range(500):
        state = (await api.editor.get(job.headers["location"])).json()
        if state["state"] in ("done", "failed"):
            break
        await asyncio.sleep(0.02)
    assert (state["progress"]["unchanged"], state["notes"][0]["note"]) == (1, DRAFT)
    assert await read() == before
    assert (await api.public.get("/v1/search?q=unchecked")).json()["data"] == []
