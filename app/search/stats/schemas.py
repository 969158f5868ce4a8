"""What clients see of the archive in numbers, with examples."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import Notice
from app.http.schemas import Shape


class Number(Shape):
    """How many, and the request that lists them."""

    count: int
    request: str


class DayNumbers(Shape):
    """What came, what changed, and what was withdrawn on a day in `tz`; `withdrawn` is null without `read_drafts`."""

    day: str
    created: Number
    updated: Number
    withdrawn: Number | None


class AuthorNumber(Number):
    value: str
    name: str


class TagNumbers(Shape):
    """Tags that are no contributors."""

    used: Number
    used_once: Number


class Unpublished(Shape):
    """What is not published, by state; drafts also by author, those with the most first."""

    draft: Number
    scheduled: Number
    withdrawn: Number
    trashed: Number
    drafts_by_author: list[AuthorNumber]
    drafts_without_author: Number


class Stats(Shape):
    """Numbers are of published articles but for `unpublished`, which is null without `read_drafts`, and withdrawals."""

    tz: str
    published: Number
    having: dict[str, Number] = Field(description="Published articles that have something, by the words of `has`.")
    lacking: dict[str, Number] = Field(description="Those that lack it, by the words of `has_not`.")
    tags: TagNumbers
    days: list[DayNumbers]
    unpublished: Unpublished | None


class MatrixAxisLine(Shape):
    value: str
    name: str
    total: int


class MatrixRow(MatrixAxisLine):
    """`cells` are in the order of the columns."""

    cells: list[int]


class MatrixTable(Shape):
    """Articles in each row and column both. Totals are of articles, not sums: one with two tags is in both rows.
    `too_coarse` and `undated` count those that no period holds."""

    rows: Literal["tag", "region", "author", "section", "source", "language", "year", "month", "week", "day"]
    columns: Literal["tag", "region", "author", "section", "source", "language", "year", "month", "week", "day"]
    tz: str
    column_values: list[MatrixAxisLine]
    data: list[MatrixRow]
    total: int
    too_coarse: int
    undated: int
    warnings: list[Notice]


def _number(count: int, request: str) -> dict[str, object]:
    return {"count": count, "request": request}


STATS = {
    "tz": "UTC",
    "published": _number(1834, "/v1/articles"),
    "having": {"correction": _number(12, "/v1/articles?has=correction")},
    "lacking": {"region": _number(31, "/v1/articles?has_not=region")},
    "tags": {
        "used": _number(240, "/v1/tags?min_articles=1&kind=topic,section,person,organisation,event,series"),
        "used_once": _number(
            17, "/v1/tags?min_articles=1&max_articles=1&kind=topic,section,person,organisation,event,series"
        ),
    },
    "days": [
        {
            "day": "2025-05-14",
            "created": _number(9, "/v1/articles?created_from=2025-05-14&created_to=2025-05-14"),
            "updated": _number(11, "/v1/articles?updated_from=2025-05-14&updated_to=2025-05-14"),
            "withdrawn": None,
        }
    ],
    "unpublished": None,
}
MATRIX = {
    "rows": "region",
    "columns": "month",
    "tz": "UTC",
    "column_values": [
        {"value": "2025-04", "name": "2025-04", "total": 3},
        {"value": "2025-05", "name": "2025-05", "total": 5},
    ],
    "data": [{"value": "belgium", "name": "Belgium", "total": 6, "cells": [2, 4]}],
    "total": 8,
    "too_coarse": 0,
    "undated": 0,
    "warnings": [],
}
