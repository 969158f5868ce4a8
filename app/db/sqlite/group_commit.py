"""Lets short writes that wait for the one writer of a SQLite archive share a commit: most of the time of a small write
is waiting for the disk. Each write stays one for itself: it has its savepoint, its rows of the log and its head, and is
told of its success only after the commit. Knows no articles, and opens and commits nothing by itself."""

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlmodel import Session

from app.db.actor import Actor
from app.db.audit_rows import set_actor
from app.db.log_position import LogHead
from app.db.spans import begin_span
from app.errors import DatelineError

MOST, SECONDS = 32, 0.02
"""How many writes share a commit at most, and for how long others join after the first has begun: all of them wait for
the last one. The lock on writing is held for no longer than a batch of an import holds it."""

log = logging.getLogger(__name__)


class Done(Protocol):
    """What one write has made."""

    @property
    def head(self) -> LogHead: ...


class Transactions(Protocol):
    """What a group needs of the database, in the writer's thread."""

    def begin(self) -> AbstractContextManager[Session]:
        """A transaction under the lock on writing, rolled back unless it is committed."""

    def finish(self, session: Session, result: Any) -> Done:
        """Writes what the work with this result recorded to the log."""

    def commit(self, session: Session) -> None: ...

    def after_commit(self, session: Session) -> None:
        """What is to be done before the lock is released."""

    def transact(self, actor: Actor, work: Callable[[Session], Any]) -> Done:
        """One write in a transaction of its own."""


@dataclass(slots=True, eq=False)
class WaitingWrite:
    """A write, and where its outcome is waited for."""

    actor: Actor
    work: Callable[[Session], Any]
    future: Future[Any] = field(default_factory=Future)
    outcome: Done | DatelineError | None = None

    def run_alone(self, transactions: Transactions) -> None:
        """In a transaction of its own, and tells what came of it."""
        try:
            self.future.set_result(transactions.transact(self.actor, self.work))
        except BaseException as error:  # whatever it is, who waits has to know it
            self.future.set_exception(error)

    def tell(self) -> None:
        """Who waits is told, once everything is committed."""
        if isinstance(self.outcome, DatelineError):
            self.future.set_exception(self.outcome)
        else:
            self.future.set_result(self.outcome)


class GroupCommit:
    """The short writes that wait. `add` from any thread, then `commit_next` in the writer's, once for each."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._waiting: deque[WaitingWrite] = deque()
        self._names_seq: int | None = None

    def add(self, actor: Actor, work: Callable[[Session], Any]) -> Future[Any]:
        """What `work` returns, or raises, after its commit."""
        write = WaitingWrite(actor, work)
        self._waiting.append(write)
        return write.future

    def commit_next(self) -> None:
        """One transaction for as many as wait; nothing where an earlier call has taken them along."""
        group: list[WaitingWrite] = []
        if len(self._waiting) < 2:
            if (write := self._take()) is not None:
                write.run_alone(self._transactions)
            return
        committed = False
        try:
            with begin_span("database write of several"), self._transactions.begin() as session:
                self._run_group(session, group)
                self._transactions.commit(session)
                committed = True
                self._transactions.after_commit(session)
        except Exception:
            if not committed:
                # The database failed one of them, or their commit. SQLite may have rolled back all of them by itself,
                # so that none is gone on with: each begins again alone, where only its own failure is its own.
                self._names_seq = None
                # Where it could not even begin there is no group: one that waits is told, as each call does.
                for write in group or filter(None, [self._take()]):
                    write.run_alone(self._transactions)
                return
            log.exception("after a commit")
        for write in group:
            write.tell()

    def _take(self) -> WaitingWrite | None:
        """The next one whose outcome is still waited for."""
        while self._waiting:
            write = self._waiting.popleft()
            if write.future.set_running_or_notify_cancel():
                return write
        return None

    def _run_group(self, session: Session, group: list[WaitingWrite]) -> None:
        connection, last = session.connection(), time.monotonic() + SECONDS
        while len(group) < MOST and time.monotonic() < last and (write := self._take()) is not None:
            group.append(write)
            # A session of its own, so that nothing that a write leaves in one is the next one's; it joins the
            # transaction by a savepoint, to which it is rolled back where it is refused.
            with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as own:
                try:
                    set_actor(own, write.actor)
                    write.outcome = done = self._transactions.finish(own, write.work(own))
                except DatelineError as error:
                    write.outcome = error
                    continue
                own.commit()
                session.info.update(own.info)
            # Names of tags and regions are kept in memory by the number of their last change in the log. After a write
            # that moves it none follows before the commit: what a rolled back transaction had read would be kept under
            # a number that another change gets.
            is_moved, self._names_seq = done.head.names_seq != self._names_seq, done.head.names_seq
            if is_moved:
                return
