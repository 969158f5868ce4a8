"""Where regions lie: a point and a bounding box, which the shipped regions get when the archive is opened next."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
expand_only = True

COLUMNS = (("latitude", sa.Float()), ("longitude", sa.Float()), ("bbox", sa.Text()))


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("region", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name, _ in COLUMNS:
        op.drop_column("region", name)
