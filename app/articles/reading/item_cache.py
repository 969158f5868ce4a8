"""One article in full: what one statement reads of it, and items as they were sent last, from memory.

What an item shows may change without its version: a related post finds its article, that is withdrawn, an original
becomes public. So what is remembered is good for as long as the database says the same of all that can change by
itself, its `state`, which one small statement reads, unless nothing was committed since it did. The rest is told by
versions and by `names_seq`.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from sys import getsizeof
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, select

from app.articles.reading import card_cache, queries
from app.db.database import Database, Row
from app.db.log_position import LogHead
from app.db.sql import AnySelect, Prepared, aggregate_rows, prepare
from app.http.conditional import RenderedResponse
from app.models import Article, ArticleSlug, RelatedPost, table

A, SLUG, RELATED = table(Article), table(ArticleSlug), table(RelatedPost)
MOST_BYTES = 5_000_000
OVERHEAD = 3_000
"""Bytes that an entry takes beside what it shows and its state: its key, its headers, and the objects around them."""


@dataclass(frozen=True, slots=True)
class Item:
    """A response, the names of what is in it, as Cache-Tag has them, what the database said when it was made, and the
    head of the log under which it has said so last."""

    response: RenderedResponse
    names: str
    state: Row
    head: LogHead | None = None


@dataclass(slots=True)
class Items:
    """The most recently used items of this process by what was asked for, bounded in bytes."""

    most: int = MOST_BYTES
    held: int = 0
    _kept: OrderedDict[Hashable, tuple[Item, int]] = field(default_factory=OrderedDict)  # with its size

    def get(self, key: Hashable) -> Item | None:
        """Good only if the article's state is still the same."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        self._kept.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, item: Item) -> None:
        """Forgets who was not asked for longest; what is larger than a hundredth of the room is not kept at all."""
        before, size = self._kept.pop(key, None), _size(item)
        self.held -= before[1] if before is not None else 0
        if size > self.most // 100:
            return
        self._kept[key] = item, size
        self.held += size
        while self.held > self.most:
            _, (_, oldest) = self._kept.popitem(last=False)
            self.held -= oldest


def _size(item: Item) -> int:
    # Of a text the bytes in memory: one emoji makes all of its characters four bytes long.
    # The names are in two headers, each as itself and as a line.
    return len(item.response.body) + 5 * len(item.names) + sum(map(getsizeof, item.state)) + OVERHEAD


class ItemRow(NamedTuple):
    """All that the database says of one article: its state, which begins with what was found, a row for its card, its
    body."""

    article: queries.ArticleRef
    state: Row
    card: Row
    body: str

    @property
    def original_status(self) -> object:
        """Of the article that this one is a translation of; None where it is of none."""
        return self.state[_ORIGINAL]

    def related_rows(self) -> list[queries.RelatedRow]:
        """The editors' entries, in their order."""
        return [queries.RelatedRow(*row) for row in orjson.loads(str(self.state[_POSTS]))]


_ORIGINAL, _POSTS = len(queries.FOUND), len(queries.FOUND) + 1
_STATE = len(queries.FOUND) + 2
_RELATED = ("article_id", "position", "title", "url", "unlinked", "target_id")
_TARGET = ("version", "status", "public_once", "title")


@lru_cache(maxsize=4)
def _statement(dialect: str, by: queries.By, *, whole: bool) -> Prepared:
    """A row: the article's columns as of `FOUND`, the state of the original that it is a translation of, its related
    posts as JSON rows with what their targets and the originals of those say; `whole` goes on with what its card is
    made of, and its body."""
    own, target, original = A.alias("own_original"), A.alias("target"), A.alias("target_original")
    posts = (
        select(
            *(RELATED.c[name].label(f"post_{name}") for name in _RELATED),
            *(target.c[name].label(f"target_{name}") for name in _TARGET),
            original.c.status.label("original_status"),
        )
        .select_from(
            RELATED.outerjoin(target, target.c.id == RELATED.c.target_id).outerjoin(
                original, original.c.id == target.c.translation_of
            )
        )
        .where(RELATED.c.article_id == A.c.id)
        .order_by(RELATED.c.position)
        .correlate(A)
        .subquery()
    )
    more = [*card_cache.columns(), A.c.body] if whole else []
    statement: AnySelect = select(*queries.FOUND, own.c.status, aggregate_rows(posts), *more)
    joined = (card_cache.CARDED if whole else A).outerjoin(own, own.c.id == A.c.translation_of)
    if by == "id":
        statement = statement.select_from(joined).where(A.c.id == bindparam("ref", type_=A.c.id.type))
    else:
        by_slug = SLUG.c.slug == bindparam("ref", type_=SLUG.c.slug.type)
        statement = statement.select_from(joined.join(SLUG, SLUG.c.article_id == A.c.id)).where(by_slug)
    return prepare(statement, dialect)


async def state(db: Database, ref: str) -> Row | None:
    """By id (digits only) or by any slug that it has or had."""
    return await _row(db, ref, whole=False)


async def find(db: Database, ref: str) -> ItemRow | None:
    """The same, and all that is shown of the article; one statement."""
    row = await _row(db, ref, whole=True)
    if row is None:
        return None
    return ItemRow(queries.ArticleRef._make(row[: len(queries.FOUND)]), row[:_STATE], row[_STATE:-1], str(row[-1]))


async def _row(db: Database, ref: str, *, whole: bool) -> Row | None:
    name = queries.parse_ref(ref)
    rows = await db.reader.rows(_statement(db.dialect, name[0], whole=whole), {"ref": name[1]}) if name else []
    return rows[0] if rows else None
