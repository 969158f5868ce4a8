"""An index of the change log by article, by which the latest change of each is found."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
expand_only = True

NAME, ARTICLES = "ix_change_entity_id_seq", sa.text("entity = 'article'")


def upgrade() -> None:
    op.create_index(NAME, "change", ["entity_id", "seq"], sqlite_where=ARTICLES, postgresql_where=ARTICLES)


def downgrade() -> None:
    op.drop_index(NAME, "change")
