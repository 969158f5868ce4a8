"""How far a new index is: written beside it by whoever builds or copies it, for all who wait for it, in whatever
process."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.search.engine import BuildProgress, ProgressUnit
from app.search.tantivy.storage.index_forms import locate_form

NAME = "BUILDING"
_WRITE_SECONDS = 1.0
_STALE_SECONDS = 600
"""Nothing was written for so long: whoever was building has died. The last merges take less."""

Tell = Callable[[BuildProgress], None]


@dataclass(slots=True)
class ProgressWriter:
    """Counts what is done of `total`, and writes it down every second. What a full disk means, the index itself will
    say."""

    root: Path
    total: int
    tell: Tell | None = None
    unit: ProgressUnit = "articles"
    done: int = 0
    began: float = 0
    written: float = 0

    def __enter__(self) -> "ProgressWriter":
        self.began = time.time()
        self.add(0)
        return self

    def __exit__(self, *error: object) -> None:
        (locate_form(self.root) / NAME).unlink(missing_ok=True)

    def begin_total(self, total: int) -> None:
        """Only now it is known how many there are, or it begins anew."""
        self.total, self.done, self.began, self.written = total, 0, time.time(), 0
        self.add(0)

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        now = time.time()
        if now - self.written < _WRITE_SECONDS and self.done < self.total:
            return
        self.written = now
        if self.tell is not None:
            self.tell(_compute_progress(self.done, self.total, now - self.began, self.unit))
        path = locate_form(self.root) / NAME
        draft = path.with_name(f"{NAME}.new")
        try:
            draft.write_bytes(orjson.dumps([self.done, self.total, self.began, now, self.unit]))
            os.replace(draft, path)
        except OSError:
            draft.unlink(missing_ok=True)


def read_progress(root: Path) -> BuildProgress | None:
    """None where nobody builds an index."""
    try:
        done, total, began, written, unit = orjson.loads((locate_form(root) / NAME).read_bytes())
        if time.time() - written > _STALE_SECONDS:
            return None
        return _compute_progress(int(done), int(total), written - began, "bytes" if unit == "bytes" else "articles")
    except (OSError, ValueError, TypeError):
        return None


def _compute_progress(done: int, total: int, seconds: float, unit: ProgressUnit) -> BuildProgress:
    left = round(seconds * (total - done) / done) if done else None
    return BuildProgress(done, total, left, unit)
