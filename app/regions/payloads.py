"""The shapes of groupings and cities as editors send them, and of names in general. Checks and cleans; looks nothing
up."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from app.http.body import PATCH_TYPES, PayloadModel, Short, explain_pattern
from app.http.schemas import only_where
from app.regions.names import ANY


def _is_one(language: str) -> str:
    if language == ANY:
        raise ValueError("A name that is of no language is an alias, or the name itself.")
    return language


Slug = Annotated[
    str,
    Field(max_length=80, pattern=r"^([a-z0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$"),
    explain_pattern(
        "Expected small letters from a to z and digits, with single hyphens between words and a letter somewhere, such "
        "as grain-exports-2025."
    ),
]
Name = Annotated[Short, Field(min_length=1, pattern=r"\S")]
Language = Annotated[
    str,
    Field(pattern=r"^[a-z]{2,3}$"),
    explain_pattern("Expected the code of a language in two or three small letters, such as fr."),
    AfterValidator(_is_one),
]
Names = Annotated[dict[Language, Name], Field(max_length=200)]
NamesPatch = Annotated[dict[Language, Name | None], Field(max_length=200)]
Aliases = Annotated[list[Name], Field(max_length=200)]
Members = Annotated[list[Short], Field(max_length=1000)]


class RegionCreate(PayloadModel):
    """A new grouping, which has members, or city, which has a parent. Regions by slug, code or name."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"level": "grouping", "name": "Weimar Triangle", "members": ["france", "germany", "poland"]}
        }
    )

    level: Literal["grouping", "city"]
    name: Name
    slug: Slug | None = None
    names: Names = Field(default_factory=dict)
    aliases: Aliases = Field(default_factory=list)
    members: Members | None = None
    parent: Short | None = None


class RegionPatch(PayloadModel):
    """What is to change (JSON Merge Patch). `names` is merged in, null takes one away; `aliases` and `members`
    replace."""

    media_types = PATCH_TYPES
    model_config = ConfigDict(json_schema_extra={"example": {"members": ["france", "germany", "poland"]}})

    name: Name = only_where("The old one becomes an alias, unless aliases are given too.", None)
    names: NamesPatch | None = None
    aliases: Aliases | None = None
    members: Members | None = None
    parent: Short | None = None
