"""Replaced versions of articles, what was purged, long work in chunks; who saved a version, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
expand_only = False  # what the version before replaces is kept nowhere

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.add_column("article", sa.Column("saved_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("article", sa.Column("saved_by", sa.Text(), nullable=True))
    op.execute(
        "UPDATE article SET saved_at = coalesce((SELECT max(at) FROM change "
        "WHERE entity = 'article' AND entity_id = article.id AND version = article.version), created_at)"
    )
    op.add_column("tag", sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "revision",
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_revision_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_revision")),
    )
    op.create_table(
        "purged_ref",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_purged_ref")),
    )
    op.create_table(
        "job",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("arguments", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("progress", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_job_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_job_unfinished", "job", ["id"], unique=False, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
    )


def downgrade() -> None:
    op.drop_table("job")
    op.drop_table("purged_ref")
    op.drop_table("revision")
    op.drop_column("tag", "listed")
    op.drop_column("article", "saved_by")
    op.drop_column("article", "saved_at")
