"""Every table on one page. Holds no behaviour; instants are whole seconds since 1970 UTC, JSON is kept as text."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, MetaData, Table, Text, false, text
from sqlmodel import Field, SQLModel

from app.columns import FOLDED_TEXT, NEVER_AGAIN, Instant, Key, instant, key, partial_index, reference, words

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


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
    saved_at: int = Field(sa_column=Column(Instant, nullable=False, server_default=text("0")))  # of this version
    saved_by: str | None = Field(default=None, sa_column=words(null=True))  # the name of the key, or of an import
    public_once: bool = Field(default=False)  # withdrawn answers 410 only for what the public has seen
    withdrawn_at: int | None = Field(default=None, sa_column=instant(null=True))
    withdrawn_reason: str | None = Field(default=None, sa_column=words(null=True))

    __table_args__ = (
        Index("uq_article_origin_identity", "origin", "identity", unique=True),
        Index("ix_article_external_id", "external_id"),
        Index("ix_article_title_key", "title_key"),
        Index("ix_article_translation_of", "translation_of"),
        *(
            partial_index(f"ix_article_public_{column}", column, "id", where="status = 'published'")
            for column in ("published_at", "updated_at", "created_at", "sort_title")
        ),
        partial_index("ix_article_scheduled", "published_at", where="status = 'scheduled'"),
        CheckConstraint("status IN ('draft', 'scheduled', 'published', 'withdrawn')", name="status"),
        CheckConstraint("status NOT IN ('scheduled', 'published') OR published_at IS NOT NULL", name="published_at"),
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
    """A version of an article that a later one has replaced, written in the transaction that replaced it."""

    article_id: int = Field(sa_column=reference("article.id", primary=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    saved_at: int = Field(sa_column=instant())
    saved_by: str | None = Field(default=None, sa_column=words(null=True))
    document: str = Field(sa_column=words())  # the article's own fields; tags, regions and targets by id


class PurgedRef(SQLModel, table=True):
    """A slug or id that the public has seen and that was purged: it answers 410, and says nothing else."""

    __tablename__ = "purged_ref"
    ref: str = Field(sa_column=Column(Text, primary_key=True))


class Job(SQLModel, table=True):
    """Long work that goes on in chunks, each a transaction, and is taken up again by any process."""

    id: int | None = Field(default=None, sa_column=key())
    kind: str = Field(sa_column=words())
    state: str = Field(sa_column=words("waiting"))
    arguments: str = Field(sa_column=words("{}"))
    progress: str = Field(sa_column=words("{}"))  # what is done; the next chunk begins behind it
    error: str | None = Field(default=None, sa_column=words(null=True))
    created_by: str | None = Field(default=None, sa_column=words(null=True))
    created_at: int = Field(sa_column=instant())
    updated_at: int = Field(sa_column=instant())

    __table_args__ = (
        partial_index("ix_job_unfinished", "id", where="state IN ('waiting', 'running')"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        NEVER_AGAIN,
    )


class Tag(SQLModel, table=True):
    """A term of the archive's vocabulary; contributors and sections are tags of that kind."""

    id: int | None = Field(default=None, sa_column=key())
    slug: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=words())
    sort_name: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    kind: str = Field(sa_column=words())
    merged_into: int | None = Field(default=None, sa_column=reference("tag.id", null=True, on_delete="SET NULL"))
    listed: bool = Field(  # made by hand: everybody may see it, whatever articles have it
        default=False, sa_column=Column(Boolean, nullable=False, server_default=false())
    )

    __table_args__ = (
        Index("ix_tag_kind_sort_name", "kind", "sort_name"),
        CheckConstraint(
            "kind IN ('topic', 'section', 'person', 'organisation', 'event', 'series', 'contributor')",
            name="kind",
        ),
    )


class TagSlug(SQLModel, table=True):
    """Slugs that a tag had before."""

    __tablename__ = "tag_slug"
    slug: str = Field(sa_column=Column(Text, primary_key=True))
    tag_id: int = Field(sa_column=reference("tag.id"))

    __table_args__ = (Index("ix_tag_slug_tag_id", "tag_id"),)


class TagName(SQLModel, table=True):
    """Names of a tag in a language ("und" for any) and aliases; `name_key` is what look-ups compare."""

    __tablename__ = "tag_name"
    id: int | None = Field(default=None, sa_column=key())
    tag_id: int = Field(sa_column=reference("tag.id"))
    language: str = Field(sa_column=words("und"))
    name: str = Field(sa_column=words())
    name_key: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    alias: bool = Field(default=False)

    __table_args__ = (Index("ix_tag_name_tag_id", "tag_id"), Index("ix_tag_name_name_key", "name_key"))


class Region(SQLModel, table=True):
    """A place of the UN M49 tree, a former state, a city, or a grouping of countries."""

    id: int | None = Field(default=None, sa_column=key())
    slug: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=words())
    level: str = Field(sa_column=words())
    iso2: str | None = Field(default=None, sa_column=words(null=True))
    iso3: str | None = Field(default=None, sa_column=words(null=True))
    iso4: str | None = Field(default=None, sa_column=words(null=True))
    m49: str | None = Field(default=None, sa_column=words(null=True))
    parent_id: int | None = Field(default=None, sa_column=reference("region.id", null=True, on_delete="SET NULL"))
    capital_id: int | None = Field(default=None, sa_column=Column(Key, nullable=True))
    since: int | None = Field(default=None)
    until: int | None = Field(default=None)
    successors: str = Field(sa_column=words("[]"))  # slugs

    __table_args__ = (
        CheckConstraint("level IN ('world', 'region', 'subregion', 'country', 'city', 'grouping')", name="level"),
    )


