"""Finds the articles that imported ones are translations of, by origin and slug, whichever of the two comes first: who
waits for its original is kept until that is there. Plain functions, session first; never commit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, select, update
from sqlmodel import Session

from app.articles.manuscript import Manuscript, Original
from app.articles.store import log_changes, log_facts, revisions, stored_article
from app.articles.store.row_columns import SaveContext
from app.db.sql import make_insert, split_chunks
from app.models import Article, ArticleSlug, AwaitedOriginal, table

A, SLUG, AWAITED = table(Article), table(ArticleSlug), table(AwaitedOriginal)


def resolve_originals(connection: Connection, manuscripts: Sequence[Manuscript]) -> list[Manuscript]:
    """With the originals that are there already."""
    slugs = sorted({m.original.slug for m in manuscripts if m.original is not None})
    there: dict[Original | None, int] = {}
    for some in split_chunks(slugs):
        statement = select(A.c.origin, SLUG.c.slug, A.c.id).join(SLUG, SLUG.c.article_id == A.c.id)
        for origin, slug, id in connection.execute(statement.where(SLUG.c.slug.in_(some))):
            there[Original(origin, slug)] = id
    return [replace(m, translation_of=there[m.original]) if m.original in there else m for m in manuscripts]


def link_translations(session: Session, saved: Mapping[int, Manuscript], saving: SaveContext) -> None:
    """After articles were saved: those without their original wait for it, and those that have waited for one of these
    become its translations, with a new version."""
    connection = session.connection()
    for ids in split_chunks([id for id, m in saved.items() if m.said is None or "original" in m.said]):
        connection.execute(delete(AWAITED).where(AWAITED.c.article_id.in_(ids)))
    rows = [
        {"article_id": id, "origin": m.original.origin, "slug": m.original.slug}
        for id, m in saved.items()
        if m.original is not None and m.translation_of is None
    ]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, AWAITED, rows))
    if connection.execute(select(AWAITED.c.article_id).limit(1)).first() is not None:
        _link(session, _find_waiting(connection, list(saved)), saving)


def _find_waiting(connection: Connection, saved: Sequence[int]) -> dict[int, int]:
    """Of those that wait: translation → original among `saved`."""
    pairs = (
        select(AWAITED.c.article_id, A.c.id)
        .join(SLUG, SLUG.c.slug == AWAITED.c.slug)
        .join(A, (A.c.id == SLUG.c.article_id) & (A.c.origin == AWAITED.c.origin) & (A.c.id != AWAITED.c.article_id))
    )
    return {
        translation: original
        for ids in split_chunks(saved)
        for translation, original in connection.execute(pairs.where(A.c.id.in_(ids)))
    }


def _link(session: Session, pairs: Mapping[int, int], saving: SaveContext) -> None:
    connection, ids = session.connection(), sorted(pairs)
    if not ids:
        return
    connection.execute(select(A.c.id).where(A.c.id.in_(ids)).order_by(A.c.id).with_for_update(key_share=True))
    before = log_facts.load(connection, ids)
    revisions.save_current(connection, stored_article.load(connection, ids))
    moved = {"version": A.c.version + 1, "updated_at": saving.now, "saved_at": saving.now, "saved_by": saving.by}
    for id in ids:
        connection.execute(update(A).where(A.c.id == id).values(translation_of=pairs[id], **moved))
    connection.execute(delete(AWAITED).where(AWAITED.c.article_id.in_(ids)))
    log_changes.record(session, ids, before, {id: ["translation_of"] for id in ids})
