"""Twenty thousand changes to three endpoints, while these and the servers are killed: every change is delivered, and
those of an article come in order."""

import os
from pathlib import Path

import pytest
from conftest import ENGINES
from support.webhooks.runs import run_webhooks

from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.torture

CHANGES = int(os.environ.get("TORTURE_CHANGES", "20000"))
KILLS = int(os.environ.get("TORTURE_KILLS", "10"))


def test_every_change_is_delivered_in_order_whoever_is_killed(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = 1 if settings.url.startswith("sqlite") else 2
    result = run_webhooks(
        settings, tmp_path, changes=CHANGES, servers=servers, kills=KILLS, receiver_kills=3 * KILLS, seed=7
    )
    with capsys.disabled():
        print(f"{servers} servers: {result}")  # noqa: T201 -- figures are what these runs are for
    assert result.changes >= CHANGES
    assert (result.missing, result.disordered, result.unsigned) == ([0] * 3, [0] * 3, 0)
    assert all(expected > CHANGES / 20 for expected in result.expected)
