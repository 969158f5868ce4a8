"""What workers share: numbers with one writer each, reports that are whole, and rate limits of all together."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.middleware.rate_limit import MINUTE, SharedTokenBuckets, TokenBuckets
from app.http.server.shared_buckets import PLACES, SharedInstants
from app.http.server.shared_counts import REPORT_BYTES, PerAddress, Shared, SharedCounts


def in_child(task: Callable[[], None]) -> None:
    """In a process that is forked, as workers are."""
    process = os.fork()
    if not process:
        try:
            task()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(process, 0)[1] == 0


def test_numbers_of_others_are_added_up_until_they_are_retired() -> None:
    counts = SharedCounts(3)

    def work() -> None:
        counts.own = 2
        counts.set_own(Shared.REQUESTS, 5)
        counts.add_of_address(PerAddress.STREAMS, "192.0.2.1", 2)
        counts.report({"count": 1})
        counts.report({"count": 2})

    in_child(work)
    assert counts.add_others(Shared.REQUESTS) == 5
    assert counts.add_others_of_address(PerAddress.STREAMS, "192.0.2.1") == 2
    assert counts.add_others_of_address(PerAddress.CONNECTIONS, "192.0.2.1") == 0
    assert counts.read_reports() == [{"count": 2}]
    counts.retire(2, {"count": 2, "ended": True})
    assert counts.add_others(Shared.REQUESTS) == 0
    assert counts.add_others_of_address(PerAddress.STREAMS, "192.0.2.1") == 0
    assert counts.read_reports() == [{"count": 2, "ended": True}]


def test_report_that_is_too_large_is_refused_and_the_last_one_stays() -> None:
    counts = SharedCounts(2)
    counts.report({"count": 1})
    with pytest.raises(ValueError, match="too large"):
        counts.report({"count": "x" * (REPORT_BYTES // 2)})
    assert counts.read_report(0) == {"count": 1}


def test_one_process_has_no_others() -> None:
    counts = SharedCounts()
    counts.set_own(Shared.CONNECTIONS, 7)
    counts.add_of_address(PerAddress.CONNECTIONS, "192.0.2.1", 1)
    assert counts.add_others(Shared.CONNECTIONS) == 0
    assert counts.add_others_of_address(PerAddress.CONNECTIONS, "192.0.2.1") == 0


@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3_000_000_000)), max_size=40))
def test_shared_buckets_count_as_those_of_one_process_do(steps: list[tuple[str, int]]) -> None:
    now = MINUTE

    def read_clock() -> int:
        return now

    alone, shared = TokenBuckets(7, 100, read_clock), SharedTokenBuckets(7, 100, read_clock)
    for name, nanoseconds in steps:
        now += nanoseconds
        assert shared.take(name) == alone.take(name)
        if nanoseconds % 5 == 0:
            shared.forget(name)
            alone.forget(name)
        assert (name in shared) == (name in alone)


def test_tokens_that_another_process_took_are_gone() -> None:
    buckets = SharedTokenBuckets(3, 100, lambda: MINUTE)

    def take_two() -> None:
        for _ in range(2):
            buckets.take("a")

    in_child(take_two)
    assert [buckets.take("a").allowed for _ in range(2)] == [True, False]


def test_full_table_forgets_the_instant_that_lies_furthest_back() -> None:
    instants = SharedInstants(PLACES)
    for number in range(PLACES + 1):
        instants.change(f"name {number}", lambda _, number=number: number + 1)  # type: ignore[misc] # as it is now
    assert instants.find("name 0") is None
    assert [instants.find(f"name {number}") for number in (1, PLACES)] == [2, PLACES + 1]
