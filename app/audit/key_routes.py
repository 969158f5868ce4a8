"""What a key may see of itself. Reads only."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import orjson
from fastapi import APIRouter, Security
from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, func, select
from starlette.responses import Response

from app.audit import schemas
from app.audit.entitlements import description
from app.context import AppContext, Context, RequestContext, authorize
from app.db.sql import Prepared, Value, prepare, read_integer
from app.errors import Unauthorized
from app.http import auth, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_problems, describe_uncached
from app.http.params.times import format_time
from app.models import ApiKey, IdempotencyUsage, KeyUsage, table

KEY, USAGE, KEY_USAGE = table(ApiKey), table(IdempotencyUsage), table(KeyUsage)

router = APIRouter(prefix="/v1", tags=["audit"], route_class=ApiRoute)


@router.get(
    "/key",
    name="get_own_key",
    summary="The key that asks, and its limits",
    response_model=schemas.OwnKey,
    responses=describe_uncached(schemas.OWN_KEY) | describe_problems("unauthorized", "entitlement_unused"),
)
async def get_own_key(context: Context, view: Annotated[RequestContext, Security(authorize)]) -> Response:
    """Name, scopes, expiry, limits and use of the key that asks; 401 without one. Each request counts, so that no
    response is like the one before."""
    if view.caller.key is None:
        raise Unauthorized("This tells of a key: send it as Authorization: Bearer dl_….")
    today = view.now // auth.DAY
    values: dict[str, Value] = {"id": view.caller.key, "caller": str(view.caller.key), "today": today}
    [row] = await context.db.reader.rows(_own(context.db.dialect), values)
    shown = _show(context, row)
    shown["usage"] = _add_usage(row[-4:], context.db.usage.get(view.caller.key, (0, 0)))
    stored = view.caller.entitlement
    shown["entitlement"] = await description.describe(context, view, stored) if stored is not None else None
    return responses.render_change(orjson.dumps(shown), view.token)


def _add_usage(written: Sequence[object], counted: tuple[int, int]) -> dict[str, object]:
    """What is written of the use of a key, and what this server has counted since."""
    numbers = [read_integer(number) + counted[i % 2] for i, number in enumerate(written)]
    names = "requests", "bytes"
    return {"today": dict(zip(names, numbers[:2], strict=True)), "days_31": dict(zip(names, numbers[2:], strict=True))}


def _show(context: AppContext, row: tuple[object, ...]) -> dict[str, object]:
    id, name, scopes, created_at, expires_at, used, rate_limit, *_ = row
    settings = context.settings
    return {
        "id": id,
        "name": name,
        "scopes": str(scopes).split(),
        "created_at": format_time(read_integer(created_at)),
        "expires_at": None if expires_at is None else format_time(read_integer(expires_at)),
        "limits": {
            "requests_per_minute": rate_limit or settings.rate_limit or None,
            "body_bytes": settings.max_body_bytes,
            "import_bytes": settings.max_import_bytes,
            "idempotency_bytes": settings.max_idempotency_bytes,
            "idempotency_bytes_used": used,
        },
    }


_today = bindparam("today", type_=KEY_USAGE.c.day.type)
_DAYS = KEY_USAGE.c.day == _today, KEY_USAGE.c.day > _today - auth.USAGE_DAYS


def _sum(column: ColumnElement[int], within: ColumnElement[bool]) -> ColumnElement[int]:
    own = select(cast(func.coalesce(func.sum(column), 0), BigInteger)).where(KEY_USAGE.c.key_id == KEY.c.id, within)
    return own.correlate(KEY).scalar_subquery()


@lru_cache(maxsize=4)
def _own(dialect: str) -> Prepared:
    columns = [KEY.c[name] for name in ("id", "name", "scopes", "created_at", "expires_at")]
    used = select(USAGE.c.bytes).where(USAGE.c.caller == bindparam("caller", type_=USAGE.c.caller.type))
    sums = [_sum(column, within) for within in _DAYS for column in (KEY_USAGE.c.requests, KEY_USAGE.c.bytes)]
    statement = select(*columns, func.coalesce(used.scalar_subquery(), 0), KEY.c.rate_limit, *sums)
    return prepare(statement.where(KEY.c.id == bindparam("id", type_=KEY.c.id.type)), dialect)
