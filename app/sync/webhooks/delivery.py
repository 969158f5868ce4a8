"""Tells one endpoint of changes, in the process that has its lease: reads the log, makes requests, notes what became of
them. Holds a bounded part of the log in memory, and no article."""

import asyncio
import logging
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from app.changes.daemon_thread import run_in_daemon_thread
from app.context import AppContext
from app.db.leases import Lease, LeaseLost
from app.errors import DatabaseUnavailable, Unavailable
from app.sync import change_rows
from app.sync.change_rows import Place, VisibleChange
from app.sync.webhooks import queries, schedule, selection, service, signing
from app.sync.webhooks.backlog import Backlog, BacklogItem, Key
from app.sync.webhooks.messages import Client, CreateClient, DeliveryResult, Message, NotSent, render_body
from app.sync.webhooks.queries import WebhookRow
from app.sync.webhooks.selection import Selection

AT_ONCE = 8
"""Requests to one endpoint at a time."""
MOST_WAITING = 1_000
"""Articles that an endpoint has refused and that wait; where there are so many, nothing new is tried."""
BATCH = 100
"""Rows of the log that are read at once."""
BATCHES = 20
"""Of them, those that are looked at before something else has its turn."""
SAVE_SECONDS, SAVE_ATTEMPTS = 0.25, 100
"""How often what was done is saved: what is not is done again after a crash."""
IDLE_SAVE_SECONDS = 4.0
"""The same of a place that has moved past what was not for the endpoint."""
TICK = 0.25
MAKE_SECONDS = 30
"""For the event loop to make a message; it takes a millisecond."""
LINGER_SECONDS = 5.0
"""How long a sender without work waits for more before it ends."""
GONE = 410
PATIENT = (429, 503)
"""Responses whose Retry-After is for all that is sent."""

log = logging.getLogger(__name__)


class Stopped(NotSent):
    """The webhook was changed, or another process sends for it."""


class NothingToTell(NotSent):
    """The change is not for the webhook any more: it was purged, the filter means something else, or a later one of the
    same search has taken its place."""


class Postponed(NotSent):
    """A tag of the filter is being merged, or the search was removed."""


@dataclass(slots=True)
class SharedSlots:
    """Requests that all endpoints together may have in flight beside the first one of each: so nobody waits for an
    endpoint that is slow."""

    free: int = 32


