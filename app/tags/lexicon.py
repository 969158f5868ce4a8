"""The names of the archive's tags, ready for finding them in texts, as a transaction sees them. Made once, and again
when one is renamed or merged; new tags, which imports make by the hundred, are put beside what is there. Reads only."""

from dataclasses import dataclass
from itertools import groupby
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from app.changes import log
from app.db.database import Snapshot
from app.db.log_position import LogHead
from app.db.sql import Value
from app.enrich import tags
from app.models import Tag, TagName, table
from app.tags import service

TAG, NAME = table(Tag), table(TagName)


@dataclass(frozen=True, slots=True)
class LexiconVersion:
    """How much a holder of tags knows: as of `names_seq` in the log of that epoch, up to the tag numbered `newest`."""

    epoch: int
    names_seq: int
    newest: int


_cache: WeakKeyDictionary[Engine, tuple[LexiconVersion, tags.TagLexicon]] = WeakKeyDictionary()


def current(snapshot: Snapshot) -> tags.TagLexicon:
    """Tags of all kinds but sections and authors. One statement where no tag was renamed."""
    engine = snapshot.connection.engine
    mark, known = _cache.get(engine, (None, tags.EMPTY))
    mark, tags_since, whole = load_since(snapshot, mark)
    if tags_since or whole:
        known = tags.extend(tags.EMPTY if whole else known, tags_since)
    _cache[engine] = mark, known
    return known


def load_since(snapshot: Snapshot, mark: LexiconVersion | None) -> tuple[LexiconVersion, list[tags.LexiconTag], bool]:
    """The tags that came after a mark, and the mark behind them. True: these are all, whatever was there before, since
    one was renamed or merged meanwhile."""
    head = log.head(snapshot)
    whole = mark is None or not _holds(snapshot, mark, head)
    newest, tags_since = _since(snapshot, 0 if mark is None or whole else mark.newest)
    return LexiconVersion(head.epoch, head.names_seq, newest), tags_since, whole


def _holds(snapshot: Snapshot, mark: LexiconVersion, head: LogHead) -> bool:
    if mark.epoch != head.epoch or not 0 <= head.names_seq - mark.names_seq < log.NEAR:
        return False
    asked: dict[str, Value] = {"after": mark.names_seq, "until": head.names_seq, "entities": ["tag"]}
    same = head.names_seq == mark.names_seq
    return same or not snapshot.fetch(log.renamed_statement(snapshot.connection.dialect.name), asked)


def _since(snapshot: Snapshot, after: int) -> tuple[int, list[tags.LexiconTag]]:
    """The number of the newest tag, and those that came after that one and are proposed by name."""
    rows = snapshot.connection.execute(
        select(TAG.c.id, TAG.c.name, TAG.c.kind, NAME.c.name)
        .outerjoin(NAME, NAME.c.tag_id == TAG.c.id)
        .where(TAG.c.id > after, TAG.c.merged_into.is_(None))
        .order_by(TAG.c.id)
    ).all()
    result = [
        tags.LexiconTag(id, name, tuple(other for *_, other in each if other))
        for (id, name, kind), each in groupby(rows, key=lambda row: tuple(row[:3]))
        if service.family(kind) == "term"
    ]
    return rows[-1][0] if rows else after, result
