"""Keeps the matches of all saved searches in step with the change log: a batch of changed articles becomes a small
index in memory, and the questions that they may match are asked of it.

Matching takes articles as they are now, so that doing it twice is harmless. Several servers may try: see `matches`.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import text

from app.changes import log
from app.db.database import Database, Snapshot
from app.db.log_position import LogHead, LogPosition
from app.search.engine import SearchEngine
from app.search.indexing.fixed.memory_index import MemoryIndex, load_indexes
from app.search.saved_searches import finding, matches
from app.search.saved_searches.matches import LogRow, Match, MatchPosition
from app.search.saved_searches.registry import Registry

logger = logging.getLogger(__name__)

BATCH = 1_000
"""Rows of the log that are taken in at a time."""
KEPT_INDEXES = 2
"""Of a batch: 1,000 articles, or 8 MB of long bodies."""
EVERY_MATCH = 1_000_000
"""Of one question that is looked at anew as a whole."""
_LOCK = text("SELECT pg_try_advisory_xact_lock(4703)")


@dataclass(slots=True)
class _Changed:
    """An article in a stretch of the log: its last row that the public sees, and whether what is shown of it has
    changed."""

    seq: int
    shown: bool = False


@dataclass(slots=True)
class _Stretch:
    """What some rows of the log ask to be done."""

    articles: dict[int, _Changed] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    tags: set[int] = field(default_factory=set)
    """Tags that may have taken others in."""


@dataclass(slots=True)
class _Batch:
    """Rows of the log behind a place, the articles that they name as small indexes, and what is known to match, of all
    questions up to `asked`. Kept until it is saved: where searches are added so fast that each batch finds the position
    moved, only they have to be matched when it is begun again, or nothing would ever be saved."""

    behind: LogPosition
    rows: Sequence[LogRow]
    names_seq: int
    stretch: _Stretch
    indexes: Sequence[MemoryIndex] = ()
    """None of them where they are too many to be kept."""
    published: set[int] = field(default_factory=set)
    matching: set[tuple[int, int]] = field(default_factory=set)
    asked: int = 0

    def match(self, snapshot: Snapshot, registry: Registry) -> None:
        """Adds what matches the questions that it does not know yet."""
        indexes: list[MemoryIndex] = []
        self.published = set()
        for index in self.indexes or load_indexes(snapshot, sorted(self.stretch.articles)):
            indexes = [*indexes[:KEPT_INDEXES], index]
            self.published.update(index.ids)
            for query, question in registry.list_candidates(index.terms, self.asked):
                matching = index.ids if question is None else index.find(question.ask(1))
                self.matching.update((query, article) for article in matching)
        self.indexes = indexes if len(indexes) <= KEPT_INDEXES else ()
        self.asked = registry.last


class Percolator:
    """For one thread. `engine`: asked only where a question means something else than before, as by a merge."""

    def __init__(self, db: Database, engine: SearchEngine) -> None:
        self._db, self._engine = db, engine
        self.registry = Registry()
        self._names_seq: int | None = None
        self._batch: _Batch | None = None

    def step(self) -> int:
        """Takes in the next rows; returns how many, 0 where the public's last row is matched or nothing is asked."""
        with self._db.snapshot() as snapshot:
            position = matches.read_position(snapshot.connection)
            self.registry.refresh(snapshot.connection, position.version)
            if not self.registry or not self._may_begin(snapshot):
                return 0
            head = log.head(snapshot)
            if head.names_seq != self._names_seq:
                self.registry.set_merged(matches.load_merged_tags(snapshot.connection))
                self._names_seq = head.names_seq
            try:
                return self._advance(snapshot, position, head)
            except matches.PositionMoved:
                return 1

    def _may_begin(self, snapshot: Snapshot) -> bool:
        """Of several servers one at a time, so that not all do the same work; what is right does not hang on it."""
        if self._db.dialect == "sqlite":
            return True
        return bool(snapshot.connection.execute(_LOCK).scalar())

    def _advance(self, snapshot: Snapshot, position: MatchPosition, head: LogHead) -> int:
        if position.epoch != head.epoch or not log.has_position(
            snapshot, LogPosition(head.epoch, position.seq, position.mark)
        ):
            self._begin_again(snapshot, position, head)
            return 1
        if head.public_seq <= position.public_seq:
            return 0
        batch = self._begin_batch(snapshot, LogPosition(head.epoch, position.seq, position.mark), head)
        rows, stretch = batch.rows, batch.stretch
        until = rows[-1]
        public = next((row for row in reversed(rows) if row.public), None)
        moved = replace(position, seq=until.seq, mark=until.mark)
        if public is not None:
            moved = replace(moved, public_seq=public.seq, public_mark=public.mark)
        changed = self._match(snapshot, batch)
        for query in self.registry.list_merged(stretch.tags):
            changed |= self._match_whole(
                snapshot, query, moved, {row[1]: row for row in changed.values() if row[0] == query}
            )
        self._save(position, list(changed.values()), stretch.gone, moved)
        self._batch = None
        return len(rows)

    def _begin_batch(self, snapshot: Snapshot, behind: LogPosition, head: LogHead) -> _Batch:
        """The one that could not be saved, where it is still the next one. Whatever has changed in its articles since
        is behind it in the log."""
        batch = self._batch
        if batch is None or (batch.behind, batch.names_seq) != (behind, head.names_seq):
            rows = matches.read_log(snapshot, behind.seq, head.seq, BATCH)
            batch = self._batch = _Batch(behind, rows, head.names_seq, _read_rows(rows))
        return batch

    def _match(self, snapshot: Snapshot, batch: _Batch) -> dict[tuple[int, int], Match]:
        """What has changed by the articles of a batch, by question and article."""
        stretch = batch.stretch
        ids = sorted(stretch.articles)
        known = matches.load_of_articles(snapshot, ids) if ids else {}
        batch.match(snapshot, self.registry)
        changed: dict[tuple[int, int], Match] = {}
        for pair in batch.matching:
            if pair[0] not in self.registry:  # it was removed meanwhile
                continue
            article = stretch.articles[pair[1]]
            if article.shown or not known.get(pair):
                changed[pair] = (*pair, article.seq, True)
        for pair, matched in known.items():
            # Of what has gone it may be told anew where readers are sent to instead.
            if pair not in batch.matching and (matched or pair[1] not in batch.published):
                changed[pair] = (*pair, stretch.articles[pair[1]].seq, False)
        return changed

    def _match_whole(
        self, snapshot: Snapshot, query: int, moved: MatchPosition, fresh: dict[int, Match]
    ) -> dict[tuple[int, int], Match]:
        """What has changed of one question that means something else now. `fresh`: what is known already."""
        question = self.registry.get(query)
        by_index = finding.ask_index(self._engine, question, EVERY_MATCH)
        now = finding.bring_up_to_date(snapshot, question, by_index, moved.seq)
        known = matches.load_of_query(snapshot.connection, query)
        changed = {(query, id): (query, id, moved.public_seq, True) for id in now if not known.get(id)}
        gone = (id for id, matched in known.items() if matched and id not in now)
        changed |= {(query, id): (query, id, moved.public_seq, False) for id in gone}
        return {pair: row for pair, row in changed.items() if pair[1] not in fresh}

    def _begin_again(self, snapshot: Snapshot, position: MatchPosition, head: LogHead) -> None:
        """Of a copy of the archive the matches hold, at the same row of a log with another epoch. Where the log is
        another one, every question is asked anew."""
        mark = log.has_position(snapshot, LogPosition(head.epoch, position.seq, position.mark))
        if mark:
            self._save(position, [], [], replace(position, epoch=head.epoch))
            return
        logger.info("saved searches are matched anew: they follow another log")
        moved = MatchPosition(head.epoch, head.seq, head.mark, head.public_seq, head.public_mark, position.version)
        rows: list[Match] = []
        for query in self.registry.list_all():
            rows += self._match_whole(snapshot, query, moved, {}).values()
        self._save(position, rows, [], moved)

    def _save(self, position: MatchPosition, rows: Sequence[Match], gone: Sequence[int], moved: MatchPosition) -> None:
        *parts, last = matches.split(rows)
        for part in parts:
            self._db.write_now(matches.save, position, part, [], None)
        self._db.write_now(matches.save, position, last, gone, moved)


def _read_rows(rows: Iterable[LogRow]) -> _Stretch:
    stretch = _Stretch()
    changed: dict[int, _Changed] = defaultdict(lambda: _Changed(0))
    for row in rows:
        if not row.public:
            continue
        if row.entity == "tag" and '"aliases"' in row.changed_fields:
            stretch.tags.add(row.entity_id)
        if row.entity != "article":
            continue
        article = changed[row.entity_id]
        article.seq = row.seq
        article.shown |= row.event != log.PLACED
        if row.event == "purged":
            stretch.gone.append(row.entity_id)
    stretch.articles = {id: one for id, one in changed.items() if id not in stretch.gone}
    return stretch
