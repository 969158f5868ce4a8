"""Hits by relevance. What age adds is added here to what the words score, for the best hits by words alone: bands of
dates within the query would be read through whole, which costs several times what the words do. Composes no words."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, repeat
from math import inf
from operator import add

from tantivy import DocAddress, Occur, Query

from app.search.engine import Question, SearchHit
from app.search.query.tree import Word
from app.search.tantivy import any_word, date_order, index_schema, matches
from app.search.tantivy.any_word import RareWords
from app.search.tantivy.filters import clamp
from app.search.tantivy.filters import local_filters as filters
from app.search.tantivy.interpretation import interpret
from app.search.tantivy.reader import View

_MORE = 256
"""Hits that are read beyond the page: nearly always enough to know that no other one can reach it."""
_MORE_OF_MANY, _MANY = 512, 50_000
"""As many where the words stand in so many articles that a second query would cost more than these."""
_DEEPEST = 1_000
"""As far as pages are put in order here; beyond, reading all hits before them would cost more than the bands."""
_RARE, _SMALL = 800, 100_000
"""Where so few articles have the only word, in an archive of so many at most, each hit is asked for its bands: that
costs less than reading more hits, as long as the bands themselves hold few articles."""
_ROUNDING = 1e-5
"""More than scores, which are floats of 24 bits, can differ by in the order in which they are summed up."""

Hits = Sequence[tuple[float, DocAddress]]
Candidate = tuple[float, DocAddress, int]
"""An article that may be on the page: its score; its address, by which it stands before others of that score; and its
date key."""


@dataclass(frozen=True, slots=True)
class RecencyBands:
    """How many bands a date key lies in. `edges` are keys at which that changes, `counts` the bands before the first
    of them and behind each."""

    edges: tuple[int, ...]
    counts: tuple[int, ...]

    def count(self, key: int) -> int:
        return self.counts[bisect_right(self.edges, key)]

    def find_lowest_key(self, bands: int) -> int:
        """Of articles in so many bands or more."""
        return next(edge for edge, count in zip(self.edges, self.counts[1:], strict=True) if count >= bands)


def find_by_relevance(view: View, question: Question) -> tuple[tuple[SearchHit, ...], int]:
    """The page's hits, and how many articles match in all."""
    interpretation = interpret(view, question)
    step = matches.compute_step(view, question, interpretation)
    postings = matches.count_postings(view, question, interpretation)
    is_single = isinstance(interpretation.tree, Word)
    is_rare = is_single and postings is not None and postings <= _RARE and view.searcher.num_docs <= _SMALL
    if step > 0 and not is_rare and question.offset + question.limit <= _DEEPEST:
        more = _MORE if postings is not None and postings <= _MANY else _MORE_OF_MANY
        rare = matches.build_rare_words(view, question, interpretation)
        page = None
        if rare is not None:
            page = _SearchByWords(view, question, rare.query, step, more).find_page(rare)
        if page is None:
            query = matches.build_without_age(view, question, interpretation)
            page = _SearchByWords(view, question, query, step, more).find_page()
        if page is not None:
            return page
    return find_scored(view, matches.build_query(view, question), question)


def find_scored(view: View, query: Query, question: Question) -> tuple[tuple[SearchHit, ...], int]:
    """The page of what matches a query, in the order of its scores."""
    # At least 1: a limit of 0 is a panic.
    results = view.searcher.search(query, max(question.limit, 1), offset=question.offset)
    addresses = [address for _, address in results.hits]
    newest = view.searcher.fast_field_values("newest", addresses)
    hits = date_order.load_hits(view, addresses, [score for score, _ in results.hits], [int(n or 0) for n in newest])
    return hits[: question.limit], date_order.get_count(results)


