"""Imported translations that wait for their original."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
expand_only = False  # originals that the version before saves are not linked with what waits for them

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "awaited_original",
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_awaited_original_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_awaited_original")),
    )
    op.create_index("ix_awaited_original_slug", "awaited_original", ["slug"], unique=False)


def downgrade() -> None:
    op.drop_table("awaited_original")
