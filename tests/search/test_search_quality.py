"""Ranking on judged queries of real collections, which lie beside the project or are skipped."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import search_http, similar

pytestmark = [pytest.mark.anyio, pytest.mark.torture]  # real material, whole: with the long runs


@pytest.mark.parametrize("name", ["cranfield", "medline"])
async def test_judged_queries_find_what_they_should(data: Callable[[str], Path], name: str) -> None:
    folder = data(f"search/{name}")
    async with search_http.open_client(folder / "corpus.ndjson") as client:
        gains = await search_http.judge_queries(client, folder)
    assert sum(gains) / len(gains) >= search_http.COLLECTIONS[name]


async def test_titles_with_a_typo_find_their_article_in_the_first_three(data: Callable[[str], Path]) -> None:
    file = data("corpora/digitalgov.ndjson")
    stories = search_http.read_stories(file)
    async with search_http.open_client(file) as client:
        assert await search_http.count_first_three(client, stories, search_http.edit_titles(stories, 150)) >= 0.95


async def test_similar_articles_share_a_topic_as_often_as_by_bm25_and_cosine(data: Callable[[str], Path]) -> None:
    file = data("corpora/reuters.ndjson")
    corpus = similar.read_corpus(file)
    sample = random.Random(7).sample(range(len(corpus.stories)), 150)
    share = await similar.measure_archive(corpus, sample, file.name, tags=False)
    for rank in (similar.rank_by_bm25(corpus), similar.rank_by_cosine(corpus)):
        # The archive leaves out copies, which share every topic: the others do, too.
        assert share >= similar.measure_share(corpus, sample, similar.take_no_copies(corpus, rank)) - 0.01
