"""Articles and what belongs to them: addresses, versions, links to tags and regions, related posts."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Double, Index, Integer, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.models.column_types import FOLDED_TEXT, NEVER_AGAIN, InstantType, instant, key, partial_index, reference, words


class Source(SQLModel, table=True):
    """The outlet or archive that an article came from."""

    id: int | None = Field(default=None, sa_column=key())
    slug: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=words())


class Article(SQLModel, table=True):
    """One article as it stands now. `version` counts its own changes, not renames of tags or linking."""

    id: int | None = Field(default=None, sa_column=key())
    version: int = Field(sa_column=Column(Integer, nullable=False))
    status: str = Field(sa_column=words())
    slug: str = Field(sa_column=words())
    language: str = Field(sa_column=words())
    title: str = Field(sa_column=words())
    title_derived: bool = Field(default=False)
    title_key: str = Field(sa_column=words())  # normalised for linking related posts
    sort_title: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    standfirst: str | None = Field(default=None, sa_column=words(null=True))
    dateline_text: str | None = Field(default=None, sa_column=words(null=True))
    dateline_place: str | None = Field(default=None, sa_column=words(null=True))
    dateline_region_id: int | None = Field(
        default=None, sa_column=reference("region.id", null=True, on_delete="SET NULL")
    )
    dateline_date: str | None = Field(default=None, sa_column=words(null=True))
    dateline_precision: str | None = Field(default=None, sa_column=words(null=True))
    dateline_from: int | None = Field(default=None, sa_column=instant(null=True))
    dateline_to: int | None = Field(default=None, sa_column=instant(null=True))  # exclusive
    body: str = Field(sa_column=words())
    source_id: int | None = Field(default=None, sa_column=reference("source.id", null=True, on_delete="SET NULL"))
    source_url: str | None = Field(default=None, sa_column=words(null=True))
    signature: str | None = Field(default=None, sa_column=words(null=True))
    translation_of: int | None = Field(default=None, sa_column=reference("article.id", null=True, on_delete="SET NULL"))
    seo: str = Field(sa_column=words("{}"))
    images: str = Field(sa_column=words("[]"))
    corrections: str = Field(sa_column=words("[]"))
    extra: str = Field(sa_column=words("{}"))  # what an import brought and no field holds
    word_count: int = Field(sa_column=Column(Integer, nullable=False))
    origin: str = Field(sa_column=words())
    identity: str | None = Field(
        default=None, sa_column=words(null=True)
    )  # "id:…", "url:…", "path:…" or "content:…" within the origin
    external_id: str | None = Field(default=None, sa_column=words(null=True))
    content_hash: str = Field(sa_column=words(""))  # of the imported document, to tell an edit from a repetition
    published_at: int | None = Field(default=None, sa_column=instant(null=True))
    published_precision: str = Field(sa_column=words("instant"))
    first_published_at: int | None = Field(default=None, sa_column=instant(null=True))
    updated_at: int = Field(sa_column=instant())
    created_at: int = Field(sa_column=instant())
    saved_at: int = Field(sa_column=Column(InstantType, nullable=False, server_default=text("0")))  # of this version
    saved_by: str | None = Field(default=None, sa_column=words(null=True))  # the name of the key, or of an import
    public_once: bool = Field(default=False)  # 410 after a withdrawal is only for what the public has seen
    # Since when readers are told that it is gone (410). A draft or binned article without it is not found (404).
    withdrawn_at: int | None = Field(default=None, sa_column=instant(null=True))
    withdrawn_reason: str | None = Field(default=None, sa_column=words(null=True))
    replaced_by: int | None = Field(default=None, sa_column=reference("article.id", null=True, on_delete="SET NULL"))
    trashed_at: int | None = Field(default=None, sa_column=instant(null=True))  # null unless it is in the bin

    __table_args__ = (
        Index("uq_article_origin_identity", "origin", "identity", unique=True),
        Index("ix_article_external_id", "external_id"),
        Index("ix_article_title_key", "title_key"),
        Index("ix_article_translation_of", "translation_of"),
        *(
            partial_index(f"ix_article_public_{column}", column, "id", where="status = 'published'")
            for column in ("published_at", "updated_at", "created_at", "sort_title")
        ),
        partial_index("ix_article_unpublished", "status", "withdrawn_at", where="status <> 'published'"),
        partial_index("ix_article_scheduled", "published_at", where="status = 'scheduled'"),
        partial_index("ix_article_trashed", "trashed_at", where="status = 'trashed'"),
        partial_index("ix_article_replaced_by", "replaced_by", where="replaced_by IS NOT NULL"),
        CheckConstraint("status IN ('draft', 'scheduled', 'published', 'withdrawn', 'trashed')", name="status"),
        CheckConstraint("status <> 'scheduled' OR published_at IS NOT NULL", name="published_at"),
        NEVER_AGAIN,
    )


class ArticleSlug(SQLModel, table=True):
    """Every slug that ever led to an article; the current one is also on the article."""

    __tablename__ = "article_slug"
    slug: str = Field(sa_column=Column(Text, primary_key=True))
    article_id: int = Field(sa_column=reference("article.id"))

    __table_args__ = (Index("ix_article_slug_article_id", "article_id"),)


class ArticleUrl(SQLModel, table=True):
    """Addresses that an article has or had, normalised, for `/v1/resolve` and for related posts given by URL."""

    __tablename__ = "article_url"
    url_key: str = Field(sa_column=Column(Text, primary_key=True))
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    url: str = Field(sa_column=words())

    __table_args__ = (Index("ix_article_url_article_id", "article_id"),)


class Revision(SQLModel, table=True):
    """A version of an article that a later one has replaced, written in the transaction that replaced it.

    `document` is empty where the text is compressed, in `packed`: alone, or against the text of `base_version`, a later
    version of the article that is compressed alone. `pruned` (JSON) is there where the version before is not kept any
    more, and says what cannot be told without it: see `authorship.PrunedHistory`."""

    article_id: int = Field(sa_column=reference("article.id", primary=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    saved_at: int = Field(sa_column=instant())
    saved_by: str | None = Field(default=None, sa_column=words(null=True))
    document: str = Field(sa_column=words())  # the article's own fields; tags, regions and targets by id
    packed: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    base_version: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    pruned: str | None = Field(default=None, sa_column=words(null=True))

    __table_args__ = (partial_index("ix_revision_unpacked", "saved_at", where="packed IS NULL"),)


class PurgedRef(SQLModel, table=True):
    """An id that the public has seen and that was purged, or the hash of such a slug: requests for it get 410 and
    nothing else."""

    __tablename__ = "purged_ref"
    ref: str = Field(sa_column=Column(Text, primary_key=True))


class SourceBaseline(SQLModel, table=True):
    """What a source said last of each property of an article, as hashes one behind the other, by the format that it
    was read in: by these it is told what a source has changed since. None for articles imported before there were
    any."""

    __tablename__ = "source_baseline"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    format: str = Field(sa_column=Column(Text, primary_key=True))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PurgedIdentity(SQLModel, table=True):
    """A hash of origin and identity of an article that was purged, so that no import brings it back."""

    __tablename__ = "purged_identity"
    hash: str = Field(sa_column=Column(Text, primary_key=True))


class ArticleTag(SQLModel, table=True):
    """An article's tags, sections and contributors in order. `public` while it is published; only then it has the
    article's `published_at`, which an import may not have given."""

    __tablename__ = "article_tag"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    tag_id: int = Field(sa_column=reference("tag.id", primary=True))
    position: int = Field(sa_column=Column(Integer, nullable=False))
    published_at: int | None = Field(default=None, sa_column=instant(null=True))
    public: bool = Field(sa_column=Column(Boolean, nullable=False))

    __table_args__ = (
        partial_index(
            "ix_article_tag_newest", "tag_id", "published_at", "article_id", where="published_at IS NOT NULL"
        ),
        partial_index("ix_article_tag_undated", "tag_id", "article_id", where="published_at IS NULL AND public"),
        Index("ix_article_tag_tag_id", "tag_id"),
    )


