"""Saved searches: their questions, what matches them, and how far in the log that is known."""

import sqlalchemy as sa
from alembic import op

from app.models.column_types import InstantType, KeyType

revision = "0015"
down_revision = "0014"
expand_only = True

TOLD = sa.text("event IN ('purged', 'tag_renamed', 'region_renamed', 'region_filled')")


def upgrade() -> None:
    op.create_table(
        "search_query",
        sa.Column("id", KeyType, autoincrement=True, nullable=False),
        sa.Column("hash", sa.Text, nullable=True),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("base_seq", sa.BigInteger, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("candidate_keys", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_query"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_search_query_hash", "search_query", ["hash"], unique=True)
    op.create_table(
        "saved_search",
        sa.Column("id", KeyType, autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("public", sa.Boolean, nullable=False),
        sa.Column("query_id", KeyType, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("created_at", InstantType, nullable=False),
        sa.Column("updated_at", InstantType, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.ForeignKeyConstraint(["query_id"], ["search_query.id"], ondelete="CASCADE", name="fk_saved_search_query_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_saved_search_owner_slug", "saved_search", ["owner", "slug"], unique=True)
    public = sa.text("public")
    op.create_index(
        "ix_saved_search_slug", "saved_search", ["slug"], unique=True, sqlite_where=public, postgresql_where=public
    )
    op.create_index("ix_saved_search_query_id", "saved_search", ["query_id"])
    op.create_table(
        "search_match",
        sa.Column("query_id", KeyType, autoincrement=False, nullable=False),
        sa.Column("article_id", KeyType, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("matched", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("query_id", "article_id", name="pk_search_match"),
        sa.ForeignKeyConstraint(["query_id"], ["search_query.id"], ondelete="CASCADE", name="fk_search_match_query_id"),
    )
    op.create_index("ix_search_match_query_id_seq_article_id", "search_match", ["query_id", "seq", "article_id"])
    op.create_index("ix_search_match_article_id", "search_match", ["article_id"])
    position = op.create_table(
        "search_position",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("epoch", "seq", "mark", "public_seq", "public_mark", "version")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_search_position"),
        sa.CheckConstraint("id = 1", name="single"),
    )
    op.bulk_insert(
        position,
        [{"id": 1, "epoch": 0, "seq": 0, "mark": 0, "public_seq": 0, "public_mark": 0, "version": 0}],
    )
    op.create_index("ix_change_told_to_all", "change", ["seq"], sqlite_where=TOLD, postgresql_where=TOLD)


def downgrade() -> None:
    op.drop_index("ix_change_told_to_all", "change")
    for name in ("search_position", "search_match", "saved_search", "search_query"):
        op.drop_table(name)
