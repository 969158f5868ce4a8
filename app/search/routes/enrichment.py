"""What enrichment suggests for an article, over HTTP, for who edits it. Reads only: taking one is an edit."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.routes.path_params import ArticlePath
from app.articles.routes.reads import MOVED, find
from app.context import Context, DraftReader
from app.http import responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_problems
from app.search import enrichment, examples, schemas
from app.search.index import EngineIndex

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)


@router.get(
    "/articles/{ref}/suggestions",
    name="list_suggestions",
    summary="Suggested languages, regions, tags and duplicates",
    response_model=schemas.ArticleSuggestions,  # only described: the entity tag is of the rendered bytes
    responses=describe_item(examples.SUGGESTIONS) | MOVED | describe_problems("not_found", "gone"),
)
async def list_suggestions(request: Request, ref: ArticlePath, context: Context, view: DraftReader) -> Response:
    """Language, regions, tags and near-duplicates that fit an article, each with how sure it is and why; `taken` says
    whether the article has it. Needs the scope `read_drafts`."""
    article = await find(request, context, view, ref, "/suggestions")
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
