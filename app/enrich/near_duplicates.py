"""Finds texts that hold nearly the same runs of three words. Pure; whose texts they are, and which are compared at all,
callers know.

`containment` is exact, for a handful of candidates. `keys` are a few numbers of a text, of which texts that are nearly
the same have at least one in common: who keeps them finds the candidates by looking them up.
"""

import heapq
from collections.abc import Sequence, Set
from hashlib import blake2b
from zlib import crc32

from app.text import keys as text_keys

COPY = 0.8
"""Of the shorter text's runs: from here on two texts are nearly the same."""
FEWEST = 12
"""Runs below which a text says too little: the same three lines stand in many tables."""
READ = 100_000
RUN, KEY_RUN = 3, 6
"""Words of a run that texts are compared by, and of one that candidates are found by."""
KEYS, KEYED = 6, 1_000
"""How many keys a text has, and of how many of its words they are made."""

Runs = Set[tuple[str, str, str]]


def words(content: str) -> list[str]:
    """The folded words of a text, of a very long one those of its first 100,000 characters."""
    return text_keys.words(content[:READ])


def runs(content: str, most: int = 4_000) -> frozenset[tuple[str, str, str]]:
    """Every three folded words in a row, of the first `most`."""
    read = words(content)[:most]
    return frozenset(zip(read, read[1:], read[2:], strict=False))


def containment(one: Runs, other: Runs) -> float:
    """How much of the shorter one the longer one holds, from 0 to 1."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 0.0


def keys(said: Sequence[str]) -> tuple[int, ...]:
    """Of `words`: numbers of 63 bits, the same on every machine; none of a text that says too little.

    They stand for the runs of six words with the smallest checksums (min-wise hashing, Broder 1997): shorter runs stand
    in too many texts. Of two texts that share the part r of these runs, all keys of one are missed by the other with
    (1 - r) ** 6. A short text inside a much longer one is not found.
    """
    # As bytes: checksums are made of bytes, and one call encodes all words.
    read = " ".join(said[:KEYED]).encode(errors="replace").split()
    runs = list(map(b" ".join, zip(*(read[i:] for i in range(KEY_RUN)), strict=False)))
    runs.reverse()  # of equal sums the first run counts
    runs_by_sum = dict(zip(map(crc32, runs), runs, strict=True))
    if len(runs_by_sum) < FEWEST - (KEY_RUN - RUN):
        return ()
    return tuple(
        int.from_bytes(blake2b(runs_by_sum[one], digest_size=8).digest(), "big") >> 1  # 63 bits, as databases have them
        for one in heapq.nsmallest(KEYS, runs_by_sum)
    )
