"""From a question to the query that finds its articles: filter, words, and what recency adds. Runs nothing."""

from collections.abc import Iterator
from dataclasses import replace

from tantivy import Occur, Query

from app.search import filtering, terms
from app.search.compose import Composer
from app.search.engine import Question, Reading
from app.search.reader import View
from app.search.reading import read

_DAY = 86_400
_BANDS = ((0, 7, 1.0), (7, 30, 0.75), (30, 365, 0.5), (365, 5 * 365, 0.25))
"""From and to in days of age, and the share of the boost."""
_STRENGTH = {"off": 0.0, "normal": 0.1, "strong": 0.6}
"""Of what a good hit scores by its words."""


def composer(view: View, question: Question, reading: Reading) -> Composer:
    return Composer(terms.of(view, reading.languages), question.names)


def words(view: View, question: Question, reading: Reading) -> Query:
    """The text of the query alone; everything where there is none."""
    if reading.tree is None:
        return filtering.everything()
    composed = composer(view, question, reading)
    return composed.any_word(reading.tree) if reading.any_word else composed.query(reading.tree)


def query(view: View, question: Question) -> Query:
    """Who matches, scored by the words and, where ordered by relevance, by age."""
    reading = read(view, question)
    clauses = filtering.clauses(question.filter, question.excluded)
    if reading.tree is not None or not any(occur == Occur.Must for occur, _ in clauses):
        clauses.append((Occur.Must, words(view, question, reading)))
    if question.order == "relevance":
        clauses += [(Occur.Should, boost) for boost in recency(view, question, reading)]
    return Query.boolean_query(clauses)


def recency(view: View, question: Question, reading: Reading) -> Iterator[Query]:
    """Newer articles score more, in steps, measured by what the words can score; the future counts as new."""
    strength = _STRENGTH[question.recency]
    if not strength or reading.tree is None:
        return
    scale = strength * composer(view, question, reading).weight(reading.tree)
    for youngest, oldest, share in _BANDS:
        newest = None if youngest == 0 else question.today - youngest * _DAY
        band = filtering.published_between((question.today - oldest * _DAY, newest))
        yield Query.const_score_query(band, scale * share)


def key(question: Question) -> Question:
    """The question without what plays no part in which articles match, to remember counts by."""
    plain = replace(question, limit=0, offset=0, after=None, recency="off", today=0)
    return plain if question.match == "auto" else replace(plain, order="-published_at")