@dataclass(frozen=True, slots=True)
class _SearchByWords:
    """`query` leaves out what age adds; `more` hits are read beyond the page."""

    view: View
    question: Question
    query: Query
    step: float
    more: int

    def find_page(self, rare: RareWords | None = None) -> tuple[tuple[SearchHit, ...], int] | None:
        """The page as the whole query would have it; None where it takes that to know.

        An article that was not read scores no more by its words than the last one that was. Where that and the bands
        could reach the page, the best of those that are young enough for them are read as well. `rare` is what the
        query was made of where it leaves articles out.
        """
        last = self.question.offset + self.question.limit
        bands = compute_bands(self.question.today, matches.BANDS)
        results = self.view.searcher.search(self.query, last + self.more)
        hits, total = results.hits, date_order.get_count(results)
        candidates, left, searched = self._add_age(self._cut(hits, last), bands), total - len(hits), 0
        while left > 0 and (count := self._count_bands(_find_lowest_score(candidates, last), hits[-1][0])):
            if count == 1 or count <= searched:
                return None  # the oldest band holds half of a usual archive
            searched = count
            results = self.view.searcher.search(self._match_since(bands.find_lowest_key(count)), last + self.more)
            hits, known = results.hits, {key for _, _, key in candidates}
            left = date_order.get_count(results) - len(hits)
            candidates += [candidate for candidate in self._add_age(hits, bands) if candidate[2] not in known]
        lowest = _find_lowest_score(candidates, last)
        if rare is not None:
            if len(candidates) < last or self._count_bands(lowest, rare.bound):
                return None
            total = any_word.count_articles(self.view, rare, total)
        best = [candidate for candidate in candidates if candidate[0] >= lowest]
        page = sorted(best, key=lambda candidate: (-candidate[0], candidate[1]))[self.question.offset : last]
        scores: list[float | None] = [score for score, _, _ in page]
        return date_order.load_hits(self.view, [at for _, at, _ in page], scores, [key for _, _, key in page]), total

    def _cut(self, hits: Hits, last: int) -> Hits:
        """Without those that no age lifts above the last one of the page."""
        if not 0 < last <= len(hits):
            return hits
        lowest = hits[last - 1][0]
        lowest -= len(matches.BANDS) * self.step + abs(lowest) * _ROUNDING
        return hits[: bisect_right(hits, -lowest, key=lambda hit: -hit[0])]

    def _match_since(self, key: int) -> Query:
        day, rest = divmod(key >> index_schema.ID_BITS, index_schema.SECONDS_A_DAY)
        young = filters.match_between("newest", key, None) if rest else filters.match_since_day(day)
        return Query.boolean_query([(Occur.Must, self.query), (Occur.Must, Query.const_score_query(young, 0))])

    def _count_bands(self, needed: float, score: float) -> int:
        """How many bands lift an article of that score onto the page, at least; 0 where none do."""
        most = len(matches.BANDS)
        needed -= abs(needed) * _ROUNDING
        return next((count for count in range(1, most + 1) if score + count * self.step >= needed), 0)

    def _add_age(self, hits: Hits, bands: RecencyBands) -> list[Candidate]:
        """Scores are rounded as the index rounds them: to floats of 24 bits, after each addition."""
        addresses = [address for _, address in hits]
        keys = [int(key or 0) for key in self.view.searcher.fast_field_values("newest", addresses)]
        scores = [score for score, _ in hits]
        step = array("f", [self.step])[0]
        periods = [*map(bisect_right, repeat(bands.edges), keys)]
        for some in matches.BANDS:
            own = compute_bands(self.question.today, (some,))
            added = [step * own.count(edge) for edge in (index_schema.LOWEST, *bands.edges)]
            scores = array("f", map(add, scores, map(added.__getitem__, periods))).tolist()
        return list(zip(scores, addresses, keys, strict=True))


def _find_lowest_score(candidates: list[Candidate], last: int) -> float:
    """Of the best so many; what more than all score without any."""
    ranked = sorted([score for score, _, _ in candidates], reverse=True)[:last]
    return ranked[-1] if ranked else inf


@lru_cache(maxsize=64)
def compute_bands(today: int, days: tuple[int | None, ...]) -> RecencyBands:
    """Where the bands begin and end that `matches.score_recency` makes queries of."""
    changes: list[tuple[int, int]] = []
    for some in days:
        if some is None:
            first, last = matches.list_band_years(today)
            changes += [(_find_year(first), 1), (_find_year(last + 1), -1)]
        else:
            changes.append((clamp(today - some * index_schema.SECONDS_A_DAY), 1))
    changes.sort()
    edges = tuple(seconds << index_schema.ID_BITS for seconds, _ in changes)
    return RecencyBands(edges, tuple(accumulate((change for _, change in changes), initial=0)))


def _find_year(year: int) -> int:
    """The second in which a year begins, as far as there are dates."""
    return clamp(int(datetime(min(max(year, 1), 9_999), 1, 1, tzinfo=UTC).timestamp()))
