"""How far a new index is: written beside it by whoever builds it, for all who wait for it, in whatever process."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.search.engine import BuildProgress
from app.search.tantivy.storage.index_forms import locate_form

NAME = "BUILDING"
_WRITE_SECONDS = 1.0
_STALE_SECONDS = 600
"""Nothing was written for so long: whoever was building has died. The last merges take less."""

Tell = Callable[[BuildProgress], None]


@dataclass(slots=True)
class ProgressWriter:
    """Counts what is indexed, and writes it down every second. What a full disk means, the index itself will say."""

    root: Path
    articles: int
    tell: Tell | None = None
    indexed: int = 0
    began: float = 0
    written: float = 0

    def __enter__(self) -> "ProgressWriter":
        self.began = time.time()
        self.add(0)
        return self

    def __exit__(self, *error: object) -> None:
        (locate_form(self.root) / NAME).unlink(missing_ok=True)

    def add(self, articles: int) -> None:
        """So many more are indexed."""
        self.indexed += articles
        now = time.time()
        if now - self.written < _WRITE_SECONDS and self.indexed < self.articles:
            return
        self.written = now
        if self.tell is not None:
            self.tell(_compute_progress(self.indexed, self.articles, now - self.began))
        path = locate_form(self.root) / NAME
        draft = path.with_name(f"{NAME}.new")
        try:
            draft.write_bytes(orjson.dumps([self.indexed, self.articles, self.began, now]))
            os.replace(draft, path)
        except OSError:
            draft.unlink(missing_ok=True)


def read_progress(root: Path) -> BuildProgress | None:
    """None where nobody builds an index."""
    try:
        indexed, articles, began, written = orjson.loads((locate_form(root) / NAME).read_bytes())
        if time.time() - written > _STALE_SECONDS:
            return None
        return _compute_progress(int(indexed), int(articles), written - began)
    except (OSError, ValueError, TypeError):
        return None


def _compute_progress(indexed: int, articles: int, seconds: float) -> BuildProgress:
    left = round(seconds * (articles - indexed) / indexed) if indexed else None
    return BuildProgress(indexed, articles, left)
