"""Profiles of articles that were compared lately, in memory, bounded in bytes.

They are kept as cards are, by (id, version, names_seq): what has changed is asked for under another key, and what was
removed from the archive is pushed out by what is asked for. Holds stems and numbers, no texts.
"""

from collections import OrderedDict

from app.search.similar.ranking import Profile

KEPT_BYTES = 16_000_000
LARGEST = KEPT_BYTES // 20

Key = tuple[int, int, int]


class Profiles:
    """The most recently used profiles of this process."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[Key, Profile] = OrderedDict()

    def get(self, id: int, version: int, names_seq: int) -> Profile | None:
        key = (id, version, names_seq)
        profile = self._kept.get(key)
        if profile is not None:
            self._kept.move_to_end(key)
        return profile

    def put(self, profile: Profile, names_seq: int) -> None:
        """Forgets who was not asked for longest."""
        key = (profile.id, profile.version, names_seq)
        before = self._kept.pop(key, None)
        self._bytes -= before.size if before is not None else 0
        if profile.size > LARGEST:
            return
        self._kept[key] = profile
        self._bytes += profile.size
        while self._bytes > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size
