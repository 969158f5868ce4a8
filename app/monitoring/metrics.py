"""What a monitoring system wants to know of one server, as Prometheus reads it. Counts nothing itself.

Whoever may read it learns how much is asked, and from the log's head how much is written, drafts too: so not everybody.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily as Counts
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from app.context import AppContext, Context
from app.db.log_position import LogHead
from app.errors import DatabaseUnavailable
from app.http.api_route import ApiRoute
from app.http.auth import KEY_SCHEME
from app.http.conditional import VARY
from app.http.middleware.access_log import EDGES
from app.http.openapi import describe_stream
from app.monitoring.server_numbers import SEPARATOR, ServerNumbers, read_server
from app.search.saved_searches import queries as searches
from app.sync.webhooks import queries as webhooks

router = APIRouter(tags=["operating"], route_class=ApiRoute)

SCOPE = "read_drafts"
MEDIA_TYPE = "text/plain"
# The version is that of Prometheus' text format.
TYPE = f"{MEDIA_TYPE}; version=0.0.4; charset=utf-8"
EXAMPLE = "# HELP dateline_index_lag_changes Changes that the index has not taken in.\n"
SENT_ON = frozenset({"x-forwarded-for", "x-forwarded-prefix", "forwarded", "x-real-ip", "via"})
"""A request with one of these headers has come through a proxy, whatever its peer is."""


@router.get(
    "/metrics",
    name="get_metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses=describe_stream(MEDIA_TYPE, EXAMPLE),
    openapi_extra={"security": [{}, {KEY_SCHEME.scheme_name: [SCOPE]}]},
)
async def get_metrics(request: Request, context: Context) -> Response:
    """Numbers of this server, in Prometheus' text format. Without a key for clients on this machine itself, or from
    where the settings say."""
    if not _is_allowed(request, context):
        (await context.view(request)).caller.require_scope(SCOPE)
    head: LogHead | None = None
    matched: MatchedSearches | None = None
    lags: Mapping[int, int] = {}
    try:
        head = await context.head()
        matched = await _read_matched(context, head)
        lags = await webhooks.count_lags(context.db)
    except DatabaseUnavailable:
        pass
    body = generate_latest(_create_registry(request.app, context, head, lags, matched))
    return Response(body, 200, {"Cache-Control": "no-store", "Vary": VARY, "Content-Type": TYPE})


@dataclass(frozen=True, slots=True)
class MatchedSearches:
    """How many searches are saved, and how many changes are not matched with them yet."""

    count: int
    lag: int


async def _read_matched(context: AppContext, head: LogHead) -> MatchedSearches:
    count = await searches.count_searches(context.db)
    # Where there is none, nothing is matched, and nothing has to be.
    matched = (await searches.load_position(context.db)).public_seq if count else head.public_seq
    return MatchedSearches(count, max(0, head.public_seq - matched))


def _is_allowed(request: Request, context: AppContext) -> bool:
    """Who has come through a proxy is not taken for the proxy, and who shows a key is asked for what it may."""
    # Behind a proxy every peer is the proxy, which may well be on this machine.
    if request.client is None or "authorization" in request.headers or not SENT_ON.isdisjoint(request.headers.keys()):
        return False
    try:
        peer = ip_address(request.client.host)
    except ValueError:
        return False
    return any(peer in network for network in context.settings.metrics_open_to)


def _create_registry(
    app: FastAPI,
    context: AppContext,
    head: LogHead | None,
    lags: Mapping[int, int],
    matched: MatchedSearches | None,
) -> CollectorRegistry:
    """Made for one response: everything in it reads numbers that are kept anyway."""
    registry = CollectorRegistry(auto_describe=False)
    if app.state.counts.workers == 1:
        ProcessCollector(registry=registry)
    registry.register(_ServerCollector(read_server(app), app.state.counts.workers, context, head, lags, matched))
    return registry


class _ServerCollector(Collector):
    """The numbers of Dateline itself; `head` is None while the database does not respond. `lags`: rows of the log that
    each webhook has yet to be told of, by its number."""

    def __init__(
        self,
        numbers: ServerNumbers,
        workers: int,
        context: AppContext,
        head: LogHead | None,
        lags: Mapping[int, int],
        matched: MatchedSearches | None,
    ) -> None:
        self._numbers, self._workers, self._context, self._head = numbers, workers, context, head
        self._lags, self._matched = lags, matched

    def collect(self) -> Iterable[Metric]:
        yield from self._collect_requests()
        yield from self._collect_cache()
        yield from self._collect_connections()
        yield from self._collect_archive()
        yield from self._collect_webhooks()
        yield from self._collect_searches()
        yield from self._collect_cluster()
        if self._workers > 1:
            yield from self._collect_processes()

    def _collect_requests(self) -> Iterator[Metric]:
        numbers = self._numbers
        responses = Counts(
            "dateline_requests", "Answers, without those from the response cache.", labels=["method", "route", "status"]
        )
        for key, count in sorted(numbers.responses.items()):
            method, name, hundreds = key.split(SEPARATOR)
            responses.add_metric([method, name, f"{hundreds}xx"], count)
        yield responses
        seconds = Histogram(
            "dateline_request_seconds", "Time to the end of these answers; streams last.", labels=["route"]
        )
        for name, buckets in sorted(numbers.seconds.items()):
            seconds.add_metric([name], list(_accumulate(buckets)), numbers.spent[name])
        yield seconds
        by_key = numbers.keys
        yield _count_metric("dateline_key_requests", "Requests that came with a key, by its number.", by_key, "key")
        gauges = numbers.gauges
        yield Gauge("dateline_requests_in_progress", "Requests that are being worked on.", gauges["requests"])
        yield Gauge("dateline_streams", "Event streams, exports and requests that wait.", gauges["streams"])

    def _collect_cache(self) -> Iterator[Metric]:
        cache, gauges = self._numbers.cache, self._numbers.gauges
        lookups = {result: cache[result] for result in ("hit", "miss", "waited")}
        yield _count_metric("dateline_cache_lookups", "Look-ups in the response cache.", lookups, "result")
        yield Counts("dateline_cache_evicted", "Answers that were forgotten to make room.", cache["evicted"])
        yield Counts("dateline_cache_emptied", "Times that a change emptied the response cache.", cache["emptied"])
        yield Gauge("dateline_cache_bytes", "Size of the response cache.", gauges["cache_bytes"])
        yield Gauge("dateline_cache_answers", "Answers in the response cache.", gauges["cache_answers"])

    def _collect_connections(self) -> Iterator[Metric]:
        numbers, gauges = self._numbers, self._numbers.gauges
        yield Gauge("dateline_connections", "Open connections.", gauges["connections"])
        yield _count_metric("dateline_refused", "Requests and connections that were turned away.", numbers.refused)
        yield _count_metric("dateline_broken_off", "Connections that were closed because nothing moved.", numbers.cut)
        yield Gauge("dateline_unsent_bytes", "Bytes of answers that slow clients have not taken yet.", gauges["unsent"])
        yield Gauge("dateline_loop_lag_seconds", "How late the event loop last came to its clock.", numbers.lag)

    def _collect_archive(self) -> Iterator[Metric]:
        seq, head = self._context.index.seq(), self._head
        drafts = self._context.list_search
        yield Gauge("dateline_database_up", "Whether the database answers.", int(head is not None))
        yield Gauge("dateline_index_failing", "Whether the index cannot be written.", int(bool(self._numbers.problem)))
        fails = int(bool(self._numbers.drafts_problem))
        yield Gauge("dateline_draft_index_failing", "Whether the index of drafts cannot be written.", fails)
        condition = self._context.db.condition
        yield Gauge("dateline_read_only", "Whether the archive can only be read.", int(condition.reason is not None))
        name, meaning = "dateline_clock_offset_seconds", "By how much this machine's clock is ahead of the database's."
        yield Gauge(name, meaning, condition.offset)
        if reads := self._numbers.replica:
            yield _count_metric("dateline_replica_reads", "Reads for the replica, by who served them.", reads, "server")
        if head is None:
            return
        yield Gauge("dateline_log_seq", "The number of the last change.", head.seq)
        yield Gauge("dateline_log_public_seq", "The number of the last change that the public sees.", head.public_seq)
        if seq is not None:
            lag = max(0, head.public_seq - seq)
            yield Gauge("dateline_index_lag_changes", "Changes that the index has not taken in.", lag)
        if drafts is not None and (drafts_seq := drafts.hidden_seq()) is not None:
            lag = max(0, head.seq - drafts_seq)
            yield Gauge("dateline_draft_index_lag_changes", "Changes that the index of drafts has not taken in.", lag)

    def _collect_webhooks(self) -> Iterator[Metric]:
        counts = {result: self._numbers.webhooks.get(result, 0) for result in ("delivered", "failed")}
        yield _count_metric("dateline_webhook_requests", "Requests to endpoints of webhooks.", counts, "result")
        lag = Gauge("dateline_webhook_lag_changes", "Changes that a webhook is behind.", labels=["webhook"])
        for id, behind in self._lags.items():
            lag.add_metric([str(id)], behind)
        yield lag

    def _collect_searches(self) -> Iterator[Metric]:
        fails = int(bool(self._numbers.searches_problem))
        yield Gauge("dateline_search_matching_failing", "Whether saved searches cannot be matched.", fails)
        if self._matched is None:
            return
        yield Gauge("dateline_saved_searches", "Saved searches.", self._matched.count)
        yield Gauge(
            "dateline_search_matching_lag_changes",
            "Changes that are not matched with saved searches yet.",
            self._matched.lag,
        )

    def _collect_cluster(self) -> Iterator[Metric]:
        """Of the search cluster, where there is one."""
        problem = self._context.index.find_problem() or self._numbers.cluster_problem
        name, meaning = "dateline_search_cluster_failing", "Whether the search cluster cannot be asked or kept in step."
        yield Gauge(name, meaning, int(bool(problem)))
        seconds = Histogram(
            "dateline_search_cluster_seconds", "Requests to the search cluster.", labels=["work", "result"]
        )
        for key, buckets in sorted(self._numbers.cluster_seconds.items()):
            labels = key.split(SEPARATOR)
            seconds.add_metric(labels, list(_accumulate(buckets)), self._numbers.cluster_spent[key])
        yield seconds

    def _collect_processes(self) -> Iterator[Metric]:
        """Of all workers together, by the names that Prometheus' clients give those of one process."""
        numbers, gauges = self._numbers, self._numbers.gauges
        yield Gauge("dateline_workers", "Worker processes of this server.", self._workers)
        yield Counts("process_cpu_seconds", "CPU time of all workers, in seconds.", numbers.processor_seconds)
        yield Gauge("process_resident_memory_bytes", "Resident memory size in bytes.", gauges["resident"])
        yield Gauge("process_open_fds", "Number of open file descriptors.", gauges["files"])


def _count_metric(name: str, meaning: str, counts: dict[str, int], label: str = "reason") -> Metric:
    family = Counts(name, meaning, labels=[label])
    for reason, count in sorted(counts.items()):
        family.add_metric([reason], count)
    return family


def _accumulate(buckets: list[int]) -> Iterator[tuple[str, float]]:
    """(upper edge, how many took at most that), as Prometheus wants them."""
    below = 0
    for edge, count in zip((*map(str, EDGES), "+Inf"), buckets, strict=True):
        below += count
        yield edge, below
