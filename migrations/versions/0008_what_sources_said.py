"""What sources said last of each property, and which articles of theirs were purged. Both tables begin empty."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
expand_only = False  # imports by the version before leave what sources said as it was

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "source_baseline",
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_source_baseline_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "format", name=op.f("pk_source_baseline")),
    )
    op.create_table(
        "purged_identity",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_purged_identity")),
    )


def downgrade() -> None:
    op.drop_table("purged_identity")
    op.drop_table("source_baseline")
