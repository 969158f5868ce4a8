"""The shapes of tags as clients see them."""

from typing import Literal

from app.http.schemas import Notice, Page, Selectable, Shape

Kind = Literal["topic", "section", "person", "organisation", "event", "series", "contributor"]


class TagLink(Selectable):
    """A tag on an article; contributors are shown as authors instead."""

    id: int
    slug: str
    name: str
    kind: Kind


class Tag(Shape):
    """A tag of the vocabulary. `article_count` counts published articles as of the index; null while there is none.
    `names` by language; aliases are understood and never shown."""

    id: int
    slug: str
    name: str
    kind: Kind
    names: dict[str, str]
    aliases: list[str]
    article_count: int | None


class RelatedTag(Tag):
    """A tag that goes with another one. `together` published articles have both, where `expected` would if the two had
    nothing to do with each other; `score` orders, and is no measure of its own."""

    together: int
    expected: float
    score: float


class RelatedTagList(Shape):
    data: list[RelatedTag]


class TagList(Shape):
    data: list[Tag]
    page: Page
    warnings: list[Notice]
