"""What the archive keeps about itself: the change log, the audit, callers' keys, stored responses, long work,
imports."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from app.models.column_types import (
    NEVER_AGAIN,
    KeyType,
    count_column,
    instant,
    key,
    partial_index,
    reference,
    words,
)

TOLD_TO_ALL = "event IN ('purged', 'tag_renamed', 'region_renamed', 'region_filled')"
"""Rows of the log that are told whatever is followed."""


class Change(SQLModel, table=True):
    """The change log, in commit order without holes above `ChangeHead.pruned_seq`. `before` and `after` hold the
    filterable facts, or null."""

    seq: int = Field(sa_column=Column(KeyType, primary_key=True, autoincrement=False))
    mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: int = Field(sa_column=instant())
    entity: str = Field(sa_column=words())
    entity_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    event: str = Field(sa_column=words())
    version: int | None = Field(default=None)
    changed_fields: str = Field(sa_column=words("[]"))
    public: bool
    before: str | None = Field(default=None, sa_column=words(null=True))
    after: str | None = Field(default=None, sa_column=words(null=True))

    __table_args__ = (
        # The latest row of an article is what a copy needs of it.
        partial_index("ix_change_entity_id_seq", "entity_id", "seq", where="entity = 'article'"),
        # What is told whatever is followed: saved searches read these rows beside their own.
        partial_index("ix_change_told_to_all", "seq", where=TOLD_TO_ALL),
        # What may tell that an article has left a feed, however much is written of drafts.
        partial_index(
            "ix_change_departures",
            "seq",
            where="entity = 'article' AND public AND (before IS NOT NULL OR event = 'purged')",
        ),
        CheckConstraint("entity IN ('article', 'tag', 'region')", name="entity"),
    )


class Audit(SQLModel, table=True):
    """Who did what: a row for each change in the log (`seq`), and for what the log does not hold, such as keys. Holds
    no text of an article; `details` is JSON."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, sa_column=key())
    at: int = Field(sa_column=instant())
    action: str = Field(sa_column=words())
    actor_kind: str = Field(sa_column=words())
    key_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    actor: str = Field(sa_column=words())
    request_id: str | None = Field(default=None, sa_column=words(null=True))
    entity: str | None = Field(default=None, sa_column=words(null=True))
    entity_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    version_before: int | None = Field(default=None)
    version_after: int | None = Field(default=None)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    details: str | None = Field(default=None, sa_column=words(null=True))

    __table_args__ = (
        Index("ix_audit_at", "at", "id"),
        Index("ix_audit_action_at", "action", "at", "id"),
        Index("ix_audit_key_id_at", "key_id", "at", "id"),
        Index("ix_audit_key_id_action_at", "key_id", "action", "at", "id"),
        Index("ix_audit_entity_entity_id_at", "entity", "entity_id", "at", "id"),
        CheckConstraint("actor_kind IN ('key', 'command', 'server')", name="actor_kind"),
        NEVER_AGAIN,
    )


class ChangeHead(SQLModel, table=True):
    """The log's only counter row: taken as the last statement of every transaction that writes.

    Up to `pruned_seq`, whose mark is `pruned_mark`, what later rows supersede is not kept. How far these have been
    deleted so far says `erased_seq`, and how many `erased_rows`."""

    __tablename__ = "change_head"
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    public_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    public_mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    names_seq: int = Field(sa_column=Column(BigInteger, nullable=False))  # last change of a tag or region
    pruned_seq: int = Field(default=0, sa_column=count_column())
    pruned_mark: int = Field(default=0, sa_column=count_column())
    erased_seq: int = Field(default=0, sa_column=count_column())
    erased_rows: int = Field(default=0, sa_column=count_column())

    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class ApiKey(SQLModel, table=True):
    """A caller's key; only a hash of its secret is kept."""

    __tablename__ = "api_key"
    id: int | None = Field(default=None, sa_column=key())
    name: str = Field(sa_column=words())
    secret_hash: str = Field(sa_column=words())
    scopes: str = Field(sa_column=words())  # separated by spaces
    created_at: int = Field(sa_column=instant())
    expires_at: int | None = Field(default=None, sa_column=instant(null=True))
    revoked_at: int | None = Field(default=None, sa_column=instant(null=True))
    last_used_at: int | None = Field(default=None, sa_column=instant(null=True))
    entitlement: str | None = Field(default=None, sa_column=words(null=True))  # what it may see, as JSON; null: all
    rate_limit: int | None = Field(default=None)  # requests a minute; null: as for every client


