"""Serves the pages and their assets. Anybody gets them: they hold nothing of the archive, and where it is read with a
key only, they ask their visitor for one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import NotFound
from app.http.conditional import list_etag, respond
from app.http.headers import list_headers
from app.http.middleware.compression import choose_coding
from app.http.params import negotiation
from app.http.params.negotiation import JSON, Representation
from app.pages.assets import load_assets
from app.pages.documents import Surroundings, WebPage, render_document

Endpoint = Callable[[Request], Awaitable[Response]]
ASSETS = "/assets"
EXPLORER = WebPage("/", "Explorer", "explorer/explorer.js", "explorer.css", feeds=True)
PAGES: tuple[WebPage, ...] = (WebPage("/desk", "Desk", "desk/desk.js", "desk.css"),)
"""All others."""
POLICY = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dateline"
)
"""No scripts or styles but those of this server; pictures of articles come from elsewhere. Text becomes HTML in one
place only, `static/shared/safe_html.js`, where browsers know trusted types."""
FOREVER = "public, max-age=31536000, immutable"
UNKEPT = "public, no-cache"
"""A document is a kilobyte, and after an update names other assets."""
_HEADERS = {
    "Vary": "Accept, Accept-Encoding",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # What somebody searches for is nothing to the hosts of pictures.
    "Referrer-Policy": "same-origin",
}
_HTML = "text/html; charset=utf-8"
_OFFER = (JSON, Representation("html", _HTML))
_LONGEST_QUERY = 8_000
"""Bytes of a query string whose feeds are named in the document."""


def install(app: FastAPI, start: Endpoint, *, site_name: str) -> None:
    """Serves all pages; `start` responds at the root to programs that ask for no page."""
    explore = _make_endpoint(EXPLORER, site_name)

    async def get_start(request: Request) -> Response:
        chosen = negotiation.choose(request, None, _OFFER, otherwise=JSON)
        return await (start if chosen is JSON else explore)(request)

    app.router.routes.append(Route(EXPLORER.path, get_start, name="start"))
    for page in PAGES:
        app.router.routes.append(Route(page.path, _make_endpoint(page, site_name), name=page.path))
    app.router.routes.append(Route(f"{ASSETS}/{{name}}", get_asset, name=ASSETS))


def _make_endpoint(page: WebPage, site_name: str) -> Endpoint:
    @lru_cache(maxsize=64)
    def render(root_path: str, query: str) -> bytes:
        return render_document(page, Surroundings(root_path, site_name, load_assets().names), query).encode()

    async def get_page(request: Request) -> Response:
        sent: bytes = request.scope["query_string"]
        query = sent.decode("latin-1") if page.feeds and len(sent) <= _LONGEST_QUERY else ""
        # In a thread: the first time, all files are read.
        body = await asyncio.to_thread(render, request.scope.get("root_path", ""), query)
        return respond(request, body, etag=list_etag(body), cache_control=UNKEPT, headers=_HEADERS, media_type=_HTML)

    return get_page


async def get_asset(request: Request) -> Response:
    """A script, a style sheet or data by its name with its hash. 404 for a name of another version."""
    asset = (await asyncio.to_thread(load_assets)).by_name.get(request.path_params["name"])
    if asset is None:
        raise NotFound()
    coding = choose_coding(b",".join(list_headers(request.scope, b"accept-encoding")))
    body = await asyncio.to_thread(asset.encode, coding)
    headers = {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if coding != "identity":
        headers["Content-Encoding"] = coding
    etag = list_etag(body)
    return respond(request, body, etag=etag, cache_control=FOREVER, headers=headers, media_type=asset.media_type)
