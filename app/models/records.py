"""What imports and bulk edits leave behind, so that they can be looked up and undone: one row for each of them, one for
each article that they touched, one for each tag that they made."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, false
from sqlmodel import Field, SQLModel

from app.models.column_types import KeyType, instant, reference, words

MOST_ORIGINS = 50


class ImportRecord(SQLModel, table=True):
    """An import or a bulk edit, beside the job of the same id, which has its state, options and counts.

    `origins` (JSON, at most MOST_ORIGINS) are those of the items; null for imports of the time before there were
    records, of which nobody knows the articles."""

    __tablename__ = "import_record"
    id: int = Field(sa_column=reference("job.id", primary=True))
    source: str = Field(sa_column=words())
    origins: str | None = Field(default=None, sa_column=words(null=True))
    undo_job: int | None = Field(default=None, sa_column=reference("job.id", null=True, on_delete="SET NULL"))
    undone_at: int | None = Field(default=None, sa_column=instant(null=True))


class ImportArticle(SQLModel, table=True):
    """What an import or a bulk edit did to one article: from which version, null where it made it, to which.

    `undone` says what an undo did with it. The article may have been purged since."""

    __tablename__ = "import_article"
    job_id: int = Field(sa_column=reference("job.id", primary=True))
    article_id: int = Field(sa_column=Column(KeyType, primary_key=True, autoincrement=False))
    action: str = Field(sa_column=words())
    version_before: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    version: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    undone: str | None = Field(default=None, sa_column=words(null=True))
    note: str | None = Field(default=None, sa_column=words(null=True))

    __table_args__ = (
        Index("ix_import_article_article_id", "article_id"),
        CheckConstraint("action IN ('selected', 'created', 'updated', 'unchanged', 'failed')", name="action"),
        CheckConstraint("undone IN ('withdrawn', 'trashed', 'restored', 'kept', 'gone')", name="undone"),
    )


class ImportTag(SQLModel, table=True):
    """A tag that an import or a bulk edit made, under the name that it had then; the row stays when the tag is removed,
    so that its number is never given out again."""

    __tablename__ = "import_tag"
    tag_id: int = Field(sa_column=Column(KeyType, primary_key=True, autoincrement=False))
    job_id: int = Field(sa_column=reference("job.id"))
    slug: str = Field(sa_column=words())
    name: str = Field(sa_column=words())
    kind: str = Field(sa_column=words())
    removed: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))

    __table_args__ = (Index("ix_import_tag_job_id", "job_id"),)
