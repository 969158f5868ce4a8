"""What the log is told of articles: each change with the filterable facts before and after it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select
from sqlmodel import Session

from app.articles import facts
from app.articles.filters import Facts
from app.changes import log
from app.models import Article, table

A = table(Article)
CHUNK = 500


def record(
    session: Session,
    ids: Sequence[int],
    before: Mapping[int, Facts],
    fields: Mapping[int, Sequence[str]],
    linked: Mapping[int, Sequence[int]],
    *,
    corrected: bool = False,
) -> None:
    """A row for each saved article, and a `linked` row for each other article whose related post found its target."""
    connection = session.connection()
    others = sorted(set(linked) - set(ids))
    after = facts.load(connection, [*ids, *others])
    versions = _versions(connection, [*ids, *others])
    for id in ids:
        entry = _entry(id, versions[id], before.get(id), after[id], fields.get(id, ()))
        log.record(session, replace(entry, event="corrected") if corrected else entry)
    for id in others:
        # Before: the same facts, but an entry was still waiting.
        entry = _entry(id, versions[id], replace(after[id], has_unresolved=True), after[id])
        log.record(session, replace(entry, event="linked", changed_fields=("related",)))


def _versions(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for i in range(0, len(ids), CHUNK):
        rows = connection.execute(select(A.c.id, A.c.version).where(A.c.id.in_(ids[i : i + CHUNK])))
        found |= {row[0]: row[1] for row in rows}
    return found


def _entry(id: int, version: int, before: Facts | None, after: Facts, fields: Sequence[str] = ()) -> log.Entry:
    was, is_ = before is not None and before.status == "published", after.status == "published"
    event = "published" if is_ and not was else "withdrawn" if was and not is_ else "updated"
    links = {name for name in ("tags", "regions") if before and getattr(before, name) != getattr(after, name)}
    if "authors" in fields and "tags" not in fields:
        links -= {"tags"}  # contributors are tags to the facts
    return log.Entry(
        "article",
        id,
        event,
        public=was or is_,
        version=version,
        changed_fields=tuple(sorted({*fields, *links})),
        before=facts.for_log(before) if before else None,
        after=facts.for_log(after),
    )
