"""Which articles match which questions, in SQL, and how far in the log that is known. Plain functions; never commits.

Readers see rows up to the position alone. So what belongs to one stretch of the log may be written in several
transactions, of which the last one moves the position; and whoever writes holds the position's row and has found it as
it was when the work began. Of two servers that match the same stretch one is too late, and writes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update
from sqlmodel import Session

from app.changes import log
from app.db.database import Snapshot
from app.db.log_position import LogPosition
from app.db.sql import AnyOf, Prepared, prepare, read_integer
from app.models import SearchMatch, SearchPosition, SearchQuery, Tag, table

CHANGE = log.CHANGE
MATCH, POSITION, QUERY, TAG = table(SearchMatch), table(SearchPosition), table(SearchQuery), table(Tag)
AT_ONCE = 5_000
"""Rows that are written or removed in one transaction: 50 ms."""


@dataclass(frozen=True, slots=True)
class MatchPosition:
    """The position's row: see `SearchPosition`."""

    epoch: int
    seq: int
    mark: int
    public_seq: int
    public_mark: int
    version: int

    @property
    def public_position(self) -> LogPosition:
        """The last row that the public sees among those that are matched."""
        return LogPosition(self.epoch, self.public_seq, self.public_mark)


class PositionMoved(Exception):
    """Somebody else has matched the same stretch of the log, or has added or removed a question: begin again."""


Match = tuple[int, int, int, bool]
"""Question, article, change, and whether it matches."""

_COLUMNS = [POSITION.c[name] for name in MatchPosition.__slots__]
_READ = select(*_COLUMNS)
_LOCK = _READ.with_for_update()


@lru_cache(maxsize=4)
def position_statement(dialect: str) -> Prepared:
    """One row, the columns of MatchPosition in its order."""
    return prepare(_READ, dialect)


def read_position(connection: Connection) -> MatchPosition:
    return MatchPosition(*connection.execute(_READ).one())


def lock_position(session: Session) -> MatchPosition:
    """Until the commit nobody else moves it, nor adds or removes a question."""
    return MatchPosition(*session.connection().execute(_LOCK).one())


def move_position(session: Session, position: MatchPosition) -> None:
    values = {name: getattr(position, name) for name in MatchPosition.__slots__}
    session.connection().execute(update(POSITION).values(values))


_UPSERT = {
    "sqlite": "INSERT INTO search_match (query_id, article_id, seq, matched) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (query_id, article_id) DO UPDATE SET seq = excluded.seq, matched = excluded.matched",
    "postgresql": "INSERT INTO search_match (query_id, article_id, seq, matched) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (query_id, article_id) DO UPDATE SET seq = excluded.seq, matched = excluded.matched",
}


def upsert(session: Session, rows: Sequence[Match]) -> None:
    """In the order of the keys, so that two who write the same wait for each other in one order."""
    connection = session.connection()
    if rows:
        connection.exec_driver_sql(_UPSERT[connection.dialect.name], sorted(rows))


def save(
    session: Session, expected: MatchPosition, rows: Sequence[Match], gone: Sequence[int], moved: MatchPosition | None
) -> None:
    """PositionMoved where the position is not what was `expected`. `gone`: articles that were purged; `moved`: the
    position from here on, with the last rows that belong to it."""
    if lock_position(session) != expected:
        raise PositionMoved
    upsert(session, rows)
    if gone:
        session.connection().execute(delete(MATCH).where(AnyOf(MATCH.c.article_id, "ids")), {"ids": gone})
    if moved is not None:
        move_position(session, moved)


_OF_ARTICLES = select(MATCH.c.query_id, MATCH.c.article_id, MATCH.c.matched).where(AnyOf(MATCH.c.article_id, "ids"))
_OF_QUERY = select(MATCH.c.article_id, MATCH.c.matched).where(MATCH.c.query_id == bindparam("query"))


def load_of_articles(snapshot: Snapshot, ids: Sequence[int]) -> dict[tuple[int, int], bool]:
    """Whether each question and article match, of those that do or did."""
    rows = snapshot.connection.execute(_OF_ARTICLES, {"ids": ids})
    return {(query, article): bool(matched) for query, article, matched in rows}


