"""When an endpoint is tried again. Pure."""

import random

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Deliverability and
# reliability": this schedule, with some randomness, over several days.
RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before the second attempt, the third, and so on; the last of them again and again."""
FIRST_PAUSE, LONGEST_PAUSE = 5, 3_600
"""Seconds between two looks whether a broken endpoint is back, twice as long each time: it is one request, whatever
waits."""
BROKEN_AFTER = 10
"""Failures in a row after which it is the endpoint that fails and no single change: from then on one request at a time
finds out whether it is back."""
BACK_AFTER = 5
"""Failures in a row before a success that let all that waits be tried at once: the endpoint was away."""
OFF_SECONDS = 5 * 86_400
"""Without any success for so long, an endpoint is switched off."""
MOST_RETRY_AFTER = 86_400
"""Seconds that an endpoint may ask to wait by Retry-After."""


def choose_wait(failures: int) -> int:
    """Seconds to wait after so many failures in a row, one at least; up to a fifth more, so that what failed together
    does not come back together."""
    return _spread(RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1])


def choose_pause(pauses: int) -> int:
    """Seconds until a broken endpoint is looked at for the nth time, n from 1."""
    return _spread(min(FIRST_PAUSE * 2 ** min(pauses - 1, 20), LONGEST_PAUSE))


def _spread(seconds: int) -> int:
    return round(seconds * random.uniform(1, 1.2))  # noqa: S311 -- nobody gains by guessing it


def bound_retry_after(seconds: float) -> int:
    """What an endpoint asks to wait, within bounds."""
    return max(1, min(round(seconds), MOST_RETRY_AFTER))
