"""The indexes of an archive: that of what is published, and that of what is hidden, each with a folder, a lock and a
place in the log of its own. Whatever is done with one of them as a whole is done with both.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from app.changes.follower import FollowerTask
from app.db.database import Database, DatabaseProblem
from app.search.engine import Holding
from app.search.indexing.documents import Content
from app.search.indexing.indexer import Indexer
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage.build_progress import Tell
from app.settings import Settings

if TYPE_CHECKING:  # an extra
    from app.search.opensearch.cluster_engine import ClusterEngine

Engine: TypeAlias = "TantivyEngine | ClusterEngine"
Part = Literal["published", "drafts", "words", "draft_words"]
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
    content: Content = "all"

    def create_indexer(self, tell: Tell | None = None) -> Indexer:
        return Indexer(self.root, self.heap_mb, tell, holding=self.holding, content=self.content)


def open_engine(settings: Settings, holding: Holding = "published") -> Engine:
    """The engine that the settings choose. Opens nothing before it is asked. DatabaseProblem where the one on a cluster
    is not installed."""
    root = settings.index_path if holding == "published" else settings.drafts_index_path
    if not settings.search_url:
        return TantivyEngine(root, holding)
    try:
        from app.search.opensearch.cluster import SearchCluster
        from app.search.opensearch.cluster_engine import ClusterEngine
    except ImportError as error:
        detail = "DATELINE_SEARCH_URL needs the extra `opensearch`: pip install 'dateline[opensearch]'"
        raise DatabaseProblem(f"{detail} ({error}).") from error
    return ClusterEngine(SearchCluster(settings), root, settings.search_prefix, holding)


def check_engine(settings: Settings) -> None:
    """DatabaseProblem where searches are to run on what Dateline's promises do not hold on. That nothing responds there
    is no such thing: it may do so later."""
    if not settings.search_url:
        return
    open_engine(settings)
    from app.search.opensearch.cluster import ClusterProblem, SearchCluster, WrongCluster

    try:
        SearchCluster(settings).check()
    except WrongCluster as error:
        raise DatabaseProblem(str(error)) from error
    except ClusterProblem:
        return


def list_cluster_followers(db: Database, settings: Settings) -> list[FollowerTask]:
    """What keeps the indexes of a cluster in step, as long as no other server does; none for those on this machine."""
    if not settings.search_url:
        return []
    from app.search.opensearch.following import ClusterFollowerTask

    return [ClusterFollowerTask(db, settings, "published"), ClusterFollowerTask(db, settings, "hidden")]


def list_indexes(settings: Settings) -> tuple[ArchiveIndex, ArchiveIndex]:
    """That of what is published first. With an engine elsewhere they hold words alone, in folders of their own."""
    heap = settings.index_heap_mb
    if settings.search_url:
        return (
            ArchiveIndex("index of words", settings.index_path, "published", heap, "words", "words"),
            ArchiveIndex(
                "index of draft words", settings.drafts_index_path, "hidden", min(heap, DRAFTS_HEAP_MB), "draft_words",
                "words",
            ),
        )  # fmt: skip
    return (
        ArchiveIndex("index", settings.index_path, "published", heap, "published"),
        ArchiveIndex("draft index", settings.drafts_index_path, "hidden", min(heap, DRAFTS_HEAP_MB), "drafts"),
    )