class KeyUsage(SQLModel, table=True):
    """How much a key was used on a day, counted from 1970 in UTC."""

    __tablename__ = "key_usage"
    key_id: int = Field(sa_column=reference("api_key.id", primary=True))
    day: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    requests: int = Field(sa_column=Column(BigInteger, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))


class IdempotencyKey(SQLModel, table=True):
    """The response to a write, so that a repeat gets the same one for 24 hours.

    `headers` (JSON) and `response` (the body, zstd) are null where the response was deleted by a purge; then `size`,
    the bytes that count against the caller's limit, is 0. It is null in rows of the time before responses were stored.
    """

    __tablename__ = "idempotency_key"
    caller: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: str = Field(sa_column=words())
    status: int = Field(sa_column=Column(Integer, nullable=False))
    article_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: int = Field(sa_column=instant())
    # Before the response: SQLite reads through a long value to get to what is behind it.
    size: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    headers: str | None = Field(default=None, sa_column=words(null=True))
    response: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))

    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)


class IdempotencyArticle(SQLModel, table=True):
    """That a stored response shows something of an article: a purge of the article deletes it."""

    __tablename__ = "idempotency_article"
    caller: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    article_id: int = Field(sa_column=Column(KeyType, primary_key=True, autoincrement=False))

    __table_args__ = (
        ForeignKeyConstraint(["caller", "key"], ["idempotency_key.caller", "idempotency_key.key"], ondelete="CASCADE"),
        Index("ix_idempotency_article_article_id", "article_id"),
    )


class IdempotencyUsage(SQLModel, table=True):
    """How many bytes of stored responses a caller has."""

    __tablename__ = "idempotency_usage"
    caller: str = Field(sa_column=Column(Text, primary_key=True))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))


class Job(SQLModel, table=True):
    """Long work that goes on in chunks, each a transaction, and is taken up again by any process."""

    id: int | None = Field(default=None, sa_column=key())
    kind: str = Field(sa_column=words())
    state: str = Field(sa_column=words("waiting"))
    arguments: str = Field(sa_column=words("{}"))
    progress: str = Field(sa_column=words("{}"))  # what is done; the next chunk begins behind it
    error: str | None = Field(default=None, sa_column=words(null=True))
    created_by: str | None = Field(default=None, sa_column=words(null=True))
    created_at: int = Field(sa_column=instant())
    updated_at: int = Field(sa_column=instant())

    __table_args__ = (
        partial_index("ix_job_unfinished", "id", where="state IN ('waiting', 'running')"),
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        NEVER_AGAIN,
    )


class ImportPart(SQLModel, table=True):
    """A piece of what was sent to be imported, kept until its job is done, so that any process can do it."""

    __tablename__ = "import_part"
    job_id: int = Field(sa_column=reference("job.id", primary=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ImportResult(SQLModel, table=True):
    """What became of one item of an import that runs as a job."""

    __tablename__ = "import_result"
    job_id: int = Field(sa_column=reference("job.id", primary=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    item: str = Field(sa_column=words())  # where it stood in what was sent
    outcome: str = Field(sa_column=words())
    article_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    reason: str | None = Field(default=None, sa_column=words(null=True))
    copy_of: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))  # the article it repeats

    __table_args__ = (
        partial_index("ix_import_result_article_id", "article_id", where="article_id IS NOT NULL"),
        CheckConstraint("outcome IN ('created', 'updated', 'unchanged', 'failed')", name="outcome"),
    )


class ImportSource(SQLModel, table=True):
    """An address that was imported from: what asking again needs, such as its entity tag and how far it was read."""

    __tablename__ = "import_source"
    url: str = Field(sa_column=Column(Text, primary_key=True))
    state: str = Field(sa_column=words("{}"))
    updated_at: int = Field(sa_column=instant())
    job_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))  # the import that kept it