class ArticleRegion(SQLModel, table=True):
    """An article's regions and everything that these lie in. Roles are bits: about 1, mention 2, dateline 4.

    `roles` are those of the article's own link (0 where it only lies below), `roles_within` those at or below.
    `public` and `published_at` as in ArticleTag.
    """

    __tablename__ = "article_region"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    region_id: int = Field(sa_column=reference("region.id", primary=True))
    position: int = Field(sa_column=Column(Integer, nullable=False))
    roles: int = Field(sa_column=Column(Integer, nullable=False))
    roles_within: int = Field(sa_column=Column(Integer, nullable=False))
    published_at: int | None = Field(default=None, sa_column=instant(null=True))
    public: bool = Field(sa_column=Column(Boolean, nullable=False))

    __table_args__ = (
        partial_index(
            "ix_article_region_newest", "region_id", "published_at", "article_id", where="published_at IS NOT NULL"
        ),
        partial_index("ix_article_region_undated", "region_id", "article_id", where="published_at IS NULL AND public"),
        Index("ix_article_region_region_id", "region_id"),
    )


class RelatedPost(SQLModel, table=True):
    """An editor's related post: a target, or what is known of one that is not in the archive yet."""

    __tablename__ = "related_post"
    id: int | None = Field(default=None, sa_column=key())
    article_id: int = Field(sa_column=reference("article.id"))
    position: int = Field(sa_column=Column(Integer, nullable=False))
    title: str | None = Field(default=None, sa_column=words(null=True))
    url: str | None = Field(default=None, sa_column=words(null=True))
    target_id: int | None = Field(default=None, sa_column=reference("article.id", null=True, on_delete="SET NULL"))
    title_key: str | None = Field(default=None, sa_column=words(null=True))  # null below three words
    slug_key: str | None = Field(default=None, sa_column=words(null=True))
    url_key: str | None = Field(default=None, sa_column=words(null=True))
    unlinked: bool = Field(default=False)  # an editor said that this is no link, for good

    __table_args__ = (
        Index("uq_related_post_article_id_position", "article_id", "position", unique=True),
        Index("ix_related_post_target_id", "target_id"),
        *(
            partial_index(f"ix_related_post_waiting_{column}", column, where="target_id IS NULL")
            for column in ("title_key", "slug_key", "url_key")
        ),
    )


