"""All tables of the first release, and the log's counter row with the epoch of this archive."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
expand_only = False  # there is no version before

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "change",
        sa.Column("seq", key, autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("changed_fields", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.CheckConstraint("entity IN ('article', 'tag', 'region')", name=op.f("ck_change_entity")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
    )
    op.create_table(
        "change_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("public_seq", sa.BigInteger(), nullable=False),
        sa.Column("public_mark", sa.BigInteger(), nullable=False),
        sa.Column("names_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_change_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_head")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "region",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("iso2", sa.Text(), nullable=True),
        sa.Column("iso3", sa.Text(), nullable=True),
        sa.Column("iso4", sa.Text(), nullable=True),
        sa.Column("m49", sa.Text(), nullable=True),
        sa.Column("parent_id", key, autoincrement=False, nullable=True),
        sa.Column("capital_id", key, nullable=True),
        sa.Column("since", sa.Integer(), nullable=True),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.Column("successors", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint(
            "level IN ('world', 'region', 'subregion', 'country', 'city', 'grouping')", name=op.f("ck_region_level")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["region.id"], name=op.f("fk_region_parent_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region")),
        sa.UniqueConstraint("slug", name=op.f("uq_region_slug")),
    )
    op.create_table(
        "source",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("slug", name=op.f("uq_source_slug")),
    )
    op.create_table(
        "tag",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_name", folded, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("merged_into", key, autoincrement=False, nullable=True),
        sa.CheckConstraint(
            "kind IN ('topic', 'section', 'person', 'organisation', 'event', 'series', 'contributor')",
            name=op.f("ck_tag_kind"),
        ),
        sa.ForeignKeyConstraint(["merged_into"], ["tag.id"], name=op.f("fk_tag_merged_into"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("slug", name=op.f("uq_tag_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tag_kind_sort_name", "tag", ["kind", "sort_name"], unique=False)
    op.create_table(
        "article",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_derived", sa.Boolean(), nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("sort_title", folded, nullable=False),
        sa.Column("standfirst", sa.Text(), nullable=True),
        sa.Column("dateline_text", sa.Text(), nullable=True),
        sa.Column("dateline_place", sa.Text(), nullable=True),
        sa.Column("dateline_region_id", key, autoincrement=False, nullable=True),
        sa.Column("dateline_date", sa.Text(), nullable=True),
        sa.Column("dateline_precision", sa.Text(), nullable=True),
        sa.Column("dateline_from", sa.BigInteger(), nullable=True),
        sa.Column("dateline_to", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("source_id", key, autoincrement=False, nullable=True),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("translation_of", key, autoincrement=False, nullable=True),
        sa.Column("seo", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("images", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("corrections", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("extra", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("word_count", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("published_precision", sa.Text(), server_default=sa.text("'instant'"), nullable=False),
        sa.Column("first_published_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("public_once", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'scheduled', 'published', 'withdrawn')", name=op.f("ck_article_status")
        ),
        sa.CheckConstraint(
            "status NOT IN ('scheduled', 'published') OR published_at IS NOT NULL", name=op.f("ck_article_published_at")
        ),
        sa.ForeignKeyConstraint(
            ["dateline_region_id"], ["region.id"], name=op.f("fk_article_dateline_region_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_article_source_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["translation_of"], ["article.id"], name=op.f("fk_article_translation_of"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_article_external_id", "article", ["external_id"], unique=False)
    op.create_index(
        "ix_article_public_created_at",
        "article",
        ["created_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_article_public_published_at",
        "article",
        ["published_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_article_public_sort_title",
        "article",
        ["sort_title", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_article_public_updated_at",
        "article",
        ["updated_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.create_index(
        "ix_article_scheduled",
        "article",
        ["published_at"],
        unique=False,
        sqlite_where=sa.text("status = 'scheduled'"),
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index("ix_article_title_key", "article", ["title_key"], unique=False)
    op.create_index("ix_article_translation_of", "article", ["translation_of"], unique=False)
    op.create_index("uq_article_origin_identity", "article", ["origin", "identity"], unique=True)
    op.create_table(
        "region_member",
        sa.Column("grouping_id", key, autoincrement=False, nullable=False),
        sa.Column("member_id", key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["grouping_id"], ["region.id"], name=op.f("fk_region_member_grouping_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["region.id"], name=op.f("fk_region_member_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("grouping_id", "member_id", name=op.f("pk_region_member")),
    )
    op.create_index("ix_region_member_member_id", "region_member", ["member_id"], unique=False)
    op.create_table(
        "region_name",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("region_id", key, autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), server_default=sa.text("'und'"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", folded, nullable=False),
        sa.Column("alias", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name=op.f("fk_region_name_region_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_region_name")),
    )
    op.create_index("ix_region_name_name_key", "region_name", ["name_key"], unique=False)
    op.create_index("ix_region_name_region_id", "region_name", ["region_id"], unique=False)
    op.create_table(
        "region_within",
        sa.Column("region_id", key, autoincrement=False, nullable=False),
        sa.Column("ancestor_id", key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["ancestor_id"], ["region.id"], name=op.f("fk_region_within_ancestor_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name=op.f("fk_region_within_region_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("region_id", "ancestor_id", name=op.f("pk_region_within")),
    )
    op.create_index("ix_region_within_ancestor_id", "region_within", ["ancestor_id"], unique=False)
    op.create_table(
        "tag_name",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("tag_id", key, autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), server_default=sa.text("'und'"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", folded, nullable=False),
        sa.Column("alias", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_name_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_name")),
    )
    op.create_index("ix_tag_name_name_key", "tag_name", ["name_key"], unique=False)
    op.create_index("ix_tag_name_tag_id", "tag_name", ["tag_id"], unique=False)
    op.create_table(
        "tag_slug",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("tag_id", key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_slug_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_tag_slug")),
    )
    op.create_index("ix_tag_slug_tag_id", "tag_slug", ["tag_id"], unique=False)
    op.create_table(
        "article_region",
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("region_id", key, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("roles_within", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_region_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["region_id"], ["region.id"], name=op.f("fk_article_region_region_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "region_id", name=op.f("pk_article_region")),
    )
    op.create_index(
        "ix_article_region_newest",
        "article_region",
        ["region_id", "published_at", "article_id"],
        unique=False,
        sqlite_where=sa.text("published_at IS NOT NULL"),
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )
    op.create_index("ix_article_region_region_id", "article_region", ["region_id"], unique=False)
    op.create_table(
        "article_slug",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_slug_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_article_slug")),
    )
    op.create_index("ix_article_slug_article_id", "article_slug", ["article_id"], unique=False)
    op.create_table(
        "article_tag",
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("tag_id", key, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_tag_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_article_tag_tag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("article_id", "tag_id", name=op.f("pk_article_tag")),
    )
    op.create_index(
        "ix_article_tag_newest",
        "article_tag",
        ["tag_id", "published_at", "article_id"],
        unique=False,
        sqlite_where=sa.text("published_at IS NOT NULL"),
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )
    op.create_index("ix_article_tag_tag_id", "article_tag", ["tag_id"], unique=False)
    op.create_table(
        "article_url",
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_url_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("url_key", "article_id", name=op.f("pk_article_url")),
    )
    op.create_index("ix_article_url_article_id", "article_url", ["article_id"], unique=False)
    op.create_table(
        "related_post",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("target_id", key, autoincrement=False, nullable=True),
        sa.Column("title_key", sa.Text(), nullable=True),
        sa.Column("slug_key", sa.Text(), nullable=True),
        sa.Column("url_key", sa.Text(), nullable=True),
        sa.Column("unlinked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_related_post_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["article.id"], name=op.f("fk_related_post_target_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_related_post")),
    )
    op.create_index("ix_related_post_target_id", "related_post", ["target_id"], unique=False)
    op.create_index(
        "ix_related_post_waiting_slug_key",
        "related_post",
        ["slug_key"],
        unique=False,
        sqlite_where=sa.text("target_id IS NULL"),
        postgresql_where=sa.text("target_id IS NULL"),
    )
    op.create_index(
        "ix_related_post_waiting_title_key",
        "related_post",
        ["title_key"],
        unique=False,
        sqlite_where=sa.text("target_id IS NULL"),
        postgresql_where=sa.text("target_id IS NULL"),
    )
    op.create_index(
        "ix_related_post_waiting_url_key",
        "related_post",
        ["url_key"],
        unique=False,
        sqlite_where=sa.text("target_id IS NULL"),
        postgresql_where=sa.text("target_id IS NULL"),
    )
    op.create_index("uq_related_post_article_id_position", "related_post", ["article_id", "position"], unique=True)
    head = sa.table(
        "change_head",
        *(sa.column(name) for name in ("id", "epoch", "seq", "mark", "public_seq", "public_mark", "names_seq")),
    )
    op.bulk_insert(
        head,
        [
            {
                "id": 1,
                "epoch": secrets.randbits(63),
                "seq": 0,
                "mark": 0,
                "public_seq": 0,
                "public_mark": 0,
                "names_seq": 0,
            }
        ],
    )


def downgrade() -> None:
    op.drop_index("uq_related_post_article_id_position", table_name="related_post")
    op.drop_index(
        "ix_related_post_waiting_url_key",
        table_name="related_post",
        sqlite_where=sa.text("target_id IS NULL"),
        postgresql_where=sa.text("target_id IS NULL"),
    )
    op.drop_index(
        "ix_related_post_waiting_title_key",
        table_name="related_post",
        sqlite_where=sa.text("target_id IS NULL"),
        postgresql_where=sa.text("target_id IS NULL"),
    )
    op.drop_index(
        "ix_related_post_waiting_slug_key",
        table_name="related_post",
        sqlite_where=sa.text("target_id IS NULL"),
        postgresql_where=sa.text("target_id IS NULL"),
    )
    op.drop_index("ix_related_post_target_id", table_name="related_post")
    op.drop_table("related_post")
    op.drop_index("ix_article_url_article_id", table_name="article_url")
    op.drop_table("article_url")
    op.drop_index("ix_article_tag_tag_id", table_name="article_tag")
    op.drop_index(
        "ix_article_tag_newest",
        table_name="article_tag",
        sqlite_where=sa.text("published_at IS NOT NULL"),
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )
    op.drop_table("article_tag")
    op.drop_index("ix_article_slug_article_id", table_name="article_slug")
    op.drop_table("article_slug")
    op.drop_index("ix_article_region_region_id", table_name="article_region")
    op.drop_index(
        "ix_article_region_newest",
        table_name="article_region",
        sqlite_where=sa.text("published_at IS NOT NULL"),
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )
    op.drop_table("article_region")
    op.drop_index("ix_tag_slug_tag_id", table_name="tag_slug")
    op.drop_table("tag_slug")
    op.drop_index("ix_tag_name_tag_id", table_name="tag_name")
    op.drop_index("ix_tag_name_name_key", table_name="tag_name")
    op.drop_table("tag_name")
    op.drop_index("ix_region_within_ancestor_id", table_name="region_within")
    op.drop_table("region_within")
    op.drop_index("ix_region_name_region_id", table_name="region_name")
    op.drop_index("ix_region_name_name_key", table_name="region_name")
    op.drop_table("region_name")
    op.drop_index("ix_region_member_member_id", table_name="region_member")
    op.drop_table("region_member")
    op.drop_index("uq_article_origin_identity", table_name="article")
    op.drop_index("ix_article_translation_of", table_name="article")
    op.drop_index("ix_article_title_key", table_name="article")
    op.drop_index(
        "ix_article_scheduled",
        table_name="article",
        sqlite_where=sa.text("status = 'scheduled'"),
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.drop_index(
        "ix_article_public_updated_at",
        table_name="article",
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_index(
        "ix_article_public_sort_title",
        table_name="article",
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_index(
        "ix_article_public_published_at",
        table_name="article",
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_index(
        "ix_article_public_created_at",
        table_name="article",
        sqlite_where=sa.text("status = 'published'"),
        postgresql_where=sa.text("status = 'published'"),
    )
    op.drop_index("ix_article_external_id", table_name="article")
    op.drop_table("article")
    op.drop_index("ix_tag_kind_sort_name", table_name="tag")
    op.drop_table("tag")
    op.drop_table("source")
    op.drop_table("region")
    op.drop_index("ix_idempotency_key_created_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_table("change_head")
    op.drop_table("change")
    op.drop_table("api_key")
