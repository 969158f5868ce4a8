"""Answers as bytes: lists with their page and links, items, redirects; the caching headers that go with who asked."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.http import conditional, csv_text
from app.http.conditional import PUBLIC, VARY
from app.http.list_paging import Key, window
from app.http.paging import Page, link_header
from app.http.params.typed import Paging
from app.http.schemas import JOB, Job

T = TypeVar("T")
PRIVATE = "private, no-cache"
WARNINGS, LONGEST_WARNINGS = "Dateline-Warnings", 3_000
"""A JSON list in ASCII, where the body has no room for it; proxies take heads of some kilobytes."""
CLOCKED = "public, max-age=25, stale-while-revalidate=30"
"""For answers that move with the clock: with the 5 s that this server's own cache keeps them, a minute at most."""
LOCATION: dict[str, Any] = {
    "Location": {"description": "A path of this server.", "schema": {"type": "string", "format": "uri-reference"}}
}


def headers(token: str, *, public: bool, tags: Sequence[str] = ()) -> dict[str, str]:
    """What every read answers with; `tags` name what is in it, for purging shared caches, which know them by one of two
    names."""
    shown = {"X-Seq": token, "Vary": VARY}
    if not public or not tags:
        return shown
    names = " ".join(tags)
    return {**shown, "Cache-Tag": names, "Surrogate-Key": names}


def cache_control(*, public: bool, uses_now: bool = False) -> str:
    if not public:
        return PRIVATE
    return CLOCKED if uses_now else PUBLIC


def example(
    shown: object, status: int = 200, others: Mapping[str, object] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses=` part that shows one answer; its schema comes from `response_model`. `others` are the shapes of
    other media types that it may come in."""
    return {status: {"content": {"application/json": {"example": shown}, **(others or {})}}}


def moved(description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses=` part for a 308."""
    return {308: {"description": description, "headers": LOCATION}}


def accepted(description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses=` part for a 202 with a job."""
    shown = {"model": Job, "description": description, "headers": LOCATION}
    return {202: {**shown, "content": {"application/json": {"example": JOB}}}}


def listed(
    request: Request,
    rows: Sequence[bytes],
    page: Page,
    *,
    token: str,
    public: bool,
    warnings: Sequence[Mapping[str, object]] = (),
    extra: Mapping[str, object] | None = None,
    tags: Sequence[str] = ("list",),
    uses_now: bool = False,
) -> Response:
    """A list of rows that are JSON already, with `page`, `warnings` and a Link header. `uses_now`: some time asked for
    moves with the clock."""
    tail = {"page": page.to_dict(), "warnings": list(warnings), **(extra or {})}
    body = b'{"data":[' + b",".join(rows) + b"]," + orjson.dumps(tail)[1:]
    links = link_header(request.scope["path"], request.scope["query_string"], page)
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body),
        cache_control=cache_control(public=public, uses_now=uses_now),
        headers={**headers(token, public=public, tags=tags), "Link": links},
    )


def warned(warnings: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """The header that tells warnings, if there are any; the last one counts those that it has no room for."""
    shown = list(warnings)
    while len(said := json.dumps(shown)) > LONGEST_WARNINGS:
        shown = shown[: len(shown) // 2]
        left = len(warnings) - len(shown)
        shown.append({"code": "more_warnings", "detail": f"{left} more; the same as JSON has all of them."})
    return {WARNINGS: said} if shown else {}


def sheet(
    request: Request,
    body: bytes,
    page: Page | None = None,
    *,
    token: str,
    public: bool,
    warnings: Sequence[Mapping[str, object]] = (),
    tags: Sequence[str] = ("list",),
    uses_now: bool = False,
) -> Response:
    """CSV, as `csv_text` writes it. What a JSON answer says of its page stands in Link, its warnings in a header of
    their own."""
    shown = headers(token, public=public, tags=tags)
    shown |= warned(warnings)
    if page is not None:
        shown["Link"] = link_header(request.scope["path"], request.scope["query_string"], page)
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body),
        cache_control=cache_control(public=public, uses_now=uses_now),
        headers=shown,
        media_type=csv_text.MEDIA_TYPE,
    )


def changed(body: bytes, token: str, *, status: int = 200, location: str | None = None) -> Response:
    """The answer to a change: what it made, and its place in the log. Never kept by caches."""
    shown = {"X-Seq": token, "Cache-Control": "no-store", "Vary": VARY}
    return Response(body, status, {**shown, "Location": location} if location else shown, "application/json")


def windowed(
    request: Request,
    params: Paging,
    entries: Iterable[T],
    key: Callable[[T], Key],
    show: Callable[[T], object],
    *,
    name: str,
    token: str,
    public: bool,
    descending: bool = False,
) -> Response:
    """One page of a list that is in memory as a whole, each of its rows as `show` has it; `name` as in Cache-Tag."""
    shown, page = window(entries, key, params, name=name, descending=descending)
    rows = [orjson.dumps(show(entry)) for entry in shown]
    return listed(request, rows, page, token=token, public=public, tags=["list", name])


def item(
    request: Request,
    body: bytes,
    *,
    token: str,
    public: bool,
    version: int | None = None,
    etag: str | None = None,
    tags: Sequence[str] = (),
    uses_now: bool = False,
) -> Response:
    """One thing as itself. `version` makes the ETag good for If-Match; `etag` where it is known already."""
    known = etag or (conditional.list_etag(body) if version is None else conditional.item_etag(version, body))
    return conditional.respond(
        request,
        body,
        etag=known,
        cache_control=cache_control(public=public, uses_now=uses_now),
        headers=headers(token, public=public, tags=tags),
    )


def redirect(request: Request, status: int, path: str, *, token: str, public: bool, max_age: int = 60) -> Response:
    """To another path of this server, with the query kept. 307 and 308 keep the method as well."""
    query = request.scope["query_string"].decode("latin-1")
    sharing = "public" if public else "private"
    shown = {
        **headers(token, public=public),
        "Location": f"{path}?{query}" if query else path,
        "Cache-Control": f"{sharing}, max-age={max_age}",
    }
    return Response(status_code=status, headers=shown)