class RegionName(SQLModel, table=True):
    """Names of a region in a language ("und" for any) and aliases; `name_key` is what look-ups compare."""

    __tablename__ = "region_name"
    id: int | None = Field(default=None, sa_column=key())
    region_id: int = Field(sa_column=reference("region.id"))
    language: str = Field(sa_column=words("und"))
    name: str = Field(sa_column=words())
    name_key: str = Field(sa_column=Column(FOLDED_TEXT, nullable=False))
    alias: bool = Field(default=False)

    __table_args__ = (
        Index("ix_region_name_region_id", "region_id"),
        Index("ix_region_name_name_key", "name_key"),
    )


class RegionMember(SQLModel, table=True):
    """Which countries a grouping has."""

    __tablename__ = "region_member"
    grouping_id: int = Field(sa_column=reference("region.id", primary=True))
    member_id: int = Field(sa_column=reference("region.id", primary=True))

    __table_args__ = (Index("ix_region_member_member_id", "member_id"),)


class RegionWithin(SQLModel, table=True):
    """The closure: `region_id` lies at or below `ancestor_id`, by the M49 line or through a grouping."""

    __tablename__ = "region_within"
    region_id: int = Field(sa_column=reference("region.id", primary=True))
    ancestor_id: int = Field(sa_column=reference("region.id", primary=True))

    __table_args__ = (Index("ix_region_within_ancestor_id", "ancestor_id"),)


class ArticleTag(SQLModel, table=True):
    """An article's tags, sections and contributors in order; `published_at` only while it is published."""

    __tablename__ = "article_tag"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    tag_id: int = Field(sa_column=reference("tag.id", primary=True))
    position: int = Field(sa_column=Column(Integer, nullable=False))
    published_at: int | None = Field(default=None, sa_column=instant(null=True))

    __table_args__ = (
        partial_index(
            "ix_article_tag_newest", "tag_id", "published_at", "article_id", where="published_at IS NOT NULL"
        ),
        Index("ix_article_tag_tag_id", "tag_id"),
    )


class ArticleRegion(SQLModel, table=True):
    """An article's regions and everything that these lie in. Roles are bits: about 1, mention 2, dateline 4.

    `roles` are those of the article's own link (0 where it only lies below), `roles_within` those at or below.
    """

    __tablename__ = "article_region"
    article_id: int = Field(sa_column=reference("article.id", primary=True))
    region_id: int = Field(sa_column=reference("region.id", primary=True))
    position: int = Field(sa_column=Column(Integer, nullable=False))
    roles: int = Field(sa_column=Column(Integer, nullable=False))
    roles_within: int = Field(sa_column=Column(Integer, nullable=False))
    published_at: int | None = Field(default=None, sa_column=instant(null=True))

    __table_args__ = (
        partial_index(
            "ix_article_region_newest", "region_id", "published_at", "article_id", where="published_at IS NOT NULL"
        ),
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


class Change(SQLModel, table=True):
    """The change log, in commit order without holes. `before` and `after` hold the filterable facts, or null."""

    seq: int = Field(sa_column=Column(Key, primary_key=True, autoincrement=False))
    mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: int = Field(sa_column=instant())
    entity: str = Field(sa_column=words())
    entity_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    event: str = Field(sa_column=words())
    version: int | None = Field(default=None)
    changed_fields: str = Field(sa_column=words("[]"))
    public: bool
    before: str | None = Field(default=None, sa_column=words(null=True))
    after: str | None = Field(default=None, sa_column=words(null=True))

    __table_args__ = (CheckConstraint("entity IN ('article', 'tag', 'region')", name="entity"),)


class ChangeHead(SQLModel, table=True):
    """The log's only counter row: taken as the last statement of every transaction that writes."""

    __tablename__ = "change_head"
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    public_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    public_mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    names_seq: int = Field(sa_column=Column(BigInteger, nullable=False))  # last change of a tag or region

    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class ApiKey(SQLModel, table=True):
    """A caller's key; only a hash of its secret is kept."""

    __tablename__ = "api_key"
    id: int | None = Field(default=None, sa_column=key())
    name: str = Field(sa_column=words())
    secret_hash: str = Field(sa_column=words())
    scopes: str = Field(sa_column=words())  # separated by spaces
    created_at: int = Field(sa_column=instant())
    expires_at: int | None = Field(default=None, sa_column=instant(null=True))
    revoked_at: int | None = Field(default=None, sa_column=instant(null=True))
    last_used_at: int | None = Field(default=None, sa_column=instant(null=True))


class IdempotencyKey(SQLModel, table=True):
    """What a write answered under a caller's key, so that a retry gets the same answer; kept for 24 hours."""

    __tablename__ = "idempotency_key"
    caller: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: str = Field(sa_column=words())
    status: int = Field(sa_column=Column(Integer, nullable=False))
    article_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: int = Field(sa_column=instant())

    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for statements that read and write in sets."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
