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

from fastapi.security import HTTPBearer
from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from app.db import audit_rows
from app.db.database import Database
from app.db.sql import Prepared, prepare
from app.errors import MissingScope, Unauthorized, Unavailable
from app.models import ApiKey, table

KEY = table(ApiKey)
SCOPES = ("read_drafts", "write", "publish", "admin")
TOUCH_SECONDS = 300
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

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes

    def require_scope(self, scope: str, what: str = "This") -> None:
        """Unauthorized for the public, MissingScope for a key without it; `what` needs it."""
        if self.key is None:
            raise Unauthorized(f"{what} needs a key: send it as Authorization: Bearer dl_….")
        if scope not in self.scopes:
            raise MissingScope(scope, f"{what} needs a key with the scope {scope!r}.")


PUBLIC = Caller()


def create_key(session: Session, name: str, scopes: tuple[str, ...], expires_at: int | None = None) -> str:
    """A new key; what it returns is shown once and cannot be had again. `scopes` are among SCOPES."""
    secret = secrets.token_urlsafe(32)
    row = {
        "name": name,
        "secret_hash": _hash_secret(secret),
        "scopes": " ".join(scopes),
        "created_at": int(time.time()),
        "expires_at": expires_at,
    }
    id: int = session.connection().execute(insert(KEY).returning(KEY.c.id), row).scalar_one()
    details = {"name": name[:MOST_NAME], "scopes": list(scopes), "expires_at": expires_at}
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


@lru_cache(maxsize=4)
def _key_statement(dialect: str) -> Prepared:
    columns = [KEY.c[name] for name in ("secret_hash", "scopes", "expires_at", "revoked_at", "last_used_at", "name")]
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
    stored, scopes, expires_at, revoked_at, last_used_at, name = rows[0] if rows else ("", "", None, None, None, "")
    # In constant time, and also where there is no such key: how long it takes tells nothing about keys.
    good = hmac.compare_digest(str(stored), _hash_secret(match[2]))
    if not good or revoked_at is not None or (isinstance(expires_at, int) and expires_at <= now):
        raise Unauthorized("This key is not valid, or no longer.")
    noted = last_used_at if isinstance(last_used_at, int) else 0
    if db.condition.reason is None and max(noted, db.notes.get(f"key {id}", 0)) < now - TOUCH_SECONDS:
        db.notes[f"key {id}"] = now  # before the await: of many requests at once one writes
        with contextlib.suppress(Unavailable):  # a note in passing; reading goes on without it
            await db.write(_note_use, id, now)
    return Caller(id, frozenset(str(scopes).split()), str(name))


def _note_use(session: Session, id: int, now: int) -> None:
    session.connection().execute(update(KEY).where(KEY.c.id == id).values(last_used_at=now))
