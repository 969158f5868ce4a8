"""From the tree of a query to a query of the index. Text from outside reaches it as terms, never through a parser.

Words score as BM25 has it, over all of an article's text as one field, and a share of what they score in the title.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil

from tantivy import Occur, Query

from app.search.engine import NameLookup, PartField
from app.search.query import analysis
from app.search.query.analysis import Reading
from app.search.query.spelling import is_spaceless
from app.search.query.stop_words import is_stop_word
from app.search.query.tree import (
    And,
    Field,
    FieldName,
    Leaf,
    NamedPlace,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    list_leaves,
)
from app.search.tantivy import index_schema
from app.search.tantivy.filters import FilterQueries, QueryFactory
from app.search.tantivy.name_queries import NAME_WEIGHT, NameQueries
from app.search.tantivy.term_stats import FEW, TermStats

TITLE_SHARE = 0.2
"""Of what a word scores in the title, beside what it scores in the text, of which the title is a part."""
STANDFIRST_SHARE = 0.2
"""Of a word's rarity, for standing in the standfirst. Where few articles have one, its length tells nothing."""
EXACT = 0.5
"""Of what the word scores exactly as written. For long queries as well: medline .6875 without, .6996 with it."""
GOOD_HIT = 2.2
"""What a word scores about in a good hit, measured in its rarity."""
NEARNESS = 0.1
"""Of what the same words score as a phrase, in the body; in a title as much of the title's share."""
NEAR_WEIGHTS = (0.7, 0.55, 0.45, 0.4, 0.35)
_PREFIX_SCORE = 2.0
"""One for a word that begins so, one for a common such word in the title."""
_BEGUN, _KEPT_BEGUN = 2_000, 10
_FEW_WORDS = 8
_COMMON = 0.2
"""Of all articles: what more of them have finds nothing by itself, and is scored where another word is found."""
KEPT_BEGINNINGS = 8
"""Of beginnings of words, where any word is enough: they tell little and cost most."""
KEPT_WORDS = 64
"""As many as a query may have: with 32, claims lose a point of nDCG."""
_SCORED_IN_ROW = 16
"""Terms of a row, such as a sentence without spaces, that are scored."""

Part = tuple[PartField, Query]
"""A query of one field, and what it is called in explanations."""
_CONSTANTS: tuple[tuple[PartField, float], ...] = (("standfirst", STANDFIRST_SHARE), ("dateline", NAME_WEIGHT))


