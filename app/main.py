"""Wires an application together from its settings. Nothing happens at import; each call makes an archive of its own."""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.articles import schedule
from app.articles.reading.card_cache import Cards
from app.articles.routes import reads as articles
from app.articles.routes import related_and_resolve, related_list, revisions, writes
from app.articles.store import relink_jobs
from app.audit import key_routes as own_key
from app.audit import retention
from app.audit import routes as audit
from app.audit.entitlements.opening import OpenedArchives
from app.bulk import job_chunks
from app.bulk import routes as bulk
from app.changes import log
from app.changes.cache_version import CacheVersions
from app.changes.follower import FollowerTask
from app.changes.jobs import Jobs
from app.context import AppContext, begin_read, load_context, load_view
from app.db import permissions
from app.db.database import Database
from app.db.file_locks import FileLock
from app.http import auth, openapi, problems
from app.http.docs import docs_page, guides
from app.http.fast_path import FastPath, build_table
from app.http.middleware.access_log import AccessLog, RequestTally
from app.http.middleware.cache_store import CacheStore
from app.http.middleware.compression import Compression
from app.http.middleware.cors import Cors
from app.http.middleware.errors_and_timing import ErrorsAndTiming
from app.http.middleware.head_and_body_limit import BodyLimit, HeadAsGet
from app.http.middleware.key_usage import KeyRates, KeyUsageCount
from app.http.middleware.load_shedding import CurrentLoad, LoadCaps, LoadShedding
from app.http.middleware.rate_limit import RateCounters, RateLimit
from app.http.middleware.response_cache import ResponseCache
from app.http.openapi import api_index
from app.http.server.connections import ConnectionLimiter, Timeouts
from app.http.server.shared_counts import SharedCounts
from app.importers import routes as imports
from app.importers.jobs import upload_store
from app.importers.jobs.submission import ImportAddress, ImportDocument
from app.importers.jobs.worker import ImportWorker, choose_queue
from app.importers.web.fetch import Fetch, FetchError, HostThrottle
from app.monitoring import health, metrics
from app.monitoring.server_numbers import read_numbers
from app.regions import routes as regions
from app.regions import write_routes as regions_writing
from app.saved_searches import routes as searches
from app.saved_searches.definition import get_index
from app.saved_searches.percolation_task import PercolationTask
from app.saved_searches.queries import load_position
from app.search.index import EngineIndex
from app.search.indexing.archive_indexes import ArchiveIndex, list_indexes
from app.search.indexing.verification import Verification
from app.search.list_search import EngineListSearch
from app.search.routes import enrichment, search, timeline_and_trending
from app.search.tantivy.local_engine import TantivyEngine
from app.settings import Settings
from app.stats import routes as stats
from app.sync import export_routes as exports
from app.sync import job_routes as jobs
from app.sync import routes as following
from app.sync.feeds import routes as feeds
from app.sync.feeds.departures import DepartureLog
from app.sync.feeds.websub import Form, HubPublisher, HubUnreachable
from app.sync.sitemaps import routes as sitemaps
from app.sync.sitemaps.months import SitemapMonths
from app.sync.watch import LogWatch
from app.tags import related_routes as related_tags
from app.tags import routes as tags
from app.tags import write_routes as tags_writing
from app.webhooks import routes as webhooks
from app.webhooks import sender as webhook_sender
from app.webhooks.messages import Client
from app.webhooks.sender import WebhookSender
from app.webhooks.testing import WebhookTester

logger = logging.getLogger(__name__)

DESCRIPTION = """A news archive: exact filters, ranked search, counting, and a change log that clients can trust.

Reads need no key. Lists return `{data, page, warnings}`; every failure is an `application/problem+json` document whose
`code` is one of a closed list (`/problems`)."""

