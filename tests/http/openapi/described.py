"""The OpenAPI document as tests read it: its schemas one by one, its examples with what they are examples of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

Json = dict[str, Any]
Place = tuple[str, ...]
_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs")
_SCHEMAS = ("items", "additionalProperties", "not")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
REFERENCE = "#/components/schemas/"


def list_operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def list_contents(document: Json) -> Iterator[tuple[Place, Json]]:
    """Every body of a request or a response, whatever its media type."""
    for method, path, operation in list_operations(document):
        contents = {"request": operation.get("requestBody", {}).get("content", {})}
        contents |= {status: one.get("content", {}) for status, one in operation["responses"].items()}
        for where, by_type in contents.items():
            yield from (((method, path, where, kind), content) for kind, content in by_type.items())


def list_roots(document: Json) -> Iterator[tuple[Place, Json]]:
    """Every schema that is within no other."""
    yield from (((REFERENCE, name), schema) for name, schema in document["components"]["schemas"].items())
    yield from ((place, content["schema"]) for place, content in list_contents(document))
    for method, path, operation in list_operations(document):
        for parameter in operation.get("parameters", ()):
            yield (method, path, parameter["name"]), parameter["schema"]
    for name, header in document["components"]["headers"].items():
        yield ("headers", name), header["schema"]


def walk(place: Place, schema: Json) -> Iterator[tuple[Place, Json]]:
    """A schema, and those within it that are written out there."""
    yield place, schema
    for key in _SCHEMAS_BY_NAME:
        for name, inner in schema.get(key, {}).items():
            yield from walk((*place, name), inner)
    for key in _SCHEMAS:
        if isinstance(schema.get(key), dict):
            yield from walk((*place, key), schema[key])
    for key in _SCHEMA_LISTS:
        for index, inner in enumerate(schema.get(key, ())):
            yield from walk((*place, f"{key}[{index}]"), inner)


def list_schemas(document: Json) -> Iterator[tuple[Place, Json]]:
    """All of them."""
    for place, schema in list_roots(document):
        yield from walk(place, schema)


def list_examples(document: Json) -> Iterator[tuple[Place, Json, object]]:
    """Every example with the schema that it is of."""
    for place, content in list_contents(document):
        if "example" in content:
            yield place, content["schema"], content["example"]
        for name, example in content.get("examples", {}).items():
            yield (*place, name), content["schema"], example["value"]
    for method, path, operation in list_operations(document):
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                yield (method, path, parameter["name"]), parameter["schema"], parameter["example"]
    for place, schema in list_schemas(document):
        if "example" in schema:
            yield place, schema, schema["example"]
        for example in schema.get("examples", ()):
            yield place, schema, example


def list_named(document: Json, schema: Json) -> Json:
    """The schemas that one refers to, and those that these refer to: making a validator of all takes its time."""
    named: Json = {}
    waiting = [schema]
    while waiting:
        for reference in re.findall(rf'"{REFERENCE}([^"]+)"', json.dumps(waiting.pop())):
            if reference not in named:
                named[reference] = document["components"]["schemas"][reference]
                waiting.append(named[reference])
    return named


def find_mistakes(document: Json, schema: Json, value: object) -> list[str]:
    """What of a value is not as a schema of the document says."""
    resolved = {**schema, "components": {"schemas": list_named(document, schema)}}
    validator = jsonschema_rs.Draft202012Validator(resolved, validate_formats=True)
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(value)]


def is_nullable(document: Json, schema: Json) -> bool:
    """Whether null is one of its values."""
    return not find_mistakes(document, schema, None)


def resolve(document: Json, schema: Json) -> Json:
    """The schema that a reference leads to, or itself."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(REFERENCE)]
    return schema
