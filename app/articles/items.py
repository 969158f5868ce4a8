"""Items as they were answered last, from memory: an article in full with its related posts, and what it names.

What an item shows may change without its version: a related post finds its article, that is withdrawn, an original
becomes public. So an item is kept by everything that the database says of it and that can change by itself, which one
statement reads. The rest is told by versions and by `names_seq`. Never served by id alone.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

import orjson
from sqlalchemy import bindparam, select

from app.articles import queries
from app.articles.queries import FOUND, By, Found, RelatedRow
from app.db import Database, Row
from app.models import Article, ArticleSlug, RelatedPost, table
from app.sql import AnySelect, Prepared, prepare

A, SLUG, RELATED = table(Article), table(ArticleSlug), table(RelatedPost)
MOST_BYTES = 8_000_000
OVERHEAD = 600
"""Bytes that an entry takes beside what it shows: its key and the objects around it."""


@dataclass(frozen=True, slots=True)
class Item:
    """An answer: the article's JSON, its entity tag, and the names of what is in it, as Cache-Tag has them."""

    body: bytes
    etag: str
    names: str


@dataclass(slots=True)
class Items:
    """The most recently used items of this process, bounded in bytes."""

    most: int = MOST_BYTES
    held: int = 0
    _kept: OrderedDict[Hashable, Item] = field(default_factory=OrderedDict)

    def get(self, key: Hashable) -> Item | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Hashable, item: Item) -> None:
        """Forgets who was not asked for longest; what is larger than a hundredth of the room is not kept at all."""
        size = _size(item)
        if size > self.most // 100 or key in self._kept:
            return
        self._kept[key] = item
        self.held += size
        while self.held > self.most:
            _, oldest = self._kept.popitem(last=False)
            self.held -= _size(oldest)


def _size(item: Item) -> int:
    return len(item.body) + len(item.names) + OVERHEAD


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of an article: `state`, 16 bytes, changes whenever its item does for another reason than
    names."""

    found: Found
    related: Sequence[RelatedRow]
    state: bytes


_RELATED = ("article_id", "position", "title", "url", "unlinked", "target_id")
_TARGET = ("version", "status", "public_once", "title")


@lru_cache(maxsize=4)
def _statement(dialect: str, by: By) -> Prepared:
    """A row for each related post, one without where there are none: the article's columns, those of the post and its
    target, and the states of the originals that the article and the target are translations of."""
    target, own, original = A.alias("target"), A.alias("own_original"), A.alias("target_original")
    found: AnySelect = select(
        *FOUND,
        *(RELATED.c[name] for name in _RELATED),
        *(target.c[name] for name in _TARGET),
        own.c.status,
        original.c.status,
    )
    joined = (
        A.outerjoin(own, own.c.id == A.c.translation_of)
        .outerjoin(RELATED, RELATED.c.article_id == A.c.id)
        .outerjoin(target, target.c.id == RELATED.c.target_id)
        .outerjoin(original, original.c.id == target.c.translation_of)
    )
    if by == "id":
        found = found.select_from(joined).where(A.c.id == bindparam("ref", type_=A.c.id.type))
    else:
        by_slug = SLUG.c.slug == bindparam("ref", type_=SLUG.c.slug.type)
        found = found.select_from(joined.join(SLUG, SLUG.c.article_id == A.c.id)).where(by_slug)
    return prepare(found.order_by(RELATED.c.position), dialect)


async def find(db: Database, ref: str) -> Stored | None:
    """By id (digits only) or by any slug that it has or had; one statement."""
    name = queries.named(ref)
    rows = await db.reader.rows(_statement(db.dialect, name[0]), {"ref": name[1]}) if name else []
    return _stored(rows) if rows else None


def _stored(rows: list[Row]) -> Stored:
    width = len(FOUND)
    related = [row[width : width + len(_RELATED) + len(_TARGET)] for row in rows if row[width] is not None]
    return Stored(
        Found(*rows[0][:width]),  # type: ignore[arg-type] # as selected
        [RelatedRow(*row) for row in related],  # type: ignore[arg-type] # as selected
        blake2b(orjson.dumps(rows), digest_size=16).digest(),
    )
