"""One node of OpenSearch for all workers of a run, started by the first that needs it and stopped by the last."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from app.db.file_locks import FileLock
from bench.opensearch_nodes import (
    NotAvailable,
    OpenSearchNode,
    StartFailed,
    find_distribution,
    find_free_ports,
    find_java,
    write_node,
)

VARIABLE = "DATELINE_TEST_OPENSEARCH_URL"
_started: list[OpenSearchNode] = []
"""By this process, for good: another worker may use one until its own end, and Python warns of a process that runs on
when nobody knows of it any more."""


@contextmanager
def share_node(folder: Path) -> Iterator[str]:
    """Its address. Skips where there is neither one that is named nor what starts one."""
    if VARIABLE in os.environ:
        yield os.environ[VARIABLE]
        return
    state, lock = folder / "opensearch.json", FileLock(folder / "opensearch.lock")
    with lock.hold():
        users, url, pid, root = orjson.loads(state.read_bytes()) if state.exists() else (0, "", 0, "")
        if users == 0:
            try:
                url, pid, root = _start(folder)
            except NotAvailable as error:
                pytest.skip(f"OpenSearch cannot be started: {error}")
        state.write_bytes(orjson.dumps([users + 1, url, pid, root]))
    try:
        yield url
    finally:
        with lock.hold():
            users, url, pid, root = orjson.loads(state.read_bytes())
            if users == 1:
                _stop(pid)
                shutil.rmtree(root, ignore_errors=True)
            state.write_bytes(orjson.dumps([users - 1, url, pid, root]))


def _start(folder: Path) -> tuple[str, int, str]:
    distribution = find_distribution()
    find_java()
    # Outside pytest's own folder, which another user's process cannot look into.
    root = Path(f"/tmp/dateline-node-{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
    root.mkdir()
    root.chmod(0o755)  # whatever the mask is
    http, transport = find_free_ports(2)
    node: OpenSearchNode = write_node(distribution, root, 0, [http], [transport])
    node.start()
    try:
        node.wait()
    except StartFailed:
        node.kill()
        raise
    assert node.process is not None
    _started.append(node)
    return node.url, node.process.pid, str(root)


def _stop(pid: int) -> None:
    """Also where another worker has started it, which may have ended by now."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and _is_alive(pid):
            time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:  # another worker's
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
