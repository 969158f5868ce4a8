"""What the log is told of articles: each change with the filterable facts before and after it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlmodel import Session

from app.articles.filters import ArticleFacts
from app.articles.store import log_facts
from app.changes import log
from app.db.sql import AnyOf
from app.models import Article, table

A = table(Article)
_TRANSLATIONS = select(A.c.id, A.c.translation_of).where(AnyOf(A.c.translation_of, "originals"))


def record(
    session: Session,
    ids: Sequence[int],
    before: Mapping[int, ArticleFacts],
    fields: Mapping[int, Sequence[str]],
    linked: Collection[int] = (),
    turned: Collection[int] = (),
    corrections: str | None = None,
) -> None:
    """A row for each saved article, a corrected one where `corrections` are what readers are told of it now; and a
    `linked` row for each other article with a related post that found or lost its target. `turned` are the saved ones
    that became public or are so no longer: their translations get `linked` rows too, because as filters see it they
    have an original only while that is public."""
    connection, saved = session.connection(), set(ids)
    others = sorted(set(linked) - saved)
    rows = connection.execute(_TRANSLATIONS, {"originals": sorted(turned)}) if turned else ()
    translations = {id: original for id, original in rows if id not in saved}
    asked = {"ids": list(dict.fromkeys((*ids, *others, *translations)))}
    tagged, placed, articles = (connection.execute(one, asked).all() for one in log_facts.STATEMENTS)
    after, versions = log_facts.make_facts(tagged, placed, articles), {row.id: row.version for row in articles}
    for id in ids:
        entry = _entry(id, versions[id], before.get(id), after[id], fields.get(id, ()))
        entry = replace(entry, version_before=versions[id] - 1 if id in before else None)
        log.record(session, replace(entry, event="corrected") if corrections is not None else entry)
    for id in others:
        # Not loaded: an entry that waited for whatever comes has found its article.
        was = before.get(id) or replace(after[id], has_unresolved=True)
        entry = _entry(id, versions[id], was, after[id])
        log.record(session, replace(entry, event="linked", changed_fields=("related",)))
    for id, original in sorted(translations.items()):
        was = replace(after[id], translation_of=None if after[id].translation_of else original)
        entry = _entry(id, versions[id], was, after[id], ["translation_of"])
        log.record(session, replace(entry, event="linked"))


def _is_public(facts: ArticleFacts | None) -> bool:
    return facts is not None and facts.status == "published"


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
