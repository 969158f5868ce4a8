"""An index of the rows of the change log that may tell that an article has left a feed."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
expand_only = True

NAME = "ix_change_departures"
DEPARTURES = sa.text("entity = 'article' AND public AND (before IS NOT NULL OR event = 'purged')")


def upgrade() -> None:
    op.create_index(NAME, "change", ["seq"], sqlite_where=DEPARTURES, postgresql_where=DEPARTURES)


def downgrade() -> None:
    op.drop_index(NAME, "change")
