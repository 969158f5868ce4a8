"""What the core does at its edges: odd imports, homophones, slugs that come back, links without a date, restores."""

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import serve
from sqlalchemy import select, update
from sqlmodel import Session
from support.stories import NOW, story

from app.articles import service
from app.articles.filters import ArticleFilter, make_bits
from app.articles.manuscript import Manuscript, RelatedEntry
from app.articles.reading import queries
from app.changes import log
from app.changes.follower import catch_up
from app.commands import check, open_archive
from app.commands.copies import backups
from app.db.database import Database, Reader, Row
from app.db.sql import Prepared, Value
from app.errors import IndexBehind
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions, ImportReport
from app.models import Article, ArticleTag, RelatedPost, Tag, table
from app.search.index import EngineIndex
from app.search.indexing.indexer import Indexer
from app.search.indexing.lag import withdrawn_statement
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage import index_forms
from app.settings import Settings
from app.tags.service import TagSpec

A, TAGGED, TAG, RELATED = table(Article), table(ArticleTag), table(Tag), table(RelatedPost)


def save(session: Session, *manuscripts: Manuscript) -> list[int]:
    return [one.id for one in service.upsert(session, manuscripts, now=NOW, site_url="https://news.example")]


def bring_in(db: Database, folder: Path, *lines: dict[str, object]) -> ImportReport:
    file = folder / "lines.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return pipeline.run_import(db, sources.find_sources([str(file)], io.BytesIO()), ImportOptions(), lambda: NOW)


def nest(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("odd", [{"number": 2**70}, {"lists": nest(300)}])
def test_line_that_cannot_be_kept_fails_alone(db: Database, tmp_path: Path, odd: dict[str, object]) -> None:
    report = bring_in(
        db, tmp_path, {"id": "a", "title": "One"}, {"id": "b", "title": "Two", **odd}, {"id": "c", "title": "Three"}
    )
    assert (report.created, len(report.failures)) == (2, 1)
    assert report.failures[0][0].endswith(":2")


def test_line_with_an_address_that_is_none_is_kept(db: Database, tmp_path: Path) -> None:
    report = bring_in(db, tmp_path, {"title": "One", "url": "https://[::bad/x"})
    assert (report.created, report.failures) == (1, [])


def test_slug_that_comes_back_as_its_source_spells_it_is_the_old_one(db: Database) -> None:
    first = replace(story(db, 1), slug="Über Uns", content_hash="1")
    [id] = db.write_now(save, first).value
    for slug, hash in (("elsewhere", "2"), ("Über Uns", "3")):
        db.write_now(save, replace(first, slug=slug, content_hash=hash))
    with db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(A.c.slug).where(A.c.id == id)).scalar_one() == "uber-uns"


def test_words_that_are_spelt_alike_in_latin_are_tags_of_their_own(db: Database) -> None:
    for number, name in enumerate(("北京", "背景", "北京")):
        db.write_now(save, replace(story(db, number), tags=(TagSpec(name, "topic"),)))
    db.write_now(save, replace(story(db, 9), tags=(TagSpec("事实", "topic"), TagSpec("实施", "topic"))))
    with db.snapshot() as snapshot:
        names = snapshot.connection.execute(select(TAG.c.name).order_by(TAG.c.id)).scalars().all()
    assert sorted(names) == sorted(["北京", "背景", "事实", "实施"])


def test_slug_of_a_tag_is_made_one(db: Database) -> None:
    tags = (TagSpec("Odd", "topic", "Foo Bar/../?x"), TagSpec("Digits", "topic", "2024"))
    db.write_now(save, replace(story(db, 1), tags=tags))
    with db.snapshot() as snapshot:
        slugs = snapshot.connection.execute(select(TAG.c.slug).order_by(TAG.c.id)).scalars().all()
    assert slugs == ["foo-bar-x", "tag-2024"]


def test_address_of_another_host_without_a_scheme_says_nothing_about_slugs(db: Database) -> None:
    db.write_now(save, replace(story(db, 1), slug="on-the-river"))
    [id] = db.write_now(
        save, replace(story(db, 2), related=(RelatedEntry(url="//elsewhere.example/on-the-river"),))
    ).value
    with db.snapshot() as snapshot:
        assert snapshot.connection.execute(select(RELATED.c.target_id).where(RELATED.c.article_id == id)).one() == (
            None,
        )


def test_check_finds_links_of_published_articles_without_a_date(db: Database, settings: Settings) -> None:
    db.write_now(save, story(db, 1, tags=["one"]))
    assert "as it should be" in _links(db, settings)
    db.write_now(lambda session: session.connection().execute(update(TAGGED).values(published_at=None)) and None)
    assert "1 rows of article_tag" in _links(db, settings)


def _links(db: Database, settings: Settings) -> str:
    return next(finding.detail for finding in check.run_checks(db, settings) if finding.name == "links")


