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

from app.articles import archive, asked, driven, examples, items, present, queries, replacing, schemas, sheet
from app.articles.archive import Archive, View
from app.articles.asked import Asked
from app.articles.driven import Chosen
from app.articles.filters import PUBLISHED, ArticleFilter
from app.articles.items import Item, Stored
from app.articles.queries import Entry, Found, Place
from app.errors import CursorInvalid, Gone, NotAcceptable, NotFound
from app.http import answer, conditional, csv_text, fast_path, paging, params
from app.http.headers import header
from app.http.openapi import problems
from app.http.paging import Cursor, Page
from app.http.parameter import MAX_VALUES
from app.http.params import Parameters, Read
from app.http.times import format_time

router = APIRouter(prefix="/v1", tags=["articles"])

LIST = Parameters(
    *asked.FILTERS,
    params.choices("status", "States; others than `published` need the scope `read_drafts`.", asked.STATES),
    params.choice("sort", "Minus: descending. Ties by id; nulls last.", queries.SORTS, "-published_at"),
    params.limit(),
    params.CURSOR,
    params.PAGE,
    params.COUNT,
    params.MIN_SEQ,
    csv_text.FORMAT,
    *present.PARAMETERS,
)
MOST_IDS = MAX_VALUES
FORMATS = ("json",)
FORMAT = params.text("format", "The representation; `json`. It wins over `Accept`.", maximum=20, example="json")
ITEM = Parameters(*present.PARAMETERS, FORMAT)
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
MOVED = answer.moved(
    "An old slug: the article under the one it has now. A withdrawn article: the one that replaces it."
)


def documented(parameters: Parameters, path: list[dict[str, object]] | None = None) -> dict[str, Any]:
    """The parameters of a route for OpenAPI."""
    return {"parameters": [*(path or []), *parameters.openapi()]}


@router.get(
    "/articles",
    name="list_articles",
    response_model=schemas.ArticleList,
    responses=answer.example(examples.LIST, others=csv_text.CONTENT)
    | problems(
        "cursor_invalid", "cursor_mismatch", "missing_scope", "invalid_range", "limit_too_large", "page_too_deep",
        "offset_required", "unknown_field", "unknown_region", "response_too_large", "seq_unknown", "index_behind",
        "not_acceptable",
    ),
    openapi_extra=documented(LIST),
)  # fmt: skip
@fast_path.declare
async def list_articles(request: Request) -> Response:
    """Published articles, newest first, with exact filters. Other states need a key with `read_drafts`."""
    here = archive.of(request)
    view = await here.view(request)
    read = LIST.read(request.scope["query_string"], int(time.time()))
    shape = csv_text.wanted(read)
    await here.wait_for(read.text("min_seq"), view.head)
    wanted = await asked.resolve(here, view, read, _statuses(view, read))
    listed = _by_ids if "id" in read.given and "sort" not in read.given else _by_sort
    entries, page = await listed(here, view, read, wanted)
    rows = await present.articles(here, view, entries, wanted=read)
    tags = ["list", *(f"article:{entry.id}" for entry in entries)]
    if shape == "csv":
        # In a thread: 100 articles take 25 ms.
        body = await asyncio.to_thread(lambda: csv_text.lines(sheet.rows(rows, read)))
        show = partial(answer.sheet, request, body)
    else:
        show = partial(answer.listed, request, rows)
    return show(
        page=page,
        token=view.token,
        public=view.public,
        warnings=wanted.warnings,
        tags=tags,
        uses_now=read.uses_now,
    )


def _statuses(view: View, read: Read) -> tuple[str, ...]:
    statuses = tuple(sorted(read.choices("status"))) or PUBLISHED
    if statuses != PUBLISHED:
        view.caller.demand("read_drafts")
    return statuses


async def _by_ids(here: Archive, view: View, read: Read, wanted: Asked) -> tuple[list[Entry], Page]:
    """The ids asked for, in that order; all on one page unless `limit` is less."""
    found = {entry.id: entry for entry in await queries.page(here.db, wanted.filter, "-published_at", MOST_IDS)}
    ids = read.ids("id")
    entries = [found[id] for id in ids if id in found]
    limit = read.integer("limit") if "limit" in read.given else MOST_IDS
    start = _offset(read, limit)
    counted = read.choice("count") != "none"
    page = Page(
        limit,
        number=read.integer_or_none("page"),
        next=_cursor(read, Cursor("after", offset=start + limit)) if start + limit < len(entries) else None,
        previous=_cursor(read, Cursor("before", offset=max(0, start - limit))) if start else None,
        total=len(entries) if counted else None,
        total_is="exact" if counted else "none",
        missing=tuple(id for id in ids if id not in found),
    )
    return entries[start : start + limit], page


