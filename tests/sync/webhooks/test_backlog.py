"""The order of what is sent: whatever fails, and whenever, each article's changes come in the order of the log."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.webhooks import schedule
from app.sync.webhooks.backlog import Backlog, BacklogItem, Key, LogPart


class Sender:
    """As a sender works on a log of (key by row): reads, sends, saves, and may die at any moment."""

    def __init__(self, keys: list[int]) -> None:
        self.rows: list[Key] = [("article", key) for key in keys]
        self.told: list[int] = []
        self.place, self.retries = 0, dict[Key, BacklogItem]()
        self.now = 0
        self.begin()

    def begin(self) -> None:
        """From what was saved."""
        self.backlog = Backlog(self.place, [replace(item) for item in self.retries.values()])
        self.flying: list[BacklogItem] = []

    def read(self, count: int) -> None:
        for seq in range(self.backlog.examined + 1, min(self.backlog.examined + count, len(self.rows)) + 1):
            self.backlog.add(self.rows[seq - 1], seq)
            self.backlog.examined = seq

    def take(self) -> None:
        item = self.backlog.take(self.now)
        if item is not None:
            assert item.key not in {one.key for one in self.flying}
            self.flying.append(item)

    def end(self, at: int, *, good: bool) -> None:
        item = self.flying.pop(at % len(self.flying))
        if not good:
            self.backlog.fail(item, self.now + 10)
            return
        self.told.append(item.seq)
        following = None
        while following is None and self.backlog.take_more(item.key):
            later = range(item.seq + 1, self.backlog.examined + 1)
            following = next((seq for seq in later if self.rows[seq - 1] == item.key), None)
        self.backlog.settle(item, following, self.now)

    def save(self) -> None:
        for key, item in self.backlog.take_changed().items():
            self.retries.pop(key, None)
            if item is not None:
                self.retries[key] = replace(item, is_saved=True)
        assert self.backlog.place >= self.place
        self.place = self.backlog.place

    def finish(self) -> None:
        while self.place < len(self.rows) or self.retries or self.flying:
            self.now += 10
            self.read(3)
            self.take()
            if self.flying:
                self.end(0, good=True)
            self.save()


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(5, 60))
def test_every_change_is_told_and_each_article_in_order(seed: int, articles: int, length: int) -> None:
    choose = random.Random(seed)
    sender = Sender([choose.randrange(articles) for _ in range(length)])
    for _ in range(length * 4):
        step = choose.randrange(12)
        if step < 2:
            sender.read(choose.randrange(1, 6))
        elif step < 6:
            sender.take()
        elif step < 9 and sender.flying:
            sender.end(choose.randrange(8), good=choose.random() < 0.6)
        elif step == 9:
            sender.save()
        elif step == 10:
            sender.now += choose.randrange(12)
        elif choose.random() < 0.2:
            sender.begin()
    sender.finish()
    assert set(sender.told) == set(range(1, length + 1))
    for key in set(sender.rows):
        own = [seq for seq in sender.told if sender.rows[seq - 1] == key]
        first = list(dict.fromkeys(own))
        assert first == sorted(first), "a change came before an earlier one of the same article"


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_without_a_crash_nothing_is_told_twice(keys: list[int]) -> None:
    sender = Sender(keys)
    sender.finish()
    assert sorted(sender.told) == list(range(1, len(keys) + 1))


def test_refused_article_holds_up_no_other() -> None:
    sender = Sender([1, 2, 1, 3, 2])
    sender.read(5)
    sender.take()
    sender.end(0, good=False)
    for _ in range(4):
        sender.take()
        if sender.flying:
            sender.end(0, good=True)
    assert sender.told == [2, 5, 4]
    sender.save()
    assert (sender.place, {key: item.seq for key, item in sender.retries.items()}) == (5, {("article", 1): 1})


def test_what_waits_is_one_item_for_each_article_however_many_changes() -> None:
    sender = Sender([1] * 1000)
    sender.read(1000)
    sender.take()
    sender.end(0, good=False)
    sender.save()
    assert len(sender.retries) == 1
    sender.finish()
    assert sender.told == list(range(1, 1001))


@pytest.mark.parametrize(("failures", "least"), [(1, 5), (2, 300), (9, 86_400), (50, 86_400)])
def test_wait_grows_from_seconds_to_a_day(failures: int, least: int) -> None:
    waits = {schedule.choose_wait(failures) for _ in range(200)}
    assert min(waits) >= least
    assert max(waits) <= least * 1.2 + 1
    assert len(waits) > 1, "what failed together comes back together"


@pytest.mark.parametrize(("asked", "seconds"), [(0, 1), (30.4, 30), (10**9, 86_400)])
def test_retry_after_is_kept_within_bounds(asked: float, seconds: int) -> None:
    assert schedule.bound_retry_after(asked) == seconds


def test_row_that_is_read_in_part_is_not_behind_the_place() -> None:
    backlog = Backlog(5)
    backlog.take_in(LogPart([(("article", 1), 9)], [], 9, 1, more=True), 0)
    item = backlog.take(0)
    assert item is not None
    assert backlog.place == 8
    backlog.settle(item, None, 0)
    assert backlog.place == 8, "another one of the same row is yet to be read"
    backlog.take_in(LogPart([], [], 9, None, more=False), 0)
    assert backlog.place == 9
