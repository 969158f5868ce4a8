"""Requests that say by an Idempotency-Key when they are the same again, and what was answered. Kept for a day."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, delete, insert, select
from sqlmodel import Session
from starlette.requests import Request

from app.db import Database
from app.errors import IdempotencyConflict, InvalidValue
from app.http.auth import Caller
from app.models import IdempotencyKey, table
from app.sql import Prepared, Value, prepare

IDEMPOTENCY = table(IdempotencyKey)
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answered:
    """What a write was answered with: the article, its version and the status. 204 where the article has gone."""

    id: int
    version: int
    status: int


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that says by its Idempotency-Key when it is the same again."""

    caller: str
    key: str
    request_hash: str

    @staticmethod
    def of(request: Request, caller: Caller, body: bytes) -> "Repeatable | None":
        """None without the header."""
        key = request.headers.get("idempotency-key")
        if key is None:
            return None
        if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
            raise InvalidValue("Idempotency-Key must have 1 to 200 printable ASCII characters.", "Idempotency-Key")
        said = [request.method.encode(), request.scope["raw_path"], request.scope["query_string"], body]
        return Repeatable(str(caller.key), key, hashlib.sha256(b"\0".join(said)).hexdigest())

    def answer(self, rows: Sequence[Sequence[object]]) -> Answered | None:
        """What was answered before, from rows of (request_hash, article_id, version, status); IdempotencyConflict where
        it was another request."""
        if not rows:
            return None
        request_hash, *said = rows[0]
        if request_hash != self.request_hash:
            raise IdempotencyConflict("This Idempotency-Key was used for another request.", "Idempotency-Key")
        return Answered(*(int(str(number)) for number in said))


_ANSWER = [IDEMPOTENCY.c[name] for name in ("request_hash", "article_id", "version", "status")]


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    found = select(*_ANSWER).where(
        IDEMPOTENCY.c.caller == bindparam("caller", type_=IDEMPOTENCY.c.caller.type),
        IDEMPOTENCY.c.key == bindparam("key", type_=IDEMPOTENCY.c.key.type),
        IDEMPOTENCY.c.created_at >= bindparam("since", type_=IDEMPOTENCY.c.created_at.type),
    )
    return prepare(found, dialect)


async def answered(db: Database, key: Repeatable) -> Answered | None:
    """Before anything of the request is judged: what was right then is answered, even if the clock has moved on."""
    since = int(time.time()) - KEPT_SECONDS
    values: dict[str, Value] = {"caller": key.caller, "key": key.key, "since": since}
    return key.answer(await db.reader.rows(_statement(db.dialect), values))


def recall(session: Session, key: Repeatable) -> Answered | None:
    """The same within the transaction that would make it again, where nobody can be in between."""
    connection = session.connection()
    old = delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at < int(time.time()) - KEPT_SECONDS)
    connection.execute(old)
    same = select(*_ANSWER).where(IDEMPOTENCY.c.caller == key.caller, IDEMPOTENCY.c.key == key.key)
    return key.answer([tuple(row) for row in connection.execute(same)])


def note(session: Session, key: Repeatable, answered: Answered) -> None:
    """Remembers what is being answered, in the transaction that makes it true."""
    row = {
        "caller": key.caller,
        "key": key.key,
        "request_hash": key.request_hash,
        "status": answered.status,
        "article_id": answered.id,
        "version": answered.version,
        "created_at": int(time.time()),
    }
    session.connection().execute(insert(IDEMPOTENCY), row)
