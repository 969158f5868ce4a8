"""The shapes of articles as clients see them, for the documentation."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.http.schemas import Notice, Page, Selectable, Shape, only_where
from app.regions.schemas import RegionLink
from app.tags.schemas import TagLink

State = Literal["draft", "scheduled", "published", "withdrawn", "trashed"]
Time = Annotated[str, Field(description="RFC 3339 in UTC.", json_schema_extra={"format": "date-time"})]


class Dateline(Selectable):
    """Where and when, as printed. Nothing invents a day: `date` is as exact as `precision` says."""

    text: str
    place: str | None
    region: str | None
    date: str | None
    precision: Literal["day", "month", "year"] | None


class Author(Selectable):
    id: int
    slug: str
    name: str


class Source(Selectable):
    slug: str | None
    name: str | None
    url: str | None


class Image(Selectable):
    """The first one leads. `url` is null where what was kept of old is no address on the web."""

    url: str | None
    alt: str | None
    caption: str | None
    credit: str | None
    width: int | None
    height: int | None


class Correction(Selectable):
    at: Time
    text: str
    version: int


class Seo(Selectable):
    title: str | None
    description: str | None
    canonical_url: str | None


class Block(Selectable):
    """A part of a body; `id` stays while its text does."""

    id: str
    type: str
    text: str
    html: str


def _only_with(include: str, default: Any) -> Any:
    return only_where(f"With `include={include}`.", default)


class ArticleCard(Selectable):
    """An article as lists and hits show it: everything but `body` and `related`, which `include` adds. Without `fields`
    all that is left is there; with it, only what it names, and `id`."""

    always = frozenset({"id"})

    id: int
    slug: str
    status: State
    language: str
    version: int
    title: str
    standfirst: str | None
    dateline: Dateline | None
    authors: list[Author]
    tags: list[TagLink]
    regions: list[RegionLink]
    images: list[Image]
    corrections: list[Correction]
    source: Source | None
    signature: str | None
    external_id: str | None
    translation_of: int | None
    gone: bool = Field(description="Whether readers are told that it is gone. False for what is published.")
    replaced_by: int | None = Field(description="The article that readers are sent to instead.")
    seo: Seo
    word_count: int
    reading_minutes: int
    published_at: Time | None
    published_precision: Literal["instant", "day", "month", "year"] | None
    first_published_at: Time | None
    updated_at: Time
    created_at: Time
    url: str | None
    body: str = _only_with("body", "")
    related: "list[RelatedPart]" = _only_with("related", [])
    body_text: str = _only_with("body_text", "")
    body_markdown: str = _only_with("body_markdown", "")
    body_blocks: list[Block] = _only_with("body_blocks", [])


class Related(Shape):
    """A related post. `unresolved`: named by the editors, and not in the archive yet, or no longer public. `unlinked`:
    the editors want no link here, whatever is published. `below_threshold`: a similar article that is far less like
    this one than the best, and fills the list up."""

    position: int
    kind: Literal["editorial", "similar"]
    status: Literal["linked", "unresolved"]
    title: str | None
    url: str | None
    article: ArticleCard | None
    score: float | None
    reason: str | None
    below_threshold: bool
    unlinked: bool


class RelatedPart(Selectable, Related):
    """A related post within an article, of which `fields` may leave out parts."""


class Article(ArticleCard):
    """An article in full. `body` is sanitised HTML, safe to insert as it stands. Without `fields` everything is there;
    with it, only what it names, and `id`."""

    body: str = Field()
    related: list[RelatedPart] = Field()


class ArticleList(Shape):
    data: list[ArticleCard]
    page: Page
    warnings: list[Notice]


class RelatedList(Shape):
    data: list[Related]


class Neighbours(Shape):
    """The articles next to this one in time; null at the ends."""

    newer: ArticleCard | None
    older: ArticleCard | None
    warnings: list[Notice]


class Translations(Shape):
    data: list[ArticleCard]


class Revision(Shape):
    """A saved version. `saved_by` is the name of the key, `import`, `schedule` or `dateline enrich`; null where nobody
    knows any more. `changed_fields`: against the version before."""

    version: int
    saved_at: Time
    saved_by: str | None
    status: State
    title: str
    changed_fields: list[str]


class RevisionList(Shape):
    data: list[Revision]
    page: Page
    warnings: list[Notice]


FieldValue = (
    str
    | int
    | bool
    | Dateline
    | Source
    | Seo
    | list[Author]
    | list[TagLink]
    | list[RegionLink]
    | list[Image]
    | list[Correction]
    | list[RelatedPart]
    | None
)
"""What any property of an article can be."""


class FieldChange(Shape):
    """A property with its values in both versions."""

    field: str
    before: FieldValue
    after: FieldValue


class Paragraph(Shape):
    """A part of one body or both."""

    change: Literal["same", "removed", "added"]
    type: str
    text: str
    html: str


class RevisionDiff(Shape):
    """`from` is null where there is no version before. `body`: all paragraphs of both versions in reading order."""

    from_: int | None = Field(alias="from")
    to: int
    changed_fields: list[str]
    fields: list[FieldChange]
    body: list[Paragraph]


class RemovedMarkup(Shape):
    """What a save takes from a body, as the header `Dateline-Warnings` tells it: `script`, `onclick of p`."""

    code: Literal["markup_removed"]
    pointer: str
    detail: str
    removed: list[str]


class PreviewDiff(Shape):
    """From the version `from` of an article to the body that was sent: all paragraphs of both in reading order."""

    article: int
    from_: int = Field(alias="from")
    changed: bool
    body: list[Paragraph]


class Preview(Shape):
    """A body as a save keeps it: `body` is byte for byte what the article would have. `diff` is null unless an article
    is named."""

    body: str
    word_count: int
    reading_minutes: int
    warnings: list[RemovedMarkup]
    diff: PreviewDiff | None
    body_text: str = _only_with("body_text", "")
    body_markdown: str = _only_with("body_markdown", "")
    body_blocks: list[Block] = _only_with("body_blocks", [])


class Candidate(Shape):
    """One of several articles that an address or id stands for."""

    id: int
    slug: str
    path: str


class Candidates(Shape):
    data: list[Candidate]


__all__ = [
    "Article", "ArticleCard", "ArticleList", "Candidates", "Neighbours", "Notice", "Page", "Preview", "RelatedList",
    "RevisionDiff", "RevisionList",
]  # fmt: skip