@dataclass(slots=True)
class Delivery:
    """`webhook` as it was read when it began: once it is another version, this ends. `counts`: requests by result."""

    context: AppContext
    webhook: WebhookRow
    lease: Lease
    create_client: CreateClient
    slots: SharedSlots
    counts: Counter[str]
    _backlog: Backlog = field(init=False)
    _failures: int = field(init=False)
    _pauses: int = field(init=False)
    _failing_since: int | None = field(init=False)
    _next_try: int | None = field(init=False)
    _attempts: list[service.Attempt] = field(default_factory=list, init=False)
    _requests: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _clients: list[Client] = field(default_factory=list, init=False)
    _off: service.OffReason | None = field(default=None, init=False)
    _clock: tuple[int, float] = field(init=False)
    _saved: tuple[int, float] = field(init=False)
    _held_until: float = field(default=0.0, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _has_ended: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        row = self.webhook
        self._failures, self._pauses = row.failures, row.pauses
        self._failing_since, self._next_try = row.failing_since, row.next_try
        self._clock, self._saved = (row.now, time.monotonic()), (row.seq, time.monotonic())

    @property
    def _db_time(self) -> int:
        """The database's time, by what has passed here since it was asked."""
        at, since = self._clock
        return int(at + time.monotonic() - since)

    async def run(self) -> None:
        """Until there is nothing to do, the webhook is changed, or another process has it."""
        self._backlog = Backlog(self.webhook.seq, await queries.load_retries(self.context.db, self.webhook.id))
        try:
            # First of all: what waits in a copy of an archive is sent by the original.
            if (await self.context.head()).epoch != self.webhook.epoch:
                await self._switch_off("archive_replaced")
                return
            await self._work()
            await self._save()
        except (LeaseLost, Stopped):
            log.info("webhook %d: somebody else goes on", self.webhook.id)
        except asyncio.CancelledError:
            # What is done need not be done again by whoever goes on. What is in flight is, since nobody knows.
            with suppress(LeaseLost, Stopped, Unavailable):
                await self._save()
            with suppress(Unavailable):  # then others wait for its end
                await self.lease.release()
            raise
        finally:
            self._has_ended = True
            for task in self._requests:
                task.cancel()
            for client in self._clients:
                client.close()

    def check_version(self, version: int) -> None:
        """Ends it where the webhook is another version by now."""
        self._is_stopped = self._is_stopped or version != self.webhook.version

    async def _work(self) -> None:
        idle_since: float | None = None
        while idle_since is None or time.monotonic() - idle_since < LINGER_SECONDS:
            await self.lease.keep()
            await self._begin_requests()
            if self._requests:
                await asyncio.wait(self._requests, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
                idle_since = None
            else:
                idle_since = idle_since or time.monotonic()
                await asyncio.sleep(TICK)
            if self._off is not None or self._is_stopped or self._is_save_due():
                await self._save()
            if self._is_stopped:
                raise Stopped
            if self._off is not None:
                await self._switch_off(self._off)
                return

    async def _switch_off(self, reason: service.OffReason) -> None:
        log.warning("webhook %d is switched off: %s", self.webhook.id, reason)
        await self.lease.write(service.switch_off, self.webhook.id, self.webhook.version, reason)

    async def _begin_requests(self) -> None:
        """As many as may be in flight: one, where the endpoint as a whole fails."""
        is_broken = self._failures >= schedule.BROKEN_AFTER
        while self._off is None and not self._is_stopped and len(self._requests) < (1 if is_broken else AT_ONCE):
            if (self._next_try or 0) > self._db_time or time.monotonic() < self._held_until:
                return
            if self._requests and not self.slots.free:
                return
            item = await self._find_next(is_broken=is_broken)
            if item is None:
                return
            is_shared = bool(self._requests)
            self.slots.free -= is_shared
            task = asyncio.create_task(self._deliver(item))
            self._requests.add(task)
            task.add_done_callback(lambda done, shared=is_shared: self._end_request(done, shared))  # type: ignore[misc]

    def _end_request(self, task: asyncio.Task[None], is_shared: bool) -> None:
        self._requests.discard(task)
        self.slots.free += is_shared
        if not task.cancelled() and (error := task.exception()) is not None:
            # Where this stands is not known any more: what is saved is, and the next one begins there.
            self._is_stopped = True
            log.error("webhook %d: begins again", self.webhook.id, exc_info=error)

    async def _find_next(self, *, is_broken: bool) -> BacklogItem | None:
        """What is due; else the next change of the log. Of a broken endpoint what has waited longest, due or not."""
        item = self._backlog.take(float("inf") if is_broken and self._backlog.count_waiting() else self._db_time)
        if item is None and self._backlog.count_waiting() < MOST_WAITING and await self._read_log():
            item = self._backlog.take(self._db_time)
        return item

    async def _read_log(self) -> bool:
        """Goes on to the next rows that are for the webhook; whether there are any."""
        head = await self.context.head()
        if head.epoch != self.webhook.epoch:  # another copy was put in place of this one
            self._off = "archive_replaced"
        is_read = head.public_seq <= self._backlog.examined and self._backlog.article is None
        if self._off is not None or is_read:
            return False
        selected = await selection.load(self.context, self.webhook)
        if selected is None:
            self._held_until = time.monotonic() + 2 * TICK
            return False
        for _ in range(BATCHES):
            try:
                part = await selected.read(self._backlog.examined, self._backlog.article, BATCH)
            except change_rows.PlacePruned:
                self._off = "place_expired"
                return False
            self._backlog.take_in(part, self._db_time)
            if self._backlog.has_ready or not part.more:
                break
            await asyncio.sleep(0)
        return self._backlog.has_ready

    async def _deliver(self, item: BacklogItem) -> None:
        """One request, and what follows from it."""
        try:
            place, type = await self._describe(item)
            outcome = await self._request(item)
        except NothingToTell:
            await self._settle(item)
        except (Postponed, DatabaseUnavailable):
            self._held_until = time.monotonic() + 2 * TICK
            self._backlog.put_back(item)
        except Stopped:
            self._is_stopped = True
            self._backlog.put_back(item)
        else:
            await self._note(item, self._name_message(place), type, outcome)

    async def _describe(self, item: BacklogItem) -> tuple[Place, str]:
        """The place of a change, and the type of its message; NotSent before a connection is made for nothing."""
        selected, told = await self._find(item)
        return selected.name_place(told), selection.name_type(told)

    async def _request(self, item: BacklogItem) -> DeliveryResult:
        """NotSent is nobody's failure; where a message cannot be made, that is one like any other."""
        loop, client = asyncio.get_running_loop(), self._clients.pop() if self._clients else self.create_client()
        is_sent = threading.Event()

        def send() -> DeliveryResult:
            try:
                return client.post(
                    self.webhook.url,
                    lambda: asyncio.run_coroutine_threadsafe(self._make_message(item), loop).result(MAKE_SECONDS),
                )
            finally:
                is_sent.set()
                if self._has_ended:
                    client.close()

        try:
            return await run_in_daemon_thread(send)
        except (NotSent, DatabaseUnavailable):
            raise
        except Exception:
            log.exception("webhook %d: row %d of the log cannot be told", self.webhook.id, item.seq)
            return DeliveryResult(None, "the message could not be made; the server's log says why", 0)
        finally:
            if not self._has_ended:
                self._clients.append(client)
            elif is_sent.is_set():  # the thread may have looked a moment before this ended; otherwise it closes it
                client.close()

    def _name_message(self, place: Place) -> str:
        """The same for every attempt, and when it is replayed: by it receivers know what they have had."""
        # Full stops stand between the parts of what is signed.
        return f"msg_{self.webhook.id}_{place.token.replace('.', '_')}"

    async def _find(self, item: BacklogItem) -> tuple[Selection, VisibleChange]:
        """What is told of an item now; NotSent where that is nothing."""
        selected = await selection.load(self.context, self.webhook)
        if selected is None:
            raise Postponed
        if selected.view.head.epoch != self.webhook.epoch:
            raise Stopped
        told = await selected.find(item.key, item.seq)
        if told is None:
            raise NothingToTell
        return selected, told

    async def _make_message(self, item: BacklogItem) -> Message:
        """The change as it is told now, signed now. Called when the connection stands."""
        db = self.context.db
        if not self.lease.is_valid or not await queries.has_version(db, self.webhook.id, self.webhook.version):
            raise Stopped
        # Read again: a purge meanwhile has emptied it.
        selected, told = await self._find(item)
        message = self._name_message(selected.name_place(told))
        body = render_body(selection.name_type(told), told.row.at, await selected.render(told))
        secrets = self.webhook.list_secrets(self._db_time)
        return Message(signing.build_headers(secrets, message, int(time.time()), body), body)

    async def _note(self, item: BacklogItem, message: str, type: str, outcome: DeliveryResult) -> None:
        number, next_try = item.attempts + 1, None
        self.counts["delivered" if outcome.error is None else "failed"] += 1
        if outcome.error is None:
            self._note_success()
            await self._settle(item)
        else:
            next_try = self._note_failure(item, outcome)
        tried = service.Attempt(
            self._db_time, message, type, item.key, number, outcome.status, outcome.error, outcome.ms, next_try
        )
        self._attempts.append(tried)

    def _note_success(self) -> None:
        was_away = self._failures >= schedule.BACK_AFTER
        self._failures, self._pauses, self._failing_since, self._next_try = 0, 0, None, None
        if was_away:
            self._backlog.hurry(self._db_time)

    def _note_failure(self, item: BacklogItem, outcome: DeliveryResult) -> int:
        """When the change is tried again."""
        now = self._db_time
        self._failures += 1
        self._failing_since = self._failing_since or now
        next_try = now + schedule.choose_wait(item.attempts + 1)
        if outcome.status in PATIENT and outcome.retry_after is not None:
            until = now + schedule.bound_retry_after(outcome.retry_after)
            next_try, self._next_try = until, max(until, self._next_try or 0)
        if self._failures >= schedule.BROKEN_AFTER and (self._next_try or 0) <= now:
            self._pauses += 1
            self._next_try = now + schedule.choose_pause(self._pauses)
        if outcome.status == GONE:
            self._off = "gone"
        elif now - self._failing_since >= schedule.OFF_SECONDS:
            self._off = "failing"
        self._backlog.fail(item, next_try)
        return next_try

    async def _settle(self, item: BacklogItem) -> None:
        """Done with a change: the article's next one follows, if there is one."""
        following = None
        while following is None and self._backlog.take_more(item.key):
            following = await self._find_later(item.key, item.seq)
        self._backlog.settle(item, following, self._db_time)

    async def _find_later(self, key: Key, seq: int) -> int | None:
        """The next change of an article for the webhook, among those that were examined."""
        selected = await selection.load(self.context, self.webhook)
        if selected is None:  # whether it is for the webhook is decided when it is sent, too
            return await queries.find_change_of(self.context.db, key, seq, self._backlog.examined, lambda row: True)
        return await selected.find_later(key, seq, self._backlog.examined)

    def _is_save_due(self) -> bool:
        seq, at = self._saved
        passed = time.monotonic() - at
        if self._attempts:
            return passed >= SAVE_SECONDS or len(self._attempts) >= SAVE_ATTEMPTS
        return self._backlog.place != seq and passed >= IDLE_SAVE_SECONDS

    async def _save(self) -> None:
        """Stopped where the webhook has changed."""
        attempts, self._attempts = self._attempts, []
        retries = self._backlog.take_changed()
        place = self._backlog.place
        if not attempts and not retries and place == self._saved[0]:
            return
        progress = service.Progress(
            self._saved[0], place, self._failures, self._pauses, self._failing_since, self._next_try, retries, attempts
        )
        is_current = await self.lease.write(service.save_progress, self.webhook.id, self.webhook.version, progress)
        self._saved = (place, time.monotonic())
        if not is_current:
            raise Stopped
