"""Articles over HTTP: the list and the item. Reads only."""

import asyncio
import time
from collections.abc import Hashable
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, schemas
from app.articles.filters import PUBLISHED, ArticleFilter
from app.articles.reading import filter_params, item_cache, queries, query_plan, replacements
from app.articles.reading.filter_params import ResolvedFilter
from app.articles.reading.item_cache import Item, ItemRow
from app.articles.reading.queries import ArticleRef, CursorPosition, ListRow
from app.articles.reading.query_plan import QueryPlan
from app.articles.render import article_json, csv_rows
from app.context import AppContext, RequestContext, get_context
from app.errors import CursorInvalid, Gone, NotAcceptable, NotFound
from app.http import conditional, csv_text, fast_path, paging, responses
from app.http.headers import find_header
from app.http.openapi import describe_problems
from app.http.paging import Cursor, PageInfo
from app.http.params import parser
from app.http.params.declaration import MAX_VALUES
from app.http.params.parser import Parameters, Read
from app.http.params.times import format_time
from app.http.params.typed import Params

router = APIRouter(prefix="/v1", tags=["articles"])

LIST = Parameters(
    *filter_params.FILTERS,
    parser.choices("status", "States; others than `published` need the scope `read_drafts`.", filter_params.STATES),
    parser.choice("sort", "Minus: descending. Ties by id; nulls last.", queries.SORTS, "-published_at"),
    parser.limit(),
    parser.CURSOR,
    parser.PAGE,
    parser.COUNT,
    parser.MIN_SEQ,
    csv_text.FORMAT,
    *article_json.PARAMETERS,
)
MOST_IDS = MAX_VALUES
FORMATS = ("json",)
FORMAT = parser.text("format", "The representation; `json`. It wins over `Accept`.", maximum=20, example="json")
ITEM = Parameters(*article_json.PARAMETERS, FORMAT)
REF: list[dict[str, object]] = [
    {
        "name": "ref",
        "in": "path",
        "required": True,
        "description": "An id (digits only) or a slug, old ones too.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        "example": "42",
    }
]
READS = ("GET", "HEAD")
MOVED = responses.document_redirect(
    "An old slug: the article under the one it has now. A withdrawn article: the one that replaces it."
)


def describe_parameters(
    parameters: Parameters | type[Params], path: list[dict[str, object]] | None = None
) -> dict[str, Any]:
    """The parameters of a route for OpenAPI."""
    return {"parameters": [*(path or []), *parameters.openapi()]}


@router.get(
    "/articles",
    name="list_articles",
    response_model=schemas.ArticleList,
    responses=responses.document_example(examples.LIST, others=csv_text.CONTENT)
    | describe_problems(
        "cursor_invalid", "cursor_mismatch", "missing_scope", "invalid_range", "limit_too_large", "page_too_deep",
        "offset_required", "unknown_field", "unknown_region", "response_too_large", "seq_unknown", "index_behind",
        "not_acceptable",
    ),
    openapi_extra=describe_parameters(LIST),
)  # fmt: skip
@fast_path.declare
async def list_articles(request: Request) -> Response:
    """Published articles, newest first, with exact filters. Other states need a key with `read_drafts`."""
    context = get_context(request)
    view = await context.view(request)
    read = LIST.read(request.scope["query_string"], int(time.time()))
    shape = csv_text.choose_format(read)
    await context.wait_for(read.text("min_seq"), view.head)
    resolved = await filter_params.resolve(context, view, read, _statuses(view, read))
    listed = _by_ids if "id" in read.given_names and "sort" not in read.given_names else _by_sort
    entries, page = await listed(context, view, read, resolved)
    rows = await article_json.render_articles(context, view, entries, params=read)
    tags = ["list", *(f"article:{entry.id}" for entry in entries)]
    if shape == "csv":
        # In a thread: 100 articles take 25 ms.
        body = await asyncio.to_thread(lambda: csv_text.write_rows(csv_rows.rows(rows, read)))
        show = partial(responses.render_csv, request, body)
    else:
        show = partial(responses.render_list, request, rows)
    return show(
        page=page,
        token=view.token,
        public=view.public,
        warnings=resolved.warnings,
        tags=tags,
        uses_now=read.uses_now,
    )


def _statuses(view: RequestContext, read: Read) -> tuple[str, ...]:
    statuses = tuple(sorted(read.choices("status"))) or PUBLISHED
    if statuses != PUBLISHED:
        view.caller.require_scope("read_drafts")
    return statuses


async def _by_ids(
    context: AppContext, view: RequestContext, read: Read, resolved: ResolvedFilter
) -> tuple[list[ListRow], PageInfo]:
    """The ids asked for, in that order; all on one page unless `limit` is less."""
    list_rows = {
        entry.id: entry for entry in await queries.load_page(context.db, resolved.filter, "-published_at", MOST_IDS)
    }
    ids = read.ids("id")
    entries = [list_rows[id] for id in ids if id in list_rows]
    limit = read.integer("limit") if "limit" in read.given_names else MOST_IDS
    start = _offset(read, limit)
    counted = read.choice("count") != "none"
    page = PageInfo(
        limit,
        number=read.integer_or_none("page"),
        next=_cursor(read, Cursor("after", offset=start + limit)) if start + limit < len(entries) else None,
        previous=_cursor(read, Cursor("before", offset=max(0, start - limit))) if start else None,
        total=len(entries) if counted else None,
        total_is="exact" if counted else "none",
        missing=tuple(id for id in ids if id not in list_rows),
    )
    return entries[start : start + limit], page


