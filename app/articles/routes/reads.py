"""Articles over HTTP: the list and the item. Reads only."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, filters, schemas
from app.articles.filters import ArticleFilter
from app.articles.reading import filter_params, item_cache, queries, replacements
from app.articles.reading.card_parts import Json
from app.articles.reading.item_cache import Item, ItemRow
from app.articles.reading.queries import ArticleRef, ListRow
from app.articles.render import article_json, csv_rows
from app.articles.render.structured import examples as format_examples
from app.articles.render.structured import pages
from app.articles.render.structured.formats import CSV, STRUCTURED, describe_contents
from app.articles.routes import list_pages, list_rows, word_list
from app.articles.routes.list_pages import ArticleListParams
from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import Gone, NotFound
from app.http import conditional, csv_text, fast_path, paging, responses
from app.http.api_route import ApiRoute
from app.http.conditional import RenderedResponse
from app.http.openapi import describe_item, describe_list, describe_problems, describe_redirect
from app.http.params.declaration import MAX_VALUES
from app.http.params.negotiation import JSON, Representation
from app.http.params.times import format_time
from app.http.params.typed import Paging

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)

MOST_IDS = MAX_VALUES


class ItemParams(article_json.ArticleParts, pages.ItemFormat):
    """Of one article."""


REF: dict[str, object] = {
    "name": "ref",
    "in": "path",
    "required": True,
    "description": "An id (digits only) or a slug, old ones too.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": examples.SLUG,
}
READS = ("GET", "HEAD")
MOVED = describe_redirect(
    "An old slug: the article under the one it has now. A withdrawn article: the one that replaces it."
)


@router.get(
    "/articles",
    name="list_articles",
    summary="List articles",
    response_model=schemas.ArticleList,
    responses=describe_list(
        examples.LIST, csv_text.CONTENT | describe_contents(format_examples.LIST), responses.WARNINGS
    )
    | describe_problems(
        "cursor_invalid", "cursor_mismatch", "missing_scope", "invalid_range", "limit_too_large", "page_too_deep",
        "offset_required", "unknown_field", "unknown_region", "response_too_large", "seq_unknown", "index_behind",
        "not_acceptable", "query_too_complex",
    ),
)  # fmt: skip
@fast_path.declare
async def list_articles(request: Request, context: Context, view: AnyCaller, params: ArticleListParams) -> Response:
    """Published articles, newest first, with exact filters. Other states need a key with `read_drafts`, and so does
    `q`, which searches in any state."""
    chosen = pages.choose_of_list(request, params)
    await context.wait_for(params.min_seq, view.head)
    statuses = params.check_statuses(view.caller)
    has_words = word_list.check_words(context, view, params)
    if has_words and statuses != filters.PUBLISHED:
        await context.wait_for_hidden(params.min_seq, view.head)
    resolved = await filter_params.resolve(context, view, params, statuses)
    resolved.warnings.extend(word_list.warn_of_signs(params, has_words))
    by_id: dict[int, ListRow] = {}
    if params.id:
        rows = await queries.load_page(context.db, resolved.filter, "-published_at", MOST_IDS)
        by_id = {entry.id: entry for entry in rows}
    missing = tuple(id for id in params.id if id not in by_id) if params.id else None
    if has_words:
        entries, page, moved = await word_list.load_page(context, view, params, resolved.filter, missing)
        resolved.warnings.extend(moved)
    elif params.id and "sort" not in params.given_names:
        entries, page = _cut_ids(params, by_id, missing)
    else:
        place = list_pages.read_place(params)
        plan = await list_rows.choose_plan(context, view, resolved.filter, params.sort)
        rows = await list_rows.load_rows(context, view, plan, resolved.filter, params.sort, params.limit + 1, place)
        total = await _load_total(context, view, params, resolved.filter)
        entries, page = list_pages.cut_page(params, place, rows, total, missing)
    render: Callable[..., Response]
    if chosen in STRUCTURED:
        body = await pages.write_page(request, context, view, entries, params, chosen, page)
        render = partial(responses.render_document, request, body, content_type=chosen.content_type)
    else:
        articles = await article_json.render_articles(context, view, entries, params=params)
        shown = article_json.list_rows(entries, articles)
        render = await _write_rows(request, context, params, chosen, shown)
    return render(
        page=page,
        token=view.token,
        public=view.public,
        warnings=resolved.warnings,
        tags=["list", *(f"article:{entry.id}" for entry in entries)],
        uses_now=params.uses_now,
        cache_control=responses.UNSTORED if has_words else None,
    )


async def _write_rows(
    request: Request, context: AppContext, params: ArticleListParams, chosen: Representation, rows: list[bytes]
) -> Callable[..., Response]:
    """What makes the response of these articles, as JSON or as CSV."""
    if chosen is not CSV:
        return partial(responses.render_list, request, rows)
    # In a thread: 100 articles take 25 ms.
    body = await asyncio.to_thread(lambda: csv_text.write_rows(csv_rows.rows(rows, params, context.cards.left_out)))
    return partial(responses.render_csv, request, body, name="articles", bom=params.bom)


def _cut_ids(
    params: ArticleListParams, by_id: Mapping[int, ListRow], missing: tuple[int, ...] | None
) -> tuple[list[ListRow], paging.PageInfo]:
    """The ids asked for, in that order; all on one page unless `limit` is less."""
    entries = [by_id[id] for id in params.id if id in by_id]
    limit = params.limit if "limit" in params.given_names else MOST_IDS
    start = ((params.page or 1) - 1) * limit
    if params.cursor is not None:
        start = paging.decode(params.cursor, list_pages.make_signature(params)).offset or 0
    back = max(0, start - limit) if start else None
    if start >= len(entries):
        back = paging.find_last_page(start, limit, len(entries), "exact")
    counted, make_cursor = params.count != "none", partial(list_pages.make_cursor, params)
    page = paging.PageInfo(
        limit,
        number=params.page,
        next=make_cursor(paging.Cursor("after", offset=start + limit)) if start + limit < len(entries) else None,
        previous=None if back is None else make_cursor(paging.Cursor("before", offset=back)),
        total=len(entries) if counted else None,
        total_is="exact" if counted else "none",
        missing=missing,
    )
    return entries[start : start + limit], page


async def _load_total(
    context: AppContext, view: RequestContext, params: Paging, article_filter: ArticleFilter
) -> tuple[int | None, paging.TotalIs]:
    """From the index where it holds the list, asked once for as long as nothing is committed; else counted in SQL up
    to 10,000."""
    if params.count == "none":
        return None, "none"
    if not article_filter.public_only:
        counted, exact = await queries.count(context.db, article_filter)
        return counted, "exact" if exact else "at_least"
    key = ("total", article_filter)
    known = context.memo.get(view.head, key)
    if isinstance(known, int):
        return known, "exact"
    reached = context.index.seq()
    total = await context.index.total(article_filter, view.head)
    # From when the index has every commit on, the number stays as it is until the next one.
    if total is not None and reached is not None and reached >= view.head.public_seq:
        context.memo.put(view.head, key, total)
    return total, "none" if total is None else "exact"


async def find(
    request: Request, context: AppContext, view: RequestContext, ref: str, below: str = ""
) -> ArticleRef | Response:
    """The article that a reference means and this caller may see; a redirect from an old slug, or to what replaces it;
    NotFound, or Gone for what the public has seen once."""
    article = await queries.find(context.db, ref)
    return await check_access(request, context, view, ref, article, below)


async def check_access(
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
    summary="Read an article",
    response_model=schemas.Article,
    responses=describe_item(examples.ARTICLE, describe_contents(format_examples.ITEM))
    | MOVED
    | describe_problems("not_found", "gone", "not_acceptable", "unknown_field"),
    openapi_extra={"parameters": [REF]},
)
@fast_path.declare
async def get_article(request: Request, context: Context, view: AnyCaller, params: ItemParams) -> Response:
    """One article in full, by id or slug; 308 for an old slug, 410 for a withdrawn article, or 308 where another one
    replaces it."""
    chosen = pages.choose_of_item(request, params.format)
    ref = request.path_params["ref"]
    if chosen is not JSON:
        return await _get_structured(request, context, view, params, chosen)
    # A key with an entitlement has a memory of its own.
    who = view.public, view.caller.has_scope("read_drafts")
    key = (ref, view.head.epoch, view.head.names_seq, who, params.identity)
    item = context.items.get(key)
    # The very head: it is another one after any commit, and each time where commits cannot be told without asking.
    if item is not None and item.head is not view.head:
        item = await _confirm(context, view, key, ref, item)
    if item is None:
        row = await item_cache.find(context.db, ref)
        stored = await _check_item(request, context, view, ref, row)
        if isinstance(stored, Response):
            return stored
        article = stored.article
        related = await _load_posts(context, view, stored) if article_json.includes_related(context, params) else []
        shown = await article_json.render_item(context, view, stored, params, related)
        # A copy: what orjson returns goes on holding the larger buffer that it was written in.
        body = bytes(memoryview(orjson.dumps(shown)))
        etag, names = conditional.item_etag(article.version, body), " ".join(_list_cache_tags(shown))
        item = Item(_build_response(view, body, etag, names), names, stored.state, view.head)
        # Kept for the next one who asks. Where it shows other articles, these were read later: then only if nothing was
        # committed since the request began, or it might be older than a state that comes again.
        if not shown.get("related") or await context.head() == view.head:
            context.items.put(key, item)
    return conditional.revalidate(request, item.response)


async def _check_item(
    request: Request, context: AppContext, view: RequestContext, ref: str, stored: ItemRow | None
) -> ItemRow | Response:
    """As `check_access`, of all that the database says of the article."""
    article = await check_access(request, context, view, ref, stored.article if stored else None)
    if isinstance(article, Response):
        return article
    assert stored is not None
    return stored


async def _load_posts(context: AppContext, view: RequestContext, stored: ItemRow) -> list[Json]:
    id = stored.article.id
    return (await article_json.render_related(context, view, [id], stored.related_rows()))[id]


async def _get_structured(
    request: Request, context: AppContext, view: RequestContext, params: ItemParams, chosen: Representation
) -> Response:
    """Not from memory, as JSON is: it names translations, of which an item's state does not tell."""
    ref = request.path_params["ref"]
    row = await item_cache.find(context.db, ref)
    stored = await _check_item(request, context, view, ref, row)
    if isinstance(stored, Response):
        return stored
    posts = await _load_posts(context, view, stored)
    item = await pages.write_item(context, view, stored, params, chosen, posts)
    return responses.render_document(
        request, item.body, content_type=chosen.content_type, token=view.token, public=view.public,
        version=stored.article.version, tags=[*_list_cache_tags(item.article), *item.editions],
    )  # fmt: skip


def _build_response(view: RequestContext, body: bytes, etag: str, names: str) -> RenderedResponse:
    return responses.build_item(body, etag=etag, token=view.token, public=view.public, tags=[names])


async def _confirm(context: AppContext, view: RequestContext, key: Hashable, ref: str, item: Item) -> Item | None:
    """The item as of the request's head, if the database still says the same of all that it shows."""
    if await item_cache.state(context.db, ref) != item.state:
        return None
    response = _build_response(view, item.response.body, item.response.etag, item.names)
    confirmed = replace(item, response=response, head=view.head)
    context.items.put(key, confirmed)
    return confirmed


def _list_cache_tags(article: Mapping[str, Any]) -> list[str]:
    """What an article's response changes with, as Cache-Tag names it."""
    tags = [*article.get("authors", ()), *article.get("tags", ())]
    linked = [post["article"] for post in article.get("related", ()) if post.get("article")]
    names = [f"article:{article['id']}"]
    names += [f"tag:{tag['slug']}" for tag in tags if "slug" in tag]
    names += [f"region:{region['slug']}" for region in article.get("regions", ()) if "slug" in region]
    return names + [f"article:{target['id']}" for target in linked]
