"""Records of imports over HTTP: lists of them, what they touched, undoing; bulk edits; stopping a job of these."""

import asyncio
from dataclasses import replace

import orjson
from fastapi import APIRouter
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from app.articles.store import authorship
from app.bulk import edit_job, edit_request, examples, lookup, queries, schemas, undo_job
from app.bulk.edit_request import EditOrder
from app.bulk.params import BulkEditParams, RecordListParams, TouchedParams
from app.bulk.payloads import BulkEdit
from app.bulk.records import BULK
from app.changes import jobs
from app.changes.jobs import Json
from app.context import AppContext, get_admin_context, get_context
from app.errors import InvalidTransition, NotFound
from app.http import body, responses
from app.http.openapi import describe_problems
from app.http.schemas import JOB, JOB_ID, Job
from app.models import Article, table

A = table(Article)
router = APIRouter(prefix="/v1")
SAMPLES = 10
STOPPABLE = (undo_job.KIND, BULK)

ID: dict[str, object] = {**JOB_ID, "description": "The number of an import or a bulk edit."}


@router.get(
    "/imports",
    name="list_imports",
    tags=["importing"],
    response_model=schemas.ImportRecordList,
    responses=responses.document_example(examples.RECORDS)
    | describe_problems("missing_scope", "cursor_invalid", "cursor_mismatch", "limit_too_large"),
    openapi_extra={"parameters": RecordListParams.openapi()},
)
async def list_imports(request: Request) -> Response:
    """Every import, by whatever way it came, and every bulk edit, the newest first. Needs `publish` and
    `read_drafts`."""
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("publish")
    view.caller.require_scope("read_drafts")
    params = RecordListParams.parse(request.scope["query_string"], view.now)
    records, page = await queries.page(context.db, params)
    rows = [orjson.dumps(queries.shape(one)) for one in records]
    return responses.render_list(request, rows, page, token=view.token, public=False, tags=["imports"])


@router.get(
    "/imports/{id}/articles",
    name="list_import_articles",
    tags=["importing"],
    response_model=schemas.TouchedArticleList,
    responses=responses.document_example(examples.ARTICLES)
    | describe_problems("missing_scope", "not_found", "cursor_invalid", "cursor_mismatch", "limit_too_large"),
    openapi_extra={"parameters": [ID, *TouchedParams.openapi()]},
)
async def list_import_articles(request: Request) -> Response:
    """The articles that an import or a bulk edit made or changed, from which version to which, by id. Needs `publish`
    and `read_drafts`.

    With `undone=kept` those that an undo left alone, because somebody has edited them since."""
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("publish")
    view.caller.require_scope("read_drafts")
    params = TouchedParams.parse(request.scope["query_string"], view.now)
    record = await lookup.find(context, request)
    articles, page = await queries.articles(context.db, record, params)
    rows = [orjson.dumps(one) for one in articles]
    return responses.render_list(request, rows, page, token=view.token, public=False, tags=["imports"])


@router.post(
    "/imports/{id}/undo",
    name="undo_import",
    tags=["importing"],
    response_model=schemas.ImportRecord,
    responses=responses.document_example(examples.UNDONE)
    | responses.document_job("The undo goes on; the job says how far it is.")
    | describe_problems("missing_scope", "not_found", "invalid_transition"),
    openapi_extra={"parameters": [ID]},
)
async def undo_import(request: Request) -> Response:
    """Takes an import or a bulk edit back: what it published is withdrawn, its drafts go to the bin, what it changed
    becomes what it was before. What somebody has edited since stays, and is listed. Needs `admin`.

    200 when all is done, 202 with a job where that takes longer than a few seconds. Again, it goes on where it was
    stopped."""
    context, view = await get_admin_context(request)
    record = await lookup.find(context, request)
    job = (await context.db.write(undo_job.begin, record.id, view.caller.name)).value
    task = await jobs.get_jobs(request).finish(job)
    if task.state != "done":
        return await context.respond_accepted(task)
    updated = await lookup.find(context, request)
    return responses.render_change(orjson.dumps(queries.shape(updated)), (await context.head()).position.token)


