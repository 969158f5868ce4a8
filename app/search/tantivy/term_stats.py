"""What the archive's terms weigh: how a word reads in its languages and in how many articles it stands. Finds none."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import log, prod

from tantivy import Query, Searcher

from app.search.query import analysis
from app.search.query.analysis import Reading
from app.search.query.spelling import MARK, is_spaceless
from app.search.query.stop_words import is_function_word, is_stop_word
from app.search.query.tree import And, Node, Phrase, Word
from app.search.tantivy import index_schema
from app.search.tantivy.filters import FilterQueries
from app.search.tantivy.reader import View

_REMEMBERED, _COMPOSED = 20_000, 4_000
_SHORTEST_JOINED = 4
FEW = 5
"""Words up to which a query is short: it asks for these words, not for something like them."""
_MOST_OF_RARITY = 2.2
"""tantivy's k1 + 1."""
_PLACES = 1_000
"""More documents than there are that held a place before: they count until they are merged away."""
_MOST_SPELT, _VARIANTS_READ, _VARIANTS, _MOST_VARIANTS = 8, 20, 3, 4
"""Words of a phrase that are looked up in other spellings; spellings read and taken of each; and taken in all."""


@dataclass(frozen=True, slots=True, eq=False)
class TermStats:
    """One commit's terms, read in these languages; remembers what it looked up."""

    searcher: Searcher
    languages: tuple[str, ...]
    dead: int
    """Articles whose terms are still there although they are not: replaced or withdrawn ones, until they are merged
    away."""
    filters: FilterQueries
    _frequencies: dict[str, int] = field(default_factory=dict)
    _queries: dict[Hashable, Query] = field(default_factory=dict)

    def list_readings(self, leaf: Word | Phrase) -> tuple[Reading, ...]:
        """The words' terms in each language and whole, in each spelling, each reading once."""
        text = analysis.strip_affixes(leaf.text) if isinstance(leaf, Word) else leaf.text
        return analysis.list_readings(text, self.languages, leaf.variants)

    def list_variants(self, text: str) -> tuple[str, ...]:
        """The text with one of its words spelt as articles have it: `co operation` for `cooperation`, `wifi` for
        `wi fi`, and the name `US` within a phrase in small letters."""
        terms = analysis.analyse_words(text)
        if not terms or len(terms) > _MOST_SPELT or is_spaceless(text):
            return ()
        variants = []
        for i, term in enumerate(terms) if len(terms) > 1 else ():
            if is_function_word(term) and self._has_word(term + MARK):
                variants.append(" ".join([*terms[:i], term + MARK, *terms[i + 1 :]]))
            if joined := self.find_joined(*terms[i : i + 2]):
                variants.append(" ".join([*terms[:i], joined, *terms[i + 2 :]]))
        for i, term in enumerate(terms):
            counted_variants = self.searcher.terms_with_prefix(index_schema.SPELLINGS, f"{term} ", limit=_VARIANTS_READ)
            for variant, _ in sorted(counted_variants, key=lambda counted: -counted[1])[:_VARIANTS]:
                variants.append(" ".join([*terms[:i], variant.partition(" ")[2], *terms[i + 1 :]]))
        return tuple(variants[:_MOST_VARIANTS])

    def find_joined(self, first: str, second: str = "") -> str | None:
        """Two terms of a query as one word, where articles have it: `wifi`, but nothing made with `a` or `of`."""
        joined = first + second
        if not (second and joined.isalpha() and len(joined) >= _SHORTEST_JOINED):
            return None
        if any(is_stop_word(term, self.languages) for term in (first, second)):
            return None
        return joined if self._has_word(joined) else None

    def join_neighbours(self, node: Node) -> Node:
        """The tree where words that stand side by side are also found as one: `wi fi` where articles have `wifi`. Of
        a few words only: in long queries neighbours are as often two words as one (npl loses half a point)."""
        if not isinstance(node, And) or len(node.nodes) > FEW:
            return node
        nodes = list(node.nodes)
        for i, (before, word) in enumerate(pairwise(node.nodes)):
            if isinstance(before, Word) and isinstance(word, Word):
                first, second = analysis.analyse_words(before.text), analysis.analyse_words(word.text)
                if len(first) == len(second) == 1 and (joined := self.find_joined(first[0], second[0])):
                    for at, leaf in ((i, nodes[i]), (i + 1, nodes[i + 1])):
                        assert isinstance(leaf, Word), "it was one"
                        nodes[at] = replace(leaf, variants=(*leaf.variants, joined))
        return And(tuple(nodes))

    def _has_word(self, term: str) -> bool:
        return self.searcher.doc_freq(index_schema.WORDS, term) > 0

    def find_frequency(self, text: str) -> int:
        """In how many articles the word stands, about: those lately withdrawn may still be counted."""
        cached = self._frequencies.get(text)
        if cached is None:
            if len(self._frequencies) >= _REMEMBERED:
                self._frequencies.clear()
            cached = self._frequencies[text] = self._count_frequency(analysis.strip_affixes(text))
        return cached

    def estimate_together(self, texts: Sequence[str]) -> float:
        """In how many articles all of the words stand, as if they stood in articles by chance."""
        articles = max(self.searcher.num_docs, 1)
        return articles * prod(self.find_frequency(text) / articles for text in texts)

    def _count_frequency(self, text: str) -> int:
        readings = analysis.list_readings(text, self.languages)
        counts = [self.searcher.doc_freq(index_schema.TEXT, r[0][1]) for r in readings if len(r) == 1]
        # Of several in a row as many as of the rarest, at most.
        rows = [[self.searcher.doc_freq(index_schema.TEXT, term) for _, term in r] for r in readings if len(r) > 1]
        counts += [min(row) for row in rows]
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

    def bound_term(self, field: str, term: str) -> float:
        """What BM25 gives a term at most, however often an article has it and however short it is."""
        frequency = self.searcher.doc_freq(field, term)
        documents = self.searcher.num_docs + self.dead + _PLACES
        return _MOST_OF_RARITY * log(1 + (documents - frequency + 0.5) / (frequency + 0.5)) if frequency else 0.0

    def compute_rarity(self, articles: int) -> float:
        """Of something that so many articles have: the inverse document frequency of BM25."""
        return log(1 + max(self.searcher.num_docs - articles, 0.5) / (articles + 0.5))


def get_stats(view: View, languages: tuple[str, ...]) -> TermStats:
    """Shared by all questions to the same commit in the same languages."""
    cached = view.memo.get(("terms", languages))
    if not isinstance(cached, TermStats):
        # One document is no article: that which holds the place.
        dead = view.searcher.doc_freq("flags", index_schema.LIVE) - (view.searcher.num_docs - 1)
        cached = TermStats(view.searcher, languages, dead, view.filters)
        view.remember(("terms", languages), cached)
    return cached
