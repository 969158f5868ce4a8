"""Records of imports over HTTP: lists of them, what they touched, undoing; bulk edits; stopping a job of these."""

import asyncio
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Security
from pydantic import BeforeValidator
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from app.articles.bulk import edit_job, edit_request, examples, queries, schemas, undo_job
from app.articles.bulk.params import BulkEditParams, RecordListParams, TouchedParams
from app.articles.bulk.payloads import BulkEdit
from app.articles.bulk.records import BULK
from app.articles.store import authorship
from app.changes import jobs
from app.context import Admin, AppContext, Context, RequestContext, Writer, authorize
from app.errors import InvalidTransition, NotFound
from app.http import responses
from app.http.api_route import ApiRoute, describe_path, read_row_id
from app.http.openapi import describe_job, describe_list, describe_problems, describe_uncached
from app.http.schemas import JOB, JOB_ID, Job
from app.models import Article, table

A = table(Article)
router = APIRouter(prefix="/v1", route_class=ApiRoute)
SAMPLES = 10
STOPPABLE = (undo_job.KIND, BULK)

RecordId = Annotated[
    int,
    BeforeValidator(read_row_id),
    describe_path({**JOB_ID, "description": "The number of an import or a bulk edit.", "example": 1}),
]


async def find_record(id: RecordId, context: Context) -> queries.Record:
    """NotFound where there is no import or bulk edit of that number."""
    record = await queries.find(context.db, id)
    if record is None:
        raise NotFound()
    return record


FoundRecord = Annotated[queries.Record, Depends(find_record)]
RecordReader = Annotated[RequestContext, Security(authorize, scopes=["publish", "read_drafts"])]


# Here and below the models of lists only describe: their entity tags are of the rendered bytes.
@router.get(
    "/imports",
    name="list_imports",
    summary="List imports and bulk edits",
    tags=["importing"],
    response_model=schemas.ImportRecordList,
    responses=describe_list(examples.RECORDS)
    | describe_problems("cursor_invalid", "cursor_mismatch", "limit_too_large"),
)
async def list_imports(request: Request, context: Context, view: RecordReader, params: RecordListParams) -> Response:
    """Every import, by whatever way it came, and every bulk edit, the newest first. Needs `publish` and
    `read_drafts`."""
    records, page = await queries.page(context.db, params)
    rows = [orjson.dumps(queries.shape(one)) for one in records]
    return responses.render_list(request, rows, page, token=view.token, public=False, tags=["imports"])


@router.get(
    "/imports/{id}/articles",
    name="list_import_articles",
    summary="The articles that an import or a bulk edit touched",
    tags=["importing"],
    response_model=schemas.TouchedArticleList,
    responses=describe_list(examples.ARTICLES)
    | describe_problems("not_found", "cursor_invalid", "cursor_mismatch", "limit_too_large"),
)
async def list_import_articles(
    request: Request, context: Context, view: RecordReader, params: TouchedParams, record: FoundRecord
) -> Response:
    """The articles that an import or a bulk edit made or changed, from which version to which, by id. Needs `publish`
    and `read_drafts`.

    With `undone=kept` those that an undo left alone, because somebody has edited them since."""
    articles, page = await queries.articles(context.db, record, params)
    rows = [orjson.dumps(one) for one in articles]
    return responses.render_list(request, rows, page, token=view.token, public=False, tags=["imports"])


@router.post(
    "/imports/{id}/undo",
    name="undo_import",
    summary="Undo an import or a bulk edit",
    tags=["importing"],
    response_model=schemas.ImportRecord,
    responses=describe_uncached(examples.UNDONE)
    | describe_job("The undo goes on; the job says how far it is.")
    | describe_problems("not_found", "invalid_transition"),
)
async def undo_import(
    context: Context, view: Admin, record: FoundRecord, running: jobs.RunningJobs, response: Response
) -> jobs.Json | Response:
    """Takes an import or a bulk edit back: what it published is withdrawn, its drafts go to the bin, what it changed
    becomes what it was before. What somebody has edited since stays, and is listed. Needs `admin`.

    200 when all is done, 202 with a job where that takes longer than a few seconds. Again, it goes on where it was
    stopped."""
    job = (await context.db.write(undo_job.begin, record.id, view.caller.name)).value
    accepted = await context.finish_job(view, running, job)
    if accepted is not None:
        return accepted
    updated = await queries.find(context.db, record.id)
    assert updated is not None  # rows of jobs stay
    response.headers.update(responses.build_change_headers((await context.head()).position.token))
    return queries.shape(updated)


