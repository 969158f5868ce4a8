"""Search over HTTP: reads the query, asks the index, shows cards. Finds published articles only, for every caller."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.reading.queries import ListRow
from app.articles.render import article_json, csv_rows
from app.articles.render.left_out import refuse_left_out
from app.articles.render.structured import examples as format_examples
from app.articles.render.structured import pages
from app.articles.render.structured.formats import CSV, STRUCTURED, describe_contents
from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import FieldError, InvalidInput, InvalidValue, PageTooDeep
from app.http import csv_text, fast_path, paging, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_list, describe_problems
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.negotiation import Representation
from app.http.params.typed import AsOf, Paging, Params
from app.search import schemas
from app.search.engine import DEEPEST, FacetName, Order, Question, Recency, ResultPage, SearchHit
from app.search.index import EngineIndex
from app.search.params import DAY, QueryParams, ResolvedSearch, choose_match, resolve_search
from app.search.render import facets
from app.search.render import hits as render_hits
from app.search.routes import examples
from app.search.vocabulary import completion
from app.search.vocabulary.names import Realm
from app.tags import queries as tags

router = APIRouter(prefix="/v1", tags=["search"], route_class=ApiRoute)


def list_orders(parameters: Collection[str]) -> tuple[Order, ...]:
    """The orders of a search, by the parameters that are given: without words there is no relevance."""
    return tuple(order for order in get_args(Order) if order != "relevance" or "q" in parameters)


class RankParams(Params):
    """In which order hits come."""

    sort: Parameter[Order | None] = parser.choice(
        "sort", "`relevance` needs `q`, and is the default with it.", get_args(Order), available=list_orders
    )
    prefix = parser.flag("prefix", "The last word may be unfinished: search as you type.")
    recency: Parameter[Recency] = parser.choice(
        "recency", "How much newer articles stand above older ones.", get_args(Recency), "normal"
    )


class SearchParams(QueryParams, RankParams, facets.FacetParams, render_hits.HitParams, Paging, AsOf, pages.ListFormat):
    """Of a search."""


Kind = Literal["tag", "region", "author", "article"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class SuggestParams(Params):
    """Of suggestions."""

    q = parser.text(
        "q", "What has been typed so far; empty: the most used.", maximum=100, example="nat", may_be_empty=True
    )
    types = parser.choices("types", "Kinds of suggestions; all of them unless given.", KINDS)
    limit = parser.integer(
        "limit", "How many of each kind.", default=5, minimum=1, maximum=20, excess="limit_too_large"
    )


REVERSED: Mapping[Order, Order] = {"-published_at": "published_at", "published_at": "-published_at"}


@dataclass(frozen=True, slots=True)
class PagePosition:
    """Where in the results a page begins; `at` is the clock that the first page saw, `moved` whether the index has
    changed since."""

    offset: int = 0
    key: int | None = None
    backwards: bool = False
    at: int = 0
    moved: bool = False


@router.get(
    "/search",
    name="search_articles",
    summary="Search the full text",
    response_model=schemas.SearchResults,
    responses=describe_list(
        examples.RESULTS, csv_text.CONTENT | describe_contents(format_examples.LIST), responses.WARNINGS
    )
    | describe_problems(
        "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep", "offset_required",
        "unknown_field", "unknown_region", "query_too_complex", "response_too_large", "seq_unknown", "index_behind",
        "not_acceptable",
    ),
)  # fmt: skip
@fast_path.declare
async def search_articles(request: Request, context: Context, view: AnyCaller, params: SearchParams) -> Response:
    """Published articles that match a query, the best first, within any filter of the article list."""
    chosen = pages.choose_of_list(request, params, *_OF_JSON_ALONE)
    _check_sheet(params, chosen)
    refuse_left_out(context.cards.left_out, "highlight", params.highlight)
    await context.wait_for(params.min_seq, view.head)
    resolved = await resolve_search(context, view, params)
    order = _choose_order(resolved, params)
    position = _read_position(resolved, order, view, params)
    resolved = replace(resolved, question=_complete_question(resolved.question, params, order, position))
    results = await resolved.index.search(resolved.question)
    if position.backwards:
        results = replace(results, hits=results.hits[::-1])
    warnings = resolved.resolved_filter.warnings
    if position.moved:
        detail = "The index has moved on since the first page: hits may repeat or be missed."
        warnings.append({"code": "results_moved", "parameter": "cursor", "detail": detail})
    limit, more = params.limit, len(results.hits) > params.limit
    hits = (results.hits[1:] if position.backwards else results.hits[:limit]) if more else results.hits
    page = _make_page(params, view, resolved.question.order, position, hits, results, more=more)
    token = view.make_token_as_of(results.position)
    tags_of_cache = ["list", "search", *(f"article:{hit.id}" for hit in hits)]
    if chosen in STRUCTURED:
        entries = [ListRow(hit.id, hit.version, None) for hit in hits]
        body = await pages.write_page(request, context, view, entries, params, chosen, page)
        return responses.render_document(
            request, body, page, content_type=chosen.content_type, token=token, public=view.public,
            warnings=warnings, tags=tags_of_cache, uses_now=params.uses_now,
        )  # fmt: skip
    if chosen is CSV:
        body = await _write_sheet(context, view, params, hits)
        return responses.render_csv(
            request, body, page, name="search", bom=params.bom, token=token, public=view.public,
            warnings=warnings, tags=tags_of_cache, uses_now=params.uses_now,
        )  # fmt: skip
    rows = await render_hits.render_rows(context, view, params, resolved, results, hits)
    extra: dict[str, object] = {"query": render_hits.describe_query(params.q, resolved, results)}
    if params.facets:
        extra["facets"] = await _render_facets(context, view, params, resolved)
    return responses.render_list(
        request,
        rows,
        page,
        token=token,
        public=view.public,
        warnings=warnings,
        extra=extra,
        tags=tags_of_cache,
        uses_now=params.uses_now,
    )


_OF_JSON_ALONE = ("facets", "highlight", "explain")


def _check_sheet(params: SearchParams, chosen: Representation) -> None:
    """InvalidInput for what a sheet has no room for."""
    named = [name for name in _OF_JSON_ALONE if getattr(params, name)]
    if chosen is CSV and named:
        raise InvalidInput(*(FieldError("invalid_range", f"CSV has no {name}.", name) for name in named))


async def _write_sheet(
    context: AppContext, view: RequestContext, params: SearchParams, hits: Sequence[SearchHit]
) -> bytes:
    """The hits as the article list has its rows, in their order, with their scores behind."""
    entries = [ListRow(hit.id, hit.version, None) for hit in hits]
    cards = await article_json.render_articles(context, view, entries, params=params)
    scores = [None if hit.score is None else round(hit.score, 4) for hit in hits if hit.id in cards]

    def write() -> bytes:
        head, *cells = csv_rows.rows(article_json.list_rows(entries, cards), params, context.cards.left_out)
        scored = ([*row, score] for row, score in zip(cells, scores, strict=True))
        return csv_text.write_rows([[*head, "score"], *scored])

    return await asyncio.to_thread(write)


def _choose_order(resolved: ResolvedSearch, params: SearchParams) -> Order:
    order = params.sort or resolved.question.order
    if order == "relevance" and resolved.question.tree is None:
        detail = "sort=relevance needs q."
        raise InvalidInput(FieldError(InvalidValue.code, detail, "sort", None, list_orders(())))
    return order


def _read_position(resolved: ResolvedSearch, order: Order, view: RequestContext, params: SearchParams) -> PagePosition:
    if params.cursor is None:
        return PagePosition(offset=(params.page - 1) * params.limit if params.page else 0, at=view.now)
    cursor = paging.decode(params.cursor, _make_signature(params))
    at, seq = (*cursor.extra, None, None)[:2]
    pinned = at if isinstance(at, int) else view.now
    if order != "relevance":
        if not isinstance(cursor.key, int):  # of an empty page that has a number
            return PagePosition(offset=min(cursor.offset or 0, DEEPEST), at=pinned)
        return PagePosition(key=cursor.key, backwards=cursor.kind == "before", at=pinned)
    return PagePosition(
        offset=max(0, cursor.offset or 0), at=pinned, moved=seq != _public_seq(resolved.index.seq(), view)
    )


def _public_seq(seq: int | None, view: RequestContext) -> int | None:
    """How far the index is as far as the public may know: rows about drafts move it too, and change no result."""
    return None if seq is None else min(seq, view.head.public_seq)


def _complete_question(question: Question, params: SearchParams, order: Order, position: PagePosition) -> Question:
    """The page's question: one more hit than it shows, to know whether there is a next one."""
    limit = params.limit
    max_rows = DEEPEST - position.offset if order == "relevance" else limit + 1
    if max_rows <= 0:
        raise PageTooDeep(f"By relevance, pages reach {DEEPEST} deep; sort by date to go on.", "cursor")
    return replace(
        question,
        order=REVERSED[order] if position.backwards else order,
        match=choose_match(params.match, order),
        prefix=params.prefix,
        recency=params.recency,
        undated="first" if position.backwards else "last",
        limit=min(limit + 1, max_rows),
        offset=position.offset,
        after=position.key,
        today=position.at - position.at % DAY,
    )


