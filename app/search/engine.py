"""What a search engine takes and what it returns. Holds no engine; ids and numbers only, names are the callers'."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, ListRow, TimeSort
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.search.query.conditions import Condition
from app.search.query.lexer import ParseNote
from app.search.query.parser import ParsedQuery
from app.search.query.tree import Node
from app.search.similar.profile import Profile
from app.search.timeline import Edges

Order = Literal["relevance", "-published_at", "published_at"]
Match = Literal["auto", "all", "any"]
Recency = Literal["off", "normal", "strong"]
NameKind = Literal["tag", "region", "author"]
FacetName = Literal["tag", "author", "section", "region", "language", "source", "year"]
GroupName = Literal["tag", "author", "section", "region", "language", "source"]

PartField = Literal["text", "title", "standfirst", "body", "words", "dateline", "tag", "region", "author", "date"]
"""What a part of a score was found in: `text` is title, standfirst and body together, `words` the same unstemmed."""

Holding = Literal["published", "hidden"]
"""What an index has: the articles that are published, or those in any other state. No index has both."""

PUBLISHED_ARTICLES = ArticleFilter()

ProgressUnit = Literal["articles", "bytes"]
MEGABYTE = 1_000_000

DEEPEST = 10_000
"""How many articles pages by relevance reach."""
LONGEST_WAIT = 300
"""Seconds after which a client is told to look again whether an index is built: what is left is an estimate."""


class NameLookup(Protocol):
    """The archive's vocabulary, to find articles by the names of their tags, authors and regions.

    Hashable by identity: another vocabulary is another object.
    """

    def find_named(self, kind: NameKind, text: str) -> tuple[int, ...]:
        """Ids of those with a name that holds all words of `text`, or whose slug it is; `tag` holds every kind."""

    def find_begun(self, kind: NameKind, text: str) -> tuple[int, ...]:
        """The same, where the last word of `text` may go on; of regions those with a name that begins so."""

    def find_begun_regions(self, text: str) -> "tuple[NamedRegion, ...]":
        """Regions with a name or alias that begins so, but for the world."""

    def find_regions(self, words: tuple[str, ...]) -> "tuple[NamedRegion, ...]":
        """Regions with a name or alias of exactly these words, but for the world."""

    def list_near_words(self, word: str, edits: Literal[1, 2]) -> Sequence[str]:
        """Words at so many edits from this one, folded, that stand in the name of a tag or author, or are the whole
        name of a region; at two edits only those with the same first two letters. Words of what a tag or region is
        called come first; others that mean the same are left out then: `belgium`, no `belgie`."""


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """A region that a query names; `holds_others`: an article placed in what lies in it is placed in it."""

    id: int
    slug: str
    name: str
    holds_others: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A search, resolved: which articles, in which order, which part of them.

    `dated`: only articles whose date of publication is known to the day, or to the month.
    `after`: go on behind this `newest` key (orders by date only). `excluded`: ids that the log has withdrawn and the
    index not yet. `languages`: those that the words are read in; empty takes the archive's three commonest. `today`:
    epoch seconds from which recency is counted. `match`, `typo` and `prefix` as the query parameters. `undated`: where
    articles without a date stand in the orders by date; the reverse of an order has them first. `text`: the query as
    sent, whose words an article's title may be. `fallback`: what to look for where no article has the phrase that
    `tree` is. `hidden`: of the index of what is not published, which sets it. `fixed`: words that were read before, in
    place of a tree; by date only.
    """

    filter: ArticleFilter = PUBLISHED_ARTICLES
    tree: Node | None = None
    text: str | None = None
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
    dated: Literal["any", "day", "month"] = "any"
    undated: Literal["last", "first"] = "last"
    names: NameLookup | None = None
    fallback: ParsedQuery | None = None
    hidden: bool = False
    fixed: Condition | None = None


class SearchHit(NamedTuple):
    """One article found; `score` is null when ordered by date; `newest` orders by date and then id."""

    id: int
    version: int
    score: float | None
    newest: int


