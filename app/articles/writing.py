"""Writing articles over HTTP: `POST /v1/articles`. Checks who may, reads the body, answers from the committed state."""

import hashlib
import time

import orjson
from fastapi import APIRouter
from pydantic import ValidationError
from sqlalchemy import delete, insert, select
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import archive, incoming, present, schemas, service
from app.articles.archive import Archive, View
from app.articles.manuscript import Manuscript
from app.articles.queries import Entry
from app.errors import IdempotencyConflict, InvalidValue, MalformedJson, UnsupportedMediaType
from app.http import conditional
from app.http.openapi import problems
from app.http.params import Parameters
from app.http.problems import VARY, invalid_input
from app.models import IdempotencyKey, table

router = APIRouter(prefix="/v1", tags=["articles"])

IDEMPOTENCY = table(IdempotencyKey)
KEPT_SECONDS = 24 * 3600
CREATE = Parameters(*present.PARAMETERS)


@router.post(
    "/articles",
    name="create_article",
    status_code=201,
    response_model=schemas.Article,
    responses=problems(
        "malformed_json", "missing_scope", "slug_taken", "external_id_taken", "body_too_large", "unsupported_media_type",
        "invalid_value", "unknown_field", "unknown_region", "idempotency_conflict",
    ),
    openapi_extra={
        "parameters": [
            *CREATE.openapi(),
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A retry with the same key and body within 24 hours gets the same answer, and no second "
                "article.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ArticleCreate"}}},
        },
    },
)  # fmt: skip
async def create_article(request: Request) -> Response:
    """A new article; a draft unless `status` says otherwise, which needs the scope `publish`."""
    here = archive.of(request)
    view = await here.view(request)
    view.caller.demand("write")
    read = CREATE.read(request.scope["query_string"], view.now)
    given, body = await _body(request)
    if given.status != "draft":
        view.caller.demand("publish")
    manuscript = incoming.manuscript(given, view, await incoming.known(here.db, given))
    key = _idempotency_key(request)
    written = await here.db.write(_create, manuscript, view, here, key, hashlib.sha256(body).hexdigest())
    saved = written.value
    head = written.head if written.head.seq > view.head.seq else await here.head()
    fresh = View(view.caller, head, view.atlas, view.now)
    [shown] = await present.articles(here, fresh, [Entry(saved.id, saved.version, None)], wanted=read, full=True)
    slug = orjson.loads(shown).get("slug") or str(saved.id)
    headers = {
        "Location": f"/v1/articles/{slug}",
        "ETag": conditional.item_etag(saved.version, shown),
        "X-Seq": head.place.token,
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    return Response(shown, 201, headers, "application/json")


async def _body(request: Request) -> tuple[schemas.ArticleCreate, bytes]:
    """The checked body and its bytes; MalformedJson with the place, or what is wrong with which field."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", ""):
        raise UnsupportedMediaType(["application/json"])
    body = await request.body()
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    try:
        return schemas.ArticleCreate.model_validate(data), body
    except ValidationError as error:
        wrong = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise invalid_input(wrong) from None


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= 200 and key.isprintable()):
        raise InvalidValue("Idempotency-Key must have 1 to 200 printable characters.", "Idempotency-Key")
    return key


def _create(
    session: Session, manuscript: Manuscript, view: View, here: Archive, key: str | None, request_hash: str
) -> service.Saved:
    """One transaction: the answer to a repeated key, or the article and the note of what was answered."""
    connection = session.connection()
    caller = str(view.caller.key)
    now = int(time.time())
    if key is not None:
        connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at < now - KEPT_SECONDS))
        same = select(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key)
        known = connection.execute(same).first()
        if known is not None:
            if known.request_hash != request_hash:
                raise IdempotencyConflict("This Idempotency-Key was used with another body.", "Idempotency-Key")
            return service.Saved(known.article_id, known.version, "unchanged")
    saved = service.create(session, manuscript, now=now, site_url=here.settings.site_url)
    if key is not None:
        row = {
            "caller": caller,
            "key": key,
            "request_hash": request_hash,
            "status": 201,
            "article_id": saved.id,
            "version": saved.version,
            "created_at": now,
        }
        connection.execute(insert(IDEMPOTENCY), row)
    return saved
