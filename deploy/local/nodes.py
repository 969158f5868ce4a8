"""Nodes: servers of this checkout, or of another one, each with an index of its own."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from deploy.local.composition import FOLDER, read_environment
from deploy.local.processes import Process

CHECKOUT = FOLDER.parent
SECONDS_TO_START = 180.0


class Node:
    """`checkout` is a folder with the program, this one's unless told otherwise; it runs in this Python. `settings`
    come before those of compose.yaml."""

    def __init__(
        self,
        name: str,
        folder: Path,
        port: int,
        database_url: str,
        checkout: Path = CHECKOUT,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name, self.port, self.checkout, self._folder, self._settings = name, port, checkout, folder, settings
        self._url = database_url
        self.process: Process | None = None
        folder.mkdir(parents=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def build_environment(self) -> dict[str, str]:
        settings = read_environment(
            "node1",
            DATELINE_DATABASE_URL=self._url,
            DATELINE_DATA_DIR=str(self._folder),
            DATELINE_TRUSTED_PROXIES="127.0.0.1",
            DATELINE_HOST="127.0.0.1",
            DATELINE_PORT=str(self.port),
        )
        outside = {name: value for name, value in os.environ.items() if not name.startswith("DATELINE_")}
        return {**outside, "PYTHONPATH": str(self.checkout), **settings, **self._settings}

    def start(self) -> None:
        """Waits until it listens; its index may be built after that."""
        log = self._folder.parent / f"{self.name}.log"
        command = [sys.executable, "-m", "app", "serve"]
        self.process = Process(self.name, command, log, env=self.build_environment(), cwd=self.checkout)
        self.process.wait_until(lambda: self.get_status("/health/live") == 200, SECONDS_TO_START)

    def wait_until_ready(self) -> None:
        assert self.process is not None
        self.process.wait_until(self.is_ready, SECONDS_TO_START)

    def is_ready(self) -> bool:
        return self.get_status("/health/ready") == 200

    def get_status(self, path: str) -> int | None:
        """Of a GET; None where nothing responds."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def run_command(self, *arguments: str) -> str:
        """A `dateline` command with the settings of this node; its standard output. RuntimeError where it fails."""
        command = [sys.executable, "-m", "app", *arguments]
        result = subprocess.run(
            command, env=self.build_environment(), cwd=self.checkout, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise RuntimeError(f"dateline {' '.join(arguments)} of {self.name}: {result.stdout}{result.stderr}")
        return result.stdout

    def stop(self) -> None:
        """Halts it where it is, as a machine does that has no time for it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()

    def end(self) -> None:
        if self.process is not None:
            self.process.end()
