"""Keeps a search index in step with the change log: that of what is published, or that of the rest. The only writer of
the index; reads SQL, writes no SQL.

The place in the log lies in the index as a document of its own, replaced in the same commit as the articles.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import tantivy
from tantivy import IndexWriter, Query

from app.changes.log import Logged
from app.db import permissions
from app.db.database import Snapshot
from app.db.file_locks import FileLock
from app.db.log_position import LogPosition
from app.db.spans import begin_span
from app.search.engine import Holding
from app.search.indexing import documents, segments
from app.search.indexing.adoption import adopt_index
from app.search.indexing.documents import Content
from app.search.query import analysis
from app.search.tantivy import date_order, index_schema, reader
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.storage import index_folders, index_forms, integrity, passed_position
from app.search.tantivy.storage.build_progress import ProgressWriter, Tell

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
_PATIENCE = 3
"""Commits that fail in a row; then the folder is taken for damaged and built anew."""


class Indexer:
    """A Follower that writes the index under `root`. `acquire` comes before everything else, but for `position`."""

    def __init__(
        self,
        root: Path,
        heap_mb: int = 64,
        tell: Tell | None = None,
        *,
        holding: Holding = "published",
        content: Content = "all",
    ) -> None:
        self._root, self._heap, self._tell, self._holding = root, heap_mb * MEGABYTE, tell, holding
        self._content = content
        self._form = index_forms.locate_form(root)
        self._lock = FileLock(self._form / index_forms.LOCK)
        self._held = False
        self._folder: Path | None = None
        self._index: tantivy.Index | None = None
        self._manifest: integrity.Manifest | None = None
        self._writer: IndexWriter | None = None
        self._failures = 0
        self._passed: LogPosition | None = None

    def acquire(self) -> bool:
        """Whether this process may write: one does, as long as it lives; the others read. OSError where there can be no
        lock, as on a read-only disk."""
        if not self._held:
            permissions.make_folder(self._form)  # a newer version may have removed it since
            self._held = self._lock.try_hold()
            if self._held and index_folders.find_current(self._root) is None:
                adopt_index(self._root)
        return self._held

    def close(self) -> None:
        """Ends writing, waits for merges under way and lets another process write."""
        self._release()
        self._lock.close()
        self._held = False

    def position(self) -> LogPosition | None:
        """None also where the live folder is damaged or made by another version, and where somebody has asked for a new
        one: all are built anew."""
        folder = index_folders.find_current(self._root)
        if folder is None or self._failures >= _PATIENCE or index_folders.is_rebuild_requested(self._root):
            return None
        try:
            index, manifest = self._open_folder(folder)
            with reader.translate_damage(folder.name):
                if not integrity.has_meta(folder, manifest):
                    raise integrity.HashMismatch("its last commit is not the one that was recorded")
                index.reload()
            committed = reader.read_view(index).place
            if self._holding == "hidden" and self._passed is None:
                self._passed = passed_position.read_passed(folder, committed)
            return self._position_if_known(committed)
        except reader.IndexDamaged as error:
            log.warning("the search index cannot be read and is built anew: %s", error)
            self._release()
            return None

    def _position_if_known(self, position: LogPosition | None) -> LogPosition | None:
        passed = self._passed
        further = (
            position is not None and passed is not None and passed.epoch == position.epoch and passed.seq > position.seq
        )
        return passed if further else position

    def apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        """Takes the current state of the articles named. Names of tags and regions are not in the index.

        Where the rows are none of the public's nothing is written: each commit leaves the place before it behind as
        deleted, which moves every score a little, and somebody could see from that when drafts are saved. Nor is
        anything written to the index of what is hidden for articles that it neither has nor should have: most writes
        are of published ones, and a commit costs more than all else that they cause.

        IndexDamaged where the folder cannot be written; of the batch are those rows in the index then, if any, that
        its place has passed.
        """
        if not self._changes_index(snapshot, rows):
            self._pass(place)
            return
        for some, reached in _split_into_batches(snapshot, rows, place, self._holding):
            self._apply(snapshot, some, reached)

    def _changes_index(self, snapshot: Snapshot, rows: Sequence[Logged]) -> bool:
        if self._holding == "published":
            return any(row.public for row in rows)
        ids = _list_articles(rows)
        if documents.has_any(snapshot, ids, self._holding):
            return True
        # What has left: an index that is opened anew has all of its last commit.
        folder = index_folders.find_current(self._root)
        if folder is None:
            raise reader.IndexDamaged("there is no index to go on with")
        index, _ = self._open_folder(folder)
        with reader.translate_damage(folder.name):
            return bool(ids) and date_order.count_matches(reader.read_view(index), filters.match_any("id", ids)) > 0

    def _pass(self, place: LogPosition) -> None:
        """Nothing up to that place changes the index. That of what is hidden says so to its readers, who wait for
        every row; readers of the other one wait for what is public."""
        if self._holding == "hidden" and self._folder is not None and self._index is not None:
            passed_position.write_passed(self._folder, reader.read_view(self._index).place, place)
        self._passed = place

    def _apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        folder = index_folders.find_current(self._root)
        if folder is None:
            raise reader.IndexDamaged("there is no index to go on with")
        ids = _list_articles(rows)
        try:
            self._check_held()
            index, manifest = self._open_folder(folder)
            with reader.translate_damage(folder.name), integrity.HashRecorder(folder, manifest) as recorder:
                writer = self._open_writer(index)
                if ids:
                    writer.delete_documents_by_query(filters.match_any("id", ids))
                _add_documents(writer, documents.load_documents(snapshot, ids, self._holding, self._content))
                _commit(writer, place)
                # Before the merges too, which may take a while: a kill in between leaves a commit that is recorded.
                self._manifest = recorder.record()
                self._end_writer(writer)
                self._manifest = recorder.record()
        except BaseException:
            self._failures += 1
            self._release()
            raise
        self._failures = 0

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        """Into a new folder, which takes the place of the live one when it is complete."""
        self._check_held()
        self._release()
        index_folders.delete_old_folders(
            self._root
        )  # what a rebuild that was cut short has left: on a full disk it is in the way
        folder = index_folders.begin_rebuild(self._root)
        try:
            self._build(snapshot, place, folder)
        except Exception:
            # At once, and not with the next rebuild: on a full disk it is in everybody's way.
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.replace_index(folder)

    def replace_index(self, folder: Path) -> None:
        """Puts a complete index, in a folder that `index_folders` has made, in the place of the live one."""
        self._check_held()
        self._release()
        index_folders.make_current(self._root, folder)
        index_folders.delete_old_folders(self._root)
        self._failures, self._passed = 0, None

    def _build(self, snapshot: Snapshot, place: LogPosition, folder: Path) -> None:
        ids = documents.load_ids(snapshot, self._holding)
        with (
            reader.translate_damage(folder.name),
            integrity.HashRecorder(folder, None) as recorder,
            ProgressWriter(self._root, len(ids), self._tell) as progress,
        ):
            count = segments.count_processes(len(ids))
            writer = segments.build(
                snapshot, folder, ids, self._heap, count, progress.add, self._holding, self._content
            )
            _commit(writer, place)
            writer.wait_merging_threads()
            recorder.record()

    def _open_folder(self, folder: Path) -> tuple[tantivy.Index, integrity.Manifest]:
        """IndexDamaged where its files are not those of the last commit."""
        if self._index is None or self._manifest is None or folder != self._folder:
            self._release()
            with reader.translate_damage(folder.name):
                self._manifest = integrity.check_last_commit(folder, held=self._held)
            self._index, self._folder = reader.open_index(folder), folder
        return self._index, self._manifest

    def _open_writer(self, index: tantivy.Index) -> IndexWriter:
        if self._writer is None:
            self._writer = new_writer(index, self._heap)
        return self._writer

    def _end_writer(self, writer: IndexWriter) -> None:
        """Waits for merges: nothing is deleted while one goes on."""
        self._writer = None
        writer.wait_merging_threads()

    def _check_held(self) -> None:
        if not self._held:
            raise RuntimeError("acquire() the index before writing to it")

    def _release(self) -> None:
        writer, self._writer, self._index, self._folder, self._manifest = self._writer, None, None, None, None
        if writer is not None:
            try:
                writer.rollback()
                writer.wait_merging_threads()
            except ValueError as error:  # a writer that failed once fails again; what was committed stands
                log.warning("the index writer ended badly: %s", error)


def _list_articles(rows: Sequence[Logged]) -> tuple[int, ...]:
    return tuple(sorted({row.entity_id for row in rows if row.entity == "article"}))


def _split_into_batches(
    snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition, holding: Holding
) -> Iterator[tuple[Sequence[Logged], LogPosition]]:
    """The rows in their order with the place that each part reaches; most are one part."""
    sizes = documents.measure_large(snapshot, _list_articles(rows), holding)
    sizes_named = [sizes.get(row.entity_id, 0) if row.entity == "article" else 0 for row in rows]
    for part in documents.split_by_size(rows, sizes_named):
        last = part[-1]
        yield part, LogPosition(place.epoch, last.seq, last.mark) if last is not rows[-1] else place


def new_writer(index: tantivy.Index, heap: int) -> IndexWriter:
    """One whose first deletion holds. tantivy 0.27 gives a writer's first operation the number of the last commit. A
    merge that begins beside it, as after a crash, believes that segments which had deletions in that commit have that
    one too: old versions of articles would come back. So the first operation deletes nothing."""
    analysis.register_tokenizer(index)
    writer = index.writer(heap, 1)
    writer.delete_documents_by_query(Query.empty_query())
    return writer


def _add_documents(writer: IndexWriter, documents: Iterable[tantivy.Document]) -> None:
    for document in documents:
        writer.add_document(document)


def _commit(writer: IndexWriter, place: LogPosition) -> None:
    writer.delete_documents_by_query(Query.regex_query(index_schema.build_schema(), index_schema.PLACE, ".*"))
    writer.add_document(index_schema.build_position_document(place))
    with begin_span("index commit"):
        writer.commit()
