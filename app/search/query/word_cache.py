"""What was computed of words: most words of a text have been met before. Bounded; knows nothing of what is computed."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

T = TypeVar("T")
MOST_WORDS, MOST_WHILE_INDEXING = 30_000, 100_000
"""Of one cache, which take 6 MB; when it is full it begins anew. A process that does nothing but index has room for
more: texts with 40,000 different words took it a sixth longer where the cache began anew."""
LONGEST = 30
"""Characters; longer words are addresses and codes, which hardly come again."""


_limits = [MOST_WORDS]
"""The one of now."""


def raise_limit() -> None:
    """For a process that does nothing but index."""
    _limits[:] = [MOST_WHILE_INDEXING]


class WordCache(Generic[T]):
    """Values of words, none of which is None, by a function of many words: those of a text that are new cost one call
    together. Several threads may use it."""

    def __init__(self, compute: Callable[[Sequence[str]], Sequence[T]]) -> None:
        self._compute = compute
        self._known: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find_all(self, words: Sequence[str]) -> list[T]:
        """The value of each word, in their order."""
        known = self._known
        values = list(map(known.get, words))
        # Looked for afterwards: a set of the words, less those that are known, takes three times as long.
        if None not in values:
            return cast(list[T], values)
        missing = list({word for word, value in zip(words, values, strict=True) if value is None})
        computed = dict(zip(missing, self._compute(missing), strict=True))
        kept = {word: value for word, value in computed.items() if len(word) <= LONGEST}
        [limit] = _limits
        if len(known) + len(kept) > limit:
            # Another dictionary: a thread that looks words up in the one before still finds them there.
            self._known = kept if len(kept) <= limit else {}
        else:
            known.update(kept)
        return [computed[word] if value is None else value for word, value in zip(words, values, strict=True)]
