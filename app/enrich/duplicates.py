"""Finds texts that hold nearly the same runs of three words. Pure; whose texts they are, and which are compared at all,
callers know.

`containment` is exact, for a handful of candidates. `Sketches` remembers a few numbers of each text and finds
candidates among many: by the smallest hashes of its runs, which texts that are nearly the same have in common.
"""

import heapq
from collections import OrderedDict
from collections.abc import Set
from itertools import islice

from app import text

COPY = 0.8
"""Of the shorter text's runs: from here on two texts are nearly the same."""
FEWEST = 12
"""Runs below which a text says too little: the same three lines stand in many tables."""
SKETCH, KEYS = 48, 4
REMEMBERED = 100_000

Runs = Set[tuple[str, str, str]]


def runs(content: str, most: int = 4_000) -> frozenset[tuple[str, str, str]]:
    """Every three folded words in a row, of the first `most`."""
    words = list(islice(text.words_key(content).split(), most))
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def containment(one: Runs, other: Runs) -> float:
    """How much of the shorter one the longer one holds, from 0 to 1."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 0.0


class Sketches:
    """The texts of one run, the newest 100,000 of them: about 2 kB each. One shorter text inside a much longer one is
    not found here."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._sketches: OrderedDict[int, tuple[frozenset[int], int]] = OrderedDict()
        self._by_hash: dict[int, int] = {}

    def add(self, key: int, content: str) -> tuple[int, float] | None:
        """The earlier text that this one is nearly the same as, with about how much they share. The text itself is
        remembered, unless its key is known."""
        own = runs(content)
        if len(own) < FEWEST or key in self._sketches:
            return None
        smallest = heapq.nsmallest(SKETCH, map(hash, own))
        found = self._nearest(frozenset(smallest), len(own), smallest[:KEYS])
        self._sketches[key] = (frozenset(smallest), len(own))
        for one in smallest[:KEYS]:
            self._by_hash.setdefault(one, key)
        if len(self._sketches) > self._remembered:
            self._forget()
        return found

    def _nearest(self, sketch: frozenset[int], size: int, keys: list[int]) -> tuple[int, float] | None:
        candidates = dict.fromkeys(self._by_hash[one] for one in keys if one in self._by_hash)
        scored = [(key, _estimate((sketch, size), self._sketches[key])) for key in candidates]
        best = max(scored, key=lambda pair: pair[1], default=None)
        return best if best and best[1] >= COPY else None

    def _forget(self) -> None:
        key, (sketch, _) = self._sketches.popitem(last=False)
        for one in sketch:
            if self._by_hash.get(one) == key:
                del self._by_hash[one]


def _estimate(one: tuple[frozenset[int], int], other: tuple[frozenset[int], int]) -> float:
    """Containment from bottom-k sketches (Broder 1997): the share of the union's smallest that both have is their
    resemblance r, and r / (1 + r) of the two sizes together is what they share."""
    smallest = heapq.nsmallest(SKETCH, one[0] | other[0])
    both = sum(value in one[0] and value in other[0] for value in smallest)
    resemblance = both / len(smallest)
    shared = resemblance / (1 + resemblance) * (one[1] + other[1])
    return min(1.0, round(shared / min(one[1], other[1]), 3))
