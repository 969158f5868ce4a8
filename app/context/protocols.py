"""What routes of articles, tags and regions need of search, which is built on top of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, ListRow, TimeSort
from app.context.request_context import RequestContext
from app.db.log_position import LogHead, LogPosition


@dataclass(frozen=True, slots=True)
class SimilarArticle:
    """An article like another one; `score` orders, None for who may not know it; `reason` is for people. One that is
    `below_threshold` fills a list up."""

    id: int
    version: int
    score: float | None
    reason: str
    below_threshold: bool


@dataclass(frozen=True, slots=True)
class SharedTags:
    """Published articles by tag id: `together` of those that have one tag, `counts` of all, which are `total`."""

    together: Mapping[int, int]
    counts: Mapping[int, int]
    total: int


@dataclass(frozen=True, slots=True)
class NamedArticles:
    """Articles among which a part of a list is; `is_all`: among which all of the list are."""

    ids: tuple[int, ...]
    is_all: bool


class SearchIndex(Protocol):
    """What reads need of the search index, served from memory-mapped files in microseconds."""

    def position(self) -> LogPosition | None:
        """The place of which `seq` is the number."""

    def seq(self) -> int | None:
        """How far in the log the index reflects it, at least: rows about drafts alone do not move it. None where there
        is no index yet."""
        ...

    def find_problem(self) -> str | None:
        """Why a search engine elsewhere cannot be asked, if so."""

    def describe_building(self) -> str | None:
        """While there is no index: a sentence that says how far it is. None where there is one."""
        ...

    def check_built(self) -> None:
        """IndexBehind with how far it is while there is no index: for what would be wrong without."""
        ...

    async def count_tags(self, head: LogHead) -> dict[int, int]:
        """Published articles for each tag id; tags without any are missing."""
        ...

    async def count_shared_tags(self, tag: int, head: LogHead) -> SharedTags:
        """How often tags stand beside one tag. IndexBehind where there is no index yet."""
        ...

    async def count_regions(self, head: LogHead) -> dict[int, int]:
        """Published articles at or below each region id, in the roles about and dateline."""
        ...

    async def total(self, article_filter: ArticleFilter, head: LogHead) -> int | None:
        """How many published articles match, less what the log has withdrawn since; None without an index."""
        ...

    async def name_articles(
        self, article_filter: ArticleFilter, sort: TimeSort, limit: int, place: CursorPosition, head: LogHead
    ) -> NamedArticles | None:
        """The first `limit` articles of a list behind a place, or before it, as the index has them, and all that the
        log has changed since, of which it does not know: what is in the list now is for SQL to say. None without an
        index, or where that is far behind."""
        ...

    async def similar(
        self, id: int, version: int, view: RequestContext, limit: int, without: Sequence[int] = ()
    ) -> list[SimilarArticle]:
        """Published articles like this one, of this version, the likest first: never itself, its copies, or one of
        `without`. As many as asked for where there are candidates. Empty without an index."""
        ...


class FoundRows(NamedTuple):
    """A page of a list that has a query, and how many articles there are in all. Of `seq` is the commit of the index
    that was asked; of no use where both were."""

    rows: list[ListRow]
    total: int
    seq: int


class ListSearch(Protocol):
    """The article list with a query, in any states. Its methods raise IndexBehind where an index that they need is not
    there yet."""

    def hidden_seq(self) -> int | None:
        """How far in the log the index of what is hidden reflects it; None where there is none yet."""
        ...

    def has_words(self, q: str) -> bool:
        """Whether there is anything to look for in the query."""
        ...

    async def find_by_relevance(
        self, q: str, article_filter: ArticleFilter, view: RequestContext, offset: int, limit: int, today: int
    ) -> FoundRows:
        """The best first. For published articles, or for others: the scores of the two indexes cannot be compared."""
        ...

    async def find_by_time(
        self,
        q: str,
        article_filter: ArticleFilter,
        view: RequestContext,
        sort: TimeSort,
        limit: int,
        place: CursorPosition,
    ) -> FoundRows:
        """As `queries.load_page` has it for a list without a query."""
        ...
