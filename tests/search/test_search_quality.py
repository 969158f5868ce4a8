"""Ranking on judged queries of real collections, which lie beside the project or are skipped."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

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
