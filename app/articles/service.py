"""Brings articles in: one way for every door, in sets. Plain functions, session first; never commits.

Each change is recorded for the log beside the fact, and related posts are linked and unlinked in the same transaction.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select
from sqlmodel import Session

from app import text
from app.articles import originals, partial, saving, suggested
from app.articles.columns import EXISTING, Existing, Saving
from app.articles.manuscript import Manuscript, Original
from app.articles.saving import Batch, Outcome, Saved
from app.articles.states import AT_ONCE, go_live, withdraw
from app.errors import ExternalIdTaken
from app.models import Article, table

__all__ = ["AT_ONCE", "Outcome", "Saved", "create", "go_live", "strangers", "upsert", "withdraw", "would_be"]

A = table(Article)

SHARED = 0.15
"""Of the longer words: unrelated articles in one language share about a twentieth, an edited one most."""

Key = tuple[str, str | int]


def create(session: Session, manuscript: Manuscript, *, now: int, site_url: str, by: str | None = None) -> Saved:
    """One new article. SlugTaken where a given slug is not free, ExternalIdTaken where its identity is known."""
    if manuscript.identity and _existing(session.connection(), [manuscript]):
        raise ExternalIdTaken(manuscript.external_id or manuscript.identity)
    return saving.save(session, Batch([manuscript], [None], strict=True), Saving(now, by, site_url))[0]


def upsert(
    session: Session, manuscripts: Sequence[Manuscript], *, now: int, site_url: str, by: str | None = "import"
) -> list[Saved]:
    """Creates or updates by (origin, identity), in the order given; an equal content hash changes nothing. Rows of a
    table change of known articles only what the table has columns for.

    Of several with the same identity in one call the last one counts, as if they had come one after the other.
    """
    how = Saving(now, by, site_url)
    rows = {i: partial.merge(session, m, how) for i, m in enumerate(manuscripts) if m.given is not None}
    merged = {i: saved for i, saved in rows.items() if saved is not None}
    whole = [m for i, m in enumerate(manuscripts) if i not in merged]
    written = iter(_upsert(session, whole, how) if whole else ())
    return [merged[i] if i in merged else next(written) for i in range(len(manuscripts))]


def _upsert(session: Session, manuscripts: Sequence[Manuscript], how: Saving) -> list[Saved]:
    last = {_identity(m, i): m for i, m in enumerate(manuscripts)}
    existing = _existing(session.connection(), list(last.values()), lock=True)
    same = {key: e for key, e in existing.items() if e.content_hash == last[key].content_hash}
    pending = {key: m for key, m in last.items() if key not in same}
    there = {Original(m.origin, m.slug) for m in pending.values() if m.slug}
    saved: dict[Key, Saved] = {}
    for later in (False, True):  # translations behind the originals that come with them
        part = {key: m for key, m in pending.items() if (m.original in there) == later}
        saved |= _save(session, part, existing, how)
    saved |= {key: Saved(e.id, e.version, "unchanged") for key, e in same.items()}
    return [saved[_identity(m, i)] for i, m in enumerate(manuscripts)]


def _save(
    session: Session, pending: Mapping[Key, Manuscript], existing: Mapping[Key, Existing], how: Saving
) -> dict[Key, Saved]:
    if not pending:
        return {}
    old = [existing.get(key) for key in pending]
    manuscripts = originals.resolved(session.connection(), list(pending.values()))
    batch = Batch(suggested.settled(session.connection(), manuscripts, old), old)
    saved = saving.save(session, batch, how)
    originals.settle(session, {one.id: m for one, m in zip(saved, manuscripts, strict=True)}, how)
    return dict(zip(pending, saved, strict=True))


def strangers(connection: Connection, manuscripts: Sequence[Manuscript]) -> dict[tuple[str, str], str]:
    """Articles known by their file's name alone that a manuscript of the same name shares nothing with: neither slug
    nor title, nor its longer words. (origin, identity) → the known article's title."""
    by_path = {
        (m.origin, m.identity): m for m in manuscripts if m.identity is not None and m.identity.startswith("path:")
    }
    found: dict[tuple[str, str], str] = {}
    for (origin, identity), manuscript in by_path.items():
        known = select(A.c.title, A.c.slug, A.c.body, A.c.content_hash).where(
            A.c.origin == origin, A.c.identity == identity
        )
        row = connection.execute(known).first()
        if row is None or row.content_hash == manuscript.content_hash:
            continue
        old, new = _long_words(row.body), _long_words(manuscript.body)
        same_name = text.words_key(row.title) == text.words_key(manuscript.title) or row.slug == manuscript.slug
        if not same_name and len(old & new) <= SHARED * min(len(old), len(new)):
            found[(origin, identity)] = row.title
    return found


def _long_words(body: str) -> set[str]:
    """Of five letters and more: the short ones are in every article."""
    return {word for word in text.words(body) if len(word) >= 5}


def would_be(connection: Connection, manuscripts: Sequence[Manuscript]) -> list[Outcome]:
    """What `upsert` would do with each, without doing it."""
    existing = _existing(connection, manuscripts)
    outcomes: list[Outcome] = []
    for i, manuscript in enumerate(manuscripts):
        changes = partial.would_change(connection, manuscript) if manuscript.given is not None else None
        if changes is not None:
            outcomes.append("updated" if changes else "unchanged")
            continue
        old = existing.get(_identity(manuscript, i))
        same = old is not None and old.content_hash == manuscript.content_hash
        outcomes.append("unchanged" if same else "created" if old is None else "updated")
    return outcomes


def _identity(manuscript: Manuscript, position: int) -> Key:
    return manuscript.origin, manuscript.identity if manuscript.identity is not None else position


def _existing(connection: Connection, manuscripts: Sequence[Manuscript], *, lock: bool = False) -> dict[Key, Existing]:
    """What is known of the manuscripts' articles. `lock`: on PostgreSQL they stay as they are until the commit; without
    it a withdrawal in between would be overwritten by what stood here before."""
    by_origin: dict[str, list[str]] = {}
    for manuscript in manuscripts:
        if manuscript.identity is not None:
            by_origin.setdefault(manuscript.origin, []).append(manuscript.identity)
    found: dict[Key, Existing] = {}
    for origin, identities in by_origin.items():
        for i in range(0, len(identities), 500):
            known = select(A.c.identity, *EXISTING).where(
                A.c.origin == origin, A.c.identity.in_(identities[i : i + 500])
            )
            if lock:
                known = known.order_by(A.c.id).with_for_update(key_share=True)
            found |= {(origin, row[0]): Existing(*row[1:]) for row in connection.execute(known)}
    return found
