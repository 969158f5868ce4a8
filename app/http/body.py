"""Bodies of requests that change something: parsed strictly, all validation errors reported together with pointers.

What pydantic says of an error is never shown: it names its own classes and patterns.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, LiteralString, TypeVar, get_args

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ErrorType
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
    "int_type": "A whole number belongs here.",
    "float_type": "A number belongs here.",
    "bool_type": "True or false belongs here.",
    "missing": "{name} is required here.",
    "extra_forbidden": "There is no field {name!r} here.",
    "greater_than_equal": "{input} is below the smallest value, {ge}.",
    "less_than_equal": "{input} is above the largest value, {le}.",
    "value_error": "{error}",
}
"""With what pydantic has for its own message, and what was sent."""
_UNKNOWN_DETAIL = "This value is not what belongs here."
_PYDANTIC_TYPES = frozenset(get_args(ErrorType))
_CODE_OF_TYPE = {"extra_forbidden": "unknown_field"}
_QUOTED = re.compile(r"'([^']*)'")


class PayloadModel(BaseModel):
    """What clients send; unknown properties are refused, and numbers are not read from texts. `media_types`: what a
    body may be sent as; without a Content-Type it is taken for the first."""

    media_types: ClassVar[tuple[str, ...]] = (JSON_TYPE,)
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, strict=True)


_KINDS = {
    "(text)": "a text",
    "(number)": "a whole number",
    "(flag)": "true or false",
    "(object)": "an object",
    "(list)": "a list",
}
BRANCHES = frozenset(_KINDS)
"""How the places of errors name the branch of a union that was taken; no part of any JSON pointer."""


def _name_branch(value: object) -> str:
    if isinstance(value, bool):
        return "(flag)"
    if isinstance(value, str):
        return "(text)"
    if isinstance(value, int):
        return "(number)"
    if isinstance(value, list):
        return "(list)"
    return "(object)" if isinstance(value, dict | BaseModel) else "(none of them)"


# By the kind of the value, so that errors are those of the branch that was meant.
by_kind = Discriminator(_name_branch)


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


def explain_pattern(detail: LiteralString) -> WrapValidator:
    """What is said of a text that the pattern before it does not match: a pattern is read by programs only."""

    def validate(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] != "string_pattern_mismatch":
                raise
        raise PydanticCustomError("pattern", detail)

    return WrapValidator(validate)


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
    known_names = tuple(names)
    rows = error.errors(include_url=False)[:MOST_MISTAKES]
    return [
        _translate_error({**row, "loc": ("body", *_list_path(row["loc"], str(row["type"])))}, known_names)
        for row in rows
    ]


def _list_path(location: Iterable[int | str], type: str) -> list[str]:
    """Where an error is, without what pydantic adds: a property whose name is wrong is where its value is."""
    path = [str(part)[:100] for part in location if part not in BRANCHES]
    # A property that there is not may be called so itself.
    return path[:-1] if path[-1:] == ["[key]"] and type != "extra_forbidden" else path


def translate_errors(errors: Iterable[Mapping[str, object]]) -> InvalidInput:
    """From pydantic's list of errors, whose `loc` is relative to the request: `("body", "title")`."""
    return InvalidInput(*(_translate_error(error) for error in errors))


def _translate_error(error: Mapping[str, object], names: Iterable[str] = ()) -> FieldError:
    location = error.get("loc")
    where, *path = location if isinstance(location, tuple) and location else ("body",)
    type = str(error.get("type"))
    code, detail = _CODE_OF_TYPE.get(type, "invalid_value"), _describe(error, type, str(path[-1]) if path else "A body")
    if where != "body":
        return FieldError(code, detail, parameter=".".join(str(part) for part in path))
    allowed, sent = _list_allowed(error) if type == "literal_error" else None, error.get("input")
    guess = find_nearest(sent, allowed) if allowed and isinstance(sent, str) else None
    if type == "extra_forbidden" and len(path) == 1:
        guess = find_nearest(str(path[0]), names)
    return FieldError(code, detail, pointer=render_pointer(path), allowed=allowed, did_you_mean=guess)


def _describe(error: Mapping[str, object], type: str, name: str) -> str:
    """What is wrong, in words of this API; those of checks of its own are there already."""
    context, sent = error.get("ctx"), error.get("input")
    values: Mapping[str, object] = context if isinstance(context, dict) else {}
    if type in ("string_too_long", "too_long", "string_too_short", "too_short"):
        return _describe_length(values, sent)
    if type == "literal_error":
        return f"Expected one of {', '.join(_list_allowed(error))}."
    if type == "union_tag_invalid":
        kinds = [_KINDS[tag] for tag in _QUOTED.findall(str(values.get("expected_tags"))) if tag in _KINDS]
        return f"Expected {', '.join(kinds[:-1])} or {kinds[-1]}." if len(kinds) > 1 else _UNKNOWN_DETAIL
    if type not in _PYDANTIC_TYPES:
        return str(error.get("msg"))
    return _DETAIL_OF_TYPE.get(type, _UNKNOWN_DETAIL).format_map({**values, "name": name, "input": sent})


def _describe_length(values: Mapping[str, object], sent: object) -> str:
    most = values.get("max_length")
    what = "characters" if isinstance(sent, str) else "entries"
    if most is None:
        return "It must not be empty." if values.get("min_length") == 1 else f"At least {values['min_length']} {what}."
    count = len(sent) if isinstance(sent, str | list | dict) else None
    return f"At most {most} {what}; {count} were given." if count else f"At most {most} {what}."


def _list_allowed(error: Mapping[str, object]) -> tuple[str, ...]:
    """The words of a closed list, which pydantic has in no other form than as a sentence: 'draft' or 'scheduled'."""
    context = error.get("ctx")
    return tuple(_QUOTED.findall(str(context.get("expected")))) if isinstance(context, dict) else ()


def render_pointer(path: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
