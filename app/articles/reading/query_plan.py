"""Newest-first pages of a filter by tag or region, driven from the rows of one link in their index: what a page costs
depends on the page, not on how many articles have the tag.

Which link drives is decided from counts of the index; the others are looked up for each row that it leads to. Runs no
statement.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from sqlalchemy import ColumnElement, bindparam, select, tuple_, union, union_all

from app.articles.filters import ArticleFilter, Span
from app.articles.reading import filter_sql
from app.db.sql import AnyQuery, AnySelect, Value, is_undated
from app.enrich import suggestion
from app.models import Article, ArticleRegion, ArticleTag, table

A, TAGGED, PLACED = table(Article), table(ArticleTag), table(ArticleRegion)
MOST_BRANCHES = 8
FEW = 2_000
"""So many rows may be read in the event loop: some milliseconds."""

Weigh = Callable[[ArticleFilter], Awaitable[int | None]]
"""How many published articles a filter has, from memory or the index; None where there is none."""
Turn = Literal["start", "after", "before", "after_null", "before_null"]
"""From where and in which direction a page is read: from a row with a date, or from one without, which come last."""
Part = Literal["dated", "undated"]


@dataclass(frozen=True, slots=True)
class DrivingLink:
    """The link that leads to a page's rows: any of `ids`, and the filter that is left to be looked up."""

    name: Literal["tag", "region"]
    ids: tuple[int, ...]
    rest: ArticleFilter
    bounded: bool = False
    rows: int = field(default=0, compare=False)
    """How many it has, where that was weighed."""

    @property
    def shape(self) -> tuple[object, ...]:
        """What its statement depends on beside the shape of the rest; a region's roles and scope are the rest's."""
        return self.name, len(self.ids)


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """What was decided for a filter: None that no link drives it. `undated`: whether articles without a date are looked
    for, which there may be none of. `scan`: what is read where no index bounds that, None where one does."""

    driver: DrivingLink | None
    undated: bool
    scan: "Scan | None" = None


@dataclass(frozen=True, slots=True)
class Scan:
    """Of so many rows, `matches` are of the list, as the search index counts them."""

    rows: int
    matches: int

    def estimate(self, limit: int) -> float:
        """How many rows are read for so many of the list, if these lie evenly among them."""
        return limit * self.rows / self.matches if self.matches else float("inf")


def possible(article_filter: ArticleFilter) -> Iterator[DrivingLink]:
    """Each link of the filter that could drive it."""
    for name in ("tags", "authors", "sections", "regions"):
        ids: tuple[int, ...] = getattr(article_filter, name)
        if 0 < len(ids) <= MOST_BRANCHES:
            rest = replace(article_filter, **{name: ()})  # type: ignore[arg-type] # one of its lists
            yield DrivingLink("region" if name == "regions" else "tag", ids, rest)
    for i, tag in enumerate(article_filter.tags_all):
        yield DrivingLink(
            "tag",
            (tag,),
            replace(article_filter, tags_all=article_filter.tags_all[:i] + article_filter.tags_all[i + 1 :]),
        )
    for i, region in enumerate(article_filter.regions_all):
        rest = replace(article_filter, regions_all=article_filter.regions_all[:i] + article_filter.regions_all[i + 1 :])
        yield DrivingLink("region", (region,), rest)


@lru_cache(maxsize=256)
def _possible(article_filter: ArticleFilter) -> tuple[DrivingLink, ...]:
    """Already bounded where it is a tag of which every row is one of the list."""
    return tuple(replace(one, bounded=one.name == "tag" and _is_all(one)) for one in possible(article_filter))