@dataclass(frozen=True, slots=True)
class SpellingCorrection:
    """A misspelt word and the words of the archive that were looked for instead, the likeliest first."""

    word: str
    read_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryInterpretation:
    """How the query was read in the end.

    `tree` has the corrections in it; `any_word`: one of its words is enough; `relaxed`: that was decided here, because
    too few articles have them all. `did_you_mean` is the query with its misspelt words put right. `notes`:
    what the archive decided about the reading of the text, beside what the parser noted.
    """

    tree: Node | None
    languages: tuple[str, ...] = ()
    any_word: bool = False
    relaxed: bool = False
    corrections: tuple[SpellingCorrection, ...] = ()
    did_you_mean: str | None = None
    notes: tuple[ParseNote, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreComponent:
    """What a part of the query, found in one field, adds to a hit's score; recency is a part as well."""

    name: str
    field: PartField
    score: float


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of hits, how many there are in all, and the position in the log that this is the state of."""

    hits: tuple[SearchHit, ...]
    total: int
    position: LogPosition
    interpretation: QueryInterpretation = QueryInterpretation(None)


@dataclass(frozen=True, slots=True)
class Axis:
    """What a cross-tabulation has lines for: the values of a group, the commonest first, or periods of the calendar.

    `ids`: only these tags or regions. `most`: no more values than that. `make_edges`: the periods, from the second in
    which the first of the articles was published; None where none has a date.
    """

    group: GroupName | None = None
    ids: Set[int] | None = None
    most: int | None = None
    make_edges: Callable[[int | None], Edges] | None = None


Line = tuple[int | str, int]
"""A value, or the number of a period, and how many articles it has."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """How many articles are in each row and column both; `cells` are empty where they would be more than asked for.
    `too_coarse` and `undated` are in no period, and so in nothing else of it."""

    total: int
    rows: Sequence[Line]
    columns: Sequence[Line]
    cells: Sequence[Sequence[int]]
    edges: Edges
    too_coarse: int
    undated: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The published articles in numbers: all, those that have something of each kind, those that were created and
    changed from each edge to the next, and those of each tag."""

    total: int
    having: Mapping[str, int]
    created: Sequence[int]
    updated: Sequence[int]
    tags: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class SimilaritySample:
    """An article to find similar ones to."""

    id: int
    language: str
    title: str
    text: str
    tags: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How much of a new index is there: articles where it is built, bytes where it is copied from another node.
    `seconds_left` is None where nothing tells."""

    done: int
    total: int
    seconds_left: int | None
    unit: ProgressUnit = "articles"

    def describe(self) -> str:
        """A sentence for people."""
        left = "" if self.seconds_left is None else f", about {self.seconds_left} s left"
        if self.unit == "articles":
            return f"The search index is being built: {self.done:,} of {self.total:,} articles{left}."
        # Before the first byte nobody knows of how many.
        size = f": {self.done / MEGABYTE:,.0f} of {self.total / MEGABYTE:,.0f} MB{left}" if self.total else ""
        return f"The search index is being copied from another node{size}."


def describe_building(progress: BuildProgress | None) -> str:
    """The same where nothing may be known."""
    return progress.describe() if progress else "The search index is being built."


CANNOT_BE_ASKED = "The search cluster cannot be asked now. Articles can be read and listed meanwhile."
"""For clients: what is wrong with it is in the log, and in `/health/ready`."""
_ASK_AGAIN_AFTER = 5


def make_building_error(progress: BuildProgress | None, problem: str | None = None) -> IndexBehind:
    """What a search is told while there is no index, or, with the `problem` of an engine elsewhere, none that can be
    asked."""
    if problem is not None:
        return IndexBehind(CANNOT_BE_ASKED, _ASK_AGAIN_AFTER)
    detail = f"{describe_building(progress)} Articles can be read and listed meanwhile."
    if progress is None:
        return IndexBehind(detail)
    retry_after = min(max(progress.seconds_left or 1, 1), LONGEST_WAIT)
    counted = {"indexed": progress.done, "articles": progress.total} if progress.unit == "articles" else None
    return IndexBehind(detail, retry_after, counted)


@dataclass(frozen=True, slots=True)
class RowPage:
    """Articles in the order of a list, each as a row of it; how many match in all, and the place of the commit."""

    rows: tuple[ListRow, ...]
    total: int
    position: LogPosition


class ListEngine(Protocol):
    """Finds the articles of a list that has a query: published ones, or those in the other states, as of `position`.
    Raises what a SearchEngine does."""

    def position(self) -> LogPosition | None:
        """The position in the log that results reflect; None where there is no index to trust."""

    def progress(self) -> BuildProgress | None: ...

    def find_problem(self) -> str | None:
        """Why an engine elsewhere cannot be asked; None where it can, as far as that is known, and for a local one."""

    def search(self, question: Question) -> ResultPage: ...

    def find_rows(self, question: Question, sort: TimeSort, place: CursorPosition) -> RowPage:
        """As the list has them in SQL: `question.limit` rows from the place on, or as many before it, in the order of
        `sort`, ties by id, without a date last."""


class SearchEngine(Protocol):
    """Finds published articles only, as of `position`. Safe to call from any thread; calls take milliseconds.

    Every method but `position` and `progress` raises IndexBehind where there is no index yet, and ValueError for a
    filter that asks for anything but published articles. A text or number of any size or kind in a question is no
    error."""

    @property
    def is_remote(self) -> bool:
        """Whether each call is a request over the network, which no event loop waits for."""

    def find_problem(self) -> str | None:
        """Why an engine elsewhere cannot be asked; None where it can, as far as that is known, and for a local one."""

    def position(self) -> LogPosition | None:
        """The position in the log that results reflect; None where there is no index to trust."""

    def progress(self) -> BuildProgress | None:
        """How far a new index is; None where none is being built, or where that is not known."""

    def search(self, question: Question) -> ResultPage: ...

    def find_rows(self, question: Question, sort: TimeSort, place: CursorPosition) -> RowPage:
        """See ListEngine."""

    def search_if_quick(self, question: Question) -> ResultPage | None:
        """The same where it takes a millisecond at most: handing it to a thread would cost nearly as much again."""

    def count(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> int: ...

    def count_tags(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        """How many articles each tag has, of whatever kind; tags without any are left out."""

    def count_regions(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        """How many articles are of each region or what lies in it, in the filter's roles; exact where it says so."""

    def count_facets(
        self, question: Question, names: tuple[FacetName, ...]
    ) -> Mapping[FacetName, Mapping[int | str, int]]:
        """Articles by value of each facet, exact up to 65,000 values; page and order play no part.

        A facet leaves out its own any-of filter. `tag`, `author` and `section` each hold all kinds of tags: which id is
        of which kind the caller knows. Regions as in `count_regions`.
        """

    def count_values(self, question: Question, name: FacetName) -> Mapping[int | str, int]:
        """As one facet, with every filter, its own too."""

    def count_by_date(
        self, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None = None
    ) -> list[int]:
        """Articles published from each edge to the next; only those of the group."""

    def count_undated(self, question: Question) -> int:
        """How many of the articles have no date of publication."""

    def count_groups_by_date(
        self, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
    ) -> list[list[int]]:
        """A histogram of each of the groups."""

    def count_coarse(self, question: Question, precision: Literal["month", "year"]) -> int:
        """How many of the articles have a date of publication that is known no better than to the month or year."""

    def count_overview(
        self, edges: Sequence[int], excluded: tuple[int, ...] = (), article_filter: ArticleFilter = PUBLISHED_ARTICLES
    ) -> Overview:
        """Everything published that the filter means, as of one commit."""

    def count_matrix(self, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
        """As of one commit; one axis at most is of periods, and then `dated` says how exact a date has to be. The cells
        where they are `most` or fewer: a run for each line of the shorter axis."""

    def explain(self, question: Question, ids: tuple[int, ...]) -> Mapping[int, tuple[ScoreComponent, ...]]:
        """The scores of these hits in parts, in the order of the query."""

    def find_similar(
        self, sample: SimilaritySample, article_filter: ArticleFilter, excluded: tuple[int, ...], limit: int
    ) -> tuple[SearchHit, ...]:
        """Articles that share its telling words and tags, the likest first, never the sample itself."""

    def load_profile(self, id: int, version: int) -> Profile | None:
        """What is compared of an article in this version; None where the index has another one, or none."""

    def find_profiles(
        self,
        sample: Profile,
        excluded: tuple[int, ...],
        limit: int,
        article_filter: ArticleFilter = PUBLISHED_ARTICLES,
    ) -> list[Profile]:
        """The same of articles that share its telling words and tags, the likest first, never the sample itself."""

    def measure_rarity(self, terms: Collection[str]) -> Mapping[str, float]:
        """The inverse document frequency of each term of profiles, at least 1; others may be there as well."""

    def languages(self) -> tuple[str, ...]:
        """The three commonest languages that have a stemmer, the commonest first."""
