"""From the tree of a query to a query of the index. Text from outside reaches it as terms, never through a parser."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from tantivy import Occur, Query

from app.search.engine import NameKind, NameLookup
from app.search.query import analysis
from app.search.query.tree import And, Field, FieldName, Leaf, Near, Node, Not, Or, Phrase, Prefix, Word, list_leaves
from app.search.tantivy import filters, index_schema
from app.search.tantivy.term_stats import TermStats

WEIGHTS = {"title": 1.3, "standfirst": 1.25, "body": 1.0}
"""Mild, because a word in a short part scores high by itself."""
GOOD_HIT = WEIGHTS["title"] + WEIGHTS["body"]
"""What a word scores about that stands in the title and the body, measured in its rarity."""
TAG_WEIGHT, WORDS_WEIGHT = 1.2, 0.5
NEARNESS = 0.5
"""Of what the same words score as a phrase."""
_NEAR_WORDS = 5
NEAR_WEIGHTS = (0.7, 0.55, 0.45, 0.4, 0.35)
_PREFIX_SCORE = 2.0
"""One for a word that begins so, one for a common such word in the title."""
_BEGUN, _KEPT_BEGUN = 2_000, 10
_FEW_WORDS = 8
_COMMON = 0.2
"""Of all articles: what more of them have costs most and tells least."""
KEPT_BEGINNINGS = 8
"""Of beginnings of words, where any word is enough: they tell little and cost most."""
KEPT_WORDS = 32
"""Of a pasted text; 20 cost 6 points of nDCG on long queries, 64 gain nothing more."""


@dataclass(frozen=True, slots=True)
class QueryBuilder:
    """What composing needs to know: the archive's terms, in the languages to read words in, and its names."""

    terms: TermStats
    names: NameLookup | None = None

    def build(self, node: Node, field: FieldName | None = None) -> Query:
        """Articles that match the node, scored."""
        match node:
            case Word(text):
                return self._build_text(analysis.strip_affixes(text), field)
            case Phrase(text):
                return self._build_text(text, field)
            case Prefix(text):
                return self.terms.get_query(
                    (self.names, Prefix(text), field), lambda: self._compose_prefix(text, field)
                )
            case Near(_, instead):
                near = [self._build_text(word, field) for word in instead]
                weighed = [Query.boost_query(q, w) for q, w in zip(near, NEAR_WEIGHTS, strict=False)]
                return Query.disjunction_max_query(weighed)
            case Field(name, inner):
                return self.build(inner, name)
            case Not() | And():
                return _match_all(self.build_clauses(node, field))
            case Or(nodes):
                return filters.join_any([self.build(inner, field) for inner in nodes])

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
        words = self._select_telling([part for inner in nodes for part in _split_phrases(inner)])
        clauses = [(Occur.Should, self.build(word)) for word in words]
        ruled_out = [(Occur.MustNot, self.build(inner.node)) for inner in nodes if isinstance(inner, Not)]
        if not clauses:
            return _match_all(ruled_out)
        more = [(Occur.Should, bonus) for bonus in self._score_bonuses(words, [query for _, query in clauses])]
        return Query.boolean_query([(Occur.Must, Query.boolean_query(clauses)), *more, *ruled_out])

    def score_neighbours(self, node: Node) -> Iterator[Query]:
        """More for articles in which neighbours in the query stand side by side, or nearly: in titles with one word
        between them, in bodies with three. Only for a few words: of many it would cost more than it tells."""
        words = [inner for inner in node.nodes if isinstance(inner, Word)] if isinstance(node, And) else []
        if not 2 <= len(words) <= _NEAR_WORDS:
            return
        for first, second in pairwise(words):
            for first_reading, second_reading in zip(
                self.terms.list_readings(first.text), self.terms.list_readings(second.text), strict=False
            ):
                if len(first_reading) == len(second_reading) == 1:
                    for field, slop in (("title", 1), ("body", 3)):
                        near = Query.phrase_query(
                            index_schema.build_schema(), field, [first_reading[0], second_reading[0]], slop
                        )
                        yield Query.boost_query(near, NEARNESS * WEIGHTS[field])

    def _score_bonuses(self, words: list[Node], queries: list[Query]) -> Iterator[Query]:
        """For articles with all of the words more than any words can score; for most of a few, something."""
        if len(words) < 2:
            return
        everyone = Query.boolean_query([(Occur.Must, query) for query in queries])
        yield Query.const_score_query(everyone, 2 * sum(self.estimate_weight(word) for word in words))
        if 3 < len(words) <= _FEW_WORDS:
            most_words = Query.boolean_query([(Occur.Should, query) for query in queries], ceil(len(words) * 0.75))
            yield Query.const_score_query(most_words, 1.0)

    def _select_telling(self, nodes: list[Node]) -> list[Node]:
        """Without stop words, unless there is nothing else; of many without the commonest; each once."""
        beginnings = [node for node in dict.fromkeys(nodes) if isinstance(node, Prefix)][KEPT_BEGINNINGS:]
        nodes = [node for node in dict.fromkeys(nodes) if node not in beginnings]
        content_words = [
            node
            for node in nodes
            if not (isinstance(node, Word) and analysis.is_stop_word(node.text, self.terms.languages))
        ] or nodes
        if len(content_words) <= _FEW_WORDS:
            return content_words
        common = self.terms.searcher.num_docs * _COMMON
        rare = [node for node in content_words if self._find_frequency(node) <= common]
        content_words = rare if len(rare) >= _FEW_WORDS else content_words
        return (
            content_words
            if len(content_words) <= KEPT_WORDS
            else sorted(content_words, key=self._find_frequency)[:KEPT_WORDS]
        )

    def _find_frequency(self, node: Node) -> int:
        return self.terms.find_frequency(node.text) if isinstance(node, Word) else 0

    def _build_text(self, text: str, field: FieldName | None) -> Query:
        return self.terms.get_query((self.names, text, field), lambda: self._compose_text(text, field))

    def _compose_text(self, text: str, field: FieldName | None) -> Query:
        if field in ("tag", "region", "author"):
            return self._match_named(field, text)
        parts = list(self._list_parts(text, field))
        if field is None and (tagged := self._match_tagged(text)):
            parts.append(tagged)
        return filters.join_any(parts) if parts else Query.empty_query()

    def _list_parts(self, text: str, field: FieldName | None) -> Iterator[Query]:
        """Side by side, not nested: unions of single terms are what tantivy is quickest at."""
        readings = self.terms.list_readings(text)
        for name, weight in WEIGHTS.items():
            if field in (None, name) and readings:
                queries = [_match_in_order(name, words) for words in readings]
                if name == "standfirst" and len(readings[0]) == 1 and not self.terms.has_usual_standfirsts():
                    # Where few articles have one, its length tells nothing and would cost it nearly all of its score.
                    rarity = self.terms.compute_rarity(self.terms.find_frequency(text))
                    yield Query.const_score_query(filters.join_any(queries), weight * rarity)
                else:
                    yield from (Query.boost_query(query, weight) for query in queries)
        whole = analysis.analyse_words(text)
        if field is None and len(whole) == 1:
            yield Query.boost_query(_match_in_order(index_schema.WORDS, whole), WORDS_WEIGHT)

    def _match_named(self, kind: NameKind, text: str) -> Query:
        ids = self.names.find_named(kind, text) if self.names else ()
        if not ids:
            return Query.empty_query()
        return filters.match_any("within_5" if kind == "region" else "tags", ids)

    def _match_tagged(self, text: str) -> Query | None:
        if self.names is None or analysis.is_stop_word(text, self.terms.languages):
            return None
        ids = self.names.find_named("tag", text)
        if not ids:
            return None
        articles = sum(self.terms.searcher.doc_freq("tags", tag) for tag in ids)
        return Query.const_score_query(filters.match_any("tags", ids), TAG_WEIGHT * self.terms.compute_rarity(articles))

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
            return Query.empty_query()
        if field in ("tag", "region", "author"):
            return self._match_named(field, text)
        prefix_query = _match_beginning(index_schema.WORDS, last)
        if field is not None:  # parts are stemmed: the stem may be shorter than what is typed
            prefix_query = filters.join_any([_match_beginning(field, last), *self._list_parts(last, field)])
        elif title := self._match_commonest(last):
            prefix_query = Query.boolean_query([(Occur.Must, prefix_query), (Occur.Should, title)])
        if before:
            return Query.boolean_query(
                [(Occur.Must, prefix_query), (Occur.Must, self._build_text(" ".join(before), field))]
            )
        return prefix_query

    def _match_commonest(self, beginning: str) -> Query | None:
        """Scores titles that have one of the commonest words that begin so."""
        common_terms = self.terms.searcher.terms_with_prefix(index_schema.WORDS, beginning, limit=_BEGUN)
        common = sorted(common_terms, key=lambda term_count: -term_count[1])[:_KEPT_BEGUN]
        terms = dict.fromkeys(
            words for term, _ in common for words in self.terms.list_readings(term) if len(words) == 1
        )
        queries = [Query.const_score_query(_match_in_order("title", words), 1) for words in terms]
        return (queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)) if queries else None


