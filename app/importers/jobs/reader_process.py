"""The process that reads one import: parses, prepares and enriches what strangers wrote, within limits on memory and
processor time, so that a hostile page costs its own item and not the server.

Has no database and opens no connection: pieces of what was sent, and pages, come from the server, which asks for each
item. Ends when the server does.
"""

import io
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TypeVar
from zoneinfo import ZoneInfo

import orjson

from app.enrich import language, tags
from app.enrich.tags import TagLexicon
from app.importers import boundary, sources
from app.importers.boundary import Stage
from app.importers.document import Bookmark, Document, Failure, Item, ParseContext, Remark
from app.importers.enrichment import enrich
from app.importers.formats import detect
from app.importers.jobs import messages
from app.importers.jobs.messages import (
    FetchProblem,
    ImportOrders,
    ItemLimits,
    ItemRequest,
    NameUpdate,
    ProcessSetup,
    WorkPlace,
)
from app.importers.jobs.part_stream import PART_BYTES, PartStream
from app.importers.prepare import SENT, PreparedItem, prepare
from app.importers.sources import SourceInput, WebAccess
from app.importers.web.fetch import FetchedPage, FetchError
from app.regions.atlas import Atlas
from app.text import keys

IDLE_SECONDS = 120.0
PLAIN = (None, "application/octet-stream")
"""Types under which text may be sent: under another one, what is only text to us is something else gone wrong."""

T = TypeVar("T")
Result = PreparedItem | Failure | Remark | Bookmark
LETTERS: Mapping[type[Result], bytes] = {
    PreparedItem: messages.PREPARED, Failure: messages.FAILURE, Remark: messages.REMARK, Bookmark: messages.BOOKMARK,
}  # fmt: skip


