"""What clients send as the body of a write: read as JSON, checked against its shape, every mistake with its place."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import orjson
from pydantic import ValidationError
from starlette.requests import Request

from app.articles import bodies, merging
from app.articles.given import BRANCHES, READ_ONLY, ArticleCreate, ArticleFields, ArticlePatch, RelatedReplace
from app.articles.merging import Json
from app.errors import FieldError, InvalidInput, MalformedJson, UnsupportedMediaType
from app.http.problems import invalid_input
from app.http.values import nearest

MOST_MISTAKES = 50
MOST_REMOVED = 50
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
NEVER_EMPTY = ("title", "language", "slug", "status", "origin")
WARNINGS = "Dateline-Warnings"
"""The header that tells what was removed from a body: a JSON list in ASCII."""

Fields = TypeVar("Fields", bound=ArticleFields)


async def body(request: Request, allowed: tuple[str, ...] = (JSON,)) -> bytes:
    """UnsupportedMediaType for other kinds than those allowed; none given counts as JSON."""
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind and kind not in allowed:
        raise UnsupportedMediaType(allowed)
    return await request.body()


def read(body: bytes) -> Json:
    """MalformedJson with the place."""
    data = _json(body)
    if not isinstance(data, dict):
        raise MalformedJson("An object is expected here.")
    return data


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None


def related(body: bytes) -> RelatedReplace:
    """The editors' list, bare or under `data`."""
    data = _json(body)
    if not isinstance(data, (list, dict)):
        raise MalformedJson("A list is expected here, or an object with `data`.")
    try:
        return RelatedReplace.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(*_mistakes(error, ("data",))) from None


def new(data: Json) -> ArticleCreate:
    """A new article has nothing yet that only the server says. InvalidInput with all that is wrong."""
    wrong = [_only_server(name) for name in READ_ONLY if data.get(name) not in (None, [])]
    return _checked(ArticleCreate, {name: value for name, value in data.items() if name not in READ_ONLY}, wrong)


def _only_server(name: str) -> FieldError:
    return FieldError("read_only_field", f"Only the server sets {name}; leave it out.", pointer=f"/{name}")


def changed(shown: Json, data: Json, fields: Json) -> ArticlePatch:
    """The `fields` that a body changes, of the article that is `shown`. InvalidInput with all that is wrong."""
    wrong = merging.read_only(shown, data)
    empty = [name for name in NEVER_EMPTY if name in fields and (fields[name] is None or fields[name] == "")]
    wrong += [FieldError("invalid_value", f"An article needs its {name}.", pointer=f"/{name}") for name in empty]
    return _checked(ArticlePatch, fields, wrong)


def _checked(shape: type[Fields], data: Json, wrong: list[FieldError]) -> Fields:
    given = None
    try:
        given = shape.model_validate(data)
    except ValidationError as error:
        wrong += _mistakes(error, shape.model_fields)
    if wrong or given is None:
        raise InvalidInput(*wrong[:MOST_MISTAKES])
    return given


def _mistakes(error: ValidationError, names: Iterable[str]) -> list[FieldError]:
    """With pointers into the body as it was sent."""
    found = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:MOST_MISTAKES]:
        place = [str(part)[:100] for part in one["loc"] if part not in BRANCHES]
        [wrong] = invalid_input([{**one, "loc": ("body", *place)}]).errors
        if wrong.code == "unknown_field":
            detail = f"There is no field {place[-1]!r} here."
            likely = nearest(place[-1], names) if len(place) == 1 else None
            wrong = replace(wrong, detail=detail, did_you_mean=likely)
        found.append(wrong)
    return found


def warnings(data: Json) -> dict[str, str]:
    """The header that says what is taken from the body that is being saved; none where nothing is."""
    removed = _removed(data.get("body"))
    if not removed:
        return {}
    detail = f"Removed because it is not safe or not text: {', '.join(removed)}."
    warning = {"code": "markup_removed", "pointer": "/body", "detail": detail, "removed": removed}
    return {WARNINGS: json.dumps([warning])}


def _removed(given: object) -> list[str]:
    kinds: dict[str, object] = given if isinstance(given, dict) else {"html": given}
    found = [
        what
        for kind in ("html", "markdown")
        if isinstance(content := kinds.get(kind), str)
        for what in bodies.removed("html" if kind == "html" else "markdown", content)
    ]
    return [what[:80] for what in found[:MOST_REMOVED]]
