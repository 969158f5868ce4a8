"""The article list with a query: asks the index of what is published, that of what is hidden, or both, by the states
that the list names. Renders nothing; who may ask is the route's matter.

Both are a moment behind. What the log says of an article since is looked up, so that none is found in a state that it
has left, and none in two.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import bindparam, exists, select

from app.articles.filters import PUBLISHED, ArticleFilter
from app.articles.reading.queries import CursorPosition, ListRow, TimeSort
from app.context import RequestContext
from app.context.protocols import FoundRows
from app.db.database import Database
from app.db.log_position import LogHead
from app.db.sql import AnyOf, Prepared, Value, prepare
from app.models import Article, Change, table
from app.search.engine import ListEngine, Question, RowPage, make_building_error
from app.search.index import EngineIndex
from app.search.params import DAY
from app.search.query.parser import parse

A, CHANGE = table(Article), table(Change)


class EngineListSearch:
    """Implements `context.ListSearch`."""

    def __init__(self, db: Database, index: EngineIndex, hidden: ListEngine) -> None:
        self._db, self._index, self._hidden = db, index, hidden

    def hidden_seq(self) -> int | None:
        position = self._hidden.position()
        return None if position is None else position.seq

    def has_words(self, q: str) -> bool:
        return parse(q).tree is not None

    async def find_by_relevance(
        self, q: str, article_filter: ArticleFilter, view: RequestContext, offset: int, limit: int, today: int
    ) -> FoundRows:
        [(engine, question)] = await self._ask_indexes(q, article_filter, view)
        day = today - today % DAY
        asked = replace(question, order="relevance", offset=offset, limit=limit, recency="normal", today=day)
        results = await asyncio.to_thread(engine.search, asked)
        rows = [ListRow(hit.id, hit.version, None) for hit in results.hits]
        return FoundRows(rows, results.total, min(results.position.seq, view.head.seq))

    async def find_by_time(
        self,
        q: str,
        article_filter: ArticleFilter,
        view: RequestContext,
        sort: TimeSort,
        limit: int,
        place: CursorPosition,
    ) -> FoundRows:
        asked = await self._ask_indexes(q, article_filter, view)
        if len(asked) == 1:
            [(engine, question)] = asked
            page = await asyncio.to_thread(engine.find_rows, replace(question, limit=limit), sort, place)
            return FoundRows(list(page.rows), page.total, page.position.seq)
        # What comes before the page may be in either: both are read from their first row on.
        reach, start = place.offset + limit, replace(place, offset=0)
        pages = [
            await asyncio.to_thread(engine.find_rows, replace(question, limit=reach), sort, start)
            for engine, question in asked
        ]
        rows = _merge(pages, sort)
        rows = rows[-limit:] if place.kind == "before" else rows[place.offset : reach]
        return FoundRows(rows, sum(page.total for page in pages), 0)

    async def _ask_indexes(
        self, q: str, article_filter: ArticleFilter, view: RequestContext
    ) -> list[tuple[ListEngine, Question]]:
        """The indexes that the filter needs, each with its part of the question."""
        query = parse(q)
        question = Question(
            tree=query.tree,
            text=q,
            fallback=query.fallback,
            languages=article_filter.languages,
            names=await self._index.vocabulary.get(view.head),
        )
        asked: list[tuple[ListEngine, Question]] = []
        if "published" in article_filter.statuses:
            self._index.check_built()
            excluded = await self._index.find_excluded(view.head)
            published = replace(article_filter, statuses=PUBLISHED)
            asked.append((self._index.engine, replace(question, filter=published, excluded=excluded)))
        states = tuple(status for status in article_filter.statuses if status != "published")
        if states:
            excluded = await self._find_moved(states, view.head)
            hidden = replace(article_filter, statuses=states)
            asked.append((self._hidden, replace(question, filter=hidden, excluded=excluded)))
        return asked

    async def _find_moved(self, states: Sequence[str], head: LogHead) -> tuple[int, ...]:
        """Articles that the log has changed since the index's place and that are in none of these states now.
        IndexBehind where there is no index, or one that cannot go on with this log."""
        position = self._hidden.position()
        if position is None or not head.has_all_behind(position):
            raise make_building_error(self._hidden.progress(), self._hidden.find_problem())
        if position.seq >= head.seq:
            return ()
        values: dict[str, Value] = {"seq": position.seq, "states": list(states)}
        rows = await self._db.reader.rows(_moved_statement(self._db.dialect), values, bounded=False)
        return tuple(sorted(int(str(row[0])) for row in rows))


def _merge(pages: Sequence[RowPage], sort: TimeSort) -> list[ListRow]:
    """Rows of several lists in the order of one: ties by id, without a date last."""
    sign = -1 if sort.startswith("-") else 1

    def order(row: ListRow) -> tuple[bool, int, int]:
        return row.key is None, sign * (row.key if isinstance(row.key, int) else 0), sign * row.id

    return sorted((row for page in pages for row in page.rows), key=order)


@lru_cache(maxsize=4)
def _moved_statement(dialect: str) -> Prepared:
    stays = exists(select(A.c.id).where(A.c.id == CHANGE.c.entity_id, AnyOf(A.c.status, "states")).correlate(CHANGE))
    statement = (
        select(CHANGE.c.entity_id)
        .distinct()
        .where(CHANGE.c.seq > bindparam("seq", type_=CHANGE.c.seq.type), CHANGE.c.entity == "article", ~stays)
    )
    return prepare(statement, dialect, ["states"])
