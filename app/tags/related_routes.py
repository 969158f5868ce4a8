"""Tags that go with a tag, over HTTP: those that articles have together more often than chance. Reads only."""

import asyncio

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.context import AnyCaller, Context
from app.errors import NotFound
from app.http import responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_problems
from app.http.params import parser
from app.http.params.typed import AsOf, NamesIn
from app.tags import cooccurrence, examples, queries, schemas
from app.tags.queries import TagFilter
from app.tags.routes import MOVED, render_tag
from app.tags.service import KINDS
from app.tags.write_routes import TagRef

router = APIRouter(prefix="/v1", tags=["tags"], route_class=ApiRoute)


class RelatedTagParams(NamesIn, AsOf):
    """Of the tags that go with one."""

    kind = parser.choices("kind", "Only tags of these kinds.", KINDS)
    limit = parser.integer("limit", "How many.", default=10, minimum=1, maximum=50, excess="limit_too_large")


@router.get(
    "/tags/{ref}/related",
    name="list_related_tags",
    summary="Tags that go together with one",
    response_model=schemas.RelatedTagList,
    responses=describe_item(examples.RELATED)
    | MOVED
    | describe_problems("not_found", "limit_too_large", "seq_unknown", "index_behind"),
)
async def list_related_tags(
    request: Request, ref: TagRef, context: Context, view: AnyCaller, params: RelatedTagParams
) -> Response:
    """Tags that published articles have together with this one more often than by chance.

    The least likely by chance first (Dunning's log-likelihood); two articles at least have both. Tags that go with
    every article alike, and those that avoid this one, are not there.
    """
    await context.wait_for(params.min_seq, view.head)
    token = context.make_index_token(view)
    entry = await queries.find(context.db, ref, hidden=view.caller.has_scope("read_drafts"))
    if entry is None:
        raise NotFound()
    if ref not in (entry.slug, str(entry.id)):
        path = f"/v1/tags/{entry.slug}/related"
        return responses.render_redirect(request, 308, path, token=token, public=view.public)
    shared = await context.index.count_shared_tags(entry.id, view.head)
    ranked = await asyncio.to_thread(cooccurrence.find_related, entry.id, shared.together, shared.counts, shared.total)
    if params.kind:
        # All counted tags are public: none need be left out here.
        ids = {id for id, _ in await queries.sort_names(context.db, TagFilter(params.kind, hidden=True))}
        ranked = [one for one in ranked if one.id in ids]
    entries = await queries.by_ids(context.db, [one.id for one in ranked[: params.limit]])
    rows = [
        render_tag(entries[one.id], shared.counts, params.names_language)
        | {"together": one.together, "expected": one.expected, "score": one.score}
        for one in ranked[: params.limit]
        if one.id in entries
    ]
    body = orjson.dumps({"data": rows})
    names = ["list", "tags", f"tag:{entry.slug}"]
    return responses.render_item(request, body, token=token, public=view.public, tags=names)
