"""What programs that generate clients rely on, of every schema and every example of the document."""

from __future__ import annotations

from typing import Any

import pytest
from described import Json, find_mistakes, list_contents, list_examples, list_operations, list_schemas, resolve

from app.http.openapi import build_document
from app.main import BODIES, DESCRIPTION, TAGS, create_app
from app.settings import Settings

OPEN = ("ImportDocument",)
"""Objects of foreign sources, whose properties nobody can list."""
SAYS_WHAT = {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}
MISTAKEN: list[Json] = [
    {"type": "object"},
    {"type": "object", "additionalProperties": True},
    {"type": "object", "additionalProperties": {}},
    {"type": ["object", "array"], "items": {"type": "string"}},
    {"description": "Anything."},
]


@pytest.fixture(scope="module")
def document(sqlite_template: Any) -> Json:
    app = create_app(Settings(data_dir=sqlite_template.parent))
    return build_document(app, description=DESCRIPTION, tags=TAGS, bodies=BODIES)


def is_untyped(schema: Json) -> bool:
    """Whether it says nothing of what is in it."""
    if not SAYS_WHAT & schema.keys():
        return True
    kinds = schema.get("type", ())
    if "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        return False
    rest = schema.get("additionalProperties")
    return not (schema.get("properties") or (isinstance(rest, dict) and rest and not is_untyped(rest)))


def test_every_schema_says_what_is_in_it(document: Json) -> None:
    untyped = {place for place, schema in list_schemas(document) if is_untyped(schema)}
    assert {place for place in untyped if place[-1] not in OPEN} == set()
    assert {place[-1] for place in untyped} == set(OPEN)


@pytest.mark.parametrize("schema", MISTAKEN, ids=str)
def test_schema_that_says_nothing_is_found(schema: Json) -> None:
    assert is_untyped(schema)


def test_nothing_has_a_default(document: Json) -> None:
    """Generated clients take what has one for always there, and send it."""
    assert [place for place, schema in list_schemas(document) if "default" in schema] == []


def test_every_example_is_of_its_schema(document: Json) -> None:
    mistakes = {place: find_mistakes(document, schema, value) for place, schema, value in list_examples(document)}
    assert {place: messages for place, messages in mistakes.items() if messages} == {}
    assert len(mistakes) > 400


def test_every_body_has_an_example(document: Json) -> None:
    for place, content in list_contents(document):
        if place[2] == "request" and place[3] not in ("application/json", "application/merge-patch+json"):
            continue  # what files look like in other formats
        shown = content if "example" in content or "examples" in content else resolve(document, content["schema"])
        assert {"example", "examples"} & shown.keys(), place


def test_every_operation_has_a_summary_of_its_own(document: Json) -> None:
    summaries = [operation["summary"] for _, _, operation in list_operations(document)]
    assert len(set(summaries)) == len(summaries)
    for _, _, operation in list_operations(document):
        assert operation["summary"] != operation["operationId"].replace("_", " ").title()
        assert not operation["summary"].endswith(".")


@pytest.mark.parametrize(("parameter", "shape"), [("facets", "Facets"), ("highlight", "Highlights")])
def test_parts_that_a_search_may_have_are_a_closed_list(parameter: str, shape: str, document: Json) -> None:
    parameters = {one["name"]: one for one in document["paths"]["/v1/search"]["get"]["parameters"]}
    described = document["components"]["schemas"][shape]
    assert set(described["properties"]) == set(parameters[parameter]["schema"]["items"]["enum"])
    assert described["additionalProperties"] is False


def test_what_is_sent_conditionally_is_described_so(document: Json) -> None:
    for method, path, operation in list_operations(document):
        conditional = "304" in operation["responses"]
        assert ("ETag" in operation["responses"].get("200", {}).get("headers", {}) and method == "get") == conditional
        names = [parameter["name"] for parameter in operation.get("parameters", ())]
        assert ("If-None-Match" in names) == conditional, path
