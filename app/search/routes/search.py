"""Search over HTTP: reads the query, asks the index, shows cards. Finds published articles only, for every caller."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.render import article_json
from app.context import AppContext, RequestContext, get_context
from app.errors import PageTooDeep
from app.http import fast_path, paging, responses
from app.http.openapi import describe_problems
from app.http.paging import Cursor, PageInfo
from app.http.params import parser
from app.http.params.parser import Parameters, Read
from app.regions import refs
from app.search import params, schemas
from app.search.engine import DEEPEST, FacetName, Order, Question, ResultPage, SearchHit
from app.search.index import EngineIndex
from app.search.params import ResolvedSearch
from app.search.render import facets, hits as render_hits
from app.search.vocabulary import completion
from app.search.vocabulary.names import Realm
from app.tags import queries as tags

router = APIRouter(prefix="/v1", tags=["search"])

SEARCH = Parameters(
    *params.WORDS,
    parser.choice(
        "sort",
        "`relevance` needs `q`, and is the default with it.",
        ("relevance", "-published_at", "published_at"),
    ),
    parser.flag("prefix", "The last word may be unfinished: search as you type."),
    parser.choice("recency", "How much newer articles stand above older ones.", ("off", "normal", "strong"), "normal"),
    *facets.PARAMETERS,
    *render_hits.PARAMETERS,
    parser.limit(),
    parser.CURSOR,
    parser.PAGE,
    parser.COUNT,
    parser.MIN_SEQ,
    *article_json.PARAMETERS,
)  # fmt: skip
SUGGEST = Parameters(
    parser.text(
        "q", "What has been typed so far; empty: the most used.", maximum=100, example="nat", may_be_empty=True
    ),
    parser.choices("types", "Kinds of suggestions; all of them unless given.", ("tag", "region", "author", "article")),
    parser.integer("limit", "How many of each kind.", default=5, minimum=1, maximum=20, excess="limit_too_large"),
)


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
    response_model=schemas.SearchResults,
    responses=describe_problems(
        "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep", "offset_required",
        "unknown_field", "unknown_region", "query_too_complex", "response_too_large", "seq_unknown", "index_behind",
    ),
    openapi_extra={"parameters": SEARCH.openapi()},
)  # fmt: skip
@fast_path.declare
async def search_articles(request: Request) -> Response:
    """Published articles that match a query, the best first, within any filter of the article list."""
    context = get_context(request)
    view = await context.view(request)
    read = SEARCH.read(request.scope["query_string"], view.now)
    resolved = await params.resolve_search(context, view, read)
    turn = _read_position(resolved, view, read)
    resolved = replace(resolved, question=_apply_position(resolved, turn, read.integer("limit")))
    results = await resolved.index.search(resolved.question)
    if turn.backwards:
        results = replace(results, hits=results.hits[::-1])
    if turn.moved:
        detail = "The index has moved on since the first page: hits may repeat or be missed."
        resolved.resolved_filter.warnings.append({"code": "results_moved", "parameter": "cursor", "detail": detail})
    return await _render_results(request, context, view, read, resolved, turn, results)


def _read_position(resolved: ResolvedSearch, view: RequestContext, read: Read) -> PagePosition:
    number, text = read.integer_or_none("page"), read.text("cursor")
    if text is None:
        return PagePosition(offset=(number - 1) * read.integer("limit") if number else 0, at=view.now)
    cursor = paging.decode(text, _make_signature(read))
    at, seq = (*cursor.extra, None, None)[:2]
    pinned = at if isinstance(at, int) else view.now
    if resolved.question.order != "relevance":
        key = cursor.key if isinstance(cursor.key, int) else None
        return PagePosition(key=key, backwards=cursor.kind == "before", at=pinned)
    return PagePosition(
        offset=max(0, cursor.offset or 0), at=pinned, moved=seq != _public_seq(resolved.index.seq(), view)
    )


def _public_seq(seq: int | None, view: RequestContext) -> int | None:
    """How far the index is as far as the public may know: rows about drafts move it too, and change no result."""
    return None if seq is None else min(seq, view.head.public_seq)


def _apply_position(resolved: ResolvedSearch, position: PagePosition, limit: int) -> Question:
    """The page's question: one more hit than it shows, to know whether there is a next one."""
    question, order = resolved.question, resolved.question.order
    max_rows = DEEPEST - position.offset if order == "relevance" else limit + 1
    if max_rows <= 0:
        raise PageTooDeep(f"By relevance, pages reach {DEEPEST} deep; sort by date to go on.", "cursor")
    return replace(
        question,
        order=_reverse(order) if position.backwards else order,
        undated="first" if position.backwards else "last",
        limit=min(limit + 1, max_rows),
        offset=position.offset,
        after=position.key,
        today=position.at - position.at % params.DAY,
    )


def _make_signature(read: Read) -> str:
    """Another list's cursor is none of a search."""
    return f"search {read.signature}"


def _reverse(order: Order) -> Order:
    return "published_at" if order == "-published_at" else "-published_at"


