"""Processes that prepare the documents of one import beside one another, for the command. What they make, and in which
order, is what `pipeline` would make by itself: only the work of a batch is divided, never the batches."""

import os
import pickle
from collections.abc import Sequence

from app.db.child_process import ChildProcess, ChildProcessFailed
from app.db.database import Database
from app.importers.document import Document, Failure
from app.importers.jobs import messages
from app.importers.jobs.isolated_reader import NameChanges
from app.importers.prepare import PreparedItem

MANY = 1_000
"""Documents from which on processes are worth their start, which takes a second of a processor each."""
LEAST = 40
"""Documents of a batch that are worth sending."""
MOST_PROCESSES = 4
_MODULE = "app.importers.jobs.preparation_process"


def count_processes() -> int:
    """One for each core but that of the import itself, beside which the index is kept; 0 on one or two cores: the
    import waits for what is prepared, so that a single process works while it rests, and sends all that it makes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores - 1, MOST_PROCESSES) if cores > 2 else 0


class PreparationPool:
    """Starts its processes when there are enough documents for them, and ends them when it is closed."""

    def __init__(self, db: Database, count: int, least: int = MANY) -> None:
        """`count` processes, 0: none; from the document after `least` on."""
        self._count, self._least = count, least
        self._names = NameChanges(db)
        self._processes: list[ChildProcess] = []
        self._seen = 0

    def prepare(
        self, documents: Sequence[tuple[str, Document]], origin: str | None, *, enrich: bool
    ) -> list[PreparedItem | Failure] | None:
        """What is to be saved of each, in their order; None where this process is to do it: as long as there are few,
        on one or two cores, and once a process has failed: whatever ended it is no worse here than without any."""
        self._seen += len(documents)
        if self._count == 0 or len(documents) < LEAST or self._seen <= self._least:
            return None
        try:
            return self._divide(documents, origin, enrich=enrich)
        except (ChildProcessFailed, pickle.PicklingError, TypeError, AttributeError):
            self.close()
            self._count = 0
            return None

    def _divide(
        self, documents: Sequence[tuple[str, Document]], origin: str | None, *, enrich: bool
    ) -> list[PreparedItem | Failure]:
        self.start()
        # Anew for each batch: the one before it may have made tags that are found in texts from now on.
        self._names.stale = True
        names = self._names.read()
        size = -(-len(documents) // self._count)
        for number, process in enumerate(self._processes):
            part = documents[number * size : (number + 1) * size]
            process.send(messages.PreparationOrder(part, origin, enrich, names))
        items: list[PreparedItem | Failure] = []
        for process in self._processes:
            response = process.receive()
            assert isinstance(response, list)
            items += response
        return items

    def start(self) -> None:
        """Starts those that do not run yet."""
        while len(self._processes) < self._count:
            self._processes.append(ChildProcess(_MODULE))

    @property
    def numbers(self) -> list[int]:
        """Of the processes, as the system has them."""
        return [process.number for process in self._processes]

    def close(self) -> None:
        for process in self._processes:
            process.close()
        self._processes = []