TAGS = (
    {"name": "articles", "description": "Lists, items, related posts, neighbours, addresses."},
    {"name": "search", "description": "Ranked full-text search over published articles."},
    {"name": "searches", "description": "Saved searches: what they find, under a name of their own."},
    {"name": "regions", "description": "The UN M49 tree, countries, cities and groupings."},
    {"name": "tags", "description": "Topics, sections, persons, organisations, contributors."},
    {"name": "following", "description": "The change feed, the event stream, the export."},
    {"name": "webhooks", "description": "Endpoints that are told of changes, signed and in order."},
    {"name": "feeds", "description": "RSS, Atom and JSON Feed, and sitemaps, for readers and machines."},
    {"name": "importing", "description": "Many articles at once."},
    {"name": "audit", "description": "Who did what, and what a key may do."},
    {"name": "operating", "description": "Health and numbers of this server."},
)
BODIES = (ImportAddress, ImportDocument)
"""Shapes within bodies that come as streams; those of all others are in the signatures of their routes."""
FEATURES = (
    articles, related_and_resolve, writes, related_list, revisions, search, timeline_and_trending, enrichment, searches,
    regions, regions_writing, tags, related_tags, tags_writing, following, exports, imports, bulk, jobs, audit, own_key,
    health, metrics, api_index, stats, feeds, sitemaps, webhooks,
)  # fmt: skip

LEAD_SECONDS, REPORT_SECONDS = 0.25, 0.5
HUB_SECONDS = 20.0
NEVER_KEPT = (
    "/health", "/metrics", "/v1/changes", "/v1/export", "/v1/imports", "/v1/jobs", "/v1/audit", "/v1/key",
    "/v1/searches", "/v1/webhooks", "/feeds/searches",
)  # fmt: skip
"""Where responses are for one client alone, take their time, or change without a row of the log."""


class Application(FastAPI):
    """FastAPI behind `front`: what that sends from memory passes none of the layers."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.front(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Our own layers alone. FastAPI puts its last net, telemetry and a bound on bodies around them, all of which
        are here already, and takes 13 µs of each request for them."""
        handlers = {kind: handler for kind, handler in self.exception_handlers.items() if kind not in (500, Exception)}
        inner: ASGIApp = ExceptionMiddleware(AsyncExitStackMiddleware(self.router), handlers)
        for cls, args, kwargs in reversed(self.user_middleware):
            inner = cls(inner, *args, **kwargs)
        return inner

    async def call_layers(self, scope: Scope, receive: Receive, send: Send) -> None:
        """All layers and routes."""
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)


@dataclass(frozen=True, slots=True)
class SharedMemory:
    """What workers of one server have together: made before they are forked."""

    counts: SharedCounts
    rates: RateCounters | None
    key_rates: KeyRates


def share_memory(settings: Settings) -> SharedMemory:
    """For as many workers as the settings say."""
    is_shared = settings.workers > 1
    rates = (
        RateCounters(settings.rate_limit, settings.trusted_proxies, shared=is_shared) if settings.rate_limit else None
    )
    return SharedMemory(SharedCounts(settings.workers), rates, KeyRates())


def create_app(settings: Settings, *, follow: bool = True, shared: SharedMemory | None = None) -> FastAPI:
    """The application for one archive, whose schema must be current. `follow`: keep the search index in step too.
    `shared`: as one of several workers."""
    shared = shared or share_memory(settings.model_copy(update={"workers": 1}))
    settings = settings.of_one_worker if shared.counts.workers > 1 else settings
    db = Database(settings, log.append, alone=shared.counts.workers == 1)
    index = EngineIndex(db, TantivyEngine(settings.index_path))
    list_search = EngineListSearch(db, index, TantivyEngine(settings.drafts_index_path, "hidden"))
    cards = Cards(db, settings.site_url.rstrip("/"))
    archive = AppContext(settings, db, index, cards, list_search, entitlements=OpenedArchives())
    app = Application(
        title="Dateline",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.name_operation,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_create_lifespan(archive, follow=follow),
    )
    app.state.archive = archive
    app.state.watch = LogWatch(archive.head, partial(load_position, db))
    app.state.departures = DepartureLog(db, archive.addresses)
    app.state.sitemap_months = SitemapMonths(db)
    app.state.jobs = Jobs(db, {**relink_jobs.WORKS, **job_chunks.WORKS})
    app.state.cache = CacheStore(settings.cache_mb * 1_000_000)
    app.state.limiter = ConnectionLimiter(
        settings.max_connections,
        settings.max_connections_per_address,
        settings.trusted_proxies,
        Timeouts(rest=settings.keep_alive).share(shared.counts.workers),
        shared.counts,
    )
    app.state.counts, app.state.key_rates = shared.counts, shared.key_rates
    app.state.key_requests = Counter[str]()
    app.state.load, app.state.tally = CurrentLoad(shared.counts), RequestTally()
    fetcher = partial(_create_fetcher, settings, HostThrottle())
    importing = ImportWorker(db, settings.site_url, fetcher, enrich=settings.enrich)
    app.state.importing = importing
    deliver = partial(_create_webhook_client, settings)
    app.state.webhooks, app.state.webhook_tester = WebhookSender(archive, deliver), WebhookTester(deliver)
    app.state.imports = Jobs(db, {}, {upload_store.KIND: importing}, choose_queue)
    for feature in FEATURES:
        app.include_router(feature.router)
    app.router.routes.append(Route("/", redirect_to_docs, name="start"))
    problems.install(app)
    openapi.install(app, description=DESCRIPTION, tags=TAGS, bodies=BODIES, public_reads=settings.public_reads)
    docs_page.install(app)
    guides.install(app)
    _add_layers(app, settings, CacheVersions(db, index.engine.position), shared.rates)
    return app


