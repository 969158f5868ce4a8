"""What a key may see and how often it may ask, and how much it has been used day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
expand_only = False  # the version before shows everything to keys that see a part

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("api_key", sa.Column("entitlement", sa.Text(), nullable=True))
    op.add_column("api_key", sa.Column("rate_limit", sa.Integer(), nullable=True))
    op.create_table(
        "key_usage",
        sa.Column("key_id", KEY, nullable=False, autoincrement=False),
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day", name="pk_key_usage"),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name="fk_key_usage_key_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("key_usage")
    op.drop_column("api_key", "rate_limit")
    op.drop_column("api_key", "entitlement")
