"""The shapes of articles as clients see them, for the documentation, and as they send them, for checking."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.regions.schemas import RegionLink
from app.tags.schemas import TagLink

State = Literal["draft", "scheduled", "published", "withdrawn"]
Time = Annotated[str, Field(description="RFC 3339 in UTC.", json_schema_extra={"format": "date-time"})]


class Shape(BaseModel):
    """What clients get: every property is there, absent values are null or empty."""

    model_config = ConfigDict(extra="forbid")


class Dateline(Shape):
    """Where and when, as printed. Nothing invents a day: `date` is as exact as `precision` says."""

    text: str
    place: str | None
    region: str | None
    date: str | None
    precision: Literal["day", "month", "year"] | None


class Author(Shape):
    slug: str
    name: str


class Source(Shape):
    slug: str | None
    name: str | None
    url: str | None


class Image(Shape):
    """The first one leads."""

    url: str
    alt: str | None
    caption: str | None
    credit: str | None
    width: int | None
    height: int | None


class Correction(Shape):
    at: Time
    text: str
    version: int


class Seo(Shape):
    title: str | None
    description: str | None
    canonical_url: str | None


class ArticleCard(Shape):
    """An article as lists and hits show it: everything but `body` and `related`."""

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
    seo: Seo
    word_count: int
    reading_minutes: int
    published_at: Time | None
    published_precision: Literal["instant", "day", "month", "year"]
    first_published_at: Time | None
    updated_at: Time
    created_at: Time
    url: str | None


class Related(Shape):
    """A related post. `unresolved`: named by the editors, and not in the archive yet."""

    position: int
    kind: Literal["editorial", "similar"]
    status: Literal["linked", "unresolved"]
    title: str | None
    url: str | None
    article: ArticleCard | None
    score: float | None
    reason: str | None


class Block(Shape):
    """A part of a body; `id` stays while its text does."""

    id: str
    type: str
    text: str
    html: str


class Article(ArticleCard):
    """An article in full. `body` is sanitised HTML, safe to insert as it stands."""

    body: str
    related: list[Related]
    body_text: str = Field(default="", description="With `include=body_text`.")
    body_markdown: str = Field(default="", description="With `include=body_markdown`.")
    body_blocks: list[Block] = Field(default_factory=list, description="With `include=body_blocks`.")


class Page(Shape):
    """`next` and `previous` are cursors; `total` is exact, or at least so much, or left out, as `total_is` says."""

    limit: int
    number: int | None
    next: str | None
    previous: str | None
    total: int | None
    total_is: Literal["exact", "at_least", "none"]
    missing: list[int] = Field(default_factory=list, description="Only with `id=`: what is not there or not visible.")


class Notice(BaseModel):
    """Something that was not an error, and worth knowing."""

    code: str
    parameter: str | None
    detail: str
    replaced_by: str | None = None


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


class Candidate(Shape):
    """One of several articles that an address or id stands for."""

    id: int
    slug: str
    path: str


class Candidates(Shape):
    data: list[Candidate]


class Given(BaseModel):
    """What clients send; the read shape is accepted back, unknown properties are not."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


Short = Annotated[str, Field(max_length=500)]
Address = Annotated[str, Field(max_length=2000, pattern=r"^https?://\S+$")]


class BodyIn(Given):
    """A body in one notation; exactly one of the three."""

    html: str | None = None
    markdown: str | None = None
    text: str | None = None


class RefIn(Given):
    """A tag, author or region as an object: of the read shape, or `{name, kind}` for a new tag."""

    id: int | None = None
    slug: Short | None = None
    name: Short | None = None
    kind: Literal["topic", "section", "person", "organisation", "event", "series", "contributor"] | None = None
    level: str | None = None
    roles: list[Literal["about", "mention", "dateline"]] | None = None


class DatelineIn(Given):
    """`text` alone is enough: place and date are read from it where they are not given."""

    text: Short
    place: Short | None = None
    region: Short | None = None
    date: Annotated[str, Field(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")] | None = None
    precision: Literal["day", "month", "year"] | None = None


class ImageIn(Given):
    url: Address
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None
    width: Annotated[int, Field(ge=1)] | None = None
    height: Annotated[int, Field(ge=1)] | None = None


class SourceIn(Given):
    slug: Short | None = None
    name: Short | None = None
    url: Address | None = None


class SeoIn(Given):
    title: Short | None = None
    description: Annotated[str, Field(max_length=2000)] | None = None
    canonical_url: Address | None = None


class RelatedIn(Given):
    """`{"article": ref}`, or what is known: `{"title", "url"}`. The rest of the read shape is accepted."""

    article: int | str | dict[str, Any] | None = None
    title: Short | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None
    position: int | None = None
    kind: Literal["editorial", "similar"] | None = None
    status: Literal["linked", "unresolved"] | None = None
    score: float | None = None
    reason: str | None = None


Ref = str | int | RefIn
Refs = Annotated[list[Ref], Field(max_length=200)]

EXAMPLE: JsonDict = {
    "title": "How the Danube Commission keeps a river open",
    "standfirst": "Eleven states share one set of rules between Kelheim and Sulina.",
    "dateline": {"text": "Budapest, May 2025."},
    "body": {"text": "The Danube Commission has sat in Budapest since 1954.\n\nIts rules cover navigation only."},
    "tags": ["shipping", {"name": "Danube Commission", "kind": "organisation"}],
    "regions": ["hungary", {"slug": "europe", "roles": ["about"]}],
    "related": [{"title": "What the Montreux Convention says about the Bosporus"}],
    "language": "en",
}


class ArticleCreate(Given):
    """A new article. Only `title` or `body` must be there; a draft unless `status` says otherwise."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    title: Short | None = None
    standfirst: Annotated[str, Field(max_length=5000)] | None = None
    dateline: DatelineIn | str | None = None
    body: str | BodyIn | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] = "en"
    authors: Refs = Field(default_factory=list)
    tags: Refs = Field(default_factory=list)
    regions: Refs = Field(default_factory=list)
    related: Annotated[list[RelatedIn], Field(max_length=100)] = Field(default_factory=list)
    images: Annotated[list[ImageIn], Field(max_length=100)] = Field(default_factory=list)
    source: SourceIn | str | None = None
    signature: Short | None = None
    external_id: Short | None = None
    origin: Short | None = None
    translation_of: int | None = None
    seo: SeoIn | None = None
    slug: Annotated[str, Field(max_length=80, pattern=r"^([a-z0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$")] | None = None
    status: Literal["draft", "scheduled", "published"] = "draft"
    published_at: str | None = Field(default=None, description="RFC 3339 with an offset, or a day, month or year.")
    previous_slugs: Annotated[list[Short], Field(max_length=50)] = Field(default_factory=list)
    previous_urls: Annotated[list[Address], Field(max_length=50)] = Field(default_factory=list)
