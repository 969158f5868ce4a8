"""A server that is started before its PostgreSQL."""

import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.processes import DatelineProcess
from torture.drivers.postgres_cluster import find_ports, run_nodes

pytestmark = pytest.mark.slow


def start(folder: Path, url: str, port: int, *options: str) -> DatelineProcess:
    environment = {"DATELINE_DATA_DIR": str(folder), "DATELINE_DATABASE_URL": url, "DATELINE_INDEX_HEAP_MB": "15"}
    return DatelineProcess("serve", "--port", str(port), *options, environment=environment)


def wait_for(address: str, path: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        with suppress(httpx.TransportError):
            if (response := httpx.get(address + path)).status_code == status:
                return response
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_server_waits_for_its_database_and_says_so(options: tuple[str, ...], tmp_path: Path) -> None:
    [port] = find_ports(1)
    address = f"http://127.0.0.1:{port}"
    with run_nodes(1) as [node]:
        node.kill()
        server = start(tmp_path, node.url(), port, *options)
        try:
            assert next(server.lines).startswith("Waiting for the database")
            wait_for(address, "/health/live", 200)
            ready = wait_for(address, "/health/ready", 503).json()
            assert (ready["status"], ready["database"]) == ("unavailable", False)
            refused = httpx.post(f"{address}/v1/articles", json={})
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            assert refused.headers["retry-after"] == "1"
            node.start()
            wait_for(address, "/health/ready", 200)
            assert httpx.get(f"{address}/v1/articles").json()["data"] == []
        finally:
            server.send_signal(15)
            status, _, err = server.wait(30)
            server.end()
        assert status == 0, err


def test_server_that_waits_ends_when_it_is_told_to(tmp_path: Path) -> None:
    ports = find_ports(2)
    server = start(tmp_path, f"postgresql://postgres@127.0.0.1:{ports[1]}/archive", ports[0])
    try:
        wait_for(f"http://127.0.0.1:{ports[0]}", "/health/live", 200)
        server.send_signal(15)
        status, _, err = server.wait(30)
    finally:
        server.end()
    assert status == 0, err


def test_database_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    with run_nodes(1) as [node]:
        server = start(tmp_path, node.url("nothing"), find_ports(1)[0])
        try:
            status, out, err = server.wait(30)
        finally:
            server.end()
    assert status == 1
    assert "does not exist" in out + err
