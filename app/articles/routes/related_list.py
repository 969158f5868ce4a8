"""The editors' list of related posts over HTTP: `PUT /v1/articles/{ref}/related`."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, schemas
from app.articles.editing import ArticleEdit
from app.articles.input import new_article, related_entries, validation
from app.articles.reading.queries import ArticleRef
from app.articles.render import article_json, write_responses
from app.articles.routes import update_flow, writes
from app.articles.routes.reads import MOVED, REF
from app.articles.routes.update_flow import PlannedUpdate, UpdateRequest
from app.context import get_context
from app.http import body, responses
from app.http.openapi import describe_problems
from app.http.params.parser import Parameters

router = APIRouter(prefix="/v1", tags=["articles"])

REPLACE = Parameters(*article_json.PARAMETERS)
BODY_FAILURES = ("malformed_json", "body_too_large", "unsupported_media_type", "invalid_value", "unknown_field")


@router.put(
    "/articles/{ref}/related",
    name="replace_related",
    response_model=schemas.RelatedList,
    responses=responses.document_example(examples.RELATED)
    | MOVED
    | describe_problems(*writes.FAILURES, *BODY_FAILURES),
    openapi_extra={
        "parameters": writes.parameters(REPLACE, *REF, writes.IF_MATCH),
        "requestBody": body.describe_body("RelatedReplace"),
    },
)
async def replace_related(request: Request) -> Response:
    """Replaces the editors' related posts of an article; returns the list as it is now.

    Titles may stand alone: `["A title", "Another"]`.
    """
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("write")
    read = REPLACE.read(request.scope["query_string"], view.now)
    content = await body.read_content(request, (validation.JSON,))
    change = UpdateRequest.from_request(
        request, context, view, content, write_responses.make_related_renderer(read), "/related"
    )
    repeated = await change.replay()
    if repeated is not None:
        return repeated
    entries, pointer = validation.validate_related(content).posts()

    def demand(article: ArticleRef) -> None:
        update_flow.require_publish(view.caller, article.status)

    async def plan(article: ArticleRef) -> PlannedUpdate:
        articles = await new_article.find_articles(
            context.db, related_entries.refs(entries), hidden=view.caller.has_scope("read_drafts")
        )
        edit = ArticleEdit({"related": tuple(related_entries.read(entries, articles, pointer, article.id))})
        return PlannedUpdate(article.version, lambda session, current: change.save_edit(session, current, edit))

    return await change.carry_out(demand, plan)
