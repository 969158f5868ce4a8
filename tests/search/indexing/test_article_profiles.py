"""Profiles hold what the plain definition says of the terms, however they are counted and sorted."""

import zlib
from collections import Counter
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.query import analysis
from app.search.query.stop_words import is_stop_word
from app.search.similar import profile

WORDS = (
    "storm",
    "harbour",
    "lock",
    "the",
    "of",
    "US",
    "us",
    "internationalisation",
    "understanding",
    "l'été",
    "—",
    "a—b",
)
words = st.sampled_from(WORDS) | st.integers(0, 700).map(lambda number: f"w{number * number % 7919}")
texts = st.lists(words, max_size=600).map(" ".join)


@given(texts, texts, st.lists(st.integers(1, 999), unique=True, max_size=100), st.sampled_from(["en", "fr", "und"]))
def test_profile_is_that_of_the_definition(title: str, text: str, tags: list[int], language: str) -> None:
    tokenized = [analysis.tokenize(part, language) for part in (title, text)]
    own = profile.build_profile(1, 1, tokenized, tags, (), None)
    title_stems, text_stems = (" ".join(filter(None, map(str, one.stems))).split() for one in tokenized)
    stems = [*title_stems, *text_stems]
    counts = {stem: count for stem, count in Counter(stems).items() if not is_stop_word(stem, (language,))}
    weights = [profile.WEIGHTS[min(count, 255)] for count in (*counts.values(), *[profile.TAG_COUNTS] * len(tags))]
    assert own.scale == pytest.approx(1 / (hypot(*weights) or 1.0), rel=1e-12)
    kept = sorted(counts.items(), key=lambda one: (one[1], min(len(one[0]), 10)), reverse=True)[: profile.MOST_TERMS]
    terms = sorted([*kept, *((f"#{tag}", profile.TAG_COUNTS) for tag in tags)], key=lambda one: one[1], reverse=True)
    assert list(own.terms) == [term for term, _ in terms]
    assert list(own.counts) == [min(count, 255) for _, count in terms]
    numbers = {term: number for number, (term, _) in enumerate(terms[:256])}
    assert list(own.title) == [numbers[stem] for stem in title_stems if stem in numbers]
    hashed = [zlib.crc32(stem.encode()) for stem in stems]
    runs = {hash(run) >> 32 for run in zip(hashed, hashed[1:], hashed[2:], strict=False)}
    assert (list(own.runs), own.run_count) == (sorted(runs)[: profile.SAMPLED_RUNS], len(runs))
