"""The shapes of tags as editors send them. Checks and cleans; looks nothing up."""

from typing import Annotated

from pydantic import ConfigDict, Field

from app.http.body import PATCH_TYPES, PayloadModel, Short
from app.http.schemas import only_where
from app.regions.payloads import Aliases, Name, Names, NamesPatch, Slug
from app.tags.schemas import Kind


class TagCreate(PayloadModel):
    """A new tag. Without a slug one is made from the name."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "World Customs Organization", "kind": "organisation", "aliases": ["WCO"]}
        }
    )

    name: Name
    kind: Kind = Field(default="topic", description="`topic` where it is left out.")
    slug: Slug | None = None
    names: Names = Field(default_factory=dict)
    aliases: Aliases = Field(default_factory=list)


class TagPatch(PayloadModel):
    """What is to change (JSON Merge Patch). `names` is merged in, null takes one away; `aliases` replace."""

    media_types = PATCH_TYPES
    model_config = ConfigDict(json_schema_extra={"example": {"names": {"fr": "OTAN"}, "aliases": ["the Alliance"]}})

    name: Name = only_where("The old one becomes an alias, unless aliases are given too.", None)
    kind: Kind = only_where("Contributors and sections stay what they are; the others may become each other.", None)
    slug: Slug = only_where("The old one keeps leading here.", None)
    names: NamesPatch | None = None
    aliases: Aliases | None = None


class TagMerge(PayloadModel):
    """Which tag takes this one in."""

    model_config = ConfigDict(json_schema_extra={"example": {"into": "water"}})

    into: Annotated[Short, Field(min_length=1, description="A slug, or an id in digits.")]
