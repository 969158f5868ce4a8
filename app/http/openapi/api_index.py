"""The index of the API: what can be read and where, for clients that know only the address of a server."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.http.api_route import ApiRoute
from app.http.conditional import PUBLIC, VARY, list_etag, respond
from app.http.openapi.response_shapes import describe_example, describe_unchanged
from app.http.schemas import Shape

router = APIRouter(tags=["operating"], route_class=ApiRoute)

PATH = "/v1"
READ = (f"{PATH}/", "/feeds/", "/sitemap", "/robots.txt")
"""How the addresses begin that are listed."""
HEADERS = ("ETag", "Cache-Control", "Vary")


class ApiLink(Shape):
    """An address of this server. `templated`: a URI template (RFC 6570), which a reference has to be put into."""

    href: str
    title: str
    templated: bool


class ApiIndex(Shape):
    """What can be read."""

    title: str
    version: str
    openapi: str
    documentation: str
    guides: str
    links: dict[str, ApiLink] = Field(description="By the id of the operation, which `openapi` describes.")


EXAMPLE = {
    "title": "Dateline",
    "version": __version__,
    "openapi": "/openapi.json",
    "documentation": "/docs",
    "guides": "/guides",
    "links": {
        "list_articles": {"href": "/v1/articles", "title": "List articles", "templated": False},
        "get_article": {"href": "/v1/articles/{ref}", "title": "Read an article", "templated": True},
    },
}


@router.get(
    PATH,
    name="get_index",
    summary="What this API has",
    response_model=ApiIndex,
    responses=describe_example(EXAMPLE, 200, *HEADERS) | describe_unchanged(*HEADERS),
    openapi_extra={"security": []},
)
async def get_index(request: Request) -> Response:
    """The addresses of everything that can be read. Needs no key."""
    root_path = request.scope.get("root_path", "")
    index = {
        "title": request.app.title,
        "version": request.app.version,
        "openapi": f"{root_path}/openapi.json",
        "documentation": f"{root_path}/docs",
        "guides": f"{root_path}/guides",
        "links": dict(_list_links(request.app, root_path)),
    }
    body = orjson.dumps(index)
    return respond(request, body, etag=list_etag(body), cache_control=PUBLIC, headers={"Vary": VARY})


def _list_links(app: Starlette, root_path: str) -> Iterator[tuple[str, dict[str, object]]]:
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, context.path or ""
        if isinstance(route, ApiRoute) and "GET" in (route.methods or ()) and path.startswith(READ):
            yield route.name, {"href": root_path + path, "title": route.summary, "templated": "{" in path}
