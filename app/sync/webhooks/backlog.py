"""What an endpoint has yet to be told, as its sender holds it: in the order of the log for each article, whatever order
attempts end in. Pure: neither database nor network.

A key (an article, a tag or a region) has at most one item here, its earliest change that is not settled. Of later ones
it is only noted that there are some (`more`): the log has them. So what is held is bounded by keys, and an article that
an endpoint refuses holds up nothing but itself.

    read from the log ─ ready ─ in flight ─┬─ settled: the key's next change, if there is more
                                           └─ waiting: tried again later; a row keeps it, so that the place moves on
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

Key = tuple[str, int]
"""Entity and id."""


@dataclass(slots=True)
class BacklogItem:
    """The change of row `seq`, and how often it was tried. `is_saved`: a row keeps the key, so that the place need
    not."""

    key: Key
    seq: int
    attempts: int = 0
    next_try: int = 0
    is_saved: bool = False


@dataclass(frozen=True, slots=True)
class LogPart:
    """What was read on from a place: key and row of each change for the endpoint, in order, and keys that were purged.
    All is read up to row `examined`, and of that row what is up to `article`, where that is not None. `more`: something
    may follow."""

    changes: Sequence[tuple[Key, int]]
    purged: Sequence[Key]
    examined: int
    article: int | None
    more: bool


class Backlog:
    """`examined`: up to which row the log was read, and `article` behind which within it, None behind all of it.
    `saved`: what waited when the sender began."""

    def __init__(self, examined: int, saved: Iterable[BacklogItem] = ()) -> None:
        self.examined = examined
        self.article: int | None = None
        self._ready: deque[BacklogItem] = deque()
        self._flying: dict[Key, BacklogItem] = {}
        self._waiting: dict[Key, BacklogItem] = {}
        self._by_time: list[tuple[int, int, Key]] = []
        self._busy: set[Key] = set()
        self._more: set[Key] = set()
        self._changed: dict[Key, BacklogItem | None] = {}
        self._ahead: dict[Key, int] = {}
        """Keys that were settled up to a row which the log was not read to yet: they waited when the sender began."""
        for item in saved:
            self._busy.add(item.key)
            self._more.add(item.key)
            self._wait(item)

    @property
    def is_flying(self) -> bool:
        return bool(self._flying)

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def count_waiting(self) -> int:
        """How many keys wait for another attempt."""
        return len(self._waiting)

    @property
    def place(self) -> int:
        """The row up to which all is settled, or kept by a row."""
        open_seqs = [item.seq for item in (*self._ready, *self._flying.values()) if not item.is_saved]
        whole = self.examined if self.article is None else self.examined - 1
        return min([whole, *(seq - 1 for seq in open_seqs)])

    def take_in(self, part: LogPart, now: int) -> None:
        """What was read."""
        for key, seq in part.changes:
            self.add(key, seq)
        for key in part.purged:
            self.hurry_key(key, now)
        self.examined, self.article = part.examined, part.article

    def add(self, key: Key, seq: int) -> None:
        """A change that the log has told."""
        if key in self._busy:
            self._more.add(key)
        elif seq > self._ahead.get(key, 0):
            self._busy.add(key)
            self._ready.append(BacklogItem(key, seq))

    def take(self, now: float) -> BacklogItem | None:
        """What to try next: what is due, then what is new. In flight until it is settled, fails or is put back."""
        item = self._take_due(now) or (self._ready.popleft() if self._ready else None)
        if item is not None:
            self._flying[item.key] = item
        return item

    def _take_due(self, now: float) -> BacklogItem | None:
        while self._by_time and self._by_time[0][0] <= now:
            at, seq, key = heappop(self._by_time)
            item = self._waiting.get(key)
            if item is not None and (item.next_try, item.seq) == (at, seq):
                return self._waiting.pop(key)
        return None

    def take_more(self, key: Key) -> bool:
        """Whether later changes of a key were met since this was last asked."""
        has_more = key in self._more
        self._more.discard(key)
        return has_more

    def settle(self, item: BacklogItem, following: int | None, now: int) -> None:
        """The item is done with; `following` is the row of the key's next change, which may have more behind it."""
        del self._flying[item.key]
        if following is None:
            if item.seq > self.examined:
                self._ahead[item.key] = item.seq
            self._busy.discard(item.key)
            if item.is_saved:
                self._changed[item.key] = None
            return
        self._more.add(item.key)
        later = BacklogItem(item.key, following, next_try=now, is_saved=item.is_saved)
        self._ready.appendleft(later)
        if item.is_saved:
            self._changed[item.key] = later

    def fail(self, item: BacklogItem, next_try: int) -> None:
        """It was tried once more, in vain."""
        del self._flying[item.key]
        item.attempts, item.next_try, item.is_saved = item.attempts + 1, next_try, True
        self._changed[item.key] = item
        self._wait(item)

    def put_back(self, item: BacklogItem) -> None:
        """It was not tried."""
        del self._flying[item.key]
        self._ready.appendleft(item)

    def hurry(self, now: int) -> None:
        """Everything that waits is due."""
        for item in self._waiting.values():
            if item.next_try > now:
                item.next_try = now
                self._changed[item.key] = item
                heappush(self._by_time, (now, item.seq, item.key))

    def hurry_key(self, key: Key, now: int) -> None:
        """What waits of a key is due: a purge is behind it."""
        item = self._waiting.get(key)
        if item is not None and item.next_try > now:
            item.next_try = now
            heappush(self._by_time, (now, item.seq, key))

    def take_changed(self) -> dict[Key, BacklogItem | None]:
        """What rows have to become: None where there is none any more. Of each only the last state since this was last
        asked."""
        changed, self._changed = self._changed, {}
        return changed

    def _wait(self, item: BacklogItem) -> None:
        self._waiting[item.key] = item
        heappush(self._by_time, (item.next_try, item.seq, item.key))
