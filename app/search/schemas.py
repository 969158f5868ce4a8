"""The shapes of search answers."""

from pydantic import BaseModel, ConfigDict

from app.articles.schemas import ArticleCard, Notice, Page


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Hit(Shape):
    """An article found. `score` is null when sorted by date; `highlights` are HTML fragments with `<mark>`."""

    article: ArticleCard
    score: float | None
    highlights: dict[str, list[str]]


class QueryNote(Shape):
    """What in `q` was read as plain text, or left out."""

    code: str
    detail: str


class QueryRead(Shape):
    """How the query was read: `read_as` in its own notation, `languages` that its words were stemmed in."""

    q: str | None
    read_as: str | None
    languages: list[str]
    sort: str
    notes: list[QueryNote]


class SearchResults(Shape):
    data: list[Hit]
    page: Page
    warnings: list[Notice]
    query: QueryRead