def load_of_query(connection: Connection, query: int) -> dict[int, bool]:
    """Articles that match a question, or did."""
    return {article: bool(matched) for article, matched in connection.execute(_OF_QUERY, {"query": query})}


@dataclass(frozen=True, slots=True)
class LogRow:
    """What matching needs of a row of the log."""

    seq: int
    mark: int
    entity: str
    entity_id: int
    event: str
    changed_fields: str
    public: bool


_ROWS = (
    select(*(CHANGE.c[name] for name in LogRow.__slots__))
    .where(CHANGE.c.seq > bindparam("after"), CHANGE.c.seq <= bindparam("until"))
    .order_by(CHANGE.c.seq)
    .limit(bindparam("limit"))
)
_CHANGED = (
    select(CHANGE.c.entity_id)
    .distinct()
    .where(
        CHANGE.c.seq > bindparam("after"),
        CHANGE.c.seq <= bindparam("until"),
        CHANGE.c.public.is_(True),
        CHANGE.c.entity == literal_column("'article'"),
    )
    .limit(bindparam("limit"))
)


def read_log(snapshot: Snapshot, after: int, until: int, limit: int) -> list[LogRow]:
    values = {"after": after, "until": until, "limit": limit}
    return [LogRow(*row) for row in snapshot.connection.execute(_ROWS, values)]


def list_changed(connection: Connection, after: int, until: int, limit: int) -> list[int]:
    """Articles that rows of the log name which the public sees."""
    values = {"after": after, "until": until, "limit": limit}
    return sorted(read_integer(id) for (id,) in connection.execute(_CHANGED, values))


_MERGED = select(TAG.c.id, TAG.c.merged_into).where(TAG.c.merged_into.is_not(None))


def load_merged_tags(connection: Connection) -> dict[int, int]:
    """What each merged tag is part of now."""
    return {read_integer(id): read_integer(target) for id, target in connection.execute(_MERGED)}


def sweep(session: Session) -> int:
    """Removes rows of questions that nobody asks any more, AT_ONCE at most; returns how many."""
    connection = session.connection()
    dead = connection.execute(select(QUERY.c.id).where(QUERY.c.hash.is_(None)).order_by(QUERY.c.id).limit(1)).scalar()
    if dead is None:
        return 0
    some = select(MATCH.c.article_id).where(MATCH.c.query_id == dead).limit(AT_ONCE)
    removed = connection.execute(delete(MATCH).where(MATCH.c.query_id == dead, MATCH.c.article_id.in_(some))).rowcount
    if removed < AT_ONCE:
        connection.execute(delete(QUERY).where(QUERY.c.id == dead))
    return removed + 1


def has_dead(connection: Connection) -> bool:
    return connection.execute(select(QUERY.c.id).where(QUERY.c.hash.is_(None)).limit(1)).scalar() is not None


_NEWER = (
    select(QUERY.c.id, QUERY.c.question, QUERY.c.candidate_keys)
    .where(QUERY.c.id > bindparam("after"), QUERY.c.hash.is_not(None))
    .order_by(QUERY.c.id)
)
_IDS = select(QUERY.c.id).where(QUERY.c.hash.is_not(None))


def load_questions(connection: Connection, after: int) -> Iterator[tuple[int, str, str]]:
    """Number, question and keys of what is asked, behind a number."""
    for id, question, keys in connection.execute(_NEWER, {"after": after}):
        yield read_integer(id), str(question), str(keys)


def list_questions(connection: Connection) -> set[int]:
    return set(connection.execute(_IDS).scalars())


def count_questions(connection: Connection) -> int:
    return read_integer(connection.execute(select(func.count()).select_from(QUERY)).scalar_one())


def split(rows: Sequence[Match]) -> Iterable[Sequence[Match]]:
    """Parts of AT_ONCE rows, the last one for the transaction that moves the position; one part at least."""
    starts = range(0, max(len(rows), 1), AT_ONCE)
    return [rows[start : start + AT_ONCE] for start in starts]
