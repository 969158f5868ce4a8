"""What a request to follow asks for, and one look further along the log. Holds no database connection in between.

The head is read first and the filter resolved after it: a tag that a row up to the head has made is then known.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from app.articles import archive, asked
from app.articles.archive import Archive, View
from app.articles.filters import PUBLISHED, ArticleFilter
from app.changes import log
from app.errors import CursorExpired, FieldError, InvalidInput, InvalidValue
from app.head import Head, Place, read_token
from app.http import params
from app.http.params import Parameters, Read
from app.http.times import Instant
from app.sync import merges, rows
from app.sync.rows import Consumer, Told
from app.sync.watch import Watch

BATCH = 100
"""Rows that are looked at without giving others their turn: 2 ms."""
EXAMINED = 2_000
"""How many rows one answer looks at, 0.04 s; a narrow filter over a long log takes several answers."""
LOOK_UP = 10
"""Every so many ticks a waiting answer looks whether its client is still there; with hundreds waiting it counts."""

STATUS = params.choices("status", "States; others than `published` need the scope `read_drafts`.", asked.STATES)
FILTERS = (*asked.FILTERS, STATUS)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found: the changes told, the filter as it was read, whether more is there, and the place behind
    everything examined."""

    told: tuple[Told, ...]
    filter: ArticleFilter
    more: bool
    place: Place


@dataclass(slots=True)
class Following:
    """A consumer on its way along the log: who it is, what it asked for, where it stands."""

    here: Archive
    request: Request
    read: Read
    view: View
    place: Place

    @property
    def drafts(self) -> bool:
        return self.view.caller.may("read_drafts")

    async def look(self, limit: int) -> Seen:
        """Goes on from where it stands, past what is not for it, to the next `limit` changes or the head."""
        consumer = Consumer(await resolve(self.here, self.view, self.read), self.drafts)
        until, told = self._until(self.view.head), list[Told]()
        for _ in range(EXAMINED // BATCH):
            found = await rows.read(self.here.db, self.place.seq, until, BATCH)
            if found and found[0].seq != self.place.seq + 1:
                raise expired(self.request, "The changes from that place on are not kept any more.")
            for row in found:
                shown = rows.tell(consumer, row)
                told += [shown] if shown is not None else []
                self.place = Place(self.place.epoch, row.seq, row.mark)
                if len(told) == limit:
                    break
            if len(told) == limit or self.place.seq >= until:
                break
            await asyncio.sleep(0)
        return Seen(tuple(told), consumer.filter, self.place.seq < until, self.place)

    async def news(self, watch: Watch, deadline: float) -> bool:
        """Waits until there are rows behind its place, at most until `deadline` on the monotonic clock. False also
        where the client has gone or the server is ending."""
        ticks = 0
        while time.monotonic() < deadline and not watch.ending():
            head = await watch.tick()
            ticks += 1
            if head.epoch != self.place.epoch or head.seq < self.place.seq or self._until(head) > self.place.seq:
                await self.renew()
                return True
            if ticks % LOOK_UP == 0 and await self.request.is_disconnected():
                return False
        return False

    async def renew(self) -> None:
        """Reads the head, and whether caller and filter are still what they were; raises as a new request would."""
        self.view = await self.here.view(self.request)
        if _statuses(self.read) != PUBLISHED:
            self.view.caller.demand("read_drafts")
        if self.view.head.epoch != self.place.epoch or self.view.head.seq < self.place.seq:
            raise expired(self.request, "The archive has been replaced by another copy.")
        await merges.refuse(self.here, self.view, self.read, self.place)

    def _until(self, head: Head) -> int:
        """The last row that is for this caller: what only drafts have moved is not to be seen in places either."""
        return head.seq if self.drafts else head.public_seq


async def begin(request: Request, parameters: Parameters, since: Callable[[Read], str]) -> Following:
    """Reads the request; every way in which it may fail fails here, before an answer has begun."""
    here = archive.of(request)
    view = await here.view(request)
    read = parameters.read(request.scope["query_string"], view.now)
    _refuse_relative(read)
    if _statuses(read) != PUBLISHED:
        view.caller.demand("read_drafts")
    place = await _place(here, view, request, since(read))
    await merges.refuse(here, view, read, place)
    return Following(here, request, read, view, place)


def _statuses(read: Read) -> tuple[str, ...]:
    return tuple(sorted(read.choices("status"))) or PUBLISHED


async def resolve(here: Archive, view: View, read: Read) -> ArticleFilter:
    """The filter as of the view's head. Tags that only drafts have now are found too: until those were withdrawn, they
    may have matched. Of such a tag nothing is told."""
    caller = replace(view.caller, scopes=view.caller.scopes | {"read_drafts"})
    return (await asked.resolve(here, view._replace(caller=caller), read, _statuses(read))).filter


def _refuse_relative(read: Read) -> None:
    """What moves with the clock would let articles leave without any change."""
    moving = [name for name, value in read.values.items() if isinstance(value, Instant) and value.uses_now]
    if moving:
        detail = "Times relative to now cannot be followed; give a date."
        raise InvalidInput(*(FieldError("invalid_value", detail, name) for name in moving))


async def _place(here: Archive, view: View, request: Request, since: str) -> Place:
    head = view.head
    if since == "now":
        return head.place if view.caller.may("read_drafts") else head.public_place
    if since == "0":
        return Place(head.epoch, 0, 0)
    place = read_token(since)
    if place is None:
        raise InvalidValue("A place is `0`, `now`, or a token from `next`, `seq` or `X-Seq`.", "since")
    if place.epoch != head.epoch or not await has(here, place):
        raise expired(request)
    return place


async def has(here: Archive, place: Place) -> bool:
    """Whether the log has that row with that mark."""
    if place.seq == 0:
        return place.mark == 0
    found = await here.db.reader.rows(log.mark_statement(here.db.dialect), {"seq": place.seq})
    return bool(found) and found[0][0] == place.mark


def expired(request: Request, detail: str = "This change log does not have that place.") -> CursorExpired:
    """With the address of the export of the same filter."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    names = {parameter.name for parameter in FILTERS}
    query = urlencode([pair for pair in pairs if pair[0] in names])
    return CursorExpired(f"{detail} Start again from the export.", export="/v1/export" + (f"?{query}" if query else ""))
