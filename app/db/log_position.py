"""Places in the change log and the opaque tokens that clients hold of them. Reads and writes nothing."""

import base64
import struct
from dataclasses import dataclass
from functools import lru_cache

# 24 bytes, which are 32 characters of base64 without any padding; and 36, which are 48.
_LAYOUT, _DELAYED = struct.Struct(">qqq"), struct.Struct(">qqqq4x")


@dataclass(frozen=True, slots=True)
class LogPosition:
    """One row of one log: the archive's epoch, the row's number, its random mark. Row 0 stands before the first.

    `delayed_seq`: of a key with an embargo, up to which row it has been told of what has become public."""

    epoch: int
    seq: int
    mark: int
    delayed_seq: int | None = None

    @property
    def token(self) -> str:
        """What clients get: 32 characters, or 48 with an embargo, safe in URLs and headers."""
        if self.delayed_seq is not None:
            raw = _DELAYED.pack(self.epoch, self.seq, self.mark, self.delayed_seq)
            return base64.urlsafe_b64encode(raw).decode()
        return _encode_token(self.epoch, self.seq, self.mark)


@lru_cache(maxsize=64)
def _encode_token(epoch: int, seq: int, mark: int) -> str:
    return base64.urlsafe_b64encode(_LAYOUT.pack(epoch, seq, mark)).decode()


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where the log stands. Drafts move `seq` only; what the public can see moves `public_seq` too.

    `names_seq` is the last change of a tag or region: what shows names is fresh as of it. Up to `pruned_seq`, a row
    that the public sees and whose mark is `pruned_mark`, rows of articles that later ones up to there supersede are not
    kept.
    """

    epoch: int
    seq: int
    mark: int
    public_seq: int
    public_mark: int
    names_seq: int
    pruned_seq: int = 0
    pruned_mark: int = 0

    def find_mark(self, seq: int) -> int | None:
        """The mark that a place bears, or None where that is the one of row `seq`.

        Places among pruned rows bear the mark of the last of them. So a place from before the pruning is told from one
        of a reader who began after it, has met what is left, and may go on; and rows may go without such a reader
        noticing."""
        if seq == 0:
            return 0
        return self.pruned_mark if 0 < seq <= self.pruned_seq else None

    def has_all_behind(self, place: LogPosition) -> bool:
        """Whether nothing is missing of what follows a place, as far as this head tells: it is of this log, and was not
        pruned beyond it. By what is left behind others it cannot be told what is public no more."""
        return place.epoch == self.epoch and place.seq >= self.pruned_seq

    def place_behind(self, seq: int, mark: int) -> LogPosition:
        """The place behind the row of that number and mark."""
        known = self.find_mark(seq)
        return LogPosition(self.epoch, seq, mark if known is None else known)

    @property
    def position(self) -> LogPosition:
        return LogPosition(self.epoch, self.seq, self.mark)

    @property
    def public_token(self) -> str:
        """That of the newest place that a caller without a key may know of."""
        return _encode_token(self.epoch, self.public_seq, self.public_mark)

    @property
    def public_position(self) -> LogPosition:
        """The newest place that a caller without a key may know of."""
        return LogPosition(self.epoch, self.public_seq, self.public_mark)


def parse_token(token: str) -> LogPosition | None:
    """The place that a token stands for, or None where it is none of ours. Behind a dot a token may say more, which is
    for those alone who know of it."""
    try:
        raw = base64.b64decode(token.partition(".")[0].encode("ascii"), altchars=b"-_", validate=True)
        return LogPosition(*(_LAYOUT if len(raw) == _LAYOUT.size else _DELAYED).unpack(raw))
    except (ValueError, struct.error):
        return None
