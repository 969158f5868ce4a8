"""The state `trashed`, since when an article is in the bin, and which article replaces one that is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

OLD = "status IN ('draft', 'scheduled', 'published', 'withdrawn')"
NEW = "status IN ('draft', 'scheduled', 'published', 'withdrawn', 'trashed')"
REPLACED_BY = "CONSTRAINT fk_article_replaced_by REFERENCES article (id) ON DELETE SET NULL"
INDEXES = (("ix_article_trashed", "trashed_at", "status = 'trashed'"),
           ("ix_article_replaced_by", "replaced_by", "replaced_by IS NOT NULL"))  # fmt: skip


def upgrade() -> None:
    op.add_column("article", sa.Column("trashed_at", sa.BigInteger(), nullable=True))
    # Alembic adds the reference in a second statement, which SQLite does not have.
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    op.execute(f"ALTER TABLE article ADD COLUMN replaced_by {kind} {REPLACED_BY}")
    for name, column, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, "article", [column], sqlite_where=where, postgresql_where=where)
    _check(OLD, NEW)


def downgrade() -> None:
    """Binned articles become drafts, and drafts are not found by anybody."""
    op.execute("UPDATE article SET status = 'draft' WHERE status = 'trashed'")
    op.execute("UPDATE article SET withdrawn_at = NULL, withdrawn_reason = NULL WHERE status <> 'withdrawn'")
    for name, _, _ in INDEXES:
        op.drop_index(name, "article")
    op.drop_column("article", "replaced_by")
    op.drop_column("article", "trashed_at")
    _check(NEW, OLD)


def _check(old: str, new: str) -> None:
    """Another condition under the same name. SQLite would copy the table with all bodies; its documentation has this
    way for changes that alter no row (lang_altertable, "Making Other Kinds Of Table Schema Changes")."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE article DROP CONSTRAINT ck_article_status")
        op.execute(f"ALTER TABLE article ADD CONSTRAINT ck_article_status CHECK ({new}) NOT VALID")
        op.execute("ALTER TABLE article VALIDATE CONSTRAINT ck_article_status")
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'article' AND instr(sql, ?)",
        (f"CHECK ({old})", f"CHECK ({new})", f"CHECK ({old})"),
    )
    if changed.rowcount != 1:
        raise RuntimeError("the table of articles is not as an earlier migration made it")
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
