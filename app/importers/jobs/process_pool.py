"""The processes that read imports (`child`), as the server sees them: started, told, listened to, ended.

Starting one takes a quarter of a second of a processor, so that one which has finished is kept for the next job.
"""

import logging
import signal
import subprocess
import sys
import weakref
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Lock

from app.importers import boundary
from app.importers.jobs import messages
from app.importers.jobs.messages import ImportOrders, ProcessSetup

START_SECONDS, ENDING_SECONDS = 60.0, 5.0
"""How long a process may take to start, and one that has closed its connection to end."""

log = logging.getLogger(__name__)


class ReaderProcessDied(Exception):
    """The process has ended without having been asked to; the message says why, for people."""


class ReaderProcess:
    """The process as the server sees it."""

    def __init__(self, setup: ProcessSetup) -> None:
        self._silent = setup.limits.silent_seconds
        self._link, remote_end = Pipe()
        command = [sys.executable, "-m", "app.importers.jobs.reader_process", str(remote_end.fileno())]
        # Closed on this side: as long as anybody here has it open, the end of the process would not show as the end of
        # what it sends.
        with remote_end:
            self._process = subprocess.Popen(  # noqa: S603 -- ours
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[remote_end.fileno()]
            )
        # Also where nobody closes it: whoever forgets it, and the end of the program, end the process.
        self.close = weakref.finalize(self, _end_process, self._link, self._process)
        self.send(setup)

    @property
    def number(self) -> int:
        """The process's, as the system has it."""
        return self._process.pid

    def send(self, value: object) -> None:
        try:
            self._link.send(value)
        except OSError:
            raise ReaderProcessDied(self._describe_end()) from None

    def receive(self, patience: float | None = None) -> tuple[bytes, bytes]:
        """The letter of a message, and its JSON."""
        seconds = self._silent if patience is None else patience
        try:
            if not self._link.poll(seconds):
                raise ReaderProcessDied(f"{boundary.TOO_MUCH_TIME}: no sign for {seconds:.0f} seconds")
            # A longer one is an OSError, before any of it is read.
            message = self._link.recv_bytes(messages.MOST_BYTES + 1)
        except (EOFError, OSError):
            raise ReaderProcessDied(self._describe_end()) from None
        return message[:1], message[1:]

    def _describe_end(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        code = self._process.poll()
        if code == -signal.SIGXCPU:
            return boundary.TOO_MUCH_TIME
        # Libraries that get no memory abort, and the system kills where there is none at all.
        if code in (-signal.SIGABRT, -signal.SIGKILL):
            return boundary.TOO_MUCH_MEMORY
        end_text = signal.Signals(-code).name if code is not None and code < 0 else f"status {code}"
        return f"it ended the process that read it ({end_text})"

    def is_alive(self) -> bool:
        return self._process.poll() is None


def _end_process(link: Connection, process: "subprocess.Popen[bytes]") -> None:
    """Whatever it is at."""
    link.close()
    process.kill()
    process.wait()


class ProcessPool:
    """Gives processes out, one for each job that is being read, and takes back those that have finished."""

    def __init__(self, setup: ProcessSetup) -> None:
        self._setup = setup
        self._spare: ReaderProcess | None = None
        self._lock = Lock()

    @property
    def most_deaths(self) -> int:
        return self._setup.limits.most_deaths

    def take(self, orders: ImportOrders) -> ReaderProcess:
        """A process that has its orders and waits to be asked. Died where none can be started."""
        with self._lock:
            child, self._spare = self._spare, None
        if child is not None and child.is_alive():
            child.send(orders)
            return child
        if child is not None:
            child.close()
        child = ReaderProcess(self._setup)
        try:
            child.receive(START_SECONDS)  # that it is ready
            child.send(orders)
        except ReaderProcessDied:
            child.close()
            raise
        return child

    def give_back(self, child: ReaderProcess) -> None:
        """One that has finished its job."""
        with self._lock:
            spare, self._spare = self._spare, child
        if spare is not None:
            spare.close()

    def close(self) -> None:
        """Ends the one that is kept."""
        with self._lock:
            child, self._spare = self._spare, None
        if child is not None:
            child.close()
