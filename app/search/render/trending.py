"""What rises now: tags or regions with more articles in a window than their own past makes likely. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

PAST_WINDOWS = 4
"""The past that a window is held against is this many times as long, right before it."""
LEAST = 2


@dataclass(frozen=True, slots=True)
class TrendScore:
    """`count` articles in the window where `expected` were usual; `score` orders, and is no measure of its own."""

    id: int
    count: int
    expected: float
    score: float


def split_spans(now: int, window: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The window up to now and the past before it, from (inclusive) and to (exclusive) in epoch seconds."""
    return (now - window, now), (now - window * (1 + PAST_WINDOWS), now - window)


def find_rising(
    recent: Mapping[int, int], past: Mapping[int, int], recent_total: int, past_total: int, limit: int
) -> list[TrendScore]:
    """The strongest first, by the log-likelihood of so many articles given the past (Dunning's G²).

    Expected is the share of the past applied to the window's total, so that a busy week alone lets nothing rise.
    """
    trends = [
        _score_trend(value, count, past.get(value, 0), recent_total, past_total)
        for value, count in recent.items()
        if count >= LEAST
    ]
    rising = [trend for trend in trends if trend.count > trend.expected]
    return sorted(rising, key=lambda trend: (-trend.score, trend.id))[:limit]


def _score_trend(value: int, count: int, before: int, recent_total: int, past_total: int) -> TrendScore:
    # Half an article stands in for a past without any: something new rises, but not without bound.
    usual = (before + 0.5) / (past_total + 1)
    expected = min(usual * recent_total, recent_total - 0.5)
    score = 2 * (count * log(count / expected) - (count - expected))
    return TrendScore(value, count, round(expected, 2), round(score, 3))
