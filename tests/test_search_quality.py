"""Ranking on judged queries of real collections, which lie beside the project or are skipped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import search_quality

pytestmark = pytest.mark.torture  # real material, whole: with the long runs


@pytest.mark.parametrize("name", ["cranfield", "medline"])
def test_judged_queries_find_what_they_should(data: Callable[[str], Path], name: str) -> None:
    quality, _ = search_quality.collection(data(f"search/{name}"))
    assert quality >= search_quality.COLLECTIONS[name]


def test_titles_with_a_typo_find_their_article_in_the_first_three(data: Callable[[str], Path]) -> None:
    share, _ = search_quality.typos(data("corpora/digitalgov.ndjson"), 150, 500)
    assert share >= 0.95
