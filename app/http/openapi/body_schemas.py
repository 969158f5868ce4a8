"""JSON schemas of what clients send, as programs that generate clients read them.

They take a property with a default for one that is always there, and send what a caller left out; and they pass over
`patternProperties`. So defaults stay in Python and in descriptions, and keys have a pattern of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import DictSchema, WithDefaultSchema

NULL = {"type": "null"}
REFERENCE = "#/components/schemas/{model}"


class _BodySchemas(GenerateJsonSchema):
    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: DictSchema) -> JsonSchemaValue:
        described = super().dict_schema(schema)
        for pattern, values in described.pop("patternProperties", {}).items():
            described |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
        return described


def describe_bodies(*bodies: type[BaseModel]) -> dict[str, Any]:
    """The schemas of all of them and of what they are made of, by name."""
    schemas: dict[str, Any] = {}
    for body in bodies:
        schema = body.model_json_schema(ref_template=REFERENCE, schema_generator=_BodySchemas)
        schemas |= schema.pop("$defs", {}) | {body.__name__: schema}
    return schemas


def add_read_only(
    model: JsonSchemaValue, handler: GetJsonSchemaHandler, shape: type[BaseModel], names: Iterable[str]
) -> JsonSchemaValue:
    """For `__get_pydantic_json_schema__`: with these properties of what clients get, which they may send back."""
    properties = handler.resolve_ref_schema(model)["properties"]
    types = get_type_hints(shape, include_extras=True)
    for name in names:
        described = handler(TypeAdapter(types[name]).core_schema)
        properties[name] = {**described, "readOnly": True, "description": "Accepted if it is unchanged."}
    return model


@dataclass(frozen=True, slots=True)
class _NeverNull:
    """On a type that Python knows with None: a property that may be left out, and may not be null."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        options = [option for option in schema.pop("anyOf") if option != NULL]
        return {**options[0], **schema} if len(options) == 1 else {**schema, "anyOf": options}


NEVER_NULL = _NeverNull()
