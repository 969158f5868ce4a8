"""Saved searches over HTTP: they are made, shown with what matches them, changed and removed.

Somebody else's private search is not told apart from one that is not there.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, cast

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from app.context import AnyCaller, AppContext, Context, RequestContext, Writer
from app.errors import CursorInvalid, NotFound
from app.http import paging, responses
from app.http.api_route import ApiRoute, describe_path
from app.http.body import JsonBody
from app.http.openapi import describe_empty, describe_list, describe_problems, describe_uncached
from app.http.params.times import format_time
from app.http.params.typed import Paging, Params
from app.search.saved_searches import definition, examples, finding, queries, results, schemas, service
from app.search.saved_searches.definition import Definition, Json
from app.search.saved_searches.finding import IndexMatches
from app.search.saved_searches.payloads import SearchCreate, SearchPatch
from app.search.saved_searches.queries import SearchPlace, SearchRow
from app.search.saved_searches.results import SearchResultParams
from app.search.saved_searches.service import NewSearch, SearchLimits, SearchUpdate

router = APIRouter(prefix="/v1", tags=["searches"], route_class=ApiRoute)

SLUG: dict[str, object] = {
    "name": "slug",
    "in": "path",
    "required": True,
    "description": "Of an own saved search, or of a public one; a new archive has none.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
SearchSlug = Annotated[str, describe_path(SLUG)]
_SAVING = (
    "slug_taken", "too_many_searches", "search_too_broad", "query_too_complex", "unknown_region", "invalid_range",
    "offset_required", "unknown_parameter", "index_behind",
)  # fmt: skip


class SearchListParams(Params):
    """Of the list."""

    limit = Paging.limit
    cursor = Paging.cursor


async def find_search(slug: SearchSlug, context: Context, view: AnyCaller) -> SearchRow:
    """NotFound also for one that the caller may not see."""
    row = await queries.find(context.db, view.caller, slug)
    if row is None:
        raise NotFound()
    return row


FoundSearch = Annotated[SearchRow, Depends(find_search)]


async def find_own(row: FoundSearch, view: Writer) -> SearchRow:
    """NotFound where it is private to others; others' public ones may be changed by keys with `admin`."""
    if not row.is_owned_by(view.caller):
        view.caller.require_scope("admin", "Changing somebody else's saved search")
    if row.public:
        view.caller.require_scope("publish", "Changing a public search")
    return row


OwnSearch = Annotated[SearchRow, Depends(find_own)]


@router.post(
    "/searches",
    name="create_search",
    summary="Save a search",
    status_code=201,
    response_model=schemas.SavedSearch,
    responses=describe_uncached(examples.SEARCH, 201, "Location") | describe_problems(*_SAVING),
)
async def create_search(context: Context, view: Writer, payload: SearchCreate, response: Response) -> Json:
    """Keeps words and filters under a name, as they are read now. Belongs to all keys with the name of this one."""
    if payload.public:
        view.caller.require_scope("publish", "Saving a public search")
    asked = await definition.resolve(context, view, payload.q, payload.filters, public=payload.public)
    index_matches = await _ask_index(context, asked)
    settings = context.settings
    new = NewSearch(view.caller.name or "", payload.slug, payload.name, payload.public, asked, index_matches)
    limits = SearchLimits(settings.max_searches_per_key, settings.max_searches)
    await context.db.write(service.create, new, limits)
    shown = await _load(context, view, payload.slug, response)
    response.headers["Location"] = f"/v1/searches/{payload.slug}"
    return shown


async def _ask_index(context: AppContext, asked: Definition) -> IndexMatches | None:
    """What the index finds, before anything is locked; None where somebody asks the same already."""
    question = asked.question.serialize()

    def ask() -> IndexMatches | None:
        with context.db.snapshot() as snapshot:
            if service.is_asked(snapshot, question):
                return None
        engine = definition.get_index(context).engine
        index_matches = finding.ask_index(engine, asked.question, service.MOST_MATCHES + 1)
        service.check_total(index_matches.total)
        return index_matches

    return await asyncio.to_thread(ask)


async def _load(context: AppContext, view: RequestContext, slug: str, response: Response) -> Json:
    """The search as it is now, in the response to a change of it."""
    row = await queries.find(context.db, view.caller, slug)
    if row is None:
        raise NotFound()
    matched = await queries.load_position(context.db)
    place = SearchPlace(matched.public_position, row.mark)
    response.headers.update(responses.build_change_headers(place.token))
    [shown] = await show_all(context, view, [row])
    return shown


