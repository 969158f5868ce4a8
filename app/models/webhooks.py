"""Endpoints that are told of changes, what they have yet to be told, and every attempt; and what servers are at."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

from app.models.column_types import NEVER_AGAIN, KeyType, instant, key, partial_index, reference, words


class LeaseRow(SQLModel, table=True):
    """Which process does a piece of work, and until when by the database's clock."""

    __tablename__ = "lease"
    name: str = Field(sa_column=Column(Text, primary_key=True))
    holder: str = Field(sa_column=words())
    until: int = Field(sa_column=instant())


class IndexPosition(SQLModel, table=True):
    """Up to where the indexes of a server had followed the log when it said so last."""

    __tablename__ = "index_position"
    server: str = Field(sa_column=Column(Text, primary_key=True))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: int = Field(sa_column=instant())


class Webhook(SQLModel, table=True):
    """An endpoint that is told of changes. `filter` (an object) and `include` (a list) are JSON as they were sent;
    where a saved search is followed instead, that is `search_id`, and the filter is empty.

    Up to `seq` every change is settled: delivered, not for the endpoint, or in `webhook_retry`. `failures` are those
    since the last success, `pauses` how often all deliveries have waited since, `next_try` until when they wait now.
    """

    id: int | None = Field(default=None, sa_column=key())
    name: str = Field(sa_column=words())
    url: str = Field(sa_column=words())
    filter: str = Field(sa_column=words("{}"))
    search_id: int | None = Field(default=None, sa_column=reference("saved_search.id", null=True, on_delete="RESTRICT"))
    include: str = Field(sa_column=words("[]"))
    secret: str = Field(sa_column=words())
    previous_secret: str | None = Field(default=None, sa_column=words(null=True))
    previous_until: int | None = Field(default=None, sa_column=instant(null=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: int = Field(sa_column=instant())
    updated_at: int = Field(sa_column=instant())
    off_reason: str | None = Field(default=None, sa_column=words(null=True))
    off_at: int | None = Field(default=None, sa_column=instant(null=True))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    failures: int = Field(sa_column=Column(Integer, nullable=False))
    pauses: int = Field(sa_column=Column(Integer, nullable=False))
    failing_since: int | None = Field(default=None, sa_column=instant(null=True))
    next_try: int | None = Field(default=None, sa_column=instant(null=True))

    __table_args__ = (
        CheckConstraint(
            "off_reason IN ('asked', 'gone', 'failing', 'archive_replaced', 'place_expired', 'search_removed')",
            name="off_reason",
        ),
        Index("ix_webhook_search_id", "search_id"),
        NEVER_AGAIN,
    )


class WebhookRetry(SQLModel, table=True):
    """An article, tag or region of which an endpoint did not take a change: that of row `seq` of the log comes first,
    and later ones only after it. One row for each, however many changes wait."""

    __tablename__ = "webhook_retry"
    webhook_id: int = Field(sa_column=reference("webhook.id", primary=True))
    entity: str = Field(sa_column=Column(Text, primary_key=True))
    entity_id: int = Field(sa_column=Column(KeyType, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    attempts: int = Field(sa_column=Column(Integer, nullable=False))
    next_try: int = Field(sa_column=instant())

    __table_args__ = (
        CheckConstraint("entity IN ('article', 'tag', 'region')", name="entity"),
        Index("ix_webhook_retry_entity_id", "entity_id"),
    )


class WebhookAttempt(SQLModel, table=True):
    """One request to an endpoint and what became of it. Holds nothing of what was sent but what it was about."""

    __tablename__ = "webhook_attempt"
    id: int | None = Field(default=None, sa_column=key())
    webhook_id: int = Field(sa_column=reference("webhook.id"))
    at: int = Field(sa_column=instant())
    message: str = Field(sa_column=words())  # its webhook-id
    type: str = Field(sa_column=words())
    entity: str | None = Field(default=None, sa_column=words(null=True))
    entity_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    status: int | None = Field(default=None, sa_column=Column(Integer, nullable=True))
    error: str | None = Field(default=None, sa_column=words(null=True))
    ms: int = Field(sa_column=Column(Integer, nullable=False))
    next_try: int | None = Field(default=None, sa_column=instant(null=True))

    __table_args__ = (
        Index("ix_webhook_attempt_webhook_id_id", "webhook_id", "id"),
        Index("ix_webhook_attempt_at", "at", "id"),
        partial_index("ix_webhook_attempt_entity_id", "entity_id", where="entity = 'article'"),
        NEVER_AGAIN,
    )
