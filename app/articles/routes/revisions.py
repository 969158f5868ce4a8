"""The versions of an article over HTTP: list, item, difference, and going back to one."""

import asyncio
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Security
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, schemas
from app.articles.reading.queries import ArticleRef
from app.articles.render import revision_json, version_diff
from app.articles.render.write_responses import ArticleRenderer
from app.articles.routes import restoring
from app.articles.routes.path_params import ArticlePath, VersionNumber
from app.articles.routes.reads import MOVED, find
from app.articles.routes.update_flow import Change, ChangeParams, UpdateRequest
from app.articles.routes.writes import CHANGE, FAILURES
from app.articles.store import revisions, stored_article
from app.articles.store.stored_article import StoredArticle
from app.context import Context, DraftReader, RequestContext, authorize
from app.errors import InvalidValue
from app.http import responses
from app.http.api_route import ApiRoute
from app.http.list_paging import slice_page
from app.http.openapi import describe_item, describe_list, describe_problems, describe_uncached
from app.http.params import parser
from app.http.params.times import format_time
from app.http.params.typed import Paging, Params

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)

MOST = 2**31 - 1
"""What the database counts versions in."""
DOCUMENTS = 20
"""Versions, each with its whole body, that are in memory at once."""


class DiffParams(Params):
    """Of a comparison of two versions."""

    since = parser.integer("from", "The version to compare with; the one before unless given.", minimum=1, maximum=MOST)


# The models of responses only describe, here and below: entity tags are of the rendered bytes.
@router.get(
    "/articles/{ref}/revisions",
    name="list_revisions",
    summary="The saved versions of an article",
    response_model=schemas.RevisionList,
    responses=describe_list(examples.REVISIONS)
    | MOVED
    | describe_problems(
        "not_found", "gone", "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "page_too_deep"
    ),
)
async def list_revisions(
    request: Request, ref: ArticlePath, context: Context, view: DraftReader, params: Paging
) -> Response:
    """Every saved version, the current one first. Needs the scope `read_drafts`."""
    article = await find(request, context, view, ref, "/revisions")
    if isinstance(article, Response):
        return article
    id = article.id
    every = await revisions.versions(context.db, id)
    name = f"revisions of {id}"
    shown, page = slice_page(every, lambda one: (one.version, id), params, name=name, descending=True)
    before = {one.version: _find_previous(every, one.version) for one in shown}
    rows: list[bytes] = []
    for start in range(0, len(shown), DOCUMENTS):
        some = shown[start : start + DOCUMENTS]
        numbers = {number for one in some for number in (one.version, before[one.version]) if number is not None}
        documents = await revision_json.load_documents(context, id, numbers)
        rows += [
            orjson.dumps(_revision(one, documents[one.version], documents.get(before[one.version] or 0)))
            for one in some
            if one.version in documents
        ]
    return responses.render_list(request, rows, page, token=view.token, public=False)


def _find_previous(every: list[revisions.Version], version: int) -> int | None:
    return max((one.version for one in every if one.version < version), default=None)


def _revision(one: revisions.Version, now: StoredArticle, before: StoredArticle | None) -> dict[str, Any]:
    return {
        "version": one.version,
        "saved_at": format_time(one.saved_at),
        "saved_by": one.saved_by,
        "status": now.columns["status"],
        "title": now.columns["title"],
        "changed_fields": stored_article.compare(before, now) if before else [],
    }


@router.get(
    "/articles/{ref}/revisions/{n}",
    name="get_revision",
    summary="Read an article as it was",
    response_model=schemas.Article,
    responses=describe_item(examples.ARTICLE) | MOVED | describe_problems("not_found", "gone"),
)
async def get_revision(
    request: Request, number: VersionNumber, ref: ArticlePath, context: Context, view: DraftReader
) -> Response:
    """The article as it was in that version; tags, regions and sources by the names that they have now."""
    article = await find(request, context, view, ref, f"/revisions/{number}")
    if isinstance(article, Response):
        return article
    versions = await revision_json.render_articles(context, view, article.id, [number])
    if number not in versions:
        raise revisions.make_not_found(number, article.version)
    return responses.render_item(request, orjson.dumps(versions[number]), token=view.token, public=False)


@router.get(
    "/articles/{ref}/revisions/{n}/diff",
    name="get_revision_diff",
    summary="Compare two versions of an article",
    response_model=schemas.RevisionDiff,
    responses=describe_item(examples.DIFF) | MOVED | describe_problems("not_found", "gone"),
)
async def get_revision_diff(
    request: Request, number: VersionNumber, ref: ArticlePath, context: Context, view: DraftReader, params: DiffParams
) -> Response:
    """What that version changed: fields with both values, and the body by paragraph."""
    article = await find(request, context, view, ref, f"/revisions/{number}/diff")
    if isinstance(article, Response):
        return article
    id, base = article.id, params.since
    if base is None:
        base = _find_previous(await revisions.versions(context.db, id), number)
    versions = await revision_json.render_articles(context, view, id, [number] if base is None else [number, base])
    if number not in versions:
        raise revisions.make_not_found(number, article.version)
    if base is not None and base not in versions:
        is_old = "is not kept any more" if base < article.version else "does not exist"
        raise InvalidValue(f"Version {base} of this article {is_old}.", "from")
    body = await asyncio.to_thread(_diff, base, number, versions.get(base or 0, {}), versions[number])
    return responses.render_item(request, body, token=view.token, public=False)


def _diff(base: int | None, number: int, before: dict[str, Any], after: dict[str, Any]) -> bytes:
    fields = version_diff.compare_fields(before, after)
    paragraphs = version_diff.compare_paragraphs(before.get("body", ""), after["body"])
    names = [str(one["field"]) for one in fields]
    moved = any(one["change"] != "same" for one in paragraphs) or before.get("body", "") != after["body"]
    changed = sorted([*names, "body"] if moved else names)
    return orjson.dumps({"from": base, "to": number, "changed_fields": changed, "fields": fields, "body": paragraphs})


@router.post(
    "/articles/{ref}/revisions/{n}/restore",
    name="restore_revision",
    summary="Go back to an earlier version",
    response_model=schemas.Article,
    responses=MOVED | describe_uncached(examples.ARTICLE, 200, "ETag") | describe_problems(*FAILURES),
    openapi_extra=CHANGE,
)
async def restore_revision(
    request: Request,
    number: VersionNumber,
    ref: ArticlePath,
    context: Context,
    view: Annotated[RequestContext, Security(authorize, scopes=["write", "read_drafts"])],
    params: ChangeParams,
) -> Response:
    """Makes a new version with the text and links of an older one. State, dates, slug and corrections stay."""
    renderer = ArticleRenderer(params)
    change = await UpdateRequest.begin(request, context, view, b"", renderer, f"/revisions/{number}/restore")
    if isinstance(change, Response):
        return change

    async def plan(article: ArticleRef) -> Change:
        return partial(restoring.edit_to, number)

    return await change.respond(await change.carry_out(ref, plan))