async def redirect_to_docs(request: Request) -> Response:
    """Who opens the server in a browser is looking for its documentation."""
    return Response(status_code=307, headers={"Location": "/docs", "Cache-Control": "public, max-age=60"})


def _tell_hub(settings: Settings, hub: str, form: Form) -> None:
    """Through the same guards as what imports read; HubUnreachable where that fails."""
    from app.importers.web.http_fetcher import HttpFetcher

    try:
        with HttpFetcher(allow_private=settings.import_private_addresses, whole_seconds=HUB_SECONDS) as fetcher:
            fetcher.post_form(hub, form)
    except FetchError as error:
        raise HubUnreachable(str(error)) from error


def _create_webhook_client(settings: Settings) -> Client:
    from app.webhooks.http_client import HttpClient

    return HttpClient(allow_private=settings.webhook_private_addresses)


def _create_fetcher(settings: Settings, pace: HostThrottle) -> AbstractContextManager[Fetch]:
    # Only where something is fetched: what it is made of takes a second to load, and megabytes.
    from app.importers.web.http_fetcher import HttpFetcher

    return HttpFetcher(allow_private=settings.import_private_addresses, pace=pace)


def _add_layers(app: Application, settings: Settings, versions: CacheVersions, counters: RateCounters | None) -> None:
    """Pure ASGI, the innermost first."""
    limiter: ConnectionLimiter = app.state.limiter  # what lies in `app.state` has no type of its own
    begun = load_context, load_view
    build_table(app.routes, begun)  # now, and not with the first request: a wrong declaration ends the building
    app.add_middleware(FastPath, routes=app.routes, begin=begin_read, begun=begun)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, larger={imports.PATH: sys.maxsize})
    if counters is not None:
        app.add_middleware(RateLimit, counters=counters)
    app.add_middleware(
        LoadShedding,
        caps=LoadCaps(settings.max_requests, settings.max_streams, settings.max_streams_per_address),
        limiter=limiter,
        load=app.state.load,
        trusted=settings.trusted_proxies,
    )
    app.add_middleware(ErrorsAndTiming, tally=app.state.tally, cors=Cors(settings.cors_origins))
    app.add_middleware(Compression)
    app.add_middleware(KeyUsageCount, db=app.state.archive.db, requests=app.state.key_requests)
    app.add_middleware(HeadAsGet)
    by_origin = "*" not in settings.cors_origins
    cache = ResponseCache(
        app.call_layers, app.state.cache, versions, counters=counters, never=NEVER_KEPT, by_origin=by_origin
    )
    app.front = cache if settings.cache_mb else app.call_layers
    if settings.cache_mb and not settings.request_log:
        limiter.find_cached = cache.find_messages
    if settings.request_log:
        app.front = AccessLog(app.front, trusted=settings.trusted_proxies)


class _Indexing:
    """What keeps one of the two indexes, in the worker that leads: each has a thread of its own, so that one that
    fails, or is built anew, holds up nothing of the other."""

    def __init__(self, archive: AppContext, index: ArchiveIndex) -> None:
        self.name, self.indexer = index.name, index.create_indexer()
        self.following = FollowerTask(archive.db, self.indexer, archive.settings.index_interval)
        self.verification = Verification(index.root)

    async def begin(self) -> None:
        """Becomes the indexer as soon as no other process on this machine is; until then this one only reads."""
        # Another process holds the lock: no event of this one tells when it lets go.
        while not await asyncio.to_thread(self._acquire):  # noqa: ASYNC110
            await asyncio.sleep(1)
        self.following.start()
        self.verification.start()

    def _acquire(self) -> bool:
        """A folder that cannot be written leaves the other index, and all that reads, as it is; it is tried again."""
        try:
            is_held, problem = self.indexer.acquire(), None
        except OSError as error:
            is_held, problem = False, f"{type(error).__name__}: {error}"
            if problem != self.following.problem:
                logger.error("the %s cannot be written: %s", self.name, error)
        self.following.problem = problem
        return is_held


