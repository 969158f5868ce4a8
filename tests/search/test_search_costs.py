"""What costs much is done once: explanations, facets, series and similar articles, and they come to the same."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.search_archive import DAY, REGIONS, SOURCES, TAGS, SearchArchive, SearchStory
from tantivy import DocAddress, Query, Searcher

from app.articles.filters import ArticleFilter
from app.errors import QueryTooComplex
from app.search.engine import FacetName, QueryInterpretation, Question
from app.search.highlighting import highlight
from app.search.highlighting.highlight import ReadingBudget
from app.search.query import analysis
from app.search.query.parser import parse
from app.search.similar import profile, ranking
from app.search.similar.profile import Profile
from app.search.similar.ranking import SimilarityCandidate
from app.search.tantivy import aggregates, explanation, match_cache, matches
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.reader import View
from app.search.timeline import Edges

WORDS = ("barge", "basin", "bridge", "cargo", "canal", "delta", "dredge", "ferry", "flood", "harbour", "island")
FACETS: tuple[FacetName, ...] = ("tag", "author", "section", "region", "language", "source", "year")
COSTLY = " OR ".join(f"{letter}*" for letter in "bcdfh")


def _story(number: int, chance: random.Random) -> SearchStory:
    return SearchStory(
        number,
        chance.choice(WORDS),
        " ".join(chance.choices(WORDS, k=6)),
        tags=tuple(chance.sample(TAGS, 2)),
        regions={chance.choice(REGIONS[:2]): (1, 1), REGIONS[2]: (0, 5)},
        source=chance.choice(SOURCES),
        language=chance.choice(("en", "fr")),
        published_at=chance.randrange(3_000) * DAY,
        precision=chance.choice(("instant", "day", "month")),
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    chance = random.Random(5)
    archive = SearchArchive(tmp_path_factory.mktemp("costs"))
    archive.put(*(_story(number, chance) for number in range(1, 121)))
    yield archive.engine()
    archive.close()


class Counting:
    """A searcher that counts how often it is asked."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher, self.asked = searcher, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._searcher, name)

    def search(self, query: Query, limit: int, **more: Any) -> object:
        self.asked += 1
        return self._searcher.search(query, limit, **more)

    def fast_field_values(self, name: str, addresses: list[DocAddress]) -> object:
        return self._searcher.fast_field_values(name, addresses)


def test_explaining_many_hits_takes_as_many_searches_as_explaining_one(engine: TantivyEngine) -> None:
    question = Question(tree=parse("b* c* harbour -zzz").tree, order="relevance", match="any", limit=100)
    ids = tuple(hit.id for hit in engine.search(question).hits)
    assert len(ids) > 50
    taken = []
    for some in (ids[:1], ids):
        counting = Counting(engine.view().searcher)
        view = View(counting, engine.view().place)  # type: ignore[arg-type] # in the place of a Searcher
        result = explanation.explain_scores(view, question, matches.build_query(view, question), some)
        assert set(result) == set(some)
        taken.append(counting.asked)
    assert taken[0] == taken[1]
    alone = {id: engine.explain(question, (id,))[id] for id in ids}
    assert engine.explain(question, ids) == alone


def test_beginnings_beyond_a_bound_are_explained_together(engine: TantivyEngine) -> None:
    many = " ".join(f"{a}{b}*" for a in "bcdfhi" for b in "aeirlo")[: 16 * 4 - 1]
    question = Question(tree=parse(many).tree, order="relevance", match="any")
    parts = {part.name for hit in engine.search(question).hits for part in engine.explain(question, (hit.id,))[hit.id]}
    assert parts
    assert parts <= set(many.split()[: explanation.MOST_BEGINNINGS])


def test_more_than_16_words_with_a_star_are_too_many() -> None:
    assert parse(" ".join(f"w{n}*" for n in range(16))).tree is not None
    with pytest.raises(QueryTooComplex, match="17 words with a star"):
        parse(" ".join(("-", "title:", "")[n % 3] + f"w{n}*" for n in range(17)))