class ServerLink:
    """The server as this process sees it. Whatever it responds to is a sign of life, and renews the time that the
    processor may be used."""

    def __init__(self, link: Connection, limits: ItemLimits) -> None:
        self.link, self._seconds = link, limits.cpu_seconds

    def renew_deadline(self) -> None:
        # RLIMIT_CPU counts from the start of the process, which reads one item after another: the limit moves on.
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + self._seconds, hard))

    def tell(self, letter: bytes, value: object = None) -> None:
        self.link.send_bytes(letter + orjson.dumps(value))

    def ask(self, kind: type[T], letter: bytes, value: object = None) -> T:
        """The server's response, which is of this kind."""
        self.tell(letter, value)
        response = self.link.recv()
        self.renew_deadline()
        assert isinstance(response, kind)
        return response

    def fetch(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage:
        """As `fetch.Fetch`: the server fetches, behind its guard."""
        page = self.ask(object, messages.FETCH, {"url": url, "accept": accept, "known": known})
        if isinstance(page, FetchProblem):
            raise FetchError(*page)
        assert isinstance(page, FetchedPage)
        return page

    def load_state(self, url: str) -> Mapping[str, object]:
        return self.ask(dict, messages.RECALL, url)


class _RemoteParts(PartStream):
    """The pieces of what was sent, asked for one by one."""

    def __init__(self, server: ServerLink) -> None:
        super().__init__()
        self._server = server

    def load_part(self, number: int) -> bytes:
        return self._server.ask(bytes, messages.PART, number)

    def count_parts(self) -> int:
        return self._server.ask(int, messages.PARTS)


class ProcessObserver:
    """Tells the server what is begun; leaves out what ended a process before this one."""

    def __init__(self, server: ServerLink, orders: ImportOrders) -> None:
        self._server, self._orders = server, orders
        self.index = 0

    def begin(self, stage: Stage, where: str) -> str | None:
        place = WorkPlace(stage, keys.clean(where), 0 if self._orders.url else self.index)
        if refusal := self._orders.avoid.get(place):
            return refusal
        self._server.renew_deadline()
        self._server.tell(messages.BEGIN, place)
        return None


class ImportRun:
    """One import at work, an item at a time."""

    def __init__(self, server: ServerLink, orders: ImportOrders, *, enrich: bool) -> None:
        self._server, self._orders, self._enrich = server, orders, enrich
        self._signs = ProcessObserver(server, orders)
        self._atlas: Atlas | None = None
        self._lexicon: TagLexicon = tags.EMPTY
        self._items = _open_items(server, orders)
        self._skip = orders.skip

    def run(self) -> None:
        """Until there are no more items, or the server is gone."""
        boundary.observer.set(self._signs)
        while True:
            if not self._server.link.poll(IDLE_SECONDS):
                raise EOFError  # the job goes on elsewhere; should it not, there will be another process
            request = self._server.link.recv()
            assert isinstance(request, ItemRequest)
            if request.names is not None:
                self._update_names(request.names)
            for _ in range(request.count):
                result = self._read_next()
                if result is None:
                    self._server.tell(messages.END)
                    return
                self._send(result)

    def _update_names(self, names: NameUpdate) -> None:
        self._atlas = names.atlas or self._atlas
        self._lexicon = tags.extend(tags.EMPTY if names.all_tags else self._lexicon, names.tags)

    def _read_next(self) -> Result | None:
        for item in self._items:
            self._signs.index += 1
            if self._skip:
                self._skip -= isinstance(item, Document | Failure)
                continue
            return self._prepare(item) if isinstance(item, Document) else item
        return None

    def _prepare(self, document: Document) -> PreparedItem | Failure:
        assert self._atlas is not None  # it came with the first request
        path = self._orders.url or SENT
        prepared = boundary.attempt(
            "prepare", document.where, prepare, document, path, self._orders.origin, self._atlas
        )
        if isinstance(prepared, Failure):
            return replace(prepared, late=True)
        return enrich(prepared, document, self._atlas, self._lexicon) if self._enrich else prepared

    def _send(self, result: Result) -> None:
        if isinstance(result, PreparedItem):
            result = replace(result, text="")  # which only enrichment reads
        where = result.url if isinstance(result, Bookmark) else result.where
        content = boundary.attempt("prepare", where, orjson.dumps, result)
        if isinstance(content, Failure):
            self._server.tell(messages.FAILURE, replace(content, where=keys.clean(where), late=True))
        elif len(content) >= messages.MOST_BYTES:
            self._server.tell(messages.FAILURE, Failure(where, boundary.TOO_MUCH_MEMORY, late=True))
        else:
            self._server.link.send_bytes(LETTERS[type(result)] + content)


def _open_items(server: ServerLink, orders: ImportOrders) -> Iterator[Item]:
    zone = ZoneInfo(orders.timezone) if orders.timezone else ParseContext().timezone
    context = ParseContext(
        orders.origin or SENT, zone, orders.body, charset=orders.charset, base_url=orders.base_url,
        source_dates=orders.source_dates, now=orders.now, identity=orders.identity,
    )  # fmt: skip
    if orders.url is not None:
        for source in sources.find_sources([orders.url], io.BytesIO()):
            yield from sources.read_items(source, orders.format, context, WebAccess(server.fetch, server.load_state))
        return
    source = SourceInput("body", SENT, lambda: io.BufferedReader(_RemoteParts(server), PART_BYTES))
    kind = orders.format
    if kind is None and orders.media_type not in PLAIN:
        with source.open() as stream:
            head = stream.read(detect.HEAD)
        try:
            kind = detect.choose_parser(SENT, head, charset=orders.charset)
        except detect.NotText as error:
            yield Failure("body", str(error))
            return
        if kind in ("text", "markdown"):
            yield Failure("body", f"sent as {orders.media_type}, but it is nothing of that kind")
            return
    yield from sources.read_items(source, kind, context)


def _set_limits(limits: ItemLimits) -> None:
    """Only what the kernel keeps holds for libraries too. Where it does not tell how much memory there is already, as
    outside of Linux, only the time is limited."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # libraries that get no memory abort, and a dump is large
    try:
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (used + limits.memory_bytes, used + limits.memory_bytes))


def main(descriptor: int) -> None:
    """The process itself, for one import after another; `descriptor` is that of its end of the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the server ends this process through the connection
    link = Connection(descriptor)
    try:
        setup = link.recv()
        assert isinstance(setup, ProcessSetup)
        if setup.enrich:
            language.model()  # now, so that it is neither the first item's time nor its memory
        _set_limits(setup.limits)
        server = ServerLink(link, setup.limits)
        server.tell(messages.READY)
        while link.poll(IDLE_SECONDS):
            orders = link.recv()
            assert isinstance(orders, ImportOrders)
            ImportRun(server, orders, enrich=setup.enrich).run()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the server is gone, or wants no more


if __name__ == "__main__":
    main(int(sys.argv[1]))
