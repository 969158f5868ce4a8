"""A process that works for this one, as long as this one lives. It is started anew, not forked, so that it has no locks
and no handles of a database; what is sent either way is pickled, so it runs our code only, on values that we made.

The parent sends orders and receives a response to each, in their order. The process has a thread that receives: it
notices at once that the parent has ended, killed or not, and ends itself.
"""

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import Queue

NICE = 5
"""A process of this kind gives way to whoever responds to requests."""
MOST_WAITING = 2
"""Orders that a process has received and not begun: the parent need not wait until one is taken."""


class ChildProcessFailed(OSError):
    """The process has ended, or its work has failed; the message says why."""


class ChildProcess:
    """The process as its parent sees it."""

    def __init__(self, module: str) -> None:
        """`module` calls `serve_orders` when it is run."""
        self.link, remote_end = Pipe()
        command = [sys.executable, "-m", module, str(remote_end.fileno())]
        with remote_end:
            self._process = subprocess.Popen(  # noqa: S603 -- ours
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[remote_end.fileno()]
            )
        # Also where nobody closes it: whoever forgets it, and the end of the program, end the process.
        self.close = weakref.finalize(self, _end_process, self.link, self._process)

    @property
    def number(self) -> int:
        """The process's, as the system has it."""
        return self._process.pid

    def send(self, order: object) -> None:
        try:
            self.link.send(order)
        except OSError:
            raise ChildProcessFailed(self._describe_end()) from None

    def receive(self) -> object:
        """The response to the first order that has none yet. What its work has raised is raised here."""
        try:
            response, error = self.link.recv()
        except (EOFError, OSError):
            raise ChildProcessFailed(self._describe_end()) from None
        if isinstance(error, BaseException):
            raise error
        return response

    def _describe_end(self) -> str:
        return f"a process that worked on it has ended with status {self._process.wait()}"


def _end_process(link: Connection, process: "subprocess.Popen[bytes]") -> None:
    """Whatever it is at."""
    link.close()
    process.kill()
    process.wait()


def serve_orders(work: Callable[[object], object]) -> None:
    """The process itself: responds to each order with what `work` makes of it, until the parent ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the parent ends this one through the connection
    os.nice(NICE)
    gc.set_threshold(50_000)  # nearly nothing of what is made for an order is garbage in circles
    link = Connection(int(sys.argv[1]))
    for order in _receive_orders(link):
        try:
            response, error = work(order), None
        except BaseException as raised:  # panics of libraries written in Rust are no Exceptions
            response, error = None, _make_portable(raised)
        link.send((response, error))


def _make_portable(error: BaseException) -> BaseException:
    """Many errors cannot be made again from their pickled form; these have a message, which is what counts."""
    return ChildProcessFailed(f"{type(error).__name__}: {error}")


def _receive_orders(link: Connection) -> Iterator[object]:
    orders: Queue[object] = Queue(MOST_WAITING)

    def receive() -> None:
        try:
            while True:
                orders.put(link.recv())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        yield orders.get()
