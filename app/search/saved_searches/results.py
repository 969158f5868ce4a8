"""The articles that match a saved search, a page at a time, by date: from the index, as of a place in the log from
which the search's changes go on."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from app.articles.reading.queries import ListRow
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts
from app.context import AppContext, RequestContext
from app.db.log_position import LogHead, LogPosition
from app.errors import CursorInvalid, IndexBehind
from app.http import paging
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.typed import AsOf, Paging
from app.search.engine import Order, Question, ResultPage
from app.search.index import EngineIndex
from app.search.saved_searches import definition, queries
from app.search.saved_searches.queries import SearchPlace, SearchRow
from app.search.saved_searches.question import SearchQuestion, parse_question
from app.tags import queries as tags

DateOrder = Literal["-published_at", "published_at"]
_REVERSED: dict[Order, Order] = {"published_at": "-published_at", "-published_at": "published_at"}
WAIT_SECONDS = 2.0


class SearchResultParams(ArticleParts, AsOf):
    """Of the results of a saved search."""

    limit = Paging.limit
    cursor = Paging.cursor
    count = Paging.count
    sort: Parameter[DateOrder] = parser.choice("sort", "By date alone.", get_args(DateOrder), "-published_at")


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits as JSON, and the place that they are as of, at least."""

    rows: list[bytes]
    ids: list[int]
    page: paging.PageInfo
    place: SearchPlace


async def load_question(context: AppContext, row: SearchRow) -> SearchQuestion:
    """What a search asks, after merges of tags."""
    question = parse_question(row.question)
    named = sorted({str(id) for id in question.list_tags()})
    if not named:
        return question
    known = await tags.by_refs(context.db, named, hidden=True)
    return question.follow_merges({tag.asked: tag.id for tag in known.values() if tag.asked != tag.id})


async def build_question(context: AppContext, view: RequestContext, row: SearchRow) -> Question:
    """For the index, without what the log has withdrawn since. Its commit is not older than the search."""
    index = definition.get_index(context)
    await _wait_for_index(index, view.head, row.base_seq)
    question = await load_question(context, row)
    excluded = await index.find_excluded(view.head)
    return replace(question.ask(20), excluded=excluded)


async def _wait_for_index(index: EngineIndex, head: LogHead, seq: int) -> None:
    """What was written down when the search was saved may be ahead of this server's index for a moment."""
    index.check_built()
    deadline = time.monotonic() + WAIT_SECONDS
    while (index.seq() or 0) < min(seq, head.public_seq):
        if time.monotonic() > deadline:
            raise IndexBehind("The index has not reached the place at which this search was saved; try again.")
        await asyncio.sleep(0.02)


async def load(context: AppContext, view: RequestContext, row: SearchRow, params: SearchResultParams) -> Results:
    """A page, with cards."""
    question = await build_question(context, view, row)
    signature = f"saved search {row.mark} {params.signature}"
    cursor = None if params.cursor is None else paging.decode(params.cursor, signature)
    if cursor is not None and not isinstance(cursor.key, int):
        raise CursorInvalid("This is no cursor of this list.")
    backwards = cursor is not None and cursor.kind == "before"
    order: Order = _REVERSED[params.sort] if backwards else params.sort
    key = None if cursor is None else cast("int", cursor.key)
    question = replace(
        question, order=order, after=key, limit=params.limit + 1, undated="first" if backwards else "last"
    )
    matched = await queries.load_position(context.db)
    result_page = await definition.get_index(context).search(question)
    hits, more = result_page.hits[: params.limit], len(result_page.hits) > params.limit
    hits = hits[::-1] if backwards else hits
    first, last = (hits[0].newest, hits[-1].newest) if hits else (None, None)
    if not hits and cursor is not None and key is not None:
        beside = paging.step_aside(key, kind=cursor.kind, descending=params.sort == "-published_at")
        first, last = (None, beside) if backwards else (beside, None)
    onward = more or backwards
    back = more if backwards else cursor is not None
    counted = params.count != "none"
    page = paging.PageInfo(
        params.limit,
        number=None,
        next=paging.encode(paging.Cursor("after", last), signature) if last is not None and onward else None,
        previous=paging.encode(paging.Cursor("before", first), signature) if first is not None and back else None,
        total=result_page.total if counted else None,
        total_is="exact" if counted else "none",
    )
    entries = [ListRow(hit.id, hit.version, None) for hit in hits]
    cards = await article_json.render_articles(context, view, entries, params=params)
    rows = [b'{"article":%b,"score":null,"highlights":{}}' % cards[hit.id] for hit in hits if hit.id in cards]
    place = SearchPlace(_find_earlier(result_page, view.head, matched.public_position), row.mark)
    return Results(rows, [hit.id for hit in hits], page, place)


def _find_earlier(result_page: ResultPage, head: LogHead, matched: LogPosition) -> LogPosition:
    """As far as both the index and what is matched have come: from there on changes tell what the page lacks."""
    # Rows about drafts alone do not move the index; it has all that the public sees of them.
    indexed = head.public_position if result_page.position.seq >= head.public_seq else result_page.position
    return min(indexed, matched, key=lambda place: place.seq)
