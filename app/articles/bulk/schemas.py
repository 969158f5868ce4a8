"""The shapes of records, undos and bulk edits as clients see them, for the documentation."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import Time
from app.http.schemas import Detail, Notice, Page, Shape

MISSING = (
    "Of articles that a bulk edit named by `ids`, or by `id`, `slug` or `external_id` in its filter: those that are "
    "not there, not visible or left out by the rest of the filter, alike; at most 100."
)


class ImportProgress(Shape):
    """Items so far: `read` is the sum of the others. Of a bulk edit they are articles."""

    read: int
    created: int
    updated: int
    unchanged: int
    failed: int


class Undo(Shape):
    """The last undo of an import: how far it is, and what it has done with how many articles in its last run."""

    job: int
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    withdrawn: int
    trashed: int
    restored: int = Field(description="Put back to the version before.")
    kept: int = Field(description="Left alone, because somebody has edited them since.")
    gone: int = Field(description="Purged since.")
    tags_removed: int
    error: str | None = Field(description="`stopped` where somebody has stopped it; undo again to go on.")
    undone_at: Time | None


class ImportRecord(Shape):
    """An import or a bulk edit."""

    id: int
    kind: Literal["import", "bulk_edit"]
    via: Literal["command", "stream", "job"]
    source: str
    origins: list[str] = Field(description="Of the items, at most 50.")
    options: dict[str, Detail] = Field(description="What was asked for.")
    state: Literal["waiting", "running", "done", "failed"]
    progress: ImportProgress
    missing: list[int | str] = Field(description=MISSING)
    error: str | None = Field(description="Why it could not go on; what it had done by then stays.")
    dry_run: bool
    created_by: str | None = Field(description="What the key is called, or the user of the command.")
    created_at: Time
    updated_at: Time
    ended_at: Time | None
    undo: Undo | None


class ImportRecordList(Shape):
    data: list[ImportRecord]
    page: Page
    warnings: list[Notice]


class TouchedArticle(Shape):
    """What an import or a bulk edit did to an article, and what its undo did. `id` and `slug` are null where the caller
    may not see the article."""

    id: int | None
    slug: str | None
    action: Literal["selected", "created", "updated", "unchanged", "failed"]
    version_before: int | None = Field(description="Null where the import made the article.")
    version: int | None
    undone: Literal["withdrawn", "trashed", "restored", "kept", "gone"] | None
    note: str | None


class TouchedArticleList(Shape):
    data: list[TouchedArticle]
    page: Page
    warnings: list[Notice]


class Sample(Shape):
    id: int
    slug: str
    title: str
    status: str
    version: int


class BulkPreview(Shape):
    """What a bulk edit would touch; nothing is changed."""

    dry_run: Literal[True]
    matched: int
    missing: list[int | str] = Field(description=MISSING)
    samples: list[Sample] = Field(description="The first of them, at most ten.")
    warnings: list[Notice]
