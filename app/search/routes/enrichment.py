"""What enrichment suggests for an article, over HTTP, for who edits it. Reads only: taking one is an edit."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.routes.reads import MOVED, REF, describe_parameters, find
from app.context import get_context
from app.http import responses
from app.http.openapi import describe_problems
from app.http.params.parser import Parameters
from app.search import enrichment, examples, schemas
from app.search.index import EngineIndex

router = APIRouter(prefix="/v1", tags=["articles"])
NOTHING = Parameters()


@router.get(
    "/articles/{ref}/suggestions",
    name="list_suggestions",
    response_model=schemas.ArticleSuggestions,
    responses=responses.document_example(examples.SUGGESTIONS)
    | MOVED
    | describe_problems("missing_scope", "not_found", "gone"),
    openapi_extra=describe_parameters(NOTHING, REF),
)
async def list_suggestions(request: Request) -> Response:
    """Language, regions, tags and near-duplicates that fit an article, each with how sure it is and why; `taken` says
    whether the article has it. Needs the scope `read_drafts`."""
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("read_drafts")
    NOTHING.read(request.scope["query_string"], view.now)
    article = await find(request, context, view, request.path_params["ref"], "/suggestions")
    if isinstance(article, Response):
        return article
    index = context.index
    assert isinstance(index, EngineIndex)
    findings = await enrichment.find_suggestions(context.db, index, article.id, view)
    body = orjson.dumps({"data": await enrichment.render_suggestions(context.db, findings, view.atlas)})
    tags = [f"article:{article.id}", "list"]
    return responses.render_item(
        request, body, token=view.token, public=view.public, version=article.version, tags=tags
    )
