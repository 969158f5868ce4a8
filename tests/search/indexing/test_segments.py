"""A new index that processes write beside one another is the one that a single process writes, or there is none."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tantivy
from support.search_archive import SearchArchive, SearchStory
from tantivy import Query

from app.db.child_process import ChildProcess, ChildProcessFailed
from app.search.indexing import documents, segments
from app.search.tantivy import index_schema

pytestmark = pytest.mark.slow

HEAP = 15_000_000
STORIES = 120
PARENT = """
import time
from app.db.child_process import ChildProcess
processes = [ChildProcess("app.search.indexing.segment_process") for _ in range(2)]
print(*(process.number for process in processes), flush=True)
time.sleep(60)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    words = ("storm", "Rügen", "co-operation", "U.S.", "10,000", "東京")
    archive.put(*(SearchStory(n, f"{words[n % 6]} {words[n % 4]} {n}") for n in range(1, STORIES + 1)))
    yield archive
    archive.close()


def _list_terms(archive: SearchArchive, folder: Path, count: int) -> dict[str, list[object]]:
    """What an index finds by each of a few terms: ids of articles."""
    folder.mkdir()
    with archive.db.snapshot() as snapshot:
        writer = segments.build(snapshot, folder, documents.load_ids(snapshot), HEAP, count, lambda _: None)
        writer.commit()
        writer.wait_merging_threads()
    assert not list(folder.glob("part-*"))
    index = tantivy.Index.open(str(folder))
    searcher, schema = index.searcher(), index_schema.build_schema()
    ids_by_term = {}
    for field, term in (("title", "storm"), ("words", "rugen"), ("title", "10000"), ("text", "东京"), ("flags", 1)):
        hits = searcher.search(Query.term_query(schema, field, term), STORIES, order_by_field="id").hits
        ids_by_term[f"{field}:{term}"] = [key for key, _ in hits]
    return ids_by_term


def test_processes_make_the_same_index(archive: SearchArchive, tmp_path: Path) -> None:
    alone, together = (_list_terms(archive, tmp_path / f"with-{count}", count) for count in (0, 2))
    assert alone == together
    assert len(alone["flags:1"]) == STORIES


def test_joined_index_is_written_on(archive: SearchArchive, tmp_path: Path) -> None:
    _list_terms(archive, tmp_path / "new", 2)
    index = tantivy.Index.open(str(tmp_path / "new"))
    writer = index.writer(HEAP, 1)
    writer.delete_documents_by_query(Query.term_query(index.schema, "id", 7))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    assert index.searcher().num_docs == STORIES - 1


def test_process_that_is_killed_fails_the_build() -> None:
    process = ChildProcess("app.search.indexing.segment_process")
    os.kill(process.number, signal.SIGKILL)
    with pytest.raises(ChildProcessFailed, match="ended with status -9"):
        process.receive()
    process.close()


def test_error_of_a_process_is_told(tmp_path: Path) -> None:
    process = ChildProcess("app.search.indexing.segment_process")
    process.send(segments.Start(str(tmp_path / "absent"), HEAP))
    with pytest.raises(ChildProcessFailed, match="absent"):
        process.receive()
    process.close()


def test_processes_end_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        numbers = [int(number) for number in parent.stdout.readline().split()]
        parent.kill()
    assert len(numbers) == 2
    for _ in range(100):
        if not any(map(_is_running, numbers)):
            return
        time.sleep(0.1)
    raise AssertionError("they go on without their parent")


def _is_running(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_few_articles_and_one_core_need_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert segments.count_processes(segments.MANY - 1) == 0
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert segments.count_processes(1_000_000) == 0
