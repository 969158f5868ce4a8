"""Whether this server lives and may be sent requests. Never cached, never needs a key."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.context import Context
from app.errors import DatabaseUnavailable
from app.http.api_route import ApiRoute
from app.http.openapi import describe_example
from app.monitoring.server_numbers import find_cluster_problem, find_problem

router = APIRouter(prefix="/health", tags=["operating"], route_class=ApiRoute)

NO_KEY: dict[str, object] = {"security": []}
LAG = 10_000
"""Rows of the log that the index may be behind before this server should not be sent requests."""


class Live(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    """`index_lag` counts the changes, up to the last public one, that the search index has not taken in yet; null while
    there is no index. `problem` says why, and how far an index is that is being built. Where searches run on a cluster
    that cannot be asked, `index` is false and `status` is `ok`: articles can be read. `read_only` says why nothing can
    be written while reads go on; `clock_problem` that this machine's clock differs from the database's. `replica`
    is null where none is set; one that is `behind`, by `replica_lag` changes, or `unavailable` is not read: the primary
    is, in its place."""

    status: Literal["ok", "unavailable"]
    database: bool
    index: bool
    index_lag: int | None
    problem: str | None
    read_only: str | None
    clock_problem: str | None
    replica: Literal["ok", "behind", "unavailable"] | None
    replica_lag: int | None


LIVE = {"status": "ok"}
WELL = {"read_only": None, "clock_problem": None, "replica": None, "replica_lag": None}
READY = {"status": "ok", "database": True, "index": True, "index_lag": 0, "problem": None, **WELL}
BEHIND = {
    "status": "unavailable", "database": True, "index": False, "index_lag": None,
    "problem": "The search index is being built: 12,000 of 40,000 articles, about 9 s left.", **WELL,
}  # fmt: skip


@router.get(
    "/live",
    name="get_liveness",
    summary="Whether the process responds",
    response_model=Live,
    responses=describe_example(LIVE, 200, "Cache-Control"),
    openapi_extra=NO_KEY,
)
async def get_liveness(response: Response) -> Live:
    """The process responds."""
    response.headers["Cache-Control"] = "no-store"
    return Live(status="ok")


@router.get(
    "/ready",
    name="get_readiness",
    summary="Whether the server should be sent requests",
    response_model=Ready,
    responses={
        **describe_example(READY, 200, "Cache-Control"),
        503: {
            "model": Ready,
            "description": "Not now: the database or the index does not respond.",
            **describe_example(BEHIND, 503, "Cache-Control")[503],
        },
    },
    openapi_extra=NO_KEY,
)
async def get_readiness(request: Request, context: Context, response: Response) -> Ready:
    """The database responds, and the index has taken in nearly all of the change log. A server that only reads is
    ready."""
    response.headers["Cache-Control"] = "no-store"
    condition = context.db.condition
    more = {"read_only": condition.reason, "clock_problem": condition.clock_problem}
    try:
        head = await context.head()
    except DatabaseUnavailable as error:
        response.status_code = 503
        return Ready(
            status="unavailable", database=False, index=False, index_lag=None, problem=error.detail, replica=None,
            replica_lag=None, **more,
        )  # fmt: skip
    seq = context.index.seq()
    lag = None if seq is None else max(0, head.public_seq - seq)
    indexer_problem = find_problem(request.app)
    # Of an archive that nobody changes an index need not be writable, as long as it has all of it.
    is_complete = lag == 0 and condition.reason is not None
    good = lag is not None and lag <= LAG and (indexer_problem is None or is_complete)
    # A cluster is that of all servers: where none of them were sent requests, nothing could be read either.
    cluster_problem = context.index.find_problem()
    good = good or cluster_problem is not None
    response.status_code = 200 if good else 503
    state: Literal["ok", "unavailable"] = "ok" if good else "unavailable"
    problem = indexer_problem or cluster_problem or find_cluster_problem(request.app)
    problem = problem or context.index.describe_building()
    replica, replica_lag = (None, None) if context.db.replica is None else await context.db.replica.describe(head)
    return Ready(
        status=state, database=True, index=seq is not None and cluster_problem is None, index_lag=lag,
        problem=problem, replica=replica, replica_lag=replica_lag, **more,
    )  # fmt: skip
