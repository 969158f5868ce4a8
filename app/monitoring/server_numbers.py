"""What one worker counts, as a report that the others can add to their own: `/metrics` and `/health/ready` tell of the
whole server, whichever worker responds. Counts nothing itself."""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fastapi import FastAPI
from pydantic import TypeAdapter

from app.changes.follower import FollowerTask
from app.http.middleware.access_log import EDGES, RequestTally
from app.http.middleware.cache_store import CacheStore
from app.http.middleware.load_shedding import CurrentLoad
from app.http.server.connections import ConnectionLimiter
from app.http.server.shared_counts import SharedCounts
from app.search.saved_searches.percolation_task import PercolationTask

SEPARATOR = " "


@dataclass(frozen=True)
class ServerNumbers:
    """`responses` by "method route hundreds" and `seconds` by route, a count for each bucket, as in `RequestTally`; the
    `gauges` are of this moment and end with their worker. `problem` is the indexer's, where this worker indexes;
    `drafts_problem` that of the index of drafts, `cluster_problem` that of indexes in a search cluster,
    `searches_problem` what keeps saved searches from being matched."""

    responses: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, list[int]] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    cache: dict[str, int] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)
    processor_seconds: float = 0.0
    gauges: dict[str, float] = field(default_factory=dict)
    lag: float = 0.0
    indexes: bool = False
    problem: str | None = None
    drafts_problem: str | None = None
    cluster_problem: str | None = None
    searches_problem: str | None = None
    cluster_seconds: dict[str, list[int]] = field(default_factory=dict)
    """Of requests to a search cluster by "work result", as `seconds`; `cluster_spent` their sums."""
    cluster_spent: dict[str, float] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    """Requests by key, of so many keys as `key_usage` counts one by one."""
    replica: dict[str, int] = field(default_factory=dict)
    """Statements that a replica might serve, by the server that did; empty without one."""


_ADAPTER = TypeAdapter(ServerNumbers)


def read_numbers(app: FastAPI) -> ServerNumbers:
    """Of this process, as of now."""
    state = app.state
    tally: RequestTally = state.tally
    limiter: ConnectionLimiter = state.limiter
    load: CurrentLoad = state.load
    cache: CacheStore = state.cache
    following: FollowerTask | None = getattr(state, "following", None)
    drafts: FollowerTask | None = getattr(state, "following_drafts", None)
    cluster: Sequence[FollowerTask] = getattr(state, "following_cluster", ())
    matching: PercolationTask | None = getattr(state, "percolation", None)
    replica = state.archive.db.replica
    asked = None if state.search_cluster is None else state.search_cluster.tally
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return ServerNumbers(
        responses={SEPARATOR.join(map(str, key)): count for key, count in tally.responses.items()},
        seconds={name: list(buckets) for name, buckets in tally.seconds.items()},
        spent=dict(tally.spent),
        refused=dict(limiter.refused),
        cut=dict(limiter.cut),
        cache={
            "hit": cache.hits, "miss": cache.misses, "waited": cache.waited, "evicted": cache.evicted,
            "emptied": cache.turns,
        },
        webhooks=dict(state.webhooks.counts),
        processor_seconds=usage.ru_utime + usage.ru_stime,
        gauges={
            "requests": load.requests,
            "streams": load.streams.total(),
            "cache_bytes": cache.bytes,
            "cache_answers": len(cache.entries),
            "connections": len(limiter.open),
            "unsent": limiter.held,
            "resident": _read_resident(),
            "files": _count_files(),
        },
        lag=limiter.lag,
        indexes=following is not None and following.is_running,
        problem=following.problem if following is not None else None,
        drafts_problem=drafts.problem if drafts is not None else None,
        cluster_problem=next((one.problem for one in cluster if one.problem), None),
        searches_problem=matching.problem if matching is not None else None,
        cluster_seconds={} if asked is None else {SEPARATOR.join(key): list(n) for key, n in asked.seconds.items()},
        cluster_spent={} if asked is None else {SEPARATOR.join(key): spent for key, spent in asked.spent.items()},
        keys=dict(state.key_requests),
        replica={} if replica is None else {"replica": replica.served, "primary": replica.refused},
    )  # fmt: skip


