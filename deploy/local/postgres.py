"""PostgreSQL: a primary with a database, and a synchronous standby, set up by the scripts that compose.yaml uses."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.local.processes import Process, is_listening

SCRIPTS = Path(__file__).resolve().parent.parent / "postgres"
USER = DATABASE = "dateline"
UNPRIVILEGED = ("postgres", "nobody")
"""Users of the system that PostgreSQL runs as where root starts it, which it refuses to do as root."""


def choose_user() -> str | None:
    """None where nobody else can or need be chosen."""
    if os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in UNPRIVILEGED if name in known), None)


class PostgresServer:
    """One server with its data in `folder`. `password` is that of the role `dateline`; `replication_password` that of
    the role that standbys connect as."""

    def __init__(
        self, name: str, programs: Path, folder: Path, port: int, passwords: tuple[str, str] | None = None
    ) -> None:
        self.name, self.port, self.folder = name, port, folder
        self.password, self.replication_password = passwords or (secrets.token_hex(12), secrets.token_hex(12))
        self._programs, self._user = programs, choose_user()
        self._log = folder / f"{name}.log"
        self.process: Process | None = None
        folder.mkdir(parents=True)
        for path in (folder, folder / "sockets"):
            path.mkdir(exist_ok=True)
            if self._user is not None:
                shutil.chown(path, self._user)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def create(self, *, has_standby: bool) -> None:
        """An empty database, with whose server one standby goes along if there is to be one."""
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="ascii")
        if self._user is not None:
            shutil.chown(secret, self._user)
        self._run(
            "initdb", "--username", USER, "--pwfile", str(secret), "--auth-local", "trust", "--auth-host",
            "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--pgdata", str(self._data),
        )  # fmt: skip
        secret.unlink()
        self.start()
        self._run("createdb", "--username", USER, DATABASE)
        if has_standby:
            self._run_script("primary.sh")
            self.end()
            self.start()

    def start(self) -> None:
        self._start([])

    def start_as_standby(self, primary: "PostgresServer") -> None:
        """Makes a copy of the primary first, where there is none."""
        self._start(["/bin/sh", str(SCRIPTS / "standby.sh")], PRIMARY_HOST="127.0.0.1", PRIMARY_PORT=str(primary.port))

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "--wait", "--pgdata", str(self._data))

    def query(self, statement: str) -> str:
        """Values of the rows, with `|` between columns."""
        arguments = ("--no-psqlrc", "--tuples-only", "--no-align", "--username", USER, "--dbname", DATABASE)
        return self._run("psql", *arguments, "--command", statement).strip()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def end(self) -> None:
        if self.process is not None:
            self.process.end()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": f"{self._programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "PGDATA": str(self._data),
            "PGHOST": str(self.folder / "sockets"),
            "PGPORT": str(self.port),
            "PGPASSWORD": self.replication_password,
            **more,
        }

    def _start(self, before: Sequence[str], **more: str) -> None:
        command = [
            *before, str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder / 'sockets'}",
        ]  # fmt: skip
        # SIGINT is PostgreSQL's fast end: it does not wait for clients to go.
        process = Process(
            self.name, command, self._log,
            env=self._environment(**more), cwd=self.folder, user=self._user, ends_by=signal.SIGINT,
        )  # fmt: skip
        self.process = process
        process.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        if not is_listening(self.port):
            return False
        ready = [str(self._programs / "pg_isready"), "--quiet", "--username", USER]
        return subprocess.run(ready, env=self._environment(), check=False).returncode == 0

    def _run_script(self, name: str) -> None:
        self._execute(
            ["/bin/sh", str(SCRIPTS / name)],
            POSTGRES_USER=USER, POSTGRES_DB=DATABASE, REPLICATION_PASSWORD=self.replication_password,
        )  # fmt: skip

    def _run(self, program: str, *arguments: str) -> str:
        return self._execute([str(self._programs / program), *arguments])

    def _execute(self, command: Sequence[str], **more: str) -> str:
        """RuntimeError with what it wrote where it fails."""
        result = subprocess.run(
            list(command), env=self._environment(**more), cwd=self.folder, user=self._user, group=self._user,
            extra_groups=None if self._user is None else [], capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode != 0:
            raise RuntimeError(f"{Path(command[0]).name} failed for {self.name}: {result.stderr.strip()}")
        return result.stdout


def build_url(servers: Sequence[PostgresServer]) -> str:
    """The address that nodes are given: of several servers that one is taken which can be written."""
    hosts = ",".join(server.address for server in servers)
    return f"postgresql://{USER}:{servers[0].password}@{hosts}/{DATABASE}"
