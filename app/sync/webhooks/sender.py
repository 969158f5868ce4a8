"""Sends for all webhooks of an archive: looks which have work and are nobody else's, and lets each have a task of its
own. In one worker of a server; what more servers do is decided by leases."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field

from app.context import AppContext
from app.db.actor import Actor, set_actor
from app.db.leases import Lease, name_process
from app.db.log_position import LogHead
from app.errors import Unavailable
from app.sync.webhooks import queries, service
from app.sync.webhooks.delivery import MOST_WAITING, Delivery, SharedSlots
from app.sync.webhooks.messages import CreateClient
from app.sync.webhooks.queries import WebhookRow
from app.sync.webhooks.service import LEASE_PREFIX

SECONDS = 0.25
"""Between two looks; each is a statement where there are webhooks."""
SECONDS_WITHOUT = 1.0
"""The same where there are none."""
PRUNE_SECONDS, PRUNED_AT_ONCE = 600, 2_000

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WebhookSender:
    """`counts`: requests by result, since the server began."""

    context: AppContext
    create_client: CreateClient
    counts: Counter[str] = field(default_factory=Counter)
    _slots: SharedSlots = field(default_factory=SharedSlots)
    _holder: str = field(default_factory=name_process)
    _leases: dict[int, Lease] = field(default_factory=dict)
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _deliveries: dict[int, Delivery] = field(default_factory=dict)

    async def run(self) -> None:
        """For ever; ended, it gives up what it has."""
        set_actor(Actor("server", "webhooks"))
        try:
            while True:
                await self.context.db.condition.wait_until_writable()
                seconds = SECONDS
                try:
                    seconds = await self.look()
                except Unavailable as error:
                    log.warning("webhooks wait: %s", error.detail)
                except Exception:
                    log.exception("webhooks could not be looked at; trying again")
                await asyncio.sleep(seconds)
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> float:
        """Begins what is to do; the seconds until the next look."""
        rows = await queries.load_all(self.context.db, on=True)
        if not rows:
            return SECONDS_WITHOUT
        head = await self.context.head()
        for row in rows:
            if (delivery := self._deliveries.get(row.id)) is not None:
                delivery.check_version(row.version)
            running = self._tasks.get(row.id)
            if (running is None or running.done()) and self._has_work(row, head):
                self._tasks[row.id] = asyncio.create_task(self._deliver(row))
        known = {row.id for row in rows}
        for id in [id for id, task in self._tasks.items() if id not in known and task.done()]:
            del self._tasks[id]
            self._leases.pop(id, None)
        return SECONDS

    def _has_work(self, row: WebhookRow, head: LogHead) -> bool:
        """Whether something is due that no other process is at."""
        if row.holder not in (None, self._holder) and (row.held_until or 0) > row.now:
            return False
        if row.epoch != head.epoch:
            return True
        if (row.next_try or 0) > row.now:
            return False
        return (row.seq < head.public_seq and row.waiting < MOST_WAITING) or (
            row.due is not None and row.due <= row.now
        )

    async def _deliver(self, row: WebhookRow) -> None:
        lease = self._leases.get(row.id)
        if lease is None:
            lease = self._leases[row.id] = Lease(self.context.db, f"{LEASE_PREFIX}{row.id}", self._holder)
        try:
            if not await lease.acquire():
                return
            # As it is now: another process may have had it until a moment ago.
            current = await queries.find(self.context.db, row.id)
            if current is not None and current.off_reason is None:
                delivery = Delivery(self.context, current, lease, self.create_client, self._slots, self.counts)
                self._deliveries[row.id] = delivery
                await delivery.run()
        except Unavailable as error:
            log.warning("webhook %d waits: %s", row.id, error.detail)
        except Exception:
            log.exception("webhook %d could not be sent for; trying again", row.id)
        finally:
            self._deliveries.pop(row.id, None)


async def prune(context: AppContext, days: int) -> None:
    """Deletes old attempts every ten minutes, in small transactions; any process may do it."""
    set_actor(Actor("server", "webhooks"))
    while True:
        await context.db.condition.wait_until_writable()
        try:
            if (await context.db.write(service.prune_attempts, days, PRUNED_AT_ONCE)).value == PRUNED_AT_ONCE:
                await asyncio.sleep(0.05)
                continue
        except Unavailable as error:
            log.warning("old attempts wait: %s", error.detail)
        except Exception:
            log.exception("old attempts could not be deleted; trying again")
        await asyncio.sleep(PRUNE_SECONDS)
