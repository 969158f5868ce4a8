"""Stored responses as rows: added with the commit that they respond to, counted in bytes for each caller, deleted
after a day or with an article that they show. Knows no requests."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import zstandard
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, tuple_, update
from sqlmodel import Session

from app.articles.render.write_responses import Rendered
from app.db.database import add_finisher
from app.db.log_position import LogHead
from app.db.sql import read_integer
from app.errors import FieldError, RateLimited
from app.models import Article, IdempotencyArticle, IdempotencyKey, IdempotencyUsage, table

A, IDEMPOTENCY, CONTAINED, USAGE = (
    table(model) for model in (Article, IdempotencyKey, IdempotencyArticle, IdempotencyUsage)
)
KEPT_SECONDS = 24 * 3600
OVERHEAD = 300
"""Bytes that a row takes beside its response: key, hash, index entries."""
EXPIRED_AT_ONCE = 100
"""How many old responses go with a new one: the log's counter is locked meanwhile, and more go than come."""

Row = dict[str, object]
_NAME = tuple_(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.key)


def check_room(connection: Connection, caller: str, limit: int, now: int) -> None:
    """RateLimited where the caller's stored responses of the last day fill its room already."""
    used = connection.execute(select(USAGE.c.bytes).where(USAGE.c.caller == caller)).scalar()
    if used is not None and used >= limit:
        _check_live(connection, caller, limit, now, more=1)


def _check_live(connection: Connection, caller: str, limit: int, now: int, more: int) -> None:
    """RateLimited where there is no room for `more` bytes, counted from the rows: without those that are older than a
    day and not deleted yet."""
    live = and_(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.created_at >= now - KEPT_SECONDS)
    total = select(func.coalesce(func.sum(IDEMPOTENCY.c.size), 0), func.min(IDEMPOTENCY.c.created_at)).where(live)
    used, oldest = connection.execute(total).one()
    if used + more <= limit:
        return
    wait = max(1, read_integer(oldest if oldest is not None else now) + KEPT_SECONDS - now)
    detail = (
        f"This API key has {used} bytes of stored responses for its Idempotency-Keys, of {limit} that it may have "
        f"(DATELINE_MAX_IDEMPOTENCY_BYTES). Send the request without Idempotency-Key, or again in {wait} s."
    )
    raise RateLimited(wait, detail=detail, errors=[FieldError("rate_limited", detail, "Idempotency-Key")])


def add(session: Session, row: Row, rendered: Rendered, limit: int) -> None:
    """Stores a response as the last thing before the commit, when its place in the log is known."""
    there = _lock_articles(session.connection(), rendered.articles)
    body = zstandard.ZstdCompressor(level=3).compress(rendered.body) if there else None

    def insert_row(session: Session, head: LogHead) -> None:
        connection, now = session.connection(), int(time.time())
        _delete_expired(connection, row, now)
        headers = orjson.dumps(dict(rendered.with_place(head).headers)).decode() if there else None
        size = 0 if body is None or headers is None else len(body) + len(headers) + OVERHEAD
        if _use(connection, str(row["caller"]), size) > limit:
            _check_live(connection, str(row["caller"]), limit, now, more=size)
        stored = {"status": rendered.status, "created_at": now, "size": size, "headers": headers, "response": body}
        connection.execute(insert(IDEMPOTENCY), row | stored)
        names = {name: row[name] for name in ("caller", "key")}
        if there and rendered.articles:
            connection.execute(insert(CONTAINED), [names | {"article_id": id} for id in sorted(rendered.articles)])

    add_finisher(session, insert_row)


def _lock_articles(connection: Connection, ids: frozenset[int]) -> bool:
    """Whether these articles are all there, and keeps a purge of one waiting until the response that shows it is
    stored: then the purge finds it. (SQLite writes one after the other.)"""
    if not ids:
        return True
    rows = select(A.c.id).where(A.c.id.in_(sorted(ids))).order_by(A.c.id)
    return len(connection.execute(rows.with_for_update(read=True, key_share=True)).all()) == len(ids)


def _use(connection: Connection, caller: str, size: int) -> int:
    """Counts bytes for a caller; returns how many it has now."""
    more = update(USAGE).where(USAGE.c.caller == caller).values(bytes=USAGE.c.bytes + size).returning(USAGE.c.bytes)
    used = connection.execute(more).scalar()
    if used is None:
        connection.execute(insert(USAGE), {"caller": caller, "bytes": size})
    return size if used is None else int(used)


def _delete_expired(connection: Connection, row: Row, now: int) -> None:
    """Some of the responses that are older than a day, and that of this very key."""
    old = IDEMPOTENCY.c.created_at < now - KEPT_SECONDS
    oldest = select(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.key).where(old).order_by(IDEMPOTENCY.c.created_at)
    _delete(connection, _NAME.in_(oldest.limit(EXPIRED_AT_ONCE)))
    _delete(connection, and_(IDEMPOTENCY.c.caller == row["caller"], IDEMPOTENCY.c.key == row["key"], old))


def _delete(connection: Connection, condition: ColumnElement[bool]) -> None:
    gone = delete(IDEMPOTENCY).where(condition).returning(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.size)
    _release(connection, [tuple(row) for row in connection.execute(gone)])


def _release(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Gives room back, from rows of (caller, bytes)."""
    sizes: Counter[str] = Counter()
    for caller, size in rows:
        sizes[caller] += size or 0
    for caller in sorted(sizes):  # in one order, so that two transactions do not wait for each other
        _use(connection, caller, -sizes[caller])


def delete_responses_of(session: Session, article_id: int) -> None:
    """Deletes every stored response that shows something of an article; repeats are Gone from then on. Like `add` it
    comes last, so that the callers' counts are taken in one order."""

    def delete_responses(session: Session, _: LogHead) -> None:
        connection = session.connection()
        showing = select(CONTAINED.c.caller, CONTAINED.c.key).where(CONTAINED.c.article_id == article_id)
        sizes = select(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.size).where(_NAME.in_(showing)).with_for_update()
        rows = [tuple(row) for row in connection.execute(sizes)]
        nothing = {"size": 0, "headers": None, "response": None}
        connection.execute(update(IDEMPOTENCY).where(_NAME.in_(showing)).values(nothing))
        names = [tuple(row) for row in connection.execute(showing)]
        for i in range(0, len(names), 500):
            of = tuple_(CONTAINED.c.caller, CONTAINED.c.key).in_(names[i : i + 500])
            connection.execute(delete(CONTAINED).where(of))
        _release(connection, rows)

    add_finisher(session, delete_responses)
