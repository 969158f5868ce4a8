"""Pages of the article list that has a query, `q`: for keys that may read every state, in the states that it names.

Which articles have the words the index says, a moment late; what is shown of them SQL says as of now, so that nothing
is found in a state or behind a filter that it has left.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from app.articles.filters import PUBLISHED, ArticleFilter
from app.articles.reading import queries
from app.articles.reading.filter_warnings import Warning
from app.articles.reading.queries import TIME_SORTS, ListRow, TimeSort
from app.articles.routes import list_pages
from app.articles.routes.list_pages import RELEVANCE, ArticleListParams
from app.context import AppContext, RequestContext
from app.context.protocols import FoundRows, ListSearch
from app.errors import FieldError, InvalidInput, InvalidValue, PageTooDeep
from app.http import paging
from app.http.params.parser import MAX_DEPTH

SCOPE = "read_drafts"
Found = tuple[list[ListRow], paging.PageInfo, list[Warning]]


def check_words(context: AppContext, view: RequestContext, params: ArticleListParams) -> bool:
    """Whether there are words to look for. InvalidInput where the caller has no such parameter, or where the order is
    one of words and there are none."""
    if params.q is not None and not view.caller.has_scope(SCOPE):
        raise params.declared.make_unknown("q")
    has_words = bool(params.q) and _get_search(context).has_words(params.q or "")
    if params.sort == RELEVANCE and not has_words:
        detail = "sort=relevance needs q." if view.caller.has_scope(SCOPE) else "Only /v1/search has sort=relevance."
        raise InvalidInput(FieldError(InvalidValue.code, detail, "sort", None, list_pages.list_sorts(())))
    return has_words


def warn_of_signs(params: ArticleListParams, has_words: bool) -> list[Warning]:
    """A query of nothing but signs narrows the list by nothing."""
    if has_words or not (params.q or "").strip():
        return []
    detail = "There is no letter, digit or emoji to look for, so the list is as without q."
    return [{"code": "nothing_to_search", "parameter": "q", "detail": detail}]


async def load_page(
    context: AppContext,
    view: RequestContext,
    params: ArticleListParams,
    article_filter: ArticleFilter,
    missing: tuple[int, ...] | None,
) -> Found:
    """The rows of the page, what leads on from it, and what to warn of. IndexBehind where there is no index yet."""
    sort = _choose_sort(params, article_filter)
    if sort == RELEVANCE:
        rows, page, warnings = await _load_best(context, view, params, article_filter, missing)
    else:
        place = list_pages.read_place(params)
        limit = params.limit + 1
        search = _get_search(context)
        results = await search.find_by_time(params.q or "", article_filter, view, cast("TimeSort", sort), limit, place)
        rows, page = list_pages.cut_page(params, place, results.rows, _read_total(params, results), missing)
        warnings = []
    return await _load_current(context, article_filter, rows), page, warnings


def _get_search(context: AppContext) -> ListSearch:
    assert context.list_search is not None, "the server has one"
    return context.list_search


def _choose_sort(params: ArticleListParams, article_filter: ArticleFilter) -> str:
    is_mixed = "published" in article_filter.statuses and article_filter.statuses != PUBLISHED
    if "sort" not in params.given_names:
        return params.sort if is_mixed else RELEVANCE
    if params.sort == RELEVANCE and is_mixed:
        detail = "Published articles and others cannot be ranked together: ask for either, or for an order by time."
        raise InvalidValue(detail, "sort")
    if params.sort not in (*TIME_SORTS, RELEVANCE):
        detail = "With q there is no order by title."
        raise InvalidInput(FieldError(InvalidValue.code, detail, "sort", None, list_pages.list_sorts(("q",))))
    return params.sort


def _read_total(params: ArticleListParams, results: FoundRows) -> tuple[int | None, paging.TotalIs]:
    return (None, "none") if params.count == "none" else (results.total, "exact")


async def _load_best(
    context: AppContext,
    view: RequestContext,
    params: ArticleListParams,
    article_filter: ArticleFilter,
    missing: tuple[int, ...] | None,
) -> Found:
    """By relevance, pages go by their number: a score is none of an article's own."""
    # Without a sort of its own, which a cursor by date may have too.
    signature = f"articles by relevance {params.signature}"
    offset, today = (params.page - 1) * params.limit if params.page else 0, view.now
    seq: object = None
    if params.cursor is not None:
        cursor = paging.decode(params.cursor, signature)
        pinned_today, seq = (*cursor.extra, None, None)[:2]
        offset, today = cursor.offset or 0, pinned_today if isinstance(pinned_today, int) else view.now
    if offset >= MAX_DEPTH:
        raise PageTooDeep(f"By relevance, pages reach {MAX_DEPTH} deep; sort by date to go on.", "cursor")
    limit = min(params.limit + 1, MAX_DEPTH - offset)
    search = _get_search(context)
    results = await search.find_by_relevance(params.q or "", article_filter, view, offset, limit, today)
    onward = len(results.rows) > params.limit
    pinned = (today, results.seq)
    total, total_is = _read_total(params, results)
    behind: int = offset + params.limit
    before = max(0, offset - params.limit) if offset else None
    if not results.rows:
        before = paging.find_last_page(offset, params.limit, results.total, "exact")
    page = paging.PageInfo(
        params.limit,
        number=params.page,
        next=paging.encode(paging.Cursor("after", offset=behind, extra=pinned), signature) if onward else None,
        previous=None
        if before is None
        else paging.encode(paging.Cursor("before", offset=before, extra=pinned), signature),
        total=total,
        total_is=total_is,
        missing=missing,
    )
    detail = "The index has moved on since the first page: articles may repeat or be missed."
    moved: Warning = {"code": "results_moved", "parameter": "cursor", "detail": detail}
    return results.rows[: params.limit], page, [moved] if seq not in (None, results.seq) else []


async def _load_current(context: AppContext, article_filter: ArticleFilter, rows: Sequence[ListRow]) -> list[ListRow]:
    """The rows in their order, each in the version that it has now; without those that the filter means no more."""
    if not rows:
        return []
    still = replace(article_filter, ids=tuple(row.id for row in rows))
    current = {row.id: row for row in await queries.load_page(context.db, still, "-published_at", len(rows))}
    return [current[row.id] for row in rows if row.id in current]