def _offset(read: Read, limit: int) -> int:
    text = read.text("cursor")
    if text is None:
        return ((read.integer_or_none("page") or 1) - 1) * limit
    return paging.decode(text, _signature(read)).offset or 0


async def _by_sort(
    context: AppContext, view: RequestContext, read: Read, resolved: ResolvedFilter
) -> tuple[list[ListRow], PageInfo]:
    limit, number, sort = read.integer("limit"), read.integer_or_none("page"), read.choice("sort")
    place = _place(read, limit, number)
    chosen = await _choose(context, view, resolved, sort)
    entries = await queries.load_page(
        context.db, resolved.filter, sort, limit + 1, place, chosen.driver, undated=chosen.undated
    )
    backwards = place.kind == "before"
    more = len(entries) > limit
    entries = (entries[1:] if backwards else entries[:limit]) if more else entries
    first, last = (entries[0], entries[-1]) if entries else _ends(place, descending=sort.startswith("-"))
    behind, ahead = (more, True) if backwards else (place.id is not None or place.offset > 0, more)
    total, total_is = await _total(context, view, read, resolved)
    page = PageInfo(
        limit,
        number=number,
        next=_at(read, "after", last) if last and ahead else None,
        previous=_at(read, "before", first) if first and behind else None,
        total=total,
        total_is=total_is,
        missing=await _find_missing(context, read, resolved),
    )
    return entries, page


async def _choose(context: AppContext, view: RequestContext, resolved: ResolvedFilter, sort: str) -> QueryPlan:
    """Decided once for as long as nothing is committed. What is committed later need not be in this page."""
    key = ("driver", resolved.filter, sort)
    chosen = context.memo.get(view.head, key)
    if not isinstance(chosen, QueryPlan):
        driver = await query_plan.choose(resolved.filter, sort, lambda filter: context.index.total(filter, view.head))
        chosen = QueryPlan(driver, not sort.endswith("published_at") or await _has_undated(context, view))
        context.memo.put(view.head, key, chosen)
    return chosen


async def _has_undated(context: AppContext, view: RequestContext) -> bool:
    known = context.memo.get(view.head, "undated")
    if not isinstance(known, bool):
        known = await queries.has_undated(context.db)
        context.memo.put(view.head, "undated", known)
    return known


def _ends(place: CursorPosition, *, descending: bool) -> tuple[ListRow | None, ListRow | None]:
    """From an empty page, back to the row that its cursor was made from: beside that row, so that it is met."""
    if place.id is None:
        return None, None
    step = 1 if (place.kind == "after") != descending else -1
    entry = ListRow(place.id + step, 0, place.key)
    return (entry, None) if place.kind == "after" else (None, entry)


async def _find_missing(context: AppContext, read: Read, resolved: ResolvedFilter) -> tuple[int, ...] | None:
    if "id" not in read.given_names:
        return None
    ids = {entry.id for entry in await queries.load_page(context.db, resolved.filter, "-published_at", MOST_IDS)}
    return tuple(id for id in read.ids("id") if id not in ids)


def _place(read: Read, limit: int, number: int | None) -> CursorPosition:
    text = read.text("cursor")
    if text is None:
        return CursorPosition(offset=(number - 1) * limit if number else 0)
    cursor = paging.decode(text, _signature(read))
    expected = str if read.choice("sort").endswith("title") else int
    null = cursor.key is None and read.choice("sort").endswith("published_at")  # no other key can be null
    if cursor.offset is not None or not (null or isinstance(cursor.key, expected)):
        raise CursorInvalid("This is no cursor of this list.")
    return CursorPosition(cursor.kind, cursor.key, cursor.id)


def _at(read: Read, kind: paging.Kind, entry: ListRow) -> str:
    return _cursor(read, Cursor(kind, entry.key, entry.id))


def _cursor(read: Read, cursor: Cursor) -> str:
    return paging.encode(cursor, _signature(read))


def _signature(read: Read) -> str:
    return f"articles {read.signature}"


async def _total(
    context: AppContext, view: RequestContext, read: Read, resolved: ResolvedFilter
) -> tuple[int | None, paging.TotalIs]:
    """From the index where it holds the list, else counted in SQL up to 10,000."""
    if read.choice("count") == "none":
        return None, "none"
    if resolved.filter.public_only:
        total = await _load_total(context, view, resolved.filter)
        return total, "none" if total is None else "exact"
    total, exact = await queries.count(context.db, resolved.filter)
    return total, "exact" if exact else "at_least"


