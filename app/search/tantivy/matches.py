"""From a question to the query that finds its articles: filter, words, and what recency adds. Runs nothing."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tantivy import Occur, Query

from app.search.engine import Question, Reading
from app.search.query import tree
from app.search.tantivy import filters, index_schema, match_cache, term_stats
from app.search.tantivy.interpretation import read
from app.search.tantivy.query_builder import Composer
from app.search.tantivy.reader import View

_DAY = 86_400
_SELECTIVE = 0.05
_YOUNGER_THAN = (7, 30, 365)
"""Days; each band adds a quarter of the boost, and so do this year and the four before it.

Years are postings: as a range of dates the last band would cost more than all words together.
"""
_STRENGTH = {"off": 0.0, "normal": 0.1, "strong": 0.6}
"""Of what a good hit scores by its words."""


def composer(view: View, question: Question, reading: Reading) -> Composer:
    return Composer(term_stats.of(view, reading.languages), question.names)


def words(view: View, question: Question, reading: Reading) -> Query:
    """The text of the query alone; everything where there is none."""
    if reading.tree is None:
        return filters.everything()
    composed = composer(view, question, reading)
    return composed.any_word(reading.tree) if reading.any_word else composed.query(reading.tree)


def query(view: View, question: Question) -> Query:
    """Who matches, scored by the words and, where ordered by relevance, by age."""
    reading = read(view, question)
    clauses = _clauses(question, reading, words(view, question, reading))
    boosts = list(recency(view, question, reading)) if question.order == "relevance" else []
    near = list(nearness(view, question, reading)) if question.order == "relevance" else []
    if (boosts or near) and _is_selective(view, question, reading):
        # One by one they are asked about hits only; together they are read through whole.
        found = Query.boolean_query(clauses)
        for boost in (*boosts, *near):
            found = Query.boolean_query([(Occur.Must, found), (Occur.Should, boost)])
        return found
    return Query.boolean_query([*clauses, *((Occur.Should, boost) for boost in (*boosts, *near))])


def counted(view: View, question: Question) -> Query:
    """Who matches, for counts: by words that cost much only once, and not scored."""
    reading = read(view, question)
    wanted = words(view, question, reading)
    return Query.boolean_query(
        _clauses(question, reading, match_cache.listed(view, question, reading, wanted) or wanted)
    )


def _clauses(question: Question, reading: Reading, wanted: Query) -> list[tuple[Occur, Query]]:
    clauses = filters.clauses(question.filter, question.excluded)
    if reading.tree is not None or not any(occur == Occur.Must for occur, _ in clauses):
        clauses.append((Occur.Must, wanted))
    if question.dated != "any":
        vague = (
            (index_schema.YEAR_ONLY,)
            if question.dated == "month"
            else (index_schema.MONTH_ONLY, index_schema.YEAR_ONLY)
        )
        clauses.append((Occur.MustNot, filters.any_of("flags", vague)))
    return clauses


def nearness(view: View, question: Question, reading: Reading) -> Iterator[Query]:
    """Articles that have the words side by side stand before those that have them far apart."""
    if reading.tree is not None:
        yield from composer(view, question, reading).together(reading.tree)


def _is_selective(view: View, question: Question, reading: Reading) -> bool:
    known = composer(view, question, reading).terms
    counts = [known.frequency(leaf.text) for leaf in tree.wanted(reading.tree) if isinstance(leaf, tree.Word)]
    few = view.searcher.num_docs * _SELECTIVE
    return bool(counts) and (max(counts) if reading.any_word else min(counts)) < few


def recency(view: View, question: Question, reading: Reading) -> Iterator[Query]:
    """Newer articles score more, in steps, measured by what the words can score; the future counts as new."""
    strength = _STRENGTH[question.recency]
    if not strength or reading.tree is None:
        return
    composing = composer(view, question, reading)
    step = strength * composing.weight(reading.tree) / 4
    for days in (None, *_YOUNGER_THAN):
        band = partial(_band, question.today, days)
        yield Query.const_score_query(composing.terms.composed(("recency", question.today, days), band), step)


def _band(today: int, days: int | None) -> Query:
    """What is younger than so many days; of this year or the four before it, without."""
    if days is None:
        year = index_schema.year_of(today)
        return filters.any_of("year", tuple(range(year - 4, year + 1)))
    return filters.published_between((today - days * _DAY, None))


def key(question: Question) -> Question:
    """The question without what plays no part in which articles match, to remember counts by."""
    plain = replace(question, limit=0, offset=0, after=None, recency="off", today=0)
    return plain if question.match == "auto" else replace(plain, order="-published_at")
