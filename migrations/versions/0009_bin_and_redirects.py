"""The state `trashed`, since when an article is in the bin, and which article replaces one that is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
expand_only = False  # the version before shows what is in the bin as something else

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

OLD = "status IN ('draft', 'scheduled', 'published', 'withdrawn')"
NEW = "status IN ('draft', 'scheduled', 'published', 'withdrawn', 'trashed')"
REFERENCE = "CONSTRAINT fk_article_replaced_by FOREIGN KEY(replaced_by) REFERENCES article (id) ON DELETE SET NULL"
INDEXES = (
    ("ix_article_trashed", "trashed_at", "status = 'trashed'"),
    ("ix_article_replaced_by", "replaced_by", "replaced_by IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("article", sa.Column("trashed_at", sa.BigInteger(), nullable=True))
    op.add_column("article", sa.Column("replaced_by", key, nullable=True))
    for name, column, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, "article", [column], sqlite_where=where, postgresql_where=where)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE article ADD {REFERENCE}")
        _check(NEW)
    else:
        _rewrite(f"CHECK ({OLD})", f"CHECK ({NEW}), {REFERENCE}")


def downgrade() -> None:
    """Binned articles become drafts, and drafts are not found by anybody."""
    op.execute("UPDATE article SET status = 'draft' WHERE status = 'trashed'")
    op.execute("UPDATE article SET withdrawn_at = NULL, withdrawn_reason = NULL WHERE status <> 'withdrawn'")
    if op.get_bind().dialect.name == "postgresql":
        _check(OLD)
    else:
        _rewrite(f"CHECK ({NEW}), {REFERENCE}", f"CHECK ({OLD})")
    for name, _, _ in INDEXES:
        op.drop_index(name, "article")
    op.drop_column("article", "replaced_by")
    op.drop_column("article", "trashed_at")


def _check(condition: str) -> None:
    """PostgreSQL: another condition under the same name; readers and writers wait only while it is put there."""
    op.execute("ALTER TABLE article DROP CONSTRAINT ck_article_status")
    op.execute(f"ALTER TABLE article ADD CONSTRAINT ck_article_status CHECK ({condition}) NOT VALID")
    op.execute("ALTER TABLE article VALIDATE CONSTRAINT ck_article_status")


def _rewrite(old: str, new: str) -> None:
    """SQLite would copy the table with all bodies; its documentation has this way for changes that alter no row
    (lang_altertable, "Making Other Kinds Of Table Schema Changes"). What is added has no value in any row yet."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'article' AND instr(sql, ?)",
        (old, new, old),
    )
    if changed.rowcount != 1:
        raise RuntimeError("the table of articles is not as an earlier migration made it")
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