async def _load_total(context: AppContext, view: RequestContext, article_filter: ArticleFilter) -> int | None:
    """As the index has it: asked once for as long as nothing is committed, from when on it has everything."""
    known = context.memo.get(view.head, ("total", article_filter))
    if isinstance(known, int):
        return known
    reached = context.index.seq()
    total = await context.index.total(article_filter, view.head)
    if total is not None and reached is not None and reached >= view.head.public_seq:
        context.memo.put(view.head, ("total", article_filter), total)
    return total


async def find(
    request: Request, context: AppContext, view: RequestContext, ref: str, below: str = ""
) -> ArticleRef | Response:
    """The article that a reference means and this caller may see; a redirect from an old slug, or to what replaces it;
    NotFound, or Gone for what the public has seen once."""
    article = await queries.find(context.db, ref)
    return await _check_access(request, context, view, ref, article, below)


async def _check_access(
    request: Request, context: AppContext, view: RequestContext, ref: str, article: ArticleRef | None, below: str = ""
) -> ArticleRef | Response:
    if article is None:
        raise Gone() if await queries.is_purged(context.db, ref) else NotFound()
    if article.status != "published" and not view.caller.has_scope("read_drafts"):
        if not article.is_gone:
            raise NotFound()
        # A change is of the article that it names: it must not follow to another one.
        slug = await replacements.find_slug(context.db, article.replaced_by) if request.method in READS else None
        if slug is None:
            raise Gone(withdrawn_at=format_time(article.withdrawn_at or 0), reason=article.withdrawn_reason)
        return responses.render_redirect(
            request, 308, f"/v1/articles/{slug}{below}", token=view.token, public=view.public
        )
    if ref != article.slug and not ref.isdigit():
        path = f"/v1/articles/{article.slug}{below}"
        return responses.render_redirect(request, 308, path, token=view.token, public=view.public)
    return article


@router.get(
    "/articles/{ref}",
    name="get_article",
    response_model=schemas.Article,
    responses=responses.document_example(examples.ARTICLE)
    | MOVED
    | describe_problems("not_found", "gone", "not_acceptable", "unknown_field"),
    openapi_extra=describe_parameters(ITEM, REF),
)
@fast_path.declare
async def get_article(request: Request) -> Response:
    """One article in full, by id or slug; 308 for an old slug, 410 for a withdrawn article, or 308 where another one
    replaces it."""
    context = get_context(request)
    view = await context.view(request)
    read = ITEM.read(request.scope["query_string"], view.now)
    _check_format(request, read)
    ref = request.path_params["ref"]
    key = (ref, view.head.epoch, view.head.names_seq, view.caller.has_scope("read_drafts"), read.identity)
    item = context.items.get(key)
    if item is None or await item_cache.state(context.db, ref) != item.state:
        stored = await item_cache.find(context.db, ref)
        article = await _check_access(request, context, view, ref, stored.article if stored else None)
        if stored is None or isinstance(article, Response):
            assert isinstance(article, Response)
            return article
        item = await _render_item(context, view, read, stored, key)
    return responses.render_item(
        request, item.body, token=view.token, public=view.public, etag=item.etag, tags=[item.names]
    )


async def _render_item(context: AppContext, view: RequestContext, read: Read, stored: ItemRow, key: Hashable) -> Item:
    """Kept for the next one who asks. Where it shows other articles, these were read later: then only if nothing was
    committed since the request began, or it might be older than a state that comes again."""
    shown = await article_json.render_item(context, view, stored, read)
    # A copy: what orjson returns goes on holding the larger buffer that it was written in.
    body = bytes(memoryview(orjson.dumps(shown)))
    item = Item(
        body, conditional.item_etag(stored.article.version, body), " ".join(_list_cache_tags(shown)), stored.state
    )
    if not shown.get("related") or await context.head() == view.head:
        context.items.put(key, item)
    return item


def _list_cache_tags(article: dict[str, Any]) -> list[str]:
    """What an article's response changes with, as Cache-Tag names it."""
    tags = [*article.get("authors", ()), *article.get("tags", ())]
    linked = [post["article"] for post in article.get("related", ()) if post.get("article")]
    names = [f"article:{article['id']}"]
    names += [f"tag:{tag['slug']}" for tag in tags if "slug" in tag]
    names += [f"region:{region['slug']}" for region in article.get("regions", ()) if "slug" in region]
    return names + [f"article:{target['id']}" for target in linked]


def _check_format(request: Request, read: Read) -> None:
    """`format` wins over `Accept`; NotAcceptable where JSON is not wanted."""
    asked_for = read.text("format")
    if asked_for is not None:
        if asked_for not in FORMATS:
            raise NotAcceptable(FORMATS)
        return
    accept = find_header(request.scope, b"accept")
    if accept is not None and accept != b"*/*" and not _takes_json(accept.decode("latin-1")):
        raise NotAcceptable(["application/json"])


def _takes_json(accept: str) -> bool:
    media_types = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return not accept.strip() or bool(media_types & {"*/*", "application/*", "application/json"})
