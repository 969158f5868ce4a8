"""Lines for the operator while a database is away: one a second, not one for each request that fails."""

import logging
import time

SECONDS = 1.0

log = logging.getLogger(__name__)


class OutageLog:
    """Of one kind of work that fails; threads may share it."""

    def __init__(self, work: str) -> None:
        self._work, self._until = work, 0.0

    def tell(self, error: BaseException) -> None:
        if (now := time.monotonic()) >= self._until:
            self._until = now + SECONDS
            log.warning("the database does not respond to a %s: %s", self._work, describe_error(error))


def describe_error(error: BaseException) -> str:
    """What a database has said, in one line."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
