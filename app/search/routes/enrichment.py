"""What enrichment suggests for an article, over HTTP, and what its editors make of that."""

from functools import partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Security
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import schemas as article_schemas
from app.articles.editing import ArticleEdit
from app.articles.input import suggested_edit
from app.articles.input.payloads import SuggestionDecision
from app.articles.manuscript import Decision
from app.articles.reading.queries import ArticleRef
from app.articles.render.write_responses import ArticleRenderer
from app.articles.routes import writes
from app.articles.routes.path_params import ArticlePath
from app.articles.routes.reads import MOVED, find
from app.articles.routes.update_flow import Change, ChangeParams, UpdateRequest
from app.articles.store import authorship, stored_article
from app.articles.store.stored_article import StoredArticle
from app.articles.store.suggested import decisions
from app.context import AppContext, Context, DraftReader, RequestContext, authorize
from app.db import audit_rows
from app.db.audit_rows import Action, AuditRecord
from app.db.sql import read_clock
from app.enrich.suggestion import SuggestedValue
from app.errors import NotFound
from app.http import responses
from app.http.api_route import ApiRoute, describe_path
from app.http.body import JsonBody
from app.http.openapi import describe_item, describe_problems
from app.http.params import parser
from app.http.params.typed import Params
from app.search import schemas
from app.search.index import EngineIndex
from app.search.routes import examples, suggestion_list
from app.search.routes.suggestion_list import STATES, FoundSuggestions

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)

SuggestionPath = Annotated[
    str,
    describe_path(
        {
            "description": "A suggestion for this article, by its `id`.",
            "schema": {"type": "string", "pattern": "^(language|region|tag|duplicate)-[a-z0-9-]{1,35}$"},
            "example": "region-170",
        }
    ),
]


class SuggestionParams(Params):
    """Of the suggestions for an article."""

    state = parser.choices("state", "Only these: without it `open,accepted`.", STATES)


@router.get(
    "/articles/{ref}/suggestions",
    name="list_suggestions",
    summary="Suggested languages, regions, tags and duplicates",
    response_model=schemas.ArticleSuggestions,  # only described: the entity tag is of the rendered bytes
    responses=describe_item(examples.SUGGESTIONS) | MOVED | describe_problems("not_found", "gone"),
)
async def list_suggestions(
    request: Request, ref: ArticlePath, context: Context, view: DraftReader, params: SuggestionParams
) -> Response:
    """Language, regions, tags and near-duplicates that fit an article, each with how sure it is and why; `taken` says
    whether the article has it. What was refused is listed by `state=refused` alone. Needs the scope `read_drafts`."""
    article = await find(request, context, view, ref, "/suggestions")
    if isinstance(article, Response):
        return article
    findings = await _find_suggestions(context, view, article)
    states = params.state or ("open", "accepted")
    rows = await suggestion_list.render_suggestions(context.db, findings, view.atlas, states)
    tags = [f"article:{article.id}", "list"]
    return responses.render_item(
        request,
        orjson.dumps({"data": rows}),
        token=view.token,
        public=view.public,
        version=article.version,
        tags=tags,
    )


async def _find_suggestions(context: AppContext, view: RequestContext, article: ArticleRef) -> FoundSuggestions:
    index = context.index
    assert isinstance(index, EngineIndex)
    return await suggestion_list.find_suggestions(context.db, index, article.id, view)


@router.put(
    "/articles/{ref}/suggestions/{id}",
    name="decide_suggestion",
    summary="Accept or refuse a suggestion",
    response_model=article_schemas.Article,  # only described: what is sent are the bytes that a repeat gets again
    responses=MOVED | writes.describe_response(200, *writes.FAILURES),
    openapi_extra=writes.CHANGE,
)
async def decide_suggestion(
    request: Request,
    ref: ArticlePath,
    id: SuggestionPath,
    context: Context,
    view: Annotated[RequestContext, Security(authorize, scopes=["write", "read_drafts"])],
    params: ChangeParams,
    payload: JsonBody[SuggestionDecision],
) -> Response:
    """`accepted` gives the article the language, region or tag, `refused` takes it away where the article has it, each
    as an edit with a version of its own; what is refused is not suggested again, nor linked by an import.

    A near-duplicate that is accepted is confirmed and one that is refused counts as none; the article stays as it is.
    """
    below = f"/suggestions/{id}"
    change = await UpdateRequest.begin(request, context, view, payload.content, ArticleRenderer(params), below)
    if isinstance(change, Response):
        return change
    state = payload.validate().state

    async def plan(article: ArticleRef) -> Change:
        one = (await _find_suggestions(context, view, article)).find(id)
        if one is None:
            raise NotFound(f"Nothing is suggested for this article by the id {id[:40]!r}.")
        return partial(_decide, one, state, authorship.sign(view.caller.name))

    return await change.respond(await change.carry_out(ref, plan))


def _decide(
    one: SuggestedValue, state: Decision, by: str | None, session: Session, current: StoredArticle
) -> ArticleEdit:
    """Keeps the decision in the transaction of the edit that follows from it."""
    connection, existing = session.connection(), current.existing_row
    [before] = stored_article.make_manuscripts(connection, [current])
    known = stored_article.load_tags(connection, {one.target}) if one.kind == "tag" and one.target is not None else {}
    tag = known.get(one.target) if one.target is not None else None
    edit = ArticleEdit(suggested_edit.find_changes(one, state, before, tag))
    is_new = decisions.keep(session, existing.id, one, state, now=read_clock(connection), by=by)
    if is_new or edit.changes:
        version = existing.version
        action: Action = "suggestion_accept" if state == "accepted" else "suggestion_refuse"
        details = {"suggestion": one.id}
        audit_rows.add_record(session, AuditRecord(action, "article", existing.id, version, version, details))
    return edit
