"""What the log has told of articles and the index does not know yet."""

from functools import lru_cache

from sqlalchemy import bindparam, exists, select, true

from app.db.database import Database
from app.db.log_position import LogHead, LogPosition
from app.db.sql import Prepared, Value, prepare, read_integer
from app.models import Article, Change, table

A, CHANGE = table(Article), table(Change)
MOST_CHANGED = 300
"""Articles that a list looks up because the index does not know of their changes yet."""

_Span = tuple[LogPosition, LogPosition]
_Kept = tuple[_Span, tuple[int, ...]]


class IndexLag:
    """Articles that were changed between an index's place in the log and the log's head. The last result of each kind
    holds until the index or the log moves on."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._withdrawn: _Kept | None = None
        self._changed: _Kept | None = None

    async def find_withdrawn(self, position: LogPosition, head: LogHead, delayed_seq: int | None) -> tuple[int, ...]:
        """Those that are public no more; since `delayed_seq`, where the index is asked for a state before its own."""
        since = position.seq if delayed_seq is None else min(position.seq, delayed_seq)
        if since >= head.public_seq:
            return ()
        cached, span = self._withdrawn, (position, head.public_position)
        if cached is None or cached[0] != span:
            rows = await self._db.reader.rows(withdrawn_statement(self._db.dialect), {"seq": since}, bounded=False)
            # What is withdrawn after this head may be in it as well: it is to be left out all the more.
            cached = self._withdrawn = span, tuple(sorted(read_integer(id) for (id,) in rows))
        return cached[1]

    async def list_changed(self, position: LogPosition, head: LogHead) -> tuple[int, ...]:
        """Those that the public sees otherwise; more than MOST_CHANGED where they are too many to be looked up."""
        if position.seq >= head.public_seq:
            return ()
        cached, span = self._changed, (position, head.public_position)
        if cached is None or cached[0] != span:
            values: dict[str, Value] = {"seq": position.seq, "most": MOST_CHANGED + 1}
            rows = await self._db.reader.rows(_changed_statement(self._db.dialect), values, bounded=False)
            cached = self._changed = span, tuple(read_integer(id) for (id,) in rows)
        return cached[1]


@lru_cache(maxsize=4)
def withdrawn_statement(dialect: str) -> Prepared:
    """Articles that the log has told of after `seq` and that are not published."""
    # One look-up for each changed article; NOT IN would read all that are published.
    public_now = exists(select(A.c.id).where(A.c.id == CHANGE.c.entity_id, A.c.status == "published").correlate(CHANGE))
    behind = CHANGE.c.seq > bindparam("seq", type_=CHANGE.c.seq.type)
    of_articles = CHANGE.c.entity == "article", CHANGE.c.public.is_(true())
    return prepare(select(CHANGE.c.entity_id).distinct().where(behind, *of_articles, ~public_now), dialect)


@lru_cache(maxsize=4)
def _changed_statement(dialect: str) -> Prepared:
    behind = CHANGE.c.seq > bindparam("seq", type_=CHANGE.c.seq.type)
    of_articles = CHANGE.c.entity == "article", CHANGE.c.public.is_(true())
    statement = select(CHANGE.c.entity_id).distinct().where(behind, *of_articles)
    return prepare(statement.limit(bindparam("most")), dialect)
