"""Which fixed queries an article may match at all: each is known by a few keys of which every match has one, the rarest
that it asks for. Pure but for counts of the index, which decide what is rare and never what matches.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from app.articles.filters import ArticleFilter
from app.search.query.conditions import (
    AllOf,
    Condition,
    HasBeginning,
    HasRow,
    HasTag,
    HasTerm,
    IsPlaced,
    OneOf,
)
from app.search.tantivy import index_schema
from app.search.tantivy.reader import View

TERM, BEGINNING, TAG, REGION = "term", "begins", "tag", "region"
SOURCE, LANGUAGE, ORIGIN, ARTICLE = "source", "language", "origin", "article"
TEXTS = (
    index_schema.TEXT, index_schema.WORDS, index_schema.DATELINE, index_schema.TITLE_KEY, *index_schema.STEMMED,
)  # fmt: skip
"""The fields whose terms are keys."""
_MOST_BEGUN = 200
_COMMON = 1_000_000_000


def make_key(kind: str, *parts: object) -> str:
    """What an article and a query have in common. No term has a space in it."""
    return " ".join([kind, *map(str, parts)])


def choose_keys(view: View, article_filter: ArticleFilter, words: Condition | None) -> tuple[str, ...]:
    """Keys of which every article that matches has one; none where there are no such keys, so that every article has
    to be looked at."""
    choices = list(_list_filter_choices(view, article_filter))
    if words is not None and (choice := _choose(view, words)) is not None:
        choices.append(choice)
    best = min(choices, key=lambda choice: (choice.articles, len(choice.keys)), default=None)
    return () if best is None else tuple(sorted(best.keys))


@dataclass(frozen=True, slots=True)
class _Choice:
    """Keys of which a match has one, and how many articles have any of them, at most."""

    articles: int
    keys: frozenset[str]


def _list_filter_choices(view: View, article_filter: ArticleFilter) -> Iterator[_Choice]:
    count = view.searcher.doc_freq
    for field, kind, values in (
        ("source", SOURCE, article_filter.sources),
        ("language", LANGUAGE, article_filter.languages),
        ("origin", ORIGIN, article_filter.origins),
    ):
        if values:
            articles = sum(count(field, value) for value in values)
            yield _Choice(articles, frozenset(make_key(kind, value) for value in values))
    if article_filter.ids is not None:
        yield _Choice(len(article_filter.ids), frozenset(make_key(ARTICLE, id) for id in article_filter.ids))
    asked_tags = [article_filter.tags, article_filter.authors, article_filter.sections]
    for ids in (*asked_tags, *((id,) for id in article_filter.tags_all)):
        if ids:
            yield _choose_tags(view, ids)
    for ids in (article_filter.regions, *((id,) for id in article_filter.regions_all)):
        if ids:
            yield _choose_regions(view, ids)


def _choose_tags(view: View, ids: Sequence[int]) -> _Choice:
    articles = sum(view.searcher.doc_freq("tags", id) for id in ids)
    return _Choice(articles, frozenset(make_key(TAG, id) for id in ids))


def _choose_regions(view: View, ids: Iterable[int]) -> _Choice:
    """By what lies in them, in any role: more articles than those that match."""
    every = set(ids)
    articles = sum(view.searcher.doc_freq("within_7", id) for id in every)
    return _Choice(articles, frozenset(make_key(REGION, id) for id in every))


def _choose(view: View, condition: Condition) -> _Choice | None:
    match condition:
        case HasTerm(field, term):
            return _Choice(view.searcher.doc_freq(field, term), frozenset([make_key(TERM, field, term)]))
        case HasRow(field, terms):
            counts = {term: view.searcher.doc_freq(field, term) for _, term in terms}
            rarest = min(counts, key=lambda term: (counts[term], term))
            return _Choice(counts[rarest], frozenset([make_key(TERM, field, rarest)]))
        case HasBeginning(field, beginning):
            begun = view.searcher.terms_with_prefix(field, beginning, limit=_MOST_BEGUN)
            articles = sum(count for _, count in begun) if len(begun) < _MOST_BEGUN else _COMMON
            return _Choice(articles, frozenset([make_key(BEGINNING, field, beginning)]))
        case HasTag(ids):
            return _choose_tags(view, ids)
        case IsPlaced(within, own):
            return _choose_regions(view, (*within, *own))
        case OneOf(parts):
            return _join([_choose(view, one) for one in parts])
        case AllOf(parts):
            known = [choice for one in parts if (choice := _choose(view, one)) is not None]
            return min(known, key=lambda choice: (choice.articles, len(choice.keys)), default=None)


def _join(choices: Sequence[_Choice | None]) -> _Choice | None:
    known = [choice for choice in choices if choice is not None]
    if len(known) < len(choices):
        return None
    return _Choice(sum(one.articles for one in known), frozenset().union(*(one.keys for one in known)))


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """What some articles have: the terms of each field and their beginnings, tags and regions. More than any one of
    them has, where they are several."""

    articles: int
    terms: Mapping[str, Set[str]]
    beginnings: Mapping[str, Set[str]]
    tags: Set[int]
    regions: Set[int]
    others: Set[str]
    """Keys of the other kinds."""

    def list_keys(self) -> Iterator[str]:
        """Every key that one of the articles has."""
        for field, terms in self.terms.items():
            yield from (f"{TERM} {field} {term}" for term in terms)
        for field, beginnings in self.beginnings.items():
            yield from (f"{BEGINNING} {field} {beginning}" for beginning in beginnings)
        yield from (f"{TAG} {id}" for id in self.tags)
        yield from (f"{REGION} {id}" for id in self.regions)
        yield from self.others

    def meet(self, stored: Sequence[Any], merged: Mapping[int, int]) -> bool | None:
        """Whether one of the articles meets a condition, as `conditions.serialize` has it, which is not made an object
        for that; None where the index has to be asked. Never True of several articles: that one has a term and another
        one the next says nothing. `merged`: what merged tags are part of."""
        match stored[0]:
            case "term":
                return self._may(stored[2] in self.terms[stored[1]], is_exact=True)
            case "any":
                return self._meet_any(stored[1], merged)
            case "all":
                return self._meet_all(stored[1], stored[2], merged)
            case "row":
                own = self.terms[stored[1]]
                return self._may(all(term in own for _, term in stored[2]))
            case "begins":
                return self._may(stored[2] in self.beginnings[stored[1]])
            case "tags":
                return self._may(any(merged.get(id, id) in self.tags for id in stored[1]))
            case _:
                return self._may(not (self.regions.isdisjoint(stored[1]) and self.regions.isdisjoint(stored[2])))

    def _meet_any(self, parts: Sequence[Sequence[Any]], merged: Mapping[int, int]) -> bool | None:
        known: bool | None = False
        for one in parts:
            met = self.meet(one, merged)
            if met:
                return True
            if met is None:
                known = None
        return known

    def _meet_all(
        self, parts: Sequence[Sequence[Any]], without: Sequence[Sequence[Any]], merged: Mapping[int, int]
    ) -> bool | None:
        known: bool | None = True
        for one in parts:
            met = self.meet(one, merged)
            if met is False:
                return False
            known = known and met
        excluded = self._meet_any(without, merged) if without else False
        if excluded is None:
            return None
        return False if excluded else known

    def _may(self, there: bool, *, is_exact: bool = False) -> bool | None:
        if not there:
            return False
        return True if is_exact and self.articles == 1 else None
