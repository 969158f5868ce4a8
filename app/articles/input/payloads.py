"""The shapes of articles as clients send them. Checks and cleans; looks nothing up."""

import sys
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel, Tag, WithJsonSchema
from pydantic.config import JsonDict, JsonValue
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.articles.schemas import Article
from app.http.body import (
    JSON_TYPE,
    MERGE_PATCH_TYPE,
    Address,
    PayloadModel,
    Short,
    by_kind,
    clean_text,
    explain_pattern,
)
from app.http.openapi.body_schemas import NEVER_NULL, add_read_only
from app.regions.payloads import Slug
from app.tags.schemas import Kind

Words = Annotated[str, clean_text(sys.maxsize)]


class BodyIn(PayloadModel):
    """A body in one notation; exactly one of the three."""

    html: Words | None = None
    markdown: Words | None = None
    text: Words | None = None


class TagIn(PayloadModel):
    """A tag or author as an object: of the read shape, or `{name, kind}` for a new tag."""

    id: int | None = None
    slug: Short | None = None
    name: Short | None = None
    kind: Kind | None = None


class RegionIn(PayloadModel):
    """A region as an object of the read shape; `slug` counts, or `id`, or a name."""

    id: int | None = None
    slug: Short | None = None
    name: Short | None = None
    level: Short | None = None
    roles: list[Literal["about", "mention", "dateline"]] | None = None


DatelineDate = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"),
    explain_pattern("Expected a day, a month or a year, such as 2025-12-01, 2025-12 or 2025."),
]


class DatelineIn(PayloadModel):
    """`text` as printed; `date` as exact as it is known: a day, a month or a year."""

    text: Annotated[Short, Field(min_length=1)]
    place: Short | None = None
    region: Short | None = None
    date: DatelineDate | None = None
    precision: Literal["day", "month", "year"] | None = None


class ImageIn(PayloadModel):
    url: Address | None
    alt: Words | None = None
    caption: Words | None = None
    credit: Words | None = None
    width: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    height: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class SourceIn(PayloadModel):
    slug: Short | None = None
    name: Short | None = None
    url: Address | None = None


class SeoIn(PayloadModel):
    title: Short | None = None
    description: Annotated[str, clean_text(2000), Field(max_length=2000)] | None = None
    canonical_url: Address | None = None


class ArticleIn(BaseModel):
    """An article that is named by its card; only `id` or `slug` counts."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: int | None = None
    slug: Short | None = None


AsText = Annotated[Short, Tag("(text)")]
AsNumber = Annotated[int, Tag("(number)")]
ArticleRef = Annotated[AsText | AsNumber | Annotated[ArticleIn, Tag("(object)")], by_kind]
TagRef = Annotated[AsText | AsNumber | Annotated[TagIn, Tag("(object)")], by_kind]
RegionRef = Annotated[AsText | AsNumber | Annotated[RegionIn, Tag("(object)")], by_kind]
Body = Annotated[Annotated[Words, Tag("(text)")] | Annotated[BodyIn, Tag("(object)")], by_kind]
DatelineGiven = Annotated[AsText | Annotated[DatelineIn, Tag("(object)")], by_kind]
SourceGiven = Annotated[AsText | Annotated[SourceIn, Tag("(object)")], by_kind]


class RelatedIn(PayloadModel):
    """`{"article": ref}`, or what is known: `{"title", "url"}`. The rest of the read shape is accepted.

    `unlinked: true` never links it, `false` does again; without it, an entry that was there stays as it was."""

    article: ArticleRef | None = None
    title: Short | None = None
    url: Address | None = None
    position: int | None = None
    kind: Literal["editorial", "similar"] | None = None
    status: Literal["linked", "unresolved"] | None = None
    score: float | None = None
    reason: Words | None = None
    below_threshold: bool | None = None
    unlinked: bool | None = None


RelatedGiven = Annotated[AsText | Annotated[RelatedIn, Tag("(object)")], by_kind]
"""A text is a title."""
Posts = Annotated[list[RelatedGiven], Field(max_length=100)]


class PostsIn(PayloadModel):
    """The editors' list as reading gives it."""

    data: Posts


POSTS_EXAMPLE: JsonDict = {
    "data": [
        {"article": "one-river-six-countries-the-mekong-explained"},
        {"title": "What the Montreux Convention says about the Bosporus", "url": "https://example.org/montreux"},
        {"title": "A namesake that is not meant", "unlinked": True},
    ]
}


class RelatedReplace(
    RootModel[Annotated[Annotated[Posts, Tag("(list)")] | Annotated[PostsIn, Tag("(object)")], by_kind]]
):
    """The editors' related posts in their order, bare or under `data`; they replace those that are there."""

    model_config = ConfigDict(strict=True, json_schema_extra={"example": POSTS_EXAMPLE})

    def posts(self) -> tuple[Posts, str]:
        """With the pointer to them."""
        return (self.root, "") if isinstance(self.root, list) else (self.root.data, "/data")


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


