"""The shapes of webhooks as clients send them. Checks and cleans; looks nothing up."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.articles.input.filter_payload import FilterPayload
from app.http.body import PATCH_TYPES, ExactAddress, PayloadModel, clean_line
from app.http.schemas import only_where

MOST_FILTER_BYTES = 10_000
Include = Literal["body", "body_text", "body_markdown", "body_blocks", "related"]


def _check_endpoint(address: str) -> str:
    """ValueError where the client that sends could not read it."""
    import httpx  # here: few servers have webhooks, and loading it takes a tenth of a second

    try:
        httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise PydanticCustomError("address", "This is no address: {why}.", {"why": str(error).rstrip(".")}) from None
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError("address", "An address with a name or password is not taken: requests are signed.")
    return address


Endpoint = Annotated[ExactAddress, AfterValidator(_check_endpoint)]
Name = Annotated[str, clean_line(200), Field(min_length=1, max_length=200)]
Search = Annotated[str, Field(min_length=1, max_length=200)]
Includes = Annotated[list[Include], Field(max_length=5)]


class WebhookCreate(PayloadModel):
    """An endpoint that is to be told of changes from now on: of all that the public sees, of those that match `filter`,
    or of those of a saved search."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "Mobile app", "url": "https://app.example.org/hooks", "filter": {"tag": "nato"}}
        }
    )

    name: Name = Field(description="For people.")
    url: Endpoint = Field(description="Where messages are sent by POST. Redirects are not followed.")
    filter: FilterPayload | None = Field(
        default=None,
        description="As the parameters of `GET /v1/articles`, without `status`, and without times relative to now.",
    )
    search: Search | None = Field(default=None, description="The slug of a saved search, in place of a filter.")
    include: Includes = Field(default_factory=list, description="What the card has besides, as in `include=` of items.")
    enabled: bool = Field(default=True, description="`false`: it is made, and told of nothing until it is switched on.")


class WebhookPatch(PayloadModel):
    """What is to change (JSON Merge Patch). `filter` and `include` replace; `filter` and `search` take each other's
    place."""

    media_types = PATCH_TYPES
    model_config = ConfigDict(json_schema_extra={"example": {"url": "https://app.example.org/hooks/v2"}})

    name: Name = only_where("For people.", None)
    url: Endpoint = only_where("What waits is sent there.", None)
    filter: FilterPayload | None = only_where("For what has not been told yet. Null where a search is followed.", None)
    search: Search | None = only_where("The slug of a saved search; null where a filter is followed.", None)
    include: Includes = only_where("What the card has besides.", None)
    enabled: bool = only_where("`true`: it goes on where it stood, whatever had switched it off.", None)
