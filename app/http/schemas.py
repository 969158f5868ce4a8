"""The shapes that all lists share, for the documentation."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Scalar = str | int | float | bool | None
Detail = Scalar | list[Scalar | dict[str, Scalar | list[Scalar]]] | dict[str, Scalar | list[Scalar]]
"""Of what is told for people, whose names are not a closed list."""


class Shape(BaseModel):
    """What clients get: every property is there, absent values are null or empty."""

    model_config = ConfigDict(extra="forbid")


class Selectable(Shape):
    """Of which `fields=` may leave out everything but what is `always` there: only that is required in a schema, since
    a response is described for every request that may get it."""

    always: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(core_schema)
        schema = handler.resolve_ref_schema(described)
        schema["required"] = [name for name in schema.get("required", ()) if name in cls.always]
        if not schema["required"]:
            del schema["required"]
        return described


def only_where(description: str, default: Any) -> Any:
    """A property that is not always there; its default is a matter of Python, not of the response."""

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
    did_you_mean: str = only_where("Where something is called much like what was asked for.", "")


class Job(Shape):
    """Long work that goes on in chunks. `result` is where to look when it is done."""

    id: int
    kind: Literal["merge_tags", "place_articles", "bulk_edit", "undo"]
    state: Literal["waiting", "running", "done", "failed"]
    done: int = Field(description="Articles looked at.")
    total: int
    error: str | None
    result: str | None
    created_at: str
    updated_at: str


JOB = {
    "id": 2,
    "kind": "bulk_edit",
    "state": "running",
    "done": 4500,
    "total": 120000,
    "error": None,
    "result": "/v1/imports/2",
    "created_at": "2025-05-14T09:12:44Z",
    "updated_at": "2025-05-14T09:12:48Z",
}
JOB_ID: dict[str, object] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The number in `Location` of the 202; a new archive has no job until something begins one.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
}
