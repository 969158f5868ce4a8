"""The indexes of an archive: that of what is published, and that of what is hidden, each with a folder, a lock and a
place in the log of its own. Whatever is done with one of them as a whole is done with both.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.search.engine import Holding
from app.search.indexing.indexer import Indexer
from app.search.tantivy.storage.build_progress import Tell
from app.settings import Settings

Part = Literal["published", "drafts"]
DRAFTS_HEAP_MB = 15
"""The least that tantivy takes: a batch of edited drafts fills none of it."""


@dataclass(frozen=True, slots=True)
class ArchiveIndex:
    """`name` as messages have it, `part` as snapshots do; `root` is the folder in which each of its forms has one."""

    name: str
    root: Path
    holding: Holding
    heap_mb: int
    part: Part

    def create_indexer(self, tell: Tell | None = None) -> Indexer:
        return Indexer(self.root, self.heap_mb, tell, holding=self.holding)


def list_indexes(settings: Settings) -> tuple[ArchiveIndex, ArchiveIndex]:
    """That of what is published first."""
    heap = settings.index_heap_mb
    return (
        ArchiveIndex("index", settings.index_path, "published", heap, "published"),
        ArchiveIndex("draft index", settings.drafts_index_path, "hidden", min(heap, DRAFTS_HEAP_MB), "drafts"),
    )
