"""What every route that reads begins with: who asks, as of which place in the log, and the regions at that time."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.actor import Actor, set_actor
from app.changes import jobs, log
from app.changes.jobs import Task
from app.changes.standing import Latest
from app.db import Database
from app.errors import IndexBehind, SeqUnknown, Unauthorized
from app.head import Head, read_token
from app.http import answer, auth
from app.http.auth import Caller
from app.http.headers import headers
from app.http.params import Parameters
from app.http.request_id import request_id
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.settings import Settings

WAIT_SECONDS = 2.0
NOTHING = Parameters()


class Counts(Protocol):
    """What the search index knows of the whole archive, as of its place in the log."""

    def seq(self) -> int | None:
        """How far in the log the index reflects it, at least: rows about drafts alone do not move it. None where there
        is no index yet."""
        ...

    async def tag_counts(self, head: Head) -> dict[int, int]:
        """Published articles for each tag id; tags without any are missing."""
        ...

    async def region_counts(self, head: Head) -> dict[int, int]:
        """Published articles at or below each region id, in the roles about and dateline."""
        ...


class View(NamedTuple):
    """One request's idea of the archive. `now` is in epoch seconds, read once."""

    caller: Caller
    head: Head
    atlas: Atlas
    now: int

    @property
    def public(self) -> bool:
        """Whether the answer may be shared: the caller has no key."""
        return self.caller.key is None

    @property
    def token(self) -> str:
        """X-Seq: the place in the log that the answer reflects at least, as far as the caller may know of it."""
        return self.head.place.token if self.caller.may("read_drafts") else self.head.public_token


@dataclass(frozen=True, slots=True)
class Reading:
    """An archive that is open for reading."""

    settings: Settings
    db: Database
    index: Counts
    latest: Latest = field(default_factory=Latest, init=False)

    async def view(self, request: Request) -> View:
        """Checks the caller's key and reads where the log stands. Unauthorized where reads are not public."""
        given = headers(request.scope, b"authorization")
        if len(given) > 1:
            raise Unauthorized("There are several Authorization headers; send one.")
        caller = await auth.check(self.db, given[0].decode("latin-1")) if given else auth.PUBLIC
        if caller.key is not None:
            set_actor(Actor("key", caller.name or "", caller.key, request_id(request.scope)))
        elif not self.settings.public_reads:
            caller.demand("read_drafts")
        head = await self.head()
        return View(caller, head, await regions.current(self.db, head.epoch, head.names_seq), int(time.time()))

    async def head(self) -> Head:
        return await self.latest.read(self.db)

    async def tag_counts(self, head: Head) -> dict[int, int] | None:
        """Published articles by tag id; None while there is no index."""
        return await self.index.tag_counts(head) if self.index.seq() is not None else None

    async def accepted(self, task: Task) -> Response:
        """202: a job goes on with what was asked for."""
        token = (await self.head()).place.token
        return answer.changed(orjson.dumps(jobs.shown(task)), token, status=202, location=f"/v1/jobs/{task.id}")

    async def wait_for(self, token: str | None, head: Head) -> None:
        """Waits until the index reflects a place of the log; behind the head's last public row, nothing of it is for
        the index. SeqUnknown at once where the log has no such place,
        IndexBehind after WAIT_SECONDS."""
        if token is None:
            return
        place = read_token(token)
        known = place is not None and place.epoch == head.epoch and await self._has(place.seq, place.mark)
        if place is None or not known:
            raise SeqUnknown("This archive's change log has no such place.", "min_seq")
        deadline, enough = time.monotonic() + WAIT_SECONDS, min(place.seq, head.public_seq)
        while (seq := self.index.seq()) is None or seq < enough:
            if time.monotonic() > deadline:
                raise IndexBehind("The index has not reached that place yet; try again.")
            await asyncio.sleep(0.01)

    async def _has(self, seq: int, mark: int) -> bool:
        if seq == 0:
            return mark == 0
        rows = await self.db.reader.rows(log.mark_statement(self.db.dialect), {"seq": seq})
        return bool(rows) and rows[0][0] == mark


def of(request: Request) -> Reading:
    """The archive of the application that a request came to."""
    archive = request.app.state.archive
    assert isinstance(archive, Reading)
    return archive


async def administering(request: Request) -> tuple[Reading, View]:
    """What every request that changes a vocabulary begins with: no parameters, and a key with `admin`."""
    here = of(request)
    view = await here.view(request)
    NOTHING.read(request.scope["query_string"], view.now)
    view.caller.demand("admin")
    return here, view
