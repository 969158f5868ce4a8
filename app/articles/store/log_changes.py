"""What the log is told of articles: each change with the filterable facts before and after it."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import replace

from sqlalchemy import Connection, select
from sqlmodel import Session

from app.articles.filters import ArticleFacts
from app.articles.store import log_facts
from app.changes import log
from app.models import Article, table

A = table(Article)
CHUNK = 500


def record(
    session: Session,
    ids: Sequence[int],
    before: Mapping[int, ArticleFacts],
    fields: Mapping[int, Sequence[str]],
    linked: Collection[int],
    *,
    corrected: bool = False,
) -> None:
    """A row for each saved article, and a `linked` row for each other article with a related post that found or lost
    its target."""
    connection = session.connection()
    others = sorted(set(linked) - set(ids))
    after = log_facts.load(connection, [*ids, *others])
    versions = _versions(connection, [*ids, *others])
    for id in ids:
        entry = _entry(id, versions[id], before.get(id), after[id], fields.get(id, ()))
        entry = replace(entry, version_before=versions[id] - 1 if id in before else None)
        log.record(session, replace(entry, event="corrected") if corrected else entry)
    for id in others:
        # Not loaded: an entry that waited for whatever comes has found its article.
        was = before.get(id) or replace(after[id], has_unresolved=True)
        entry = _entry(id, versions[id], was, after[id])
        log.record(session, replace(entry, event="linked", changed_fields=("related",)))
    changed = {id for id in ids if _is_public(before.get(id)) != _is_public(after[id])}
    _record_translations(session, sorted(changed), set(ids))


def _is_public(facts: ArticleFacts | None) -> bool:
    return facts is not None and facts.status == "published"


def _record_translations(session: Session, originals: Sequence[int], but: Set[int]) -> None:
    """A `linked` row for each translation of what became public or is so no longer: as filters see it, it has an
    original only while that is public."""
    connection = session.connection()
    translations: dict[int, int] = {}
    for i in range(0, len(originals), CHUNK):
        of = select(A.c.id, A.c.translation_of).where(A.c.translation_of.in_(originals[i : i + CHUNK]))
        translations |= {row[0]: row[1] for row in connection.execute(of) if row[0] not in but}
    after, versions = log_facts.load(connection, list(translations)), _versions(connection, list(translations))
    for id, original in sorted(translations.items()):
        before = replace(after[id], translation_of=None if after[id].translation_of else original)
        entry = _entry(id, versions[id], before, after[id], ["translation_of"])
        log.record(session, replace(entry, event="linked"))


def _versions(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    versions: dict[int, int] = {}
    for i in range(0, len(ids), CHUNK):
        rows = connection.execute(select(A.c.id, A.c.version).where(A.c.id.in_(ids[i : i + CHUNK])))
        versions |= {row[0]: row[1] for row in rows}
    return versions


def _event_of_bin(before: ArticleFacts | None, after: ArticleFacts) -> str:
    was, is_ = before is not None and before.status == "trashed", after.status == "trashed"
    return "trashed" if is_ and not was else "restored" if was and not is_ else "updated"


def _changes_response(before: ArticleFacts | None, after: ArticleFacts) -> bool:
    """Whether readers get another response at an address where nothing is published: 404, 410 or a redirect."""
    was = (before.is_gone, before.replaced_by) if before is not None else (False, None)
    return was != (after.is_gone, after.replaced_by)


def _entry(
    id: int, version: int, before: ArticleFacts | None, after: ArticleFacts, fields: Sequence[str] = ()
) -> log.LogEntry:
    was, is_ = _is_public(before), _is_public(after)
    event = "published" if is_ and not was else "withdrawn" if was and not is_ else _event_of_bin(before, after)
    links = {name for name in ("tags", "regions") if before and getattr(before, name) != getattr(after, name)}
    if "authors" in fields and "tags" not in fields:
        links -= {"tags"}  # contributors are tags to the facts
    return log.LogEntry(
        "article",
        id,
        event,
        public=was or is_ or _changes_response(before, after),
        version=version,
        version_before=version,
        changed_fields=tuple(sorted({*fields, *links})),
        before=log_facts.for_log(before) if before else None,
        after=log_facts.for_log(after),
    )
