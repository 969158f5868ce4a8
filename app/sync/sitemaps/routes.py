"""Sitemaps and `robots.txt` over HTTP. Reads only."""

import asyncio
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import NotFound
from app.http import conditional, responses
from app.http.api_route import ApiRoute
from app.http.conditional import PUBLIC, VARY
from app.http.openapi import describe_problems
from app.http.openapi.response_shapes import CACHED, describe_unchanged, refer_to_headers
from app.sync.feeds.pages import find_end, find_start
from app.sync.feeds.params import UNDATED
from app.sync.sitemaps import files, queries
from app.sync.sitemaps.months import SitemapMonths

router = APIRouter(tags=["feeds"], route_class=ApiRoute)

NEWS_SECONDS, MOST_NEWS = 48 * 3600, 1_000
"""Of what is news, and how much of it a file may name, as search engines have it."""
ROBOTS_HEADERS = ("ETag", "Cache-Control", "Vary")
NAME: dict[str, object] = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "A month in UTC such as `2025-11`, or `undated`; from the index.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 20},
}


def _describe(media_type: str, example: str, *headers: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    described: dict[int | str, dict[str, Any]] = {200: {"content": content, "headers": refer_to_headers(*headers)}}
    return described | describe_unchanged(*headers)


def _describe_sitemap(example: bytes) -> dict[int | str, dict[str, Any]]:
    return _describe("application/xml", example.decode(), *CACHED) | describe_problems("not_found")


@router.get(
    "/sitemap.xml",
    name="get_sitemap",
    summary="The index of sitemaps",
    response_class=Response,
    responses=_describe_sitemap(files.EXAMPLE_INDEX),
)
async def get_sitemap(request: Request, context: Context, view: AnyCaller) -> Response:
    """The files by month, each with the time of the last change in it."""
    _check_site(context)
    months = await _get_months(request, context, view).read(view.head)
    return _respond(request, view, files.write_index(months, context.addresses))


@router.get(
    "/sitemaps/news.xml",
    name="get_news_sitemap",
    summary="The sitemap of news",
    response_class=Response,
    responses=_describe_sitemap(files.EXAMPLE_NEWS),
)
async def get_news_sitemap(request: Request, context: Context, view: AnyCaller) -> Response:
    """The newest articles of the last 48 hours, at most 1,000, of those whose time of publication is known."""
    _check_site(context)
    rows = await queries.load_news(context.db, view.now - NEWS_SECONDS, MOST_NEWS)
    body = await asyncio.to_thread(
        files.write_news, rows, context.settings.site_name or context.addresses.site_host, context.addresses
    )
    return _respond(request, view, body, uses_now=True)


@router.get(
    "/sitemaps/{name}.xml",
    name="get_month_sitemap",
    summary="The sitemap of a month",
    response_class=Response,
    responses=_describe_sitemap(files.EXAMPLE_ARTICLES),
    openapi_extra={"parameters": [NAME]},
)
async def get_month_sitemap(request: Request, context: Context, view: AnyCaller) -> Response:
    """The pages of the articles of a month, with their images and the time of their last change."""
    _check_site(context)
    named = files.parse_name(request.path_params["name"])
    if named is None:
        raise NotFound()
    month, number = named
    span = None if month == UNDATED else (find_start(month), find_end(month))
    rows = await queries.load_rows(context.db, span, (number - 1) * files.PER_FILE, files.PER_FILE)
    if not rows:
        raise NotFound()
    return _respond(request, view, await asyncio.to_thread(partial(files.write_articles, rows, context.addresses)))


@router.get(
    "/robots.txt",
    name="get_robots",
    summary="What robots may read",
    response_class=Response,
    responses=_describe("text/plain", "User-agent: *\nAllow: /\n", *ROBOTS_HEADERS),
    openapi_extra={"security": []},
)
async def get_robots(request: Request, context: Context) -> Response:
    """Everything, and where the sitemap is; nothing where reads need a key. Itself it needs none: robots have none."""
    body = files.write_robots(context.addresses, public_reads=context.settings.public_reads)
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body),
        cache_control=PUBLIC,
        headers={"Vary": VARY},
        media_type="text/plain; charset=utf-8",
    )


def _check_site(context: AppContext) -> None:
    """NotFound where no web site shows the articles: a sitemap names pages, not resources of an API."""
    if not context.addresses.site_url:
        raise NotFound("There are no pages to name: DATELINE_SITE_URL says which site has them.")


def _respond(request: Request, view: RequestContext, body: bytes, *, uses_now: bool = False) -> Response:
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body),
        cache_control=responses.choose_cache_control(public=view.public, uses_now=uses_now),
        headers=responses.build_headers(view.token, public=view.public, tags=["list", "sitemap"]),
        media_type=files.MEDIA_TYPE,
    )


def _get_months(request: Request, context: AppContext, view: RequestContext) -> SitemapMonths:
    months = request.app.state.sitemap_months
    if context.entitlement is not None:
        months = context.memo.get(view.head, "months") or SitemapMonths(context.db)
        context.memo.put(view.head, "months", months)
    assert isinstance(months, SitemapMonths)
    return months
