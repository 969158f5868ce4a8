"""Puts similar articles in order and takes copies of the article out. Pure; the candidates are the engine's.

A candidate's score is that of the engine as a share of the best one's, plus a little for a shared country or grouping
and for being close in time. A copy is what holds nearly all of the other's runs of three words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from math import exp
from sys import maxsize

from app.search.query import analysis

COPY = 0.8
REGION, TIME = 0.15, 0.1
LEAST = 0.4
"""A score below this is padding, not likeness."""
YEAR = 365 * 86_400
MANY = 30
"""Texts from which on comparing them one by one takes longer."""
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
    earlier_texts = _Texts(many=limit > MANY)
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
    """Texts by their runs. Of `many` the shared runs are counted for all at once, few are compared one by one, and
    neither is done for a text that shares too little with all of them together."""

    def __init__(self, *, many: bool) -> None:
        self._many = many
        self._texts: list[Set[tuple[str, ...]]] = []
        self._having: dict[tuple[str, ...], list[int]] = {}
        self._all: set[tuple[str, ...]] = set()
        self._shortest = maxsize

    def add(self, text: Set[tuple[str, ...]]) -> None:
        for run in text if self._many else ():
            self._having.setdefault(run, []).append(len(self._texts))
        self._texts.append(text)
        self._all |= text
        self._shortest = min(self._shortest, len(text) or maxsize)

    def has_copy_of(self, text: Set[tuple[str, ...]]) -> bool:
        """Whether of this text and one of those the shorter lies nearly whole in the longer."""
        if len(text & self._all) < COPY * min(len(text), self._shortest):
            return False
        if self._many:
            shared = Counter(number for run in text for number in self._having.get(run, ()))
            return any(count >= COPY * min(len(text), len(self._texts[n])) for n, count in shared.items())
        shorter = [(other, min(len(text), len(other))) for other in self._texts]
        return any(least > 0 and len(text & other) >= COPY * least for other, least in shorter)


def _measure_nearness(sample: Profile, other: Profile) -> float:
    near = REGION if sample.regions & other.regions else 0.0
    if sample.published_at is not None and other.published_at is not None:
        near += TIME * exp(-abs(sample.published_at - other.published_at) / YEAR)
    return near


def list_runs(profile: Profile) -> frozenset[tuple[str, ...]]:
    """Every three words in a row of title and text."""
    words = analysis.analyse(f"{profile.title}\n{profile.text}", None).words[:_READ]
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def describe_reason(tags: Sequence[str], regions: Sequence[str]) -> str:
    """Why, for people."""
    parts = [f"tags {', '.join(tags[:3])}"] if tags else []
    parts += [f"regions {', '.join(regions[:3])}"] if regions else []
    return f"shares {' and '.join(parts)}" if parts else "uses the same words"
