"""Who did what: the audit, which begins empty, and an index by which a purge finds what imports say of its article."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("version_before", sa.Integer(), nullable=True),
        sa.Column("version_after", sa.Integer(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.CheckConstraint("actor_kind IN ('key', 'command', 'server')", name=op.f("ck_audit_actor_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    op.create_index("ix_audit_action_at", "audit", ["action", "at", "id"])
    op.create_index("ix_audit_key_id_at", "audit", ["key_id", "at", "id"])
    op.create_index("ix_audit_key_id_action_at", "audit", ["key_id", "action", "at", "id"])
    op.create_index("ix_audit_entity_entity_id_at", "audit", ["entity", "entity_id", "at", "id"])
    there = sa.text("article_id IS NOT NULL")
    op.create_index(
        "ix_import_result_article_id", "import_result", ["article_id"], sqlite_where=there, postgresql_where=there
    )


def downgrade() -> None:
    op.drop_index("ix_import_result_article_id", "import_result")
    op.drop_table("audit")
