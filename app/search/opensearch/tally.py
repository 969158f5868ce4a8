"""What the requests to a search cluster came to, for whoever watches a server."""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from app.http.middleware.access_log import EDGES

Work = Literal["search", "write", "manage"]
Result = Literal["ok", "unreachable", "failed"]
_OK: Result = "ok"


class ClusterTally:
    """Plain numbers since the start, by work and result: `seconds` has a count for each bucket, as the responses of the
    server have, `spent` their sum. Safe for any thread."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[Work, Result], list[int]] = {}
        self.spent: Counter[tuple[Work, Result]] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def count(self, work: Work, name_result: Callable[[Exception], Result]) -> Iterator[None]:
        """Counts what the block does as one request."""
        began, result = time.perf_counter(), _OK
        try:
            yield
        except Exception as error:
            result = name_result(error)
            raise
        finally:
            self._add((work, result), time.perf_counter() - began)

    def _add(self, key: tuple[Work, Result], seconds: float) -> None:
        with self._lock:
            buckets = self.seconds.setdefault(key, [0] * (len(EDGES) + 1))
            buckets[bisect_left(EDGES, seconds)] += 1
            self.spent[key] += seconds  # type: ignore[assignment] # Counter's stub knows whole numbers only
