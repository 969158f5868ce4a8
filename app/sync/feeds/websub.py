"""Tells a WebSub hub which feeds have changed, so that its subscribers need not ask. Once for each server.

W3C's recommendation leaves open how a publisher tells its hub; hubs take a form with `hub.mode=publish` and the
addresses of the feeds, in `hub.url` (PubSubHubbub 0.4, section 7.1) or in `hub.topic`: both are sent.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from app.articles.filters import ArticleFacts
from app.articles.store.log_facts import from_log
from app.changes import log as change_log
from app.changes.daemon_thread import run_in_daemon_thread
from app.context import AppContext
from app.db.log_position import LogHead
from app.errors import DatabaseUnavailable
from app.regions import service as regions
from app.sync import change_rows
from app.sync.feeds.params import FORMATS
from app.tags import queries as tags

SECONDS = 2.0
"""Between two looks at the log: what changes meanwhile is told together."""
MOST_ROWS = 500
"""Rows of the log that are looked at for one message; of more, the latest ones."""
MOST_FEEDS = 30
"""Feeds of tags, regions, authors and sections that one message names, each in all its forms: the ones with the most
changes."""
FORMS = ("", "content=full")
ATTEMPTS = 6
WAIT_SECONDS = 10.0
"""Before the second attempt; twice as long before each later one, so that the last one is made after five minutes."""

Form = Sequence[tuple[str, str]]
TellHub = Callable[[str, Form], None]
"""Sends a form to an address, within bounds of time; HubUnreachable where that fails."""

log = logging.getLogger(__name__)


class HubUnreachable(Exception):
    """The hub has not taken a message, with a reason for people."""


@dataclass(slots=True)
class HubPublisher:
    """What a hub has yet to be told, by the addresses of feeds."""

    context: AppContext
    tell: TellHub
    _waiting: dict[str, None] = field(default_factory=dict)
    _failures: int = 0
    _again: float = 0.0

    async def run(self) -> None:
        """From now on: what has changed before is found by whoever asks."""
        head: LogHead | None = None
        while True:
            try:
                head = await self.look(head)
            except DatabaseUnavailable as error:
                log.warning("the hub is told later: %s", error.detail)
            except Exception:
                log.exception("the hub could not be told; trying again")
            await asyncio.sleep(SECONDS)

    def hurry(self) -> None:
        """Makes the next attempt with the next look."""
        self._again = 0.0

    async def look(self, before: LogHead | None) -> LogHead:
        """Finds out what has changed since, and tells the hub what it has yet to be told; where the log stands now."""
        head = await self.context.head()
        if before is not None and head.epoch == before.epoch and head.public_seq > before.public_seq:
            addresses = await list_addresses(self.context, before.public_seq, head)
            self._waiting |= dict.fromkeys(addresses)
            for address in list(self._waiting)[: -(MOST_FEEDS + 1) * len(FORMATS) * len(FORMS)]:
                del self._waiting[address]
        if self._waiting and time.monotonic() >= self._again:
            await self._publish()
        return head

    async def _publish(self) -> None:
        sent, hub = list(self._waiting), self.context.settings.websub_hub
        try:
            # Nothing is half done by it, and the server's end need not wait for the hub.
            await run_in_daemon_thread(self.tell, hub, make_form(sent))
        except HubUnreachable as error:
            self._failures += 1
            self._again = time.monotonic() + WAIT_SECONDS * 2 ** (self._failures - 1)
            is_over = self._failures >= ATTEMPTS
            log.warning(
                "the hub could not be told of %d feeds%s: %s", len(sent), ", given up" if is_over else "", error
            )
            if not is_over:
                return
        self._failures, self._again = 0, 0.0
        for address in sent:
            self._waiting.pop(address, None)


def make_form(addresses: Iterable[str]) -> Form:
    """What a hub is told."""
    named = [(name, address) for address in addresses for name in ("hub.url", "hub.topic")]
    return [("hub.mode", "publish"), *named]


async def list_addresses(context: AppContext, after: int, head: LogHead) -> list[str]:
    """The feeds that changes of the log may have changed, the one of all articles first, each in all its forms."""
    start = max(after, head.public_seq - MOST_ROWS, head.pruned_seq)
    rows = await change_rows.read(context.db, head, start, head.public_seq, MOST_ROWS)
    tag_ids: Counter[int] = Counter()
    region_ids: Counter[int] = Counter()
    for row in rows:
        if row.entity != "article" or not row.public or row.event == change_log.PLACED:
            continue
        facts = [_read_facts(row.entity_id, kept) for kept in (row.before, row.after)]
        public = [one for one in facts if one is not None and one.status == "published"]
        tag_ids.update({tag for one in public for tag in one.tags})
        region_ids.update({region for one in public for region in one.regions})
    names = await _name_tags(context, tag_ids)
    atlas = await regions.current(context.db, head.epoch, head.names_seq)
    names += [(count, f"regions/{atlas.by_id[id].slug}") for id, count in region_ids.items() if id in atlas.by_id]
    names.sort(key=lambda one: (-one[0], one[1]))
    feeds = ["articles", *(name for _, name in names[:MOST_FEEDS])]
    return [context.addresses.feed(name, format, form) for name in feeds for format in FORMATS for form in FORMS]


def _read_facts(id: int, kept: str | None) -> ArticleFacts | None:
    return None if kept is None else from_log(id, orjson.loads(kept))


async def _name_tags(context: AppContext, counts: Counter[int]) -> list[tuple[int, str]]:
    """The feeds of the commonest of these tags; one of a section is that of a tag, too."""
    commonest = dict(counts.most_common(MOST_FEEDS))
    rows = await tags.by_ids(context.db, list(commonest))
    names = []
    for id, tag in rows.items():
        kinds = {"contributor": ("authors",), "section": ("sections", "tags")}.get(tag.kind, ("tags",))
        names += [(commonest[id], f"{kind}/{tag.slug}") for kind in kinds]
    return names
