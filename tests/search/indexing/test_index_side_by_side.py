"""Reading while the index is written, rebuilt and fought over: by threads here and by another process."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.changes import log
from app.changes.follower import FollowerTask, catch_up
from app.search.indexing.indexer import Indexer
from app.search.tantivy.local_engine import TantivyEngine

pytestmark = pytest.mark.slow

HOLD = """
import sys, time
from pathlib import Path
from app.search.indexing.indexer import Indexer
assert Indexer(Path(sys.argv[1]), 15).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    yield archive
    archive.close()


def test_readers_never_see_half_a_change(archive: SearchArchive) -> None:
    """Each write moves both articles to the other word: a reader that saw half of it would count one or three."""
    archive.put(SearchStory(1, "Odd"), SearchStory(2, "Odd"), SearchStory(3, "Still"))
    engine = archive.engine()
    seen: list[tuple[int, int]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            odd, even, both = (ask(engine, word).total for word in ("odd", "even", "odd OR even"))
            if engine.position() is not None and both != 2:
                seen.append((odd, even))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    with archive.indexer() as indexer:
        for turn in range(8):
            word = "Even" if turn % 2 == 0 else "Odd"
            archive.put(SearchStory(1, word), SearchStory(2, word))
            catch_up(archive.db, indexer)
            if turn == 4:
                with archive.db.snapshot() as snapshot:
                    indexer.rebuild(snapshot, log.head(snapshot).position)
    ended.set()
    for thread in threads:
        thread.join()
    assert seen == []
    assert sorted(ids(ask(engine, "odd"))) == [1, 2]


def test_following_thread_makes_writes_searchable(archive: SearchArchive) -> None:
    indexer = Indexer(archive.root, heap_mb=15)
    assert indexer.acquire()
    following = FollowerTask(archive.db, indexer, 0.02)
    following.start()
    archive.put(SearchStory(1, "Nato meets"))
    engine = TantivyEngine(archive.root)
    result = 0
    for _ in range(200):
        place = engine.position()
        if place is not None and place.seq == 1:
            result = ask(engine, "nato").total
            break
        threading.Event().wait(0.02)
    following.stop()
    indexer.close()
    assert following.problem is None
    assert result == 1


def test_killed_writer_leaves_the_lock_and_the_index_to_the_next(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    archive.index()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(archive.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        second = Indexer(archive.root)
        assert not second.acquire()
    finally:
        holder.kill()
        holder.communicate()
    assert second.acquire()
    second.close()
    archive.put(SearchStory(2, "Nato again"))
    assert ask(archive.engine(), "nato").total == 2


def test_another_archive_in_place_of_the_first_is_indexed_anew(archive: SearchArchive, tmp_path: Path) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    archive.index()
    (tmp_path / "other").mkdir()
    other = SearchArchive(tmp_path / "other")
    other.put(SearchStory(1, "Weather"))
    other.root = archive.root
    assert ask(other.engine(), "nato").total == 0
    assert ask(other.engine(), "weather").total == 1
    other.close()
