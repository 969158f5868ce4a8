"""What editors have made of suggestions, so that what they refused is not suggested again."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
expand_only = True  # a table that the version before neither reads nor writes

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "suggestion_decision",
        sa.Column("article_id", key, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("target_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("value", sa.Text(), primary_key=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('language', 'region', 'tag', 'duplicate')", name="kind"),
        sa.CheckConstraint("state IN ('accepted', 'refused')", name="state"),
    )


def downgrade() -> None:
    op.drop_table("suggestion_decision")
