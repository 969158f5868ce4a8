"""Who did what: the audit, which begins empty; an index by which a purge finds what imports say of its article; and
slugs of purged articles, which are made of their titles' words, as hashes."""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
expand_only = False  # the version before knows slugs of purged articles only as words, and leaves no audit

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

    _hash_slugs()


def _hash_slugs() -> None:
    connection = op.get_bind()
    refs = connection.execute(sa.text("SELECT ref FROM purged_ref")).scalars().all()
    # Slugs have no colon, and an id has digits alone.
    slugs = [ref for ref in refs if not ref.isdigit() and not ref.startswith("sha256:")]
    for slug in slugs:
        values = {"slug": slug, "hash": f"sha256:{sha256(slug.encode()).hexdigest()}"}
        connection.execute(sa.text("UPDATE purged_ref SET ref = :hash WHERE ref = :slug"), values)


def downgrade() -> None:
    # Hashes of slugs stay: nothing tells which slugs they were, and an older version finds none by them.
    op.drop_index("ix_import_result_article_id", "import_result")
    op.drop_table("audit")
