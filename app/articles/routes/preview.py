"""A body as a save would keep it, over HTTP, for who is writing it. Stores nothing."""

import asyncio

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from app.articles import examples, schemas
from app.articles.html import bodies, offload
from app.articles.input import fields, validation
from app.articles.input.fields import make_invalid_input
from app.articles.input.payloads import PreviewRequest
from app.articles.reading import queries
from app.articles.render import body_views, revision_json, version_diff
from app.articles.render.write_responses import NO_STORE
from app.context import AppContext, Context, RequestContext, Writer
from app.http import body
from app.http.api_route import ApiRoute
from app.http.body import Json, JsonBody
from app.http.openapi import describe_problems, describe_uncached
from app.http.params import parser
from app.http.params.typed import Params

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)

VIEWS = ("body_text", "body_markdown", "body_blocks")


class PreviewParams(Params):
    """Of a preview."""

    include = parser.fields("include", "Other views of the body: `body_text,body_markdown,body_blocks`.", VIEWS)


@router.post(
    "/preview",
    name="preview_body",
    summary="See a body as a save would keep it",
    response_model=schemas.Preview,  # only described: the body is rendered once, in the thread that made it
    responses=describe_uncached(examples.PREVIEW) | describe_problems("invalid_value", "unknown_field"),
)
async def preview_body(
    context: Context, view: Writer, params: PreviewParams, payload: JsonBody[PreviewRequest]
) -> Response:
    """The sanitised HTML of a body as a write would store it, and what a write would say of it. Nothing is stored.

    With `article` it is compared by paragraph with a version of that article, which needs the scope `read_drafts` too.
    """
    data = body.parse_object(payload.content)
    sent = await offload.run(len(payload.content), payload.validate)
    size = validation.measure_text(data)
    stored, words = await offload.run(size, fields.read_body, sent.body)
    preview: Json = {
        "body": stored,
        "word_count": words,
        "reading_minutes": bodies.reading_minutes(words),
        "warnings": await offload.run(size, validation.find_warnings, data),
        "diff": await _compare(context, view, sent, stored),
        **await body_views.render(params.include, 0, stored),
    }
    return Response(orjson.dumps(preview), 200, NO_STORE, "application/json")


async def _compare(context: AppContext, view: RequestContext, sent: PreviewRequest, stored: str) -> Json | None:
    """The stored form of the body beside that of a version; None where no article is named."""
    if sent.article is None:
        if sent.version is not None:
            raise make_invalid_input("A version is one of an article: send article too.", "/version")
        return None
    view.caller.require_scope("read_drafts")
    article = await queries.find(context.db, str(sent.article))
    if article is None:
        raise make_invalid_input(f"There is no article {str(sent.article)[:80]!r}.", "/article")
    version = article.version if sent.version is None else sent.version
    documents = await revision_json.load_documents(context, article.id, [version])
    if version not in documents:
        is_replaced = version < article.version
        detail = f"Version {version} is not kept any more." if is_replaced else f"There is no version {version} yet."
        raise make_invalid_input(detail, "/version")
    before = body_views.render_body(documents[version].columns["body"])
    paragraphs = await asyncio.to_thread(version_diff.compare_paragraphs, before, stored)
    return {"article": article.id, "from": version, "changed": before != stored, "body": paragraphs}
