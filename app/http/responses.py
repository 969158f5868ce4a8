"""Responses as bytes: lists with their page and links, items, redirects; with the caching headers for their client."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.http import conditional, csv_text
from app.http.conditional import RenderedResponse
from app.http.list_paging import Key, slice_page
from app.http.paging import PageInfo, render_links
from app.http.params.typed import Paging

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sheet:
    """How rows come as CSV."""

    columns: Sequence[str]
    bom: bool


PRIVATE, UNSTORED = "private, no-cache", "private, no-store"
WARNINGS, LONGEST_WARNINGS = "Dateline-Warnings", 3_000
"""A JSON list in ASCII, where the body has no room for it; proxies take heads of some kilobytes."""
CLOCKED = "public, max-age=25, stale-while-revalidate=30"
"""For responses that move with the clock: with the 5 s of this server's own cache, a minute at most."""


def build_headers(token: str, *, public: bool, tags: Sequence[str] = ()) -> dict[str, str]:
    """The headers of every read; `tags` name what is in it, for purging shared caches, which know them by one of two
    names."""
    response_headers = {"X-Seq": token, "Vary": conditional.VARY}
    if not public or not tags:
        return response_headers
    names = " ".join(tags)
    return {**response_headers, "Cache-Tag": names, "Surrogate-Key": names}


def choose_cache_control(*, public: bool, uses_now: bool = False) -> str:
    if not public:
        return PRIVATE
    return CLOCKED if uses_now else conditional.PUBLIC


def render_list(
    request: Request,
    rows: Sequence[bytes],
    page: PageInfo,
    *,
    token: str,
    public: bool,
    warnings: Sequence[Mapping[str, object]] = (),
    extra: Mapping[str, object] | None = None,
    tags: Sequence[str] = ("list",),
    uses_now: bool = False,
    cache_control: str | None = None,
) -> Response:
    """A list of rows that are JSON already, with `page`, `warnings` and a Link header. `uses_now`: some time asked for
    moves with the clock. `cache_control`: another than follows from these."""
    tail = {"page": page.to_dict(), "warnings": list(warnings), **(extra or {})}
    body = b'{"data":[' + b",".join(rows) + b"]," + orjson.dumps(tail)[1:]
    links = render_links(request.scope["path"], request.scope["query_string"], page)
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body),
        cache_control=cache_control or choose_cache_control(public=public, uses_now=uses_now),
        headers={**build_headers(token, public=public, tags=tags), "Link": links},
    )


