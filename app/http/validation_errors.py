"""From pydantic's errors to ours: what is wrong with which parameter, or where in a body. Knows no HTTP."""

from collections.abc import Iterable

from app.errors import FieldError, InvalidInput

_DETAIL_OF_TYPE = {
    "model_type": "An object belongs here.",
    "model_attributes_type": "An object belongs here.",
    "dict_type": "An object belongs here.",
    "list_type": "A list belongs here.",
    "string_type": "A text belongs here.",
}
_CODE_OF_TYPE = {"extra_forbidden": "unknown_field"}


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