def _create_lifespan(archive: AppContext, *, follow: bool):  # type: ignore[no-untyped-def] # FastAPI names no type for it
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        counts: SharedCounts = app.state.counts
        indexing = [_Indexing(archive, index) for index in list_indexes(archive.settings)]
        app.state.percolation = PercolationTask(archive.db, get_index(archive).engine)
        app.state.following, app.state.following_drafts = (one.following for one in indexing)
        # Opened here and not at the first request: the files of a copied folder are all compared first.
        await asyncio.to_thread(_look_at_indexes, archive)
        permissions.make_folder(archive.settings.index_path)
        leading = FileLock(archive.settings.index_path / "leader-lock") if counts.workers > 1 else None
        tasks: list[asyncio.Task[None]] = []
        begin = partial(_begin_leading, tasks, app, archive, indexing if follow else [], follow=follow)
        if leading is None:
            begin()
        else:
            tasks += [asyncio.create_task(_lead(leading, begin)), asyncio.create_task(_report(app, counts))]
        tasks += [asyncio.create_task(_follow_indexes(archive))]
        try:
            yield
        finally:
            await app.state.watch.close()
            await cancel_tasks(tasks)
            for one in indexing:
                await asyncio.to_thread(one.verification.stop)
            await asyncio.to_thread(app.state.importing.close)
            await asyncio.to_thread(app.state.percolation.stop)
            for one in indexing:
                await asyncio.to_thread(one.following.stop)
                await asyncio.to_thread(one.indexer.close)
            await auth.write_all_use(archive.db)
            await archive.db.close()
            if leading is not None:
                leading.close()

    return lifespan


async def _lead(lock: FileLock, begin: Callable[[], None]) -> None:
    """Begins as soon as no other worker leads: another takes it up where that one has died."""
    while not await asyncio.to_thread(lock.try_hold):  # noqa: ASYNC110 -- another process holds it
        await asyncio.sleep(LEAD_SECONDS)
    begin()


def _begin_leading(
    tasks: list[asyncio.Task[None]],
    app: FastAPI,
    archive: AppContext,
    indexing: Iterable[_Indexing],
    *,
    follow: bool,
) -> None:
    """What one worker of a server does: the schedule, jobs and imports, old rows of the audit, the hub, webhooks, and
    the indexes."""
    work = [schedule.run(archive.db, archive.settings.trash_days), app.state.jobs.run(), app.state.imports.run()]
    if days := archive.settings.audit_days:
        work.append(retention.run(archive.db, days))
    if archive.settings.websub_hub:
        work.append(HubPublisher(archive, partial(_tell_hub, archive.settings)).run())
    work += [app.state.webhooks.run(), webhook_sender.prune(archive, archive.settings.webhook_attempt_days)]
    work += [one.begin() for one in indexing]
    if follow:
        app.state.percolation.start()
    tasks += map(asyncio.create_task, work)


async def _follow_indexes(archive: AppContext) -> None:
    """Looks for the newest commit of each index once a second, whether anybody searches or not: what is open of an old
    one stays on the disk, whole."""
    while True:
        await asyncio.to_thread(_look_at_indexes, archive)
        await asyncio.sleep(1)


def _look_at_indexes(archive: AppContext) -> None:
    archive.index.seq()
    if archive.list_search is not None:
        archive.list_search.hidden_seq()


async def _report(app: FastAPI, counts: SharedCounts) -> None:
    """Signs of life for the supervisor, and numbers for the other workers."""
    while True:
        counts.report(asdict(read_numbers(app)))
        counts.give_sign_of_life()
        await asyncio.sleep(REPORT_SECONDS)


async def cancel_tasks(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Ends tasks that run for ever. Again where one has not ended after a second: what libraries wait with may lose a
    cancellation that comes together with what is waited for (`asyncio.wait_for` does before Python 3.12)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1)
