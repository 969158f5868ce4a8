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
    from app.search.opensearch.cluster import SearchCluster
    from app.search.opensearch.cluster_engine import ClusterEngine

Engine: TypeAlias = "TantivyEngine | ClusterEngine"
HOLDINGS: tuple[Holding, ...] = ("published", "hidden")
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


def open_cluster(settings: Settings) -> "SearchCluster | None":
    """Where searches run elsewhere, by the settings. Connects to nothing before it is asked. DatabaseProblem where what
    asks it is not installed."""
    if not settings.search_url:
        return None
    try:
        from app.search.opensearch.cluster import SearchCluster
    except ImportError as error:
        detail = "DATELINE_SEARCH_URL needs the extra `opensearch`: pip install 'dateline[opensearch]'"
        raise DatabaseProblem(f"{detail} ({error}).") from error
    return SearchCluster(settings)


def open_engine(settings: Settings, holding: Holding = "published", cluster: "SearchCluster | None" = None) -> Engine:
    """The engine that the settings choose; asks the `cluster`, where one is open already. Opens nothing before it is
    asked. DatabaseProblem as `open_cluster`."""
    root = settings.index_path if holding == "published" else settings.drafts_index_path
    cluster = cluster or open_cluster(settings)
    if cluster is None:
        return TantivyEngine(root, holding)
    from app.search.opensearch.cluster_engine import ClusterEngine

    return ClusterEngine(cluster, root, settings.search_prefix, holding)


def check_engine(settings: Settings) -> None:
    """DatabaseProblem where searches are to run on what Dateline's promises do not hold on. That nothing responds there
    is no such thing: it may do so later."""
    cluster = open_cluster(settings)
    if cluster is None:
        return
    from app.search.opensearch.problems import ClusterProblem, WrongCluster

    try:
        cluster.check()
    except WrongCluster as error:
        raise DatabaseProblem(str(error)) from error
    except ClusterProblem:
        return


def list_cluster_followers(db: Database, settings: Settings, cluster: "SearchCluster | None") -> list[FollowerTask]:
    """What keeps the indexes of a cluster in step, as long as no other server does; none for those on this machine."""
    if cluster is None:
        return []
    from app.search.opensearch.following import ClusterFollowerTask

    return [ClusterFollowerTask(db, settings, holding, cluster) for holding in HOLDINGS]


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
