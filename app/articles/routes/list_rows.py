"""Rows of a list, whatever its filter. Where no index of the database leads to them, the search index names the
articles among which they are, and SQL says which of these the list has now, in which order.

Without that, a filter that few articles match, such as a language or a source, would read the whole archive for a page:
three seconds of a million articles.
"""

from dataclasses import dataclass, replace
from functools import partial

from app.articles.filters import ArticleFilter
from app.articles.reading import queries, query_plan
from app.articles.reading.queries import START, TIME_SORTS, CursorPosition, ListRow
from app.articles.reading.query_plan import FEW, DrivingLink, QueryPlan, Scan
from app.context import AppContext, RequestContext
from app.context.protocols import NamedArticles

MARGIN = 10
"""Articles that are named beyond those of a page: some may leave the list before SQL is asked."""
MOST_NAMED = 1_000
"""A page may lie so far in; what lies deeper, by its number, SQL counts off."""


async def choose_plan(context: AppContext, view: RequestContext, article_filter: ArticleFilter, sort: str) -> QueryPlan:
    """Decided once for as long as nothing is committed. What is committed later need not be in this page."""
    key = ("driver", article_filter, sort)
    plan = context.memo.get(view.head, key)
    if isinstance(plan, QueryPlan):
        return plan

    async def weigh(weighed: ArticleFilter) -> int | None:
        return await context.index.total(weighed, view.head)

    driver = await query_plan.choose(article_filter, sort, weigh)
    undated: object = True
    if sort.endswith("published_at"):
        undated = context.memo.get(view.head, "undated")
        if not isinstance(undated, bool):
            undated = await queries.has_undated(context.db)
            context.memo.put(view.head, "undated", undated)
    is_bounded = queries.is_bounded(article_filter, sort) if driver is None else driver.bounded
    scan = None
    if article_filter.public_only and not is_bounded:
        scan = await query_plan.weigh_scan(article_filter, sort, driver, weigh)
    plan = QueryPlan(driver, bool(undated), scan)
    context.memo.put(view.head, key, plan)
    return plan


async def load_rows(
    context: AppContext,
    view: RequestContext,
    plan: QueryPlan,
    article_filter: ArticleFilter,
    sort: str,
    limit: int,
    place: CursorPosition = START,
) -> list[ListRow]:
    """As `queries.load_page` has them. `plan`: what was chosen for this filter and order."""
    scan, db = plan.scan, context.db
    if scan is not None and scan.estimate(place.offset + limit) <= FEW:
        # They lie close together, unless all of them are old: only so far is looked for them.
        near = await _cut_near(context, view, plan.driver, article_filter, sort, place)
        rows = [] if near is None else await queries.load_page(db, *near.ask(sort, limit, place), undated=plan.undated)
        if len(rows) >= limit or (near is not None and near.is_all):
            return rows
    named = None if scan is None else await _name_articles(context, view, scan, article_filter, sort, limit, place)
    if named is not None:
        rows = await queries.load_page(db, replace(article_filter, ids=named.ids), sort, limit, place)
        # Fewer, though there are more: what was named has left the list since.
        if len(rows) >= limit or named.is_all:
            return rows
    return await queries.load_page(db, article_filter, sort, limit, place, plan.driver, undated=plan.undated)


async def _name_articles(
    context: AppContext,
    view: RequestContext,
    scan: Scan,
    article_filter: ArticleFilter,
    sort: str,
    limit: int,
    place: CursorPosition,
) -> NamedArticles | None:
    """None where the index cannot say, or where they would be too many."""
    if sort not in TIME_SORTS:
        # It has no order by title: all of them are named, or none.
        name = partial(context.index.name_articles, article_filter, "-published_at", MOST_NAMED + MARGIN, START)
        named = await name(view.head) if scan.matches <= MOST_NAMED else None
        return named if named is not None and named.is_all else None
    reach = place.offset + limit + MARGIN
    if reach > MOST_NAMED:
        return None
    start = replace(place, offset=0)
    return await context.index.name_articles(article_filter, sort, reach, start, view.head)


@dataclass(frozen=True, slots=True)
class _NearRows:
    """A filter with what drives it, as far as the next FEW rows reach; `is_all`: as far as all of them."""

    filter: ArticleFilter
    driver: DrivingLink | None
    is_all: bool

    def ask(
        self, sort: str, limit: int, place: CursorPosition
    ) -> tuple[ArticleFilter, str, int, CursorPosition, DrivingLink | None]:
        return self.filter, sort, limit, place, self.driver


async def _cut_near(
    context: AppContext,
    view: RequestContext,
    driver: DrivingLink | None,
    article_filter: ArticleFilter,
    sort: str,
    place: CursorPosition,
) -> _NearRows | None:
    """None where these rows reach behind those with a date, or begin there. By title there are no such rows: all are
    read."""
    whole = _NearRows(article_filter, driver, is_all=True)
    if sort not in TIME_SORTS:
        return whole
    if place.id is not None and place.key is None:
        return None
    every = query_plan.keep_span(article_filter, sort)
    link = None if driver is None else query_plan.keep_link(driver, sort)
    key = ("near", every, link, sort)
    edge = context.memo.get(view.head, key) if place == START else None
    if not isinstance(edge, list):
        further = replace(place, offset=place.offset + FEW)
        edge = await queries.load_page(context.db, every, sort, 1, further, link)
        if place == START:
            context.memo.put(view.head, key, edge)
    if not edge:
        return whole
    if not isinstance(edge[0].key, int):
        return None
    is_downwards = sort.startswith("-") != (place.kind == "before")
    span = (edge[0].key, None) if is_downwards else (None, edge[0].key + 1)
    if driver is not None:
        driver = replace(driver, rest=query_plan.cut_span(driver.rest, sort, span))
    return _NearRows(query_plan.cut_span(article_filter, sort, span), driver, is_all=False)