async def show_all(context: AppContext, view: RequestContext, rows: Sequence[SearchRow]) -> list[Json]:
    """As clients see them."""
    shown = await definition.show(context, view, [row.definition for row in rows])
    return [
        {
            "slug": row.slug,
            "name": row.name,
            "q": one["q"],
            "filters": one["filters"],
            "public": row.public,
            "own": row.is_owned_by(view.caller),
            "read_as": one["read_as"],
            "notes": one["notes"],
            "created_at": format_time(row.created_at),
            "updated_at": format_time(row.updated_at),
            "warnings": warnings,
        }
        for row, (one, warnings) in zip(rows, shown, strict=True)
    ]


@router.get(
    "/searches",
    name="list_searches",
    summary="Saved searches",
    response_model=schemas.SavedSearchList,
    responses=describe_list(examples.LIST) | describe_problems("cursor_invalid", "cursor_mismatch", "limit_too_large"),
)
async def list_searches(request: Request, context: Context, view: AnyCaller, params: SearchListParams) -> Response:
    """Those of the key that asks, and the public ones, in the order in which they were saved."""
    signature = f"searches {params.signature}"
    after = 0
    if params.cursor is not None:
        cursor = paging.decode(params.cursor, signature)
        if cursor.kind != "after" or not isinstance(cursor.key, int):
            raise CursorInvalid("This is no cursor of this list.")
        after = cursor.key
    search_page = await queries.load_page(context.db, view.caller, after, params.limit)
    rows = search_page.rows[: params.limit]
    more = len(search_page.rows) > params.limit
    page = paging.PageInfo(
        params.limit,
        number=None,
        next=paging.encode(paging.Cursor("after", rows[-1].id), signature) if more else None,
        previous=None,
        total=search_page.total,
        total_is="exact",
    )
    shown = [orjson.dumps(one) for one in await show_all(context, view, rows)]
    return responses.render_list(request, shown, page, token=view.token, public=view.public, tags=["list", "searches"])


@router.get(
    "/searches/{slug}",
    name="get_search",
    summary="What a saved search finds",
    response_model=schemas.SavedSearchResults,
    responses=describe_list(examples.RESULTS)
    | describe_problems(
        "not_found", "cursor_invalid", "cursor_mismatch", "limit_too_large", "unknown_field", "response_too_large",
        "seq_unknown", "index_behind",
    ),
)  # fmt: skip
async def get_search(
    request: Request, slug: SearchSlug, context: Context, view: AnyCaller, row: FoundSearch, params: SearchResultParams
) -> Response:
    """Published articles that match, the newest first, and the search itself. Its changes go on from `X-Seq`."""
    await context.wait_for(params.min_seq, view.head)
    results_page = await results.load(context, view, row, params)
    [shown] = await show_all(context, view, [row])
    return responses.render_list(
        request,
        results_page.rows,
        results_page.page,
        token=results_page.place.token,
        public=view.public,
        warnings=cast("list[Json]", shown["warnings"]),
        extra={"search": shown},
        tags=["list", "search", *(f"article:{id}" for id in results_page.ids)],
    )


@router.patch(
    "/searches/{slug}",
    name="update_search",
    summary="Change a saved search",
    response_model=schemas.SavedSearch,
    responses=describe_uncached(examples.SEARCH) | describe_problems("not_found", "read_only_field", *_SAVING),
)
async def update_search(
    slug: SearchSlug,
    context: Context,
    view: Writer,
    row: OwnSearch,
    patch: JsonBody[SearchPatch],
    response: Response,
) -> Json:
    """Changes name, words, filters, or whether it is public (JSON Merge Patch). Words and filters are read anew, and
    places in its changes from before are 410."""
    [shown] = await show_all(context, view, [row])
    payload = patch.validate(shown)
    changed = payload.model_fields_set
    public = payload.public if "public" in changed else row.public
    if public:
        view.caller.require_scope("publish", "Making a search public")
    asked = index_matches = None
    # Of a search that becomes public every name is looked up again: the public may know fewer.
    if changed & {"q", "filters"} or (public and not row.public):
        q = payload.q if "q" in changed else str(shown["q"])
        filters = payload.filters if "filters" in changed else cast("Json", shown["filters"])
        asked = await definition.resolve(context, view, q, filters, public=public)
        index_matches = await _ask_index(context, asked)
    change = SearchUpdate(
        frozenset(changed), payload.name, payload.public if "public" in changed else None, asked, index_matches
    )
    await context.db.write(service.update_search, row.id, change)
    return await _load(context, view, row.slug, response)


@router.delete(
    "/searches/{slug}",
    name="delete_search",
    summary="Remove a saved search",
    status_code=204,
    responses=describe_empty("It is gone.") | describe_problems("not_found"),
)
async def delete_search(slug: SearchSlug, context: Context, view: Writer, row: OwnSearch) -> Response:
    """Removes it for good. Whoever follows it gets 404, and webhooks that do are switched off."""
    committed = await context.db.write(service.remove, row.id)
    return Response(status_code=204, headers=responses.build_change_headers(committed.head.public_token))
