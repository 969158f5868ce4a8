"""A program that was started: its log, its signals, its end. Each is the head of a process group of its own, so that
ending it ends what it has started itself, and nothing else."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

LINES_OF_LOG = 20


class NotStarted(Exception):
    """Says which program, and what it wrote last."""


class Process:
    """`user` is that of the system that it runs as; only root can choose one."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self.log, self._ends_by = name, log, ends_by
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=None if env is None else dict(env), cwd=cwd, user=user, group=None if user is None else user,
                extra_groups=None if user is None else [], start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._popen.poll()

    def send_signal(self, number: signal.Signals) -> None:
        """To it and all that it has started. Nothing happens where it has ended."""
        if self.status is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        self._popen.wait()

    def end(self, seconds: float = 20) -> None:
        """As its operator ends it; killed if that takes longer than so many seconds."""
        self.send_signal(signal.SIGCONT)
        if self.status is None:
            self._popen.send_signal(self._ends_by)
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait_until(self, is_ready: Callable[[], bool], seconds: float = 60) -> None:
        """NotStarted where it ends before, or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if self.status is not None:
                raise NotStarted(f"{self.name} has ended with status {self.status}:\n{self.read_log()}")
            if time.monotonic() > deadline:
                raise NotStarted(f"{self.name} is not ready after {seconds:.0f} s:\n{self.read_log()}")
            time.sleep(0.05)

    def read_log(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES_OF_LOG:])


def leave_on_sigterm() -> None:
    """Has SIGTERM end this program as an exception does, so that what it has started is ended as well."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def find_free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