@router.post(
    "/articles/bulk",
    name="edit_articles",
    summary="Change many articles alike",
    tags=["articles"],
    response_model=schemas.BulkPreview,
    responses=describe_uncached(examples.PREVIEW)
    | {
        202: {
            "model": schemas.ImportRecord,
            "description": "The edit goes on as a job; its record says how far it is.",
            **describe_uncached(examples.BEGUN, 202, "Location", responses.WARNINGS)[202],
        }
    }
    | describe_problems("unknown_region"),
)
async def edit_articles(
    context: Context,
    view: Writer,
    params: BulkEditParams,
    payload: BulkEdit,
    running: jobs.RunningJobs,
    response: Response,
) -> jobs.Json | Response:
    """Changes many articles alike: tags, regions, section, state, language. Needs `write`, and `publish` unless only
    drafts are meant.

    202 with the record; `Location` leads to where progress is seen: the record, or the job for who may not read drafts.
    Each article gets a version and a row in the change log. With `dry_run=true` 200 with a count and samples."""
    order = await edit_request.read(context, view, payload)
    if params.dry_run:
        response.headers.update(responses.build_change_headers(view.token))
        return await asyncio.to_thread(preview, context, order)
    by = authorship.sign(view.caller.name)
    job = (
        await context.db.write(
            edit_job.begin,
            order.filter,
            order.changes,
            order.options,
            by,
            context.settings.site_url,
            order.missing,
        )
    ).value
    running.wake()
    record = await queries.find(context.db, job)
    assert record is not None  # just made
    location = f"/v1/imports/{job}" if view.caller.has_scope("read_drafts") else f"/v1/jobs/{job}"
    accepted = responses.render_change(orjson.dumps(queries.shape(record)), view.token, status=202, location=location)
    accepted.headers.update(responses.render_warnings(order.warnings))
    return accepted


def preview(context: AppContext, order: edit_request.EditOrder) -> jobs.Json:
    """How many articles are meant, and the first of them."""
    columns = [A.c[name] for name in ("id", "slug", "title", "status", "version")]
    with context.db.snapshot() as snapshot:
        matched = edit_job.count(snapshot, order.filter)
        ids = edit_job.find(snapshot, order.filter, 0, 2**63 - 1, SAMPLES)
        rows = snapshot.connection.execute(select(*columns).where(A.c.id.in_(ids)).order_by(A.c.id)).mappings()
        samples = [dict(row) for row in rows]
    return {
        "dry_run": True,
        "matched": matched,
        "missing": list(order.missing),
        "samples": samples,
        "warnings": list(order.warnings),
    }


@router.post(
    "/jobs/{id}/stop",
    name="stop_job",
    summary="Stop a job",
    tags=["operating"],
    response_model=Job,
    responses=describe_uncached({**JOB, "kind": "undo", "state": "failed", "error": jobs.STOPPED, "result": None})
    | describe_problems("not_found", "invalid_transition"),
)
async def stop_job(context: Context, view: Admin, task: jobs.FoundTask, response: Response) -> jobs.Json:
    """Ends an undo or a bulk edit behind the articles that it is at. What it has done stays; an undo goes on when it is
    asked for again, a bulk edit can be undone. Needs `admin`."""
    if task.kind not in STOPPABLE:
        raise InvalidTransition(f"A job of the kind {task.kind} cannot be stopped: half of it would be no whole.")
    if not (await context.db.write(jobs.stop, task.id)).value:
        raise InvalidTransition(f"Job {task.id} has ended already.")
    response.headers.update(responses.build_change_headers(view.token))
    return jobs.render_task(replace(task, state="failed", error=jobs.STOPPED), view.root_path)