async def choose(article_filter: ArticleFilter, sort: str, weigh: Weigh) -> DrivingLink | None:
    """The rarest link of a list by date; None where no link can drive. An article that is named needs none."""
    if not article_filter.public_only or article_filter.nothing or not sort.endswith("published_at"):
        return None
    if article_filter.ids is not None or article_filter.external_ids:
        return None
    if article_filter.translation_of is not None or article_filter.copy_of is not None:
        return None
    drivers = _possible(article_filter)
    if len(drivers) == 1 and drivers[0].bounded:
        return drivers[0]
    weighed = [(await _rows(driver, weigh), i) for i, driver in enumerate(drivers)]
    if not weighed:
        return None
    rows, i = min(weighed)
    return replace(drivers[i], bounded=await _is_bounded(article_filter, drivers[i], rows, weigh), rows=rows)


async def weigh_scan(article_filter: ArticleFilter, sort: str, driver: DrivingLink | None, weigh: Weigh) -> Scan | None:
    """Of a list that no index of SQL bounds; None where few rows are read, or where no search index can say."""
    rows = await weigh(keep_span(article_filter, sort)) if driver is None else driver.rows
    if rows is None or rows <= FEW:
        return None
    matches = await weigh(article_filter)
    return None if matches is None else Scan(rows, matches)


def keep_span(article_filter: ArticleFilter, sort: str) -> ArticleFilter:
    """What the filter asks of the time by which a list is sorted, and nothing else: what its index bounds."""
    name = sort.removeprefix("-").removesuffix("_at")
    if name == "published":
        return ArticleFilter(published=article_filter.published, coarse=article_filter.coarse)
    if name in ("updated", "created"):
        return ArticleFilter(**{name: getattr(article_filter, name)})
    return ArticleFilter()


def keep_link(driver: DrivingLink, sort: str) -> DrivingLink:
    """The rows of a link within what the filter asks of that time, whatever else it asks."""
    rest = replace(keep_span(driver.rest, sort), roles=driver.rest.roles, exact=driver.rest.exact)
    return replace(driver, rest=rest, bounded=True)


def cut_span(article_filter: ArticleFilter, sort: str, span: Span) -> ArticleFilter:
    """The filter for those that are within a span of the time by which a list is sorted."""
    name = sort.removeprefix("-").removesuffix("_at")
    cut = replace(article_filter, **{name: _intersect(getattr(article_filter, name), span)})  # type: ignore[arg-type] # a span
    if name != "published" or cut.coarse is None:
        return cut
    return replace(cut, coarse=_intersect(cut.coarse, span))


def _intersect(one: Span, other: Span) -> Span:
    starts = [start for start, _ in (one, other) if start is not None]
    ends = [end for _, end in (one, other) if end is not None]
    return max(starts, default=None), min(ends, default=None)


def _is_all(driver: DrivingLink) -> bool:
    """Whether every row of the link is one of the list: the rest asks for dates at most, as the index does."""
    rest = replace(driver.rest, published=(None, None), coarse=None, roles=suggestion.ABOUT, exact=False)
    return rest == _NOTHING_MORE


_NOTHING_MORE = ArticleFilter(roles=suggestion.ABOUT)
_EVERY_ROLE = suggestion.ABOUT | suggestion.MENTION | suggestion.DATELINE


async def _rows(driver: DrivingLink, weigh: Weigh) -> int:
    """How many rows the link has. A region's rows of other roles are read past, so they count."""
    if driver.name == "tag":
        count = await weigh(ArticleFilter(tags=driver.ids))
    else:
        count = await weigh(ArticleFilter(regions=driver.ids, roles=_EVERY_ROLE))
    return FEW + 1 if count is None else count


async def _is_bounded(article_filter: ArticleFilter, driver: DrivingLink, rows: int, weigh: Weigh) -> bool:
    """Whether few rows are read, or few in vain: all those of the link that are not of the list."""
    if rows <= FEW:
        return True
    if not _is_all(driver):
        return False
    count = await weigh(replace(article_filter, published=(None, None), coarse=None))
    return count is not None and rows - count <= FEW


def cut(statement: AnyQuery) -> AnyQuery:
    """The page: `limit` rows from `offset` on."""
    return statement.limit(bindparam("limit")).offset(bindparam("offset"))


