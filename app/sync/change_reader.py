"""What a request to follow asks for, and one look further along the log. Holds no database connection in between.

The head is read first and the filter resolved after it: a tag that a row up to the head has made is then known.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.requests import Request

from app.articles.filters import ArticleFilter
from app.articles.reading import filter_params
from app.articles.reading.entitlement.embargo import HOUR
from app.articles.reading.filter_params import FilterParams, StatusParams
from app.articles.reading.filter_warnings import Warning
from app.articles.render import article_json
from app.articles.store.log_facts import is_old
from app.changes import log
from app.context import AppContext, RequestContext, get_context
from app.db.log_position import LogHead, LogPosition, parse_token
from app.errors import CursorExpired, FieldError, InvalidInput, InvalidValue, OffsetRequired
from app.http.params import parser, times
from app.http.params.declaration import Parameter
from app.http.params.times import Instant
from app.http.params.typed import Params
from app.sync import change_rows, merged_tags, time_position
from app.sync.change_rows import BATCH, EXAMINED, ChangeBatch, ChangeRow, Place, VisibleChange
from app.sync.delayed_changes import DelayedLook
from app.sync.watch import LogWatch
from app.tags import queries as tags

NOT_KEPT = "The changes behind that place are not all kept any more (DATELINE_LOG_DAYS)."
UNKNOWN_PLACE = "This change log does not have that place."
LOOK_UP = 10
"""Every so many ticks a waiting response looks whether its client is still there; with hundreds waiting it counts."""


class ChangeFilter(FilterParams, StatusParams):
    """Which articles a client follows. The export takes the same."""


SINCE = (
    "A token from `next`, `seq`, `X-Seq`; `0`: from the beginning; `now`: only what comes; a time (`2025-12-01`, "
    "`2025-12-01T10:00:00Z`, `now-1d`): what was committed then or later."
)


class SinceParams(Params):
    """From where on."""

    since = parser.text("since", SINCE, maximum=200, example="now", signs=False)
    compact = parser.flag("compact", "Of each article only its latest change, for copies.", signs=False)


class ChangeParts(article_json.ArticleParts):
    """How changes are shown."""

    fields = article_json.ArticleParts.fields
    include: Parameter[tuple[str, ...]] = parser.fields(
        "include",
        "Adds `card`, the article as it is now or null; body and the like go into it.",
        ("article", *article_json.INCLUDES),
    )
    names_in = article_json.ArticleParts.names_in


class PollParams(Params):
    """How much a response holds, and how long it may wait for that."""

    limit = parser.limit(500, 1000)
    wait = parser.integer(
        "wait",
        "Hold the response up to so many seconds until there is news.",
        default=0,
        minimum=0,
        maximum=60,
        signs=False,
    )


class SearchParam(Params):
    """What is followed, if no filter."""

    search = parser.text("search", "The slug of a saved search, in place of filters.", maximum=200)


class ChangeListParams(SearchParam, ChangeFilter, SinceParams, PollParams, ChangeParts):
    """Of the feed."""


class StreamParams(SearchParam, ChangeFilter, SinceParams, ChangeParts):
    """Of the stream."""


FollowParams = ChangeListParams | StreamParams


@dataclass(slots=True)
class ChangeReader:
    """A consumer on its way along the log: who it is, what it asked for, where it stands."""

    context: AppContext
    request: Request
    params: FollowParams
    view: RequestContext
    place: LogPosition

    @property
    def drafts(self) -> bool:
        return self.view.caller.has_scope("read_drafts")

    async def look(self, limit: int) -> ChangeBatch:
        """Goes on from where it stands, past what is not for it, to the next `limit` changes or the head."""
        consumer = change_rows.ChangeConsumer(await resolve(self.context, self.view, self.params), self.drafts)
        if self.place.delayed_seq is not None:
            return await DelayedLook(self, consumer, limit).run()
        until, told = self._find_end(self.view.head), list[VisibleChange]()
        for _ in range(EXAMINED // BATCH):
            rows = await self.read_rows(self.place.seq, until, BATCH)
            needed, hidden = await self._find_needed(consumer, rows, until), await self.find_hidden(rows)
            for row in rows:
                is_told = row.seq in needed and row.seq not in hidden
                shown = change_rows.tell(consumer, row) if is_told else None
                told += [shown] if shown is not None else []
                self.place = self.view.head.place_behind(row.seq, row.mark)
                if len(told) == limit:
                    break
            if len(told) == limit or self.place.seq >= until:
                break
            await asyncio.sleep(0)
        return ChangeBatch(tuple(told), consumer.filter, self.place.seq < until, self.place)

    async def read_rows(self, after: int, until: int, limit: int) -> list[ChangeRow]:
        """Rows of the log; CursorExpired where those behind the place are not kept."""
        try:
            return await change_rows.read(self.context.db, self.view.head, after, until, limit)
        except change_rows.PlacePruned:
            raise make_cursor_expired(self.request, NOT_KEPT) from None

    async def find_hidden(self, rows: Sequence[ChangeRow]) -> set[int]:
        """The rows, by number, that this consumer is not told of, whatever its filter."""
        superseded = await change_rows.find_superseded(self.context.db, rows, self.view.head.pruned_seq)
        return superseded | await self._find_hidden_tags(rows)

    async def _find_hidden_tags(self, rows: Sequence[ChangeRow]) -> set[int]:
        """The rows, by number, of tags that no article has which a key with an entitlement sees: it is not told of
        them."""
        named = {row.seq: row.entity_id for row in rows if row.entity == "tag"}
        if self.context.entitlement is None or not named:
            return set()
        known = await tags.by_refs(self.context.db, sorted({str(id) for id in named.values()}), hidden=False)
        return {seq for seq, id in named.items() if str(id) not in known}

    async def _find_needed(
        self, consumer: change_rows.ChangeConsumer, rows: Sequence[ChangeRow], until: int
    ) -> set[int]:
        """The numbers of the rows that are told if they are for the consumer: all, or with `compact` the latest ones.
        What is left out has a later row, ahead of every place that this response ends at."""
        if self.params.compact:
            latest = await change_rows.load_latest(self.context.db, consumer, rows, until)
            rows = change_rows.drop_superseded(consumer, rows, latest)
        return {row.seq for row in rows}

    def name_place(self, told: VisibleChange) -> Place:
        """The place behind a change: where a consumer goes on that has it."""
        return self._find_place(told)

    def stand_behind(self, told: VisibleChange) -> Place:
        """Goes back to the place behind a change that was told."""
        self.place = self._find_place(told)
        return self.place

    def _find_place(self, told: VisibleChange) -> LogPosition:
        behind = self.view.head.place_behind(told.row.seq, told.row.mark)
        return told.place or replace(self.place, seq=behind.seq, mark=behind.mark)

    def has_card(self, told: VisibleChange) -> bool:
        """Whether an article that is told of may be shown, where it matches."""
        return True

    async def news(self, watch: LogWatch, deadline: float) -> bool:
        """Waits until there are rows behind its place, at most until `deadline` on the monotonic clock. False also
        where the client has gone or the server is ending."""
        ticks = 0
        while time.monotonic() < deadline and not watch.ending():
            head = await watch.tick()
            ticks += 1
            if ticks % LOOK_UP == 0 and await self._has_left_embargo():
                await self.renew()
                return True
            if head.epoch != self.place.epoch or head.seq < self.place.seq or self._find_end(head) > self.place.seq:
                await self.renew()
                return True
            if ticks % LOOK_UP == 0 and await self.request.is_disconnected():
                return False
        return False

    async def _has_left_embargo(self) -> bool:
        """Whether an embargo is over for rows that the consumer has not been told of."""
        if self.place.delayed_seq is None:
            return False
        _, view = await get_context(self.request).begin(self.request)
        return (view.delayed_seq or 0) > self.place.delayed_seq

    async def renew(self) -> None:
        """Reads the head, and whether caller and filter are still what they were; raises as a new request would."""
        self.context, self.view = await get_context(self.request).begin(self.request)
        self.params.check_statuses(self.view.caller)
        check_place(self.request, self.view.head, self.place)
        await merged_tags.refuse(self.context, self.view, self.params, self.place)

    async def list_warnings(self) -> list[Warning]:
        """What the filter says of itself to this caller, who is told of names that are not there."""
        statuses = self.params.check_statuses(self.view.caller)
        return (await filter_params.resolve(self.context, self.view, self.params, statuses)).warnings

    def _find_end(self, head: LogHead) -> int:
        """The last row that is for this caller: what only drafts have moved is not to be seen in places either."""
        return head.seq if self.drafts else head.public_seq


async def begin(
    request: Request, context: AppContext, view: RequestContext, params: FollowParams, since: str
) -> ChangeReader:
    """Checks the request; every way in which it may fail fails here, before a response has begun."""
    refuse_relative(params)
    params.check_statuses(view.caller)
    article_json.make_form(context, params, full=False)  # what it cannot show is said before a stream begins
    place = await find_place(context, view, request, since, params.tz)
    await merged_tags.refuse(context, view, params, place)
    await _refuse_old_rows(request, context, view, params, place)
    return ChangeReader(context, request, params, view, place)


async def resolve(context: AppContext, view: RequestContext, params: ChangeFilter) -> ArticleFilter:
    """The filter as of the view's head. Tags that only drafts have now are found too: until those were withdrawn, they
    may have matched. Of such a tag nothing is told."""
    statuses = params.check_statuses(view.caller)
    caller = replace(view.caller, scopes=view.caller.scopes | {"read_drafts"})
    article_filter = (await filter_params.resolve(context, view._replace(caller=caller), params, statuses)).filter
    if context.entitlement is None:
        return article_filter
    return replace(article_filter, within=context.entitlement.filter)


_ASKS_NEW_FACTS = ("has", "has_not", "copy_of", "created", "withdrawn")


async def _refuse_old_rows(
    request: Request, context: AppContext, view: RequestContext, params: FollowParams, place: LogPosition
) -> None:
    """CursorExpired where the first row behind a place is older than what the filter asks for: such rows do not tell
    which articles it means, and no later ones are older."""
    named = {name.removesuffix("_from").removesuffix("_to") for name in params.given_names}
    if named.isdisjoint(_ASKS_NEW_FACTS) or not (await resolve(context, view, params)).asks_new_facts:
        return
    statement = change_rows.first_facts_statement(context.db.dialect, view.caller.has_scope("read_drafts"))
    rows = await context.db.reader.rows(statement, {"after": place.seq}, bounded=False)
    if any(is_old(orjson.loads(str(kept))) for row in rows for kept in row if kept is not None):
        raise make_cursor_expired(request, "The changes from that place on do not tell what this filter asks for.")


def refuse_relative(params: Params) -> None:
    """InvalidInput: what moves with the clock would let articles leave without any change."""
    moving = [name for name, value in params.values.items() if isinstance(value, Instant) and value.uses_now]
    if moving:
        detail = "Times relative to now cannot be followed; give a date."
        raise InvalidInput(*(FieldError("invalid_value", detail, name) for name in moving))


async def find_place(
    context: AppContext, view: RequestContext, request: Request, since: str, zone: tzinfo
) -> LogPosition:
    """The place that `since` means to this caller; CursorExpired where the log does not have it."""
    place = await _find_place(context, view, request, since, zone)
    if view.delayed_seq is None:
        return replace(place, delayed_seq=None)
    if place.delayed_seq is None:
        # What became public before that place has been told, or is told by the rows behind it.
        return replace(place, delayed_seq=view.delayed_seq)
    return replace(place, delayed_seq=min(place.delayed_seq, view.delayed_seq))


async def _find_place(
    context: AppContext, view: RequestContext, request: Request, since: str, zone: tzinfo
) -> LogPosition:
    head = view.head
    if since == "now":
        return head.position if view.caller.has_scope("read_drafts") else head.public_position
    if since == "0":
        return LogPosition(head.epoch, 0, 0)
    place = parse_token(since)
    if place is None:
        at, drafts = _read_time(since, zone, view.now), view.caller.has_scope("read_drafts")
        position = await time_position.find(context.db, head, at, drafts=drafts)
        if position is None:
            raise make_cursor_expired(request, NOT_KEPT)
        return await _delay(context, view, position, at)
    if place.epoch != head.epoch or not await log.knows_place(context.db, head, place.seq, place.mark):
        raise make_cursor_expired(request, NOT_KEPT if 0 < place.seq < head.pruned_seq else UNKNOWN_PLACE)
    return place


async def _delay(context: AppContext, view: RequestContext, position: LogPosition, at: int) -> LogPosition:
    """With what an embargo was over for at that time."""
    entitlement = context.entitlement
    if entitlement is None or entitlement.embargo_hours is None:
        return position
    public = at - entitlement.embargo_hours * HOUR
    over = await time_position.find(context.db, view.head, public, drafts=True)
    return replace(position, delayed_seq=over.seq if over is not None else 0)


def _read_time(since: str, zone: tzinfo, now: int) -> int:
    """The first second that a time means."""
    try:
        moment = times.read_time(since, zone, now)
    except OffsetRequired as error:
        raise OffsetRequired(error.errors[0].detail, "since") from None
    except InvalidInput:
        detail = f"A place is `0`, `now`, a token from `next`, `seq` or `X-Seq`, or {times.EXPECTED}."
        raise InvalidValue(detail, "since") from None
    at = moment.start if isinstance(moment, times.Period) else moment.at
    if at > now:
        raise InvalidValue("That time is in the future; `now` follows what comes.", "since")
    return at


def check_place(request: Request, head: LogHead, place: LogPosition) -> None:
    """CursorExpired where a place that was good is so no more: the log is that of another copy of the archive, or was
    pruned beyond it."""
    if head.epoch != place.epoch or head.seq < place.seq:
        raise make_cursor_expired(request, "The archive has been replaced by another copy.")
    if 0 < place.seq < head.pruned_seq and place.mark != head.pruned_mark:
        raise make_cursor_expired(request, NOT_KEPT)


def make_cursor_expired(request: Request, detail: str) -> CursorExpired:
    """With the address of the export of the same filter."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    names = ChangeFilter.declared.specs
    query = urlencode([pair for pair in pairs if pair[0] in names])
    detail = f"{detail} Start again from the export, or with since=0."
    return CursorExpired(detail, export="/v1/export" + (f"?{query}" if query else ""), parameter="since")
