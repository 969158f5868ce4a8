"""Which articles have left a saved search lately: those that matched and match no longer. Reads only."""

from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import bindparam, select

from app.articles import filters
from app.articles.filters import ArticleFilter
from app.articles.store.log_facts import from_log
from app.changes import log
from app.db.database import Database
from app.db.sql import Prepared, Value, prepare, read_integer
from app.models import SearchMatch, table

CHANGE, MATCH = log.CHANGE, table(SearchMatch)
MOST_ROWS = 2_000
"""Articles of a search that are looked at, those with the latest changes: 5 ms."""


@dataclass(frozen=True, slots=True)
class LeftArticle:
    """An article by its number, and the time in epoch seconds of the change since which it does not match."""

    id: int
    at: int


async def load_left(
    db: Database, query: int, span: tuple[int, int], limit: int, within: ArticleFilter | None = None
) -> list[LeftArticle]:
    """Those that have left a question by rows of the log behind the first of `span` up to the other, the latest first;
    what was purged is not among them. `within`: only those that matched this filter before that change, as who sees no
    others may know."""
    after, until = span
    values: dict[str, Value] = {"query": query, "after": after, "until": until, "most": MOST_ROWS}
    rows = await db.reader.rows(_statement(db.dialect), values)
    left = []
    for id, matched, at, entity, entity_id, before in rows:
        if matched:
            continue
        if within is not None:
            is_own = (entity, entity_id) == ("article", id) and before is not None
            if not is_own or not filters.matches(within, from_log(read_integer(id), orjson.loads(str(before)))):
                continue
        left.append(LeftArticle(read_integer(id), read_integer(at)))
        if len(left) == limit:
            break
    return left


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    """Bounded by the index of what has changed of a question, however much matches it."""
    query, after, until = (bindparam(name, type_=MATCH.c.seq.type) for name in ("query", "after", "until"))
    latest = (
        select(MATCH.c.article_id, MATCH.c.seq, MATCH.c.matched)
        .where(MATCH.c.query_id == query, MATCH.c.seq > after, MATCH.c.seq <= until)
        .order_by(MATCH.c.seq.desc(), MATCH.c.article_id.desc())
        .limit(bindparam("most"))
        .subquery()
    )
    logged = [CHANGE.c[name] for name in ("at", "entity", "entity_id", "before")]
    statement = (
        select(latest.c.article_id, latest.c.matched, *logged)
        .join(CHANGE, CHANGE.c.seq == latest.c.seq)
        .order_by(latest.c.seq.desc(), latest.c.article_id.desc())
    )
    return prepare(statement, dialect)
