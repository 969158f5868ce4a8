"""Articles like a given one: its telling words, as the archive uses them, and its tags. Returns a query, runs none."""

from collections import Counter
from math import log

from tantivy import Occur, Query

from app.search.engine import SimilaritySample
from app.search.query import analysis
from app.search.tantivy import filters, index_schema
from app.search.tantivy.reader import View

TELLING = 24
_READ = 20_000
_TITLE_COUNTS = 3
_SHORTEST = 3
_COMMON = 0.2
"""A word in more of the articles than this tells nothing."""
_TAG_WEIGHT = 1.5


def build_query(view: View, sample: SimilaritySample) -> Query | None:
    """None where the sample has neither words nor tags to go by."""
    clauses = [(Occur.Should, _weigh_word(word, weight)) for word, weight in select_terms(view, sample)]
    clauses += [(Occur.Should, _weigh_tag(view, tag)) for tag in sample.tags]
    return Query.boolean_query(clauses) if clauses else None


def select_terms(view: View, sample: SimilaritySample) -> list[tuple[str, float]]:
    """The stems that set the sample apart from the archive, the most telling first, with their weights."""
    counts = Counter(analysis.list_stems(sample.text[:_READ], sample.language))
    for stem in analysis.list_stems(sample.title, sample.language):
        counts[stem] += _TITLE_COUNTS
    articles = view.searcher.num_docs
    weights = {}
    for stem, times in counts.items():
        common = view.searcher.doc_freq("body", stem)
        if len(stem) >= _SHORTEST and 1 < common <= max(articles * _COMMON, 10) and not stem.isdigit():
            weights[stem] = (times / (times + 2)) * log(1 + articles / common)
    return sorted(weights.items(), key=lambda scored: (-scored[1], scored[0]))[:TELLING]


def _weigh_word(stem: str, weight: float) -> Query:
    """Weighed twice, here and by the score, because a word that is rare is telling in the sample and in the hit."""
    terms = [Query.term_query(index_schema.build_schema(), name, stem) for name in ("title", "body")]
    return Query.boost_query(filters.join_any(terms), weight / 4)


def _weigh_tag(view: View, tag: int) -> Query:
    rarity = log(1 + view.searcher.num_docs / (view.searcher.doc_freq("tags", tag) + 1))
    return Query.const_score_query(filters.match_term("tags", tag), _TAG_WEIGHT * rarity)
