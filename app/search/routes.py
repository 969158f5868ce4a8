"""Search over HTTP: reads the query, asks the index, shows cards. Finds published articles only, for every caller."""

from dataclasses import dataclass, replace
from typing import cast

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import archive, asked, present
from app.articles.archive import Archive, View
from app.articles.asked import Asked
from app.articles.queries import Entry
from app.errors import IndexBehind, InvalidValue, PageTooDeep
from app.http import answer, paging, params
from app.http.openapi import problems
from app.http.paging import Cursor, Page
from app.http.params import Parameters, Read
from app.search import schemas
from app.search.engine import DEEPEST, Found, Hit, Order, Question
from app.search.index import EngineIndex
from app.search.query import Query, parse
from app.search.tree import render

router = APIRouter(prefix="/v1", tags=["search"])

SORTS = ("relevance", "-published_at", "published_at")
SEARCH = Parameters(
    params.text(
        "q",
        'What to look for, at most 512 characters: words are ANDed; `"a phrase"`, `-word`, `OR`, `title:word`.',
        maximum=512,
        excess="query_too_complex",
        example="nato deterrence",
        may_be_empty=True,
    ),
    *asked.FILTERS,
    params.choice("sort", "`relevance` needs `q`, and is the default with it.", SORTS),
    params.limit(),
    params.CURSOR,
    params.PAGE,
    params.COUNT,
    params.MIN_SEQ,
    *present.PARAMETERS,
)
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Turn:
    """Where in the results a page begins; `at` is the clock that the first page saw."""

    offset: int = 0
    key: int | None = None
    backwards: bool = False
    at: int = 0
    moved: bool = False


@router.get(
    "/search",
    name="search_articles",
    response_model=schemas.SearchResults,
    responses=problems(
        "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep", "offset_required",
        "unknown_field", "unknown_region", "query_too_complex", "seq_unknown", "index_behind",
    ),
    openapi_extra={"parameters": SEARCH.openapi()},
)  # fmt: skip
async def search_articles(request: Request) -> Response:
    """Published articles that answer a query, the best first, within any filter of the article list."""
    here = archive.of(request)
    view = await here.view(request)
    read = SEARCH.read(request.scope["query_string"], view.now)
    await here.wait_for(read.text("min_seq"), view.head)
    if here.index.seq() is None:
        raise IndexBehind("The search index is being built; articles can be read and listed meanwhile.")
    wanted = await asked.resolve(here, view, read)
    query = parse(read.text("q") or "")
    order = _order(read, query)
    turn = _turn(here, view, read, order)
    found = await _found(here, view, wanted, query, order, turn, read.integer("limit"))
    if turn.moved:
        detail = "The index has moved on since the first page: hits may repeat or be missed."
        wanted.warnings.append({"code": "results_moved", "parameter": "cursor", "detail": detail})
    return await _answer(request, here, view, read, wanted, query, order, turn, found)


def _order(read: Read, query: Query) -> Order:
    if "sort" not in read.given:
        return "relevance" if query.tree is not None else "-published_at"
    order = cast("Order", read.choice("sort"))
    if order == "relevance" and query.tree is None:
        raise InvalidValue("sort=relevance needs q.", "sort")
    return order


def _turn(here: Archive, view: View, read: Read, order: Order) -> Turn:
    number, text = read.integer_or_none("page"), read.text("cursor")
    if text is None:
        return Turn(offset=(number - 1) * read.integer("limit") if number else 0, at=view.now)
    cursor = paging.decode(text, read.signature)
    at, seq = (*cursor.extra, None, None)[:2]
    pinned = at if isinstance(at, int) else view.now
    if order != "relevance":
        key = cursor.key if isinstance(cursor.key, int) else None
        return Turn(key=key, backwards=cursor.kind == "before", at=pinned)
    return Turn(offset=cursor.offset or 0, at=pinned, moved=seq != here.index.seq())


async def _found(here: Archive, view: View, wanted: Asked, query: Query, order: Order, turn: Turn, limit: int) -> Found:
    """One more hit than a page has, to know whether there is a next one."""
    index = here.index
    assert isinstance(index, EngineIndex)
    question = Question(
        filter=wanted.filter,
        tree=query.tree,
        order=_reverse(order) if turn.backwards else order,
        limit=min(limit + 1, DEEPEST - turn.offset) if order == "relevance" else limit + 1,
        offset=turn.offset,
        after=turn.key,
        excluded=await index.excluded(view.head),
        languages=wanted.filter.languages,
        today=turn.at - turn.at % DAY,
    )
    if question.limit <= 0:
        raise PageTooDeep(f"By relevance, pages reach {DEEPEST} deep; sort by date to go on.", "cursor")
    found = await index.search(question)
    return replace(found, hits=found.hits[::-1]) if turn.backwards else found


def _reverse(order: Order) -> Order:
    return "published_at" if order == "-published_at" else "-published_at"


async def _answer(
    request: Request,
    here: Archive,
    view: View,
    read: Read,
    wanted: Asked,
    query: Query,
    order: Order,
    turn: Turn,
    found: Found,
) -> Response:
    limit = read.integer("limit")
    more = len(found.hits) > limit
    hits = (found.hits[1:] if turn.backwards else found.hits[:limit]) if more else found.hits
    entries = [Entry(hit.id, hit.version, None) for hit in hits]
    cards = await present.articles(here, view, entries, wanted=read)
    rows = [
        b'{"article":%b,"score":%b,"highlights":{}}' % (card, orjson.dumps(hit.score))
        for card, hit in zip(cards, hits, strict=False)
    ]
    page = _page(read, order, turn, hits, found, more=more)
    shown = {
        "q": read.text("q"),
        "read_as": render(found.reading.tree) if found.reading.tree is not None else None,
        "languages": list(found.reading.languages),
        "sort": order,
        "notes": [{"code": note.code, "detail": note.detail} for note in query.notes],
    }
    return answer.listed(
        request,
        rows,
        page,
        token=view.token,
        public=view.public,
        warnings=wanted.warnings,
        extra={"query": shown},
        tags=["list", "search", *(f"article:{hit.id}" for hit in hits)],
    )


def _page(read: Read, order: Order, turn: Turn, hits: tuple[Hit, ...], found: Found, *, more: bool) -> Page:
    limit, number = read.integer("limit"), read.integer_or_none("page")
    onward = bool(hits) and (more or turn.backwards)
    back = bool(hits) and (more if turn.backwards else turn.offset > 0 or turn.key is not None)
    pinned = (turn.at, found.place.seq)
    if order == "relevance":
        next_ = Cursor("after", offset=turn.offset + limit, extra=pinned)
        previous = Cursor("before", offset=max(0, turn.offset - limit), extra=pinned)
        onward = onward and turn.offset + limit < DEEPEST
    else:
        next_ = Cursor("after", hits[-1].newest if hits else 0, extra=pinned)
        previous = Cursor("before", hits[0].newest if hits else 0, extra=pinned)
    count = read.choice("count") != "none"
    return Page(
        limit,
        number=number,
        next=paging.encode(next_, read.signature) if onward else None,
        previous=paging.encode(previous, read.signature) if back else None,
        total=found.total if count else None,
        total_is="exact" if count else "none",
    )
