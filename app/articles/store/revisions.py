"""Keeps every version of an article that a later one replaces, and reads kept ones. Those of purged articles go too,
and old ones where a setting says so."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import Connection, bindparam, select

from app.articles.store import revision_texts, stored_article
from app.articles.store.revision_texts import COLUMNS, JOINED
from app.articles.store.stored_article import StoredArticle
from app.db.database import Database
from app.db.sql import Prepared, make_insert, prepare, read_into
from app.errors import NotFound
from app.models import Article, Revision, table

A, REVISION = table(Article), table(Revision)


def save_current(connection: Connection, articles: Mapping[int, StoredArticle]) -> None:
    """Writes down the articles as they are now: the transaction is about to replace them."""
    rows = [
        {
            "article_id": id,
            "version": one.columns["version"],
            "saved_at": one.columns["saved_at"],
            "saved_by": one.columns["saved_by"],
            "document": orjson.dumps(one.document()).decode(),
        }
        for id, one in articles.items()
    ]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, REVISION, rows))


def get(connection: Connection, id: int, version: int) -> StoredArticle | None:
    """A kept version; None for the current one, for those that there never were, and for those that are not kept."""
    of = (REVISION.c.article_id == id) & (REVISION.c.version == version)
    row = connection.execute(select(*COLUMNS).select_from(JOINED).where(of)).first()
    return None if row is None else stored_article.from_document(revision_texts.read_text(*row), id, version)


def make_not_found(version: int, current: int) -> NotFound:
    """What is said of a version that is not there, of an article whose current one has this number."""
    if version < current:
        return NotFound(f"Version {version} is not kept any more (DATELINE_REVISIONS_KEPT).")
    return NotFound()


def changed_since(connection: Connection, now: StoredArticle, versions: Collection[int]) -> list[str]:
    """The properties in which an article differs from the newest of some older versions; where none of these is known,
    from the oldest that is kept."""
    since = max((version for version in versions if version < now.columns["version"]), default=0)
    oldest = (
        select(REVISION.c.version, *COLUMNS)
        .select_from(JOINED)
        .where(REVISION.c.article_id == now.columns["id"], REVISION.c.version >= since)
        .order_by(REVISION.c.version)
        .limit(1)
    )
    row = connection.execute(oldest).first()
    if row is None:
        return []
    version, *text = row
    old = stored_article.from_document(revision_texts.read_text(*text), now.columns["id"], version)
    return stored_article.compare(old, now)


@dataclass(frozen=True, slots=True)
class Version:
    """That there is a version, since when, and by whom it was saved."""

    version: int
    saved_at: int
    saved_by: str | None


@lru_cache(maxsize=4)
def _versions(dialect: str) -> Prepared:
    id = bindparam("id", type_=A.c.id.type)
    current = select(A.c.version, A.c.saved_at, A.c.saved_by).where(A.c.id == id)
    kept = select(REVISION.c.version, REVISION.c.saved_at, REVISION.c.saved_by).where(REVISION.c.article_id == id)
    both = current.union_all(kept).subquery()
    return prepare(select(*both.c), dialect)


async def versions(db: Database, id: int) -> list[Version]:
    """All versions of an article, the current one among them, in no order that matters."""
    rows = await db.reader.rows(_versions(db.dialect), {"id": id})
    return read_into(Version, rows)


def documents(connection: Connection, id: int, numbers: Collection[int]) -> dict[int, StoredArticle]:
    """These versions of an article, as far as there are such; the current one as it is stored."""
    of = (REVISION.c.article_id == id) & REVISION.c.version.in_(list(numbers))
    rows = connection.execute(select(REVISION.c.version, *COLUMNS).select_from(JOINED).where(of))
    documents = {
        version: stored_article.from_document(revision_texts.read_text(*text), id, version) for version, *text in rows
    }
    current = stored_article.load(connection, [id]).get(id)
    if current is not None and current.columns["version"] in numbers:
        documents[current.columns["version"]] = current
    return documents
