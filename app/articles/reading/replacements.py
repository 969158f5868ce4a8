"""Which article readers are sent to instead of one that is gone, and what stands against it. Reads only.

Only a published article replaces another, and one that is published is replaced by none: so no chain of redirects can
be a circle, and none is longer than one step.
"""

from collections.abc import Collection
from functools import lru_cache

from sqlalchemy import Connection, literal_column, select

from app.db.database import Database
from app.db.sql import AnyOf, Prepared, prepare, read_integer
from app.models import Article, table

A = table(Article)
MOST_STEPS = 50
"""How far a chain is followed to tell a circle from another hidden article."""
MISSING = "There is no article {!r}."


def find_obstacle(connection: Connection, own: int, target: int) -> str | None:
    """Why `target` cannot replace the article `own`; None where it can. The target's row is locked until the commit:
    nobody withdraws it meanwhile."""
    if target == own:
        return "An article does not replace itself."
    locked = select(A.c.status).where(A.c.id == target).with_for_update(read=True)
    status = connection.execute(locked).scalar()
    if status is None:
        return MISSING.format(str(target))
    if status == "published":
        return None
    if _leads_to(connection, target, own):
        return "That article is replaced by this one: they would lead to each other."
    return "Only a published article can replace another, and that one is not public."


def _leads_to(connection: Connection, start: int, end: int) -> bool:
    at: int | None = start
    for _ in range(MOST_STEPS):
        at = connection.execute(select(A.c.replaced_by).where(A.c.id == at)).scalar()
        if at is None or at == end:
            return at is not None
    return False


async def find_slug(db: Database, id: int | None) -> str | None:
    """The slug of the article that replaces another; None while it is not public."""
    return None if id is None else (await find_slugs(db, [id])).get(id)


async def find_slugs(db: Database, ids: Collection[int]) -> dict[int, str]:
    """The slugs of those of the articles that are public."""
    rows = await db.reader.rows(_public_slugs(db.dialect), {"ids": sorted(ids)}) if ids else []
    return {read_integer(id): str(slug) for id, slug in rows}


@lru_cache(maxsize=4)
def _public_slugs(dialect: str) -> Prepared:
    public = A.c.status == literal_column("'published'")
    return prepare(select(A.c.id, A.c.slug).where(AnyOf(A.c.id, "ids"), public), dialect, ["ids"])