def _choose_likeliest(leaf: Leaf) -> str:
    return leaf.instead[0] if isinstance(leaf, Near) else analysis.strip_affixes(leaf.text)


def _split_phrases(node: Node) -> list[Node]:
    """The words of a phrase beside it, of `co-op` instead of it; nothing of what is ruled out."""
    if isinstance(node, Not):
        return []
    if isinstance(node, Word | Phrase) and not analysis.is_unspaced(node.text):
        parts: list[Node] = [Word(text) for text in analysis.analyse_words(analysis.strip_affixes(node.text))]
        if len(parts) > 1:
            return [node, *parts] if isinstance(node, Phrase) else parts
    return [node]


def _match_beginning(field: str, beginning: str) -> Query:
    # A prefix query, spelt as tantivy has it: no edits. The same as a pattern takes 0.2 ms to make.
    return Query.const_score_query(
        Query.fuzzy_term_query(index_schema.build_schema(), field, beginning, 0, prefix=True), 1
    )


def _match_in_order(field: str, words: tuple[str, ...]) -> Query:
    if len(words) == 1 and analysis.is_single_character(words[0]):
        return _match_beginning(field, words[0])
    if len(words) == 1:  # a phrase of one word is a panic
        return Query.term_query(
            index_schema.build_schema(), field, words[0], "freq" if field == index_schema.WORDS else "position"
        )
    return Query.phrase_query(index_schema.build_schema(), field, list(words))


def _match_all(clauses: list[tuple[Occur, Query]]) -> Query:
    if not any(occur == Occur.Must for occur, _ in clauses):
        clauses = [*clauses, (Occur.Must, Query.const_score_query(filters.match_all(), 0))]
    return Query.boolean_query(clauses)
