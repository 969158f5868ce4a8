"""API keys: made, checked and revoked. Shown once, stored as a hash; who has none is the public."""

import base64
import contextlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

import orjson
from fastapi.security import HTTPBearer
from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlmodel import Session

from app.db import audit_rows
from app.db.database import Database
from app.db.sql import Prepared, prepare
from app.errors import MissingScope, Unauthorized, Unavailable
from app.models import ApiKey, KeyUsage, table

KEY, USAGE = table(ApiKey), table(KeyUsage)
SCOPES = ("read_drafts", "write", "publish", "admin")
TOUCH_SECONDS = 300
DAY, USAGE_DAYS = 86_400, 31
"""For how many days it is kept how much a key was used."""
_NO_KEY: tuple[object, ...] = ("", "", None, None, None, "", None, None)
KEY_SCHEME = HTTPBearer(scheme_name="key", bearerFormat="dl_…", auto_error=False)
"""Keys as OpenAPI describes them; `authenticate` reads them."""
MOST_NAME = 200
"""Characters of a key's name that the audit repeats."""
FEEDS = "/feeds/"
"""Below, a key may come as the password of HTTP Basic: readers of feeds send nothing else."""
_token = re.compile(r"dl_([0-9]{1,15})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Caller:
    """The client: `key` is None for the public, `name` what its owner calls it. Responses to callers with a key are
    never shared."""

    key: int | None = None
    scopes: frozenset[str] = frozenset()
    name: str | None = None
    entitlement: str | None = None
    """What the key may see, as it is stored; None: what the public sees, and more by its scopes."""
    rate_limit: int | None = None
    """Requests a minute that the key may make; None: as for every client."""

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes

    def require_scope(self, scope: str, what: str = "This") -> None:
        """Unauthorized for the public, MissingScope for a key without it; `what` needs it."""
        if self.key is None:
            raise Unauthorized(f"{what} needs a key: send it as Authorization: Bearer dl_….")
        if scope not in self.scopes:
            raise MissingScope(scope, f"{what} needs a key with the scope {scope!r}.")


PUBLIC = Caller()


def create_key(
    session: Session,
    name: str,
    scopes: tuple[str, ...],
    expires_at: int | None = None,
    entitlement: str | None = None,
    rate_limit: int | None = None,
) -> str:
    """A new key; what it returns is shown once and cannot be had again. `scopes` are among SCOPES; there are none where
    an entitlement says what the key may see."""
    assert not (scopes and entitlement), "scopes let a key see more, an entitlement less"
    secret = secrets.token_urlsafe(32)
    row = {
        "name": name,
        "secret_hash": _hash_secret(secret),
        "scopes": " ".join(scopes),
        "created_at": int(time.time()),
        "expires_at": expires_at,
        "entitlement": entitlement,
        "rate_limit": rate_limit,
    }
    id: int = session.connection().execute(insert(KEY).returning(KEY.c.id), row).scalar_one()
    details: dict[str, object] = {"name": name[:MOST_NAME], "scopes": list(scopes), "expires_at": expires_at}
    details |= {"entitlement": orjson.loads(entitlement)} if entitlement else {}
    details |= {"rate_limit": rate_limit} if rate_limit else {}
    audit_rows.add_record(session, audit_rows.AuditRecord("key_create", "key", id, details=details))
    return f"dl_{id}_{secret}"


def revoke_key(session: Session, id: int) -> bool:
    """Ends a key at once; False where there is none of that id that was still good."""
    good = update(KEY).where(KEY.c.id == id, KEY.c.revoked_at.is_(None)).values(revoked_at=int(time.time()))
    ended = session.connection().execute(good).rowcount == 1
    if ended:
        audit_rows.add_record(session, audit_rows.AuditRecord("key_revoke", "key", id))
    return ended


def list_keys(session: Session) -> list[Mapping[str, object]]:
    """All keys without their hashes, oldest first."""
    columns = [column for column in KEY.c if column.name != "secret_hash"]
    return [dict(row._mapping) for row in session.connection().execute(select(*columns).order_by(KEY.c.id))]


def _hash_secret(secret: str) -> str:
    # A secret of 256 random bits needs no slow hash: there is nothing to guess.
    return sha256(secret.encode()).hexdigest()


_CHECKED = (
    "secret_hash", "scopes", "expires_at", "revoked_at", "last_used_at", "name", "entitlement", "rate_limit",
)  # fmt: skip


@lru_cache(maxsize=4)
def _key_statement(dialect: str) -> Prepared:
    columns = [KEY.c[name] for name in _CHECKED]
    return prepare(select(*columns).where(KEY.c.id == bindparam("id", type_=KEY.c.id.type)), dialect)


def read_password(authorization: str) -> str:
    """An Authorization header of HTTP Basic (RFC 7617) as one with the key that is its password, whatever the name;
    any other as it is."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return authorization
    try:
        name_and_password = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        raise Unauthorized("The Authorization header cannot be read: Basic needs a name and a password.") from None
    return f"Bearer {name_and_password.partition(':')[2]}"


async def authenticate(db: Database, authorization: str | None) -> Caller:
    """The caller behind an Authorization header. A bad, expired or revoked key is Unauthorized, never the public."""
    if authorization is None:
        return PUBLIC
    scheme, _, token = authorization.partition(" ")
    match = _token.fullmatch(token.strip())
    if scheme.lower() != "bearer" or match is None:
        raise Unauthorized("The Authorization header must be: Bearer dl_….")
    id, now = int(match[1]), int(time.time())
    rows = await db.reader.rows(_key_statement(db.dialect), {"id": id})
    stored, scopes, expires_at, revoked_at, last_used_at, name, entitlement, rate_limit = rows[0] if rows else _NO_KEY
    # In constant time, and also where there is no such key: how long it takes tells nothing about keys.
    good = hmac.compare_digest(str(stored), _hash_secret(match[2]))
    if not good or revoked_at is not None or (isinstance(expires_at, int) and expires_at <= now):
        raise Unauthorized("This key is not valid, or no longer.")
    noted = last_used_at if isinstance(last_used_at, int) else 0
    if db.condition.reason is None and max(noted, db.notes.get(f"key {id}", 0)) < now - TOUCH_SECONDS:
        db.notes[f"key {id}"] = now  # before the await: of many requests at once one writes
        with contextlib.suppress(Unavailable):  # a note in passing; reading goes on without it
            await write_use(db, id, now)
    return Caller(
        id,
        frozenset(str(scopes).split()),
        str(name),
        None if entitlement is None else str(entitlement),
        rate_limit if isinstance(rate_limit, int) else None,
    )


async def write_use(db: Database, id: int, now: int, *, noted: bool = False) -> None:
    """Writes when a key was used last, unless that is `noted`, and what was counted of its use meanwhile."""
    counted = db.usage.pop(id, (0, 0))
    try:
        await db.write(_note_use, id, now, *counted, noted=noted)
    except Unavailable:
        count_use(db, id, *counted)
        raise


async def write_all_use(db: Database) -> None:
    """What was counted since the last notes, when the server ends; lost where the database does not respond."""
    with contextlib.suppress(Unavailable):
        for id in list(db.usage):
            await write_use(db, id, int(time.time()), noted=True)


def count_use(db: Database, id: int, requests: int, size: int) -> None:
    """Adds to what is in memory of a key's use: requests, and bytes of responses."""
    before = db.usage.get(id, (0, 0))
    db.usage[id] = before[0] + requests, before[1] + size


def _note_use(session: Session, id: int, now: int, requests: int, size: int, *, noted: bool) -> None:
    connection, day = session.connection(), now // DAY
    if not noted:
        connection.execute(update(KEY).where(KEY.c.id == id).values(last_used_at=now))
    if requests:
        connection.execute(_ADD_USE, {"id": id, "day": day, "requests": requests, "bytes": size})
        connection.execute(delete(USAGE).where(USAGE.c.key_id == id, USAGE.c.day <= day - USAGE_DAYS))


# Both databases write this alike, and SQLAlchemy has no one word for it.
_ADD_USE = text(
    "INSERT INTO key_usage (key_id, day, requests, bytes) VALUES (:id, :day, :requests, :bytes) "
    "ON CONFLICT (key_id, day) DO UPDATE SET requests = key_usage.requests + excluded.requests, "
    "bytes = key_usage.bytes + excluded.bytes"
)
