"""A PgBouncer in front of a server of PostgreSQL, where it is installed."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from torture.drivers.postgres_cluster import PostgresNode, find_ports

MODES = ("session", "transaction")
SESSIONS = {"session": 60, "transaction": 3}
"""Fewer than there are clients in transaction mode, so that one session serves many; in session mode each client keeps
one for itself."""


@contextmanager
def run_pgbouncer(node: PostgresNode, mode: str) -> Iterator[str]:
    """The address of the archive behind it. Skips the test where there is no PgBouncer."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    [port] = find_ports(1)
    with tempfile.TemporaryDirectory(prefix="dateline-pgbouncer-") as name:
        folder = Path(name)
        (folder / "users").write_text('"postgres" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\narchive = host=127.0.0.1 port={node.port} dbname=archive\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {folder / 'users'}\n"
            f"pool_mode = {mode}\ndefault_pool_size = {SESSIONS[mode]}\nmax_client_conn = 200\n"
        )
        as_user = None
        if os.geteuid() == 0:  # it refuses to be run by root, too
            as_user = "embedded_postgres"
            for one in (folder, *folder.iterdir()):
                shutil.chown(one, as_user)
        command = [program, str(folder / "pgbouncer.ini")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=as_user)
        url = f"postgresql://postgres@127.0.0.1:{port}/archive"
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PgBouncer has not started"
            time.sleep(0.05)
        else:
            return
