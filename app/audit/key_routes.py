"""What a key may see of itself. Reads only."""

from functools import lru_cache
from typing import Annotated

import orjson
from fastapi import APIRouter, Security
from sqlalchemy import bindparam, func, select
from starlette.requests import Request
from starlette.responses import Response

from app.audit import schemas
from app.context import AppContext, Context, RequestContext, authorize
from app.db.sql import Prepared, prepare, read_integer
from app.errors import Unauthorized
from app.http import responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_problems
from app.http.params.times import format_time
from app.models import ApiKey, IdempotencyUsage, table

KEY, USAGE = table(ApiKey), table(IdempotencyUsage)

router = APIRouter(prefix="/v1", tags=["audit"], route_class=ApiRoute)


@router.get(
    "/key",
    name="get_own_key",
    summary="The key that asks, and its limits",
    response_model=schemas.OwnKey,  # only described: the entity tag is of the rendered bytes
    responses=describe_item(schemas.OWN_KEY) | describe_problems("unauthorized"),
)
async def get_own_key(
    request: Request, context: Context, view: Annotated[RequestContext, Security(authorize)]
) -> Response:
    """Name, scopes, expiry and limits of the key that asks; 401 without one."""
    if view.caller.key is None:
        raise Unauthorized("This tells of a key: send it as Authorization: Bearer dl_….")
    [row] = await context.db.reader.rows(
        _own(context.db.dialect), {"id": view.caller.key, "caller": str(view.caller.key)}
    )
    return responses.render_item(request, orjson.dumps(_show(context, row)), token=view.token, public=False)


def _show(context: AppContext, row: tuple[object, ...]) -> dict[str, object]:
    id, name, scopes, created_at, expires_at, used = row
    settings = context.settings
    return {
        "id": id,
        "name": name,
        "scopes": str(scopes).split(),
        "created_at": format_time(read_integer(created_at)),
        "expires_at": None if expires_at is None else format_time(read_integer(expires_at)),
        "limits": {
            "requests_per_minute": settings.rate_limit or None,
            "body_bytes": settings.max_body_bytes,
            "import_bytes": settings.max_import_bytes,
            "idempotency_bytes": settings.max_idempotency_bytes,
            "idempotency_bytes_used": used,
        },
    }


@lru_cache(maxsize=4)
def _own(dialect: str) -> Prepared:
    columns = [KEY.c[name] for name in ("id", "name", "scopes", "created_at", "expires_at")]
    used = select(USAGE.c.bytes).where(USAGE.c.caller == bindparam("caller", type_=USAGE.c.caller.type))
    statement = select(*columns, func.coalesce(used.scalar_subquery(), 0))
    return prepare(statement.where(KEY.c.id == bindparam("id", type_=KEY.c.id.type)), dialect)
