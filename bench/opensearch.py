"""What searching on OpenSearch costs beside the index on this machine: the same archive, the same questions, by turns.

    python -m bench.opensearch ARCHIVE [--questions 300] [--nodes 1]

ARCHIVE is a data folder with a SQLite file, of which a copy is used. Prints how long both indexes take to build and
how large they are, milliseconds of searches one after another, and of changes until they are found. One thing at a time
runs, but the cluster is there while the local index is measured: it has nothing to do then.
"""

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import select, text

from app.articles.filters import A
from app.changes import log
from app.changes.follower import catch_up
from app.changes.log import LogEntry
from app.db.database import Database
from app.search.engine import FacetName, Question, SearchEngine
from app.search.indexing.indexer import Indexer
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.cluster_engine import ClusterEngine
from app.search.opensearch.cluster_indexer import ClusterIndexer
from app.search.query.parser import parse
from app.search.tantivy.local_engine import TantivyEngine
from app.settings import Settings
from bench.opensearch_nodes import run_cluster

MEGABYTE = 1_000_000
CHANGES = 30
FACETS: tuple[FacetName, ...] = ("tag", "region", "language")
TODAY = 1_700_000_000


def _measure(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _build(db: Database, root: Path, content: str) -> tuple[float, float]:
    """Seconds and megabytes of an index on this machine."""
    indexer = Indexer(root, 64, content="words" if content == "words" else "all")
    assert indexer.acquire()
    seconds = _measure(lambda: catch_up(db, indexer))
    indexer.close()
    return seconds, sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / MEGABYTE


def _make_questions(db: Database, number: int) -> list[Question]:
    chance = random.Random(3)
    with db.snapshot() as snapshot:
        titles = [row[0] for row in snapshot.connection.execute(select(A.c.title).limit(2_000))]
    questions = []
    for _ in range(number):
        words = chance.choice(titles).split()
        asked = " ".join(chance.sample(words, min(len(words), chance.choice([1, 2, 2, 3]))))
        questions.append(
            Question(
                tree=parse(asked).tree,
                text=asked,
                order="relevance",
                match="auto",
                typo=True,
                recency="normal",
                today=TODAY,
            )
        )
    return questions


def _describe(name: str, seconds: Sequence[float]) -> str:
    ordered = sorted(one * 1000 for one in seconds)
    return f"{name}: p50 {statistics.median(ordered):.1f} ms, p99 {ordered[int(len(ordered) * 0.99) - 1]:.1f} ms"


def _time_searches(name: str, engine: SearchEngine, questions: Sequence[Question]) -> None:
    for question in questions[:50]:
        engine.search(question)
    print(_describe(f"search, {name}", [_measure(partial(engine.search, one)) for one in questions[50:]]))
    counting = [_measure(partial(engine.count_facets, one, FACETS)) for one in questions[50:100]]
    print(_describe(f"facets, {name}", counting))


def _touch(db: Database, id: int) -> None:
    def work(session) -> None:  # type: ignore[no-untyped-def] # a session
        log.record(session, LogEntry("article", id, "updated", True, 1))

    db.write_now(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    arguments = parser.parse_args()
    with run_cluster(arguments.nodes) as nodes, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(arguments.archive / "dateline.db", folder / "dateline.db")
        db = Database(Settings(data_dir=folder), log.append)
        with db.snapshot() as snapshot:
            articles = snapshot.connection.execute(text("SELECT count(*) FROM article WHERE status = 'published'"))
            print(f"{articles.scalar_one():,} articles")
        for content in ("all", "words"):
            seconds, size = _build(db, folder / content, content)
            print(f"index on this machine, {content}: {seconds:.1f} s, {size:.1f} MB")
        cluster = SearchCluster(Settings(data_dir=folder, search_url=tuple(n.url for n in nodes), search_timeout=60))
        shards, replicas = (3, 1) if arguments.nodes == 3 else (1, 0)
        indexer = ClusterIndexer(cluster, db, "bench", "published", shards=shards, replicas=replicas)
        print(f"index in the cluster: {_measure(lambda: catch_up(db, indexer)):.1f} s", end=", ")
        statistics_ = cluster.request("GET", f"/{indexer.names.alias}/_stats/store")["_all"]["primaries"]
        print(f"{statistics_['store']['size_in_bytes'] / MEGABYTE:.1f} MB")
        local = TantivyEngine(folder / "all")
        remote = ClusterEngine(cluster, folder / "words", "bench")
        questions = _make_questions(db, arguments.questions)
        totals = [(local.search(one).total, remote.search(one).total) for one in questions]
        assert all(one == other for one, other in totals), "both find as many articles"
        _time_searches("this machine", local, questions)
        _time_searches("the cluster", remote, questions)
        local_indexer = Indexer(folder / "all", 64)
        assert local_indexer.acquire()
        times: dict[str, list[float]] = {"this machine": [], "the cluster": []}
        for id in range(1, CHANGES + 1):
            _touch(db, id)
            times["this machine"].append(_measure(lambda: catch_up(db, local_indexer)))
            times["the cluster"].append(_measure(lambda: catch_up(db, indexer)))
        local_indexer.close()
        for where, seconds_ in times.items():
            print(_describe(f"from the log to a hit, {where}", seconds_))
        db.close_now()


if __name__ == "__main__":
    main()
