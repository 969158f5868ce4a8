"""What dashboards ask: which articles are near-duplicates, in both directions, and what is not published."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
expand_only = True

INDEXES = (
    ("ix_suggestion_copy_of", "suggestion", ["article_id", "target_id"], "kind = 'duplicate'"),
    ("ix_suggestion_copies", "suggestion", ["target_id", "article_id"], "kind = 'duplicate'"),
    ("ix_article_unpublished", "article", ["status", "withdrawn_at"], "status <> 'published'"),
)


def upgrade() -> None:
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
