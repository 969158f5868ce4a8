"""Articles like a given one: its telling words, as the archive uses them, and its tags. Returns a query, runs none."""

from collections import Counter
from collections.abc import Iterable
from math import log

from tantivy import Occur, Query

from app.search.engine import SimilaritySample
from app.search.query import analysis
from app.search.query.spelling import is_spaceless
from app.search.tantivy import filters, index_schema
from app.search.tantivy.reader import View

TELLING = 24
_FIELDS, _COUNTED = ("title", "body"), "body"
"""Where words are looked for, and where they are counted."""
_REMEMBERED = 50_000
_READ = 20_000
TITLE_COUNTS = 3
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
    counts = _count_stems(sample) if sample.stems is None else sample.stems
    articles = view.searcher.num_docs
    weights = {}
    frequencies = _find_frequencies(view, counts)
    for stem, times in counts.items():
        common = frequencies[stem]
        is_long = len(stem) >= _SHORTEST or (len(stem) > 1 and is_spaceless(stem))
        if is_long and 1 < common <= max(articles * _COMMON, 10) and not stem.isdigit():
            weights[stem] = (times / (times + 2)) * log(1 + articles / common)
    return sorted(weights.items(), key=lambda scored: (-scored[1], scored[0]))[:TELLING]


def _count_stems(sample: SimilaritySample) -> Counter[str]:
    counts = Counter(analysis.list_stems(sample.text[:_READ], sample.language))
    for stem in analysis.list_stems(sample.title, sample.language):
        counts[stem] += TITLE_COUNTS
    return counts


def measure_rarity(view: View, stems: Iterable[str], tags: Iterable[int]) -> tuple[dict[str, float], dict[int, float]]:
    """The inverse document frequency of stems and tags, smoothed: 1 for what every article has. Articles that were
    withdrawn lately may still be counted."""
    articles = view.searcher.num_docs + 1
    return (
        {stem: 1 + max(log(articles / (having + 1)), 0.0) for stem, having in _find_frequencies(view, stems).items()},
        {tag: 1 + max(log(articles / (view.searcher.doc_freq("tags", tag) + 1)), 0.0) for tag in tags},
    )


def _find_frequencies(view: View, stems: Iterable[str]) -> dict[str, int]:
    """In how many articles each stem stands, looked up once a commit."""
    known = view.memo.get("frequencies")
    if not isinstance(known, dict) or len(known) >= _REMEMBERED:
        known = {}
        view.remember("frequencies", known)
    frequencies: dict[str, int] = {}
    for stem in stems:
        having = known.get(stem)
        if having is None:
            having = known[stem] = view.searcher.doc_freq(_COUNTED, stem)
        frequencies[stem] = having
    return frequencies


def _weigh_word(stem: str, weight: float) -> Query:
    """Weighed twice, here and by the score, because a word that is rare is telling in the sample and in the hit."""
    terms = [Query.term_query(index_schema.build_schema(), name, stem) for name in _FIELDS]
    return Query.boost_query(filters.join_any(terms), weight / 4)


def _weigh_tag(view: View, tag: int) -> Query:
    rarity = log(1 + view.searcher.num_docs / (view.searcher.doc_freq("tags", tag) + 1))
    return Query.const_score_query(filters.match_term("tags", tag), _TAG_WEIGHT * rarity)
