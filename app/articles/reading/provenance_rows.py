"""What the database says of where articles come from: their origin, the original of a translation, and translations
of an original. Names nothing that is not public."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import and_, literal_column, select

from app.articles.reading.provenance import Edition, Provenance
from app.db.database import Readable
from app.db.sql import AnyOf, Prepared, prepare, read_integer
from app.models import Article, table

A = table(Article)
_PUBLISHED = "'published'"


async def load_provenance(db: Readable, ids: Sequence[int]) -> dict[int, Provenance]:
    """By the article's id; two statements, none without ids."""
    if not ids:
        return {}
    values = {"ids": list(ids)}
    translations: dict[int, list[Edition]] = {}
    for original, *edition in await db.reader.rows(_translations(db.dialect), values):
        translations.setdefault(read_integer(original), []).append(_read_edition(edition))
    sources: dict[int, Provenance] = {}
    for number, origin, *edition in await db.reader.rows(_originals(db.dialect), values):
        id = read_integer(number)
        original = None if edition[0] is None else _read_edition(edition)
        sources[id] = Provenance(str(origin), original, tuple(translations.get(id, ())))
    return sources


def _read_edition(row: Sequence[object]) -> Edition:
    return Edition(read_integer(row[0]), *(str(value) for value in row[1:]))


_COLUMNS = Edition._fields


@lru_cache(maxsize=4)
def _originals(dialect: str) -> Prepared:
    original = A.alias("original")
    columns = [original.c[name].label(f"original_{name}") for name in _COLUMNS]
    public = and_(original.c.id == A.c.translation_of, original.c.status == literal_column(_PUBLISHED))
    statement = select(A.c.id, A.c.origin, *columns).select_from(A.outerjoin(original, public))
    return prepare(statement.where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


@lru_cache(maxsize=4)
def _translations(dialect: str) -> Prepared:
    statement = select(A.c.translation_of, *(A.c[name] for name in _COLUMNS))
    shown = statement.where(AnyOf(A.c.translation_of, "ids"), A.c.status == literal_column(_PUBLISHED))
    return prepare(shown.order_by(A.c.language, A.c.id), dialect, ["ids"])
