"""The shapes of tags as clients see them."""

from typing import Literal

from app.http.schemas import Notice, Page, Shape

Kind = Literal["topic", "section", "person", "organisation", "event", "series", "contributor"]


class TagLink(Shape):
    """A tag on an article; contributors are shown as authors instead."""

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


class TagList(Shape):
    data: list[Tag]
    page: Page
    warnings: list[Notice]
