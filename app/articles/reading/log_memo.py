"""Results that hold for one position of the change log, in memory; knows nothing of what it keeps."""

from collections.abc import Hashable

from app.db.log_position import LogHead


class LogMemo:
    """Values as of a position in the log, until the next commit: a new head drops all of them."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._head: LogHead | None = None
        self._kept: dict[Hashable, object] = {}

    def get(self, head: LogHead, key: Hashable) -> object | None:
        return self._kept.get(key) if head == self._head else None

    def put(self, head: LogHead, key: Hashable, value: object) -> None:
        if head != self._head or len(self._kept) >= self._most:
            self._head, self._kept = head, {}
        self._kept[key] = value
