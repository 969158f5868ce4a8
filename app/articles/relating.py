"""The editors' list of related posts over HTTP: `PUT /v1/articles/{ref}/related`."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import archive, changing, examples, incoming, posts, present, rendering, schemas, sent, writing
from app.articles.changing import Change, Planned
from app.articles.editing import Edit
from app.articles.queries import Found
from app.articles.routes import MOVED, REF
from app.http import body, responses
from app.http.openapi import problems
from app.http.params.parser import Parameters

router = APIRouter(prefix="/v1", tags=["articles"])

REPLACE = Parameters(*present.PARAMETERS)
BODY_FAILURES = ("malformed_json", "body_too_large", "unsupported_media_type", "invalid_value", "unknown_field")


@router.put(
    "/articles/{ref}/related",
    name="replace_related",
    response_model=schemas.RelatedList,
    responses=responses.example(examples.RELATED) | MOVED | problems(*writing.FAILURES, *BODY_FAILURES),
    openapi_extra={
        "parameters": writing.parameters(REPLACE, *REF, writing.IF_MATCH),
        "requestBody": body.described("RelatedReplace"),
    },
)
async def replace_related(request: Request) -> Response:
    """Replaces the editors' related posts of an article; answers with the list as it is now.

    Titles may stand alone: `["A title", "Another"]`.
    """
    here = archive.of(request)
    view = await here.view(request)
    view.caller.demand("write")
    read = REPLACE.read(request.scope["query_string"], view.now)
    content = await body.content(request, (sent.JSON,))
    change = Change.of(request, here, view, content, rendering.related(read), "/related")
    repeated = await change.repeated()
    if repeated is not None:
        return repeated
    given, pointer = sent.related(content).posts()

    def demand(found: Found) -> None:
        changing.demand(view.caller, found.status)

    async def plan(found: Found) -> Planned:
        articles = await incoming.articles(here.db, posts.refs(given), hidden=view.caller.may("read_drafts"))
        edit = Edit({"related": tuple(posts.read(given, articles, pointer, found.id))})
        return Planned(found.version, lambda session, current: change.edited(session, current, edit))

    return await change.carry_out(demand, plan)
