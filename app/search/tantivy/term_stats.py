"""What the archive's terms weigh: how a word reads in its languages and in how many articles it stands. Finds none."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import log

from tantivy import Query, Searcher

from app.search.query import analysis
from app.search.tantivy import index_schema
from app.search.tantivy.reader import View

_REMEMBERED, _COMPOSED = 20_000, 4_000


@dataclass(frozen=True, slots=True, eq=False)
class TermStats:
    """One commit's terms, read in these languages; remembers what it looked up."""

    searcher: Searcher
    languages: tuple[str, ...]
    dead: int
    """Articles whose terms are still there although they are not: replaced or withdrawn ones, until they are merged
    away."""
    _frequencies: dict[str, int] = field(default_factory=dict)
    _queries: dict[Hashable, Query] = field(default_factory=dict)

    def list_readings(self, text: str) -> list[tuple[str, ...]]:
        """The text's terms in each language and whole, each reading once."""
        readings = {analysis.analyse_words(text, language): None for language in (*self.languages, None)}
        return [words for words in readings if words]

    def find_frequency(self, text: str) -> int:
        """In how many articles the word stands, about: those lately withdrawn may still be counted."""
        cached = self._frequencies.get(text)
        if cached is None:
            if len(self._frequencies) >= _REMEMBERED:
                self._frequencies.clear()
            cached = self._frequencies[text] = self._count_frequency(analysis.strip_affixes(text))
        return cached

    def _count_frequency(self, text: str) -> int:
        stems = {words[0] for words in self.list_readings(text) if len(words) == 1}
        counts = [self.searcher.doc_freq(name, stem) for name in ("title", "body") for stem in stems]
        whole = analysis.analyse_words(text)
        counts += [self.searcher.doc_freq(index_schema.WORDS, whole[0])] if len(whole) == 1 else []
        return max(counts, default=0)

    def get_query(self, key: Hashable, compose: Callable[[], Query]) -> Query:
        """A query that was made before, else made now: those of words are asked for several times in each search."""
        cached = self._queries.get(key)
        if cached is None:
            if len(self._queries) >= _COMPOSED:
                self._queries.clear()
            cached = self._queries[key] = compose()
        return cached

    def has_usual_standfirsts(self) -> bool:
        """Whether at least half of the articles have a standfirst."""
        return 2 * self.searcher.doc_freq("flags", index_schema.STANDFIRST) >= self.searcher.num_docs

    def compute_rarity(self, articles: int) -> float:
        """Of something that so many articles have: the inverse document frequency of BM25."""
        return log(1 + max(self.searcher.num_docs - articles, 0.5) / (articles + 0.5))


def get_stats(view: View, languages: tuple[str, ...]) -> TermStats:
    """Shared by all questions to the same commit in the same languages."""
    cached = view.memo.get(("terms", languages))
    if not isinstance(cached, TermStats):
        # One document is no article: that which holds the place.
        dead = view.searcher.doc_freq("flags", index_schema.LIVE) - (view.searcher.num_docs - 1)
        cached = TermStats(view.searcher, languages, dead)
        view.remember(("terms", languages), cached)
    return cached
