"""What each source said last of each property of an article, as short hashes; and which identities were purged here.

Tells whether a source has changed something since its last import. Plain functions, never commit.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from app.articles import manuscript
from app.articles.store.field_hashes import FIELDS, UNSAID, Hashes, split, unpack
from app.db.sql import make_insert, split_chunks
from app.models import PurgedIdentity, SourceBaseline, table

BASELINE, PURGED = table(SourceBaseline), table(PurgedIdentity)


def load(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, dict[str, bytes]]]:
    """Hashes by article and format; articles without any are left out."""
    baselines: dict[int, dict[str, dict[str, bytes]]] = {}
    for some in split_chunks(ids):
        rows = select(BASELINE.c.article_id, BASELINE.c.format, BASELINE.c.hashes)
        for id, kind, hashes in connection.execute(rows.where(BASELINE.c.article_id.in_(some))):
            baselines.setdefault(id, {})[kind] = split(bytes(hashes))
    return baselines


def save(
    connection: Connection, said: Iterable[tuple[int, str, str]], known: Mapping[int, Mapping[str, Hashes]]
) -> None:
    """Notes (article, format, packed hashes), of which `known` are there. What is unsaid stays what it was."""
    new: list[dict[str, object]] = []
    changed: list[dict[str, object]] = []
    for id, kind, packed in {(id, kind): (id, kind, packed) for id, kind, packed in said if packed}.values():
        old = known.get(id, {}).get(kind)
        if old is None:
            new.append({"article_id": id, "format": kind, "hashes": bytes.fromhex(packed)})
            continue
        hashes = {name: value if value != UNSAID else old[name] for name, value in unpack(packed).items()}
        if hashes != old:
            changed.append({"of": id, "kind": kind, "new": b"".join(hashes[name] for name in FIELDS)})
    if new:
        connection.exec_driver_sql(*make_insert(connection.dialect, BASELINE, new))
    if changed:
        mine = (BASELINE.c.article_id == bindparam("of")) & (BASELINE.c.format == bindparam("kind"))
        connection.execute(update(BASELINE).where(mine).values(hashes=bindparam("new")), changed)


def forget(connection: Connection, article: int) -> None:
    """What was said of an article by those who know it by another name now."""
    connection.execute(delete(BASELINE).where(BASELINE.c.article_id == article))


def _identity(origin: str, identity: str) -> str:
    return hashlib.blake2b(f"{origin}\0{identity}".encode(), digest_size=16).hexdigest()


def purge(connection: Connection, origin: str, identity: str) -> None:
    """Remembers that an article of this identity was purged: nothing but a hash is left of it."""
    forgive(connection, origin, identity)
    connection.execute(insert(PURGED), {"hash": _identity(origin, identity)})


def row_identity(id: int, created_at: int) -> tuple[str, str]:
    """What this archive's own exports know an article by, in place of an origin and an identity."""
    return "", manuscript.row_identity(id, created_at)


def forgive(connection: Connection, origin: str, identity: str) -> None:
    """An article of this identity is made by hand."""
    connection.execute(delete(PURGED).where(PURGED.c.hash == _identity(origin, identity)))


def find_purged(connection: Connection, identities: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of these the ones that were purged here."""
    if not identities or connection.execute(select(PURGED.c.hash).limit(1)).first() is None:
        return set()
    by_hash = {_identity(*one): one for one in identities}
    purged: set[tuple[str, str]] = set()
    for some in split_chunks(list(by_hash)):
        rows = connection.execute(select(PURGED.c.hash).where(PURGED.c.hash.in_(some)))
        purged |= {by_hash[hash] for (hash,) in rows}
    return purged
