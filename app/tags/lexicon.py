"""The names of the archive's tags, ready for finding them in texts, as a transaction sees them. Made once, and again
when one is renamed or merged; new tags, which imports make by the hundred, are put beside what is there. Reads only."""

from dataclasses import dataclass
from itertools import groupby
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from app.changes import log
from app.db import Snapshot
from app.enrich import tags
from app.enrich.tags import Lexicon
from app.head import Head
from app.models import Tag, TagName, table
from app.sql import Value
from app.tags import service

TAG, NAME = table(Tag), table(TagName)


@dataclass(frozen=True, slots=True)
class _Kept:
    """As of `names_seq` in the log of that epoch, and of the tag numbered `newest`."""

    epoch: int
    names_seq: int
    newest: int
    lexicon: Lexicon


_cache: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()


def current(snapshot: Snapshot) -> Lexicon:
    """Tags of all kinds but sections and authors. One statement where no tag was renamed."""
    head = log.head(snapshot)
    engine = snapshot.connection.engine
    kept = _cache.get(engine)
    if kept is None or not _holds(snapshot, kept, head):
        kept = _Kept(head.epoch, head.names_seq, 0, tags.EMPTY)
    newest, found = _since(snapshot, kept.newest)
    known = tags.extended(kept.lexicon, found) if found else kept.lexicon
    _cache[engine] = _Kept(head.epoch, head.names_seq, newest, known)
    return known


def _holds(snapshot: Snapshot, kept: _Kept, head: Head) -> bool:
    if kept.epoch != head.epoch or not 0 <= head.names_seq - kept.names_seq < log.NEAR:
        return False
    asked: dict[str, Value] = {"after": kept.names_seq, "until": head.names_seq, "entities": ["tag"]}
    same = head.names_seq == kept.names_seq
    return same or not snapshot.rows(log.renamed_statement(snapshot.connection.dialect.name), asked)


def _since(snapshot: Snapshot, after: int) -> tuple[int, list[tags.Tag]]:
    """The number of the newest tag, and those that came after that one and are proposed by name."""
    rows = snapshot.connection.execute(
        select(TAG.c.id, TAG.c.name, TAG.c.kind, NAME.c.name)
        .outerjoin(NAME, NAME.c.tag_id == TAG.c.id)
        .where(TAG.c.id > after, TAG.c.merged_into.is_(None))
        .order_by(TAG.c.id)
    ).all()
    found = [
        tags.Tag(id, name, tuple(other for *_, other in each if other))
        for (id, name, kind), each in groupby(rows, key=lambda row: tuple(row[:3]))
        if service.family(kind) == "term"
    ]
    return rows[-1][0] if rows else after, found
