"""What a search engine is asked and what it answers. Holds no engine; ids and numbers only, names are the callers'."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from app.articles.filters import ArticleFilter
from app.head import Place
from app.search.tree import Node

Order = Literal["relevance", "-published_at", "published_at"]
Match = Literal["auto", "all", "any"]
Recency = Literal["off", "normal", "strong"]
NameKind = Literal["tag", "region", "author"]

PUBLISHED_ARTICLES = ArticleFilter()

DEEPEST = 10_000
"""How many articles pages by relevance reach."""


class Names(Protocol):
    """The archive's vocabulary, to find articles by the names of their tags, authors and regions."""

    def named(self, kind: NameKind, text: str) -> tuple[int, ...]:
        """Ids of those with a name that holds all words of `text`, or whose slug it is; `tag` holds every kind."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A search, resolved: which articles, in which order, which part of them.

    `after`: go on behind this `newest` key (orders by date only). `excluded`: ids that the log has withdrawn and the
    index not yet. `languages`: those that the words are read in; empty takes the archive's three commonest. `today`:
    epoch seconds from which recency is counted. `match`, `typo` and `prefix` as the query parameters.
    """

    filter: ArticleFilter = PUBLISHED_ARTICLES
    tree: Node | None = None
    order: Order = "-published_at"
    limit: int = 20
    offset: int = 0
    after: int | None = None
    excluded: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    match: Match = "all"
    typo: bool = False
    prefix: bool = False
    recency: Recency = "off"
    today: int = 0
    names: Names | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One article found; `score` is null when ordered by date; `newest` is `published_at << 30 | id`."""

    id: int
    version: int
    score: float | None
    newest: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A misspelt word and the words of the archive that were looked for instead, the likeliest first."""

    word: str
    read_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the query was read in the end: `relaxed` says that any of the words was enough."""

    tree: Node | None
    relaxed: bool = False
    corrections: tuple[Correction, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits, how many there are in all, and the place in the log that this is the state of."""

    hits: tuple[Hit, ...]
    total: int
    place: Place
    reading: Reading = Reading(None)


class SearchEngine(Protocol):
    """Answers from published articles only, as of `place`. Safe to call from any thread; calls take milliseconds.

    Every method but `place` raises IndexBehind where there is no index yet, and ValueError for a filter that asks for
    anything but published articles. A text or number of any size or kind in a question is no error.
    """

    def place(self) -> Place | None:
        """The place in the log that answers reflect; None where there is no index to trust."""
        ...

    def search(self, question: Question) -> Found: ...

    def count(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> int: ...

    def tag_counts(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        """How many articles each tag has, of whatever kind; tags without any are left out."""
        ...

    def region_counts(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        """How many articles are of each region or what lies in it, in the filter's roles; exact where it says so."""
        ...

    def languages(self) -> tuple[str, ...]:
        """The three commonest languages, the commonest first."""
        ...
