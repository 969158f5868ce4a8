"""The shapes of imports as clients see them, for the documentation."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import Time
from app.http.schemas import Page, Shape


class ImportProgress(Shape):
    """Items so far: `read` is the sum of the others."""

    read: int
    created: int
    updated: int
    unchanged: int
    failed: int


class ImportNote(Shape):
    """Something that a person should know of `count` items, the first of which is named."""

    note: str
    count: int
    first: str


class ImportResult(Shape):
    """What became of one item. `item` is where it stood; `slug` is the article's as of now."""

    number: int
    item: str
    outcome: Literal["created", "updated", "unchanged", "failed"]
    id: int | None
    slug: str | None
    reason: str | None
    copy_of: int | None = Field(description="The earlier article that the item says nearly the same as.")


class Import(Shape):
    """An import that runs as a job."""

    id: int
    state: Literal["waiting", "running", "done", "failed"]
    progress: ImportProgress
    error: str | None = Field(description="Why a failed job could not go on; what it had done by then stays.")
    url: str | None
    format: str | None = Field(description="As it was named or sent; null: told from the content.")
    origin: str | None
    dry_run: bool
    overwrite: bool
    notes: list[ImportNote] = Field(description="At most 50.")
    unknown_fields: dict[str, int] = Field(description="Fields without a place here, kept with the articles.")
    unknown_regions: dict[str, int]
    created_by: str | None = Field(description="What the key is called that sent it.")
    created_at: Time
    updated_at: Time
    results: list[ImportResult]
    page: Page


EXAMPLE = {
    "id": 3,
    "state": "done",
    "progress": {"read": 2, "created": 1, "updated": 0, "unchanged": 0, "failed": 1},
    "error": None,
    "url": None,
    "format": "markdown",
    "origin": "wire",
    "dry_run": False,
    "overwrite": False,
    "notes": [],
    "unknown_fields": {"layout": 1},
    "unknown_regions": {},
    "created_by": "newsroom",
    "created_at": "2025-05-14T09:12:44Z",
    "updated_at": "2025-05-14T09:12:45Z",
    "results": [
        {
            "number": 1,
            "item": "body:1",
            "outcome": "created",
            "id": 42,
            "slug": "how-the-danube-commission-keeps-a-river-open",
            "reason": None,
            "copy_of": None,
        },
        {
            "number": 2,
            "item": "body:2",
            "outcome": "failed",
            "id": None,
            "slug": None,
            "reason": "not a JSON object",
            "copy_of": None,
        },
    ],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 2, "total_is": "exact"},
}
STARTED = {
    **EXAMPLE,
    "state": "waiting",
    "progress": dict.fromkeys(("read", "created", "updated", "unchanged", "failed"), 0),
    "unknown_fields": {},
    "results": [],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 0, "total_is": "exact"},
}