def read_server(app: FastAPI) -> ServerNumbers:
    """Of all workers, those that have ended too: their last reports, which are a second old at most, and this one's
    numbers of now."""
    counts: SharedCounts = app.state.counts
    own = read_numbers(app)
    if counts.workers == 1:
        return own
    counts.report(asdict(own))
    return add_all(parse_report(report) for report in counts.read_reports())


def find_problem(app: FastAPI) -> str | None:
    """What keeps the indexer from following, whichever worker it runs in."""
    counts: SharedCounts = app.state.counts
    following: FollowerTask | None = getattr(app.state, "following", None)
    if counts.workers == 1 or (following is not None and following.is_running):
        return following.problem if following is not None else None
    return add_all(parse_report(report) for report in counts.read_reports()).problem


def find_cluster_problem(app: FastAPI) -> str | None:
    """What keeps the indexes of a search cluster from being kept in step, whichever worker of this server does that."""
    return read_server(app).cluster_problem if getattr(app.state, "following_cluster", ()) else None


def parse_report(report: Mapping[str, object]) -> ServerNumbers:
    return _ADAPTER.validate_python(report)


def add_ended(ended: Mapping[str, object], report: Mapping[str, object]) -> dict[str, object]:
    """What workers that have ended counted, with what one more has counted."""
    last = parse_report({name: value for name, value in report.items() if name in ServerNumbers.__dataclass_fields__})
    lasting = ServerNumbers(
        last.responses,
        last.seconds,
        last.spent,
        last.refused,
        last.cut,
        last.cache,
        last.webhooks,
        last.processor_seconds,
        cluster_seconds=last.cluster_seconds,
        cluster_spent=last.cluster_spent,
        keys=last.keys,
        replica=last.replica,
    )
    return asdict(add_all([parse_report(ended), lasting]))


def add_all(numbers: Iterable[ServerNumbers]) -> ServerNumbers:
    several = list(numbers)
    return ServerNumbers(
        responses=_add(one.responses for one in several),
        seconds=_add_buckets(one.seconds for one in several),
        spent=_add_floats(one.spent for one in several),
        refused=_add(one.refused for one in several),
        cut=_add(one.cut for one in several),
        cache=_add(one.cache for one in several),
        webhooks=_add(one.webhooks for one in several),
        processor_seconds=sum(one.processor_seconds for one in several),
        gauges=_add_floats(one.gauges for one in several),
        lag=max((one.lag for one in several), default=0.0),
        indexes=any(one.indexes for one in several),
        problem=next((one.problem for one in several if one.problem), None),
        cluster_problem=next((one.cluster_problem for one in several if one.cluster_problem), None),
        drafts_problem=next((one.drafts_problem for one in several if one.drafts_problem), None),
        searches_problem=next((one.searches_problem for one in several if one.searches_problem), None),
        cluster_seconds=_add_buckets(one.cluster_seconds for one in several),
        cluster_spent=_add_floats(one.cluster_spent for one in several),
        keys=_add(one.keys for one in several),
        replica=_add(one.replica for one in several),
    )


def _add(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def _add_buckets(counts: Iterable[Mapping[str, list[int]]]) -> dict[str, list[int]]:
    total: dict[str, list[int]] = {}
    for name, buckets in (item for one in counts for item in one.items()):
        before = total.get(name, [0] * (len(EDGES) + 1))
        total[name] = [a + b for a, b in zip(before, buckets, strict=True)]
    return total


def _add_floats(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for name, value in (item for one in counts for item in one.items()):
        total[name] = total.get(name, 0.0) + value
    return total


def _read_resident() -> int:
    """Bytes; 0 where the system does not tell as Linux does."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _count_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0
