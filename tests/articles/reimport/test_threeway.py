"""What a second run of an import does: what the source said last, what it says now, what was done here in between."""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import ENGINES
from sqlalchemy import delete, select
from sqlmodel import Session
from support import exports
from support.wordpress_blog import BlogServer, post
from test_import_boundary import EXPORT

from app.articles import editing, service, states
from app.articles.editing import ArticleEdit
from app.articles.manuscript import Manuscript
from app.articles.reimport import three_way_merge
from app.articles.store import authorship, stored_article
from app.articles.store.row_columns import SaveContext
from app.changes import log
from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.web.fetch import Fetch
from app.models import Article, ImportSource, SourceBaseline, table
from app.settings import Settings
from app.tags.service import TagSpec

ON = ENGINES
A, BASELINE, KNOWN = table(Article), table(SourceBaseline), table(ImportSource)
NOW = int(time.time())
HERE = "As an editor wrote it"


@dataclass(slots=True)
class SourceDesk:
    """One article of one source, and what is done with it."""

    db: Database
    folder: Path
    now: int = NOW
    reports: list[ImportReport] = field(default_factory=list)

    def run(self, source: str, fetch: Fetch | None = None, **options: Any) -> ImportReport:
        self.now += 60
        items = sources.find_sources([source], io.BytesIO())
        self.reports.append(
            pipeline.run_import(self.db, items, ImportOptions(enrich=False, **options), lambda: self.now, fetch=fetch)
        )
        assert self.reports[-1].failures == []
        return self.reports[-1]

    def file(self, name: str, content: str | bytes, **options: Any) -> ImportReport:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.run(str(path), **options)

    def lines(self, *records: Mapping[str, object], **options: Any) -> ImportReport:
        return self.file("all.ndjson", b"\n".join(map(orjson.dumps, records)), origin="wire", **options)

    def edit(self, **changes: Any) -> None:
        """As an editor does, of the only article that there is."""

        def edit(session: Session) -> None:
            current = editing.lock_article(session, self.id)
            assert current is not None
            editing.edit(session, current, ArticleEdit(changes), SaveContext(self.now, "ann", ""))

        self.now += 60
        self.db.write_now(edit)

    def purge(self) -> None:
        self.db.write_now(lambda session: states.remove(session, self.id, now=self.now, by="ann"))

    @property
    def id(self) -> int:
        with self.db.snapshot() as snapshot:
            return int(snapshot.connection.execute(select(A.c.id)).scalar_one())

    @property
    def article(self) -> Any:
        """Its row and, beside it, the names of its tags; None where there is none."""
        with self.db.snapshot() as snapshot:
            row = snapshot.connection.execute(select(A)).mappings().first()
            if row is None:
                return None
            kept = stored_article.load(snapshot.connection, [row["id"]])[row["id"]]
            [manuscript] = stored_article.make_manuscripts(snapshot.connection, [kept])
            return {**row, "tags": [one.name for one in manuscript.tags]}

    def forget_baselines(self) -> None:
        """As archives are that were made before there were any."""
        self.db.write_now(lambda session: session.connection().execute(delete(BASELINE)))


@pytest.fixture
def desk(db: Database, tmp_path: Path) -> SourceDesk:
    return SourceDesk(db, tmp_path)


@pytest.fixture
def quiet(sqlite_settings: Settings, tmp_path: Path) -> Iterator[SourceDesk]:
    database = Database(sqlite_settings, log.append)
    try:
        yield SourceDesk(database, tmp_path)
    finally:
        database.close_now()


def notes(report: ImportReport) -> list[str]:
    """But for what is said of every run."""
    return [note for note in report.notes if "here" in note or "source" in note]


def list_notes(report: ImportReport) -> list[str]:
    """But for what is said where a source names the state of an article that was taken back to draft."""
    return [note for note in notes(report) if note != three_way_merge.TAKEN_BACK]


Import = Callable[[SourceDesk, str, bool], ImportReport]


