"""The description of the real server: complete, with an example for every response, and true."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from app.articles import examples as articles
from app.articles import schemas
from app.articles.input import payloads
from app.errors import CODES
from app.http.openapi import build_document
from app.http.schemas import JOB, Job
from app.main import BODIES, DESCRIPTION, TAGS, create_app
from app.monitoring.health import BEHIND, LIVE, READY, Live, Ready
from app.regions import examples as regions
from app.regions.payloads import RegionCreate, RegionPatch
from app.regions.schemas import Region, RegionList, RegionNode
from app.settings import Settings
from app.tags import examples as tags
from app.tags.payloads import TagCreate, TagMerge, TagPatch
from app.tags.schemas import Tag, TagList

VOCABULARY = (TagCreate, TagPatch, TagMerge, RegionCreate, RegionPatch)

OPERATIONS = {
    "list_articles", "get_article", "list_related", "get_neighbours", "list_translations", "resolve_address",
    "create_article",
    "update_article", "replace_article", "delete_article", "list_revisions", "get_revision", "get_revision_diff",
    "restore_revision", "search_articles", "list_regions", "get_region_tree", "get_region", "list_tags", "get_tag",
    "get_liveness", "get_readiness", "create_tag", "update_tag", "merge_tags", "create_region", "update_region",
    "get_job",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(sqlite_template: Any) -> dict[str, Any]:
    return build_document(
        create_app(Settings(data_dir=sqlite_template.parent)), description=DESCRIPTION, tags=TAGS, bodies=BODIES
    )


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_operations_and_schemas_have_their_names(document: dict[str, Any]) -> None:
    assert {one["operationId"] for one in _operations(document)} >= OPERATIONS
    names = set(document["components"]["schemas"])
    assert {
        "Article",
        "ArticleCard",
        "ArticleCreate",
        "ArticlePatch",
        "ArticlePut",
        "Problem",
        "Page",
        "Region",
        "Tag",
    } <= names
    assert not [name for name in names if "__" in name or "-" in name]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"'))) <= names


def test_every_response_has_an_example(document: dict[str, Any]) -> None:
    bare = [
        (one["operationId"], status, kind)
        for one in _operations(document)
        for status, response in one["responses"].items()
        for kind, shown in response.get("content", {}).items()
        if not (shown.get("example") or shown.get("examples"))
    ]
    assert [item for item in bare if item[0] in OPERATIONS - {"search_articles"}] == []


def test_every_parameter_is_described_and_lists_are_exploded(document: dict[str, Any]) -> None:
    for one in _operations(document):
        assert one["summary"], one["operationId"]
        assert one["description"], one["operationId"]
        for parameter in one.get("parameters", ()):
            assert parameter["description"], (one["operationId"], parameter["name"])
            if parameter["schema"].get("type") == "array":
                assert (parameter["style"], parameter["explode"]) == ("form", True)


def test_every_failure_is_a_problem_of_the_closed_list(document: dict[str, Any]) -> None:
    for one in _operations(document):
        for status, response in one["responses"].items():
            if int(status) < 400:
                continue
            shown = response["content"]["application/problem+json"]
            assert shown["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert {code: str(CODES[code].status) for code in shown["examples"]} == dict.fromkeys(
                shown["examples"], status
            )


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (schemas.ArticleCard, articles.CARD),
        (schemas.Article, articles.ARTICLE),
        (schemas.ArticleList, articles.LIST),
        (schemas.RelatedList, articles.RELATED),
        (schemas.Neighbours, articles.NEIGHBOURS),
        (schemas.Candidates, articles.CANDIDATES),
        (schemas.RevisionList, articles.REVISIONS),
        (schemas.RevisionDiff, articles.DIFF),
        (payloads.ArticleCreate, payloads.EXAMPLE),
        (payloads.ArticlePatch, payloads.PATCH_EXAMPLE),
        (payloads.ArticlePut, payloads.EXAMPLE),
        (Region, regions.REGION),
        (RegionList, regions.LIST),
        (RegionNode, regions.TREE),
        (Region, regions.NAMED),
        (Job, JOB),
        *((model, model.model_config["json_schema_extra"]["example"]) for model in VOCABULARY),  # type: ignore[index] # ours
        (Tag, tags.TAG),
        (TagList, tags.LIST),
        (Live, LIVE),
        (Ready, READY),
        (Ready, BEHIND),
    ],
)
def test_example_is_of_its_shape(model: type[BaseModel], example: object) -> None:
    assert model.model_validate(example)
