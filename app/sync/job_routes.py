"""Long work over HTTP: how far a job is. Reads only; jobs are begun by what needs them."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.changes import jobs
from app.context import get_admin_context
from app.errors import NotFound
from app.http import responses
from app.http.openapi import describe_problems
from app.http.schemas import JOB, JOB_ID, Job

router = APIRouter(prefix="/v1", tags=["operating"])


@router.get(
    "/jobs/{id}",
    name="get_job",
    response_model=Job,
    responses=responses.document_example(JOB) | describe_problems("missing_scope", "not_found"),
    openapi_extra={"parameters": [JOB_ID]},
)
async def get_job(request: Request) -> Response:
    """State and progress of a merge or of a region's move. Needs `admin`."""
    _, view = await get_admin_context(request)
    text = request.path_params["id"]
    digits = text.isascii() and text.isdigit() and len(text) < 19
    task = await jobs.get_jobs(request).find(int(text)) if digits else None
    if task is None:
        raise NotFound()
    return responses.render_change(orjson.dumps(jobs.render_task(task)), view.token)
