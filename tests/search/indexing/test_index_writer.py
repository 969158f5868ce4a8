"""Deletions hold also where a crash has left an index that tantivy merges as soon as somebody writes to it."""

import shutil
from pathlib import Path

import pytest
import tantivy
from tantivy import Query

from app.search.indexing.indexer import new_writer

HEAP = 15_000_000
BATCHES, SIZE, PLACE = 8, 400, 1_000_000
"""So many commits as tantivy merges at once, each large enough for its merge to take a while."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", stored=True, indexed=True, fast=True)
    builder.add_text_field("text")
    return builder.build()


def _document(id: int) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("id", id)
    document.add_text("text", " ".join(f"w{(id * 7 + i * 13) % 5_000}" for i in range(120)))
    return document


def _write(folder: Path, ids: list[int]) -> tantivy.IndexWriter:
    """Commits these documents instead of those that bear their ids, and the place anew, with a writer of its own."""
    writer = new_writer(tantivy.Index.open(str(folder)), HEAP)
    for id in (*ids[:1], PLACE):
        writer.delete_documents_by_query(Query.term_query(_schema(), "id", id))
    for id in (*ids, PLACE):
        writer.add_document(_document(id))
    writer.commit()
    return writer


def _killed_before_merging(folder: Path, copied: Path) -> None:
    """An index as a process leaves it that is killed right after the commit that has its segments merged."""
    folder.mkdir()
    tantivy.Index(_schema(), str(folder))
    for batch in range(BATCHES):
        writer = _write(folder, list(range(batch * SIZE, (batch + 1) * SIZE)))
        if batch < BATCHES - 1:
            writer.wait_merging_threads()
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns(".*"))
    shutil.copy(folder / ".managed.json", copied)
    writer.wait_merging_threads()


def test_changed_article_is_there_once_after_a_crash_before_a_merge(tmp_path: Path) -> None:
    for attempt in range(5):
        killed = tmp_path / f"killed-{attempt}"
        try:
            _killed_before_merging(tmp_path / f"index-{attempt}", killed)
        except shutil.Error:  # the merge was quicker than the copy
            continue
        if tantivy.Index.open(str(killed)).searcher().num_segments == BATCHES:
            break
    else:
        pytest.skip("every merge was quicker than the copy of its index")
    changed = (BATCHES - 2) * SIZE + 5
    _write(killed, [changed]).wait_merging_threads()
    result = tantivy.Index.open(str(killed)).searcher()
    assert result.num_segments < BATCHES
    assert len(result.search(Query.term_query(_schema(), "id", changed), 10).hits) == 1
