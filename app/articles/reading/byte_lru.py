"""What was used last, bounded in bytes rather than in number: an entry may have a hundred bytes, or a hundred
thousand."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteLru(Generic[K, V]):
    """Values by key, of at most `most` bytes together; a value of more than `largest` is not kept at all."""

    def __init__(self, most: int, largest: int | None = None) -> None:
        self.most, self.largest = most, most if largest is None else largest
        self.held = 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        entry = self._kept.get(key)
        if entry is None:
            return None
        self._kept.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, size: int) -> None:
        """`size`: bytes that it takes, its key and the objects around it included."""
        self.remove(key)
        if size > self.largest:
            return
        self._kept[key] = value, size
        self.held += size
        while self.held > self.most:
            _, (_, oldest) = self._kept.popitem(last=False)
            self.held -= oldest

    def remove(self, key: K) -> None:
        entry = self._kept.pop(key, None)
        self.held -= entry[1] if entry is not None else 0

    def clear(self) -> None:
        self._kept.clear()
        self.held = 0
