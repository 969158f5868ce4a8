"""What clients send as the body of a write: read as JSON, checked against its shape, every mistake with its place."""

from typing import TypeVar

from pydantic import ValidationError

from app.articles.html import bodies, offload
from app.articles.input import fields, merge_patch
from app.articles.input.payloads import READ_ONLY, ArticleCreate, ArticleFields, ArticlePatch, RelatedReplace
from app.errors import FieldError, InvalidInput, MalformedJson
from app.http import responses
from app.http.body import MOST_MISTAKES, parse_json, to_field_errors
from app.regions.atlas import Atlas

MOST_REMOVED = 50
NEVER_EMPTY = ("title", "language", "slug", "status", "origin")

Fields = TypeVar("Fields", bound=ArticleFields)


def validate_related(content: bytes) -> RelatedReplace:
    """The editors' list, bare or under `data`."""
    data = parse_json(content)
    if not isinstance(data, (list, dict)):
        raise MalformedJson("A list is expected here, or an object with `data`.")
    try:
        return RelatedReplace.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(*to_field_errors(error, ("data",))) from None


def validate_new(data: merge_patch.Json, atlas: Atlas) -> ArticleCreate:
    """A new article has nothing yet that only the server says. InvalidInput with all that is wrong."""
    wrong = [
        FieldError("read_only_field", f"Only the server sets {name}; leave it out.", pointer=f"/{name}")
        for name in READ_ONLY
        if data.get(name) not in (None, [])
    ]
    sent = {name: value for name, value in data.items() if name not in READ_ONLY}
    return _validate(ArticleCreate, sent, wrong, atlas)


def validate_changes(
    shown: merge_patch.Json, data: merge_patch.Json, changes: merge_patch.Json, atlas: Atlas
) -> ArticlePatch:
    """The fields that a body changes, of the article that is `shown`. InvalidInput with all that is wrong."""
    wrong = merge_patch.read_only(shown, data)
    empty = [name for name in NEVER_EMPTY if name in changes and (changes[name] is None or changes[name] == "")]
    wrong += [FieldError("invalid_value", f"An article needs its {name}.", pointer=f"/{name}") for name in empty]
    return _validate(ArticlePatch, changes, wrong, atlas)


def _validate(shape: type[Fields], data: merge_patch.Json, wrong: list[FieldError], atlas: Atlas) -> Fields:
    """What is not understood though its shape is right is told here only beside other mistakes: without any, it is
    told with what the database has to be asked for."""
    try:
        payload = shape.model_validate(data)
    except ValidationError as error:
        wrong += to_field_errors(error, shape.model_fields)
        unread = {row["loc"][0] for row in error.errors(include_url=False)}
        payload = shape.model_validate({name: value for name, value in data.items() if name not in unread})
    if wrong:
        raise InvalidInput(*[*wrong, *fields.find_mistakes(payload, atlas)][:MOST_MISTAKES])
    return payload


def measure_text(data: merge_patch.Json) -> int:
    """How much there is to convert in a body: characters of HTML, or as many as its Markdown takes the time of."""
    body = data.get("body")
    if isinstance(body, dict):
        weights = {"markdown": offload.LARGE // offload.LARGE_MARKDOWN}
        return sum(len(text) * weights.get(kind, 1) for kind, text in body.items() if isinstance(text, str))
    return len(body) if isinstance(body, str) else 0


def list_warnings(data: merge_patch.Json) -> dict[str, str]:
    """The header that says what is taken from the body that is being saved; none where nothing is."""
    return responses.render_warnings(find_warnings(data))


def find_warnings(data: merge_patch.Json) -> list[merge_patch.Json]:
    """What is taken from the body that is being saved, as one warning; none where nothing is."""
    removed = _list_removed(data.get("body"))
    if not removed:
        return []
    detail = f"Removed because it is not safe or not text: {', '.join(removed)}."
    return [{"code": "markup_removed", "pointer": "/body", "detail": detail, "removed": removed}]


def _list_removed(value: object) -> list[str]:
    kinds: dict[str, object] = value if isinstance(value, dict) else {"html": value}
    removals = [
        what
        for kind in ("html", "markdown")
        if isinstance(content := kinds.get(kind), str)
        for what in bodies.list_removed("html" if kind == "html" else "markdown", content)
    ]
    return [what[:80] for what in removals[:MOST_REMOVED]]
