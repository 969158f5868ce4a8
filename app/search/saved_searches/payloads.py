"""The shapes of saved searches as clients send them. Checks and cleans; looks nothing up."""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from app.articles.input.filter_payload import FilterPayload
from app.http.body import PATCH_TYPES, PayloadModel, Short
from app.http.schemas import only_where
from app.regions.payloads import Slug

Filters = Annotated[
    FilterPayload,
    Field(max_length=40, description="Filters of the article list, by name; several values of one as a list."),
]
Query = Annotated[str, Field(max_length=512, description="As `q` of a search, with all its operators.")]
Name = Annotated[Short, Field(min_length=1, max_length=200, pattern=r"\S")]
EXAMPLE: dict[str, JsonValue] = {
    "slug": "grain-exports",
    "name": "Grain exports",
    "q": "grain -rice",
    "filters": {"tag": ["shipping"]},
}


class SearchCreate(PayloadModel):
    """A new saved search: words, filters, or both."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    slug: Slug
    name: Name | None = Field(default=None, description="For people.")
    q: Query = ""
    filters: Filters = Field(default_factory=dict)
    public: bool = Field(default=False, description="Whether everybody may read it; needs the scope `publish`.")


class SearchPatch(PayloadModel):
    """What is to change (JSON Merge Patch). `filters` replace those that were there."""

    media_types = PATCH_TYPES
    model_config = ConfigDict(json_schema_extra={"example": {"name": "Grain and flour", "q": "grain OR flour"}})

    name: Name | None = Field(default=None, description="For people.")
    q: Query = only_where("Read anew, with the filters.", "")
    filters: Filters = only_where("Read anew, with `q`.", {})
    public: bool = only_where("Needs the scope `publish`, either way.", False)
