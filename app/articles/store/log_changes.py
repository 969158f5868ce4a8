"""What the log is told of articles: each change with the filterable facts before and after it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from sqlalchemy import literal_column, not_, select, union_all
from sqlmodel import Session

from app.articles.filters import BITS, ArticleFacts
from app.articles.store import log_facts
from app.changes import log
from app.db.sql import AnyOf
from app.models import Article, Suggestion, table

A, SUGGESTED = table(Article), table(Suggestion)
Link = Literal["translation_of", "copy_of"]
_HAS: Mapping[Link, str] = {"translation_of": "translation", "copy_of": "copy"}
"""What an article says of another one, and what that other one has then."""
_copies = SUGGESTED.c.kind == literal_column("'duplicate'")
_LINKED = union_all(
    select(A.c.id, A.c.translation_of, literal_column("'translation_of'")).where(
        AnyOf(A.c.translation_of, "originals")
    ),
    select(SUGGESTED.c.article_id, SUGGESTED.c.target_id, literal_column("'copy_of'")).where(
        _copies, AnyOf(SUGGESTED.c.target_id, "originals")
    ),
)
"""Articles that say so of one of the originals: rows of article, original and Link."""
_public = A.c.status == literal_column("'published'"), not_(AnyOf(A.c.id, "saved"))
_SIBLINGS = union_all(
    select(A.c.translation_of, literal_column("'translation_of'")).where(
        AnyOf(A.c.translation_of, "originals"), *_public
    ),
    select(SUGGESTED.c.target_id, literal_column("'copy_of'"))
    .join(A, A.c.id == SUGGESTED.c.article_id)
    .where(_copies, AnyOf(SUGGESTED.c.target_id, "originals"), *_public),
)
"""Of which of the originals public articles say so beside the saved ones: rows of original and Link."""


def record(
    session: Session,
    ids: Sequence[int],
    before: Mapping[int, ArticleFacts],
    fields: Mapping[int, Sequence[str]],
    linked: Collection[int] = (),
    turned: Collection[int] = (),
    corrections: str | None = None,
    removed: ArticleFacts | None = None,
) -> None:
    """A row for each saved article, a corrected one where `corrections` are what readers are told of it now; and a
    `linked` row for each other article with a related post that found or lost its target. `turned` are the saved ones
    that became public or are so no longer: their translations and copies get `linked` rows too, because as filters see
    it they have an original only while that is public. So do the originals of saved ones, and of a `removed` one, that
    have their first of these now, or the last no more."""
    connection, saved = session.connection(), set(ids)
    others = sorted(set(linked) - saved)
    derived: dict[int, dict[Link, int]] = defaultdict(dict)
    for id, original, link in connection.execute(_LINKED, {"originals": sorted(turned)}) if turned else ():
        if id not in saved:
            derived[id][link] = original
    asked = {"ids": list(dict.fromkeys((*ids, *others, *derived)))}
    tagged, placed, articles = (connection.execute(one, asked).all() for one in log_facts.STATEMENTS)
    after, versions = log_facts.make_facts(tagged, placed, articles), {row.id: row.version for row in articles}
    for id in ids:
        entry = _entry(id, versions[id], before.get(id), after[id], fields.get(id, ()))
        entry = replace(entry, version_before=versions[id] - 1 if id in before else None)
        log.record(session, replace(entry, event="corrected") if corrections is not None else entry)
    for id in others:
        # Not loaded: an entry that waited for whatever comes has found its article.
        was = before.get(id) or replace(after[id], has=after[id].has | BITS["unresolved"])
        entry = _entry(id, versions[id], was, after[id])
        log.record(session, replace(entry, event="linked", changed_fields=("related",)))
    for id, links in sorted(derived.items()):
        entry = _entry(id, versions[id], _toggle_links(after[id], links), after[id], [*links])
        log.record(session, replace(entry, event="linked"))
    known = {**before, removed.id: removed} if removed is not None else before
    _record_originals(session, known, {id: after[id] for id in ids}, removed)


def record_copy(session: Session, before: ArticleFacts) -> None:
    """A row for an article that is taken for a copy of another one than before, or of none, though no property of it
    changes; and one for each original that has its first copy by it, or the last no more. Nothing where no filter
    tells."""
    connection, id = session.connection(), before.id
    after = log_facts.load(connection, [id])[id]
    if after == before:
        return
    version = connection.execute(select(A.c.version).where(A.c.id == id)).scalar_one()
    log.record(session, replace(_entry(id, version, before, after, ["copy_of"]), event="linked"))
    _record_originals(session, {id: before}, {id: after}, None)


def _toggle_links(facts: ArticleFacts, links: Mapping[Link, int]) -> ArticleFacts:
    """As they were before these originals came or went."""
    return replace(
        facts,
        translation_of=_toggle(facts.translation_of, links.get("translation_of")),
        copy_of=_toggle(facts.copy_of, links.get("copy_of")),
    )


def _toggle(now: int | None, original: int | None) -> int | None:
    return now if original is None else None if now else original


def _record_originals(
    session: Session,
    before: Mapping[int, ArticleFacts],
    after: Mapping[int, ArticleFacts],
    leaving: ArticleFacts | None,
) -> None:
    """A row for each article that has its first translation or copy now, or its last one no more."""
    ids = {*after, *([leaving.id] if leaving is not None else [])}
    had, moved = set[tuple[int, Link]](), set[tuple[int, Link]]()
    for id in ids:
        for link in _HAS:
            old, new = _find_original(before.get(id), link), _find_original(after.get(id), link)
            had |= {(old, link)} if old is not None else set()
            moved |= {(one, link) for one in (old, new) if one is not None and old != new}
    originals = sorted({original for original, _ in moved} - ids)
    if not originals:
        return
    connection = session.connection()
    had |= {(row[0], row[1]) for row in connection.execute(_SIBLINGS, {"originals": originals, "saved": sorted(ids)})}
    asked = {"ids": originals}
    tagged, placed, articles = (connection.execute(one, asked).all() for one in log_facts.STATEMENTS)
    facts, versions = log_facts.make_facts(tagged, placed, articles), {row.id: row.version for row in articles}
    for id, now in facts.items():
        bits = {BITS[_HAS[link]]: (id, link) in had for link in _HAS if (id, link) in moved}
        was = now.has & ~sum(bits) | sum(bit for bit, is_set in bits.items() if is_set)
        if now.status == "published" and was != now.has:
            entry = _entry(id, versions[id], replace(now, has=was), now)
            log.record(session, replace(entry, event="linked"))


def _find_original(facts: ArticleFacts | None, link: Link) -> int | None:
    """Of what is public: nothing else counts."""
    if facts is None or facts.status != "published":
        return None
    return facts.translation_of if link == "translation_of" else facts.copy_of


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
