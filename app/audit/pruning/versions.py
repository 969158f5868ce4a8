"""Replaced versions of articles: compresses old ones, and deletes those that are more than a setting keeps.

What editors' decisions hang on is not lost with a version: whose each field is, and what an undo has put back, is kept
with the first one that stays.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlmodel import Session

from app.articles.store import authorship, revision_texts, stored_article
from app.articles.store.authorship import PrunedHistory
from app.db.sql import measure_bytes, read_clock, read_integer
from app.models import Article, Revision, table

A, REVISION = table(Article), table(Revision)
DAY = 86_400
MOST_PACKED, MOST_BYTES = 64, 4_000_000
"""Versions of one article that are compressed against one of them, and bytes of their texts, which are all in memory. A
single version may have more."""
ROW_BYTES = 60
"""Of a row beside its text."""

Packed = Mapping[int, tuple[bytes, int | None]]


def find_unpacked(connection: Connection, days: int, limit: int) -> list[int]:
    """Articles of which versions were saved so long ago, and are not compressed."""
    old = REVISION.c.saved_at < read_clock(connection) - days * DAY, REVISION.c.packed.is_(None)
    some = select(REVISION.c.article_id).where(*old).order_by(REVISION.c.saved_at).limit(limit).subquery()
    return sorted(connection.execute(select(some.c.article_id).distinct()).scalars())


def pack_texts(connection: Connection, article: int, days: int) -> dict[int, tuple[bytes, int | None]]:
    """The oldest of an article's old versions that are not compressed, compressed; by their numbers."""
    of, until = REVISION.c.article_id == article, read_clock(connection) - days * DAY
    sizes = select(REVISION.c.version, measure_bytes(REVISION.c.document))
    old = sizes.where(of, REVISION.c.saved_at < until, REVISION.c.packed.is_(None)).order_by(REVISION.c.version)
    total = 0
    numbers: list[int] = []
    for version, size in connection.execute(old.limit(MOST_PACKED)).all():
        total += size
        if numbers and total > MOST_BYTES:
            break
        numbers.append(version)
    texts = select(REVISION.c.version, REVISION.c.document).where(of, REVISION.c.version.in_(numbers))
    return revision_texts.pack(dict(connection.execute(texts).all())) if numbers else {}


def save_packed(session: Session, article: int, packed: Packed) -> int:
    """Keeps versions compressed, and no more in plain; how many. Of an article that was purged meanwhile none."""
    connection = session.connection()
    # Nobody purges it until the commit.
    held = select(A.c.id).where(A.c.id == article).with_for_update(read=True, key_share=True)
    if connection.execute(held).first() is None:
        return 0
    # The one that the others are compressed against is among them: they are there together, or none of them is.
    own = REVISION.c.article_id == article, REVISION.c.version.in_(packed), REVISION.c.packed.is_(None)
    columns = [REVISION.c[name] for name in ("version", "saved_at", "saved_by", "pruned")]
    rows = connection.execute(select(*columns).where(*own)).mappings().all()
    # Deleted and inserted: SQLite leaves a row that has become short alone in its page.
    connection.execute(delete(REVISION).where(*own))
    written = [
        {
            **row, "article_id": article, "document": "", "packed": packed[row["version"]][0],
            "base_version": packed[row["version"]][1],
        }
        for row in rows
    ]  # fmt: skip
    if written:
        connection.execute(insert(REVISION), written)
    return len(written)


@dataclass(frozen=True, slots=True)
class OldVersions:
    """Versions of an article that go, the oldest first, and what is to be known of those that stay; as of the version
    that was current then."""

    article: int
    current: int
    numbers: Sequence[int]
    histories: Mapping[int, PrunedHistory]


def find_articles(connection: Connection, after: int, kept: int, limit: int) -> list[int]:
    """Articles behind a number that have more replaced versions than are kept."""
    statement = select(REVISION.c.article_id).where(REVISION.c.article_id > after).group_by(REVISION.c.article_id)
    statement = statement.having(func.count() > kept).order_by(REVISION.c.article_id).limit(limit)
    return list(connection.execute(statement).scalars())


