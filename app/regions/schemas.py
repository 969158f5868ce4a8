"""The shapes of regions as clients see them."""

from typing import Literal

from pydantic import Field

from app.http.schemas import Notice, Page, Selectable, Shape, only_where

Level = Literal["world", "region", "subregion", "country", "city", "grouping"]


class RegionRef(Shape):
    """A region named in passing."""

    slug: str
    name: str
    level: Level


class RegionLink(Selectable):
    """A region of an article, with what it is to the article."""

    id: int
    slug: str
    name: str
    level: Level
    roles: list[Literal["about", "mention", "dateline"]]


class Region(Shape):
    """A place of the UN M49 tree, a former state (`until`), a city, or a grouping of countries."""

    id: int
    slug: str
    name: str
    level: Level
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
    latitude: float | None = Field(description="Of a point within, in degrees (WGS 84); null where it is not known.")
    longitude: float | None
    bbox: list[float] | None = Field(
        description="West, south, east, north. West is greater than east where the antimeridian is crossed (RFC 7946)."
    )
    article_count: int | None = only_where("With `include=counts`: published articles in it.", None)
    ancestors: list[RegionRef] = only_where("With `include=ancestors`, outermost first.", [])
    children: list[RegionRef] = only_where("With `include=children`.", [])
    names: dict[str, str] = only_where("With `include=names`: by language.", {})
    aliases: list[str] = only_where("With `include=names`: understood, never shown.", [])


class RegionNode(RegionRef):
    """A region in the tree, with what lies directly below it."""

    id: int
    iso2: str | None
    m49: str | None
    children: list["RegionNode"]


class RegionList(Shape):
    data: list[Region]
    page: Page
    warnings: list[Notice]
