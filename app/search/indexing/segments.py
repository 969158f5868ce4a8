"""Fills the folder of a new index: by itself where there are few articles or one core, else by processes that write
segments of their own beside one another, which then become one index. Reads SQL here only: the processes are sent rows.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import orjson
import tantivy
from tantivy import IndexWriter

from app.db.child_process import ChildProcess
from app.db.database import Snapshot
from app.search.engine import Holding
from app.search.indexing import documents
from app.search.indexing.documents import Content
from app.search.query import analysis
from app.search.tantivy import index_schema
from app.search.tantivy.storage import integrity

MANY = 20_000
"""Articles from which on processes are worth their start, which takes most of a second of a processor each."""
MOST_PROCESSES = 8
AT_ONCE = 2
"""Portions that a process has: one at work and one that waits, so that it never does."""
LEAST_HEAP = 32_000_000
_MODULE = "app.search.indexing.segment_process"
_MANAGED = ".managed.json"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a process writes, and with how many bytes of memory for what is not written yet."""

    folder: str
    heap: int
    content: Content = "all"


@dataclass(frozen=True, slots=True)
class Portion:
    """Articles to add, and the bytes of large bodies among them."""

    rows: documents.ArticleRows
    large: int


@dataclass(frozen=True, slots=True)
class Finish:
    """All that was added is to be written."""


class SegmentWriter:
    """Adds portions of articles to an index in a folder of its own."""

    def __init__(self, folder: Path, heap: int, content: Content = "all") -> None:
        self._content = content
        index = tantivy.Index(index_schema.build_schema(), str(folder))
        analysis.register_tokenizer(index)
        self.writer = index.writer(heap, 1)
        self._waiting = 0

    def add(self, portion: Portion) -> None:
        for document in documents.build_documents(portion.rows, self._content):
            self.writer.add_document(document)
        self._waiting += portion.large
        if self._waiting > documents.PORTION:  # a commit waits until they are written
            self.writer.commit()
            self._waiting = 0

    def finish(self) -> None:
        self.writer.commit()
        self.writer.wait_merging_threads()


def count_processes(articles: int) -> int:
    """How many processes are worth it: 0, or one for each core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if articles < MANY or cores < 2 else min(cores, MOST_PROCESSES)


def build(
    snapshot: Snapshot,
    folder: Path,
    ids: Sequence[int],
    heap: int,
    count: int,
    note: Callable[[int], None],
    holding: Holding = "published",
    content: Content = "all",
) -> IndexWriter:
    """Makes an index of the articles in the folder, which is empty; `count` processes write it, with 0 this one. `note`
    is told of each portion how many articles it has. What is returned has to commit, and to wait for its merges."""
    if count == 0:
        writer = SegmentWriter(folder, heap, content)
        for portion in documents.split_into_batches(snapshot, ids, holding):
            writer.add(Portion(documents.load_rows(snapshot, portion.ids, holding), portion.large))
            note(len(portion.ids))
        return writer.writer
    team = _Team(folder, max(LEAST_HEAP, heap // count), count, content)
    try:
        for portion in documents.split_into_batches(snapshot, ids, holding):
            team.add(Portion(documents.load_rows(snapshot, portion.ids, holding), portion.large))
            note(len(portion.ids))
        team.finish()
    finally:
        team.close()
    join_indexes(team.folders, folder)
    index = tantivy.Index.open(str(folder))
    analysis.register_tokenizer(index)
    return index.writer(heap, 1)


class _Team:
    """Processes that write, with how many orders each has not responded to."""

    def __init__(self, folder: Path, heap: int, count: int, content: Content) -> None:
        self.folders = [folder / f"part-{number}" for number in range(count)]
        self._waiting: dict[ChildProcess, int] = {}
        for part in self.folders:
            part.mkdir(mode=0o700)
            self._send(ChildProcess(_MODULE), Start(str(part), heap, content))

    def add(self, portion: Portion) -> None:
        """To the one that has least to do, as soon as any has time."""
        while min(self._waiting.values()) >= AT_ONCE:
            self._receive()
        self._send(min(self._waiting, key=lambda process: self._waiting[process]), portion)

    def finish(self) -> None:
        for process in self._waiting:
            self._send(process, Finish())
        while any(self._waiting.values()):
            self._receive()

    def close(self) -> None:
        for process in self._waiting:
            process.close()

    def _send(self, process: ChildProcess, order: object) -> None:
        self._waiting[process] = self._waiting.get(process, 0) + 1
        process.send(order)

    def _receive(self) -> None:
        """Whatever has come, at least one response."""
        busy = {process.link: process for process, waiting in self._waiting.items() if waiting}
        for link in wait(list(busy)):
            assert isinstance(link, Connection)
            busy[link].receive()
            self._waiting[busy[link]] -= 1


def write_managed(folder: Path, names: Iterable[str]) -> None:
    """Tells tantivy which files of segments it may delete once they are merged."""
    (folder / _MANAGED).write_bytes(orjson.dumps([*names, integrity.META]))


def join_indexes(parts: Sequence[Path], folder: Path) -> None:
    """Makes one index of several without deletions, whose folders are removed: their segments become its own. Nothing
    is read and written anew, since tantivy 0.27 names all that an index consists of in `meta.json`, each file by its
    segment, and in `.managed.json` what it may delete once it is merged."""
    metas = [orjson.loads((part / integrity.META).read_bytes()) for part in parts]
    managed: list[str] = []
    for part in parts:
        for file in part.iterdir():
            if integrity.is_segment_file(file.name):
                file.rename(folder / file.name)
                managed.append(file.name)
        shutil.rmtree(part)
    meta = metas[0] | {
        "segments": [segment for one in metas for segment in one["segments"]],
        "opstamp": max(one["opstamp"] for one in metas),
    }
    write_managed(folder, managed)
    (folder / integrity.META).write_bytes(orjson.dumps(meta))
