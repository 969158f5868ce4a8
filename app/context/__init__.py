"""What a request has at hand: the archive of its application (`AppContext`), and who sent the request, as of which
position in the change log (`RequestContext`). Renders nothing and changes nothing."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Protocol

import orjson
from fastapi import Depends, Security
from fastapi.security import SecurityScopes
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.articles.reading.card_cache import Cards
from app.articles.reading.entitlement.visible_rows import Entitlement
from app.articles.reading.item_cache import Items
from app.articles.reading.log_memo import LogMemo
from app.changes import jobs, log
from app.changes.cache_version import CurrentHead
from app.changes.jobs import Jobs
from app.context.protocols import ListSearch, SearchIndex
from app.context.request_context import RequestContext as RequestContext
from app.db.actor import Actor, set_actor
from app.db.database import Database
from app.db.log_position import LogHead, LogPosition, parse_token
from app.db.readers import read_as_of, read_known_head
from app.db.sql import Prepared, prepare
from app.errors import DatelineError, IndexBehind, SeqUnknown, Unauthorized
from app.http import auth, responses
from app.http.headers import list_headers
from app.http.middleware import key_usage
from app.http.request_state import get_now, get_request_id
from app.models import Source, table
from app.regions import service as regions
from app.settings import Settings
from app.text.addresses import Addresses

WAIT_SECONDS = 2.0


class Entitlements(Protocol):
    """Opens the archive as keys see it that may not see all of it."""

    async def open(self, context: "AppContext", view: RequestContext) -> "tuple[AppContext, RequestContext]":
        """The archive, and the request, of a key with an entitlement. EntitlementUnused where everybody may read."""
        ...


@dataclass(frozen=True, slots=True)
class AppContext:
    """One archive as the server has it open: database, index, and what is cached in memory. Commands search no
    lists. With an `entitlement` it is the archive as a key sees it that may not see all: database, index and cards show
    nothing else."""

    settings: Settings
    db: Database
    index: SearchIndex
    cards: Cards
    list_search: ListSearch | None = None
    items: Items = field(default_factory=Items)
    memo: LogMemo = field(default_factory=LogMemo)
    latest: CurrentHead = field(default_factory=CurrentHead)
    entitlements: Entitlements | None = None
    entitlement: Entitlement | None = None
    addresses: Addresses = field(init=False)
    """What builds addresses that are the same for all requests: whole ones, and those of the web site."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "addresses", Addresses.read(self.settings))

    async def begin(self, request: Request) -> "tuple[AppContext, RequestContext]":
        """Who sent a request, and the archive as they see it; see `view`."""
        view = await self.view(request)
        if view.caller.entitlement is None:
            return self, view
        assert self.entitlements is not None, "the server has them"
        return await self.entitlements.open(self, view)

    def addresses_for(self, view: RequestContext) -> Addresses:
        """What builds the addresses that the response to a request names."""
        return self.addresses.below(view.root_path)

    async def view(self, request: Request) -> RequestContext:
        """Checks the caller's key and reads where the log stands. Unauthorized where reads are not public. What a key
        with an entitlement sees, `begin` alone knows."""
        scope = request.scope
        values = list_headers(scope, b"authorization")
        # Nearly all requests come without a key: they need no coroutine more.
        is_public = not values and self.settings.public_reads
        caller = auth.PUBLIC if is_public else await self._authenticate(scope, values)
        if caller.key is not None:
            key_usage.note_key(scope, caller, request.app.state.key_rates)
            set_actor(Actor("key", caller.name or "", caller.key, get_request_id(scope)))
        view = await self.view_as(caller, get_now(scope), scope.get("root_path", ""))
        # Not where drafts may be seen, or something is going to be written: that is decided by what there is now.
        is_read = scope["method"] in ("GET", "HEAD") and not caller.scopes
        read_as_of(view.head if is_read else None)
        return view

    async def view_as(self, caller: auth.Caller, now: int, root_path: str = "") -> RequestContext:
        """The archive as of now, for this caller; `now` in epoch seconds, `root_path` where a request has one."""
        # Nearly always nothing was committed since the request before: then none of this waits.
        head = self.latest.get_known(self.db)
        if head is None or head is not self.cards.bodies.head:
            head = await self.head()
        atlas = regions.get_known(head.epoch, head.names_seq) or await regions.current(
            self.db, head.epoch, head.names_seq
        )
        return RequestContext(caller, head, atlas, now, root_path)

    async def _authenticate(self, scope: Scope, values: list[bytes]) -> auth.Caller:
        """Whose key is in `values`, the Authorization headers: Unauthorized where that is not one good key."""
        is_feed = scope["path"].startswith(auth.FEEDS)
        try:
            if len(values) > 1:
                raise Unauthorized("There are several Authorization headers; send one.")
            if not values:
                auth.PUBLIC.require_scope("read_drafts")
            header = values[0].decode("latin-1")
            return await auth.authenticate(self.db, auth.read_password(header) if is_feed else header)
        except Unauthorized as error:
            raise Unauthorized(error.detail, takes_password=is_feed) from error

    async def head(self) -> LogHead:
        """Where the log stands. Bodies of what it has named since are no longer in memory then."""
        head = await self.latest.read(self.db)
        if read_known_head() is not None:
            read_as_of(head)  # who knows of more is shown no less
        if head is not self.cards.bodies.head:
            await self.cards.bodies.follow(self.db, head)
        return head

    async def sources(self) -> dict[int, tuple[str, str]]:
        """Slug and name of every source, by id: a few rows."""
        rows = await self.db.reader.rows(_sources_statement(self.db.dialect), {})
        return {int(str(id)): (str(slug), str(name)) for id, slug, name in rows}

    async def count_tags(self, head: LogHead) -> dict[int, int] | None:
        """Published articles by tag id; None while there is no index."""
        return await self.index.count_tags(head) if self.index.seq() is not None else None

    def make_index_token(self, view: RequestContext) -> str:
        """X-Seq of a response with something of the index, to be made before the index is asked."""
        return view.make_token_as_of(self.index.position())

    async def finish_job(self, view: RequestContext, running: Jobs, job: int | None) -> Response | None:
        """Works on a job for some seconds; 202 where it goes on after that, None where it is done or there is none."""
        task = await running.finish(job) if job is not None else None
        if task is None or task.state == "done":
            return None
        token = (await self.head()).position.token
        body = orjson.dumps(jobs.render_task(task, view.root_path))
        return responses.render_change(body, token, status=202, location=f"/v1/jobs/{task.id}")

    async def wait_for(self, token: str | None, head: LogHead) -> None:
        """Waits until the index reflects a position of the log; behind the head's last public row, nothing of it is
        for the index. SeqUnknown at once where the log has no such position, IndexBehind after WAIT_SECONDS."""
        position = await self._parse_place(token, head)
        if position is not None:
            await _wait_until(self.index.seq, min(position.seq, head.public_seq))

    async def wait_for_hidden(self, token: str | None, head: LogHead) -> None:
        """The same of the index of what is hidden, which every row may change."""
        position = await self._parse_place(token, head)
        if position is not None and self.list_search is not None:
            await _wait_until(self.list_search.hidden_seq, position.seq)

    async def _parse_place(self, token: str | None, head: LogHead) -> LogPosition | None:
        """The row of this archive's log that the token stands for; None without a token."""
        if token is None:
            return None
        position = parse_token(token)
        is_logged = (
            position is not None
            and position.epoch == head.epoch
            and await log.knows_place(self.db, head, position.seq, position.mark)
        )
        if position is None or not is_logged:
            raise SeqUnknown("This archive's change log has no such place.", "min_seq")
        return position


