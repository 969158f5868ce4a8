"""Bodies of requests that change something: parsed strictly, all validation errors reported together with pointers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Generic, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from app.errors import FieldError, InvalidInput, MalformedJson, UnsupportedMediaType
from app.http.params.values import find_nearest
from app.text import keys, urls

Json = dict[str, object]
M = TypeVar("M", bound=BaseModel)

MOST_MISTAKES = 50
JSON_TYPE, MERGE_PATCH_TYPE = "application/json", "application/merge-patch+json"
PATCH_TYPES = (JSON_TYPE, MERGE_PATCH_TYPE)

_DETAIL_OF_TYPE = {
    "model_type": "An object belongs here.",
    "model_attributes_type": "An object belongs here.",
    "dict_type": "An object belongs here.",
    "list_type": "A list belongs here.",
    "string_type": "A text belongs here.",
}
_CODE_OF_TYPE = {"extra_forbidden": "unknown_field"}


class PayloadModel(BaseModel):
    """What clients send; unknown properties are refused, and numbers are not read from texts. `media_types`: what a
    body may be sent as; without a Content-Type it is taken for the first."""

    media_types: ClassVar[tuple[str, ...]] = (JSON_TYPE,)
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, strict=True)


BRANCHES = frozenset({"(text)", "(number)", "(flag)", "(object)", "(list)"})
"""How the places of errors name the branch of a union that was taken; no part of any JSON pointer."""


def _name_branch(value: object) -> str | None:
    if isinstance(value, bool):
        return "(flag)"
    if isinstance(value, str):
        return "(text)"
    if isinstance(value, int):
        return "(number)"
    if isinstance(value, list):
        return "(list)"
    return "(object)" if isinstance(value, dict | BaseModel) else None


# By the kind of the value, so that errors are those of the branch that was meant.
by_kind = Discriminator(_name_branch, "wrong_kind", "This kind of value is not read here.")


def clean_text(most: int) -> BeforeValidator:
    """Text as the database may hold it. What is longer than `most` as it was sent stays so, and is refused; what is no
    text is left for the checks behind."""
    return BeforeValidator(lambda value: keys.clean(value) if isinstance(value, str) and len(value) <= most else value)


def clean_line(most: int) -> BeforeValidator:
    """The same without line ends."""

    def clean(value: object) -> object:
        fits = isinstance(value, str) and len(value) <= most
        return keys.clean(str(value)).replace("\n", " ").replace("\t", " ") if fits else value

    return BeforeValidator(clean)


def _validate_url(value: object) -> object:
    """Before the pattern, which is there to be described: all that its message would say is the pattern."""
    if not isinstance(value, str) or len(value) > urls.MAX_LENGTH:
        return value
    try:
        return urls.normalize(value)
    except ValueError as error:
        raise PydanticCustomError(
            "address", "Expected an address on the web: {reason}.", {"reason": str(error)}
        ) from None


ExactAddress = Annotated[
    str,
    Field(max_length=urls.MAX_LENGTH, pattern=urls.PATTERN),
    BeforeValidator(_validate_url),
]
"""Every address on the web that a client may send; nothing is taken out of one that is asked for at once."""
Address = Annotated[ExactAddress, clean_line(urls.MAX_LENGTH)]
"""The same as the database may hold it."""
Short = Annotated[str, clean_line(500), Field(max_length=500)]


def list_media_types(model: type[BaseModel]) -> tuple[str, ...]:
    """Of a body that is such a model; JSON where the model says nothing."""
    media_types: tuple[str, ...] = getattr(model, "media_types", PayloadModel.media_types)
    return media_types


@dataclass(frozen=True, slots=True)
class JsonBody(Generic[M]):
    """A body of which only the media type is known, for what is checked beside the thing that it changes."""

    model: type[M]
    content: bytes

    def validate(self, shown: Json | None = None) -> M:
        """The body as a model. `shown`: the thing as it is read, whose properties that the model lacks may be sent back
        unchanged; changed they are a `read_only_field`. MalformedJson, or InvalidInput with everything that is wrong.
        """
        payload = parse_object(self.content)
        wrong = [
            FieldError("read_only_field", f"{name} cannot be changed here; leave it out.", pointer=f"/{name}")
            for name in _remove_read_only(payload, self.model, shown or {})
        ]
        try:
            model_instance = self.model.model_validate(payload)
        except ValidationError as error:
            raise InvalidInput(*(wrong + to_field_errors(error, self.model.model_fields))[:MOST_MISTAKES]) from None
        if wrong:
            raise InvalidInput(*wrong)
        return model_instance


async def read_body(model: type[M], request: Request) -> JsonBody[M]:
    """UnsupportedMediaType for what the model is not sent as; without a type it counts as the first."""
    types = list_media_types(model)
    kind = request.headers.get("content-type", types[0]).partition(";")[0].strip().lower()
    if kind and kind not in types:
        raise UnsupportedMediaType(types)
    return JsonBody(model, await request.body())


def parse_json(body: bytes) -> object:
    """MalformedJson with the place."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None


def parse_object(body: bytes) -> Json:
    """MalformedJson with the place, also for what is no object."""
    payload = parse_json(body)
    if not isinstance(payload, dict):
        raise MalformedJson("An object is expected here.")
    return payload


def _remove_read_only(payload: Json, model: type[BaseModel], shown: Json) -> list[str]:
    """Takes what is only read out of the body; the names of those that are not what they were."""
    read_only = [name for name in shown if name in payload and name not in model.model_fields]
    return [name for name in read_only if payload.pop(name) != shown[name]]


def to_field_errors(error: ValidationError, names: Iterable[str]) -> list[FieldError]:
    """Each with a pointer into the body; likely `names` for unknown properties at the top."""
    field_errors = []
    for error_row in error.errors(include_url=False, include_input=False, include_context=False)[:MOST_MISTAKES]:
        location = [str(part)[:100] for part in error_row["loc"] if part not in BRANCHES]
        [wrong] = translate_errors([{**error_row, "loc": ("body", *location)}]).errors
        if wrong.code == "unknown_field":
            detail = f"There is no field {location[-1]!r} here."
            guess = find_nearest(location[-1], names) if len(location) == 1 else None
            wrong = replace(wrong, detail=detail, did_you_mean=guess)
        field_errors.append(wrong)
    return field_errors


def translate_errors(errors: Iterable[dict[str, object]]) -> InvalidInput:
    """From pydantic's list of errors, whose `loc` is relative to the request: `("body", "title")`."""
    return InvalidInput(*(_translate_error(error) for error in errors))


def _translate_error(error: dict[str, object]) -> FieldError:
    location = error.get("loc")
    where, *path = location if isinstance(location, tuple) and location else ("body",)
    code = _CODE_OF_TYPE.get(str(error.get("type")), "invalid_value")
    detail = _DETAIL_OF_TYPE.get(str(error.get("type")), str(error.get("msg", "Invalid.")))
    if where == "body":
        return FieldError(code, detail, pointer=render_pointer(path))
    return FieldError(code, detail, parameter=".".join(str(part) for part in path))


def render_pointer(path: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
