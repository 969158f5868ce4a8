"""A sender that looks more often than it does for people, so that tests need not wait for it."""

import pytest

from app.sync.webhooks import delivery, sender


def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "SECONDS", 0.02)
    monkeypatch.setattr(sender, "SECONDS_WITHOUT", 0.02)
    monkeypatch.setattr(delivery, "TICK", 0.02)
    monkeypatch.setattr(delivery, "SAVE_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "IDLE_SAVE_SECONDS", 0.05)
