"""Webhooks with what they have yet to be told and every attempt, and leases of work that one process does at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
expand_only = True

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ARTICLES = sa.text("entity = 'article'")


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("search_id", key, nullable=True),
        sa.Column("include", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("off_reason", sa.Text(), nullable=True),
        sa.Column("off_at", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("next_try", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "off_reason IN ('asked', 'gone', 'failing', 'archive_replaced', 'place_expired', 'search_removed')",
            name=op.f("ck_webhook_off_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["saved_search.id"], name=op.f("fk_webhook_search_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_search_id", "webhook", ["search_id"])
    op.create_table(
        "webhook_retry",
        sa.Column("webhook_id", key, autoincrement=False, nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", key, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("entity IN ('article', 'tag', 'region')", name=op.f("ck_webhook_retry_entity")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_retry_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "entity", "entity_id", name=op.f("pk_webhook_retry")),
    )
    op.create_index("ix_webhook_retry_entity_id", "webhook_retry", ["entity_id"])
    op.create_table(
        "webhook_attempt",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("webhook_id", key, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_attempt_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempt")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_attempt_webhook_id_id", "webhook_attempt", ["webhook_id", "id"])
    op.create_index("ix_webhook_attempt_at", "webhook_attempt", ["at", "id"])
    op.create_index(
        "ix_webhook_attempt_entity_id", "webhook_attempt", ["entity_id"],
        sqlite_where=ARTICLES, postgresql_where=ARTICLES,
    )  # fmt: skip


def downgrade() -> None:
    for name in ("webhook_attempt", "webhook_retry", "webhook", "lease"):
        op.drop_table(name)
