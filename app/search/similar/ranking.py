"""Puts similar articles in order and takes copies of the article out. Pure; the candidates are the engine's.

What orders is the cosine of sublinear TF-IDF: a candidate's words weigh `1 + ln tf`, at unit length, the article's own
as often as they are there, by their rarity in the archive; the words of the ten likest count by half. A candidate's
score is its cosine as a share of the best one's that is no copy, plus a little for a shared country or grouping and for
being close in time. A copy is what holds nearly all of the other's runs of three words, as samples of both tell.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile, repeat
from math import exp, hypot
from operator import mul

from app.search.similar.profile import WEIGHTS, Profile

COPY = 0.8
FEWEST_RUNS = 3
"""Runs that are compared, at least, unless a text has fewer."""
REGION, TIME = 0.01, 0.02
LEAST = 0.4
"""A score below this is padding, not likeness."""
YEAR = 365 * 86_400
NEAREST, NEAREST_WEIGHT = 10, 0.5
"""Of so many of the likest articles the terms count, too."""


@dataclass(frozen=True, slots=True)
class SimilarityCandidate:
    """An article that may be similar, with its cosine."""

    profile: Profile
    cosine: float


@dataclass(frozen=True, slots=True)
class RankedProfile:
    """A similar article: `score` from 0 to 1.03; one that is `below_threshold` fills a list up."""

    profile: Profile
    score: float
    below_threshold: bool


def weigh_terms(sample: Profile, rarity: Mapping[str, float]) -> dict[str, float]:
    """What an article is compared by: its terms by how often they are there and how rare the archive has them, at unit
    length."""
    pairs = zip(sample.terms, sample.counts, strict=True)
    return _normalize({term: count * rarity[term] for term, count in pairs})


def measure_cosines(query_weights: Mapping[str, float], profiles: Iterable[Profile]) -> list[SimilarityCandidate]:
    """The likest first."""
    candidates = [SimilarityCandidate(one, _measure_cosine(query_weights, one)) for one in profiles]
    return sorted(candidates, key=lambda one: (-one.cosine, one.profile.id))


def _measure_cosine(query_weights: Mapping[str, float], profile: Profile) -> float:
    weights = list(map(query_weights.get, profile.terms, repeat(0.0)))
    repeated = profile.count_repeated()
    more = sum(map(mul, weights[:repeated], map(WEIGHTS.__getitem__, profile.counts)))
    # Most terms are there once, which weighs 1.
    cosine: float = profile.scale * (more + sum(weights[repeated:]))
    return cosine


def sum_nearest(likest: Sequence[Profile]) -> dict[str, float]:
    """What the terms that two or more of the likest have weigh together: one that stands in one alone finds that."""
    nearest = likest[:NEAREST]
    having = Counter(chain.from_iterable(one.terms for one in nearest))
    summed = {term: 0.0 for term, count in having.items() if count > 1}
    for one in nearest:
        scale, weights = one.scale, WEIGHTS
        for term, count in zip(one.terms, one.counts, strict=True):
            if term in summed:
                summed[term] += weights[count] * scale
    return summed


def add_nearest(
    query_weights: Mapping[str, float], nearest: Mapping[str, float], rarity: Mapping[str, float]
) -> dict[str, float]:
    """The article's own terms, and half as much those of the likest: what they share is its subject, also in words that
    it does not use itself. Without it BM25 finds more articles of one topic (figures in docs/performance.md)."""
    added = _normalize({term: weight * rarity[term] for term, weight in nearest.items()})
    expanded = dict(query_weights)
    for term, weight in added.items():
        expanded[term] = expanded.get(term, 0.0) + NEAREST_WEIGHT * weight
    return expanded


def _normalize(weights: dict[str, float]) -> dict[str, float]:
    length = hypot(*weights.values()) or 1.0
    return {term: weight / length for term, weight in weights.items()}


def rank(
    sample: Profile, regions: Collection[int], candidates: Iterable[SimilarityCandidate], limit: int
) -> list[RankedProfile]:
    """The likest first; copies of the sample, and of one another, left out. Filled up with what is below the
    threshold. `regions` are those of the sample that say something (no continents)."""
    texts = _Texts()
    texts.add(sample)
    by_cosine = sorted(candidates, key=lambda one: (-one.cosine, one.profile.id))
    remaining = list(dropwhile(lambda one: texts.has_copy_of(one.profile), by_cosine))
    best = (remaining[0].cosine if remaining else 0.0) or 1.0
    scored = sorted(
        (
            (round(one.cosine / best + _measure_nearness(sample, regions, one.profile), 4), one.profile)
            for one in remaining
        ),
        key=lambda pair: (-pair[0], pair[1].id),
    )
    ranked: list[RankedProfile] = []
    for score, profile in scored:
        if texts.has_copy_of(profile):
            continue
        ranked.append(RankedProfile(profile, score, score < LEAST))
        if len(ranked) == limit:
            break
        texts.add(profile)
    return ranked


class _Texts:
    """Texts by the samples of their runs."""

    def __init__(self) -> None:
        self._texts: list[tuple[Profile, frozenset[int]]] = []
        self._all: set[int] = set()
        self._fewest = FEWEST_RUNS

    def add(self, text: Profile) -> None:
        runs = frozenset(text.runs)
        self._fewest = min(self._fewest, text.run_count or FEWEST_RUNS)
        self._texts.append((text, runs))
        self._all |= runs

    def has_copy_of(self, text: Profile) -> bool:
        """Whether of this text and one of those the shorter lies nearly whole in the longer."""
        shared = self._all.intersection(text.runs)
        if not shared or len(shared) < min(self._fewest, text.run_count):
            return False
        return any(not shared.isdisjoint(runs) and is_copy(text, shared & runs, other) for other, runs in self._texts)


def is_copy(one: Profile, shared: Collection[int], other: Profile) -> bool:
    """Whether of two texts with these sampled runs in common one lies nearly whole in the other.

    A sample holds the lowest hashes of a text, so of both everything up to the lower of their highest ones is known:
    what one has of that stands for the whole."""
    highest = min((text.runs[-1] for text in (one, other) if len(text.runs) < text.run_count), default=None)
    counts = [len(text.runs) if highest is None else bisect_right(text.runs, highest) for text in (one, other)]
    shorter = min(counts)
    return shorter >= min(FEWEST_RUNS, one.run_count, other.run_count) and len(shared) >= COPY * shorter


def _measure_nearness(sample: Profile, regions: Collection[int], other: Profile) -> float:
    near = REGION if not set(regions).isdisjoint(other.regions) else 0.0
    if sample.published_at is not None and other.published_at is not None:
        near += TIME * exp(-abs(sample.published_at - other.published_at) / YEAR)
    return near


def describe_reason(tags: Sequence[str], regions: Sequence[str]) -> str:
    """Why, for people."""
    parts = [f"tags {', '.join(tags[:3])}"] if tags else []
    parts += [f"regions {', '.join(regions[:3])}"] if regions else []
    return f"shares {' and '.join(parts)}" if parts else "uses the same words"
