"""Wires an application together from its settings. Nothing happens at import; each call makes an archive of its own."""

import logging
import sys
from collections import Counter
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from opentelemetry.trace import Tracer
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.articles.bulk import job_chunks
from app.articles.bulk import routes as bulk
from app.articles.reading.card_cache import Cards
from app.articles.routes import preview, related_and_resolve, related_list, revisions, writes
from app.articles.routes import reads as articles
from app.articles.store import relink_jobs
from app.audit import key_routes as own_key
from app.audit import routes as audit
from app.audit.entitlements.opening import OpenedArchives
from app.changes import log
from app.changes.cache_version import CacheVersions
from app.changes.jobs import Jobs
from app.context import AppContext, begin_read, load_context, load_view
from app.db.database import Database
from app.http import openapi, problems
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
from app.http.middleware.root_path import RootPath
from app.http.openapi import api_index
from app.http.server.connections import ConnectionLimiter, Timeouts
from app.http.server.shared_counts import SharedCounts
from app.importers import routes as imports
from app.importers.jobs import upload_store
from app.importers.jobs.submission import ImportAddress, ImportDocument
from app.importers.jobs.worker import ImportWorker, choose_queue
from app.importers.web.fetch import Fetch, HostThrottle
from app.lifespan import create_lifespan
from app.monitoring import health, index_snapshots, metrics, telemetry
from app.pages import routes as pages
from app.regions import routes as regions
from app.regions import write_routes as regions_writing
from app.search.index import EngineIndex
from app.search.indexing.archive_indexes import open_cluster, open_engine
from app.search.list_search import EngineListSearch
from app.search.routes import enrichment, search, timeline_and_trending
from app.search.saved_searches import routes as searches
from app.search.saved_searches.queries import load_position
from app.search.stats import routes as stats
from app.settings import Settings
from app.sync import job_routes as jobs
from app.sync import routes as following
from app.sync.exports import routes as exports
from app.sync.feeds import routes as feeds
from app.sync.feeds.departures import DepartureLog
from app.sync.sitemaps import routes as sitemaps
from app.sync.sitemaps.months import SitemapMonths
from app.sync.watch import LogWatch
from app.sync.webhooks import routes as webhooks
from app.sync.webhooks.messages import Client
from app.sync.webhooks.sender import WebhookSender
from app.sync.webhooks.testing import WebhookTester
from app.tags import related_routes as related_tags
from app.tags import routes as tags
from app.tags import write_routes as tags_writing

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
    articles, related_and_resolve, writes, preview, related_list, revisions, search, timeline_and_trending, enrichment,
    searches, regions, regions_writing, tags, related_tags, tags_writing, following, exports, imports, bulk, jobs,
    audit, own_key, health, metrics, api_index, stats, feeds, sitemaps, webhooks, index_snapshots,
)  # fmt: skip

NEVER_KEPT = (
    "/assets", "/health", "/internal", "/metrics", "/v1/changes", "/v1/export", "/v1/imports", "/v1/jobs", "/v1/audit",
    "/v1/key", "/v1/searches", "/v1/webhooks", "/feeds/searches",
)  # fmt: skip
"""Where responses are for one client alone, take their time, are kept elsewhere, or change without a row of the log."""


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

    def call_layers(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """All layers and routes."""
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        return self.middleware_stack(scope, receive, send)


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


def create_app(
    settings: Settings, *, follow: bool = True, shared: SharedMemory | None = None, tracer: Tracer | None = None
) -> FastAPI:
    """The application for one archive, whose schema must be current. `follow`: keep the search index in step too.
    `shared`: as one of several workers. `tracer`: for spans of requests."""
    shared = shared or share_memory(settings.model_copy(update={"workers": 1}))
    settings = settings.of_one_worker if shared.counts.workers > 1 else settings
    db = Database(settings, log.append, alone=shared.counts.workers == 1)
    cluster = open_cluster(settings)
    index = EngineIndex(db, open_engine(settings, cluster=cluster))
    list_search = EngineListSearch(db, index, open_engine(settings, "hidden", cluster))
    cards = Cards(db, settings.site_url.rstrip("/"), shared.counts.workers)
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
        lifespan=create_lifespan(archive, follow=follow),
    )
    app.state.archive, app.state.search_cluster = archive, cluster
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
    if settings.pages:
        pages.install(app, redirect_to_docs, site_name=settings.site_name)
    else:
        app.router.routes.append(Route("/", redirect_to_docs, name="start"))
    problems.install(app)
    openapi.install(app, description=DESCRIPTION, tags=TAGS, bodies=BODIES, public_reads=settings.public_reads)
    docs_page.install(app)
    guides.install(app)
    _add_layers(app, settings, CacheVersions(db, index.engine.position), shared.rates, tracer)
    return app


async def redirect_to_docs(request: Request) -> Response:
    """Who asks the server for no page is looking for its documentation."""
    headers = {"Location": "/docs", "Cache-Control": "public, max-age=60", "Vary": "Accept"}
    return Response(status_code=307, headers=headers)


def _create_webhook_client(settings: Settings) -> Client:
    from app.sync.webhooks.http_client import HttpClient

    return HttpClient(allow_private=settings.webhook_private_addresses)


def _create_fetcher(settings: Settings, pace: HostThrottle) -> AbstractContextManager[Fetch]:
    # Only where something is fetched: what it is made of takes a second to load, and megabytes.
    from app.importers.web.http_fetcher import HttpFetcher

    return HttpFetcher(allow_private=settings.import_private_addresses, pace=pace)


def _add_layers(
    app: Application, settings: Settings, versions: CacheVersions, counters: RateCounters | None, tracer: Tracer | None
) -> None:
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
    if tracer is not None:
        app.add_middleware(telemetry.TraceRequests, tracer=tracer)
    cors, is_json = Cors(settings.cors_origins), settings.log_format == "json"
    app.add_middleware(ErrorsAndTiming, tally=app.state.tally, cors=cors, is_named_in_log=is_json)
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
    if settings.root_path or settings.trusted_proxies:
        app.front = root = RootPath(app.front, settings.root_path, settings.trusted_proxies)
        limiter.find_cached, limiter.root_path = root.wrap(limiter.find_cached), settings.root_path
    if settings.request_log:
        app.front = AccessLog(app.front, settings.trusted_proxies, is_among_others=is_json)
