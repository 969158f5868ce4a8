"""A change of one article over HTTP, from the reference to the commit: who may, which version it is based on, whether
the same request was carried out before."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

import orjson
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import editing, states
from app.articles.editing import ArticleEdit
from app.articles.html import offload
from app.articles.idempotency import keys, stored_responses
from app.articles.idempotency.keys import IdempotentRequest
from app.articles.input import fields, new_article, validation
from app.articles.input.merge_patch import Json
from app.articles.input.payloads import ArticleFields
from app.articles.reading import replacements
from app.articles.reading.queries import ArticleRef, ListRow
from app.articles.render import article_json, write_responses
from app.articles.render.article_json import ArticleParts
from app.articles.render.write_responses import Render, Rendered, WriteResult
from app.articles.routes import reads
from app.articles.store import authorship, stored_article
from app.articles.store.row_columns import SaveContext
from app.articles.store.stored_article import StoredArticle
from app.context import AppContext, RequestContext
from app.db.database import Committed, Database
from app.db.sql import read_clock
from app.errors import (
    DatelineError,
    InvalidRange,
    InvalidValue,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from app.http import conditional
from app.http.auth import Caller

TRIES = 50
"""How often a change of whatever version there is (`If-Match: *`) is made anew because others were faster."""

WANTED = 'Send If-Match with the ETag of the article as you read it, or with its version in quotes, such as "3".'

ADDRESS = frozenset({"gone", "replaced_by"})
"""What the public gets at the address of an article that is not published."""

Act = Callable[[Session, StoredArticle], WriteResult]
"""What is done to an article within the transaction, as it is there."""
Plan = Callable[[ArticleRef], Awaitable[Act]]
"""From an article as it was found to what is done to it; made anew where another request has changed it meanwhile."""
Merge = Callable[[Json, Json], Json]


class ChangeParams(ArticleParts):
    """Of a change: how its response shows the article."""


Outcome = WriteResult | Rendered
"""What a write made, or the response to it where that is stored: under an Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """A request to change one article, or to make one. `render` makes the response; `below` is what stands behind the
    article's own path."""

    request: Request
    context: AppContext
    view: RequestContext
    key: IdempotentRequest | None
    render: Render
    below: str = ""

    @staticmethod
    async def begin(
        request: Request, context: AppContext, view: RequestContext, content: bytes, render: Render, below: str = ""
    ) -> "UpdateRequest | Response":
        """The stored response where this very request was carried out before. `content` is the request's body."""
        key = IdempotentRequest.from_request(request, view.caller, content, context.settings.max_idempotency_bytes)
        change = UpdateRequest(request, context, view, key, render, below)
        return await change.replay() or change

    def make_save_context(self, session: Session) -> SaveContext:
        return SaveContext(
            read_clock(session.connection()), authorship.sign(self.view.caller.name), self.context.settings.site_url
        )

    async def replay(self) -> Response | None:
        """The stored response where this very request was carried out before."""
        stored = await keys.find(self.context.db, self.key) if self.key else None
        return stored.response() if stored is not None else None

    def load_stored(self, session: Session) -> Rendered | None:
        """The same within the transaction that would carry it out again."""
        return keys.load_locked(session, self.key) if self.key else None

    def store(self, session: Session, result: WriteResult) -> Outcome:
        """Renders and stores the response within the transaction of the change, where the request may be repeated."""
        if self.key is None:
            return result
        site_url = self.context.settings.site_url
        rendered = write_responses.render_uncommitted(session, self.view, site_url, result, self.render)
        keys.store(session, self.key, result.id, result.version, rendered)
        return rendered

    async def respond(self, written: Committed[Outcome]) -> Response:
        """The response to a committed change, with its place in the log."""
        outcome = written.value
        if isinstance(outcome, WriteResult):
            outcome = await self.render(self.context, self.view._replace(head=written.head), outcome)
        return outcome.with_place(written.head).response()

    async def carry_out(
        self, ref: str, plan: Plan, *, status: object = None, is_purge: bool = False, unconditional: bool = False
    ) -> Response:
        """The response to the change, or a redirect from an old slug. NotFound or Gone before anything else is said of
        the article, then MissingScope without `publish` where the public sees it, or will in its new `status`, then
        PreconditionRequired, PreconditionFailed. Of a request that is sent twice at once each gets the response of the
        one that was carried out, whatever the other finds changed by that. `is_purge`: the caller's scope is checked
        already. `unconditional`: without If-Match it is a change of whatever version there is."""
        try:
            made = await self._execute(ref, plan, status, is_purge=is_purge, unconditional=unconditional)
        except DatelineError:
            repeated = await self.replay()
            if repeated is None:
                raise
            return repeated
        if isinstance(made, Response):
            return await self.replay() or made
        return await self.respond(made)

    async def _execute(
        self, ref: str, plan: Plan, status: object, *, is_purge: bool, unconditional: bool
    ) -> Committed[Outcome] | Response:
        versions = conditional.read_if_match(self.request)
        if versions is None and unconditional:
            versions = conditional.ANY
        for attempt in range(1, TRIES + 1):
            article = await reads.find(self.request, self.context, self.view, ref, self.below)
            if isinstance(article, Response):
                return article
            if not is_purge:
                require_publish(self.view.caller, article.status, status)
            if versions is None:
                raise PreconditionRequired(WANTED)
            if versions != conditional.ANY and article.version not in versions:
                raise await asyncio.to_thread(_stale, self.context.db, article.id, versions)
            known = () if versions == conditional.ANY else versions
            try:
                return await self.context.db.write(self._in_turn, article, await plan(article), known)
            except PreconditionFailed:
                if versions != conditional.ANY or attempt == TRIES:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _in_turn(self, session: Session, article: ArticleRef, act: Act, versions: Collection[int]) -> Outcome:
        """One transaction. The row is locked before anything is compared, so that of many with the same version one
        wins, and a repeated request waits for the first to be carried out."""
        current = editing.lock_article(session, article.id)
        stored = self.load_stored(session)
        if stored is not None:
            return stored
        if current is None:
            raise NotFound()
        if current.existing_row.version != article.version:
            raise editing.make_precondition_failed(session.connection(), current, versions or (article.version,))
        return self.store(session, act(session, current))

    async def render_current(self, target: ArticleRef, names: Collection[str] = ()) -> Json:
        """The article as this caller sees it, with other views of the body as far as `names` has them. Raises
        PreconditionFailed where it has gone on since it was found."""
        views = ",".join(name for name in article_json.INCLUDES if name in names)
        params = ChangeParams.parse(f"include={views}".encode() if views else b"", self.view.now)
        entry = ListRow(target.id, target.version, None)
        rows = await article_json.render_articles(self.context, self.view, [entry], params=params, full=True)
        if not rows:
            raise NotFound()
        article: Json = orjson.loads(rows[target.id])
        if article["version"] != target.version:
            raise await asyncio.to_thread(_stale, self.context.db, target.id, {target.version})
        return article

    async def plan_merge(self, article: ArticleRef, data: Json, merge: Merge) -> Act:
        """The edit that a body asks for."""
        shown = await self.render_current(article, data)
        changed = merge(shown, data)
        payload = validation.validate_changes(shown, data, changed)
        names = [name for name in changed if name in ArticleFields.model_fields]
        if article.public_once and ADDRESS & {*names}:
            self.view.caller.require_scope("publish")
        known = await new_article.resolve_references(
            self.context.db, payload, hidden=self.view.caller.has_scope("read_drafts")
        )
        known = replace(known, own=article.id)
        made = await offload.run(
            validation.measure_text(data), fields.read_changes, payload, names, self.view.atlas, known
        )
        edit = ArticleEdit(made, payload.correction)
        return lambda session, current: self.save_edit(session, current, edit)

    def save_edit(self, session: Session, current: StoredArticle, edit: ArticleEdit) -> WriteResult:
        saved = editing.edit(session, current, edit, self.make_save_context(session))
        return WriteResult(saved.id, saved.version, 200)

    def withdraw_or_bin(
        self, session: Session, current: StoredArticle, reason: str | None, replaced_by: int | None
    ) -> WriteResult:
        """Withdraws what is published; what is not moves to the bin. InvalidTransition where it is there already."""
        existing = current.existing_row
        if existing.status in editing.WAYS_OUT:
            raise editing.make_invalid_transition(existing, editing.WAYS_OUT[existing.status])
        if existing.status == "published":
            obstacle = replaced_by and replacements.find_obstacle(session.connection(), existing.id, replaced_by)
            if obstacle:
                raise InvalidValue(obstacle, "replaced_by")
            changes = {"status": "withdrawn", "replaced_by": replaced_by}
            return self.save_edit(session, current, ArticleEdit(changes, reason=reason))
        for name, value in (("reason", reason), ("replaced_by", replaced_by)):
            if value is not None:
                raise InvalidRange(f"A {existing.status} article moves to the bin: leave {name} out.", name)
        return self.save_edit(session, current, ArticleEdit({"status": "trashed"}))

    def restore(self, session: Session, current: StoredArticle) -> WriteResult:
        return self.save_edit(session, current, ArticleEdit({"status": "draft"}, restores=True))

    def purge(self, session: Session, current: StoredArticle) -> WriteResult:
        id, saving = current.existing_row.id, self.make_save_context(session)
        version = states.remove(session, id, now=saving.now, by=saving.by)
        stored_responses.delete_responses_of(session, id)
        return WriteResult(id, version, 204)


def require_publish(caller: Caller, *statuses: object) -> None:
    """`publish` for whatever the public sees, now or later, or has seen; drafts need no more than `write`."""
    if any(status not in (None, "draft", "trashed") for status in statuses):
        caller.require_scope("publish")


def _stale(db: Database, id: int, versions: Collection[int]) -> Exception:
    with db.snapshot() as snapshot:
        current = stored_article.load(snapshot.connection, [id]).get(id)
        return (
            NotFound() if current is None else editing.make_precondition_failed(snapshot.connection, current, versions)
        )
