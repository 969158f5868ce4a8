"""Responses to requests with an Idempotency-Key, stored for repeats: which articles they show, and their size."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
expand_only = False  # what the version before purges stays in stored responses

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # The size stands before the response: SQLite reads through a long value to get to what is behind it.
    op.add_column("idempotency_key", sa.Column("size", sa.Integer(), nullable=True))
    op.add_column("idempotency_key", sa.Column("headers", sa.Text(), nullable=True))
    op.add_column("idempotency_key", sa.Column("response", sa.LargeBinary(), nullable=True))
    op.create_table(
        "idempotency_article",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["caller", "key"],
            ["idempotency_key.caller", "idempotency_key.key"],
            name=op.f("fk_idempotency_article_caller_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("caller", "key", "article_id", name=op.f("pk_idempotency_article")),
    )
    op.create_index("ix_idempotency_article_article_id", "idempotency_article", ["article_id"], unique=False)
    op.create_table(
        "idempotency_usage",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_idempotency_usage")),
    )


def downgrade() -> None:
    op.drop_table("idempotency_usage")
    op.drop_table("idempotency_article")
    for name in ("response", "headers", "size"):
        op.drop_column("idempotency_key", name)