def _make_signature(params: SearchParams) -> str:
    """Another list's cursor is none of a search."""
    return f"search {params.signature}"


async def _render_facets(
    context: AppContext, view: RequestContext, params: SearchParams, resolved: ResolvedSearch
) -> Mapping[FacetName, list[facets.Value]]:
    names, article_filter = params.facets, resolved.resolved_filter.filter
    counts = await resolved.index.count_facets(resolved.question, names)
    sources = await context.sources() if "source" in names else {}
    ids = (int(tag) for name in facets.TAGS.intersection(names) for tag in counts[name])
    vocabulary = await resolved.index.vocabulary.get(view.head, ids)
    rendered = {}
    for name in names:
        selected = facets.find_selected(name, article_filter, params.year)
        rendered[name] = facets.render_facet(name, counts[name], selected, params, view.atlas, vocabulary, sources)
    if params.names_language is not None:
        slugs = sorted({str(row["value"]) for name in facets.TAGS & rendered.keys() for row in rendered[name]})
        tag_names = await tags.names_in(context.db, slugs, params.names_language)
        facets.rename_values(rendered, view.atlas, tag_names, params.names_language)
    return rendered


def _make_page(
    params: SearchParams,
    view: RequestContext,
    order: Order,
    position: PagePosition,
    hits: tuple[SearchHit, ...],
    results: ResultPage,
    *,
    more: bool,
) -> paging.PageInfo:
    limit = params.limit
    onward = more or position.backwards
    back = more if position.backwards else position.offset > 0 or position.key is not None
    pinned = (position.at, _public_seq(results.position.seq, view))
    if not hits:
        next_, previous = _lead_back(position, limit, order, results.total, pinned)
    elif order == "relevance":
        onward = onward and position.offset + limit < DEEPEST
        next_ = paging.Cursor("after", offset=position.offset + limit, extra=pinned)
        previous = paging.Cursor("before", offset=max(0, position.offset - limit), extra=pinned)
    else:
        next_ = paging.Cursor("after", hits[-1].newest, extra=pinned)
        previous = paging.Cursor("before", hits[0].newest, extra=pinned)
    counted = params.count != "none"
    return paging.PageInfo(
        limit,
        number=params.page,
        next=paging.encode(next_, _make_signature(params)) if next_ and onward else None,
        previous=paging.encode(previous, _make_signature(params)) if previous and back else None,
        total=results.total if counted else None,
        total_is="exact" if counted else "none",
    )


