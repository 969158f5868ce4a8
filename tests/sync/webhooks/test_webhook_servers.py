"""Webhooks of real servers: one sends for each endpoint, another takes over when it is killed, all end in time."""

import time
from pathlib import Path

import httpx
import pytest
from conftest import ENGINES
from support.webhooks.receivers import run_receiver
from support.webhooks.runs import KillableServer, run_webhooks

from app.changes import log
from app.db.database import Database
from app.http import auth
from app.settings import Settings

ON = ENGINES
pytestmark = pytest.mark.slow


@pytest.mark.torture
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nothing_is_missing_when_servers_and_receivers_are_killed(settings: Settings, tmp_path: Path) -> None:
    result = run_webhooks(settings, tmp_path, changes=150, servers=2, kills=1, receiver_kills=2, seed=3)
    assert (result.missing, result.disordered, result.unsigned) == ([0] * 3, [0] * 3, 0), str(result)
    assert all(result.expected), str(result)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_servers_send_each_change_once_and_one_takes_over(settings: Settings, tmp_path: Path) -> None:
    db = Database(settings, log.append)
    headers = {"Authorization": f"Bearer {db.write_now(auth.create_key, 'two', auth.SCOPES).value}"}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    servers = [KillableServer(settings, folder) for folder in folders]
    try:
        with run_receiver() as receiver, httpx.Client(base_url=servers[1].address, headers=headers) as client:
            client.post("/v1/webhooks", json={"name": "Two", "url": receiver.url}).raise_for_status()
            for number in range(30):
                article = {"title": f"Number {number}", "status": "published"}
                client.post("/v1/articles", json=article).raise_for_status()
            _wait(lambda: len(receiver.received) >= 30)
            time.sleep(1)
            assert len({one.id for one in receiver.received}) == len(receiver.received) == 30
            # Whichever has the lease: the other one goes on, at once when it was given up.
            assert servers[0].stop() < 5
            began = time.monotonic()
            client.post("/v1/articles", json={"title": "After it", "status": "published"}).raise_for_status()
            _wait(lambda: len(receiver.received) == 31)
            assert time.monotonic() - began < 10
    finally:
        for server in servers:
            server.kill()
        db.close_now()


def _wait(condition, seconds: float = 30) -> None:  # type: ignore[no-untyped-def] # any function
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_server_ends_at_once_while_a_receiver_is_slow(settings: Settings, tmp_path: Path) -> None:
    db = Database(settings, log.append, alone=False)
    headers = {"Authorization": f"Bearer {db.write_now(auth.create_key, 'slow', auth.SCOPES).value}"}
    server = KillableServer(settings, tmp_path)
    try:
        with run_receiver() as receiver:
            receiver.respond = lambda handler, received: time.sleep(12)
            with httpx.Client(base_url=server.address, headers=headers) as client:
                client.post("/v1/webhooks", json={"name": "Slow", "url": receiver.url}).raise_for_status()
                client.post("/v1/articles", json={"title": "Slow", "status": "published"}).raise_for_status()
                _wait(lambda: len(receiver.received) == 1)
                assert client.get("/health/ready").status_code == 200
            assert server.stop() < 5
    finally:
        server.kill()
        db.close_now()
