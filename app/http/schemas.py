"""The shapes that all lists share, for the documentation."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """What clients get: every property is there, absent values are null or empty."""

    model_config = ConfigDict(extra="forbid")


def only_where(description: str, default: Any) -> Any:
    """A property that is not always there; its default is a matter of Python, not of the answer."""

    def without_default(schema: dict[str, Any]) -> None:
        schema.pop("default", None)

    return Field(default=default, description=description, json_schema_extra=without_default)


class Page(Shape):
    """`next` and `previous` are cursors; `total` is exact, or at least so much, or left out, as `total_is` says."""

    limit: int
    number: int | None
    next: str | None
    previous: str | None
    total: int | None
    total_is: Literal["exact", "at_least", "none"]
    missing: list[int] = only_where("Only with `id=`: what is not there or not visible, alike.", [])


class Notice(Shape):
    """Something that was not an error, and worth knowing."""

    code: str
    parameter: str | None
    detail: str
    replaced_by: str = only_where("With the code `replaced_by`.", "")