def render_warnings(warnings: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """The header that tells warnings, if there are any; the last one counts those that it has no room for."""
    sent = list(warnings)
    while len(rendered := json.dumps(sent)) > LONGEST_WARNINGS:
        sent = sent[: len(sent) // 2]
        omitted = len(warnings) - len(sent)
        sent.append({"code": "more_warnings", "detail": f"{omitted} more; the same as JSON has all of them."})
    return {WARNINGS: rendered} if sent else {}


def render_csv(
    request: Request,
    body: bytes,
    page: PageInfo | None = None,
    *,
    token: str,
    public: bool,
    name: str,
    bom: bool = False,
    warnings: Sequence[Mapping[str, object]] = (),
    tags: Sequence[str] = ("list",),
    uses_now: bool = False,
    cache_control: str | None = None,
) -> Response:
    """CSV, as `csv_text` writes it; `name` is what its file is called."""
    return render_document(
        request, csv_text.BOM + body if bom else body, page, content_type=csv_text.MEDIA_TYPE, token=token,
        public=public, warnings=warnings, tags=tags, uses_now=uses_now, cache_control=cache_control,
        headers=csv_text.name_file(name),
    )  # fmt: skip


def render_document(
    request: Request,
    body: bytes,
    page: PageInfo | None = None,
    *,
    content_type: str,
    token: str,
    public: bool,
    version: int | None = None,
    warnings: Sequence[Mapping[str, object]] = (),
    tags: Sequence[str] = ("list",),
    uses_now: bool = False,
    cache_control: str | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """What has no room for a page and warnings: what JSON says of its page stands in Link, its warnings in a header of
    their own. `version` makes the ETag good for If-Match; `headers` are further ones."""
    response_headers = {**build_headers(token, public=public, tags=tags), **headers, **render_warnings(warnings)}
    if page is not None:
        response_headers["Link"] = render_links(request.scope["path"], request.scope["query_string"], page)
    return conditional.respond(
        request,
        body,
        etag=conditional.list_etag(body) if version is None else conditional.item_etag(version, body),
        cache_control=cache_control or choose_cache_control(public=public, uses_now=uses_now),
        headers=response_headers,
        media_type=content_type,
    )


def build_change_headers(token: str, location: str | None = None) -> dict[str, str]:
    """Of the response to a change: its position in the log. Never cached."""
    response_headers = {"X-Seq": token, "Cache-Control": "no-store", "Vary": conditional.VARY}
    return {**response_headers, "Location": location} if location else response_headers


def render_change(body: bytes, token: str, *, status: int = 200, location: str | None = None) -> Response:
    """The response to a change: what it made; or what is another one each time."""
    return Response(body, status, build_change_headers(token, location), "application/json")


def render_slice(
    request: Request,
    params: Paging,
    entries: Iterable[T],
    key: Callable[[T], Key],
    render_row: Callable[[T], object],
    *,
    name: str,
    token: str,
    public: bool,
    descending: bool = False,
    warnings: Sequence[Mapping[str, object]] = (),
    sheet: Sheet | None = None,
) -> Response:
    """One page of a list that is in memory as a whole, each of its rows as `render_row` has it; `name` as in
    Cache-Tag. As CSV where there is a `sheet`."""
    page_rows, page = slice_page(entries, key, params, name=name, descending=descending)
    rows = [orjson.dumps(render_row(entry)) for entry in page_rows]
    return render_rows(request, rows, page, name=name, token=token, public=public, warnings=warnings, sheet=sheet)


def render_rows(
    request: Request,
    rows: Sequence[bytes],
    page: PageInfo,
    *,
    name: str,
    token: str,
    public: bool,
    warnings: Sequence[Mapping[str, object]] = (),
    sheet: Sheet | None = None,
) -> Response:
    """A page of rows that are JSON already, as JSON or as CSV; `name` as in Cache-Tag and of the file."""
    if sheet is None:
        return render_list(request, rows, page, token=token, public=public, warnings=warnings, tags=["list", name])
    body = csv_text.write_objects(map(orjson.loads, rows), sheet.columns)
    return render_csv(
        request, body, page, name=name, bom=sheet.bom, token=token, public=public, warnings=warnings,
        tags=["list", name],
    )  # fmt: skip


def render_item(
    request: Request,
    body: bytes,
    *,
    token: str,
    public: bool,
    version: int | None = None,
    tags: Sequence[str] = (),
    uses_now: bool = False,
) -> Response:
    """One thing as itself. `version` makes the ETag good for If-Match."""
    etag = conditional.list_etag(body) if version is None else conditional.item_etag(version, body)
    rendered = build_item(body, etag=etag, token=token, public=public, tags=tags, uses_now=uses_now)
    return conditional.revalidate(request, rendered)


def build_item(
    body: bytes, *, etag: str, token: str, public: bool, tags: Sequence[str] = (), uses_now: bool = False
) -> RenderedResponse:
    """The same for all who have nothing of it yet, to be sent as often as it holds."""
    cache_control = choose_cache_control(public=public, uses_now=uses_now)
    more = build_headers(token, public=public, tags=tags)
    return RenderedResponse(body, {"etag": etag, "cache-control": cache_control, **more}, "application/json")


def render_redirect(
    request: Request, status: int, path: str, *, token: str, public: bool, max_age: int = 60
) -> Response:
    """To another path of this server, with the query kept. 307 and 308 keep the method as well."""
    query = request.scope["query_string"].decode("latin-1")
    sharing = "public" if public else "private"
    response_headers = {
        **build_headers(token, public=public),
        "Location": f"{path}?{query}" if query else path,
        "Cache-Control": f"{sharing}, max-age={max_age}",
    }
    return Response(status_code=status, headers=response_headers)
