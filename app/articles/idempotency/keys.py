"""Requests that say by an Idempotency-Key when they are the same again, and the responses to them. Each response is
stored with the change that it is for, in one transaction, and for a day a repeat gets the same bytes; what an article
has become since is not looked at. Never renders."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
import zstandard
from sqlalchemy import bindparam, select
from sqlmodel import Session
from starlette.requests import Request

from app.articles.idempotency import stored_responses
from app.articles.idempotency.stored_responses import IDEMPOTENCY, KEPT_SECONDS
from app.articles.render.write_responses import Rendered
from app.db.database import Database
from app.db.sql import Prepared, Value, prepare
from app.errors import Gone, IdempotencyConflict, InvalidValue
from app.http.auth import Caller

NEVER_STORED = (
    "This request was carried out before the server was updated, which stores responses since then. Read the article."
)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that says by its Idempotency-Key when it is the same again. `limit`: bytes of stored responses that
    its caller may have."""

    caller: str
    key: str
    request_hash: str
    limit: int

    @staticmethod
    def from_request(request: Request, caller: Caller, body: bytes, limit: int) -> "IdempotentRequest | None":
        """None without the header."""
        key = request.headers.get("idempotency-key")
        if key is None:
            return None
        if not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
            raise InvalidValue("Idempotency-Key must have 1 to 200 printable ASCII characters.", "Idempotency-Key")
        said = [request.method.encode(), request.scope["raw_path"], request.scope["query_string"], body]
        return IdempotentRequest(str(caller.key), key, hashlib.sha256(b"\0".join(said)).hexdigest(), limit)

    def make_row(self, article_id: int, version: int) -> stored_responses.Row:
        """The row of its response, as far as it is known before the response is."""
        names = {"caller": self.caller, "key": self.key, "request_hash": self.request_hash}
        return names | {"article_id": article_id, "version": version}

    def read(self, rows: Sequence[Sequence[object]]) -> Rendered | None:
        """The stored response, from rows of `_STORED`. IdempotencyConflict where the key was used for another request,
        Gone where the response was deleted with an article that it showed."""
        if not rows:
            return None
        request_hash, status, size, headers, response = rows[0]
        if request_hash != self.request_hash:
            raise IdempotencyConflict("This Idempotency-Key was used for another request.", "Idempotency-Key")
        if headers is None:
            raise Gone() if size is not None else Gone(NEVER_STORED)
        body = zstandard.decompress(bytes(response))  # type: ignore[call-overload] # bytes, as the column has it
        return Rendered(int(str(status)), orjson.loads(str(headers)), body)


_STORED = [IDEMPOTENCY.c[name] for name in ("request_hash", "status", "size", "headers", "response")]


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    statement = select(*_STORED).where(
        IDEMPOTENCY.c.caller == bindparam("caller", type_=IDEMPOTENCY.c.caller.type),
        IDEMPOTENCY.c.key == bindparam("key", type_=IDEMPOTENCY.c.key.type),
        IDEMPOTENCY.c.created_at >= bindparam("since", type_=IDEMPOTENCY.c.created_at.type),
    )
    return prepare(statement, dialect)


async def find(db: Database, key: IdempotentRequest) -> Rendered | None:
    """The stored response, before anything of the request is judged: a repeat gets the first response, even if the
    clock has moved on. Raises as `IdempotentRequest.read`."""
    since = int(time.time()) - KEPT_SECONDS
    values: dict[str, Value] = {"caller": key.caller, "key": key.key, "since": since}
    return key.read(await db.reader.rows(_statement(db.dialect), values))


def load_locked(session: Session, key: IdempotentRequest) -> Rendered | None:
    """The same within the transaction that would make it again, where nobody can be in between. RateLimited where
    there is none and the caller's room is used up."""
    connection, now = session.connection(), int(time.time())
    same = select(*_STORED).where(
        IDEMPOTENCY.c.caller == key.caller,
        IDEMPOTENCY.c.key == key.key,
        IDEMPOTENCY.c.created_at >= now - KEPT_SECONDS,
    )
    rendered = key.read([tuple(row) for row in connection.execute(same)])
    if rendered is None:
        stored_responses.check_room(connection, key.caller, key.limit, now)
    return rendered