def _lead_back(
    position: PagePosition, limit: int, order: Order, total: int, pinned: tuple[int, int | None]
) -> tuple[paging.Cursor | None, paging.Cursor | None]:
    """From an empty page to the hits that there are: on from before the first one, or back from behind the last."""
    if position.key is None:
        start = paging.find_last_page(position.offset, limit, total, "exact")
        return None, None if start is None else paging.Cursor("before", offset=start, extra=pinned)
    kind: paging.Kind = "before" if position.backwards else "after"
    descending = (order == "-published_at") != position.backwards  # backwards the index is asked the other way round
    key = paging.step_aside(position.key, kind=kind, descending=descending)
    if position.backwards:
        return paging.Cursor("after", key, extra=pinned), None
    return None, paging.Cursor("before", key, extra=pinned)


@router.get(
    "/suggest",
    name="suggest",
    summary="Suggest names and titles while somebody types",
    response_model=schemas.Suggestions,
    responses=describe_item(examples.COMPLETIONS) | describe_problems("limit_too_large", "index_behind"),
)
@fast_path.declare
async def suggest_words(request: Request, context: Context, view: AnyCaller, params: SuggestParams) -> Response:
    """Tags, regions, authors and articles for what has been typed so far; one typo is forgiven from 4 letters on."""
    index = context.index
    assert isinstance(index, EngineIndex)
    token, vocabulary = context.make_index_token(view), await index.vocabulary.get(view.head)
    counts: dict[Realm, Mapping[int, int]] = {"tag": await index.count_tags(view.head)}
    counts["region"] = await index.count_regions(view.head)
    q, limit = params.q or "", params.limit
    groups: list[dict[str, object]] = []
    for kind in params.types or KINDS:
        if kind == "article":
            groups.append({"type": kind, "items": await _suggest_titles(context, view, index, q, limit)})
            continue
        completions = completion.complete_names(vocabulary, counts, kind, q, limit)
        items = [{"type": kind, "text": s.entry.name, "ref": s.entry.slug, "count": s.count} for s in completions]
        groups.append({"type": kind, "items": items})
    body = orjson.dumps({"groups": groups})
    return responses.render_item(request, body, token=token, public=view.public, tags=["list", "suggest"])


async def _suggest_titles(
    context: AppContext, view: RequestContext, index: EngineIndex, q: str, limit: int
) -> list[dict[str, object]]:
    hits = await index.find_titles(q, await index.find_excluded(view.head), limit)
    cards = await context.cards.get([(hit.id, hit.version) for hit in hits], view.atlas)
    cards_json = [orjson.loads(cards[hit.id]) for hit in hits if hit.id in cards]
    return [{"type": "article", "text": card["title"], "ref": card["slug"], "count": None} for card in cards_json]
