"""Ranking on judged queries of real collections, which lie beside the project or are skipped."""

import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

from bench import similar
from bench.imported_archive import open_client, read_stories
from bench.judged_collections import AIMS, judge_queries
from bench.search_titles import edit_titles, find_ranks

pytestmark = [pytest.mark.anyio, pytest.mark.torture]  # real material, whole: with the long runs


@pytest.mark.parametrize("name", ["cranfield", "medline"])
async def test_judged_queries_find_what_they_should(data: Callable[[str], Path], name: str) -> None:
    folder = data(f"search/{name}")
    async with open_client(folder / "corpus.ndjson") as client:
        judged = await judge_queries(client, folder)
    mine, reference = (fmean(gains) for gains in zip(*((one.gain, one.reference) for one in judged), strict=True))
    assert mine >= max(AIMS[name], reference)


async def test_titles_with_a_typo_find_their_article_in_the_first_three(data: Callable[[str], Path]) -> None:
    file = data("corpora/digitalgov.ndjson")
    stories = read_stories(file)
    async with open_client(file) as client:
        ranks = await find_ranks(client, stories, edit_titles(stories, 150))
    assert sum(rank is not None and rank <= 3 for rank in ranks) >= 0.95 * len(ranks)


async def test_similar_articles_share_a_topic_as_often_as_by_bm25_and_cosine(data: Callable[[str], Path]) -> None:
    file = data("corpora/reuters.ndjson")
    corpus = similar.read_corpus(file)
    sample = random.Random(7).sample(range(len(corpus.stories)), 150)
    share = await similar.measure_archive(corpus, sample, file.name, tags=False)
    for rank in (similar.rank_by_bm25(corpus), similar.rank_by_cosine(corpus)):
        # The archive leaves out copies, which share every topic: the others do, too.
        assert share >= similar.measure_share(corpus, sample, similar.take_no_copies(corpus, rank)) - 0.01
