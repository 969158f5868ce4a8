"""The shapes of changes as clients see them, for the documentation."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import ArticleCard, Notice, Time
from app.http.schemas import Shape, only_where
from app.regions.schemas import Level
from app.sync.change_rows import Event
from app.tags.schemas import Kind


class ChangedArticle(Shape):
    """`slug` is null for an article of which nothing may be said any more; `previous_slug` unless it has changed."""

    id: int
    slug: str | None
    previous_slug: str | None
    version: int | None


class Replacement(Shape):
    """The article that readers are sent to instead; `slug` is null while it is not public."""

    id: int
    slug: str | None


class RenamedTag(Shape):
    """A tag as cards show it now. `previous_slug` unless its slug has changed is null."""

    id: int
    slug: str
    previous_slug: str | None
    name: str
    kind: Kind


class RenamedRegion(Shape):
    """A region as cards show it now. The slug of a region never changes."""

    id: int
    slug: str
    name: str
    level: Level


class Change(Shape):
    """One row of the change log as this consumer sees it."""

    seq: str = Field(description="The place of this change, good for `since` and `min_seq`.")
    event: Event
    article: ChangedArticle | None
    tag: RenamedTag | None
    region: RenamedRegion | None
    replaced_by: Replacement | None
    at: Time
    changed_fields: list[str] = Field(
        description="Of a tag `aliases kind name names removed slug`, of a region `aliases articles members name names "
        "parent`; "
        "of a region that came with the program empty: any may have."
    )
    card: ArticleCard | None = only_where(
        "With `include`: the article as it is now; null where it does not match the filter now.", None
    )


class ChangeList(Shape):
    """`next` is past everything examined, also past what was not for this consumer."""

    data: list[Change]
    next: str
    has_more: bool
    warnings: list[Notice]


class ImportedLine(Shape):
    """What became of one line. `reason` only where it failed; `id` and `slug` are null then, and in a dry run."""

    line: int
    outcome: Literal["created", "updated", "unchanged", "failed"]
    id: int | None
    slug: str | None
    reason: str | None


__all__ = ["Change", "ChangeList", "ImportedLine"]
