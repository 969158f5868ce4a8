"""From a question to the query that finds its articles: filter, words, and what recency adds. Runs nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.search.engine import QueryInterpretation, Question
from app.search.query import tree as trees
from app.search.tantivy import all_words, any_word, index_schema, match_cache, term_stats
from app.search.tantivy.filters import FilterQueries
from app.search.tantivy.interpretation import find_title_key, interpret
from app.search.tantivy.query_builder import QueryBuilder
from app.search.tantivy.reader import View

TITLE_EQUAL = 10_000.0
"""More than all else can score: 64 words that one article has, each a few dozen times, come to 9,400."""
_UNFILTERED = ArticleFilter()
_SELECTIVE = 0.05
YOUNG, OLD = (7, 30), (365, None)
"""Days that articles are younger than; None: of this year or the four before it. Each adds a quarter of the boost.

Years and the youngest days are postings: as a range of dates the last band would cost more than all words together.
"""
BANDS = (*YOUNG, *OLD)
_STRENGTH = {"off": 0.0, "normal": 0.1, "strong": 0.9}
"""Of what a good hit scores by its words."""


def create_builder(view: View, question: Question, interpretation: QueryInterpretation) -> QueryBuilder:
    terms = term_stats.get_stats(view, interpretation.languages)
    return QueryBuilder(terms, question.names)


def build_words(view: View, question: Question, interpretation: QueryInterpretation) -> Query:
    """The text of the query alone; everything where there is none."""
    if question.fixed is not None:
        return view.filters.match_condition(question.fixed)
    if interpretation.tree is None:
        return view.filters.match_all()
    builder = create_builder(view, question, interpretation)
    tree = interpretation.tree
    words = builder.match_any_word(tree) if interpretation.any_word else builder.build(tree)
    titled = match_title(view, question)
    return words if titled is None else view.filters.join_any([words, titled])


def match_title(view: View, question: Question) -> Query | None:
    """Articles whose title is the whole query, operators read as text: above all others. None without any."""
    key = find_title_key(view, question)
    return (
        view.filters.query.const_score_query(view.filters.match_term(index_schema.TITLE_KEY, key), TITLE_EQUAL)
        if key
        else None
    )


def build_query(view: View, question: Question) -> Query:
    """Who matches, scored by the words and, where ordered by relevance, by age: the youngest first, then the others.
    `relevance` comes to the same scores without asking for the old bands."""
    interpretation = interpret(view, question)
    scored = build_without_age(view, question, interpretation)
    return add_bands(scored, view, question, interpretation, BANDS) if question.order == "relevance" else scored


def add_bands(
    scored: Query, view: View, question: Question, interpretation: QueryInterpretation, days: Sequence[int | None]
) -> Query:
    """The query with more for articles that are younger than so many days. One band about another: then each is asked
    about hits only, where together they would be read through whole."""
    return all_words.score_hits(scored, score_recency(view, question, interpretation, days))


def build_without_age(view: View, question: Question, interpretation: QueryInterpretation) -> Query:
    """Who matches, scored by the words, and by their nearness where ordered by relevance."""
    near = list(score_nearness(view, question, interpretation)) if question.order == "relevance" else []
    words_of_few = None
    if near and not interpretation.any_word and match_title(view, question) is None:
        builder = create_builder(view, question, interpretation)
        words_of_few = all_words.build_all_words(view, builder, interpretation.tree)
    words_query = words_of_few or build_words(view, question, interpretation)
    clauses = build_clauses(view.filters, question, interpretation, words_query)
    if clauses == [(Occur.Must, words_query)] and (words_of_few is not None or not near):
        # As it is: a union of terms takes half as long as the same within another query.
        query = words_query
    else:
        query = view.filters.query.boolean_query(clauses)
    if words_of_few is not None or not near:
        return all_words.score_hits(query, [view.filters.join_any(near)] if near else [])
    if near and is_selective(view, question, interpretation):
        return all_words.score_hits(view.filters.query.boolean_query(clauses), near)
    return view.filters.query.boolean_query([*clauses, *((Occur.Should, bonus) for bonus in near)])


def build_rare_words(view: View, question: Question, interpretation: QueryInterpretation) -> any_word.RareWords | None:
    """What finds all that can be on a page of those with any of the words; None where the whole query has to."""
    if not interpretation.any_word or interpretation.tree is None or match_title(view, question) is not None:
        return None
    if question.filter != _UNFILTERED or question.excluded or question.dated != "any":
        return None
    words = any_word.build_rare_words(view, create_builder(view, question, interpretation), interpretation.tree)
    near = score_nearness(view, question, interpretation)
    return words and replace(words, query=all_words.score_hits(words.query, near))


def build_count_query(view: View, question: Question) -> Query:
    """Who matches, for counts: by words that cost much only once, and not scored."""
    interpretation = interpret(view, question)
    words_query = build_words(view, question, interpretation)
    return view.filters.query.boolean_query(
        build_clauses(
            view.filters,
            question,
            interpretation,
            match_cache.list_matches(view, question, interpretation, words_query) or words_query,
        )
    )


def build_clauses(
    filters: FilterQueries, question: Question, interpretation: QueryInterpretation, words_query: Query
) -> list[tuple[Occur, Query]]:
    """What must match, what must not, and what scores: the words."""
    clauses = filters.build_clauses(question.filter, question.excluded, hidden=question.hidden)
    has_words = interpretation.tree is not None or question.fixed is not None
    if has_words or not any(occur == Occur.Must for occur, _ in clauses):
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


def count_postings(view: View, question: Question, interpretation: QueryInterpretation) -> int | None:
    """In how many articles each of the words stands, summed up, about; None where there is more than words in it."""
    if not all(isinstance(leaf, trees.Word) for leaf in trees.list_leaves(interpretation.tree)):
        return None
    terms = create_builder(view, question, interpretation).terms
    return sum(terms.find_frequency(leaf.text) for leaf in trees.list_leaves(interpretation.tree))


def is_selective(view: View, question: Question, interpretation: QueryInterpretation) -> bool:
    """Whether few articles have the words."""
    terms = create_builder(view, question, interpretation).terms
    counts = [
        terms.find_frequency(leaf.text)
        for leaf in trees.list_leaves(interpretation.tree)
        if isinstance(leaf, trees.Word)
    ]
    selective_count = view.searcher.num_docs * _SELECTIVE
    return bool(counts) and (max(counts) if interpretation.any_word else min(counts)) < selective_count


def compute_step(view: View, question: Question, interpretation: QueryInterpretation) -> float:
    """What each of the bands adds that an article is young enough for, measured by what the words can score."""
    strength = _STRENGTH[question.recency]
    if not strength or interpretation.tree is None:
        return 0.0
    builder = create_builder(view, question, interpretation)
    return strength * builder.estimate_weight(interpretation.tree) / len(BANDS)


def score_recency(
    view: View, question: Question, interpretation: QueryInterpretation, days: Sequence[int | None]
) -> Iterator[Query]:
    """Newer articles score more, in steps; the future counts as new."""
    if not _STRENGTH[question.recency] or interpretation.tree is None:
        return
    step = compute_step(view, question, interpretation)
    terms = create_builder(view, question, interpretation).terms
    for some in days:
        band = terms.get_query(
            ("recency", question.today, some), partial(_match_band, view.filters, question.today, some)
        )
        yield view.filters.query.const_score_query(band, step)


def _match_band(filters: FilterQueries, today: int, days: int | None) -> Query:
    """What is younger than so many days; of this year or the four before it, without."""
    if days is None:
        first, last = list_band_years(today)
        return filters.match_any("year", tuple(range(first, last + 1)))
    return match_younger(filters, today, days)


def match_younger(filters: FilterQueries, today: int, days: int) -> Query:
    """What is younger than so many days."""
    since = today - days * index_schema.SECONDS_A_DAY
    if days in YOUNG and since % index_schema.SECONDS_A_DAY == 0:
        return filters.match_since_day(since // index_schema.SECONDS_A_DAY)
    return filters.match_published((since, None))


def list_band_years(today: int) -> tuple[int, int]:
    """The first and the last year of the oldest band."""
    year = index_schema.year_of(today)
    return year - 4, year


def build_fixed_query(filters: FilterQueries, question: Question) -> Query:
    """Who matches a question whose words were read before, in any index of articles."""
    words_query = filters.match_all() if question.fixed is None else filters.match_condition(question.fixed)
    return filters.query.boolean_query(build_clauses(filters, question, QueryInterpretation(None), words_query))


def normalize_question(question: Question) -> Question:
    """The question without what plays no part in which articles match, to remember counts by."""
    plain = replace(question, limit=0, offset=0, after=None, recency="off", today=0)
    return plain if question.match == "auto" else replace(plain, order="-published_at")
