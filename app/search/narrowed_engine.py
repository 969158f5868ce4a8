"""A search engine as a key with an entitlement has it: of the articles that the key may see, and by words of theirs.

What the engine knows of all articles tells of the others, too: which misspelt words it would mend, whether few articles
have all words of a query, whose title the query is, how rare a word is. So nothing is mended here or relaxed, and no
score is shown. In which order hits by relevance come still depends on how common their words are in the whole archive.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, TimeSort
from app.db.log_position import LogPosition
from app.errors import InvalidValue
from app.search.engine import (
    PUBLISHED_ARTICLES,
    Axis,
    BuildProgress,
    FacetName,
    GroupName,
    Matrix,
    Overview,
    Question,
    ResultPage,
    RowPage,
    ScoreComponent,
    SearchEngine,
    SearchHit,
    SimilaritySample,
)
from app.search.query.searched_parts import limit_parts
from app.search.query.stop_words import choose_languages
from app.search.similar.profile import Profile
from app.search.timeline import Edges

OF_OTHERS = frozenset({"unresolved", "translation", "copy"})
"""What an article has by other articles, which may be hidden: the index does not tell by which."""


@dataclass(frozen=True, slots=True)
class NarrowedEngine:
    """A SearchEngine of what `within` means; `hidden` are parts of an article that are not searched."""

    engine: SearchEngine
    within: ArticleFilter
    hidden: frozenset[str] = frozenset()
    commonest: dict[object, tuple[str, ...]] = field(default_factory=dict)
    """Languages, of the latest commit."""

    @property
    def is_remote(self) -> bool:
        return self.engine.is_remote

    def find_problem(self) -> str | None:
        return self.engine.find_problem()

    def position(self) -> LogPosition | None:
        return self.engine.position()

    def progress(self) -> BuildProgress | None:
        return self.engine.progress()

    def search(self, question: Question) -> ResultPage:
        page = self.engine.search(self._narrow(question))
        reading = replace(page.interpretation, corrections=(), did_you_mean=None)
        return replace(page, hits=tuple(hit._replace(score=None) for hit in page.hits), interpretation=reading)

    def find_rows(self, question: Question, sort: TimeSort, place: CursorPosition) -> RowPage:
        return self.engine.find_rows(self._narrow(question), sort, place)

    def search_if_quick(self, question: Question) -> ResultPage | None:
        return None  # a filter takes longer

    def count(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> int:
        return self.engine.count(self._limit(article_filter), excluded)

    def count_tags(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return self.engine.count_tags(self._limit(article_filter), excluded)

    def count_regions(self, article_filter: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return self.engine.count_regions(self._limit(article_filter), excluded)

    def count_facets(
        self, question: Question, names: tuple[FacetName, ...]
    ) -> Mapping[FacetName, Mapping[int | str, int]]:
        return self.engine.count_facets(self._narrow(question), names)

    def count_values(self, question: Question, name: FacetName) -> Mapping[int | str, int]:
        return self.engine.count_values(self._narrow(question), name)

    def count_by_date(
        self, question: Question, edges: Edges, group: tuple[GroupName, int | str] | None = None
    ) -> list[int]:
        return self.engine.count_by_date(self._narrow(question), edges, group)

    def count_undated(self, question: Question) -> int:
        return self.engine.count_undated(self._narrow(question))

    def count_groups_by_date(
        self, question: Question, edges: Edges, groups: Sequence[tuple[GroupName, int | str]]
    ) -> list[list[int]]:
        return self.engine.count_groups_by_date(self._narrow(question), edges, groups)

    def count_coarse(self, question: Question, precision: Literal["month", "year"]) -> int:
        return self.engine.count_coarse(self._narrow(question), precision)

    def count_overview(
        self, edges: Sequence[int], excluded: tuple[int, ...] = (), article_filter: ArticleFilter = PUBLISHED_ARTICLES
    ) -> Overview:
        overview = self.engine.count_overview(edges, excluded, self._limit(article_filter))
        having = {word: count for word, count in overview.having.items() if word not in OF_OTHERS}
        return replace(overview, having=having)

    def count_matrix(self, question: Question, rows: Axis, columns: Axis, most: int) -> Matrix:
        return self.engine.count_matrix(self._narrow(question), rows, columns, most)

    def explain(self, question: Question, ids: tuple[int, ...]) -> Mapping[int, tuple[ScoreComponent, ...]]:
        detail = "Scores depend on articles that this key may not see: they are not explained to it."
        raise InvalidValue(detail, "explain")

    def find_similar(
        self, sample: SimilaritySample, article_filter: ArticleFilter, excluded: tuple[int, ...], limit: int
    ) -> tuple[SearchHit, ...]:
        return self.engine.find_similar(sample, self._limit(article_filter), excluded, limit)

    def load_profile(self, id: int, version: int) -> Profile | None:
        return self.engine.load_profile(id, version)

    def find_profiles(
        self,
        sample: Profile,
        excluded: tuple[int, ...],
        limit: int,
        article_filter: ArticleFilter = PUBLISHED_ARTICLES,
    ) -> list[Profile]:
        return self.engine.find_profiles(sample, excluded, limit, self._limit(article_filter))

    def measure_rarity(self, terms: Collection[str]) -> Mapping[str, float]:
        return self.engine.measure_rarity(terms)

    def languages(self) -> tuple[str, ...]:
        return self.engine.languages()

    def _find_languages(self, excluded: tuple[int, ...]) -> tuple[str, ...]:
        """The commonest of what the key sees, which a query is read in unless it names some."""
        position = self.engine.position()
        key = (position, excluded)
        if key not in self.commonest:
            counts = self.engine.count_values(Question(filter=self.within, excluded=excluded), "language")
            self.commonest.clear()
            self.commonest[key] = choose_languages({str(language): count for language, count in counts.items()})
        return self.commonest[key]

    def _limit(self, article_filter: ArticleFilter) -> ArticleFilter:
        return replace(article_filter, within=self.within)

    def _narrow(self, question: Question) -> Question:
        tree = question.tree
        languages = question.languages
        if tree is not None and not languages:
            languages = self._find_languages(question.excluded)
        return replace(
            question,
            filter=self._limit(question.filter),
            languages=languages,
            tree=tree if tree is None or not self.hidden else limit_parts(tree, self.hidden),
            text=None,
            fallback=None,
            match="all" if question.match == "auto" else question.match,
            typo=False,
        )
