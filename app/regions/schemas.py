"""The shapes of regions as clients see them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["world", "region", "subregion", "country", "city", "grouping"]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegionRef(Shape):
    """A region named in passing."""

    slug: str
    name: str
    level: Level


class RegionLink(RegionRef):
    """A region of an article, with what it is to the article."""

    roles: list[Literal["about", "mention", "dateline"]]


class Region(RegionRef):
    """A place of the UN M49 tree, a former state (`until`), a city, or a grouping of countries."""

    id: int
    iso2: str | None
    iso3: str | None
    m49: str | None
    parent: str | None
    capital: str | None
    since: int | None
    until: int | None
    successors: list[str]
    groupings: list[str]
    members: list[str]
    article_count: int | None = Field(default=None, description="With `include=counts`: published articles in it.")
    ancestors: list[RegionRef] = Field(default_factory=list, description="With `include=ancestors`, outermost first.")
    children: list[RegionRef] = Field(default_factory=list, description="With `include=children`.")


class RegionNode(RegionRef):
    """A region in the tree, with what lies directly below it."""

    id: int
    iso2: str | None
    m49: str | None
    children: list["RegionNode"]


class Page(Shape):
    limit: int
    number: int | None
    next: str | None
    previous: str | None
    total: int | None
    total_is: Literal["exact", "at_least", "none"]


class RegionList(Shape):
    data: list[Region]
    page: Page
    warnings: list[dict[str, str]]
