"""All articles that match one question as of a place in the log: by the index, and beyond its commit by the articles
themselves. Reads only."""

from dataclasses import dataclass

from app.changes import log
from app.db.database import Snapshot
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.search.engine import SearchEngine
from app.search.indexing.fixed.memory_index import load_indexes
from app.search.saved_searches import matches
from app.search.saved_searches.question import SearchQuestion

MOST_BEHIND = 5_000
"""Articles that may have changed since the index's last commit."""


@dataclass(frozen=True, slots=True)
class IndexMatches:
    """What the index finds, as of its commit; `total` may be more than `ids` has."""

    ids: frozenset[int]
    total: int
    position: LogPosition


def ask_index(engine: SearchEngine, question: SearchQuestion, most: int) -> IndexMatches:
    """IndexBehind where there is no index."""
    hits_found = engine.search(question.ask(most))
    return IndexMatches(frozenset(hit.id for hit in hits_found.hits), hits_found.total, hits_found.position)


def bring_up_to_date(snapshot: Snapshot, question: SearchQuestion, index_matches: IndexMatches, until: int) -> set[int]:
    """What matches when the index had every row up to `until`. IndexBehind where it is too far from there."""
    if not log.head(snapshot).has_all_behind(index_matches.position):
        raise IndexBehind("The search index follows another copy of this archive, or is too old to go on.")
    ids = set(index_matches.ids)
    changed = matches.list_changed(snapshot.connection, index_matches.position.seq, until, MOST_BEHIND + 1)
    if len(changed) > MOST_BEHIND:
        raise IndexBehind("The search index is far behind; try again.")
    ids.difference_update(changed)
    for index in load_indexes(snapshot, changed):
        ids.update(index.find(question.ask(1)))
    return ids