def _offset(read: Read, limit: int) -> int:
    text = read.text("cursor")
    if text is None:
        return ((read.integer_or_none("page") or 1) - 1) * limit
    return paging.decode(text, _signature(read)).offset or 0


async def _by_sort(here: Archive, view: View, read: Read, wanted: Asked) -> tuple[list[Entry], Page]:
    limit, number, sort = read.integer("limit"), read.integer_or_none("page"), read.choice("sort")
    place = _place(read, limit, number)
    chosen = await _choose(here, view, wanted, sort)
    entries = await queries.page(here.db, wanted.filter, sort, limit + 1, place, chosen.driver, undated=chosen.undated)
    backwards = place.kind == "before"
    more = len(entries) > limit
    entries = (entries[1:] if backwards else entries[:limit]) if more else entries
    first, last = (entries[0], entries[-1]) if entries else _ends(place, descending=sort.startswith("-"))
    behind, ahead = (more, True) if backwards else (place.id is not None or place.offset > 0, more)
    total, total_is = await _total(here, view, read, wanted)
    page = Page(
        limit,
        number=number,
        next=_at(read, "after", last) if last and ahead else None,
        previous=_at(read, "before", first) if first and behind else None,
        total=total,
        total_is=total_is,
        missing=await _missing(here, read, wanted),
    )
    return entries, page


async def _choose(here: Archive, view: View, wanted: Asked, sort: str) -> Chosen:
    """Decided once for as long as nothing is committed. What is committed later need not be in this page."""
    key = ("driver", wanted.filter, sort)
    chosen = here.memo.get(view.head, key)
    if not isinstance(chosen, Chosen):
        driver = await driven.choose(wanted.filter, sort, lambda filter: here.index.total(filter, view.head))
        chosen = Chosen(driver, not sort.endswith("published_at") or await _has_undated(here, view))
        here.memo.keep(view.head, key, chosen)
    return chosen


async def _has_undated(here: Archive, view: View) -> bool:
    known = here.memo.get(view.head, "undated")
    if not isinstance(known, bool):
        known = await queries.has_undated(here.db)
        here.memo.keep(view.head, "undated", known)
    return known


def _ends(place: Place, *, descending: bool) -> tuple[Entry | None, Entry | None]:
    """From an empty page, back to the row that its cursor was made from: beside that row, so that it is met."""
    if place.id is None:
        return None, None
    step = 1 if (place.kind == "after") != descending else -1
    entry = Entry(place.id + step, 0, place.key)
    return (entry, None) if place.kind == "after" else (None, entry)


async def _missing(here: Archive, read: Read, wanted: Asked) -> tuple[int, ...] | None:
    if "id" not in read.given:
        return None
    found = {entry.id for entry in await queries.page(here.db, wanted.filter, "-published_at", MOST_IDS)}
    return tuple(id for id in read.ids("id") if id not in found)


def _place(read: Read, limit: int, number: int | None) -> Place:
    text = read.text("cursor")
    if text is None:
        return Place(offset=(number - 1) * limit if number else 0)
    cursor = paging.decode(text, _signature(read))
    expected = str if read.choice("sort").endswith("title") else int
    null = cursor.key is None and read.choice("sort").endswith("published_at")  # no other key can be null
    if cursor.offset is not None or not (null or isinstance(cursor.key, expected)):
        raise CursorInvalid("This is no cursor of this list.")
    return Place(cursor.kind, cursor.key, cursor.id)


def _at(read: Read, kind: paging.Kind, entry: Entry) -> str:
    return _cursor(read, Cursor(kind, entry.key, entry.id))


def _cursor(read: Read, cursor: Cursor) -> str:
    return paging.encode(cursor, _signature(read))


def _signature(read: Read) -> str:
    return f"articles {read.signature}"


