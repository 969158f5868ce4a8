"""Puts many articles back to older versions at once, as a new version of each: texts, links, state, dates and slug.

What the public has seen stays known (`first_published_at`, `public_once`), and old slugs keep leading. Plain functions,
session first; never commit.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, tuple_, update
from sqlmodel import Session

from app.articles.manuscript import Manuscript, Withdrawal
from app.articles.store import authorship, revision_texts, saving, stored_article
from app.articles.store.revision_texts import COLUMNS, JOINED
from app.articles.store.row_columns import ExistingRow, SaveContext
from app.articles.store.stored_article import StoredArticle
from app.models import Article, Revision, table
from app.regions import service as regions
from app.regions.atlas import Atlas

A, REVISION = table(Article), table(Revision)


def restore(
    session: Session, current: Mapping[int, StoredArticle], versions: Mapping[int, int], how: SaveContext
) -> set[int]:
    """Those that were put back, by id; their rows are held. Not those of which the older version is not kept."""
    connection = session.connection()
    known = _load(connection, versions)
    if not known:
        return set()
    atlas = regions.atlas(connection)
    ids = sorted(known)
    olds = [known[id][0] for id in ids]
    written = [
        _complete(one, old, atlas)
        for one, old in zip(stored_article.make_manuscripts(connection, olds), olds, strict=True)
    ]
    existing = [_restore_dates(current[id].existing_row, old) for id, old in zip(ids, olds, strict=True)]
    saving.save(session, saving.Batch(written, existing, strict=True), how)
    signed = [{"of": id, "by": _sign(known[id][1], versions[id])} for id in ids]
    connection.execute(update(A).where(A.c.id == bindparam("of")).values(saved_by=bindparam("by")), signed)
    return set(ids)


def _load(connection: Connection, versions: Mapping[int, int]) -> dict[int, tuple[StoredArticle, str | None]]:
    columns = (REVISION.c.article_id, REVISION.c.version, REVISION.c.saved_by, *COLUMNS)
    of = tuple_(REVISION.c.article_id, REVISION.c.version).in_(list(versions.items()))
    statement = select(*columns).select_from(JOINED).where(of)
    return {
        id: (stored_article.from_document(revision_texts.read_text(*text), id, version), by)
        for id, version, by, *text in (connection.execute(statement) if versions else ())
    }


def _sign(by: str | None, version: int) -> str:
    """What only an undo had hidden is so again: a source that brings it revives it."""
    return authorship.UNDO if by == authorship.UNDO else authorship.sign_restored(version)


def _restore_dates(now: ExistingRow, old: StoredArticle) -> ExistingRow:
    """Saving takes from what is there what a manuscript does not say; an older version says it all, also nothing."""
    said = {name: old.columns[name] for name in ("published_at", "published_precision", "withdrawn_reason")}
    return replace(now, **said)


def _complete(said: Manuscript, old: StoredArticle, atlas: Atlas) -> Manuscript:
    """With what a manuscript of an edit leaves alone, and without regions that are gone meanwhile."""
    columns, dateline = old.columns, said.dateline
    if dateline is not None and dateline.region not in atlas.by_id:
        dateline = replace(dateline, region=None)
    withdrawal = None
    if columns["status"] != "published" and columns["public_once"] and columns["withdrawn_at"] is not None:
        withdrawal = Withdrawal(columns["withdrawn_at"], columns["withdrawn_reason"])
    return replace(
        said,
        corrections=columns["corrections"],
        withdrawal=withdrawal,
        dateline=dateline,
        regions=tuple(row for row in said.regions if row[0] in atlas.by_id),
    )
