"""The shape of a bulk edit as clients send it. Checks and cleans; looks nothing up."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.articles.input.filter_payload import FilterPayload
from app.articles.input.payloads import Language, RegionRef, TagRef
from app.http.body import PayloadModel
from app.http.openapi.body_schemas import NEVER_NULL

MOST_IDS = 10_000
MOST_NAMES = 50
Ids = Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(min_length=1, max_length=MOST_IDS)]
Changing = ("add_tags", "remove_tags", "add_regions", "remove_regions", "section", "status", "language")


class BulkEdit(PayloadModel):
    """Which articles, by `ids` or by a `filter` with the parameters of the list, and what becomes of each of them.

    `section: null` takes sections away; an unknown tag is made."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"filter": {"tag": "nato", "year": 2024}, "add_tags": ["deterrence"], "section": "security"}
        }
    )

    ids: Annotated[Ids | None, NEVER_NULL] = None
    filter: Annotated[FilterPayload | None, NEVER_NULL] = Field(
        None, description="As the parameters of `GET /v1/articles`; `{}`: every published article."
    )
    add_tags: Annotated[list[TagRef], Field(max_length=MOST_NAMES)] = Field(default_factory=list)
    remove_tags: Annotated[list[TagRef], Field(max_length=MOST_NAMES)] = Field(default_factory=list)
    add_regions: Annotated[list[RegionRef], Field(max_length=MOST_NAMES)] = Field(default_factory=list)
    remove_regions: Annotated[list[RegionRef], Field(max_length=MOST_NAMES)] = Field(default_factory=list)
    section: TagRef | None = None
    status: Annotated[Literal["draft", "scheduled", "published", "withdrawn", "trashed"] | None, NEVER_NULL] = None
    language: Annotated[Language | None, NEVER_NULL] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise PydanticCustomError("selection", "Name the articles by either ids or filter.")
        if not any(getattr(self, name) for name in Changing) and "section" not in self.model_fields_set:
            raise PydanticCustomError("nothing", "Say what is to change: {names}.", {"names": ", ".join(Changing)})
        return self