async def _render_results(
    request: Request,
    context: AppContext,
    view: RequestContext,
    read: Read,
    resolved: ResolvedSearch,
    position: PagePosition,
    results: ResultPage,
) -> Response:
    limit = read.integer("limit")
    more = len(results.hits) > limit
    hits = (results.hits[1:] if position.backwards else results.hits[:limit]) if more else results.hits
    rows = await render_hits.render_rows(context, view, read, resolved, results, hits)
    extra: dict[str, object] = {"query": render_hits.describe_query(read, resolved, results)}
    if read.choices("facets"):
        extra["facets"] = await _render_facets(context, view, read, resolved)
    return responses.render_list(
        request,
        rows,
        _make_page(read, view, resolved.question.order, position, hits, results, more=more),
        token=view.token,
        public=view.public,
        warnings=resolved.resolved_filter.warnings,
        extra=extra,
        tags=["list", "search", *(f"article:{hit.id}" for hit in hits)],
        uses_now=read.uses_now,
    )


async def _render_facets(
    context: AppContext, view: RequestContext, read: Read, resolved: ResolvedSearch
) -> Mapping[FacetName, list[facets.Value]]:
    names = facets.requested_facets(read)
    counts = await resolved.index.count_facets(resolved.question, names)
    sources = await context.sources() if "source" in names else {}
    ids = (int(tag) for name in facets.TAGS.intersection(names) for tag in counts[name])
    vocabulary = await resolved.index.load_vocabulary(view.head, ids)
    rendered = {
        name: facets.render_facet(
            name, counts[name], resolved.resolved_filter.filter, read, view.atlas, vocabulary, sources
        )
        for name in names
    }
    language = refs.language(read)
    if language is not None:
        slugs = sorted({str(row["value"]) for name in facets.TAGS & rendered.keys() for row in rendered[name]})
        facets.rename_values(rendered, view.atlas, await tags.names_in(context.db, slugs, language), language)
    return rendered


def _make_page(
    read: Read,
    view: RequestContext,
    order: Order,
    position: PagePosition,
    hits: tuple[SearchHit, ...],
    results: ResultPage,
    *,
    more: bool,
) -> PageInfo:
    limit, number = read.integer("limit"), read.integer_or_none("page")
    onward = bool(hits) and (more or position.backwards)
    back = bool(hits) and (more if position.backwards else position.offset > 0 or position.key is not None)
    pinned = (position.at, _public_seq(results.position.seq, view))
    if order == "relevance":
        onward = onward and position.offset + limit < DEEPEST
        next_ = Cursor("after", offset=position.offset + limit, extra=pinned)
        previous = Cursor("before", offset=max(0, position.offset - limit), extra=pinned)
    else:
        next_ = Cursor("after", hits[-1].newest if hits else 0, extra=pinned)
        previous = Cursor("before", hits[0].newest if hits else 0, extra=pinned)
    counted = read.choice("count") != "none"
    return PageInfo(
        limit,
        number=number,
        next=paging.encode(next_, _make_signature(read)) if onward else None,
        previous=paging.encode(previous, _make_signature(read)) if back else None,
        total=results.total if counted else None,
        total_is="exact" if counted else "none",
    )


@router.get(
    "/suggest",
    name="suggest",
    response_model=schemas.Suggestions,
    responses=describe_problems("limit_too_large", "index_behind"),
    openapi_extra={"parameters": SUGGEST.openapi()},
)
@fast_path.declare
async def suggest_words(request: Request) -> Response:
    """Tags, regions, authors and articles for what has been typed so far; one typo is forgiven from 4 letters on."""
    context = get_context(request)
    view = await context.view(request)
    read = SUGGEST.read(request.scope["query_string"], view.now)
    index = context.index
    assert isinstance(index, EngineIndex)
    vocabulary = await index.load_vocabulary(view.head)
    counts: dict[Realm, Mapping[int, int]] = {"tag": await index.count_tags(view.head)}
    counts["region"] = await index.count_regions(view.head)
    q, limit = read.text("q") or "", read.integer("limit")
    groups: list[dict[str, object]] = []
    for kind in read.choices("types") or ("tag", "region", "author", "article"):
        if kind == "article":
            groups.append({"type": kind, "items": await _suggest_titles(context, view, index, q, limit)})
            continue
        completions = completion.complete_names(vocabulary, counts, kind, q, limit)  # type: ignore[arg-type] # one of the three
        items = [{"type": kind, "text": s.entry.name, "ref": s.entry.slug, "count": s.count} for s in completions]
        groups.append({"type": kind, "items": items})
    body = orjson.dumps({"groups": groups})
    return responses.render_item(request, body, token=view.token, public=view.public, tags=["list", "suggest"])


async def _suggest_titles(
    context: AppContext, view: RequestContext, index: EngineIndex, q: str, limit: int
) -> list[dict[str, object]]:
    hits = await index.find_titles(q, await index.find_excluded(view.head), limit)
    cards = await context.cards.get([(hit.id, hit.version) for hit in hits], view.atlas)
    cards_json = [orjson.loads(cards[hit.id]) for hit in hits if hit.id in cards]
    return [{"type": "article", "text": card["title"], "ref": card["slug"], "count": None} for card in cards_json]