@pytest.mark.anyio
async def test_index_of_another_log_finds_nothing(sqlite_settings: Settings, tmp_path: Path) -> None:
    """A draft that was published after the backup must not show through the old index once the backup is restored."""
    db = open_archive.open_archive(sqlite_settings)
    draft = story(db, 1, title="A secret of the newsroom", status="draft")
    db.write_now(save, draft)
    backups.backup(db, tmp_path / "copy.db")
    db.write_now(save, replace(draft, status="published", content_hash="published"))
    indexer = Indexer(sqlite_settings.index_path, 15)
    assert indexer.acquire()
    catch_up(db, indexer)
    db.close_now()
    shutil.copy(tmp_path / "copy.db", db.path)
    # Another process holds the index's lock, so this server cannot build it anew yet.
    async with serve(sqlite_settings) as served:
        shown = await served.public.get("/v1/search", params={"q": "secret newsroom"})
        assert "secret" not in shown.text
        assert shown.json()["code"] == "index_behind"
        head = await served.app.state.archive.head()
        index = served.app.state.archive.index
        assert await index.total(ArticleFilter(), head) is None
        assert await index.count_tags(head) == {}
        with pytest.raises(IndexBehind):
            await index.find_excluded(head)
    indexer.close()


def test_withdrawn_articles_are_looked_up_one_by_one(sqlite_settings: Settings) -> None:
    """While the index is behind every search asks this; reading all that are published would grow with the archive."""
    db = Database(sqlite_settings, log.append)
    with db.snapshot() as snapshot:
        plan = snapshot.connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN " + withdrawn_statement("sqlite").sql,
            {"seq": 0, **withdrawn_statement("sqlite").constants},
        )
        steps = [str(row[3]) for row in plan]
    db.close_now()
    assert any("CORRELATED" in step for step in steps)
    assert not any(step.startswith("SCAN article") for step in steps)


@pytest.mark.anyio
async def test_counts_of_an_index_that_moved_on_are_let_go(sqlite_settings: Settings) -> None:
    db = open_archive.open_archive(sqlite_settings)
    indexer = Indexer(sqlite_settings.index_path, 15)
    assert indexer.acquire()
    index = EngineIndex(db, TantivyEngine(sqlite_settings.index_path))
    for number in range(4):
        head = db.write_now(save, story(db, number, tags=[f"tag {number}"])).head
        catch_up(db, indexer)
        assert len(await index.count_tags(head)) == number + 1
        assert await index.total(ArticleFilter(), head) == number + 1
    assert len(index._stored) == 2
    indexer.close()
    await db.close()


def test_rebuild_that_was_cut_short_leaves_one_folder_at_most(sqlite_settings: Settings) -> None:
    db = open_archive.open_archive(sqlite_settings)
    root = sqlite_settings.index_path
    indexer = Indexer(root, 1)  # too little memory for a writer: every rebuild fails
    assert indexer.acquire()
    for _ in range(3):
        with pytest.raises(Exception, match=r"memory|heap|arena"):
            catch_up(db, indexer)
    assert len(list(index_forms.locate_form(root).glob("index-*"))) <= 1
    indexer.close()
    db.close_now()


class Noting:
    """A reader that notes which statements are said to be bounded."""

    def __init__(self, inner: Reader) -> None:
        self.inner, self.bounded = inner, list[bool]()

    async def rows(self, statement: Prepared, values: Mapping[str, Value], *, bounded: bool = True) -> list[Row]:
        self.bounded.append(bounded)
        return await self.inner.rows(statement, values, bounded=bounded)

    async def close(self) -> None:
        await self.inner.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("article_filter", "sort", "bounded"),
    [
        (ArticleFilter(), "-published_at", True),
        (ArticleFilter(), "title", True),
        (ArticleFilter(published=(0, NOW)), "published_at", True),
        (ArticleFilter(published=(0, NOW)), "title", False),
        (ArticleFilter(statuses=("draft",), ids=(1, 2)), "title", True),
        (ArticleFilter(external_ids=("a",)), "-updated_at", True),
        (ArticleFilter(statuses=("draft",)), "-updated_at", False),
        (ArticleFilter(languages=("xx",)), "-published_at", False),
        (ArticleFilter(sources=(7,)), "-published_at", False),
        (ArticleFilter(regions=(1,)), "-published_at", False),
        (ArticleFilter(has=make_bits(["correction"])), "-published_at", False),
    ],
)
async def test_list_that_may_read_the_whole_archive_leaves_the_event_loop(
    sqlite_settings: Settings, article_filter: ArticleFilter, sort: str, bounded: bool
) -> None:
    db = Database(sqlite_settings, log.append)
    noting = db.__dict__["reader"] = Noting(db.reader)
    await queries.load_page(db, article_filter, sort, 20)
    assert noting.bounded == [bounded]
    await db.close()
