"""What sitemaps read: by month how many articles are published and when the public last saw one of them change, and the
articles of a file. Times of changes are those of the log, of rows that the public may see: so a draft, or what was
edited while it was withdrawn, moves none of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from app.articles.filters import Span
from app.changes import log
from app.db.database import Database
from app.db.sql import AnySelect, Prepared, Value, prepare, read_integer, read_into
from app.models import Article, table

A, CHANGE = table(Article), log.CHANGE
_OF_ARTICLES: ColumnElement[str] = literal_column("'article'")  # a value that is bound would hide the index
_PUBLIC = A.c.status == literal_column("'published'")
_CHANGED = (
    select(CHANGE.c.at)
    .where(
        CHANGE.c.entity == _OF_ARTICLES,
        CHANGE.c.entity_id == A.c.id,
        CHANGE.c.public.is_(True),
        CHANGE.c.event != literal_column(f"'{log.PLACED}'"),
    )
    .order_by(CHANGE.c.seq.desc())
    .limit(literal_column("1"))
    .correlate(A)
    .scalar_subquery()
)
"""When an article changed last, as the public sees it. Null where the log does not tell any more."""


class SitemapPart(NamedTuple):
    """How many articles, and when one of them changed last, in epoch seconds."""

    articles: int
    changed_at: int | None


class SitemapRow(NamedTuple):
    """An article in a sitemap; `images` as JSON."""

    id: int
    slug: str
    title: str
    language: str
    published_at: int | None
    images: str
    changed_at: int | None


async def find_next(db: Database, start: int | None) -> int | None:
    """When the first article was published that has a date, at `start` or later."""
    values: dict[str, Value] = {} if start is None else {"start": start}
    rows = await db.reader.rows(_next_statement(db.dialect, start is not None), values)
    return read_integer(rows[0][0]) if rows else None


@lru_cache(maxsize=4)
def _next_statement(dialect: str, bounded: bool) -> Prepared:
    statement: AnySelect = select(A.c.published_at).where(_PUBLIC, A.c.published_at.is_not(None))
    if bounded:
        statement = statement.where(A.c.published_at >= bindparam("start", type_=A.c.published_at.type))
    return prepare(statement.order_by(A.c.published_at).limit(literal_column("1")), dialect)


async def measure(db: Database, span: Span | None) -> SitemapPart:
    """Of the articles published within, or of those without a date."""
    rows = await db.reader.rows(_measure(db.dialect, span is None), _bind(span), bounded=False)
    count, changed_at = rows[0]
    return SitemapPart(read_integer(count), None if changed_at is None else read_integer(changed_at))


@lru_cache(maxsize=4)
def _measure(dialect: str, undated: bool) -> Prepared:
    changed = select(_CHANGED.label("at")).where(_PUBLIC, *_within(undated)).subquery()
    return prepare(select(func.count(), func.max(changed.c.at)).select_from(changed), dialect)


async def load_rows(db: Database, span: Span | None, offset: int, limit: int) -> list[SitemapRow]:
    """The articles published within, or those without a date, in the order of their dates."""
    values = _bind(span) | {"offset": offset, "limit": limit}
    rows = await db.reader.rows(_rows(db.dialect, span is None), values, bounded=False)
    return read_into(SitemapRow, rows)


@lru_cache(maxsize=4)
def _rows(dialect: str, undated: bool) -> Prepared:
    columns = [A.c[name] for name in SitemapRow._fields[:-1]]
    statement = select(*columns, _CHANGED).where(_PUBLIC, *_within(undated)).order_by(A.c.published_at, A.c.id)
    return prepare(statement.limit(bindparam("limit")).offset(bindparam("offset")), dialect)


async def load_news(db: Database, start: int, limit: int) -> list[SitemapRow]:
    """The newest articles published since, whose time of day is known."""
    return read_into(SitemapRow, await db.reader.rows(_news(db.dialect), {"start": start, "limit": limit}))


@lru_cache(maxsize=4)
def _news(dialect: str) -> Prepared:
    columns = [A.c[name] for name in SitemapRow._fields[:-1]]
    exact = A.c.published_precision == literal_column("'instant'")
    since = A.c.published_at >= bindparam("start", type_=A.c.published_at.type)
    statement = select(*columns, _CHANGED).where(_PUBLIC, since, exact)
    return prepare(statement.order_by(A.c.published_at.desc(), A.c.id.desc()).limit(bindparam("limit")), dialect)


def _within(undated: bool) -> Sequence[ColumnElement[bool]]:
    at = A.c.published_at
    if undated:
        return (at.is_(None),)
    start, end = (bindparam(name, type_=at.type) for name in ("start", "end"))
    return at >= start, at < end


def _bind(span: Span | None) -> dict[str, Value]:
    return {} if span is None else {"start": span[0], "end": span[1]}


async def load_moved(db: Database, after: int, until: int, limit: int) -> list[tuple[str | None, str | None]]:
    """The facts before and after of what the public saw change behind a row of the log, as JSON; at most `limit`."""
    values: dict[str, Value] = {"after": after, "until": until, "limit": limit}
    rows = await db.reader.rows(_moved_statement(db.dialect), values, bounded=False)
    return [(None if b is None else str(b), None if a is None else str(a)) for b, a in rows]


@lru_cache(maxsize=4)
def _moved_statement(dialect: str) -> Prepared:
    seq = CHANGE.c.seq
    after, until = (bindparam(name, type_=seq.type) for name in ("after", "until"))
    public = CHANGE.c.entity == _OF_ARTICLES, CHANGE.c.public.is_(True)
    statement = select(CHANGE.c.before, CHANGE.c.after).where(seq > after, seq <= until, *public)
    return prepare(statement.order_by(seq).limit(bindparam("limit")), dialect)
