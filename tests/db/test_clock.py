"""A machine's clock that differs from the database's is told, once."""

import logging

import pytest

from app.db.condition import Condition, Reported


def test_clock_that_is_off_is_told_once_and_when_it_is_right_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"database": 1_000.0, "machine": 1_001.9}
    monkeypatch.setattr("app.db.condition.time.time", lambda: clock["machine"])
    condition = Condition(lambda was_refused: Reported(None, clock["database"]))
    condition.look()
    assert condition.clock_problem is None
    clock["machine"] = 1_002.5
    with caplog.at_level(logging.WARNING):
        condition.look()
        condition.look()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "this machine's clock is 2.5 s ahead of that of the database, which decides what is due"
    ]
    assert condition.clock_problem == "This machine's clock differs by +2.5 s from the database's."
    clock["machine"] = 997.0
    condition.look()
    assert condition.offset == -3.0
    clock["machine"] = 1_000.5
    condition.look()
    assert condition.clock_problem is None
