"""Queries for all of several words that few articles have together, scored as `QueryBuilder.build` scores them.

A word is looked for in several fields, and unions of fields are read through whole. Where the text alone finds every
article that the words have, it finds them, and the other fields are asked about hits only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from tantivy import Occur, Query

from app.search.query.tree import And, Node, Word
from app.search.tantivy import date_order, index_schema
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.query_builder import QueryBuilder
from app.search.tantivy.reader import View

_POSTINGS_A_HIT = 4
"""Asking all fields about a hit takes as long as reading so many postings of each word."""


@dataclass(frozen=True, slots=True)
class WordQueries:
    """Of one word: what finds all of its articles, and what more of them score."""

    in_text: Query
    common: tuple[Query, ...]
    """Of fields that have it about as often as the text."""
    rare: tuple[Query, ...]


def build_all_words(view: View, builder: QueryBuilder, node: Node | None) -> Query | None:
    """None where another query is as good: other nodes than words, many hits, words that stand outside of the text."""
    words = [leaf for leaf in node.nodes if isinstance(leaf, Word)] if isinstance(node, And) else []
    if not isinstance(node, And) or len(words) < len(node.nodes) or not _are_hits_few(builder, words):
        return None
    word_queries = [one for word in words if (one := split_word(view, builder, word)) is not None]
    if len(word_queries) < len(words):
        return None
    matched = Query.boolean_query([(Occur.Must, one.in_text) for one in word_queries])
    rare = [query for one in word_queries for query in one.rare]
    return score_hits(matched, chain.from_iterable(([filters.join_any(rare)], *(one.common for one in word_queries))))


def score_hits(query: Query, bonuses: Iterable[Query]) -> Query:
    """More for hits that the others match as well. One about another: together they would be read through whole."""
    for bonus in bonuses:
        query = Query.boolean_query([(Occur.Must, query), (Occur.Should, bonus)])
    return query


def _are_hits_few(builder: QueryBuilder, words: list[Word]) -> bool:
    texts = [word.text for word in words]
    postings = sum(map(builder.terms.find_frequency, texts))
    return builder.terms.estimate_together(texts) * _POSTINGS_A_HIT < postings


def split_word(view: View, builder: QueryBuilder, word: Word) -> WordQueries | None:
    """None where a field has the word in an article whose text has it not. Looked up once for each word and view."""
    key = ("all words", word, builder.names, builder.terms.languages)
    if key in view.memo:
        known = view.memo[key]
        return known if isinstance(known, WordQueries) else None
    parts = list(builder.list_parts(word))
    in_text = [query for name, query in parts if name == index_schema.TEXT]
    others = [query for name, query in parts if name != index_schema.TEXT]
    common, rare = (
        tuple(query for name, query in parts if (name == "words") is is_common and name != index_schema.TEXT)
        for is_common in (True, False)
    )
    split = WordQueries(filters.join_any(in_text), common, rare) if in_text else None
    if split is not None and others:
        outside = [(Occur.Must, filters.join_any(others)), (Occur.MustNot, split.in_text)]
        split = split if date_order.count_matches(view, Query.boolean_query(outside)) == 0 else None
    view.remember(key, split)
    return split
