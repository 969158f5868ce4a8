"""From a request to the rows of a feed's document: which articles, in which order, from where on; and which months of
the archive lie around it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import cast

import orjson

from app.articles.filters import BITS, ArticleFilter
from app.articles.reading import filter_params, queries, query_plan
from app.articles.reading.filter_params import ResolvedFilter
from app.articles.reading.filter_warnings import Warning
from app.articles.reading.queries import CursorPosition, ListRow
from app.articles.routes import list_rows
from app.context import AppContext, RequestContext
from app.errors import CursorInvalid
from app.http import paging
from app.search.engine import Order
from app.search.params import DAY, ResolvedSearch, choose_match, resolve_search
from app.search.query.parser import ParsedQuery
from app.search.saved_searches import results
from app.search.saved_searches.definition import get_index
from app.search.saved_searches.queries import SearchRow
from app.sync.feeds.params import UNDATED, FeedParams

NEWEST, OLDEST = "-published_at", "published_at"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FeedSource:
    """The articles of a feed, as of one request: a filter, and the words that they must have, if any."""

    context: AppContext
    view: RequestContext
    params: FeedParams
    filter: ArticleFilter
    warnings: Sequence[Warning]
    search: ResolvedSearch | None = None
    saved: SearchRow | None = None
    """The saved search, where it is one's feed."""

    async def load_rows(
        self, article_filter: ArticleFilter, sort: str, limit: int, place: CursorPosition = queries.START
    ) -> list[ListRow]:
        """Rows behind a place, in their order; of a search their key is the index's."""
        if self.search is not None:
            return await self._search(self.search, article_filter, cast("Order", sort), limit, place)
        context, view = self.context, self.view
        plan = await list_rows.choose_plan(context, view, article_filter, sort)
        return await list_rows.load_rows(context, view, plan, article_filter, sort, limit, place)

    async def _search(
        self, search: ResolvedSearch, article_filter: ArticleFilter, order: Order, limit: int, place: CursorPosition
    ) -> list[ListRow]:
        question = replace(
            search.question,
            filter=article_filter,
            order=order,
            match=choose_match(self.params.match, order),
            limit=limit,
            after=place.key if isinstance(place.key, int) else None,
            today=self.view.now - self.view.now % DAY,
        )
        hits = (await search.index.search(question)).hits
        return [ListRow(hit.id, hit.version, hit.newest) for hit in hits]

    async def find_month(self, article_filter: ArticleFilter, sort: str) -> str | None:
        """The month in which the first article of an order was published; None where there is none with a date, which
        come first in both orders."""
        rows = await self.load_rows(article_filter, sort, 1)
        if self.search is None:
            return format_month(rows[0].key) if rows and isinstance(rows[0].key, int) else None
        cards = await self.context.cards.get([(row.id, row.version) for row in rows], self.view.atlas, published=True)
        times = [orjson.loads(card)["published_at"] for card in cards.values()]
        return str(times[0])[:7] if times and times[0] else None


async def resolve_source(
    context: AppContext, view: RequestContext, params: FeedParams, name: tuple[str, int] | None
) -> FeedSource:
    """What the filters and words mean; `name`: the tag or region that the feed is of, as `tags_all` or `regions_all`
    and its id. IndexBehind where words are looked for and there is no index yet."""
    search = None
    if params.q:
        search = await resolve_search(context, view, params)
        search = search if search.query.tree is not None else None
    resolved = search.resolved_filter if search else await filter_params.resolve(context, view, params)
    article_filter = resolved.filter if name is None else _narrow(resolved.filter, *name)
    return FeedSource(context, view, params, article_filter, resolved.warnings, search)


async def resolve_saved_search(
    context: AppContext, view: RequestContext, params: FeedParams, row: SearchRow
) -> FeedSource:
    """The articles of a saved search. IndexBehind where there is no index yet."""
    index = get_index(context)
    question = await results.build_question(context, view, row)
    vocabulary = await index.vocabulary.get(view.head)
    nothing = ResolvedFilter(question.filter)
    search = ResolvedSearch(index, nothing, ParsedQuery(None), question, vocabulary)
    return FeedSource(context, view, params, question.filter, (), search, row)


@lru_cache(maxsize=256)
def _narrow(article_filter: ArticleFilter, attribute: str, id: int) -> ArticleFilter:
    """With one more tag or region. Kept, because making a filter and its hash takes a tenth of a document's time."""
    named = (*getattr(article_filter, attribute), id)
    return replace(article_filter, **{attribute: named})  # type: ignore[arg-type] # one of its lists


def read_place(params: FeedParams, name: str) -> CursorPosition:
    """Where the document begins; CursorInvalid and CursorMismatch for what no document of this feed has given."""
    if params.cursor is None:
        return queries.START
    cursor = paging.decode(params.cursor, _make_signature(params, name))
    null = cursor.key is None and params.sort == NEWEST and not params.q
    if cursor.kind != "after" or cursor.offset is not None or not (null or isinstance(cursor.key, int)):
        raise CursorInvalid("This is no cursor of this feed.")
    return CursorPosition("after", cursor.key, cursor.id)


def make_cursor(params: FeedParams, name: str, row: ListRow) -> str:
    return paging.encode(paging.Cursor("after", row.key, row.id), _make_signature(params, name))


def _make_signature(params: FeedParams, name: str) -> str:
    """`name`: that of the feed in its address, such as `tags/nato`."""
    return f"feed {name} {params.archive} {params.signature}"


def cut_to_archive(article_filter: ArticleFilter, month: str) -> ArticleFilter:
    """The articles of a month in UTC, or those without a date."""
    if month == UNDATED:
        return replace(article_filter, has_not=article_filter.has_not | BITS["date"])
    return query_plan.cut_span(article_filter, NEWEST, (find_start(month), find_end(month)))


def cut_before(article_filter: ArticleFilter, month: str) -> ArticleFilter:
    return query_plan.cut_span(article_filter, NEWEST, (None, find_start(month)))


def cut_after(article_filter: ArticleFilter, month: str) -> ArticleFilter:
    return query_plan.cut_span(article_filter, NEWEST, (find_end(month), None))


def format_month(at: int) -> str:
    """The month of a time in epoch seconds, such as `2025-11`."""
    moment = _EPOCH + timedelta(seconds=at)
    return f"{moment.year:04}-{moment.month:02}"


def find_start(month: str) -> int:
    """The first second of a month, such as `2025-11`, in epoch seconds."""
    year, number = map(int, month.split("-"))
    return int((datetime(year, number, 1, tzinfo=UTC) - _EPOCH).total_seconds())


def find_end(month: str) -> int:
    """The first second after a month."""
    year, number = map(int, month.split("-"))
    return find_start(f"{year + number // 12}-{number % 12 + 1:02}")
