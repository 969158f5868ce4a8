"""What the routes of articles and search have at hand: the database, the cards, the totals."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from sqlalchemy import select
from starlette.requests import Request

from app.articles.filters import ArticleFilter
from app.articles.reading.card_cache import Cards
from app.articles.reading.item_cache import Items
from app.db.database import Readable
from app.db.log_position import Head
from app.db.sql import Prepared, prepare
from app.models import Source, table
from app.regions.view import Counts, Reading, View

__all__ = ["Archive", "Index", "Open", "Shelf", "View", "of"]


@dataclass(frozen=True, slots=True)
class Similar:
    """An article like another one; `score` orders, `reason` is for people."""

    id: int
    version: int
    score: float
    reason: str


class Index(Counts, Protocol):
    """What lists need of the search index. Answered from memory-mapped files, in microseconds."""

    async def total(self, wanted: ArticleFilter, head: Head) -> int | None:
        """How many published articles match, less what the log has withdrawn since; None without an index."""
        ...

    async def similar(self, id: int, view: View, limit: int, without: Sequence[int] = ()) -> list[Similar]:
        """Published articles like this one, the likest first: never itself, its copies, or one of `without`. Empty
        without an index."""
        ...


class Memo:
    """What was found out as of a place in the log, for as long as nothing is committed: a new head forgets it all."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._head: Head | None = None
        self._kept: dict[Hashable, object] = {}

    def get(self, head: Head, key: Hashable) -> object | None:
        return self._kept.get(key) if head == self._head else None

    def keep(self, head: Head, key: Hashable, value: object) -> None:
        if head != self._head or len(self._kept) >= self._most:
            self._head, self._kept = head, {}
        self._kept[key] = value


class Shelf(Protocol):
    """What rendering articles needs: the archive, or a transaction that is still open (`Open`)."""

    @property
    def db(self) -> Readable: ...

    @property
    def cards(self) -> Cards: ...


@dataclass(frozen=True, slots=True)
class Open:
    """Articles as a transaction that is still open has them. Its cards are its own: those of the process must not know
    what may never be committed."""

    db: Readable
    cards: Cards


@dataclass(frozen=True, slots=True)
class Archive(Reading):
    """One archive as the server has it open."""

    index: Index
    cards: Cards
    items: Items = field(default_factory=Items)
    memo: Memo = field(default_factory=Memo)

    async def sources(self) -> dict[int, tuple[str, str]]:
        """Slug and name of every source, by id: a few rows."""
        rows = await self.db.reader.rows(_sources(self.db.dialect), {})
        return {int(str(id)): (str(slug), str(name)) for id, slug, name in rows}


@lru_cache(maxsize=4)
def _sources(dialect: str) -> Prepared:
    source = table(Source)
    return prepare(select(source.c.id, source.c.slug, source.c.name), dialect)


def of(request: Request) -> Archive:
    """The archive of the application that a request came to."""
    archive = request.app.state.archive
    assert isinstance(archive, Archive)
    return archive
