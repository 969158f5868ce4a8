"""What a server writes to its log, as one stream of JSON, and what SIGHUP does to it: nothing."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from support.processes import DatelineProcess

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def start(data: Path, workers: int, **more: str) -> tuple[DatelineProcess, str]:
    environment = {"DATELINE_DATA_DIR": str(data), "DATELINE_LOG_FORMAT": "json", "DATELINE_REQUEST_LOG": "1", **more}
    process = DatelineProcess("serve", "--port", "0", "--workers", str(workers), environment=environment)
    address = ""
    for line in process.lines:
        if line.startswith("Dateline is at"):
            address = line.split()[3]
        if line.startswith("Try:"):
            return process, address
    raise AssertionError(process.wait(30))


@pytest.mark.parametrize("workers", [1, 2])
def test_server_goes_on_after_a_hangup_and_its_log_is_json(workers: int, tmp_path: Path) -> None:
    process, address = start(tmp_path, workers)
    try:
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-Id": "from-outside"}
        path = "/v1/key?email=reader@example.org"
        key = f"Bearer dl_1_{'x' * 43}"
        refused = httpx.get(address + path, headers={**headers, "Authorization": key}, timeout=20)
        assert refused.status_code == 401
        assert process.status is None
        process.send_signal(signal.SIGTERM)
        status, _, err = process.wait(30)
    finally:
        process.end()
    lines = [json.loads(line) for line in err.splitlines()]
    assert status == 0
    assert any("SIGHUP" in line["message"] for line in lines)
    assert all({"at", "level", "logger", "message", "process"} <= set(line) for line in lines), lines
    [request] = [line for line in lines if line["logger"] == "access"]
    assert (request["path"], request["status"], request["request_id"]) == ("/v1/key", 401, "from-outside")
    assert request["trace_id"] == TRACE
    assert "reader" not in err
    assert "xxxx" not in err


def test_server_that_cannot_start_says_so_in_its_log(tmp_path: Path) -> None:
    environment = {"DATELINE_DATA_DIR": str(tmp_path), "DATELINE_LOG_FORMAT": "json"}
    process = DatelineProcess("serve", "--host", "192.0.2.1", environment=environment)
    status, _, err = process.wait(30)
    process.end()
    [line] = [json.loads(one) for one in err.splitlines()]
    assert (status, line["level"]) == (1, "CRITICAL")
    assert "DATELINE_PORT" in line["message"]


def test_server_ends_with_the_terminal_that_it_was_started_in(tmp_path: Path) -> None:
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        cwd=Path(__file__).resolve().parent.parent.parent, env=os.environ | {"DATELINE_DATA_DIR": str(tmp_path)},
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    said = b""
    while b"Try:" not in said:
        said += os.read(ours, 4096)
    process.send_signal(signal.SIGHUP)  # by hand: the terminal is still there
    time.sleep(1)
    assert process.poll() is None
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    process.wait(30)
