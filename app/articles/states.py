"""What changes an article's state without an edit: going live, withdrawal, and removal for good, of one or of what has
been in the bin for long. In sets."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, literal_column, select, update
from sqlmodel import Session

from app.articles.filters import ArticleFacts
from app.articles.idempotency import stored_responses
from app.articles.store import (
    links,
    log_changes,
    log_facts,
    purge,
    revisions,
    source_baselines,
    stored_article,
)
from app.articles.store.authorship import SCHEDULE
from app.articles.store.related import related_links
from app.changes import log
from app.db import audit_rows
from app.db.sql import read_clock
from app.db.sqlite.wal_truncation import request_truncation
from app.models import Article, ArticleSlug, Change, PurgedRef, SearchMatch, table

A, SLUG, PURGED = table(Article), table(ArticleSlug), table(PurgedRef)
CHANGE, MATCH = table(Change), table(SearchMatch)

AT_ONCE = 500
EMPTIED_AT_ONCE = 50
"""Articles that leave the bin in one transaction: each goes with all that belongs to it."""
DAY = 86_400
"""Who saved the version that went live by itself."""


def go_live(session: Session, *, now: int | None = None) -> list[int]:
    """Publishes what is scheduled and due, once, whichever process comes first; returns the articles' ids, at most
    AT_ONCE of them. `now`: another time than the database's."""
    connection = session.connection()
    now = read_clock(connection) if now is None else now
    due = (A.c.status == literal_column("'scheduled'")) & (A.c.published_at <= now)
    next_due = select(A.c.id).where(due).order_by(A.c.published_at, A.c.id).limit(AT_ONCE)
    ids = sorted(connection.execute(next_due.with_for_update(key_share=True)).scalars())
    revisions.save_current(connection, stored_article.load(connection, ids))
    related_links.lock_linking(connection)
    sources = related_links.find_sources(connection, ids)
    before = log_facts.load(connection, [*ids, *sources])
    live = (
        update(A)
        .where(A.c.id.in_(ids))
        .values(
            status="published",
            public_once=True,
            version=A.c.version + 1,
            first_published_at=func.coalesce(A.c.first_published_at, A.c.published_at),
            saved_at=now,
            saved_by=SCHEDULE,
            withdrawn_at=None,
            withdrawn_reason=None,
            replaced_by=None,
        )
    )
    connection.execute(live)
    links.show(connection, ids)
    linked = related_links.link(connection, ids, ids)
    log_changes.record(session, ids, before, {id: ["status"] for id in ids}, {*linked, *sources}, ids)
    return ids


def withdraw(
    session: Session, ids: Sequence[int], *, now: int, reason: str | None = None, by: str | None = None
) -> list[int]:
    """Takes published articles from the public; returns those that were. `reason` is shown to everybody who asks."""
    connection = session.connection()
    shown = A.c.status == literal_column("'published'")
    public = select(A.c.id).where(shown, A.c.id.in_(ids)).order_by(A.c.id)
    withdrawn = list(connection.execute(public.with_for_update(key_share=True)).scalars())
    revisions.save_current(connection, stored_article.load(connection, withdrawn))
    related_links.lock_linking(connection)
    sources = related_links.find_sources(connection, withdrawn)
    before = log_facts.load(connection, [*withdrawn, *sources])
    gone = (
        update(A)
        .where(A.c.id.in_(withdrawn))
        .values(
            status="withdrawn",
            version=A.c.version + 1,
            updated_at=now,
            withdrawn_at=now,
            withdrawn_reason=reason,
            saved_at=now,
            saved_by=by,
        )
    )
    connection.execute(gone)
    links.hide(connection, withdrawn)
    fields = {id: ["status"] for id in withdrawn}
    log_changes.record(session, withdrawn, before, fields, sources, withdrawn)
    return withdrawn


def empty_bin(session: Session, days: int, *, now: int | None = None) -> list[int]:
    """Removes for good what has been in the bin for so many days, whichever process comes first; returns the articles'
    ids, at most EMPTIED_AT_ONCE of them. `now`: another time than the database's."""
    connection = session.connection()
    now = read_clock(connection) if now is None else now
    old = (A.c.status == literal_column("'trashed'")) & (A.c.trashed_at <= now - days * DAY)
    oldest = select(A.c.id).where(old).order_by(A.c.trashed_at, A.c.id).limit(EMPTIED_AT_ONCE)
    # Another process may be at the same ones: of these its lock is not waited for.
    ids = sorted(connection.execute(oldest.with_for_update(skip_locked=True)).scalars())
    for id in ids:
        remove(session, id, now=now, by=SCHEDULE)
        stored_responses.delete_responses_of(session, id)
    return ids


def remove(session: Session, id: int, *, now: int, by: str | None) -> int:
    """Takes an article out of the archive with its versions, links and addresses. Nothing is left but that its id and
    slugs were public, where they were, and a hash of its identity; the log forgets what it knew of it. The caller holds
    the article's row; returns its last version."""
    connection = session.connection()
    version, public, status, origin, identity, created_at = connection.execute(
        select(A.c.version, A.c.public_once, A.c.status, A.c.origin, A.c.identity, A.c.created_at).where(A.c.id == id)
    ).one()
    own = log_facts.load(connection, [id])[id]
    for name in ("translation_of", "replaced_by"):
        _let_go(session, name, own, now=now, by=by)
    audit_rows.forget_article(session, id)
    purge.forget_traces(session, id)
    request_truncation(session)
    related_links.lock_linking(connection)
    if public:
        slugs = connection.execute(select(SLUG.c.slug).where(SLUG.c.article_id == id)).scalars().all()
        refs = {str(id), *map(purge.hash_ref, slugs)}
        known = set(connection.execute(select(PURGED.c.ref).where(PURGED.c.ref.in_(refs))).scalars())
        connection.execute(insert(PURGED), [{"ref": ref} for ref in refs - known])
    sources = related_links.find_sources(connection, [id])
    shown = sources if status == "published" else []
    before = log_facts.load(connection, shown)
    related_links.release_targets(connection, [id])
    if identity is not None:
        source_baselines.purge(connection, origin, identity)
    source_baselines.purge(connection, *source_baselines.row_identity(id, created_at))
    connection.execute(delete(MATCH).where(MATCH.c.article_id == id))
    connection.execute(delete(A).where(A.c.id == id))
    linked = related_links.link(connection, sources, [])
    of = (CHANGE.c.entity == literal_column("'article'")) & (CHANGE.c.entity_id == id)
    connection.execute(update(CHANGE).where(of).values(before=None, after=None))
    log.record(session, log.LogEntry("article", id, "purged", public=public, version=version))
    turned = [id] if status == "published" else []
    log_changes.record(session, [], before, {}, {*linked, *shown}, turned, removed=own)
    return int(version)


def _let_go(session: Session, name: str, own: ArticleFacts, *, now: int, by: str | None) -> None:
    """Translations of an article that goes are originals from now on, and what it replaces is replaced by nothing."""
    connection = session.connection()
    naming = select(A.c.id).where(A.c[name] == own.id).order_by(A.c.id)
    ids = list(connection.execute(naming.with_for_update(key_share=True)).scalars())
    if not ids:
        return
    before = log_facts.load(connection, ids)
    revisions.save_current(connection, stored_article.load(connection, ids))
    alone = {name: None, "version": A.c.version + 1, "updated_at": now, "saved_at": now, "saved_by": by}
    connection.execute(update(A).where(A.c.id.in_(ids)).values(alone))
    log_changes.record(session, ids, before, {id: [name] for id in ids}, removed=own)
