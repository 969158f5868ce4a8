"""A change of one article over HTTP, from the reference to the commit: who may, which version it is based on, whether
the same request was carried out before."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

import orjson
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import editing, service, states
from app.articles.editing import ArticleEdit
from app.articles.html import offload
from app.articles.idempotency import keys, stored_responses
from app.articles.idempotency.keys import IdempotentRequest
from app.articles.input import fields, new_article, validation
from app.articles.input.merge_patch import Json
from app.articles.input.payloads import ArticleFields
from app.articles.manuscript import Manuscript
from app.articles.reading.queries import ArticleRef, ListRow
from app.articles.render import article_json, write_responses
from app.articles.render.article_json import ArticleParts
from app.articles.render.write_responses import Rendered, Renderer, WriteResult
from app.articles.routes import reads
from app.articles.store import authorship, saving, stored_article
from app.articles.store.row_columns import SaveContext
from app.articles.store.stored_article import StoredArticle
from app.context import AppContext, RequestContext
from app.db.database import Committed, Database
from app.db.sql import read_clock
from app.errors import DatelineError, NotFound, PreconditionFailed, PreconditionRequired
from app.http import conditional
from app.http.auth import Caller

TRIES = 50
"""How often a change of whatever version there is (`If-Match: *`) is made anew because others were faster."""

WANTED = 'Send If-Match with the ETag of the article as you read it, or with its version in quotes, such as "3".'

ADDRESS = frozenset({"gone", "replaced_by"})
"""What the public gets at the address of an article that is not published."""

Decide = Callable[[Session, StoredArticle], ArticleEdit]
"""What is changed of an article, told from how it is in the transaction. What it writes itself is committed with it."""
Change = ArticleEdit | Decide | Literal["purge"]
Plan = Callable[[ArticleRef], Awaitable[Change]]
"""From an article as it was read to what is done to it; made anew where another request has changed it meanwhile."""
Merge = Callable[[Json, Json], Json]


class ChangeParams(ArticleParts):
    """Of a change: how its response shows the article."""


Outcome = WriteResult | Rendered
"""What a write made, or the response to it where that is stored: under an Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """A request to change one article, or to make one. `below` is what stands behind the article's own path. A change
    goes `begin`, `carry_out`, `respond`; what runs in the transaction is `execute`."""

    request: Request
    context: AppContext
    view: RequestContext
    key: IdempotentRequest | None
    renderer: Renderer
    below: str = ""

    @staticmethod
    async def begin(
        request: Request, context: AppContext, view: RequestContext, content: bytes, renderer: Renderer, below: str = ""
    ) -> "UpdateRequest | Response":
        """The stored response where this very request was carried out before. `content` is the request's body."""
        key = IdempotentRequest.from_request(request, view.caller, content, context.settings.max_idempotency_bytes)
        change = UpdateRequest(request, context, view, key, renderer, below)
        return await change.replay() or change

    async def replay(self) -> Response | None:
        """The stored response where this very request was carried out before."""
        stored = await keys.find(self.context.db, self.key) if self.key else None
        return stored.response() if stored is not None else None

    async def carry_out(
        self, ref: str, plan: Plan, *, status: object = None, is_purge: bool = False, unconditional: bool = False
    ) -> Committed[Outcome] | Response:
        """The committed change, or a redirect from an old slug. InvalidValue of an If-Match that is none; NotFound or
        Gone before anything else is said of the article, then MissingScope without `publish` where the public sees it,
        or will in its new `status`, then PreconditionRequired, PreconditionFailed. Of a request that is sent twice at
        once each gets the response of the one that was carried out, whatever the other finds changed by that.
        `is_purge`: the caller's scope is checked already. `unconditional`: without If-Match it is a change of whatever
        version there is."""
        try:
            versions = conditional.read_if_match(self.request)
            if versions is None and unconditional:
                versions = conditional.ANY
            for attempt in range(1, TRIES + 1):
                article = await reads.find(self.request, self.context, self.view, ref, self.below)
                if isinstance(article, Response):
                    return await self.replay() or article
                if not is_purge:
                    require_publish(self.view.caller, article.status, status)
                if versions is None:
                    raise PreconditionRequired(WANTED)
                if versions != conditional.ANY and article.version not in versions:
                    raise await asyncio.to_thread(_explain_stale, self.context.db, article.id, versions)
                known = () if versions == conditional.ANY else versions
                try:
                    return await self.context.db.write_short(self.execute, await plan(article), article, known)
                except PreconditionFailed:
                    if versions != conditional.ANY or attempt == TRIES:
                        raise
        except DatelineError:
            repeated = await self.replay()
            if repeated is None:
                raise
            return repeated
        raise AssertionError("the last attempt returns or raises")

    def execute(
        self,
        session: Session,
        change: Change | Manuscript,
        article: ArticleRef | None = None,
        versions: Collection[int] = (),
    ) -> Outcome:
        """One transaction: a change of `article`, or a new one. Its row is locked before anything is compared, so that
        of many with the same version one wins, and a repeated request waits for the first to be carried out."""
        connection, site_url = session.connection(), self.context.settings.site_url
        current = editing.lock_article(session, article.id) if article is not None else None
        stored = keys.load_locked(session, self.key) if self.key else None
        if stored is not None:
            return stored
        how = SaveContext(read_clock(connection), authorship.sign(self.view.caller.name), site_url)
        if isinstance(change, Manuscript):
            new_article.check_date(change, how.now)
            saved = service.create(session, change, now=how.now, site_url=site_url, by=how.by)
            result = WriteResult(saved.id, saved.version, 201)
        elif article is None or current is None:
            raise NotFound()
        elif current.existing_row.version != article.version:
            raise editing.make_precondition_failed(connection, current, versions or (article.version,))
        elif change == "purge":
            result = WriteResult(article.id, states.remove(session, article.id, now=how.now, by=how.by), 204)
            stored_responses.delete_responses_of(session, article.id)
        else:
            edit = change if isinstance(change, ArticleEdit) else change(session, current)
            batch = editing.prepare(session, current, edit, how.now)
            version = saving.save(session, batch, how)[0].version if batch else article.version
            result = WriteResult(article.id, version, 200)
        if self.key is None:
            return result
        # Rendered before the commit, so that it shows this change and none that comes behind it.
        shelf, view = write_responses.open_uncommitted(session, self.view, site_url)
        shown = asyncio.run(self.renderer.load(shelf, view, result)) if result.status != 204 else {}
        rendered = self.renderer.finish(result, shown)
        articles = write_responses.find_articles(session, view, result, rendered.body)
        stored_responses.add(session, self.key.make_row(result.id, result.version), rendered, articles, self.key.limit)
        return rendered

    async def respond(self, written: Committed[Outcome] | Response) -> Response:
        """The response to a committed change, with its place in the log."""
        if isinstance(written, Response):
            return written
        outcome = written.value
        if isinstance(outcome, WriteResult):
            view = self.view._replace(head=written.head)
            shown = await self.renderer.load(self.context, view, outcome) if outcome.status != 204 else {}
            outcome = self.renderer.finish(outcome, shown)
        return outcome.with_place(written.head).response()

    async def plan_merge(self, data: Json, merge: Merge, article: ArticleRef) -> ArticleEdit:
        """The edit that a body asks for, of the article as this caller sees it, with the views of its text that the
        body names. PreconditionFailed where it has gone on since it was read."""
        views = ",".join(name for name in article_json.INCLUDES if name in data)
        params = ChangeParams.parse(f"include={views}".encode() if views else b"", self.view.now)
        entry = ListRow(article.id, article.version, None)
        rows = await article_json.render_articles(self.context, self.view, [entry], params=params, full=True)
        if article.id not in rows:
            raise NotFound()
        shown: Json = orjson.loads(rows[article.id])
        if shown["version"] != article.version:
            raise await asyncio.to_thread(_explain_stale, self.context.db, article.id, {article.version})
        changed = merge(shown, data)
        payload = validation.validate_changes(shown, data, changed, self.view.atlas)
        names = [name for name in changed if name in ArticleFields.model_fields]
        if article.public_once and ADDRESS & {*names}:
            self.view.caller.require_scope("publish")
        known = await new_article.resolve_references(
            self.context.db, payload, hidden=self.view.caller.has_scope("read_drafts")
        )
        known = replace(known, own=article.id)
        size = validation.measure_text(data)
        return ArticleEdit(
            await offload.run(size, fields.read_changes, payload, names, self.view.atlas, known), payload.correction
        )


def require_publish(caller: Caller, *statuses: object) -> None:
    """`publish` for whatever the public sees, now or later, or has seen; drafts need no more than `write`."""
    if any(status not in (None, "draft", "trashed") for status in statuses):
        caller.require_scope("publish")


def _explain_stale(db: Database, id: int, versions: Collection[int]) -> Exception:
    with db.snapshot() as snapshot:
        current = stored_article.load(snapshot.connection, [id]).get(id)
        return (
            NotFound() if current is None else editing.make_precondition_failed(snapshot.connection, current, versions)
        )
