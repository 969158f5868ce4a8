"""What is kept of the change log and of replaced versions, where a setting says that not everything is."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
# The version before reads and writes as it did as long as nothing is pruned or compressed, which nothing is but by
# settings that it does not know.
expand_only = True

COUNTS = ("pruned_seq", "pruned_mark", "erased_seq", "erased_rows")
UNPACKED = sa.text("packed IS NULL")


def upgrade() -> None:
    for name in COUNTS:
        op.add_column("change_head", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("revision", sa.Column("packed", sa.LargeBinary(), nullable=True))
    op.add_column("revision", sa.Column("base_version", sa.Integer(), nullable=True))
    op.add_column("revision", sa.Column("pruned", sa.Text(), nullable=True))
    op.create_table(
        "index_position",
        sa.Column("server", sa.Text(), primary_key=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_revision_unpacked", "revision", ["saved_at"], sqlite_where=UNPACKED, postgresql_where=UNPACKED)


def downgrade() -> None:
    op.drop_index("ix_revision_unpacked", "revision")
    op.drop_table("index_position")
    # The version before cannot read what is compressed.
    op.execute("DELETE FROM revision WHERE packed IS NOT NULL")
    for name in ("pruned", "base_version", "packed"):
        op.drop_column("revision", name)
    for name in reversed(COUNTS):
        op.drop_column("change_head", name)