Standfirst = Annotated[str, clean_text(5000), Field(max_length=5000)]
LANGUAGE = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"
"""A tag of a language (BCP 47), as far as its shape goes."""
Language = Annotated[
    str,
    Field(max_length=35, pattern=LANGUAGE),
    explain_pattern("Expected the code of a language in two or three letters, and of a script or country: en, pt-BR."),
]
Tags = Annotated[list[TagRef], Field(max_length=200)]
Regions = Annotated[list[RegionRef], Field(max_length=200)]
Images = Annotated[list[ImageIn], Field(max_length=100)]
OldSlugs = Annotated[list[Short], Field(max_length=50)]
OldUrls = Annotated[list[Address], Field(max_length=50)]
PublishedAt = Annotated[str, WithJsonSchema({"anyOf": TIME_FORMS})]
Reason = Annotated[str, clean_text(2000), Field(min_length=1, max_length=2000)]


class ArticleFields(PayloadModel):
    """What a write may say of an article."""

    title: Annotated[Short | None, NEVER_NULL] = None
    standfirst: Standfirst | None = None
    dateline: DatelineGiven | None = None
    body: Body | None = None
    language: Annotated[Language | None, NEVER_NULL] = None
    authors: Tags | None = None
    tags: Tags | None = None
    regions: Regions | None = None
    related: Posts | None = None
    images: Images | None = None
    source: SourceGiven | None = None
    signature: Short | None = None
    external_id: Short | None = None
    origin: Annotated[Short | None, NEVER_NULL] = None
    translation_of: int | None = None
    seo: SeoIn | None = None
    slug: Annotated[Slug | None, NEVER_NULL] = None
    status: Annotated[Literal["draft", "scheduled", "published", "withdrawn"] | None, NEVER_NULL] = None
    gone: bool | None = Field(
        default=None,
        description="Whether readers are told that an article that they have seen and that is a draft now is gone "
        "(410) instead of not found (404).",
    )
    replaced_by: ArticleRef | None = Field(
        default=None,
        description="The article that readers are sent to instead, while it is published, of one that is gone.",
    )
    published_at: PublishedAt | None = Field(
        default=None,
        description="RFC 3339 with an offset, or a day, month or year. Null only where the article is not published.",
    )
    previous_slugs: OldSlugs | None = None
    previous_urls: OldUrls | None = None


class ArticleCreate(ArticleFields):
    """A new article. Only `title` or `body` must be there; a draft unless `status` says otherwise.

    Of the read shape, what only the server says (`id`, `version`, `updated_at` …) is refused as `read_only_field`
    unless it is null or empty, as it is on a new article."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    language: Annotated[Language | None, NEVER_NULL] = Field(
        default=None, description="Where it is left out: what the text is recognised to be in, else `und`."
    )
    authors: Tags = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)
    regions: Regions = Field(default_factory=list)
    related: Posts = Field(default_factory=list)
    images: Images = Field(default_factory=list)
    status: Literal["draft", "scheduled", "published"] = Field(
        default="draft", description="`draft` where it is left out."
    )
    previous_slugs: OldSlugs = Field(default_factory=list)
    previous_urls: OldUrls = Field(default_factory=list)


PATCH_EXAMPLE: JsonDict = {
    "title": "How ASEAN decides without a vote",
    "standfirst": None,
    "seo": {"description": "The rules of South-East Asia’s club, and who keeps them."},
    "correction": "An earlier version gave the number of members as ten.",
}


class ArticlePatch(ArticleFields):
    """A JSON Merge Patch (RFC 7396): what it names is changed, null clears, lists replace, objects are merged.

    Of the read shape, what only the server says is accepted if it is unchanged."""

    media_types: ClassVar[tuple[str, ...]] = (MERGE_PATCH_TYPE, JSON_TYPE)
    model_config = ConfigDict(json_schema_extra={"example": PATCH_EXAMPLE})

    correction: Reason | None = Field(
        default=None, description="What was wrong, for readers; only with a change of a published article."
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return add_read_only(handler(core_schema), handler, Article, READ_ONLY)


class ArticlePut(ArticlePatch):
    """The article as it shall be, such as the response to a GET with changes. What is left out becomes empty, but for
    `slug`, `status`, `published_at`, `language`, `external_id` and `origin`, which stay.

    Of the read shape, what only the server says is accepted if it is unchanged."""

    media_types = PayloadModel.media_types
    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})


class PreviewRequest(PayloadModel):
    """A body as a write takes it; with `article` it is compared with a version of that article, the current one unless
    `version` names another."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"body": {"markdown": "Eleven states sit in **Budapest**.\n\n<script>1</script>"}}
        }
    )

    body: Body | None
    article: Annotated[AsText | AsNumber, by_kind] | None = Field(default=None, description="Its id or slug.")
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class SuggestionDecision(PayloadModel):
    """What an editor makes of a suggestion."""

    model_config = ConfigDict(json_schema_extra={"example": {"state": "accepted"}})

    state: Literal["accepted", "refused"]
