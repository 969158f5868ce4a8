"""Queries as OpenSearch has them, made by the functions that tantivy's are made by. Text from outside reaches them as
terms, never through a parser of the cluster's.

A query is JSON: it is called tantivy's, since whoever composes one only passes it on.
"""

from collections.abc import Sequence
from typing import cast

from tantivy import FieldType, Occur, Query, Schema

from app.search.opensearch.mapping import GAP
from app.search.tantivy.index_schema import NO_TERMS

Clause = dict[str, object]

_NOTHING = 1e-9
"""Of a score: with 0 it would not be scored at all."""
MOST_TERMS = 60_000
"""In one set of terms: `index.max_terms_count` is 65,536."""


def read_clause(query: Query) -> Clause:
    """The JSON of a query that was made here."""
    return cast("Clause", query)


def _make(clause: Clause) -> Query:
    return cast("Query", clause)


class ClusterQueries:
    """A `QueryFactory`. The schema is the same everywhere, and not looked at."""

    @staticmethod
    def term_query(schema: Schema, field_name: str, field_value: object, index_option: str = "position") -> Query:
        return _make({"term": {field_name: {"value": field_value}}})

    @staticmethod
    def term_set_query(schema: Schema, field_name: str, field_values: Sequence[object]) -> Query:
        if not field_values:
            return ClusterQueries.empty_query()
        sets: list[Clause] = [
            {"terms": {field_name: list(field_values[start : start + MOST_TERMS])}}
            for start in range(0, len(field_values), MOST_TERMS)
        ]
        return _make(sets[0] if len(sets) == 1 else {"bool": {"should": sets}})

    @staticmethod
    def fuzzy_term_query(
        schema: Schema,
        field_name: str,
        text: str,
        distance: int = 1,
        transposition_cost_one: bool = True,
        prefix: bool = False,
    ) -> Query:
        """Beginnings alone: misspelt words are looked up among the words that this machine has."""
        assert prefix, "nothing else is asked for"
        return _make({"prefix": {field_name: {"value": text}}})

    @staticmethod
    def phrase_query(schema: Schema, field_name: str, words: list[str | tuple[int, str]], slop: int = 0) -> Query:
        if slop:
            first, second = (word if isinstance(word, str) else word[1] for word in words)
            return _make(_build_near(field_name, first, second, slop))
        placed = [(place, word) if isinstance(word, str) else word for place, word in enumerate(words)]
        return _make(_build_phrase(field_name, placed))

    @staticmethod
    def range_query(
        schema: Schema,
        field_name: str,
        field_type: FieldType,
        lower_bound: int,
        upper_bound: int,
        *,
        use_inverted_index: bool = False,
    ) -> Query:
        return _make({"range": {field_name: {"gte": lower_bound, "lte": upper_bound}}})

    @staticmethod
    def boolean_query(subqueries: Sequence[tuple[Occur, Query]], minimum: int | None = None) -> Query:
        parts: dict[str, list[Clause]] = {}
        for occur, query in subqueries:
            clause = read_clause(query)
            if occur == Occur.Must:
                silent = _read_silent(clause)
                name, clause = ("must", clause) if silent is None else ("filter", silent)
            else:
                name = "must_not" if occur == Occur.MustNot else "should"
            parts.setdefault(name, []).append(clause)
        if not parts:
            return ClusterQueries.empty_query()
        if minimum is not None:
            return _make({"bool": {**parts, "minimum_should_match": minimum}})
        return _make({"bool": parts})

    @staticmethod
    def disjunction_max_query(subqueries: Sequence[Query]) -> Query:
        return _make({"dis_max": {"queries": [read_clause(query) for query in subqueries]}})

    @staticmethod
    def boost_query(query: Query, boost: float) -> Query:
        return _make({"bool": {"must": [read_clause(query)], "boost": boost}})

    @staticmethod
    def const_score_query(query: Query, score: float) -> Query:
        return _make({"constant_score": {"filter": read_clause(query), "boost": score}})

    @staticmethod
    def empty_query() -> Query:
        return _make({"match_none": {}})


def _read_silent(clause: Clause) -> Clause | None:
    """What a clause matches by whose score is 0; None for others."""
    constant = clause.get("constant_score")
    if isinstance(constant, dict) and constant["boost"] == 0:
        inner: Clause = constant["filter"]
        return inner
    return None


def _build_phrase(field_name: str, placed: Sequence[tuple[int, str]]) -> Clause:
    """Terms at their places: for a place that is left out the field's analyzer knows a word that leaves a gap."""
    words: list[str] = []
    for place, word in placed:
        words += [GAP] * (place - placed[0][0] - len(words))
        words.append(word)
    if len(placed) == 1:
        return {"term": {field_name: {"value": words[0]}}}
    phrase: Clause = {"match_phrase": {field_name: {"query": " ".join(words)}}}
    # A part of an index without any of the words would tell nothing of how many articles have the field, and those of
    # the others would count as all: only where a term is looked for as well does each part tell.
    field_term: Clause = {"term": {field_name: {"value": NO_TERMS, "boost": _NOTHING}}}
    return {"bool": {"must": [phrase], "should": [field_term]}}


def _build_near(field_name: str, first: str, second: str, slop: int) -> Clause:
    """Two different words with up to `slop` others between them, or, of a slop of 2 and more, turned round with two
    fewer. Spans of each distance count alike: in a phrase with slop, words count for less that are further apart. As on
    this machine, `a b b` has the words near one another once: what overlaps a shorter span does not count."""
    by_distance = [(gap, _build_span(field_name, first, gap, second)) for gap in range(slop + 1)]
    by_distance += [(gap + 2, _build_span(field_name, second, gap, first)) for gap in range(slop - 1)]
    spans = [span for _, span in sorted(by_distance, key=lambda pair: pair[0])]
    apart: list[Clause] = [
        {"span_not": {"include": span, "exclude": {"span_or": {"clauses": spans[:shorter]}}}}
        for shorter, span in enumerate(spans)
        if shorter
    ]
    return {"span_or": {"clauses": [spans[0], *apart]}}


def _build_span(field_name: str, first: str, gap: int, second: str) -> Clause:
    between: list[Clause] = [{"span_gap": {field_name: gap}}] if gap else []
    words = [{"span_term": {field_name: first}}, *between, {"span_term": {field_name: second}}]
    return {"span_near": {"clauses": words, "slop": 0, "in_order": True}}
