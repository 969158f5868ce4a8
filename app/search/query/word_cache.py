"""What was computed of words: most words of a text have been met before. Bounded; knows nothing of what is computed."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
MOST_WORDS = 30_000
"""Of one cache, which take 6 MB; when it is full it begins anew."""
LONGEST = 30
"""Characters; longer words are addresses and codes, which hardly come again."""


class WordCache(dict[str, T]):
    """A dictionary that fills itself: looking a word up computes what is not there. Several threads may use it."""

    def __init__(self, compute: Callable[[str], T]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, word: str) -> T:
        value = self._compute(word)
        if len(word) <= LONGEST:
            if len(self) >= MOST_WORDS:
                self.clear()
            self[word] = value
        return value
