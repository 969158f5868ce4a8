"""The search indexes of this node for another one of the same archive, as a tar. They have every word of every article,
drafts too: this is for nodes and operators, not for clients, and the description of the API does not name it."""

import asyncio
import hmac
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, get_args

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from app.context import Context, get_context
from app.errors import IndexBehind, InvalidValue, Overloaded
from app.http.api_route import ApiRoute
from app.http.conditional import VARY
from app.http.headers import find_header
from app.http.middleware.load_shedding import CurrentLoad
from app.http.params import parser
from app.http.params.typed import Params
from app.search.indexing.archive_indexes import ArchiveIndex, Part, list_indexes
from app.search.indexing.snapshots.held_commit import NoCommit
from app.search.indexing.snapshots.snapshot import take_snapshot, write_tar
from app.settings import Settings
from app.sync.streaming_response import Streamed

router = APIRouter(prefix="/internal", route_class=ApiRoute, include_in_schema=False)

MEDIA_TYPE = "application/x-tar"
SCOPES = ("admin", "read_drafts")
MOST_AT_ONCE = 4
"""Snapshots that one server sends at a time: of both indexes to two nodes. Each holds their files open."""
RETRY_AFTER = 5


async def authorize_node(request: Request) -> None:
    """Lets pass who knows the secret of the nodes, and keys that may see and change everything."""
    context = get_context(request)
    if not _has_secret(find_header(request.scope, b"authorization"), context.settings):
        caller = (await context.view(request)).caller
        for scope in SCOPES:
            caller.require_scope(scope)


def _has_secret(authorization: bytes | None, settings: Settings) -> bool:
    """In constant time. A node that copies may have a key in place of the secret: that one is asked for as a key, which
    can be revoked."""
    secret = settings.index_secret.encode()
    scheme, _, token = (authorization or b"").partition(b" ")
    is_secret = hmac.compare_digest(token.strip(), secret)
    return is_secret and bool(secret) and not secret.startswith(b"dl_") and scheme.lower() == b"bearer"


class SnapshotParams(Params):
    """Which of the indexes."""

    index = parser.choice("index", "One of the indexes; both where it is not given.", get_args(Part))


@router.get("/index", name="get_index_snapshot", response_class=Response)
async def get_index_snapshot(
    request: Request, context: Context, _: Annotated[None, Depends(authorize_node)], params: SnapshotParams
) -> Response:
    """The newest commit of each index with its place in the change log, as `dateline index restore` takes it."""
    kept = list_indexes(context.settings)
    indexes = [index for index in kept if params.index in (None, index.part)]
    if not indexes:
        names = " and ".join(index.part for index in kept)
        raise InvalidValue(f"This server keeps {names}, no {params.index}.", "index")
    headers = {"Cache-Control": "no-store", "Vary": VARY}
    return Streamed(_send_snapshot(indexes, request.app.state.load), headers, MEDIA_TYPE, request)


async def _send_snapshot(indexes: Sequence[ArchiveIndex], load: CurrentLoad) -> AsyncGenerator[bytes]:
    """Whatever ends it, a client that has gone too, closes the files. What fails before the first piece has a status
    of its own."""
    if not load.begin_snapshot(MOST_AT_ONCE):
        raise Overloaded("As many snapshots of the index as can be are being sent.", RETRY_AFTER)
    try:
        try:
            snapshot = await asyncio.to_thread(take_snapshot, indexes)
        except NoCommit as error:
            raise IndexBehind(f"No snapshot can be taken: {error}.", RETRY_AFTER) from error
        try:
            pieces = write_tar(snapshot)
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            snapshot.close()
    finally:
        load.end_snapshot()
