"""What both engines have to say alike, whatever is asked."""

import random
from dataclasses import replace
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest
from parity import TODAY, BothEngines
from support.search_archive import DAY, TAGS, SearchStory

from app.articles.filters import ArticleFilter
from app.articles.reading.queries import CursorPosition, TimeSort
from app.search import timeline
from app.search.engine import Axis, FacetName, GroupName, Matrix, Question, SearchHit, SimilaritySample
from app.search.indexing.fixed.fixing import fix
from app.search.similar.profile import Profile
from app.search.tantivy import matches, more_like_this
from app.search.tantivy.interpretation import interpret

FACETS: tuple[FacetName, ...] = ("tag", "author", "section", "region", "language", "source", "year")
GROUPS: list[tuple[GroupName, int | str]] = [*(("tag", tag) for tag in TAGS), ("region", 1), ("language", "en")]
ZONES: tuple[tzinfo, ...] = (UTC, ZoneInfo("Europe/Brussels"), ZoneInfo("Pacific/Apia"))
INTERVALS: tuple[timeline.Interval, ...] = ("week", "month", "year")
SORTS: tuple[TimeSort, ...] = ("published_at", "-published_at", "created_at", "-updated_at")
FIRST, LAST = TODAY - 2_000 * DAY, TODAY + DAY
TIE = 1e-5
"""Of a score: what floating numbers leave of it, added up in another order."""
NEAR = 0.05
"""The same where words are to stand near one another: that often in `a b b a` the engines count differently, and the
stories of these tests have few words, many times."""


def compare_hits(both: BothEngines, question: Question) -> None:
    local, remote = both.local.search(question), both.remote.search(question)
    assert (local.total, local.interpretation) == (remote.total, remote.interpretation), question.text
    if question.order == "relevance":
        view = both.local.view()
        has_neighbours = any(matches.score_nearness(view, question, interpret(view, question)))
        compare_order(local.hits, remote.hits, question.text, NEAR if has_neighbours else TIE)
    else:
        assert local.hits == remote.hits, question.text


def compare_order(
    local: tuple[SearchHit, ...], remote: tuple[SearchHit, ...], text: str | None, equal: float = TIE
) -> None:
    """The same at each rank, but for those whose scores are equal."""
    assert len(local) == len(remote), text
    for one, other in zip(local, remote, strict=True):
        assert one.score == pytest.approx(other.score, rel=equal, abs=TIE), (text, one, other)
        if one.id == other.id:
            assert (one.version, one.newest) == (other.version, other.newest)


def compare_counts(both: BothEngines, question: Question) -> None:
    assert both.local.count_facets(question, FACETS) == both.remote.count_facets(question, FACETS)
    of = question.filter, question.excluded
    assert both.local.count(*of) == both.remote.count(*of)
    assert both.local.count_tags(*of) == both.remote.count_tags(*of)
    assert both.local.count_regions(*of) == both.remote.count_regions(*of)
    assert both.local.count_undated(question) == both.remote.count_undated(question)
    assert both.local.count_coarse(question, "month") == both.remote.count_coarse(question, "month")
    edges = [TODAY - 10 * DAY, TODAY, TODAY + DAY]
    assert both.local.count_overview(edges, question.excluded) == both.remote.count_overview(edges, question.excluded)


def compare_timelines(both: BothEngines, question: Question, interval: timeline.Interval, zone: tzinfo) -> None:
    edges = timeline.compute_edges(interval, zone, (FIRST, LAST), (FIRST, LAST))
    assert both.local.count_by_date(question, edges) == both.remote.count_by_date(question, edges)
    assert both.local.count_groups_by_date(question, edges, GROUPS) == both.remote.count_groups_by_date(
        question, edges, GROUPS
    )


def compare_tables(both: BothEngines, question: Question, rows: Axis, columns: Axis) -> None:
    local, remote = (engine.count_matrix(question, rows, columns, 1_000) for engine in both.engines)
    assert _plain(local) == _plain(remote)


def _plain(matrix: Matrix) -> tuple[object, ...]:
    cells = [list(row) for row in matrix.cells]
    lines = list(matrix.rows), list(matrix.columns)
    return matrix.total, lines, cells, matrix.edges, matrix.too_coarse, matrix.undated


def compare_lists(both: BothEngines, question: Question, sort: TimeSort) -> None:
    """A page, and those behind and before some of its rows."""
    start = both.local.find_rows(question, sort, CursorPosition())
    assert start.rows == both.remote.find_rows(question, sort, CursorPosition()).rows
    for row in start.rows[::3]:
        for place in (CursorPosition("after", row.key, row.id), CursorPosition("before", row.key, row.id)):
            local, remote = (engine.find_rows(question, sort, place) for engine in both.engines)
            assert (local.rows, local.total) == (remote.rows, remote.total)


def check_explanations(both: BothEngines, question: Question) -> None:
    """Parts of the cluster's scores add up to them."""
    hits = both.remote.search(question).hits if question.order == "relevance" else ()
    explained = both.remote.explain(question, tuple(hit.id for hit in hits))
    for hit in hits:
        assert sum(part.score for part in explained[hit.id]) == pytest.approx(hit.score, rel=1e-3, abs=0.002)
        assert all(part.score > 0 for part in explained[hit.id])


def compare_fixed(both: BothEngines, question: Question) -> None:
    """As a saved search has it: all of the words, read for good by either."""
    whole = replace(question, match="all", typo=False)
    local, remote = (fix(engine.view(), whole).condition for engine in (both.local, both.remote))
    assert local == remote, question.text
    fixed = replace(question, tree=None, text=None, fallback=None, fixed=local, order="-published_at", offset=0)
    assert both.local.search(fixed).hits == both.remote.search(fixed).hits, question.text
    compare_counts(both, fixed)


def compare_similar(both: BothEngines, story: SearchStory) -> None:
    local, remote = (engine.load_profile(story.id, story.version) for engine in both.engines)
    assert local == remote
    sample = SimilaritySample(story.id, story.language, story.title, f"{story.title} {story.body}", story.tags)
    alike = [engine.find_similar(sample, ArticleFilter(), (), 5) for engine in both.engines]
    compare_order(alike[0], alike[1], story.title)
    if local is not None:
        # With those of terms that were asked for before.
        rarities = [engine.measure_rarity(local.terms) for engine in both.engines]
        assert [rarities[0][term] for term in local.terms] == [rarities[1][term] for term in local.terms]
        compare_candidates(both, local)


def compare_candidates(both: BothEngines, sample: Profile) -> None:
    """As many, which share as much; of equals either may be left out."""
    view = both.local.view()
    query = more_like_this.match_alike(view, sample)
    scores = {} if query is None else view.load_scores([query], view.searcher.num_docs)
    chosen = [sorted(scores[one.id] for one in engine.find_profiles(sample, (), 10)) for engine in both.engines]
    assert chosen[0] == pytest.approx(chosen[1], rel=TIE, abs=TIE)


def compare_all(both: BothEngines, question: Question, story: SearchStory, chance: random.Random) -> None:
    """Hits, and one of the other things that can be asked with the same question."""
    compare_hits(both, question)
    match chance.randrange(7):
        case 0:
            compare_counts(both, question)
        case 1:
            compare_timelines(both, question, chance.choice(INTERVALS), chance.choice(ZONES))
        case 2:
            compare_tables(both, question, Axis("tag"), Axis("region"))
        case 3:
            compare_lists(both, question, chance.choice(SORTS))
        case 4:
            check_explanations(both, question)
        case 5:
            compare_fixed(both, question)
        case _:
            compare_similar(both, story)
