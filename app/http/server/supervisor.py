"""Keeps the worker processes of one server running: forks them, replaces those that die or hang, ends all of them.

Opens no database, no index and no thread, since a fork would copy their locks. What it has open goes to all workers:
the listening socket, the lock that says that the archive is being served, and the memory of `SharedCounts`. Unix only.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from app.db.database import DatabaseProblem
from app.http.server.shared_counts import Shared, SharedCounts

logger = logging.getLogger(__name__)

Report = dict[str, object]

HANGING_SECONDS = 10
"""Without a sign of life; a worker gives one twice a second."""
ENDING_SECONDS = 25
"""For what is under way, and to close index and database; then a worker is killed."""
LOOK_SECONDS = 0.5
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Seconds before a worker that could not start is tried again."""
FAILED = "failed"
"""Of a worker's report: why it could not start."""


@dataclass(slots=True)
class _Worker:
    """Process id, None while there is none; `due` is when the next may start, by time.monotonic()."""

    process: int | None = None
    due: float = 0.0
    delay: float = FIRST_DELAY


class Supervisor:
    """`work(number)` is run in each worker process until it is told to end, by SIGTERM or by the end of its
    `lifeline`; `add` adds a report of a worker that has ended to that of those before it."""

    def __init__(
        self, counts: SharedCounts, work: Callable[[int, int], None], add: Callable[[Report, Report], Report]
    ) -> None:
        self._counts, self._work, self._add = counts, work, add
        self._workers = [_Worker() for _ in range(counts.workers)]
        self._lifeline, self._held_end = os.pipe()
        self._wake, self._waking_end = os.pipe()
        os.set_blocking(self._waking_end, False)
        os.set_blocking(self._wake, False)
        self._is_ending = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that it wakes
        signal.set_wakeup_fd(self._waking_end, warn_on_full_buffer=False)

    def run_first(self, task: Callable[[], None]) -> bool:
        """Runs a task in a process of its own, to its end; False where the supervisor was told to end meanwhile.
        DatabaseProblem where that process raises it."""
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            os.close(reading)
            self._become_child()
            os._exit(_run_task(task, writing))
        os.close(writing)
        while not (ended := os.waitpid(process, os.WNOHANG))[0]:
            if self._is_ending:
                os.kill(process, signal.SIGTERM)
            self._wait(LOOK_SECONDS)
        with os.fdopen(reading, encoding="utf-8") as file:
            problem = file.read()
        if self._is_ending:
            return False
        if problem or ended[1]:
            raise DatabaseProblem(problem or f"The archive could not be opened: {_describe_status(ended[1])}.")
        return True

    def run(self, greet: Callable[[], None]) -> None:
        """Starts all workers, greets when all of them serve, and goes on until told to end. DatabaseProblem where one
        of the first cannot start: then all have ended."""
        try:
            for number in range(len(self._workers)):
                self._start(number)
            has_greeted = False
            while not self._is_ending:
                self._replace_ended(is_starting=not has_greeted)
                if not has_greeted and all(self._counts.get(n, Shared.BEAT) for n in range(len(self._workers))):
                    has_greeted = True
                    greet()
                self._kill_hanging()
                self._wait(0.05 if not has_greeted else LOOK_SECONDS)
        finally:
            self._end_all()

    def _start(self, number: int) -> None:
        """DatabaseProblem where the system allows no further process."""
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            process = os.fork()
        except OSError as error:
            raise DatabaseProblem(
                f"Worker {number + 1} of {len(self._workers)} cannot be started: {error.strerror}. "
                "For fewer: --workers, DATELINE_WORKERS."
            ) from None
        if not process:
            self._become_child()
            os._exit(self._run_worker(number))
        self._workers[number].process = process

    def _become_child(self) -> None:
        """A child has no part in ending the others, and sees by its lifeline that the supervisor has gone."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for end in (self._held_end, self._wake, self._waking_end):
            os.close(end)

    def _run_worker(self, number: int) -> int:
        self._counts.own = number
        try:
            self._work(number, self._lifeline)
        except DatabaseProblem as problem:
            self._counts.report({FAILED: str(problem)})
            return 1
        except SystemExit:  # uvicorn's, which has said why
            return 1
        except BaseException:
            logger.exception("worker %d has failed", number + 1)
            return 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return 0

    def _replace_ended(self, *, is_starting: bool) -> None:
        """Takes note of workers that have ended, and starts others in their places."""
        now = time.monotonic()
        for number, worker in enumerate(self._workers):
            if worker.process is not None:
                ended, status = os.waitpid(worker.process, os.WNOHANG)
                if ended:
                    self._note_end(number, worker, status, now, is_starting=is_starting)
            if worker.process is None and now >= worker.due and not self._is_ending:
                try:
                    self._start(number)
                except DatabaseProblem as problem:
                    logger.error("%s", problem)
                    self._put_off(worker, now)

    def _note_end(self, number: int, worker: _Worker, status: int, now: float, *, is_starting: bool) -> None:
        report, has_served = self._counts.read_report(number), self._counts.get(number, Shared.BEAT) > 0
        worker.process = None
        self._counts.retire(number, self._add(self._counts.read_ended(), report))
        if self._is_ending:
            return
        why = str(report.get(FAILED) or _describe_status(status))
        if is_starting:
            raise DatabaseProblem(f"The server could not start: {why}" if FAILED not in report else why)
        logger.error("worker %d has ended (%s) and is replaced", number + 1, why)
        if has_served:
            worker.due, worker.delay = now, FIRST_DELAY
        else:
            self._put_off(worker, now)

    def _put_off(self, worker: _Worker, now: float) -> None:
        worker.due, worker.delay = now + worker.delay, min(worker.delay * 2, LONGEST_DELAY)

    def _kill_hanging(self) -> None:
        for number, worker in enumerate(self._workers):
            beat = self._counts.get(number, Shared.BEAT)
            if worker.process is not None and beat and time.monotonic() - beat > HANGING_SECONDS:
                logger.error("worker %d gives no sign of life and is ended", number + 1)
                os.kill(worker.process, signal.SIGKILL)
                self._counts.set_number(number, Shared.BEAT, 0)

    def _end_all(self) -> None:
        """Lets all workers finish what is under way; kills those that do not come to an end."""
        self._is_ending = True
        for worker in self._workers:
            if worker.process is not None:
                os.kill(worker.process, signal.SIGTERM)
        until = time.monotonic() + ENDING_SECONDS
        while any(worker.process is not None for worker in self._workers):
            self._replace_ended(is_starting=False)
            if time.monotonic() > until:
                for worker in self._workers:
                    if worker.process is not None:
                        os.kill(worker.process, signal.SIGKILL)
            if any(worker.process is not None for worker in self._workers):
                self._wait(0.05)

    def _wait(self, seconds: float) -> None:
        """Until a child ends, a signal comes, or so many seconds have passed."""
        readable, _, _ = select.select([self._wake], [], [], seconds)
        if readable:
            os.read(self._wake, 4096)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True


def _run_task(task: Callable[[], None], writing: int) -> int:
    try:
        task()
    except DatabaseProblem as problem:
        os.write(writing, str(problem).encode()[: select.PIPE_BUF])
        return 1
    except BaseException:
        logger.exception("the archive could not be opened")
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _describe_status(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"status {code}"
