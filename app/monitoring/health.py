"""Whether this server lives and may be sent requests. Never cached, never needs a key."""

from typing import Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.context import get_context
from app.errors import DatabaseUnavailable
from app.http import responses
from app.http.params.parser import Parameters

router = APIRouter(prefix="/health", tags=["operating"])

NONE = Parameters()
LAG = 10_000
"""Rows of the log that the index may be behind before this server should not be sent requests."""


class Live(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    """`index_lag` counts the changes, up to the last public one, that the search index has not taken in yet; null while
    there is no index."""

    status: Literal["ok", "unavailable"]
    database: bool
    index: bool
    index_lag: int | None
    problem: str | None


LIVE = {"status": "ok"}
READY = {"status": "ok", "database": True, "index": True, "index_lag": 0, "problem": None}
BEHIND = {"status": "unavailable", "database": True, "index": False, "index_lag": None, "problem": None}


@router.get("/live", name="get_liveness", response_model=Live, responses=responses.document_example(LIVE))
async def get_liveness(request: Request) -> Response:
    """The process responds."""
    NONE.read(request.scope["query_string"], 0)
    return _render_status(200, Live(status="ok"))


@router.get(
    "/ready",
    name="get_readiness",
    response_model=Ready,
    responses={
        **responses.document_example(READY),
        503: {
            "model": Ready,
            "description": "Not now: the database or the index does not respond.",
            **responses.document_example(BEHIND, 503)[503],
        },
    },
)
async def get_readiness(request: Request) -> Response:
    """The database responds, and the index has taken in nearly all of the change log."""
    NONE.read(request.scope["query_string"], 0)
    context = get_context(request)
    following = request.app.state.following
    try:
        head = await context.head()
    except DatabaseUnavailable as error:
        return _render_status(
            503, Ready(status="unavailable", database=False, index=False, index_lag=None, problem=error.detail)
        )
    seq = context.index.seq()
    lag = None if seq is None else max(0, head.public_seq - seq)
    good = lag is not None and lag <= LAG and following.problem is None
    state: Literal["ok", "unavailable"] = "ok" if good else "unavailable"
    readiness = Ready(status=state, database=True, index=seq is not None, index_lag=lag, problem=following.problem)
    return _render_status(200 if good else 503, readiness)


def _render_status(status: int, model: BaseModel) -> Response:
    body = orjson.dumps(model.model_dump())
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")