async def _total(here: Archive, view: View, read: Read, wanted: Asked) -> tuple[int | None, paging.TotalIs]:
    """From the index where it holds the list, else counted in SQL up to 10,000."""
    if read.choice("count") == "none":
        return None, "none"
    if wanted.filter.public_only:
        total = await _counted(here, view, wanted.filter)
        return total, "none" if total is None else "exact"
    total, exact = await queries.count(here.db, wanted.filter)
    return total, "exact" if exact else "at_least"


async def _counted(here: Archive, view: View, wanted: ArticleFilter) -> int | None:
    """As the index has it: asked once for as long as nothing is committed, from when on it has everything."""
    known = here.memo.get(view.head, ("total", wanted))
    if isinstance(known, int):
        return known
    reached = here.index.seq()
    total = await here.index.total(wanted, view.head)
    if total is not None and reached is not None and reached >= view.head.public_seq:
        here.memo.keep(view.head, ("total", wanted), total)
    return total


async def find(request: Request, here: Archive, view: View, ref: str, below: str = "") -> Found | Response:
    """The article that a reference means and this caller may see; a redirect from an old slug, or to what replaces it;
    NotFound, or Gone for what the public has seen once."""
    found = await queries.find(here.db, ref)
    return await _admitted(request, here, view, ref, found, below)


async def _admitted(
    request: Request, here: Archive, view: View, ref: str, found: Found | None, below: str = ""
) -> Found | Response:
    if found is None:
        raise Gone() if await queries.purged(here.db, ref) else NotFound()
    if found.status != "published" and not view.caller.may("read_drafts"):
        if not found.is_gone:
            raise NotFound()
        # A change is of the article that it names: it must not follow to another one.
        slug = await replacing.find_slug(here.db, found.replaced_by) if request.method in READS else None
        if slug is None:
            raise Gone(withdrawn_at=format_time(found.withdrawn_at or 0), reason=found.withdrawn_reason)
        return answer.redirect(request, 308, f"/v1/articles/{slug}{below}", token=view.token, public=view.public)
    if ref != found.slug and not ref.isdigit():
        path = f"/v1/articles/{found.slug}{below}"
        return answer.redirect(request, 308, path, token=view.token, public=view.public)
    return found


@router.get(
    "/articles/{ref}",
    name="get_article",
    response_model=schemas.Article,
    responses=answer.example(examples.ARTICLE)
    | MOVED
    | problems("not_found", "gone", "not_acceptable", "unknown_field"),
    openapi_extra=documented(ITEM, REF),
)
@fast_path.declare
async def get_article(request: Request) -> Response:
    """One article in full, by id or slug; an old slug answers 308, a withdrawn article 410, or 308 where another one
    replaces it."""
    here = archive.of(request)
    view = await here.view(request)
    read = ITEM.read(request.scope["query_string"], view.now)
    _check_format(request, read)
    ref = request.path_params["ref"]
    key = (ref, view.head.epoch, view.head.names_seq, view.caller.may("read_drafts"), read.identity)
    item = here.items.get(key)
    if item is None or await items.state(here.db, ref) != item.state:
        stored = await items.find(here.db, ref)
        found = await _admitted(request, here, view, ref, stored.found if stored else None)
        if stored is None or isinstance(found, Response):
            assert isinstance(found, Response)
            return found
        item = await _made(here, view, read, stored, key)
    return answer.item(request, item.body, token=view.token, public=view.public, etag=item.etag, tags=[item.names])


async def _made(here: Archive, view: View, read: Read, stored: Stored, key: Hashable) -> Item:
    """Kept for the next one who asks. Where it shows other articles, these were read later: then only if nothing was
    committed since the request began, or it might be older than a state that comes again."""
    shown = await present.item(here, view, stored, read)
    # A copy: what orjson returns goes on holding the larger buffer that it was written in.
    body = bytes(memoryview(orjson.dumps(shown)))
    item = Item(body, conditional.item_etag(stored.found.version, body), " ".join(_shown_in(shown)), stored.state)
    if not shown.get("related") or await here.head() == view.head:
        here.items.keep(key, item)
    return item


def _shown_in(article: dict[str, Any]) -> list[str]:
    """What an article's answer changes with, as Cache-Tag names it."""
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
    accept = header(request.scope, b"accept")
    if accept is not None and accept != b"*/*" and not _takes_json(accept.decode("latin-1")):
        raise NotAcceptable(["application/json"])


def _takes_json(accept: str) -> bool:
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return not accept.strip() or bool(wanted & {"*/*", "application/*", "application/json"})
