"""Tags over HTTP: the vocabulary with its counts, one tag. Reads only."""

import asyncio
from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import FieldError, InvalidInput, NotFound
from app.http import fast_path, responses
from app.http.api_route import ApiRoute
from app.http.csv_text import CONTENT, CsvParams, choose_format
from app.http.list_paging import slice_page
from app.http.openapi import describe_item, describe_list, describe_problems, describe_redirect
from app.http.paging import PageInfo
from app.http.params import parser
from app.http.params.typed import AsOf, NamesIn, Paging
from app.regions.names import ANY
from app.tags import examples, queries, schemas
from app.tags.service import KINDS
from app.text import keys

router = APIRouter(prefix="/v1", tags=["tags"], route_class=ApiRoute)

Sort = Literal["name", "-name", "article_count", "-article_count"]
SORTS: tuple[Sort, ...] = get_args(Sort)


class TagListParams(Paging, AsOf, NamesIn, CsvParams):
    """Of the list."""

    q = parser.text("q", "The beginning of a name or alias.", maximum=100, example="nat")
    kind = parser.choices("kind", "Only tags of these kinds.", KINDS)
    min_articles = parser.integer(
        "min_articles", "Only tags with at least so many published articles.", minimum=0, maximum=10**9
    )
    max_articles = parser.integer(
        "max_articles", "Only tags with at most so many published articles.", minimum=0, maximum=10**9
    )
    sort = parser.choice("sort", "Minus: descending.", SORTS, "name")


class TagParams(NamesIn, AsOf):
    """Of one tag."""


REF: dict[str, object] = {
    "name": "ref",
    "in": "path",
    "required": True,
    "description": "A slug or id; 308 for old slugs and merged tags.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": "nato",
}
MOVED = describe_redirect("An old slug, or a merged tag: the tag that it is now.")

COLUMNS = ("id", "slug", "name", "kind", "names.language", "names.name", "aliases", "article_count")
"""Of a sheet."""
MANY = 3_000
"""Tags from which on putting them in order takes a millisecond."""
MOST_KEPT = 16_000
"""Bytes of a page that is kept: a hundred usual tags."""
Json = dict[str, Any]


@router.get(
    "/tags",
    name="list_tags",
    summary="List tags",
    response_model=schemas.TagList,
    responses=describe_list(examples.LIST, CONTENT, responses.WARNINGS)
    | describe_problems(
        "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep", "seq_unknown",
        "index_behind", "not_acceptable",
    ),
)  # fmt: skip
@fast_path.declare
async def list_tags(request: Request, context: Context, view: AnyCaller, params: TagListParams) -> Response:
    """The archive's tags, sections and contributors, with how many published articles each has."""
    shape = choose_format(params)
    _check_counts(params)
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    if params.min_articles or params.max_articles is not None or params.sort.endswith("article_count"):
        context.index.check_built()
    # Of the index the place before it counts: what was counted behind it is then taken for older than it is.
    key = ("tags", params.canonical, view.caller.has_scope("read_drafts"), context.index.seq())
    kept = context.memo.get(view.head, key)
    rows, page = kept if isinstance(kept, _TagPage) else await _load_page(context, view, params, key)
    sheet = responses.Sheet(COLUMNS, params.bom) if shape == "csv" else None
    return responses.render_rows(request, rows, page, name="tags", token=token, public=view.public, sheet=sheet)


class _TagPage(NamedTuple):
    """The tags on one page as JSON, and the page."""

    rows: list[bytes]
    page: PageInfo


def _check_counts(params: TagListParams) -> None:
    """InvalidInput where no number is both enough and not too many."""
    least, most = params.min_articles, params.max_articles
    if least is not None and most is not None and least > most:
        detail = f"min_articles={least} is above max_articles={most}: nothing can match."
        raise InvalidInput(*(FieldError("invalid_range", detail, name) for name in ("min_articles", "max_articles")))


async def _load_page(context: AppContext, view: RequestContext, params: TagListParams, key: Hashable) -> _TagPage:
    """Puts all tags in order; what comes of it is kept under `key` until the next commit, unless it is large."""
    named = await _load_names(context, view, params)
    counts = await context.count_tags(view.head)
    page_of = partial(_page, named, counts or {}, params)
    ids, page = await asyncio.to_thread(page_of) if len(named) > MANY else page_of()
    entries = await queries.by_ids(context.db, ids)
    rows = [orjson.dumps(render_tag(entries[id], counts, params.names_language)) for id in ids if id in entries]
    # Copies: orjson leaves its results in buffers that are larger.
    rendered = _TagPage([bytes(memoryview(row)) for row in rows], page)
    # Nothing counted may mean that there is no index of this archive yet: no commit tells when there is one.
    if counts and sum(map(len, rows)) <= MOST_KEPT:
        context.memo.put(view.head, key, rendered)
    return rendered


def _page(named: list[tuple[int, str]], counts: Mapping[int, int], params: TagListParams) -> tuple[list[int], PageInfo]:
    """The ids of the tags on one page, in their order."""
    sort, least = params.sort, params.min_articles or 0
    by_count = sort.endswith("article_count")
    most = params.max_articles
    names = [one for one in named if counts.get(one[0], 0) >= least] if least else named
    names = names if most is None else [one for one in names if counts.get(one[0], 0) <= most]

    def key(one: tuple[int, str]) -> tuple[str | int, int]:
        return counts.get(one[0], 0) if by_count else one[1], one[0]

    shown, page = slice_page(names, key, params, name="tags", descending=sort.startswith("-"))
    return [id for id, _ in shown], page


async def _load_names(context: AppContext, view: RequestContext, params: TagListParams) -> list[tuple[int, str]]:
    q = params.q
    prefix = keys.name_key(q or "")
    if q is not None and not prefix:
        return []
    return await queries.sort_names(
        context.db, queries.TagFilter(params.kind, prefix, view.caller.has_scope("read_drafts"))
    )


@router.get(
    "/tags/{ref}",
    name="get_tag",
    summary="Read a tag",
    response_model=schemas.Tag,
    responses=describe_item(examples.TAG) | MOVED | describe_problems("not_found", "seq_unknown", "index_behind"),
    openapi_extra={"parameters": [REF]},
)
@fast_path.declare
async def get_tag(request: Request, context: Context, view: AnyCaller, params: TagParams) -> Response:
    """One tag by slug or id."""
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    ref = request.path_params["ref"]
    entry = await queries.find(context.db, ref, hidden=view.caller.has_scope("read_drafts"))
    if entry is None:
        raise NotFound()
    if ref not in (entry.slug, str(entry.id)):
        return responses.render_redirect(request, 308, f"/v1/tags/{entry.slug}", token=token, public=view.public)
    body = orjson.dumps(render_tag(entry, await context.count_tags(view.head), params.names_language))
    return responses.render_item(request, body, token=token, public=view.public, tags=[f"tag:{entry.slug}"])


def render_tag(entry: queries.TagRow, counts: Mapping[int, int] | None, language: str | None) -> Json:
    """A tag as clients see it. `counts` by tag id, None while there is no index."""
    return {
        "id": entry.id,
        "slug": entry.slug,
        "name": entry.name_in(language),
        "kind": entry.kind,
        "names": {tongue: name for tongue, name in entry.names if tongue != ANY},
        "aliases": list(entry.aliases),
        "article_count": None if counts is None else counts.get(entry.id, 0),
    }