async def _wait_until(read_seq: Callable[[], int | None], enough: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while (seq := read_seq()) is None or seq < enough:
        if time.monotonic() > deadline:
            raise IndexBehind("The index has not reached that place yet; try again.")
        await asyncio.sleep(0.01)


@lru_cache(maxsize=4)
def _sources_statement(dialect: str) -> Prepared:
    source = table(Source)
    return prepare(select(source.c.id, source.c.slug, source.c.name), dialect)


def get_context(request: Request) -> AppContext:
    """The archive of the application that a request came to."""
    context = request.app.state.archive
    assert isinstance(context, AppContext)
    return context


async def load_context(request: Request) -> AppContext:
    """The same as a dependency, as the caller sees it. A coroutine, because FastAPI runs plain functions in threads."""
    context = get_context(request)
    if not list_headers(request.scope, b"authorization"):
        return context  # without a key there is no entitlement
    try:
        return (await _begin_once(request))[0]
    except DatelineError:
        return context  # a route that has to know its caller fails by asking


async def _begin_once(request: Request) -> tuple[AppContext, RequestContext]:
    """The archive and the request, for the several dependencies of one request. What failed for one of them fails for
    all: who is told by a second try what a key may see would go on with the archive of the first, which shows all."""
    state = request.scope.setdefault("state", {})
    begun: tuple[AppContext, RequestContext] | DatelineError | None = state.get(_BEGUN)
    if begun is None:
        try:
            begun = await get_context(request).begin(request)
        except DatelineError as error:
            begun = error
        state[_BEGUN] = begun
    if isinstance(begun, DatelineError):
        raise begun
    return begun


_BEGUN = "begun"


Context = Annotated[AppContext, Depends(load_context)]


async def load_view(request: Request) -> RequestContext:
    """See `AppContext.begin`."""
    return (await _begin_once(request))[1]


AnyCaller = Annotated[RequestContext, Depends(load_view)]


async def begin_read(request: Request) -> tuple[AppContext, RequestContext]:
    """What `Context` and `AnyCaller` are, for a read on the fast path."""
    return await get_context(request).begin(request)


async def authorize(
    view: AnyCaller, scopes: SecurityScopes, scheme: Annotated[object, Depends(auth.KEY_SCHEME)]
) -> RequestContext:
    """The request of a caller who has all `scopes`: Unauthorized without a key, MissingScope for the first that it
    lacks. OpenAPI's `security` of an operation follows from `scheme` and the same scopes."""
    for scope in scopes.scopes:
        view.caller.require_scope(scope)
    return view


DraftReader = Annotated[RequestContext, Security(authorize, scopes=["read_drafts"])]
Writer = Annotated[RequestContext, Security(authorize, scopes=["write"])]
Publisher = Annotated[RequestContext, Security(authorize, scopes=["publish"])]
Admin = Annotated[RequestContext, Security(authorize, scopes=["admin"])]
