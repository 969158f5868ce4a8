"""Long work over HTTP: how far a job is. Reads only; jobs are begun by what needs them."""

from fastapi import APIRouter
from starlette.responses import Response

from app.changes import jobs
from app.context import Admin
from app.http import responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_problems, describe_uncached
from app.http.schemas import JOB, Job

router = APIRouter(prefix="/v1", tags=["operating"], route_class=ApiRoute)


@router.get(
    "/jobs/{id}",
    name="get_job",
    summary="How far a job is",
    response_model=Job,
    responses=describe_uncached(JOB) | describe_problems("not_found"),
)
async def get_job(view: Admin, task: jobs.FoundTask, response: Response) -> jobs.Json:
    """State and progress of a merge or of a region's move. Needs `admin`."""
    response.headers.update(responses.build_change_headers(view.token))
    return jobs.render_task(task, view.root_path)
