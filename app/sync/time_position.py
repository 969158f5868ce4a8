"""The place in the change log at a time. The log is not in the order of an index by time, but nearly in that of its
numbers: it is searched by halves."""

from functools import lru_cache

from sqlalchemy import bindparam, func, select

from app.changes import log
from app.db.database import Database
from app.db.log_position import LogHead, LogPosition
from app.db.sql import Prepared, prepare, read_integer

CHANGE = log.CHANGE


async def find(db: Database, head: LogHead, at: int, *, drafts: bool) -> LogPosition | None:
    """The place before the first row that was committed at this second or later. None where the row at that place is
    not kept any more. Without `drafts` a place of what the public sees: where drafts were saved is not told."""
    low, high = 0, head.seq + 1  # every row up to `low` is older, none from `high` on
    if head.pruned_seq:
        [*rows] = await db.reader.rows(_read_time(db.dialect), {"seq": head.pruned_seq})
        # It is there until the log is pruned again.
        if not rows or read_integer(rows[0][0]) >= at:
            return None
        low = head.pruned_seq
    while high - low > 1:
        middle = (low + high) // 2
        [*rows] = await db.reader.rows(_read_time(db.dialect), {"seq": middle})
        if rows and read_integer(rows[0][0]) >= at:
            high = middle
        else:
            low = middle
    # Clocks of several servers differ, and are put back: rows not far before that bear a later time belong to it.
    after = max(high - log.NEAR, head.pruned_seq)
    near = await db.reader.rows(_find_earlier(db.dialect), {"from": after, "to": high, "at": at})
    first = high if near[0][0] is None else read_integer(near[0][0])
    if not drafts and first > head.public_seq:
        return head.public_position
    rows = await db.reader.rows(_find_before(db.dialect, drafts), {"seq": first}, bounded=drafts)
    if rows:
        return LogPosition(head.epoch, read_integer(rows[0][0]), read_integer(rows[0][1]))
    return LogPosition(head.epoch, 0, 0) if first == 1 or not drafts else None


@lru_cache(maxsize=4)
def _read_time(dialect: str) -> Prepared:
    return prepare(select(CHANGE.c.at).where(CHANGE.c.seq == bindparam("seq", type_=CHANGE.c.seq.type)), dialect)


@lru_cache(maxsize=4)
def _find_earlier(dialect: str) -> Prepared:
    first, last = (bindparam(name, type_=CHANGE.c.seq.type) for name in ("from", "to"))
    since = CHANGE.c.at >= bindparam("at", type_=CHANGE.c.at.type)
    return prepare(select(func.min(CHANGE.c.seq)).where(CHANGE.c.seq > first, CHANGE.c.seq < last, since), dialect)


@lru_cache(maxsize=4)
def _find_before(dialect: str, drafts: bool) -> Prepared:
    statement = select(CHANGE.c.seq, CHANGE.c.mark).where(CHANGE.c.seq < bindparam("seq", type_=CHANGE.c.seq.type))
    if not drafts:
        statement = statement.where(CHANGE.c.public.is_(True))
    return prepare(statement.order_by(CHANGE.c.seq.desc()).limit(1), dialect)
