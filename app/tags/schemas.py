"""The shapes of tags as clients see them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["topic", "section", "person", "organisation", "event", "series", "contributor"]


class TagLink(BaseModel):
    """A tag on an article; contributors are shown as authors instead."""

    model_config = ConfigDict(extra="forbid")

    slug: str
    name: str
    kind: Kind


class Tag(TagLink):
    """A tag of the vocabulary. `article_count` counts published articles as of the index; null while there is none."""

    id: int
    aliases: list[str]
    article_count: int | None


class Page(BaseModel):
    limit: int
    number: int | None
    next: str | None
    previous: str | None
    total: int | None
    total_is: Literal["exact", "at_least", "none"]


class TagList(BaseModel):
    data: list[Tag]
    page: Page
    warnings: list[dict[str, str]]
