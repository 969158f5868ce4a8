"""Searches that are kept: what they ask, what matches them, and how far in the log that is known."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, text
from sqlmodel import Field, SQLModel

from app.models.column_types import NEVER_AGAIN, KeyType, instant, key, reference, words


class SearchQuery(SQLModel, table=True):
    """What one or more saved searches ask. `question` (JSON) holds terms and ids alone, and is never changed;
    `candidate_keys` (JSON) names what an article has one of, at least, if it matches. `hash` tells equal questions, and
    is null where no search asks it any more. `mark` is random: places in its changes bear it. What matched when it was
    saved has the place `base_seq`."""

    __tablename__ = "search_query"
    id: int | None = Field(default=None, sa_column=key())
    hash: str | None = Field(default=None, sa_column=words(null=True))
    mark: str = Field(sa_column=words())
    base_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    question: str = Field(sa_column=words())
    candidate_keys: str = Field(sa_column=words())

    __table_args__ = (Index("ix_search_query_hash", "hash", unique=True), NEVER_AGAIN)


class SavedSearch(SQLModel, table=True):
    """A search under a name. `owner` is the name of the key that saved it: another key of that name owns it as well.
    `definition` (JSON) is what was sent, with the ids that its names meant."""

    __tablename__ = "saved_search"
    id: int | None = Field(default=None, sa_column=key())
    owner: str = Field(sa_column=words())
    slug: str = Field(sa_column=words())
    name: str | None = Field(default=None, sa_column=words(null=True))
    public: bool
    query_id: int = Field(sa_column=reference("search_query.id"))
    definition: str = Field(sa_column=words())
    created_at: int = Field(sa_column=instant())
    updated_at: int = Field(sa_column=instant())

    __table_args__ = (
        Index("ix_saved_search_owner_slug", "owner", "slug", unique=True),
        Index(
            "ix_saved_search_slug", "slug", unique=True, sqlite_where=text("public"), postgresql_where=text("public")
        ),
        Index("ix_saved_search_query_id", "query_id"),
        NEVER_AGAIN,
    )


class SearchMatch(SQLModel, table=True):
    """That an article matches a question, or did: `seq` is the change since which that is so, or the last one of an
    article that matches. Names the article by its number alone, as the log does."""

    __tablename__ = "search_match"
    query_id: int = Field(sa_column=reference("search_query.id", primary=True))
    article_id: int = Field(sa_column=Column(KeyType, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    matched: bool

    __table_args__ = (
        Index("ix_search_match_query_id_seq_article_id", "query_id", "seq", "article_id"),
        Index("ix_search_match_article_id", "article_id"),
    )


class SearchPosition(SQLModel, table=True):
    """The only row: how far in the log all matches are known, and the last row up to there that the public sees.
    `version` moves with every question that is added or removed."""

    __tablename__ = "search_position"
    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    public_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    public_mark: int = Field(sa_column=Column(BigInteger, nullable=False))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))

    __table_args__ = (CheckConstraint("id = 1", name="single"),)
