"""The shapes of articles as clients send them. Checks and cleans; looks nothing up."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic.config import JsonDict, JsonValue

from app import text
from app.http.body import Given, Short, one_line
from app.regions.given import Slug
from app.tags.schemas import Kind


def _cleaned(value: object) -> object:
    return text.clean(value) if isinstance(value, str) else value


Words = Annotated[str, BeforeValidator(_cleaned)]
Address = Annotated[
    str,
    BeforeValidator(one_line),
    Field(max_length=2000, pattern=r"^https?://[^\s\x00-\x20\x7f-\x9f\ufeff\ufffe\uffff]+$"),
]

BRANCHES = frozenset({"(text)", "(number)", "(object)"})
"""How the places of errors name the branch of an Either that was taken; no part of any JSON pointer."""


def _branch(value: object) -> str | None:
    if isinstance(value, str):
        return "(text)"
    if isinstance(value, int) and not isinstance(value, bool):
        return "(number)"
    return "(object)" if isinstance(value, dict) else None


# By the kind of the value, so that errors are those of the branch that was meant.
_by_kind = Discriminator(_branch, "wrong_kind", "This kind of value is not read here.")


class BodyIn(Given):
    """A body in one notation; exactly one of the three."""

    html: Words | None = None
    markdown: Words | None = None
    text: Words | None = None


class TagIn(Given):
    """A tag or author as an object: of the read shape, or `{name, kind}` for a new tag."""

    id: int | None = None
    slug: Short | None = None
    name: Short | None = None
    kind: Kind | None = None


class RegionIn(Given):
    """A region as an object of the read shape; `slug` counts, or `id`, or a name."""

    id: int | None = None
    slug: Short | None = None
    name: Short | None = None
    level: Short | None = None
    roles: list[Literal["about", "mention", "dateline"]] | None = None


class DatelineIn(Given):
    """`text` as printed; `date` as exact as it is known: a day, a month or a year."""

    text: Annotated[Short, Field(min_length=1)]
    place: Short | None = None
    region: Short | None = None
    date: Annotated[str, Field(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")] | None = None
    precision: Literal["day", "month", "year"] | None = None


class ImageIn(Given):
    url: Address
    alt: Words | None = None
    caption: Words | None = None
    credit: Words | None = None
    width: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    height: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class SourceIn(Given):
    slug: Short | None = None
    name: Short | None = None
    url: Address | None = None


class SeoIn(Given):
    title: Short | None = None
    description: Annotated[str, BeforeValidator(_cleaned), Field(max_length=2000)] | None = None
    canonical_url: Address | None = None


class ArticleIn(BaseModel):
    """An article that is named by its card; only `id` or `slug` counts."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: int | None = None
    slug: Short | None = None


AsText = Annotated[Short, Tag("(text)")]
AsNumber = Annotated[int, Tag("(number)")]
ArticleRef = Annotated[AsText | AsNumber | Annotated[ArticleIn, Tag("(object)")], _by_kind]
TagRef = Annotated[AsText | AsNumber | Annotated[TagIn, Tag("(object)")], _by_kind]
RegionRef = Annotated[AsText | AsNumber | Annotated[RegionIn, Tag("(object)")], _by_kind]
Body = Annotated[Annotated[Words, Tag("(text)")] | Annotated[BodyIn, Tag("(object)")], _by_kind]
DatelineGiven = Annotated[AsText | Annotated[DatelineIn, Tag("(object)")], _by_kind]
SourceGiven = Annotated[AsText | Annotated[SourceIn, Tag("(object)")], _by_kind]


class RelatedIn(Given):
    """`{"article": ref}`, or what is known: `{"title", "url"}`. The rest of the read shape is accepted."""

    article: ArticleRef | None = None
    title: Short | None = None
    url: Annotated[str, BeforeValidator(one_line), Field(max_length=2000)] | None = None
    position: int | None = None
    kind: Literal["editorial", "similar"] | None = None
    status: Literal["linked", "unresolved"] | None = None
    score: float | None = None
    reason: Words | None = None


TIME_FORMS: list[JsonValue] = [
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": r"^(1[0-9]{3}|20[0-9]{2})(-(0[1-9]|1[0-2]))?$"},
]
READ_ONLY = (
    "id", "version", "word_count", "reading_minutes", "published_precision", "first_published_at", "updated_at",
    "created_at", "corrections", "url", "body_text", "body_markdown", "body_blocks",
)  # fmt: skip
"""What only the server says of an article."""


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
    """A new article. Only `title` or `body` must be there; a draft unless `status` says otherwise.

    Of the read shape, what only the server says (`id`, `version`, `updated_at` …) is refused as `read_only_field`
    unless it is null or empty, as it is on a new article."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    title: Short | None = None
    standfirst: Annotated[str, BeforeValidator(_cleaned), Field(max_length=5000)] | None = None
    dateline: DatelineGiven | None = None
    body: Body | None = None
    language: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] = "en"
    authors: Annotated[list[TagRef], Field(max_length=200)] = Field(default_factory=list)
    tags: Annotated[list[TagRef], Field(max_length=200)] = Field(default_factory=list)
    regions: Annotated[list[RegionRef], Field(max_length=200)] = Field(default_factory=list)
    related: Annotated[list[RelatedIn], Field(max_length=100)] = Field(default_factory=list)
    images: Annotated[list[ImageIn], Field(max_length=100)] = Field(default_factory=list)
    source: SourceGiven | None = None
    signature: Short | None = None
    external_id: Short | None = None
    origin: Short | None = None
    translation_of: int | None = None
    seo: SeoIn | None = None
    slug: Slug | None = None
    status: Literal["draft", "scheduled", "published"] = "draft"
    published_at: Annotated[str, WithJsonSchema({"anyOf": TIME_FORMS})] | None = Field(
        default=None, description="RFC 3339 with an offset, or a day, month or year."
    )
    previous_slugs: Annotated[list[Short], Field(max_length=50)] = Field(default_factory=list)
    previous_urls: Annotated[list[Address], Field(max_length=50)] = Field(default_factory=list)
