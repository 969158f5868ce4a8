"""One round of pruning, by whoever asks for it: what settings say is not kept goes, in portions. It may be cut off at
any moment, and the next round goes on. In the calling thread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from sqlmodel import Session

from app.audit import old_rows, retention
from app.audit.pruning import file_space, log_end, log_rows, versions
from app.audit.pruning.pace import Pace
from app.db import audit_rows, leases
from app.db.database import Database
from app.models import WebhookAttempt, table
from app.settings import Settings

ATTEMPT = table(WebhookAttempt)
LEASE, LEASE_SECONDS = "prune", 60
ARTICLES_AT_ONCE = 100
PAGES = 100
"""Of a SQLite file, that are given back at first."""

P = ParamSpec("P")
T = TypeVar("T")


class PruningElsewhere(Exception):
    """Another process prunes this archive at this moment."""


class RoundStopped(Exception):
    """The process ends."""


@dataclass(slots=True)
class PruneReport:
    """What went: rows and versions by number. `held_by`: who needs old rows of the log. `free_bytes` of the SQLite
    file wait for new rows; `given_back` are no longer in it."""

    log_rows: int = 0
    pruned_seq: int = 0
    held_by: tuple[str, ...] = ()
    versions: int = 0
    versions_compressed: int = 0
    audit_rows: int = 0
    webhook_attempts: int = 0
    import_results: int = 0
    free_bytes: int = 0
    given_back: int = 0
    needs_compact: bool = False


@dataclass(slots=True)
class Pruning:
    """One round. `is_stopped` is asked before each portion, and `tell` is told what went so far. With
    `gives_space_back` a SQLite file gets smaller by all that is free in it, also by what was free before."""

    db: Database
    settings: Settings
    is_stopped: Callable[[], bool] = lambda: False
    gives_space_back: bool = True
    tell: Callable[[PruneReport], None] | None = None
    span: int = 20_000
    """Rows of the log whose older ones are looked for at a time: a fraction of a second of reading."""
    pace: Pace = field(default_factory=Pace)
    report: PruneReport = field(default_factory=PruneReport)
    _holder: str = field(default_factory=leases.name_process)

    def run(self) -> PruneReport:
        """PruningElsewhere; RoundStopped with what was done by then."""
        settings = self.settings
        self._write(lambda session: None)
        try:
            if settings.log_days:
                self._prune_log()
            if settings.revisions_kept:
                self._delete_versions(settings.revisions_kept, settings.revision_days)
            if settings.revision_days:
                self._pack_versions(settings.revision_days)
            if settings.audit_days:
                self.report.audit_rows = self._repeat(retention.prune, settings.audit_days)
            days = settings.webhook_attempt_days
            self.report.webhook_attempts = self._repeat(old_rows.delete_older, ATTEMPT, days, retention.AT_ONCE)
            days = settings.import_result_days
            self.report.import_results = self._repeat(old_rows.delete_results, days, retention.AT_ONCE)
            self._note()
            if self.gives_space_back:
                self._give_space_back()
        finally:
            self.db.write_now(leases.release, LEASE, self._holder)
        return self.report

    def _write(self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """One portion, in a transaction that keeps the lease."""
        if self.is_stopped():
            raise RoundStopped
        if self.tell is not None:
            self.tell(self.report)

        def work(session: Session) -> T:
            if not leases.take(session, LEASE, self._holder, LEASE_SECONDS):
                raise PruningElsewhere
            return fn(session, *args, **kwargs)

        with self.pace.measure():
            return self.db.write_now(work).value

    def _repeat(self, fn: Callable[Concatenate[Session, P], int], *args: P.args, **kwargs: P.kwargs) -> int:
        """Deletes with a function that does so with AT_ONCE rows, until nothing is left; how many."""
        total = 0
        while deleted := self._write(fn, *args, **kwargs):
            total += deleted
            if deleted < retention.AT_ONCE:
                break
        return total

    def _prune_log(self) -> None:
        with self.db.snapshot() as snapshot:
            end = log_end.find_end(snapshot, self.settings)
        if end is not None:
            self.report.held_by = end.held_by
            self._write(log_end.move_end, end, self.settings.log_days)
        with self.db.snapshot() as snapshot:
            done, pruned_seq = log_rows.read_progress(snapshot)
            named = log_rows.find_named(snapshot.connection, pruned_seq)
        self.report.pruned_seq = pruned_seq
        while done < pruned_seq:
            until = min(done + self.span, pruned_seq)
            with self.db.snapshot() as snapshot:
                seqs = log_rows.find_erasable(snapshot.connection, done, until, named, self.span)
            # What is left over of a span that has more is found anew.
            moved, is_last = until if len(seqs) < self.span else done, False
            while not is_last:
                part, seqs = seqs[: self.pace.size], seqs[self.pace.size :]
                is_last = not seqs
                self.report.log_rows += self._write(log_rows.erase, part, moved if is_last else done)
            done = moved

    def _delete_versions(self, kept: int, days: int) -> None:
        for article in self._list_articles(kept):
            with self.db.snapshot() as snapshot:
                old = versions.find_old(snapshot.connection, article, kept, days)
            start = 0
            while old is not None and start < len(old.numbers):
                part = old.numbers[start : start + self.pace.size]
                deleted = self._write(versions.delete_old, old, part)
                if deleted is None:  # somebody has edited it: it is its turn again next time
                    break
                self.report.versions += deleted
                start += len(part)

    def _list_articles(self, kept: int) -> Iterator[int]:
        after = 0
        while True:
            with self.db.snapshot() as snapshot:
                articles = versions.find_articles(snapshot.connection, after, kept, ARTICLES_AT_ONCE)
            if not articles:
                return
            yield from articles
            after = articles[-1]

    def _pack_versions(self, days: int) -> None:
        while True:
            with self.db.snapshot() as snapshot:
                articles = versions.find_unpacked(snapshot.connection, days, ARTICLES_AT_ONCE)
            if not articles:
                return
            for article in articles:
                with self.db.snapshot() as snapshot:
                    packed = versions.pack_texts(snapshot.connection, article, days)
                if packed:
                    self.report.versions_compressed += self._write(versions.save_packed, article, packed)

    def _note(self) -> None:
        """In the audit, where versions went: of the log it was noted when its end was moved."""
        report = self.report
        if not report.versions:
            return
        details = {"of": "versions", "rows": report.versions, "kept": self.settings.revisions_kept}
        self._write(audit_rows.add_record, audit_rows.AuditRecord("prune", details=details))

    def _give_space_back(self) -> None:
        with self.db.snapshot() as snapshot:
            free = file_space.read_free(snapshot)
            is_ready = bool(free) and file_space.can_be_given_back(snapshot)
        self.report.free_bytes, self.report.needs_compact = free, bool(free) and not is_ready
        pace = Pace(PAGES)
        while is_ready:
            if self.is_stopped():
                raise RoundStopped
            with pace.measure():
                file_space.give_back(self.db, pace.size)
            with self.db.snapshot() as snapshot:
                left = file_space.read_free(snapshot)
            self.report.given_back += self.report.free_bytes - left
            is_ready, self.report.free_bytes = 0 < left < self.report.free_bytes, left
