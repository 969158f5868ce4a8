"""Puts similar articles in order and takes copies of the article out. Pure; the candidates are the engine's.

A candidate's score is that of the engine as a share of the best one's, plus a little for a shared country or grouping
and for being close in time. A copy is what holds nearly all of the other's runs of three words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp
from sys import maxsize

from app.search.query import analysis

COPY = 0.8
REGION, TIME = 0.15, 0.1
LEAST = 0.4
"""A score below this is padding, not likeness."""
YEAR = 365 * 86_400
_READ = 4_000
"""Words of a text that are compared."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is compared of an article: `regions` are those that say something (no continents)."""

    id: int
    version: int
    score: float
    title: str
    text: str
    regions: frozenset[int]
    published_at: int | None


def rank(sample: Profile, candidates: Iterable[Profile], limit: int) -> list[tuple[Profile, float]]:
    """The likest first, each with its score from 0 to 1.25; copies of the sample, and of one another, left out."""
    remaining = list(candidates)
    best = max((one.score for one in remaining), default=1.0) or 1.0
    ranked = sorted(
        ((one, round(one.score / best + _measure_nearness(sample, one), 4)) for one in remaining),
        key=lambda pair: (-pair[1], pair[0].id),
    )
    ranked_profiles: list[tuple[Profile, float]] = []
    earlier_texts = _Texts()
    earlier_texts.add(list_runs(sample))
    for one, score in ranked:
        own = list_runs(one) if score >= LEAST else None
        if own is None or earlier_texts.has_copy_of(own):
            continue
        ranked_profiles.append((one, score))
        earlier_texts.add(own)
        if len(ranked_profiles) == limit:
            break
    return ranked_profiles


class _Texts:
    """Texts by their runs. Which of them has a run is a bit of its number in `_having`, which is made as soon as one
    text shares enough with all of them together."""

    def __init__(self) -> None:
        self._texts: list[frozenset[int]] = []
        self._having: dict[int, int] = {}
        self._counted = 0
        self._all: set[int] = set()
        self._shortest = maxsize

    def add(self, text: frozenset[int]) -> None:
        self._texts.append(text)
        self._all |= text
        self._shortest = min(self._shortest, len(text) or maxsize)

    def has_copy_of(self, text: frozenset[int]) -> bool:
        """Whether of this text and one of those the shorter lies nearly whole in the longer."""
        if len(text & self._all) < COPY * min(len(text), self._shortest):
            return False
        self._count()
        shared: Counter[int] = Counter()
        for numbers, times in Counter(self._having[run] for run in text & self._all).items():
            while numbers:
                # The lowest bit that is set: each bit is a text that has the run.
                last = numbers & -numbers
                shared[last.bit_length() - 1] += times
                numbers ^= last
        return any(count >= COPY * min(len(text), len(self._texts[n])) for n, count in shared.items())

    def _count(self) -> None:
        for number in range(self._counted, len(self._texts)):
            for run in self._texts[number]:
                self._having[run] = self._having.get(run, 0) | 1 << number
        self._counted = len(self._texts)


def _measure_nearness(sample: Profile, other: Profile) -> float:
    near = REGION if sample.regions & other.regions else 0.0
    if sample.published_at is not None and other.published_at is not None:
        near += TIME * exp(-abs(sample.published_at - other.published_at) / YEAR)
    return near


def list_runs(profile: Profile) -> frozenset[int]:
    """Every three words in a row of title and text, as numbers: the garbage collector looks at tuples, not at them."""
    words = analysis.analyse(f"{profile.title}\n{profile.text}", None).words[:_READ]
    return frozenset(map(hash, zip(words, words[1:], words[2:], strict=False)))


def describe_reason(tags: Sequence[str], regions: Sequence[str]) -> str:
    """Why, for people."""
    parts = [f"tags {', '.join(tags[:3])}"] if tags else []
    parts += [f"regions {', '.join(regions[:3])}"] if regions else []
    return f"shares {' and '.join(parts)}" if parts else "uses the same words"
