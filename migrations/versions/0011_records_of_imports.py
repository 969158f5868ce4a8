"""Records of imports and bulk edits, with the articles that they touched and the tags that they made. Imports of the
time before have a record without articles."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
expand_only = False  # imports by the version before have no record, and cannot be undone

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "import_record",
        sa.Column("id", key, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=True),
        sa.Column("undo_job", key, nullable=True),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["job.id"], name=op.f("fk_import_record_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["undo_job"], ["job.id"], name=op.f("fk_import_record_undo_job"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_record")),
    )
    op.create_table(
        "import_article",
        sa.Column("job_id", key, autoincrement=False, nullable=False),
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("version_before", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("undone", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action IN ('selected', 'created', 'updated', 'unchanged', 'failed')",
            name=op.f("ck_import_article_action"),
        ),
        sa.CheckConstraint(
            "undone IN ('withdrawn', 'trashed', 'restored', 'kept', 'gone')", name=op.f("ck_import_article_undone")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_import_article_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "article_id", name=op.f("pk_import_article")),
    )
    op.create_index("ix_import_article_article_id", "import_article", ["article_id"])
    op.create_table(
        "import_tag",
        sa.Column("tag_id", key, autoincrement=False, nullable=False),
        sa.Column("job_id", key, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("removed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_import_tag_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_import_tag")),
    )
    op.create_index("ix_import_tag_job_id", "import_tag", ["job_id"])
    op.add_column("import_source", sa.Column("job_id", sa.BigInteger(), nullable=True))
    op.execute("INSERT INTO import_record (id, source) SELECT id, 'request' FROM job WHERE kind = 'import'")


def downgrade() -> None:
    op.drop_column("import_source", "job_id")
    op.drop_table("import_tag")
    op.drop_table("import_article")
    op.drop_table("import_record")
    # Nobody of the time before works on these, or knows how to show them.
    op.execute("DELETE FROM job WHERE kind IN ('import_command', 'import_stream', 'bulk_edit', 'undo')")