@dataclass(frozen=True, slots=True)
class QueryBuilder:
    """What composing needs to know: the archive's terms, in the languages to read words in, and its names."""

    terms: TermStats
    names: NameLookup | None = None
    filters: FilterQueries = field(init=False)
    query: QueryFactory = field(init=False)
    by_name: NameQueries = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", self.terms.filters)
        object.__setattr__(self, "query", self.terms.filters.query)
        object.__setattr__(self, "by_name", NameQueries(self.terms, self.names))

    def build(self, node: Node, field: FieldName | None = None) -> Query:
        """Articles that match the node, scored."""
        match node:
            case Word() | Phrase():
                return self._build_text(node, field)
            case NamedPlace(inner):
                return self.filters.join_any([self.build(inner, field), self.by_name.match_region(node)])
            case Prefix(text):
                return self.terms.get_query(
                    (self.names, Prefix(text), field), lambda: self._compose_prefix(text, field)
                )
            case Near(_, instead):
                near = [self._build_text(Word(word), field) for word in instead]
                weighed = [self.query.boost_query(q, w) for q, w in zip(near, NEAR_WEIGHTS, strict=False)]
                return self.query.disjunction_max_query(weighed)
            case Field(name, inner):
                return self.build(inner, name)
            case Not() | And():
                return self.filters.match_all_of(self.build_clauses(node, field))
            case Or(nodes):
                return self.filters.join_any([self.build(inner, field) for inner in nodes])

    def build_clauses(self, node: Node, field: FieldName | None = None) -> list[tuple[Occur, Query]]:
        """The node as clauses of which those that must match are told from those that must not."""
        nodes = node.nodes if isinstance(node, And) else (node,)
        return [
            (Occur.MustNot, self.build(inner.node, field))
            if isinstance(inner, Not)
            else (Occur.Must, self.build(inner, field))
            for inner in nodes
        ]

    def match_any_word(self, node: Node) -> Query:
        """Articles with any of the words at the tree's top, those with all or most of them first; nothing ruled out."""
        nodes = node.nodes if isinstance(node, And) else (node,)
        ruled_out = [(Occur.MustNot, self.build(inner.node)) for inner in nodes if isinstance(inner, Not)]
        words = self.select_words(node)
        if not words.telling:
            return self.filters.match_all_of(ruled_out)
        any_word = self.query.boolean_query([(Occur.Should, query) for query in self._weigh(words, words.telling)])
        common = [(Occur.Should, query) for query in self._weigh(words, words.common, self.list_common_parts)]
        more = [(Occur.Should, bonus) for bonus in self.score_bonuses(words)]
        return self.query.boolean_query([(Occur.Must, any_word), *common, *more, *ruled_out])

    def _weigh(
        self, words: "SelectedWords", some: Sequence[Node], list_parts: Callable[[Word], Iterable[Part]] | None = None
    ) -> Iterator[Query]:
        """A word that the query has twice counts twice. Its parts side by side: one union of many terms takes a fifth
        less than one of unions."""
        for word in some:
            if isinstance(word, Word):
                queries = [query for _, query in (list_parts or self.list_parts)(word)]
            else:
                queries = [self.build(word)]
            times = float(words.counts[word])
            yield from queries if times == 1 else (self.query.boost_query(query, times) for query in queries)

    def list_common_parts(self, word: Word) -> Iterator[Part]:
        """Of a common word of a long query. That it stands there exactly so tells nothing, and costs as much as that
        it stands there at all, which is what a long query costs most of."""
        return (part for part in self.list_parts(word) if part[0] != "words")

    def select_words(self, node: Node) -> "SelectedWords":
        """What any word of is enough: the words that tell something, and the common ones, which only score."""
        nodes = node.nodes if isinstance(node, And) else (node,)
        counts = Counter(part for inner in nodes for part in _split_phrases(inner))
        beginnings = [node for node in counts if isinstance(node, Prefix)][KEPT_BEGINNINGS:]
        every = [node for node in counts if node not in beginnings]
        telling = [node for node in every if not self._is_stop_word(node)] or every
        if len(telling) > _FEW_WORDS:
            most = self.terms.searcher.num_docs * _COMMON
            rare = [node for node in telling if self._find_frequency(node) <= most]
            telling = rare if len(rare) >= _FEW_WORDS else telling
            # `a-b-c-…` is one word to the parser, and many to an analyzer.
            telling = sorted(telling, key=self._find_frequency)[:KEPT_WORDS] if len(telling) > KEPT_WORDS else telling
        # Stop words cost cisi three points of nDCG.
        common = [node for node in every if node not in telling and not self._is_stop_word(node)][:KEPT_WORDS]
        return SelectedWords(tuple(telling), tuple(common), counts)

    def _is_stop_word(self, node: Node) -> bool:
        return isinstance(node, Word) and is_stop_word(node.text, self.terms.languages)

    def score_neighbours(self, node: Node) -> Iterator[Query]:
        """More for articles in which neighbours in the query stand side by side, or nearly: in titles with one word
        between them, in bodies with three. Only for a few words: of many it would cost more than it tells."""
        words = [leaf for leaf in list_leaves(node) if isinstance(leaf, Word)] if isinstance(node, And) else []
        if not 2 <= len(words) <= FEW:
            return
        for first, second in pairwise(dict.fromkeys(words)):
            readings = zip(self.terms.list_readings(first), self.terms.list_readings(second), strict=False)
            for first_reading, second_reading in readings:
                if len(first_reading) == len(second_reading) == 1 and first_reading[0][1] != second_reading[0][1]:
                    # Forms of one word are left out: each place of it would stand near itself.
                    pair: list[str | tuple[int, str]] = [first_reading[0][1], second_reading[0][1]]
                    for field, slop, weight in (("title", 1, NEARNESS * TITLE_SHARE), ("body", 3, NEARNESS)):
                        near = self.query.phrase_query(index_schema.build_schema(), field, pair, slop)
                        yield self.query.boost_query(near, weight)

    def score_bonuses(self, words: "SelectedWords") -> Iterator[Query]:
        """For articles with all of the words more than any words can score; for most of a few, something."""
        if len(words.telling) < 2:
            return
        queries = [self.build(word) for word in words.telling]
        everyone = self.query.boolean_query([(Occur.Must, query) for query in queries])
        yield self.query.const_score_query(everyone, 2 * sum(self.estimate_weight(word) for word in words.telling))
        yield from self.score_most_words(queries)

    def score_most_words(self, queries: list[Query]) -> Iterator[Query]:
        """For articles with most of a few words."""
        if 3 < len(queries) <= _FEW_WORDS:
            most_words = self.query.boolean_query(
                [(Occur.Should, query) for query in queries], ceil(len(queries) * 0.75)
            )
            yield self.query.const_score_query(most_words, 1.0)

    def bound_score(self, word: Word) -> float | None:
        """What an article scores at most for the word, its age and neighbours aside; None where it is several terms."""
        readings = self.terms.list_readings(word)
        if any(len(reading) > 1 for reading in readings):
            return None
        exact = {
            reading
            for text in (analysis.strip_affixes(word.text), *word.variants)
            if len(reading := analysis.read_terms(text)) == 1
        }
        weighed = [
            *((index_schema.TEXT, reading, 1.0) for reading in readings),
            *(("title", reading, TITLE_SHARE) for reading in readings),
            *((index_schema.WORDS, reading, EXACT) for reading in exact),
        ]
        scores = [weight * self.terms.bound_term(name, reading[0][1]) for name, reading, weight in weighed]
        constants = len(readings) * (STANDFIRST_SHARE + NAME_WEIGHT) + NAME_WEIGHT
        rarity = self.terms.compute_rarity(self.terms.find_frequency(word.text))
        return sum(scores) + constants * rarity

    def _find_frequency(self, node: Node) -> int:
        return self.terms.find_frequency(node.text) if isinstance(node, Word) else 0

    def _build_text(self, leaf: Word | Phrase, field: FieldName | None) -> Query:
        key = (self.names, leaf, field)
        return self.terms.get_query(key, lambda: self._compose_text(leaf, field))

    def _compose_text(self, leaf: Word | Phrase, field: FieldName | None) -> Query:
        # Side by side, not nested: unions of single terms are what tantivy is quickest at.
        parts = [query for _, query in self.list_parts(leaf, field)]
        return self.filters.join_any(parts) if parts else self.query.empty_query()

    def list_parts(self, leaf: Word | Phrase, field: FieldName | None = None) -> Iterator[Part]:
        """What a word or phrase is looked for in, each with its share of the score."""
        if field in ("tag", "region", "author"):
            yield field, self.by_name.match_named(field, leaf.text)
            return
        readings = self.terms.list_readings(leaf)
        has_single = any(len(reading) == 1 for reading in readings)
        for reading in readings:
            # "live stream" for `livestream` scores as one word does, so that the word as written stands first.
            share = 1 / len(reading) if has_single else 1.0
            yield from (
                self._list_in_text(reading, share)
                if field is None
                else [(field, self.filters.match_reading(field, reading))]
            )
        if field is None:
            yield from self._list_names(leaf, readings)

    def _list_in_text(self, reading: Reading, share: float) -> Iterator[Part]:
        if len(reading) == 1:
            if self._is_found(index_schema.TEXT, reading):
                yield "text", self.filters.match_reading(index_schema.TEXT, reading)
            if self._is_found("title", reading):
                titled = self.filters.match_reading("title", reading)
                yield "title", self.query.boost_query(titled, TITLE_SHARE)
            return
        # All of it in one part finds the article; its words score as everywhere.
        rows = [self.filters.match_reading(name, reading) for name in index_schema.STEMMED]
        condition = self.query.const_score_query(self.filters.join_any(rows), 0)
        terms = dict.fromkeys(term for _, term in reading)
        scored = [self.filters.match_reading(index_schema.TEXT, ((0, term),)) for term in list(terms)[:_SCORED_IN_ROW]]
        words = self.query.boolean_query([(Occur.Must, condition), *((Occur.Should, query) for query in scored)])
        yield "text", self.query.boost_query(words, share)
        yield "title", self.query.boost_query(rows[0], TITLE_SHARE * share)

    def _is_found(self, field: str, reading: Reading) -> bool:
        """Whether any article may have it there. A union of terms alone takes half as long as one with anything else
        in it, be it a constant score for what is found nowhere."""
        return all(self.terms.searcher.doc_freq(field, term) for _, term in reading)

    def find_text_part(self, word: Word) -> Query | None:
        """The commonest of its terms in the text, all of whose articles the word finds; None where it is no term."""
        readings = [reading for reading in self.terms.list_readings(word) if len(reading) == 1]
        if not readings:
            return None
        searcher = self.terms.searcher
        return self.filters.match_reading(
            index_schema.TEXT, max(readings, key=lambda reading: searcher.doc_freq(index_schema.TEXT, reading[0][1]))
        )

    def _list_names(self, leaf: Word | Phrase, readings: Sequence[Reading]) -> Iterator[Part]:
        written = analysis.strip_affixes(leaf.text) if isinstance(leaf, Word) else leaf.text
        for whole in dict.fromkeys(analysis.read_terms(text) for text in (written, *leaf.variants)):
            if len(whole) == 1 and self._is_found(index_schema.WORDS, whole):
                exact = self.filters.match_reading(index_schema.WORDS, whole)
                yield "words", self.query.boost_query(exact, EXACT)
        if is_stop_word(leaf.text, self.terms.languages):
            return
        rarity = self.terms.compute_rarity(self.terms.find_frequency(leaf.text))
        for reading in readings:
            for name, share in _CONSTANTS:
                if self._is_found(name, reading):
                    named = self.filters.match_reading(name, reading)
                    yield name, self.query.const_score_query(named, share * rarity)
        if tagged := self.by_name.match_tag(analysis.strip_affixes(leaf.text), rarity):
            yield "tag", tagged

    def estimate_weight(self, node: Node) -> float:
        """About what a good hit scores, to measure other boosts by; words that no article has add nothing."""
        leaves = [leaf for leaf, _ in zip(list_leaves(node), range(KEPT_WORDS), strict=False)]
        words = [
            word
            for leaf in leaves
            if not isinstance(leaf, Prefix)
            for word in analysis.analyse_words(_choose_likeliest(leaf))
        ]
        counts = [count for word in words if (count := self.terms.find_frequency(word))]
        beginnings = sum(isinstance(leaf, Prefix) for leaf in leaves)
        return GOOD_HIT * sum(self.terms.compute_rarity(count) for count in counts) + _PREFIX_SCORE * beginnings

    def _compose_prefix(self, text: str, field: FieldName | None) -> Query:
        """Whole words that begin like it, in any part: where a word begins says nothing of its stem."""
        *before, last = analysis.analyse_words(text) or ("",)
        if not last:
            return self.query.empty_query()
        if field in ("tag", "region", "author"):
            return self.by_name.match_begun(field, text)
        prefix_query = self.filters.match_beginning(index_schema.WORDS, last)
        if field is not None:  # parts are stemmed: the stem may be shorter than what is typed
            parts = [query for _, query in self.list_parts(Word(last), field)]
            prefix_query = self.filters.join_any([self.filters.match_beginning(field, last), *parts])
        elif title := self._match_commonest(last):
            prefix_query = self.query.boolean_query([(Occur.Must, prefix_query), (Occur.Should, title)])
        if field is None:
            prefix_query = self.filters.join_any([prefix_query, *self.by_name.match_any_begun(text)])
        if before:
            return self.query.boolean_query(
                [(Occur.Must, prefix_query), (Occur.Must, self._build_text(Word(" ".join(before)), field))]
            )
        return prefix_query

    def _match_commonest(self, beginning: str) -> Query | None:
        """Scores titles that have one of the commonest words that begin so."""
        common_terms = self.terms.searcher.terms_with_prefix(index_schema.WORDS, beginning, limit=_BEGUN)
        common = sorted(common_terms, key=lambda term_count: -term_count[1])[:_KEPT_BEGUN]
        readings = dict.fromkeys(
            reading for term, _ in common for reading in self.terms.list_readings(Word(term)) if len(reading) == 1
        )
        queries = [
            self.query.const_score_query(self.filters.match_reading("title", reading), 1) for reading in readings
        ]
        return (queries[0] if len(queries) == 1 else self.query.disjunction_max_query(queries)) if queries else None


def _choose_likeliest(leaf: Leaf) -> str:
    return leaf.instead[0] if isinstance(leaf, Near) else analysis.strip_affixes(leaf.text)


@dataclass(frozen=True, slots=True)
class SelectedWords:
    """Of a query of which any word is enough: what has to be found, what only scores, and how often each stands."""

    telling: tuple[Node, ...]
    common: tuple[Node, ...]
    counts: Counter[Node]


def _split_phrases(node: Node) -> list[Node]:
    """The words of a phrase beside it, of `covid-19` instead of it; nothing of what is ruled out."""
    if isinstance(node, Not):
        return []
    if isinstance(node, NamedPlace):
        inner = node.node.nodes if isinstance(node.node, And) else (node.node,)
        first, *others = [part for word in inner for part in _split_phrases(word)]
        return [replace(node, node=first), *others]
    if isinstance(node, Word | Phrase) and not is_spaceless(node.text):
        parts: list[Node] = [Word(text) for text in analysis.analyse_words(analysis.strip_affixes(node.text))]
        if len(parts) > 1:
            return [node, *parts] if isinstance(node, Phrase) else parts
    return [node]
