"""Which tags occur together more often than chance: a measure of two tags by the articles that have them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

LEAST = 2
"""Articles that must have both: one alone is no pattern, whatever its likelihood."""


@dataclass(frozen=True, slots=True)
class TagPair:
    """`together` articles have both tags where `expected` would by chance; `score` orders, and is no measure of its
    own."""

    id: int
    together: int
    expected: float
    score: float


def find_related(tag: int, together: Mapping[int, int], counts: Mapping[int, int], total: int) -> list[TagPair]:
    """Every tag that articles of `tag` have more often than all others do, the least likely by chance first.

    `together`: of articles with the tag, how many have each; `counts`: of all articles; `total`: how many these are.
    """
    own = counts.get(tag, 0)
    scored = [
        _score_pair(other, both, own, counts.get(other, 0), total)
        for other, both in together.items()
        if other != tag and both >= LEAST
    ]
    likely = [one for one in scored if one is not None]
    return sorted(likely, key=lambda one: (-one.score, -one.together, one.id))


def _score_pair(other: int, both: int, own: int, others: int, total: int) -> TagPair | None:
    """None where they are together as often as chance has it, or less, or where the counts contradict each other:
    they may be of two commits of the index."""
    if not both <= min(own, others) or own + others - both > total:
        return None
    expected = own * others / total
    if both <= expected:
        return None
    table = (both, own - both, others - both, total - own - others + both)
    rows, columns = (own, total - own), (others, total - others)
    chance = [row * column / total for row in rows for column in columns]
    # Dunning's log-likelihood (G²) of the four counts against what independent tags would have.
    score = 2 * sum(count * log(count / usual) for count, usual in zip(table, chance, strict=True) if count)
    return TagPair(other, both, round(expected, 2), round(score, 3))
