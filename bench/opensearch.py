"""What searching on OpenSearch costs beside the index on this machine: the same archive, the same questions.

    python -m bench.opensearch ARCHIVE [--questions 300] [--nodes 1] [--rates 10,40]

ARCHIVE is a data folder with a SQLite file, of which a copy is used. Prints of each engine how long its index takes to
build and how large it is; milliseconds of searches and of facets, one after another, with the processor time that they
take here and in the cluster; the same at fixed rates, from the moment at which each was due; and how long a change
takes until it is found. The cluster is started when all has been measured without it.
"""

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from app.articles.filters import A
from app.changes import log
from app.changes.follower import Follower, catch_up
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
from bench.opensearch_nodes import OpenSearchNode, run_cluster

MEGABYTE = 1_000_000
CHANGES, WARMING = 30, 50
RATE_SECONDS = 10
THREADS = 32
FACETS: tuple[FacetName, ...] = ("tag", "region", "language")
TODAY = 1_700_000_000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class MeasuredEngine:
    """One engine with what keeps it in step, and the processes that it runs in beside this one."""

    name: str
    engine: SearchEngine
    follower: Follower
    nodes: Sequence[OpenSearchNode] = ()


def _measure(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _describe(seconds: Sequence[float]) -> str:
    ordered = sorted(one * 1000 for one in seconds)
    return f"p50 {statistics.median(ordered):.1f} ms, p99 {ordered[int(len(ordered) * 0.99) - 1]:.1f} ms"


def _read_processor_seconds(node: OpenSearchNode) -> float:
    assert node.process is not None
    stat = Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / _TICKS


def _make_questions(db: Database, number: int) -> list[Question]:
    """Of one to three words of a title."""
    chance = random.Random(3)
    with db.snapshot() as snapshot:
        titles = [row[0] for row in snapshot.connection.execute(select(A.c.title).limit(2_000))]
    questions = []
    for _ in range(number):
        words = chance.choice(titles).split()
        asked = " ".join(chance.sample(words, min(len(words), chance.choice([1, 2, 2, 3]))))
        question = Question(
            tree=parse(asked).tree, text=asked, order="relevance", match="auto", typo=True, recency="normal",
            today=TODAY,
        )  # fmt: skip
        questions.append(question)
    return questions


def _measure_searches(measured: MeasuredEngine, questions: Sequence[Question]) -> None:
    engine = measured.engine
    for question in questions[:WARMING]:
        engine.search(question)
    before_here, before_there = time.process_time(), [_read_processor_seconds(node) for node in measured.nodes]
    seconds = [_measure(partial(engine.search, one)) for one in questions[WARMING:]]
    cost = f"{(time.process_time() - before_here) / len(seconds) * 1000:.2f} ms of processor here"
    for node, before in zip(measured.nodes, before_there, strict=True):
        cost += f", {(_read_processor_seconds(node) - before) / len(seconds) * 1000:.2f} at {node.folder.name}"
    print(f"searches, {measured.name}: {_describe(seconds)}; {cost}")
    counting = [_measure(partial(engine.count_facets, one, FACETS)) for one in questions[WARMING : 2 * WARMING]]
    print(f"facets, {measured.name}: {_describe(counting)}")


def _measure_rate(measured: MeasuredEngine, questions: Sequence[Question], rate: float) -> None:
    """Each at its time, however long those before it take."""
    began = time.perf_counter() + 0.1

    def ask(number: int) -> float:
        due = began + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        measured.engine.search(questions[number % len(questions)])
        return time.perf_counter() - due

    with ThreadPoolExecutor(THREADS) as pool:
        seconds = list(pool.map(ask, range(int(rate * RATE_SECONDS))))
    print(f"{rate:g} searches a second, {measured.name}: {_describe(seconds)}")


def _touch(db: Database, id: int) -> None:
    def work(session) -> None:  # type: ignore[no-untyped-def] # a session
        log.record(session, LogEntry("article", id, "updated", True, 1))

    db.write_now(work)


def _measure_changes(measured: MeasuredEngine, db: Database) -> None:
    seconds = []
    for id in range(1, CHANGES + 1):
        _touch(db, id)
        seconds.append(_measure(lambda: catch_up(db, measured.follower)))
    print(f"from the log to a hit, {measured.name}: {_describe(seconds)}")


def _build_local(db: Database, root: Path, content: str, articles: int) -> Indexer:
    indexer = Indexer(root, 64, content="words" if content == "words" else "all")
    assert indexer.acquire()
    seconds = _measure(lambda: catch_up(db, indexer))
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / MEGABYTE
    print(f"index on this machine, {content}: {seconds:.1f} s, {articles / seconds:,.0f} articles/s, {size:.1f} MB")
    return indexer


def _build_remote(db: Database, cluster: SearchCluster, nodes: int, articles: int) -> ClusterIndexer:
    shards, replicas = (3, 1) if nodes == 3 else (1, 0)
    indexer = ClusterIndexer(cluster, db, "bench", "published", shards=shards, replicas=replicas)
    seconds = _measure(lambda: catch_up(db, indexer))
    sizes = cluster.request("GET", f"/{indexer.names.alias}/_stats/store")["_all"]
    size, whole = (sizes[kind]["store"]["size_in_bytes"] / MEGABYTE for kind in ("primaries", "total"))
    print(f"index in the cluster: {seconds:.1f} s, {articles / seconds:,.0f} articles/s with the refresh", end=", ")
    print(f"{size:.1f} MB, {whole:.1f} with copies")
    return indexer


def _measure_all(
    measured: MeasuredEngine, db: Database, questions: Sequence[Question], rates: Sequence[float]
) -> list[int]:
    """How many articles each question has found."""
    _measure_searches(measured, questions)
    for rate in rates:
        _measure_rate(measured, questions, rate)
    totals = [measured.engine.search(question).total for question in questions]
    _measure_changes(measured, db)
    return totals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    parser.add_argument("--rates", default="10,40", help="searches a second, separated by commas")
    arguments = parser.parse_args()
    rates = [float(rate) for rate in arguments.rates.split(",") if rate]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(arguments.archive / "dateline.db", folder / "dateline.db")
        db = Database(Settings(data_dir=folder), log.append)
        with db.snapshot() as snapshot:
            counting = select(func.count()).where(A.c.status == "published")
            articles = int(snapshot.connection.execute(counting).scalar_one())
        print(f"{articles:,} articles")
        questions = _make_questions(db, arguments.questions)
        indexer = _build_local(db, folder / "all", "all", articles)
        words = _build_local(db, folder / "words", "words", articles)
        local = MeasuredEngine("this machine", TantivyEngine(folder / "all"), indexer)
        totals = _measure_all(local, db, questions, rates)
        catch_up(db, words)
        indexer.close()
        words.close()
        with run_cluster(arguments.nodes) as nodes:
            urls = tuple(node.url for node in nodes)
            cluster = SearchCluster(Settings(data_dir=folder, search_url=urls, search_timeout=60))
            remote_indexer = _build_remote(db, cluster, arguments.nodes, articles)
            engine = ClusterEngine(cluster, folder / "words", "bench")
            remote = MeasuredEngine("the cluster", engine, remote_indexer, nodes)
            assert _measure_all(remote, db, questions, rates) == totals, "both find as many articles"
        db.close_now()


if __name__ == "__main__":
    main()
