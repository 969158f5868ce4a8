"""Which articles somebody has touched since an import or a bulk edit, so that an undo leaves them alone. Reads only."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.articles.store import authorship
from app.db.sql import split_chunks
from app.models import Article, ImportArticle, Revision, table

A, REVISION, ARTICLE = table(Article), table(Revision), table(ImportArticle)
UNDONE = ("withdrawn", "trashed", "restored")
"""What an undo has taken back: the versions between are as if they had not been."""

Span = tuple[int, int]
"""Versions: those above the first, up to the second."""


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """What one record says of one article."""

    article: int
    action: str
    before: int | None
    version: int


def find_touched(connection: Connection, job: int, rows: Sequence[TouchedRow], *, by_person: bool) -> dict[int, str]:
    """Why articles are to be left alone, by id. `by_person`: what the record did was an edit of somebody's itself, so
    that only what came after it counts; else also what somebody saved between two of its batches."""
    floors = {row.article: row.version if by_person else (row.before or 0) for row in rows}
    undone, others = _other_records(connection, job, {row.article: row.version for row in rows})
    reasons = dict.fromkeys(_find_forgotten(connection, floors, undone), "versions since are not kept any more")
    reasons |= dict.fromkeys(others, "another import has changed it since")
    for id, version in _persons_versions(connection, list(floors)):
        if version > floors[id] and not any(low < version <= high for low, high in undone.get(id, ())):
            reasons[id] = "edited since"
    return reasons


def _find_forgotten(
    connection: Connection, floors: Mapping[int, int], undone: Mapping[int, Sequence[Span]]
) -> Iterator[int]:
    """Articles of which a version since is not kept: nobody knows any more whether it was somebody's."""
    for some in split_chunks(list(floors)):
        pruned = select(REVISION.c.article_id).where(REVISION.c.article_id.in_(some), REVISION.c.pruned.is_not(None))
        current = dict(connection.execute(select(A.c.id, A.c.version).where(A.c.id.in_(pruned))).all())
        kept: dict[int, set[int]] = {id: set() for id in current}
        columns = (REVISION.c.article_id, REVISION.c.version)
        for id, version in connection.execute(select(*columns).where(REVISION.c.article_id.in_(current))):
            kept[id].add(version)
        for id, last in current.items():
            since = {version for version in range(floors[id] + 1, last) if version not in kept[id]}
            if any(not any(low < version <= high for low, high in undone.get(id, ())) for version in since):
                yield id


def _persons_versions(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    current = select(A.c.id, A.c.version).where(authorship.is_persons(A.c.saved_by))
    kept = select(REVISION.c.article_id, REVISION.c.version).where(authorship.is_persons(REVISION.c.saved_by))
    for some in split_chunks(ids):
        for statement in (current.where(A.c.id.in_(some)), kept.where(REVISION.c.article_id.in_(some))):
            yield from ((row[0], row[1]) for row in connection.execute(statement).all())


def _other_records(
    connection: Connection, job: int, versions: Mapping[int, int]
) -> tuple[dict[int, list[Span]], set[int]]:
    """The versions that undone records made, and the articles that other ones have changed since."""
    undone: dict[int, list[Span]] = defaultdict(list)
    others: set[int] = set()
    columns = (ARTICLE.c.article_id, ARTICLE.c.version_before, ARTICLE.c.version, ARTICLE.c.undone)
    for some in split_chunks(versions):
        statement = select(*columns).where(
            ARTICLE.c.article_id.in_(some),
            ARTICLE.c.job_id != job,
            ARTICLE.c.action.in_(("created", "updated")),
        )
        for id, before, version, state in connection.execute(statement):
            # What was undone is neither anybody's edit nor a later change: an undo of this record passes over it.
            if state in UNDONE:
                undone[id].append((before or 0, version))
            elif version > versions[id]:
                others.add(id)
    return undone, others
