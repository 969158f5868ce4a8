"""What a server does from its start to its end beside requests: the worker that leads keeps the indexes in step, and
runs the schedule, jobs, imports, webhooks and what else works in the background."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial

from fastapi import FastAPI

from app.articles import schedule
from app.audit import retention
from app.audit.pruning import daily as daily_pruning
from app.audit.pruning import index_positions
from app.changes.follower import FollowerTask
from app.context import AppContext
from app.db import permissions
from app.db.file_locks import FileLock
from app.http import auth
from app.http.server.shared_counts import SharedCounts
from app.importers.web.fetch import FetchError
from app.monitoring.server_numbers import read_numbers
from app.search.indexing.archive_indexes import ArchiveIndex, list_cluster_followers, list_indexes
from app.search.indexing.snapshots.fetching import IndexFetcher
from app.search.indexing.verification import Verification
from app.search.saved_searches.definition import get_index
from app.search.saved_searches.percolation_task import PercolationTask
from app.settings import Settings
from app.settings.cluster import MOST_SEARCHES
from app.settings.values import count_processors
from app.sync.feeds.websub import Form, HubPublisher, HubUnreachable
from app.sync.webhooks import sender as webhook_sender

logger = logging.getLogger(__name__)

LEAD_SECONDS, REPORT_SECONDS = 0.25, 0.5
HUB_SECONDS = 20.0


class _Indexing:
    """What keeps one of the two indexes, in the worker that leads: each has a thread of its own, so that one that
    fails, or is built anew, holds up nothing of the other."""

    def __init__(self, archive: AppContext, index: ArchiveIndex) -> None:
        self.name, self.indexer = index.name, index.create_indexer()
        self.following = FollowerTask(
            archive.db, self.indexer, archive.settings.index_interval, partial(self._fetch, archive, index)
        )
        self.verification = Verification(index.root)

    def _fetch(self, archive: AppContext, index: ArchiveIndex, ended: threading.Event) -> None:
        IndexFetcher(archive.db, archive.settings, index, self.indexer, ended).fetch()

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


def create_lifespan(archive: AppContext, *, follow: bool):  # type: ignore[no-untyped-def] # FastAPI names no type for it
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        counts: SharedCounts = app.state.counts
        if app.state.search_cluster is not None:
            _add_threads()
        indexing = [_Indexing(archive, index) for index in list_indexes(archive.settings)]
        app.state.percolation = PercolationTask(archive.db, get_index(archive).engine)
        app.state.following, app.state.following_drafts = (one.following for one in indexing)
        app.state.following_cluster = cluster = list_cluster_followers(
            archive.db, archive.settings, app.state.search_cluster
        )
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
        tasks += [asyncio.create_task(_follow_indexes(archive)), asyncio.create_task(archive.db.condition.watch())]
        try:
            yield
        finally:
            await app.state.watch.close()
            await cancel_tasks(tasks)
            for one in indexing:
                await asyncio.to_thread(one.verification.stop)
            await asyncio.to_thread(app.state.importing.close)
            await asyncio.to_thread(app.state.percolation.stop)
            for task in cluster:
                await asyncio.to_thread(task.stop)
            for one in indexing:
                await asyncio.to_thread(one.following.stop)
                await asyncio.to_thread(one.indexer.close)
            await auth.write_all_use(archive.db)
            await archive.db.close()
            if leading is not None:
                leading.close()

    return lifespan


def _add_threads() -> None:
    """More than there are as a rule, by as many as searches wait in for a cluster: nothing else waits behind these."""
    threads = MOST_SEARCHES + min(32, count_processors() + 4)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(threads, "asyncio"))


async def _lead(lock: FileLock, begin: Callable[[], None]) -> None:
    """Begins as soon as no other worker leads: another takes it up where that one has died."""
    while not await asyncio.to_thread(_try_hold, lock):  # noqa: ASYNC110 -- another process holds it
        await asyncio.sleep(LEAD_SECONDS)
    begin()


def _try_hold(lock: FileLock) -> bool:
    """Not in a folder that cannot be written, where there is nothing to lead either; it may become so."""
    try:
        return lock.try_hold()
    except OSError:
        return False


def _begin_leading(
    tasks: list[asyncio.Task[None]],
    app: FastAPI,
    archive: AppContext,
    indexing: Iterable[_Indexing],
    *,
    follow: bool,
) -> None:
    """What one worker of a server does: the schedule, jobs and imports, what is not kept, the hub, webhooks, and the
    indexes."""
    work = [schedule.run(archive.db, archive.settings.trash_days), app.state.jobs.run(), app.state.imports.run()]
    if days := archive.settings.audit_days:
        work.append(retention.run(archive.db, days))
    if archive.settings.websub_hub:
        work.append(HubPublisher(archive, partial(_tell_hub, archive.settings)).run())
    work.append(daily_pruning.run(archive.db, archive.settings))
    work += [app.state.webhooks.run(), webhook_sender.prune(archive, archive.settings.webhook_attempt_days)]
    work += [one.begin() for one in indexing]
    if follow:
        work.append(index_positions.run(archive.db, archive.settings))
        app.state.percolation.start()
        for task in app.state.following_cluster:
            task.start()
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


def _tell_hub(settings: Settings, hub: str, form: Form) -> None:
    """Through the same guards as what imports read; HubUnreachable where that fails."""
    from app.importers.web.http_fetcher import HttpFetcher

    try:
        with HttpFetcher(allow_private=settings.import_private_addresses, whole_seconds=HUB_SECONDS) as fetcher:
            fetcher.post_form(hub, form)
    except FetchError as error:
        raise HubUnreachable(str(error)) from error