def find_old(connection: Connection, article: int, kept: int, days: int) -> OldVersions | None:
    """None where nothing goes: beside the latest, versions stay that were replaced later than so many days ago, those
    that an undo has put back, and those that what stays is compressed against."""
    current = stored_article.load(connection, [article]).get(article)
    if current is None:
        return None
    numbers = _choose(connection, current.columns, kept, days)
    if not numbers:
        return None
    return OldVersions(article, current.columns["version"], numbers, authorship.find_histories(connection, current))


def _choose(connection: Connection, current: Mapping[str, Any], kept: int, days: int) -> list[int]:
    columns = [REVISION.c[name] for name in ("version", "saved_at", "saved_by", "base_version")]
    of = REVISION.c.article_id == current["id"]
    rows = [*connection.execute(select(*columns).where(of).order_by(REVISION.c.version)).all()]
    until = read_clock(connection) - days * DAY
    replaced = [row.saved_at for row in rows[1:]] + [current["saved_at"]]
    old = {row.version for row, at in zip(rows[:-kept], replaced, strict=False) if not days or at < until}
    needed = {row.version: {row.base_version, authorship.find_restored(row.saved_by)} for row in rows}
    for version in [version for version in needed if version not in old]:
        _keep_needed(needed[version], needed, old)
    _keep_needed({authorship.find_restored(current["saved_by"])}, needed, old)
    return sorted(old)


def _keep_needed(versions: Collection[int | None], needed: Mapping[int, set[int | None]], old: set[int]) -> None:
    """Takes versions out of those that go, with what they need themselves."""
    open_versions = [one for one in versions if one is not None]
    while open_versions:
        version = open_versions.pop()
        if version in old:
            old.discard(version)
            open_versions += [one for one in needed[version] if one is not None]


def delete_old(session: Session, old: OldVersions, numbers: Sequence[int]) -> int | None:
    """Deletes some of the old versions, those that come first; how many. None where the article was changed meanwhile
    or is gone: what goes has to be found anew."""
    connection = session.connection()
    mine = select(A.c.version).where(A.c.id == old.article).with_for_update(key_share=True)
    if connection.execute(mine).scalar() != old.current:
        return None
    of = REVISION.c.article_id == old.article
    deleted = connection.execute(delete(REVISION).where(of, REVISION.c.version.in_(numbers))).rowcount
    gone = set(numbers)
    known = sorted(old.histories)
    for before, version in pairwise(known):
        if before in gone and version not in gone and version != old.current:
            values = {"pruned": old.histories[version].write()}
            connection.execute(update(REVISION).where(of, REVISION.c.version == version).values(values))
    return deleted


def measure(connection: Connection, kept: int, days: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many versions would be deleted and how many compressed, each with about how many bytes they take now."""
    size = measure_bytes(REVISION.c.document) + func.coalesce(func.length(REVISION.c.packed), 0) + ROW_BYTES
    deleted, packed = (0, 0), (0, 0)
    if kept:
        after = 0
        while articles := find_articles(connection, after, kept, 500):
            for article in articles:
                columns = connection.execute(select(A).where(A.c.id == article)).mappings().one()
                numbers = _choose(connection, dict(columns), kept, days)
                of = REVISION.c.article_id == article, REVISION.c.version.in_(numbers)
                count, total = connection.execute(select(func.count(), func.sum(size)).where(*of)).one()
                deleted = deleted[0] + count, deleted[1] + int(total or 0)
            after = articles[-1]
    if days:
        old = REVISION.c.saved_at < read_clock(connection) - days * DAY, REVISION.c.packed.is_(None)
        count, total = connection.execute(select(func.count(), func.sum(size)).where(*old)).one()
        packed = read_integer(count), int(total or 0)
    return deleted, packed