def chain(part: Callable[[Part], AnySelect], turn: Turn) -> AnyQuery:
    """A page of a list by date: rows with a date and behind them those without, each as `part` reads them in order.

    One ORDER BY over both would sort all of them: no index of either database has nulls last in both directions. Of
    UNION ALL both read the second part only where the first has not filled the page (`LIMIT` in it keeps PostgreSQL
    from running both at once); no index is asked for it where pages are full.
    """
    if turn == "after_null":
        return cut(part("undated"))
    if turn == "before":
        return cut(part("dated"))
    order: tuple[Part, Part] = ("undated", "dated") if turn == "before_null" else ("dated", "undated")
    return cut(union_all(*(select(part(one).limit(bindparam("reach")).subquery()) for one in order)))


def statement(driver: DrivingLink, turn: Turn, *, descending: bool, undated: bool = True) -> AnyQuery:
    """Rows of (id, version, published_at), as values of `values` and the `limit` and `offset` of the page say; without
    `undated` only those with a date."""

    def part(which: Part) -> AnySelect:
        return _part(driver, which, turn, descending=descending)

    is_chained = (undated and driver.rest.takes_undated) or turn.endswith("_null")
    return chain(part, turn) if is_chained else cut(part("dated"))


def _part(driver: DrivingLink, which: Part, turn: Turn, *, descending: bool) -> AnySelect:
    if len(driver.ids) == 1:
        return _branch(driver, 0, which, turn, descending=descending)
    branches = [_branch(driver, i, which, turn, descending=descending) for i in range(len(driver.ids))]
    # An article with several of the tags comes from several branches: UNION leaves one of its rows.
    reached = [select(branch.limit(bindparam("reach")).subquery()) for branch in branches]
    rows = union(*reached).subquery()
    id, _, at = rows.c
    return select(rows).order_by(at.desc() if descending else at, id.desc() if descending else id)


def _branch(driver: DrivingLink, i: int, which: Part, turn: Turn, *, descending: bool) -> AnySelect:
    link, column = (TAGGED, TAGGED.c.tag_id) if driver.name == "tag" else (PLACED, PLACED.c.region_id)
    at, id = link.c.published_at, link.c.article_id
    kind = (at.is_not(None),) if which == "dated" else is_undated(link)
    statement = (
        select(A.c.id, A.c.version, at)
        .select_from(link)
        .join(A, A.c.id == id)
        .where(column == bindparam(f"drive_{i}", type_=column.type), *kind)
        .where(*filter_sql.looked_up(driver.rest), *_link_date_conditions(driver.rest, at))
    )
    if driver.name == "region":
        statement = statement.where(filter_sql.in_role(driver.rest))
    by_id = id.desc() if descending else id
    if which == "undated":
        after = bindparam("id", type_=id.type)
        statement = statement.where(id < after if descending else id > after) if turn.endswith("_null") else statement
        return statement.order_by(by_id)
    if turn in ("after", "before"):
        row, bound = tuple_(at, id), tuple_(bindparam("key", type_=at.type), bindparam("id", type_=id.type))
        statement = statement.where(row < bound if descending else row > bound)
    return statement.order_by(at.desc() if descending else at, by_id)


def _link_date_conditions(rest: ArticleFilter, at: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """The dates asked for once more, of the link: its index then begins where they do."""
    if rest.coarse is None:
        return filter_sql.span("published", at, rest.published)
    return filter_sql.span("around", at, filter_sql.merge_periods(rest))


def values(driver: DrivingLink, limit: int, offset: int) -> dict[str, Value]:
    """What the statement binds beside the place of the page."""
    bound: dict[str, Value] = {**filter_sql.values(driver.rest), "limit": limit, "offset": offset}
    bound |= {f"drive_{i}": id for i, id in enumerate(driver.ids)}
    bound["reach"] = limit + offset
    if driver.name == "region":
        bound["roles"] = driver.rest.roles
    return bound
