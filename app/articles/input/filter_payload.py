"""A filter within a body: an object with the parameters of the article list, read as the list reads them. Pure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field, Tag

from app.errors import FieldError, InvalidInput
from app.http.body import by_kind, render_pointer

AsText = Annotated[str, Tag("(text)")]
AsNumber = Annotated[int, Tag("(number)")]
Named = Annotated[AsText | AsNumber, by_kind]
Value = Annotated[AsText | AsNumber | Annotated[bool, Tag("(flag)")] | Annotated[list[Named], Tag("(list)")], by_kind]
FilterPayload = dict[Annotated[str, Field(max_length=64)], Value]


def encode_query(values: Mapping[str, object]) -> bytes:
    """The filter as a query string."""
    for name, value in values.items():
        if value == []:
            detail = "An empty list chooses nothing. Leave the parameter out where it shall not count."
            raise InvalidInput(FieldError("invalid_value", detail, parameter=name))
    spelled = {
        name: "true" if value is True else "false" if value is False else value for name, value in values.items()
    }
    return urlencode(spelled, doseq=True).encode()


@contextmanager
def point_into_body(name: str = "filter") -> Iterator[None]:
    """Errors of parameters as those of the property that holds them."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(*(_move_into_body(one, name) for one in error.errors)) from None


def _move_into_body(error: FieldError, name: str) -> FieldError:
    path = [name, error.parameter] if error.parameter else [name]
    return replace(error, parameter=None, pointer=render_pointer(path))