class AwaitedOriginal(SQLModel, table=True):
    """An imported translation whose original is not in the archive yet, and what that is known by."""

    __tablename__ = "awaited_original"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    origin: str = Field(sa_column=words())
    slug: str = Field(sa_column=words())

    __table_args__ = (Index("ix_awaited_original_slug", "slug"),)


class TextKey(SQLModel, table=True):
    """A number of an article's text that texts which are nearly the same have too; a handful for each article."""

    __tablename__ = "text_key"
    value: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    article_id: int = Field(sa_column=reference("article.id", primary=True))

    __table_args__ = (Index("ix_text_key_article_id", "article_id"), {"sqlite_with_rowid": False})


class SuggestionDecision(SQLModel, table=True):
    """What an editor has made of a suggestion, whether or not it is found again. `target_id` is the region, tag or
    article, 0 of a language, whose code is the `value`, empty of anything else.

    Kept of what is refused, and of near-duplicates that are confirmed: of all else that was accepted the article tells.
    """

    __tablename__ = "suggestion_decision"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    target_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    state: str = Field(sa_column=words())
    decided_at: int = Field(sa_column=instant())
    decided_by: str | None = Field(default=None, sa_column=words(null=True))  # the name of the key

    __table_args__ = (
        CheckConstraint("kind IN ('language', 'region', 'tag', 'duplicate')", name="kind"),
        CheckConstraint("state IN ('accepted', 'refused')", name="state"),
    )


class Suggestion(SQLModel, table=True):
    """What enrichment found for an article, whether or not it was taken: a language, a region, a tag, a near-duplicate.

    `target_id` is the region, tag or article; `value` is the language, or what people may read as the reason.
    """

    id: int | None = Field(default=None, sa_column=key())
    article_id: int = Field(sa_column=reference("article.id"))
    kind: str = Field(sa_column=words())
    target_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    roles: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))  # of a region
    value: str = Field(sa_column=words())
    score: float = Field(sa_column=Column(Double, nullable=False))
    origin: str = Field(sa_column=words())  # which way of finding out, such as `dateline` or `neighbours`
    taken: bool = Field(sa_column=Column(Boolean, nullable=False))

    __table_args__ = (
        Index("ix_suggestion_article_id", "article_id"),
        partial_index("ix_suggestion_copy_of", "article_id", "target_id", where="kind = 'duplicate'"),
        partial_index("ix_suggestion_copies", "target_id", "article_id", where="kind = 'duplicate'"),
        CheckConstraint("kind IN ('language', 'region', 'tag', 'duplicate')", name="kind"),
    )
