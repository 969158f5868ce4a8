"""How what matches a saved search has changed since a place in the log: for the feed, and for whoever sends changes on.

Of each article the latest change alone is there: the ones before it are superseded. Rows that are told whatever is
followed (purged articles, renamed tags and regions) stand among them, in the order of the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, select, text, tuple_

from app.changes import log
from app.db.database import Database, Row
from app.db.sql import Prepared, Value, prepare, read_integer
from app.models import SearchMatch, table
from app.models.system import TOLD_TO_ALL

CHANGE, MATCH = log.CHANGE, table(SearchMatch)
LOGGED = ("seq", "mark", "at", "entity", "entity_id", "event", "version", "changed_fields", "public", "before", "after")
"""The columns of a row of the log."""


@dataclass(frozen=True, slots=True)
class SearchChange:
    """A row that is told of. `article`: whose match it tells of, and `matched` whether it matches; None of a row that
    is told whatever is followed. `logged` are the columns of the log's row, or None where it is not kept any more."""

    seq: int
    article: int | None
    matched: bool
    logged: Row | None

    @property
    def is_own(self) -> bool:
        """Whether the log's row is about this article: what matched when a search was saved, or matches by a merge of
        tags, stands at a row that is about something else."""
        return self.logged is not None and self.logged[3:5] == ("article", self.article)

    @property
    def key(self) -> tuple[int, int]:
        """The order: within a row of the log by article, what is told whatever is followed first."""
        return self.seq, self.article or 0


async def load_changes(
    db: Database, query: int, after: tuple[int, int | None], until: int, limit: int
) -> list[SearchChange]:
    """The next changes of a question, up to a row of the log. `after`: behind this article within that row, or behind
    the whole row."""
    seq, article = after
    values: dict[str, Value] = {
        "query": query,
        "seq": seq,
        "article": 2**62 if article is None else article,
        "until": until,
        "limit": limit,
    }
    own = map(_read_own, await db.reader.rows(_own_statement(db.dialect), values, bounded=False))
    told = await db.reader.rows(
        _told_statement(db.dialect), {"seq": seq, "until": until, "limit": limit}, bounded=False
    )
    others = (SearchChange(read_integer(row[0]), None, matched=False, logged=row) for row in told)
    return sorted([*own, *others], key=lambda one: one.key)[:limit]


async def find_change(db: Database, query: int, article: int) -> SearchChange | None:
    """The latest change of one article; None where it has never matched, or was purged."""
    rows = await db.reader.rows(_article_statement(db.dialect), {"query": query, "article": article})
    return next(map(_read_own, rows), None)


def _read_own(row: Row) -> SearchChange:
    article, seq, matched, *logged = row
    known = tuple(logged) if logged[0] is not None else None
    return SearchChange(read_integer(seq), read_integer(article), bool(matched), known)


_OWN = select(MATCH.c.article_id, MATCH.c.seq, MATCH.c.matched, *(CHANGE.c[name] for name in LOGGED)).outerjoin(
    CHANGE, CHANGE.c.seq == MATCH.c.seq
)


@lru_cache(maxsize=4)
def _article_statement(dialect: str) -> Prepared:
    query, article = (bindparam(name, type_=MATCH.c.seq.type) for name in ("query", "article"))
    return prepare(_OWN.where(MATCH.c.query_id == query, MATCH.c.article_id == article), dialect)


@lru_cache(maxsize=4)
def _own_statement(dialect: str) -> Prepared:
    query, seq, article, until = (
        bindparam(name, type_=MATCH.c.seq.type) for name in ("query", "seq", "article", "until")
    )
    statement = (
        _OWN.where(
            MATCH.c.query_id == query, tuple_(MATCH.c.seq, MATCH.c.article_id) > tuple_(seq, article),
            MATCH.c.seq <= until,
        )
        .order_by(MATCH.c.seq, MATCH.c.article_id)
        .limit(bindparam("limit"))
    )  # fmt: skip
    return prepare(statement, dialect)


@lru_cache(maxsize=4)
def _told_statement(dialect: str) -> Prepared:
    seq, until = (bindparam(name, type_=CHANGE.c.seq.type) for name in ("seq", "until"))
    statement = select(*(CHANGE.c[name] for name in LOGGED)).where(
        text(TOLD_TO_ALL), CHANGE.c.public.is_(True), CHANGE.c.seq > seq, CHANGE.c.seq <= until
    )
    return prepare(statement.order_by(CHANGE.c.seq).limit(bindparam("limit")), dialect)


def name_columns(logged: Row) -> Mapping[str, object]:
    """The columns of the log's row by name."""
    return dict(zip(LOGGED, logged, strict=True))