@router.post(
    "/articles/bulk",
    name="edit_articles",
    tags=["articles"],
    response_model=schemas.BulkPreview,
    responses=responses.document_example(examples.PREVIEW)
    | {
        202: {
            "model": schemas.ImportRecord,
            "description": "The edit goes on as a job; its record says how far it is.",
            "headers": responses.LOCATION,
            "content": {"application/json": {"example": examples.BEGUN}},
        }
    }
    | describe_problems(
        "malformed_json", "missing_scope", "body_too_large", "unsupported_media_type", "invalid_value", "unknown_field",
        "unknown_region",
    ),
    openapi_extra={"parameters": BulkEditParams.openapi(), "requestBody": body.describe_body("BulkEdit")},
)  # fmt: skip
async def edit_articles(request: Request) -> Response:
    """Changes many articles alike: tags, regions, section, state, language. Needs `write`, and `publish` unless only
    drafts are meant.

    202 with the record; `Location` leads to where progress is seen: the record, or the job for who may not read drafts.
    Each article gets a version and a row in the change log. With `dry_run=true` 200 with a count and samples."""
    context = get_context(request)
    view = await context.view(request)
    view.caller.require_scope("write")
    params = BulkEditParams.parse(request.scope["query_string"], view.now)
    payload = await body.read_payload(request, BulkEdit)
    order = await edit_request.read(context, view, payload)
    if params.dry_run:
        return responses.render_change(orjson.dumps(await asyncio.to_thread(preview, context, order)), view.token)
    by = authorship.sign(view.caller.name)
    job = (
        await context.db.write(
            edit_job.begin, order.filter, order.changes, order.options, by, context.settings.site_url
        )
    ).value
    jobs.get_jobs(request).wake()
    record = await queries.find(context.db, job)
    assert record is not None  # just made
    location = f"/v1/imports/{job}" if view.caller.has_scope("read_drafts") else f"/v1/jobs/{job}"
    response = responses.render_change(orjson.dumps(queries.shape(record)), view.token, status=202, location=location)
    response.headers.update(responses.render_warnings(order.warnings))
    return response


def preview(context: AppContext, order: EditOrder) -> Json:
    """How many articles are meant, and the first of them."""
    columns = [A.c[name] for name in ("id", "slug", "title", "status", "version")]
    with context.db.snapshot() as snapshot:
        matched = edit_job.count(snapshot, order.filter)
        ids = edit_job.find(snapshot, order.filter, 0, 2**63 - 1, SAMPLES)
        rows = snapshot.connection.execute(select(*columns).where(A.c.id.in_(ids)).order_by(A.c.id)).mappings()
        samples = [dict(row) for row in rows]
    return {"dry_run": True, "matched": matched, "samples": samples, "warnings": list(order.warnings)}


@router.post(
    "/jobs/{id}/stop",
    name="stop_job",
    tags=["operating"],
    response_model=Job,
    responses=responses.document_example(
        {**JOB, "kind": "undo", "state": "failed", "error": jobs.STOPPED, "result": None}
    )
    | describe_problems("missing_scope", "not_found", "invalid_transition"),
    openapi_extra={"parameters": [JOB_ID]},
)
async def stop_job(request: Request) -> Response:
    """Ends an undo or a bulk edit behind the articles that it is at. What it has done stays; an undo goes on when it is
    asked for again, a bulk edit can be undone. Needs `admin`."""
    context, view = await get_admin_context(request)
    text = request.path_params["id"]
    digits = text.isascii() and text.isdigit() and len(text) < 19
    task = await jobs.get_jobs(request).find(int(text)) if digits else None
    if task is None:
        raise NotFound()
    if task.kind not in STOPPABLE:
        raise InvalidTransition(f"A job of the kind {task.kind} cannot be stopped: half of it would be no whole.")
    if not (await context.db.write(jobs.stop, task.id)).value:
        raise InvalidTransition(f"Job {task.id} has ended already.")
    stopped = replace(task, state="failed", error=jobs.STOPPED)
    return responses.render_change(orjson.dumps(jobs.render_task(stopped)), view.token)
