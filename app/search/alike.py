"""Puts similar articles in order and takes copies of the article out. Pure; the candidates are the engine's.

A candidate's score is that of the engine as a share of the best one's, plus a little for a shared country or grouping
and for being close in time. A copy is what holds nearly all of the other's runs of three words.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from math import exp

from app.search import analysis

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


def ordered(sample: Profile, candidates: Iterable[Profile], limit: int) -> list[tuple[Profile, float]]:
    """The likest first, each with its score from 0 to 1.25; copies of the sample, and of one another, left out."""
    found = list(candidates)
    best = max((one.score for one in found), default=1.0) or 1.0
    ranked = sorted(
        ((one, round(one.score / best + _nearness(sample, one), 4)) for one in found),
        key=lambda pair: (-pair[1], pair[0].id),
    )
    ranked = [(one, score) for one, score in ranked if score >= LEAST]
    kept: list[tuple[Profile, float]] = []
    seen: list[Set[tuple[str, ...]]] = [runs(sample)]
    for one, score in ranked:
        own = runs(one)
        if any(is_copy(own, other) for other in seen):
            continue
        kept.append((one, score))
        seen.append(own)
        if len(kept) == limit:
            break
    return kept


def _nearness(sample: Profile, other: Profile) -> float:
    near = REGION if sample.regions & other.regions else 0.0
    if sample.published_at is not None and other.published_at is not None:
        near += TIME * exp(-abs(sample.published_at - other.published_at) / YEAR)
    return near


def runs(profile: Profile) -> frozenset[tuple[str, ...]]:
    """Every three words in a row of title and text."""
    words = analysis.analysed(f"{profile.title}\n{profile.text}", None).words[:_READ]
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def is_copy(one: Set[tuple[str, ...]], other: Set[tuple[str, ...]]) -> bool:
    """Whether the shorter one lies nearly whole in the longer."""
    shorter = min(len(one), len(other))
    return shorter > 0 and len(one & other) >= COPY * shorter


def reason(tags: Sequence[str], regions: Sequence[str]) -> str:
    """Why, for people."""
    parts = [f"tags {', '.join(tags[:3])}"] if tags else []
    parts += [f"regions {', '.join(regions[:3])}"] if regions else []
    return f"shares {' and '.join(parts)}" if parts else "uses the same words"
