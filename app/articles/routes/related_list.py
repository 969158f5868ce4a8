"""The editors' list of related posts over HTTP: `PUT /v1/articles/{ref}/related`."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, schemas
from app.articles.editing import ArticleEdit
from app.articles.input import new_article, related_entries, validation
from app.articles.input.payloads import RelatedReplace
from app.articles.reading.queries import ArticleRef
from app.articles.render.write_responses import RelatedRenderer
from app.articles.routes import writes
from app.articles.routes.path_params import ArticlePath
from app.articles.routes.reads import MOVED
from app.articles.routes.update_flow import Change, ChangeParams, UpdateRequest
from app.context import Context, Writer
from app.http.api_route import ApiRoute
from app.http.body import JsonBody
from app.http.openapi import describe_problems, describe_uncached

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)


@router.put(
    "/articles/{ref}/related",
    name="replace_related",
    summary="Replace the editors' related posts",
    response_model=schemas.RelatedList,  # only described: what is sent are the bytes that a repeat gets again
    responses=describe_uncached(examples.RELATED, 200, "ETag") | MOVED | describe_problems(*writes.FAILURES),
    openapi_extra=writes.CHANGE,
)
async def replace_related(
    request: Request,
    ref: ArticlePath,
    context: Context,
    view: Writer,
    params: ChangeParams,
    payload: JsonBody[RelatedReplace],
) -> Response:
    """Replaces the editors' related posts of an article; returns the list as it is now.

    Titles may stand alone: `["A title", "Another"]`.
    """
    change = await UpdateRequest.begin(request, context, view, payload.content, RelatedRenderer(params), "/related")
    if isinstance(change, Response):
        return change
    entries, pointer = validation.validate_related(payload.content).posts()

    async def plan(article: ArticleRef) -> Change:
        articles = await new_article.find_articles(
            context.db, related_entries.refs(entries), hidden=view.caller.has_scope("read_drafts")
        )
        return ArticleEdit({"related": tuple(related_entries.read(entries, articles, pointer, article.id))})

    return await change.respond(await change.carry_out(ref, plan))
