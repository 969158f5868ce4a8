"""What articles are filed under: tags with their names, regions with theirs and how they lie in each other."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Text, false
from sqlmodel import Field, SQLModel

from app.models.column_types import FOLDED_TEXT, KeyType, key, reference, words


class Tag(SQLModel, table=True):
    """A term of the archive's vocabulary; contributors and sections are tags of that kind."""

    id: int | None = Field(default=None, sa_column=key())
    slug: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=words())
    sort_name: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    kind: str = Field(sa_column=words())
    merged_into: int | None = Field(default=None, sa_column=reference("tag.id", null=True, on_delete="SET NULL"))
    listed: bool = Field(  # made by hand: everybody may see it, whatever articles have it
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )

    __table_args__ = (
        Index("ix_tag_kind_sort_name", "kind", "sort_name"),
        CheckConstraint(
            "kind IN ('topic', 'section', 'person', 'organisation', 'event', 'series', 'contributor')",
            name="kind",
        ),
    )


class TagSlug(SQLModel, table=True):
    """Slugs that a tag had before."""

    __tablename__ = "tag_slug"
    slug: str = Field(sa_column=Column(Text, primary_key=True))
    tag_id: int = Field(sa_column=reference("tag.id"))

    __table_args__ = (Index("ix_tag_slug_tag_id", "tag_id"),)


class TagName(SQLModel, table=True):
    """Names of a tag in a language ("und" for any) and aliases; `name_key` is what look-ups compare."""

    __tablename__ = "tag_name"
    id: int | None = Field(default=None, sa_column=key())
    tag_id: int = Field(sa_column=reference("tag.id"))
    language: str = Field(sa_column=words("und"))
    name: str = Field(sa_column=words())
    name_key: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    alias: bool = Field(default=False)

    __table_args__ = (Index("ix_tag_name_tag_id", "tag_id"), Index("ix_tag_name_name_key", "name_key"))


class Region(SQLModel, table=True):
    """A place of the UN M49 tree, a former state, a city, or a grouping of countries."""

    id: int | None = Field(default=None, sa_column=key())
    slug: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=words())
    level: str = Field(sa_column=words())
    iso2: str | None = Field(default=None, sa_column=words(null=True))
    iso3: str | None = Field(default=None, sa_column=words(null=True))
    iso4: str | None = Field(default=None, sa_column=words(null=True))
    m49: str | None = Field(default=None, sa_column=words(null=True))
    parent_id: int | None = Field(default=None, sa_column=reference("region.id", null=True, on_delete="SET NULL"))
    capital_id: int | None = Field(default=None, sa_column=Column(KeyType, nullable=True))
    since: int | None = Field(default=None)
    until: int | None = Field(default=None)
    latitude: float | None = Field(default=None)
    longitude: float | None = Field(default=None)
    bbox: str | None = Field(default=None, sa_column=words(null=True))  # [west, south, east, north]
    successors: str = Field(sa_column=words("[]"))  # slugs

    __table_args__ = (
        CheckConstraint("level IN ('world', 'region', 'subregion', 'country', 'city', 'grouping')", name="level"),
    )


class RegionName(SQLModel, table=True):
    """Names of a region in a language ("und" for any) and aliases; `name_key` is what look-ups compare."""

    __tablename__ = "region_name"
    id: int | None = Field(default=None, sa_column=key())
    region_id: int = Field(sa_column=reference("region.id"))
    language: str = Field(sa_column=words("und"))
    name: str = Field(sa_column=words())
    name_key: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    alias: bool = Field(default=False)

    __table_args__ = (
        Index("ix_region_name_region_id", "region_id"),
        Index("ix_region_name_name_key", "name_key"),
    )


class RegionMember(SQLModel, table=True):
    """Which countries a grouping has."""

    __tablename__ = "region_member"
    grouping_id: int = Field(sa_column=reference("region.id", primary=True))
    member_id: int = Field(sa_column=reference("region.id", primary=True))

    __table_args__ = (Index("ix_region_member_member_id", "member_id"),)


class RegionWithin(SQLModel, table=True):
    """The closure: `region_id` lies at or below `ancestor_id`, by the M49 line or through a grouping."""

    __tablename__ = "region_within"
    region_id: int = Field(sa_column=reference("region.id", primary=True))
    ancestor_id: int = Field(sa_column=reference("region.id", primary=True))

    __table_args__ = (Index("ix_region_within_ancestor_id", "ancestor_id"),)
