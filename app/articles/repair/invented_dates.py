"""Dates that earlier versions made up: an import without a date published its articles at the second of its run. Finds
them, and takes the date away where a person says so. Never runs by itself."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, select, update
from sqlmodel import Session

from app.articles.store import links, log_changes, log_facts, revisions, stored_article
from app.articles.store.related import related_links
from app.models import Article, table

A = table(Article)
AT_ONCE = 500


class Suspect(NamedTuple):
    """An article of an import whose date is the second in which it was made here."""

    id: int
    slug: str
    title: str
    published_at: int


_SUSPECT = and_(
    A.c.status.in_(("published", "withdrawn")),
    A.c.published_at == A.c.created_at,
    A.c.published_precision == "instant",
    A.c.content_hash != "",  # only imports leave one
)


def count(connection: Connection) -> int:
    total: int = connection.execute(select(func.count()).select_from(A).where(_SUSPECT)).scalar_one()
    return total


def find(connection: Connection) -> list[Suspect]:
    """By id."""
    columns = (A.c[name] for name in Suspect._fields)
    return [Suspect(*row) for row in connection.execute(select(*columns).where(_SUSPECT).order_by(A.c.id))]


def take_away(session: Session, ids: Sequence[int], *, now: int, by: str) -> list[int]:
    """Leaves at most AT_ONCE of these articles without a date, as a version of their own; returns those that still had
    the one of their import."""
    connection = session.connection()
    rows = select(A.c.id).where(_SUSPECT, A.c.id.in_(ids)).order_by(A.c.id).with_for_update(key_share=True)
    suspects = list(connection.execute(rows).scalars())
    revisions.save_current(connection, stored_article.load(connection, suspects))
    related_links.lock_linking(connection)
    before = log_facts.load(connection, suspects)
    undated = {
        "published_at": None,
        "first_published_at": case((A.c.first_published_at != A.c.published_at, A.c.first_published_at)),
        "version": A.c.version + 1,
        "updated_at": now,
        "saved_at": now,
        "saved_by": by,
    }
    connection.execute(update(A).where(A.c.id.in_(suspects)).values(undated))
    links.show(connection, [id for id in suspects if before[id].status == "published"])
    log_changes.record(session, suspects, before, {id: ["published_at"] for id in suspects})
    return suspects
