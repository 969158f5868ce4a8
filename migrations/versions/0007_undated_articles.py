"""Published articles may lack a date; links say by a mark of their own whether their article is public."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
expand_only = False  # the version before writes links without the mark, which are refused

LINKS = (("article_tag", "tag_id"), ("article_region", "region_id"))
OLD = "status NOT IN ('scheduled', 'published') OR published_at IS NOT NULL"
NEW = "status <> 'scheduled' OR published_at IS NOT NULL"
UNDATED = "published_at IS NULL AND public"


def upgrade() -> None:
    for name, key in LINKS:
        # True for the rows that there are, because nearly all are of published articles: neither database rewrites a
        # row for a default. What inserts rows says it always; SQLite cannot drop a default again.
        op.add_column(name, sa.Column("public", sa.Boolean(), nullable=False, server_default=sa.true()))
        op.execute(f"UPDATE {name} SET public = false WHERE published_at IS NULL")
        if op.get_bind().dialect.name == "postgresql":
            op.alter_column(name, "public", server_default=None)
        where = sa.text(UNDATED)
        columns = [key, "article_id"]
        op.create_index(f"ix_{name}_undated", name, columns, sqlite_where=where, postgresql_where=where)
    _check(OLD, NEW)


def downgrade() -> None:
    """Undated articles get the date of their saving."""
    op.execute("UPDATE article SET published_at = created_at WHERE status = 'published' AND published_at IS NULL")
    for name, _ in LINKS:
        op.execute(
            f"UPDATE {name} SET published_at = (SELECT published_at FROM article WHERE id = article_id) "
            "WHERE published_at IS NULL AND public"
        )
        op.drop_index(f"ix_{name}_undated", name)
        op.drop_column(name, "public")
    _check(NEW, OLD)


def _check(old: str, new: str) -> None:
    """Another condition under the same name. SQLite would copy the table with all bodies; its documentation has this
    way for changes that alter no row (lang_altertable, "Making Other Kinds Of Table Schema Changes")."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE article DROP CONSTRAINT ck_article_published_at")
        op.execute(f"ALTER TABLE article ADD CONSTRAINT ck_article_published_at CHECK ({new}) NOT VALID")
        op.execute("ALTER TABLE article VALIDATE CONSTRAINT ck_article_published_at")
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
