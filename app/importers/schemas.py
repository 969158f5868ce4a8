"""The shapes of imports as clients see them, for the documentation."""

from typing import Literal

from pydantic import Field

from app.articles.bulk.examples import RECORD
from app.articles.bulk.schemas import ImportRecord
from app.http.schemas import Page, Shape


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


class Import(ImportRecord):
    """An import with what is told of its items."""

    url: str | None
    format: str | None = Field(description="As it was named or sent; null: told from the content.")
    origin: str | None
    overwrite: bool
    notes: list[ImportNote] = Field(description="At most 50.")
    unknown_fields: dict[str, int] = Field(description="Fields without a place here, kept with the articles.")
    unknown_regions: dict[str, int]
    results: list[ImportResult]
    page: Page


EXAMPLE = {
    **RECORD,
    "url": None,
    "format": "markdown",
    "origin": "wire",
    "overwrite": False,
    "notes": [],
    "unknown_fields": {"layout": 1},
    "unknown_regions": {},
    "results": [
        {
            "number": 1,
            "item": "body:1",
            "outcome": "created",
            "id": 21,
            "slug": "how-asean-decides-without-ever-voting",
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
    "ended_at": None,
    "progress": dict.fromkeys(("read", "created", "updated", "unchanged", "failed"), 0),
    "unknown_fields": {},
    "results": [],
    "page": {"limit": 20, "number": None, "next": None, "previous": None, "total": 0, "total_is": "exact"},
}
