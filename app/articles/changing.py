"""A change of one article over HTTP, from the reference to the commit: who may, which version it is based on, whether
the same request was answered before."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import orjson
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import authorship, editing, fields, incoming, present, repeats, routes, sent, states, stored
from app.articles.archive import Archive, View
from app.articles.columns import Saving
from app.articles.editing import Edit
from app.articles.given import ArticleFields
from app.articles.merging import Json
from app.articles.queries import Entry, Found
from app.articles.repeats import Answered, Repeatable
from app.articles.stored import Stored
from app.db import Database, Written
from app.errors import DatelineError, Gone, NotFound, PreconditionFailed, PreconditionRequired
from app.head import Head
from app.http import conditional
from app.http.auth import Caller
from app.http.conditional import VARY
from app.http.params import Parameters, Read

TRIES = 50
"""How often a change of whatever version there is (`If-Match: *`) is made anew because others were faster."""

WANTED = 'Send If-Match with the ETag of the article as you read it, or with its version in quotes, such as "3".'

Act = Callable[[Session, Stored], Answered]
Merge = Callable[[Json, Json], Json]
FULL = Parameters(*present.PARAMETERS)


@dataclass(frozen=True, slots=True)
class Planned:
    """What shall be done to an article, as it was at version `base`."""

    base: int
    act: Act


@dataclass(frozen=True, slots=True)
class Change:
    """A request to change one article. `below` is what stands behind the article's own path."""

    request: Request
    here: Archive
    view: View
    key: Repeatable | None
    below: str = ""

    @property
    def caller(self) -> Caller:
        return self.view.caller

    def after(self, head: Head) -> "Change":
        """The same where the log stands now."""
        return replace(self, view=self.view._replace(head=head))

    def saving(self) -> Saving:
        return Saving(int(time.time()), authorship.sign(self.caller.name), self.here.settings.site_url)

    async def made(
        self, demand: Callable[[Found], None], plan: Callable[[Found], Awaitable[Planned]]
    ) -> Written[Answered] | Response:
        """The committed change, or a redirect from an old slug. NotFound or Gone before anything else is said of the
        article, then what `demand` raises, then PreconditionRequired, PreconditionFailed. Of a request that is sent
        twice at once each gets the answer of the one that was made, whatever the other finds changed by that."""
        try:
            made = await self._made(demand, plan)
        except DatelineError:
            again = await self._answered()
            if again is None:
                raise
            return again
        return (await self._answered() or made) if isinstance(made, Response) else made

    async def _answered(self) -> Written[Answered] | None:
        answered = await repeats.answered(self.here.db, self.key) if self.key else None
        return None if answered is None else Written(answered, await self.here.head())

    async def _made(
        self, demand: Callable[[Found], None], plan: Callable[[Found], Awaitable[Planned]]
    ) -> Written[Answered] | Response:
        versions = conditional.if_match(self.request)
        for attempt in range(1, TRIES + 1):
            found = await routes.find(self.request, self.here, self.view, self.request.path_params["ref"], self.below)
            if isinstance(found, Response):
                return found
            demand(found)
            if versions is None:
                raise PreconditionRequired(WANTED)
            if versions != conditional.ANY and found.version not in versions:
                raise await asyncio.to_thread(_stale, self.here.db, found.id, versions)
            known = () if versions == conditional.ANY else versions
            try:
                return await self.here.db.write(_in_turn, found.id, await plan(found), known, self.key)
            except PreconditionFailed:
                if versions != conditional.ANY or attempt == TRIES:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def shown(self, found: Found, names: Collection[str] = ()) -> Json:
        """The article as this caller sees it, with other views of the body as far as `names` has them. Raises
        PreconditionFailed where it has gone on since it was found."""
        views = ",".join(name for name in present.INCLUDES if name in names)
        wanted = FULL.read(f"include={views}".encode() if views else b"", self.view.now)
        entry = Entry(found.id, found.version, None)
        rows = await present.articles(self.here, self.view, [entry], wanted=wanted, full=True)
        if not rows:
            raise NotFound()
        article: Json = orjson.loads(rows[0])
        if article["version"] != found.version:
            raise await asyncio.to_thread(_stale, self.here.db, found.id, {found.version})
        return article

    async def merged(self, found: Found, data: Json, merge: Merge) -> Planned:
        """The edit that a body asks for."""
        shown = await self.shown(found, data)
        wanted = merge(shown, data)
        given = sent.changed(shown, data, wanted)
        names = [name for name in wanted if name in ArticleFields.model_fields]
        known = await incoming.known(self.here.db, given, hidden=self.caller.may("read_drafts"))
        known = replace(known, own=found.id)
        made = fields.changes(given, names, self.view.atlas, known)
        edit = Edit(made, given.correction)
        return Planned(found.version, lambda session, current: self.edited(session, current, edit))

    def edited(self, session: Session, current: Stored, edit: Edit) -> Answered:
        saved = editing.edit(session, current, edit, self.saving())
        return Answered(saved.id, saved.version, 200)

    def ended(self, session: Session, current: Stored, reason: str | None, *, purge: bool) -> Answered:
        """Withdraws what the public has seen; what it has not, or what is purged, goes."""
        id, saving = current.existing.id, self.saving()
        if current.existing.public_once and not purge:
            return self.edited(session, current, Edit({"status": "withdrawn"}, reason=reason))
        version = states.remove(session, id, now=saving.now, by=saving.by)
        if purge:
            states.forget_answers(session, id)
        return Answered(id, version, 204)


def demand(caller: Caller, *statuses: object) -> None:
    """`publish` for whatever the public sees, now or later, or has seen; drafts need no more than `write`."""
    if any(status not in (None, "draft") for status in statuses):
        caller.demand("publish")


def _stale(db: Database, id: int, versions: Collection[int]) -> Exception:
    with db.snapshot() as snapshot:
        current = stored.load(snapshot.connection, [id]).get(id)
        return NotFound() if current is None else editing.stale(snapshot.connection, current, versions)


def _in_turn(
    session: Session, id: int, planned: Planned, versions: Collection[int], key: Repeatable | None
) -> Answered:
    """One transaction. The row is locked before anything is compared, so that of many with the same version one wins,
    and a repeated request waits for the first to be answered."""
    current = editing.hold(session, id)
    known = repeats.recall(session, key) if key else None
    if known is not None:
        return known
    if current is None:
        raise NotFound()
    if current.existing.version != planned.base:
        raise editing.stale(session.connection(), current, versions or (planned.base,))
    answered = planned.act(session, current)
    if key is not None:
        repeats.note(session, key, answered)
    return answered


async def answer(
    change: Change, read: Read, answered: Answered, warnings: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """The article as it is now, with the place of the change in the log."""
    headers = {"X-Seq": change.view.head.place.token, "Cache-Control": "no-store", "Vary": VARY, **warnings}
    if answered.status == 204:
        return Response(status_code=204, headers=headers)
    entry = Entry(answered.id, answered.version, None)
    rows = await present.articles(change.here, change.view, [entry], wanted=read, full=True, own=True)
    if not rows:
        raise Gone("The article that this request made or changed is gone.")
    article = orjson.loads(rows[0])
    headers["ETag"] = conditional.item_etag(article.get("version", answered.version), rows[0])
    if answered.status == 201:
        headers["Location"] = f"/v1/articles/{article.get('slug') or answered.id}"
    return Response(rows[0], answered.status, headers, "application/json")
