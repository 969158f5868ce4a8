"""Processes that prepare an import's documents change nothing of what it makes, and of what becomes of it."""

import io
import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from app.commands import open_archive
from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.jobs.preparation_pool import PreparationPool, count_processes
from app.importers.pipeline import ImportOptions, ImportReport
from app.models import Article, ArticleTag, Change, Suggestion, Tag, table
from app.settings import Settings

pytestmark = pytest.mark.slow

STORIES = 620
"""More than a batch: tags that the first one makes are found in texts of the second."""
UNEQUAL = {"at", "mark", "created_at", "updated_at", "saved_at"}


def write_stories(file: Path) -> None:
    lines: list[bytes] = []
    for n in range(STORIES):
        story: dict[str, object] = {
            "id": str(n),
            "title": f"Storm {n} over Finland",
            "body": f"<p onclick='x()'>Ships from Stockholm waited for flood relief, number {n}.</p><script>1</script>",
            "date": "2025-03-04T05:06:07Z",
            "tags": ["flood relief"] if n < 3 else [],
        }
        if n % 100 == 50:
            story["number"] = 2**64 + n  # cannot be kept: fails where it is prepared
        lines.append(b"{broken" if n % 150 == 70 else orjson.dumps(story) if n % 100 != 50 else _dump_large(story))
    file.write_bytes(b"\n".join(lines))


def _dump_large(story: dict[str, object]) -> bytes:
    number = story.pop("number")
    return orjson.dumps(story)[:-1] + f',"number":{number}}}'.encode()


@pytest.fixture
def archives(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    two = [open_archive.open_archive(Settings(data_dir=tmp_path / name)) for name in ("alone", "together")]
    try:
        yield two[0], two[1]
    finally:
        for db in two:
            db.close_now()


def import_stories(db: Database, file: Path, pool: PreparationPool | None, *, enrich: bool) -> ImportReport:
    items = sources.find_sources([str(file)], io.BytesIO())
    return pipeline.run_import(db, items, ImportOptions(enrich=enrich), lambda: 1_760_000_000, pool=pool)


CREATED = re.compile('"created_at":[0-9]+')
"""In rows of the log: the time of the import."""


def read_rows(db: Database) -> list[list[tuple[object, ...]]]:
    with db.snapshot() as snapshot:
        return [
            sorted(
                (
                    tuple(CREATED.sub("", value) if isinstance(value, str) else value for value in row)
                    for row in snapshot.connection.execute(select(*(c for c in model.c if c.name not in UNEQUAL)))
                ),
                key=repr,
            )
            for model in (table(Article), table(ArticleTag), table(Change), table(Suggestion), table(Tag))
        ]


@pytest.mark.parametrize("enrich", [False, True])
def test_archive_and_report_are_the_same(archives: tuple[Database, Database], tmp_path: Path, enrich: bool) -> None:
    write_stories(tmp_path / "stories.ndjson")
    alone, together = archives
    expected = import_stories(alone, tmp_path / "stories.ndjson", None, enrich=enrich)
    with closing(PreparationPool(together, 2, least=0)) as pool:
        report = import_stories(together, tmp_path / "stories.ndjson", pool, enrich=enrich)
        assert len(pool.numbers) == 2
    assert report.created == expected.created > 600
    assert report.failures == expected.failures
    assert report.failures
    assert (report.notes, report.copies, report.unknown) == (expected.notes, expected.copies, expected.unknown)
    assert read_rows(together) == read_rows(alone)


def test_import_goes_on_without_a_process_that_was_killed(archives: tuple[Database, Database], tmp_path: Path) -> None:
    write_stories(tmp_path / "stories.ndjson")
    db, _ = archives
    with closing(PreparationPool(db, 2, least=0)) as pool:
        pool.start()
        os.kill(pool.numbers[0], signal.SIGKILL)
        report = import_stories(db, tmp_path / "stories.ndjson", pool, enrich=False)
        assert pool.numbers == []
    assert report.created > 600


def test_few_documents_start_no_process(archives: tuple[Database, Database], tmp_path: Path) -> None:
    write_stories(tmp_path / "stories.ndjson")
    with closing(PreparationPool(archives[0], 2)) as pool:
        import_stories(archives[0], tmp_path / "stories.ndjson", pool, enrich=False)
        assert pool.numbers == []


@pytest.mark.parametrize(("cores", "processes"), [(1, 0), (2, 0), (3, 2), (64, 4)])
def test_single_process_is_not_worth_waiting_for(monkeypatch: pytest.MonkeyPatch, cores: int, processes: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert count_processes() == processes
