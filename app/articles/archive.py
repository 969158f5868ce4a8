"""What the routes of articles and search have at hand: the database, the cards, the totals."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from app.articles.cards import Cards
from app.articles.filters import ArticleFilter
from app.head import Head
from app.regions.view import Counts, Reading, View

__all__ = ["Archive", "Index", "View", "of"]


class Index(Counts, Protocol):
    """What lists need of the search index. Answered from memory-mapped files, in microseconds."""

    async def total(self, wanted: ArticleFilter, head: Head) -> int | None:
        """How many published articles match, less what the log has withdrawn since; None without an index."""
        ...


@dataclass(frozen=True, slots=True)
class Archive(Reading):
    """One archive as the server has it open."""

    index: Index
    cards: Cards


def of(request: Request) -> Archive:
    """The archive of the application that a request came to."""
    archive = request.app.state.archive
    assert isinstance(archive, Archive)
    return archive
