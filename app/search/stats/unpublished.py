"""What is not published in numbers, of one moment: for callers who may see it. Reads only the rows of such articles."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, not_, select

from app.articles.filters import HAS_CONDITIONS
from app.db.database import Database
from app.db.sql import Prepared, Value, prepare, read_integer
from app.models import Article, ArticleTag, Tag, table

A, TAGGED, TAG = table(Article), table(ArticleTag), table(Tag)
QUARTER = 900
"""Seconds. Every zone's days begin with a quarter of an hour, at least in the years that this archive works in."""


@dataclass(frozen=True, slots=True)
class AuthorDrafts:
    """How many drafts a contributor has."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class UnpublishedNumbers:
    """Articles by state, withdrawn ones from each edge to the next, drafts by author and without one."""

    states: Mapping[str, int]
    withdrawn: Sequence[int]
    drafts_by_author: Sequence[AuthorDrafts]
    drafts_without_author: int


def count_unpublished(db: Database, edges: Sequence[int], most: int) -> UnpublishedNumbers:
    """Four statements at one point in time, in the calling thread; `most` of the authors, who have the most drafts."""
    span: dict[str, Value] = {"from": edges[0], "to": edges[-1]}
    with db.snapshot() as snapshot:
        states = snapshot.fetch(_states(db.dialect), {})
        withdrawn = snapshot.fetch(_withdrawn(db.dialect), span)
        by_author = snapshot.fetch(_drafts_by_author(db.dialect), {"most": most})
        [(without,)] = snapshot.fetch(_drafts_without_author(db.dialect), {})
    days = [0] * (len(edges) - 1)
    for quarter, count in withdrawn:
        days[bisect_right(edges, read_integer(quarter)) - 1] += read_integer(count)
    return UnpublishedNumbers(
        {str(status): read_integer(count) for status, count in states},
        days,
        [AuthorDrafts(str(slug), str(name), read_integer(count)) for slug, name, count in by_author],
        read_integer(without),
    )


_UNPUBLISHED = A.c.status != literal_column("'published'")  # as the index has it


def _in_state(state: str) -> ColumnElement[bool]:
    return and_(_UNPUBLISHED, A.c.status == literal_column(f"'{state}'"))


@lru_cache(maxsize=4)
def _states(dialect: str) -> Prepared:
    return prepare(select(A.c.status, func.count()).where(_UNPUBLISHED).group_by(A.c.status), dialect)


@lru_cache(maxsize=4)
def _withdrawn(dialect: str) -> Prepared:
    at = A.c.withdrawn_at
    start, end = (bindparam(name, type_=at.type) for name in ("from", "to"))
    # Not a division: of whole numbers the two databases divide alike, and SQLAlchemy writes another one.
    quarter = (at - at % literal_column(str(QUARTER))).label("quarter")
    counted = select(quarter, func.count()).where(_in_state("withdrawn"), at >= start, at < end).group_by(quarter)
    return prepare(counted, dialect)


@lru_cache(maxsize=4)
def _drafts_by_author(dialect: str) -> Prepared:
    count = func.count().label("drafts")
    drafts = (
        select(TAG.c.slug, TAG.c.name, count)
        .select_from(A)
        .join(TAGGED, TAGGED.c.article_id == A.c.id)
        .join(TAG, TAG.c.id == TAGGED.c.tag_id)
        .where(_in_state("draft"), TAG.c.kind == literal_column("'contributor'"))
        .group_by(TAG.c.id, TAG.c.slug, TAG.c.name)
    )
    return prepare(drafts.order_by(count.desc(), TAG.c.slug).limit(bindparam("most")), dialect)


@lru_cache(maxsize=4)
def _drafts_without_author(dialect: str) -> Prepared:
    return prepare(select(func.count()).where(_in_state("draft"), not_(HAS_CONDITIONS["author"])), dialect)