filters = st.builds(
    ArticleFilter,
    tags=st.lists(st.integers(1, 9), max_size=3, unique=True).map(tuple),
    authors=st.lists(st.integers(1, 9), max_size=20, unique=True).map(tuple),
    regions=st.lists(st.integers(1, 6), max_size=3, unique=True).map(tuple),
    exact=st.booleans(),
    roles=st.sampled_from((0, 1, 5, 7)),
    languages=st.lists(st.sampled_from(("en", "fr", "x] OR language:[a", '"')), max_size=2, unique=True).map(tuple),
    sources=st.lists(st.integers(1, 4), max_size=2, unique=True).map(tuple),
    years=st.lists(
        st.tuples(st.integers(-5, 3_000), st.integers(3_000, 4_000)).map(lambda span: (span[0] * DAY, span[1] * DAY)),
        max_size=2,
        unique=True,
    ).map(tuple),
    tags_not=st.sampled_from(((), (3,))),
)


@settings(max_examples=25, deadline=None)
@given(filters, st.sampled_from((COSTLY, "b* c* d* -f*", "harbour -b* -c* -d* -f*")))
def test_counts_of_costly_queries_are_those_of_their_parts(
    engine: TantivyEngine, article_filter: ArticleFilter, text: str
) -> None:
    """In one run with all filters, by a list, and facet by facet they are the same."""
    question = Question(tree=parse(text).tree, filter=article_filter, order="relevance", match="any")
    assert match_cache.is_costly(question.tree)
    facets = engine.count_facets(question, FACETS)
    bounds = tuple(day * DAY for day in range(0, 3_001, 250))
    edges = Edges(bounds, tuple(bound + DAY for bound in bounds))
    groups = [("tag", 3), ("language", "fr"), ("source", 2), *([("region", 1)] if article_filter.roles else [])]
    for name in FACETS:
        assert facets[name] == engine.count_facets(question, (name,))[name], name
    series = engine.count_groups_by_date(question, edges, groups)  # type: ignore[arg-type] # names of groups
    for group, counts in zip(groups, series, strict=True):
        assert counts == engine.count_by_date(question, edges, group), group  # type: ignore[arg-type]
    whole = Edges(bounds, bounds)
    assert sum(engine.count_by_date(question, whole)) == engine.search(replace(question, order="published_at")).total


def test_the_list_of_a_costly_query_is_its_hits(engine: TantivyEngine) -> None:
    question = Question(tree=parse(COSTLY).tree, limit=200)
    hits = engine.search(replace(question, order="relevance")).hits
    assert {hit.id for hit in engine.search(question).hits} == {hit.id for hit in hits}
    assert sum(aggregates.count_values(engine.view(), question, "language").values()) == len(hits)


def _profile(number: int, text: str) -> Profile:
    texts = [analysis.tokenize(part, "en") for part in ("Title", text)]
    return profile.build_profile(number, 1, texts, (), (), None)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=30), max_size=8))
def test_no_copies_are_among_similar_articles_and_nothing_else_is_left_out(texts: list[list[str]]) -> None:
    sample = _profile(0, "one two three four five six seven eight")
    candidates = [_profile(number, " ".join(text)) for number, text in enumerate(texts, 1)]
    ranked = ranking.rank(sample, (), [SimilarityCandidate(one, 1.0 + one.id / 100) for one in candidates], 100)
    shown = [one.profile for one in ranked]

    def are_copies(one: Profile, other: Profile) -> bool:
        a, b = frozenset(one.runs), frozenset(other.runs)
        return len(a & b) >= ranking.COPY * min(len(a), len(b))

    assert not any(are_copies(one, other) for one, other in combinations([sample, *shown], 2))
    for one in candidates:
        assert one in shown or any(are_copies(one, other) for other in [sample, *shown])


def test_room_for_highlights_is_used_up_and_leaves_a_beginning_for_each() -> None:
    marks = highlight.find_marks(QueryInterpretation(parse("harbour").tree, ("en",)), "body")
    text = "A harbour. " + "Water and more water all the way. " * 1_000
    room = ReadingBudget(words=5_000)
    matches = [highlight.find_fragments(text, "en", marks, room) for _ in range(50)]
    assert all("<mark>harbour</mark>" in shown[0] for shown in matches)
    assert room.words > -20_000  # not the 330,000 words that are there
    late = "Water. " * 200 + "A harbour."
    assert highlight.find_fragments(late, "en", marks) != []
    assert highlight.find_fragments(late, "en", marks, room) == []


@given(st.integers(0, 200_000))
def test_bodies_are_not_cut_within_a_tag(left: int) -> None:
    body = '<p>Ships at <a href="https://example.org/a">sea</a>.</p>' * 4_000
    cut = ReadingBudget(characters=left).truncate(body)
    assert body.startswith(cut)
    assert cut.rfind("<") <= cut.rfind(">")
    assert len(cut) >= min(left, 150_000) - 100
