"""From a question to the query that finds its articles: filter, words, and what recency adds. Runs nothing."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tantivy import Occur, Query

from app.search.engine import QueryInterpretation, Question
from app.search.query import tree as trees
from app.search.tantivy import filters, index_schema, match_cache, term_stats
from app.search.tantivy.interpretation import find_title_key, interpret
from app.search.tantivy.query_builder import QueryBuilder
from app.search.tantivy.reader import View

TITLE_EQUAL = 10_000.0
"""More than all else can score: 64 words that one article has, each a few dozen times, come to 9,400."""
_DAY = 86_400
_SELECTIVE = 0.05
_YOUNGER_THAN = (7, 30, 365)
"""Days; each band adds a quarter of the boost, and so do this year and the four before it.

Years are postings: as a range of dates the last band would cost more than all words together.
"""
_STRENGTH = {"off": 0.0, "normal": 0.1, "strong": 0.9}
"""Of what a good hit scores by its words."""


def create_builder(view: View, question: Question, interpretation: QueryInterpretation) -> QueryBuilder:
    terms = term_stats.get_stats(view, interpretation.languages)
    return QueryBuilder(terms, question.names)


def build_words(view: View, question: Question, interpretation: QueryInterpretation) -> Query:
    """The text of the query alone; everything where there is none."""
    if interpretation.tree is None:
        return filters.match_all()
    builder = create_builder(view, question, interpretation)
    tree = interpretation.tree
    words = builder.match_any_word(tree) if interpretation.any_word else builder.build(tree)
    titled = match_title(view, question)
    return words if titled is None else filters.join_any([words, titled])


def match_title(view: View, question: Question) -> Query | None:
    """Articles whose title is the whole query, operators read as text: above all others. None without any."""
    key = find_title_key(view, question)
    return Query.const_score_query(filters.match_term(index_schema.TITLE_KEY, key), TITLE_EQUAL) if key else None


def build_query(view: View, question: Question) -> Query:
    """Who matches, scored by the words and, where ordered by relevance, by age."""
    interpretation = interpret(view, question)
    clauses = _build_clauses(question, interpretation, build_words(view, question, interpretation))
    boosts = list(score_recency(view, question, interpretation)) if question.order == "relevance" else []
    near = list(score_nearness(view, question, interpretation)) if question.order == "relevance" else []
    if (boosts or near) and _is_selective(view, question, interpretation):
        # One by one they are asked about hits only; together they are read through whole.
        scored = Query.boolean_query(clauses)
        for boost in (*boosts, *near):
            scored = Query.boolean_query([(Occur.Must, scored), (Occur.Should, boost)])
        return scored
    return Query.boolean_query([*clauses, *((Occur.Should, boost) for boost in (*boosts, *near))])


def build_count_query(view: View, question: Question) -> Query:
    """Who matches, for counts: by words that cost much only once, and not scored."""
    interpretation = interpret(view, question)
    words_query = build_words(view, question, interpretation)
    return Query.boolean_query(
        _build_clauses(
            question,
            interpretation,
            match_cache.list_matches(view, question, interpretation, words_query) or words_query,
        )
    )


def _build_clauses(
    question: Question, interpretation: QueryInterpretation, words_query: Query
) -> list[tuple[Occur, Query]]:
    clauses = filters.build_clauses(question.filter, question.excluded)
    if interpretation.tree is not None or not any(occur == Occur.Must for occur, _ in clauses):
        clauses.append((Occur.Must, words_query))
    if question.dated != "any":
        vague = (
            (index_schema.YEAR_ONLY,)
            if question.dated == "month"
            else (index_schema.MONTH_ONLY, index_schema.YEAR_ONLY)
        )
        clauses.append((Occur.MustNot, filters.match_any("flags", vague)))
    return clauses


def score_nearness(view: View, question: Question, interpretation: QueryInterpretation) -> Iterator[Query]:
    """Articles that have the words side by side stand before those that have them far apart."""
    if interpretation.tree is not None:
        yield from create_builder(view, question, interpretation).score_neighbours(interpretation.tree)


def _is_selective(view: View, question: Question, interpretation: QueryInterpretation) -> bool:
    terms = create_builder(view, question, interpretation).terms
    counts = [
        terms.find_frequency(leaf.text)
        for leaf in trees.list_leaves(interpretation.tree)
        if isinstance(leaf, trees.Word)
    ]
    selective_count = view.searcher.num_docs * _SELECTIVE
    return bool(counts) and (max(counts) if interpretation.any_word else min(counts)) < selective_count


def score_recency(view: View, question: Question, interpretation: QueryInterpretation) -> Iterator[Query]:
    """Newer articles score more, in steps, measured by what the words can score; the future counts as new."""
    strength = _STRENGTH[question.recency]
    if not strength or interpretation.tree is None:
        return
    composing = create_builder(view, question, interpretation)
    step = strength * composing.estimate_weight(interpretation.tree) / 4
    for days in (None, *_YOUNGER_THAN):
        band = partial(_match_band, question.today, days)
        yield Query.const_score_query(composing.terms.get_query(("recency", question.today, days), band), step)


def _match_band(today: int, days: int | None) -> Query:
    """What is younger than so many days; of this year or the four before it, without."""
    if days is None:
        year = index_schema.year_of(today)
        return filters.match_any("year", tuple(range(year - 4, year + 1)))
    return filters.match_published((today - days * _DAY, None))


def normalize_question(question: Question) -> Question:
    """The question without what plays no part in which articles match, to remember counts by."""
    plain = replace(question, limit=0, offset=0, after=None, recency="off", today=0)
    return plain if question.match == "auto" else replace(plain, order="-published_at")
