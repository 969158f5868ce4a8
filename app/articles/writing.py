"""Writing articles over HTTP: `POST /v1/articles`. Checks who may, reads the body, answers from the committed state."""

import time
from dataclasses import replace

import orjson
from fastapi import APIRouter
from pydantic import ValidationError
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from app.articles import archive, examples, incoming, present, repeats, schemas, service
from app.articles.archive import View
from app.articles.given import BRANCHES, READ_ONLY, ArticleCreate
from app.articles.manuscript import Manuscript
from app.articles.queries import Entry
from app.articles.repeats import Repeatable
from app.errors import (
    FieldError,
    Gone,
    InvalidInput,
    MalformedJson,
    UnsupportedMediaType,
)
from app.http import answer, conditional
from app.http.openapi import problems
from app.http.params import Parameters
from app.http.problems import VARY, invalid_input
from app.http.values import nearest

router = APIRouter(prefix="/v1", tags=["articles"])

MOST_MISTAKES = 50
CREATE = Parameters(*present.PARAMETERS)


@router.post(
    "/articles",
    name="create_article",
    status_code=201,
    response_model=schemas.Article,
    responses=answer.example(examples.ARTICLE, 201)
    | problems(
        "malformed_json", "missing_scope", "slug_taken", "external_id_taken", "body_too_large",
        "unsupported_media_type", "invalid_value", "offset_required", "unknown_field", "read_only_field",
        "unknown_region", "idempotency_conflict",
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
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
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
    body = await _read(request)
    key = Repeatable.of(request, view.caller, body)
    saved = await repeats.answered(here.db, key) if key else None
    head = view.head
    if saved is None:
        given = _checked(body)
        if given.status != "draft":
            view.caller.demand("publish")
        manuscript = incoming.manuscript(given, view, await incoming.known(here.db, given))
        written = await here.db.write(_create, manuscript, here.settings.site_url, key)
        saved, head = written.value, written.head
    fresh = View(view.caller, head, view.atlas, view.now)
    rows = await present.articles(here, fresh, [Entry(saved.id, saved.version, None)], wanted=read, full=True, own=True)
    if not rows:
        raise Gone("The article that this request made is gone.")
    return _made(rows[0], saved, head.place.token)


def _made(shown: bytes, saved: service.Saved, token: str) -> Response:
    article = orjson.loads(shown)
    headers = {
        "Location": f"/v1/articles/{article.get('slug') or saved.id}",
        "ETag": conditional.item_etag(article.get("version", saved.version), shown),
        "X-Seq": token,
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    return Response(shown, 201, headers, "application/json")


async def _read(request: Request) -> bytes:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", ""):
        raise UnsupportedMediaType(["application/json"])
    return await request.body()


def _checked(body: bytes) -> ArticleCreate:
    """MalformedJson with the place, or InvalidInput with what is wrong with which field."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    if not isinstance(data, dict):
        raise MalformedJson("An object is expected here.")
    wrong = [_read_only(name) for name in READ_ONLY if data.pop(name, None) not in (None, [])]
    try:
        given = ArticleCreate.model_validate(data)
    except ValidationError as error:
        wrong += _mistakes(error)
    if wrong:
        raise InvalidInput(*wrong[:MOST_MISTAKES])
    return given


def _read_only(name: str) -> FieldError:
    return FieldError("read_only_field", f"Only the server sets {name}; leave it out.", pointer=f"/{name}")


def _mistakes(error: ValidationError) -> list[FieldError]:
    """With pointers into the body as it was sent."""
    found = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:MOST_MISTAKES]:
        place = [str(part)[:100] for part in one["loc"] if part not in BRANCHES]
        [wrong] = invalid_input([{**one, "loc": ("body", *place)}]).errors
        if wrong.code == "unknown_field":
            detail = f"There is no field {place[-1]!r} here."
            names = tuple(ArticleCreate.model_fields) if len(place) == 1 else ()
            wrong = replace(wrong, detail=detail, did_you_mean=nearest(place[-1], names))
        found.append(wrong)
    return found


def _create(session: Session, manuscript: Manuscript, site_url: str, key: Repeatable | None) -> service.Saved:
    """One transaction: the answer to a repeated key, or the article and the note of what was answered."""
    known = repeats.recall(session, key) if key else None
    if known is not None:
        return known
    saved = service.create(session, manuscript, now=int(time.time()), site_url=site_url)
    if key is not None:
        repeats.note(session, key, saved, status=201)
    return saved