def of_export(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    return desk.file("export.xml", EXPORT.replace("A dam holds", title), overwrite=overwrite)


def of_site(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    # Each run reads the whole blog: how a site is asked for changes is another matter.
    desk.db.write_now(lambda session: session.connection().execute(delete(KNOWN)))
    blog = BlogServer([post(1, title={"rendered": title})])
    return desk.run(blog.url, blog, overwrite=overwrite)


def of_lines(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    record = {"id": "a", "title": title, "body": "The lake rose.", "tags": ["Water"]}
    return desk.lines(record, overwrite=overwrite)


def of_markdown(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    return desk.file(
        "dam.md",
        f"---\ntitle: {title}\ntags: [Water]\n---\nThe waters rose during the whole night.\n",
        overwrite=overwrite,
    )


def of_feed(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    feed = (
        "<rss version='2.0'><channel><title>T</title><link>https://e.example</link><item><guid>a</guid>"
        f"<title>{title}</title><link>https://e.example/a</link><description>The lake rose.</description>"
        "</item></channel></rss>"
    )
    return desk.file("feed.xml", feed, overwrite=overwrite)


def of_table(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    return desk.file("all.csv", f"id,title,body,tags\na,{title},The lake rose.,Water\n", overwrite=overwrite)


def of_ghost(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    post = {"id": "a", "title": title, "html": "<p>The lake rose.</p>", "status": "published", "visibility": "public"}
    return desk.file("blog.json", exports.ghost(post), overwrite=overwrite)


def of_medium(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    return desk.file("lake.html", exports.medium(title, "<p>The lake rose all night.</p>"), overwrite=overwrite)


def of_substack(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    head, row = exports.SUBSTACK_LIST.splitlines()[:2]
    files = {"posts.csv": f"{head}\n{row.replace('Slack water', title)}\n", "posts/101.lake.html": "<p>It rose.</p>"}
    return desk.file("substack.zip", exports.pack_files(files), overwrite=overwrite)


def of_nitf(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    return desk.file("item.xml", exports.nitf(title), overwrite=overwrite)


def of_newsml(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
    return desk.file("item.xml", exports.newsml(title), overwrite=overwrite)


EXPORTS: Sequence[Import] = (of_table, of_ghost, of_medium, of_substack, of_nitf, of_newsml)
FORMATS: Sequence[Import] = (of_export, of_site, of_lines, of_markdown, of_feed)


STATES = [
    *product(FORMATS, (True, False), ("published", "withdrawn", "purged")),
    *product(EXPORTS, (True,), ("published", "withdrawn", "purged")),
    *product((of_export, of_lines, of_table, of_ghost), (True,), ("trashed", "redrafted")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("import_", "baseline", "state"), STATES)
@pytest.mark.parametrize("overwrite", [False, True])
def test_table_of_source_edits_and_states(
    quiet: SourceDesk, import_: Import, overwrite: bool, state: str, baseline: bool
) -> None:
    """Every combination of what happened there and here, one after the other with the same article."""
    for number, (there, local) in enumerate(product((False, True), repeat=2)):
        first, now = f"As first said {number}", f"As said later {number}"
        if state in ("purged", "trashed") and number:
            return
        import_(quiet, first, True)
        if local:
            quiet.edit(title=HERE)
        if state == "withdrawn" and quiet.article["status"] == "published":
            quiet.edit(status="withdrawn")
        if state == "purged":
            quiet.purge()
        if state in ("trashed", "redrafted") and quiet.article["status"] == "published":
            quiet.edit(status="draft")
        if state == "trashed":
            quiet.edit(status="trashed")
        if not baseline:
            quiet.forget_baselines()
        report = import_(quiet, now if there else first, overwrite)
        if state == "purged":
            assert (quiet.article, notes(report), report.unchanged) == (None, [three_way_merge.PURGED], 1)
        elif state == "withdrawn":
            assert (quiet.article["status"], notes(report)) == ("withdrawn", [three_way_merge.WITHDRAWN])
            return
        elif state == "trashed":
            later = import_(quiet, now, overwrite)
            assert [notes(one) for one in (report, later)] == [[three_way_merge.TRASHED]] * 2
            assert (quiet.article["status"], quiet.article["title"], later.unchanged) == ("trashed", first, 1)
            return
        elif overwrite or not local:
            assert (quiet.article["title"], list_notes(report)) == (now if there else first, [])
        else:
            assert quiet.article["title"] == HERE
            assert list_notes(report) == ([three_way_merge.EDITED.format("title")] if there else [])
        if state != "purged":
            assert quiet.article["status"] == ("draft" if state == "redrafted" else "published")
        again = import_(quiet, now if there else first, False)
        assert (again.unchanged, again.created, again.updated) == (1, 0, 0)
        if overwrite:
            import_(quiet, first, True)


STORY: dict[str, object] = {
    "id": "a", "title": "A dam holds", "body": "The lake rose all night.", "standfirst": "In short.",
    "tags": ["Water"], "sections": ["World"], "authors": ["Ann Lee"], "regions": ["Belgium"], "signature": "Wire",
    "images": [{"url": "https://e.example/a.jpg"}], "related": [{"title": "The quay at dawn is full"}],
    "dateline": {"text": "Ghent, May 2025", "place": "Ghent", "date": "2025-05"}, "source": "The Wire",
    "slug": "a-dam-holds", "published_at": "2025-05-14T09:00:00Z", "language": "en",
}  # fmt: skip
CHANGED: dict[str, object] = {
    "title": "A dam breaks", "body": "The lake fell at dawn.", "standfirst": "At length.", "tags": ["Mud"],
    "sections": ["Home"], "authors": ["Bo Ek"], "regions": ["France"], "signature": "SourceDesk",
    "images": [{"url": "https://e.example/b.jpg"}], "related": [{"title": "The quay at noon is empty"}],
    "dateline": {"text": "Bruges, June 2025", "place": "Bruges", "date": "2025-06"}, "source": "The Herald",
    "slug": "a-dam-breaks", "published_at": "2025-05-15T09:00:00Z", "language": "fr",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGED)
def test_one_field_that_the_source_changes_changes_no_other(quiet: SourceDesk, name: str) -> None:
    quiet.lines(STORY)
    quiet.edit(title=HERE) if name != "title" else quiet.edit(standfirst=HERE)
    before = quiet.article
    report = quiet.lines(STORY | {name: CHANGED[name]})
    assert (report.updated, notes(report)) == (1, [])
    moving = {"version", "updated_at", "saved_at", "saved_by", "content_hash", "word_count", "sort_title", "title_key"}
    differing = {key for key, value in quiet.article.items() if before[key] != value} - moving
    columns = {"sections": "tags", "authors": "tags", "regions": "", "related": "", "source": "source_id"}
    # A date is first published, and a dateline several columns.
    assert {key.removeprefix("first_").split("_")[0] for key in differing} <= {columns.get(name, name).split("_")[0]}
    if name not in ("regions", "related"):
        assert differing
    assert quiet.lines(STORY | {name: CHANGED[name]}).unchanged == 1


@pytest.mark.parametrize("name", ["title", "body", "standfirst", "tags", "slug", "signature", "language"])
def test_one_field_that_was_edited_here_keeps_the_others_following(quiet: SourceDesk, name: str) -> None:
    quiet.lines(STORY)
    mine: dict[str, Any] = {
        "body": "<p>Mine.</p>",
        "tags": [TagSpec("Mine", "topic")],
        "language": "de",
        "slug": "mine",
    }
    quiet.edit(**{name: mine.get(name, HERE)})
    before = quiet.article
    report = quiet.lines(STORY | CHANGED)
    refused = {"tags": "tags, sections"}.get(name, name)
    assert notes(report) == [three_way_merge.EDITED.format(refused)]
    if name == "tags":  # of the same row, authors are the source's still
        assert quiet.article[name] == ["Bo Ek", "Mine"]
    else:
        assert quiet.article[name] == before[name]
    others = [one for one in ("title", "standfirst", "signature") if one != name]
    assert [quiet.article[one] for one in others] == [CHANGED[one] for one in others]


def test_line_with_title_and_tags_changes_only_these(desk: SourceDesk) -> None:
    desk.lines(STORY)
    before = desk.article
    desk.lines({"id": "a", "title": "Another title", "tags": ["Mud"]})
    after = desk.article
    assert (after["title"], after["tags"]) == ("Another title", ["Ann Lee", "World", "Mud"])
    for name in ("body", "standfirst", "signature", "images", "slug", "published_at", "language", "dateline_text"):
        assert after[name] == before[name]
    desk.lines({"id": "a", "title": "Another title", "tags": []})
    assert desk.article["tags"] == ["Ann Lee", "World"]


def test_correction_and_tags_of_editors_outlive_a_fix_of_the_excerpt(desk: SourceDesk) -> None:
    desk.lines(STORY)
    corrected = "<p>The lake fell all night.</p>"

    def correct(session: Session) -> None:
        current = editing.lock_article(session, desk.id)
        assert current is not None
        changes = {"body": corrected, "tags": [TagSpec("Rivers", "topic")]}
        editing.edit(session, current, ArticleEdit(changes, "It fell."), SaveContext(desk.now, "ann", ""))

    desk.db.write_now(correct)
    report = desk.lines(STORY | {"standfirst": "In a word."})
    after = desk.article
    assert (after["standfirst"], after["body"], after["tags"]) == ("In a word.", corrected, ["Ann Lee", "Rivers"])
    assert (len(json.loads(after["corrections"])), notes(report)) == (1, [])


def test_title_that_both_sides_mend_alike_is_no_conflict(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    quiet.edit(title="A dam breaks")
    report = quiet.lines(STORY | {"title": "A dam breaks"})
    assert (notes(report), report.unchanged) == ([], 1)
    report = quiet.lines(STORY | {"title": "A dam is gone"})
    assert notes(report) == [three_way_merge.EDITED.format("title")]


def test_suggested_regions_are_no_edit(quiet: SourceDesk) -> None:
    story = {"id": "a", "title": "Ministers of France and Germany meet in Paris", "body": "They met in Paris. " * 9}
    record = [orjson.dumps(story | {"standfirst": said}) for said in ("One", "Two")]
    for content in record:
        (quiet.folder / "all.ndjson").write_bytes(content)
        items = sources.find_sources([str(quiet.folder / "all.ndjson")], io.BytesIO())
        report = pipeline.run_import(quiet.db, items, ImportOptions(origin="wire"), lambda: quiet.now)
    assert (report.updated, notes(report)) == (1, [])
    with quiet.db.snapshot() as snapshot:
        [kept] = stored_article.load(snapshot.connection, [quiet.id]).values()
        assert kept.regions
        assert authorship.find_edited_fields(snapshot.connection, [kept])[quiet.id] == frozenset()


def test_edited_article_without_a_baseline_gets_the_note_and_its_baseline(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    quiet.edit(title=HERE)
    quiet.forget_baselines()
    report = quiet.lines(STORY | {"standfirst": "At length."})
    assert notes(report) == [three_way_merge.EDITED.format("title")]
    assert (quiet.article["title"], quiet.article["standfirst"]) == (HERE, "At length.")
    assert notes(quiet.lines(STORY | {"standfirst": "In a word."})) == []


def test_retraction_withdraws_unless_an_editor_set_the_state(quiet: SourceDesk) -> None:
    bin = "<wp:status>trash</wp:status>"
    of_export(quiet, "A dam holds", False)
    report = quiet.file("export.xml", EXPORT.replace("<wp:status>publish</wp:status>", bin))
    assert (quiet.article["status"], report.updated, quiet.article["title"]) == ("withdrawn", 1, "A dam holds")
    quiet.edit(status="published")
    quiet.forget_baselines()
    again = EXPORT.replace("<wp:status>publish</wp:status>", bin).replace("A dam holds", "A dam held")
    report = quiet.file("export.xml", again)
    assert (quiet.article["status"], notes(report)) == ("published", [three_way_merge.EDITED.format("status")])


def test_retraction_of_what_is_not_here_makes_nothing(quiet: SourceDesk) -> None:
    report = quiet.file("export.xml", EXPORT.replace(">publish<", ">trash<"))
    assert (quiet.article, report.unchanged, notes(report)) == (None, 1, [three_way_merge.UNKNOWN])


ITEM = {
    "uri": "urn:newsml:e.example,2025:a", "type": "text", "versioncreated": "2025-01-02T10:00:00Z",
    "headline": "A tunnel is dug", "body_html": "<p>Below the river.</p>", "pubstatus": "usable",
}  # fmt: skip


@pytest.mark.parametrize("kill", [ITEM, {name: ITEM[name] for name in ("uri", "type", "versioncreated")}])
def test_wire_kill_withdraws(quiet: SourceDesk, kill: dict[str, str]) -> None:
    quiet.file("item.json", orjson.dumps(ITEM))
    quiet.file("item.json", orjson.dumps(kill | {"pubstatus": "canceled"}))
    assert (quiet.article["status"], quiet.article["title"]) == ("withdrawn", "A tunnel is dug")
    report = quiet.file("item.json", orjson.dumps(ITEM))
    assert (quiet.article["status"], notes(report)) == ("withdrawn", [three_way_merge.WITHDRAWN])


@pytest.mark.parametrize("item", [exports.nitf, exports.newsml])
def test_kill_of_an_agency_withdraws_and_brings_nothing_back(quiet: SourceDesk, item: Callable[..., str]) -> None:
    quiet.file("item.xml", item("A tunnel is dug"))
    quiet.file("item.xml", item("A tunnel is dug", "canceled"))
    assert quiet.article["status"] == "withdrawn"
    report = quiet.file("item.xml", item("A tunnel is dug again"), overwrite=True)
    assert (quiet.article["status"], notes(report)) == ("withdrawn", [three_way_merge.WITHDRAWN])


@pytest.mark.parametrize("item", [exports.nitf, exports.newsml])
def test_what_an_agency_withholds_later_stays_public_unless_asked(quiet: SourceDesk, item: Callable[..., str]) -> None:
    quiet.file("item.xml", item("A tunnel is dug"))
    report = quiet.file("item.xml", item("A tunnel is dug", "withheld"))
    assert quiet.article["status"] == "published"
    assert three_way_merge.DRAFT in notes(report)


def test_row_of_an_own_export_does_not_bring_back_what_was_purged(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    row = quiet.article
    created = datetime.fromtimestamp(row["created_at"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = f"id,slug,version,created_at,title,origin,external_id\n{row['id']},{row['slug']},1,{created}"
    quiet.purge()
    for own in ("A dam holds,wire,a", "A dam holds,,"):
        report = quiet.file("own.csv", f"{named},{own}\n")
        assert (quiet.article, report.created) == (None, 0), own


def own_row(desk: SourceDesk) -> str:
    """A table with the article as it is now, as an export of this archive has it."""
    row = desk.article
    created = datetime.fromtimestamp(row["created_at"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = (row["id"], row["slug"], row["version"], row["status"], created, row["title"])
    return f"id,slug,version,status,created_at,title\n{','.join(map(str, values))}\n"


def test_row_of_an_own_export_is_signed_as_an_import(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    assert quiet.file("own.csv", own_row(quiet).replace("A dam holds", "A dam breaks")).updated == 1
    assert (quiet.article["title"], quiet.article["saved_by"]) == ("A dam breaks", "import")


def test_draft_at_the_source_hides_nothing_unless_asked(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    for _ in range(2):
        report = quiet.lines(STORY | {"status": "draft"})
        assert (quiet.article["status"], notes(report)) == ("published", [three_way_merge.DRAFT])
    quiet.lines(STORY | {"status": "draft"}, overwrite=True)
    assert quiet.article["status"] == "draft"


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_an_editor_took_back_to_draft_is_never_published_by_a_source(quiet: SourceDesk, overwrite: bool) -> None:
    quiet.lines(STORY | {"status": "published"})
    quiet.edit(status="draft", gone=True)
    assert notes(quiet.lines(STORY | {"status": "published", "title": "Two"}, overwrite=overwrite)) == (
        [three_way_merge.TAKEN_BACK] if overwrite else []
    )
    later = STORY | {"status": "scheduled", "published_at": "2199-01-01T00:00:00Z"}
    assert notes(quiet.lines(later, overwrite=overwrite)) == [three_way_merge.TAKEN_BACK]
    quiet.forget_baselines()
    assert notes(quiet.lines(STORY | {"status": "published", "title": "Three"}, overwrite=overwrite)) == [
        three_way_merge.TAKEN_BACK
    ]
    article = quiet.article
    assert (article["status"], article["title"], article["withdrawn_at"] is None) == ("draft", "Three", False)


def test_row_of_an_own_export_publishes_nothing_that_was_taken_back(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    row = own_row(quiet)
    quiet.edit(status="draft")
    for content in (row, row.replace("A dam holds", "Two"), own_row(quiet).replace(",draft,", ",published,")):
        quiet.file("own.csv", content, overwrite=True)
        assert quiet.article["status"] == "draft"
    assert notes(quiet.reports[-1]) == [three_way_merge.TAKEN_BACK]
    quiet.edit(status="trashed")
    assert notes(quiet.file("own.csv", row)) == [three_way_merge.TRASHED]
    assert quiet.article["status"] == "trashed"


def test_row_of_an_own_export_makes_no_draft_of_what_is_public(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    for state in ("draft", "trashed"):
        row = own_row(quiet).replace(",published,", f",{state},")
        assert notes(quiet.file("own.csv", row)) == [three_way_merge.DRAFT]
        assert notes(quiet.lines(STORY | {"status": state})) == [three_way_merge.DRAFT]
        assert quiet.article["status"] == "published"


def test_draft_whose_marker_is_gone_stays_one_and_is_noted(quiet: SourceDesk) -> None:
    post = "---\ntitle: A dam holds\n{}---\nThe lake rose.\n"
    quiet.file("dam.md", post.format("draft: true\n"))
    report = quiet.file("dam.md", post.format(""))
    assert (quiet.article["status"], notes(report)) == ("draft", [three_way_merge.RELEASED])
    assert notes(quiet.file("dam.md", post.format(""))) == []
    quiet.edit(status="published")
    assert notes(quiet.file("dam.md", post.format("draft: true\n"))) == [three_way_merge.EDITED.format("status")]


def test_article_made_by_hand_is_its_editors(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    quiet.db.write_now(lambda session: session.connection().execute(A.update().values(saved_by="ann")))
    quiet.forget_baselines()
    report = quiet.lines(STORY | {"title": "Another"})
    assert (quiet.article["title"], notes(report)) == (STORY["title"], [three_way_merge.EDITED.format("title")])


def test_purged_article_can_be_made_by_hand_again(quiet: SourceDesk) -> None:
    quiet.lines(STORY)
    quiet.purge()
    assert notes(quiet.lines(STORY)) == [three_way_merge.PURGED]
    made = Manuscript("wire", "id:a", "a", "By hand", "<p>Text.</p>", 1, "en", status="published")
    quiet.db.write_now(service.create, made, now=NOW, site_url="", by="ann")
    assert notes(quiet.lines(STORY)) == [
        three_way_merge.EDITED.format(
            "title, standfirst, body, dateline, tags, sections, authors, regions, related, images, source, signature, "
            "published_at, slug"
        )
    ]


def test_dry_run_says_what_the_run_does(desk: SourceDesk) -> None:
    desk.lines(STORY)
    desk.edit(title=HERE)
    for record, overwrite in ((STORY | CHANGED, False), (STORY | CHANGED, True), (STORY, False)):
        before = desk.article
        dry = desk.lines(record, dry_run=True, overwrite=overwrite)
        assert desk.article == before
        wet = desk.lines(record, overwrite=overwrite)
        assert (notes(dry), dry.updated, dry.unchanged) == (notes(wet), wet.updated, wet.unchanged)
