"""Near-duplicates are filtered by, in both directions."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

IS_COPY = sa.text("kind = 'duplicate'")
INDEXES = {
    "ix_suggestion_copy_of": ["article_id", "target_id"],
    "ix_suggestion_copies": ["target_id", "article_id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "suggestion", columns, sqlite_where=IS_COPY, postgresql_where=IS_COPY)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "suggestion")
