"""Stored responses as rows: added with the commit that they respond to, counted in bytes for each caller, deleted
after a day or with an article that they show. Knows no requests."""

import time
from collections import Counter
from collections.abc import Mapping

import orjson
import zstandard
from sqlalchemy import Connection, and_, delete, func, insert, select, tuple_, update
from sqlmodel import Session

from app.articles.render.write_responses import Rendered
from app.db.database import add_finisher
from app.db.log_position import LogHead
from app.db.sql import read_integer, split_chunks
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


def add(session: Session, row: Row, rendered: Rendered, articles: frozenset[int], limit: int) -> None:
    """Stores a response, which shows something of `articles`, as the last thing before the commit, when its place in
    the log is known. The whole transaction fails with RateLimited where it has no room."""
    ids, there = sorted(articles), True
    if ids:
        # Locked until the commit: a purge of one of them waits until the response that shows it is stored, and then
        # finds it. (SQLite writes one after the other.)
        rows = select(A.c.id).where(A.c.id.in_(ids)).order_by(A.c.id).with_for_update(read=True, key_share=True)
        there = len(session.connection().execute(rows).all()) == len(ids)
    body = zstandard.ZstdCompressor(level=3).compress(rendered.body) if there else None

    def insert_row(session: Session, head: LogHead) -> None:
        connection, now, caller = session.connection(), int(time.time()), str(row["caller"])
        headers = orjson.dumps(dict(rendered.with_place(head).headers)).decode() if there else None
        size = 0 if body is None or headers is None else len(body) + len(headers) + OVERHEAD
        sizes = _delete_expired(connection, row, now)
        sizes[caller] += size
        if _count(connection, sizes)[caller] > limit:
            _check_live(connection, caller, limit, now, more=size)
        stored = {"status": rendered.status, "created_at": now, "size": size, "headers": headers, "response": body}
        connection.execute(insert(IDEMPOTENCY), row | stored)
        if there and ids:
            names = {name: row[name] for name in ("caller", "key")}
            connection.execute(insert(CONTAINED), [names | {"article_id": id} for id in ids])

    add_finisher(session, insert_row)


def _delete_expired(connection: Connection, row: Row, now: int) -> Counter[str]:
    """Deletes some of the responses that are older than a day, and that of this very key; the bytes that it gives back,
    as negative numbers by caller."""
    old = IDEMPOTENCY.c.created_at < now - KEPT_SECONDS
    oldest = select(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.key).where(old).order_by(IDEMPOTENCY.c.created_at)
    same = and_(IDEMPOTENCY.c.caller == row["caller"], IDEMPOTENCY.c.key == row["key"], old)
    sizes: Counter[str] = Counter()
    for condition in (_NAME.in_(oldest.limit(EXPIRED_AT_ONCE)), same):
        deleted = delete(IDEMPOTENCY).where(condition).returning(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.size)
        for caller, size in connection.execute(deleted):
            sizes[caller] -= size or 0
    return sizes


def _count(connection: Connection, sizes: Mapping[str, int]) -> dict[str, int]:
    """Adds bytes to what callers have; returns how many each has now."""
    used: dict[str, int] = {}
    for caller in sorted(sizes):  # in one order, so that two transactions do not wait for each other
        more = update(USAGE).where(USAGE.c.caller == caller).values(bytes=USAGE.c.bytes + sizes[caller])
        total = connection.execute(more.returning(USAGE.c.bytes)).scalar()
        if total is None:
            connection.execute(insert(USAGE), {"caller": caller, "bytes": sizes[caller]})
        used[caller] = sizes[caller] if total is None else int(total)
    return used


def delete_responses_of(session: Session, article_id: int) -> None:
    """Deletes every stored response that shows something of an article; repeats are Gone from then on. Like `add` it
    comes last, so that the callers' counts are taken in one order."""

    def delete_responses(session: Session, _: LogHead) -> None:
        connection = session.connection()
        showing = select(CONTAINED.c.caller, CONTAINED.c.key).where(CONTAINED.c.article_id == article_id)
        sizes = select(IDEMPOTENCY.c.caller, IDEMPOTENCY.c.size).where(_NAME.in_(showing)).with_for_update()
        freed: Counter[str] = Counter()
        for caller, size in connection.execute(sizes):
            freed[caller] -= size or 0
        nothing = {"size": 0, "headers": None, "response": None}
        connection.execute(update(IDEMPOTENCY).where(_NAME.in_(showing)).values(nothing))
        for names in split_chunks([tuple(row) for row in connection.execute(showing)]):
            connection.execute(delete(CONTAINED).where(tuple_(CONTAINED.c.caller, CONTAINED.c.key).in_(names)))
        _count(connection, freed)

    add_finisher(session, delete_responses)
