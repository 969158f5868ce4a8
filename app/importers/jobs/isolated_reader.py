"""Reads an import through a process of its own (`child`), and goes on behind an item that ends it.

Serves what the process asks for: pieces, pages behind the guard, regions and tags. Never parses anything itself.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from app.db.database import Database
from app.importers.document import Bookmark, Failure, Remark
from app.importers.jobs import messages
from app.importers.jobs.messages import FetchProblem, ImportOrders, ItemRequest, NameUpdate, WorkPlace
from app.importers.jobs.process_pool import ProcessPool, ReaderProcess, ReaderProcessDied
from app.importers.jobs.upload_store import StoredParts
from app.importers.prepare import PreparedItem
from app.importers.web import crawl_state
from app.importers.web.fetch import Fetch, FetchedPage, FetchError
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.tags import lexicon
from app.tags.lexicon import LexiconVersion

Result = PreparedItem | Failure | Remark | Bookmark
Fetcher = Callable[[], AbstractContextManager[Fetch]]

log = logging.getLogger(__name__)


class IsolatedReader:
    """One import as it is read, over as many processes as it takes. To be iterated once, and closed."""

    def __init__(self, db: Database, job: int, orders: ImportOrders, fetcher: Fetcher, children: ProcessPool) -> None:
        self._db, self._orders, self._fetcher, self._children = db, orders, fetcher, children
        self._kept = StoredParts(db, job)
        self._fetch: Fetch | None = None
        self._news = NameChanges(db)
        self._progress = ReadProgress(orders)
        self._place: WorkPlace | None = None
        self._deaths: dict[tuple[WorkPlace | None, int], str] = {}
        self.child: ReaderProcess | None = None

    def renew_names(self) -> None:
        """Regions and tags are looked up again for the next item."""
        self._news.stale = True

    def start(self) -> None:
        """Waits until there is a process that could begin. What goes wrong with it is told where items are read."""
        if self.child is None:
            with suppress(ReaderProcessDied):
                self._start_process()

    def __iter__(self) -> Iterator[Result]:
        try:
            with self._fetcher() if self._orders.url else nullcontext() as self._fetch:
                yield from self._read_results()
        finally:
            self.close()

    def close(self) -> None:
        child, self.child = self.child, None
        if child is not None:
            child.close()

    def _read_results(self) -> Iterator[Result]:
        while True:
            try:
                yield from self._read_remaining()
            except ReaderProcessDied as death:
                if failure := self._record_death(str(death)):
                    yield failure
                    return
            else:
                return

    def _record_death(self, reason: str) -> Failure | None:
        """Remembers what ended the process, so that the next one leaves it out. A Failure, the last item, where that
        has not helped, or has been needed too often."""
        log.warning("the process that reads an import has ended at %s: %s", self._place, reason)
        # With the count: one place may end one process after another, as long as items come in between.
        key = (self._place, self._progress.count)
        where = self._place.where if self._place else self._orders.url or "body"
        if key in self._deaths:
            return Failure(where, f"{reason}; the rest, behind {self._progress.last or 'its beginning'}, was not read")
        self._deaths[key] = reason
        fatal = sum(place is not None for place, _ in self._deaths)
        if fatal > self._children.most_deaths:
            return Failure(where, f"{reason}, as {fatal - 1} items before it; the rest was not read")
        return None

    def _read_remaining(self) -> Iterator[Result]:
        """The items behind those that were given already."""
        # After a death `child` is the process that has died.
        child = self._start_process() if self.child is None or self._deaths else self.child
        remaining = 0
        while True:
            if not remaining:
                remaining = messages.AT_ONCE
                child.send(ItemRequest(remaining, self._news.read()))
            result = self._receive(child)
            remaining -= 1
            if result is None:
                self.child = None
                self._children.give_back(child)
                return
            if self._progress.is_new(result):
                self._place = None
                yield result

    def _start_process(self) -> ReaderProcess:
        """Another process, which leaves out what ended the ones before it."""
        self.close()
        self._place = None
        self._news.reset()
        avoid = {place: reason for (place, _), reason in self._deaths.items() if place is not None}
        self.child = self._children.take(replace(self._orders, skip=self._progress.begin_again(), avoid=avoid))
        return self.child

    def _receive(self, child: ReaderProcess) -> Result | None:
        """The next item; None where there are no more. Serves what is asked for meanwhile."""
        while True:
            letter, content = child.receive()
            try:
                if letter == messages.END:
                    return None
                if letter in _create_adapters():
                    return _create_adapters()[letter].validate_json(content)
                if letter == messages.BEGIN:
                    self._place = _place_adapter().validate_json(content)
                else:
                    child.send(self._respond(letter, orjson.loads(content)))
            # Whatever comes out of a process that has read hostile input ends that process, and never raises here.
            except (ValidationError, orjson.JSONDecodeError, LookupError, TypeError) as error:
                raise ReaderProcessDied(f"the process that read it made no sense: {type(error).__name__}") from error

    def _respond(self, letter: bytes, value: Any) -> object:
        if letter == messages.PART:
            return self._kept.load_part(int(value))
        if letter == messages.PARTS:
            return self._kept.count_parts()
        if letter == messages.RECALL:
            return self._load_state(str(value))
        if letter == messages.FETCH:
            return self._load_resource(str(value["url"]), str(value["accept"]), value["known"])
        raise LookupError(letter)

    def _load_state(self, url: str) -> Mapping[str, object]:
        if self._progress.bookmark and self._progress.bookmark.url == url:
            return self._progress.bookmark.state
        if self._orders.overwrite:
            return {}
        with self._db.snapshot() as snapshot:
            return crawl_state.load_state(snapshot.connection, url)

    def _load_resource(self, url: str, accept: str, known: Mapping[str, str] | None) -> FetchedPage | FetchProblem:
        assert self._fetch is not None  # there is an address
        try:
            return self._fetch(url, accept=accept, known=known)
        except FetchError as error:
            return FetchProblem(error.url, error.reason, error.status)


class ReadProgress:
    """What was given out already, for the process that goes on behind it. What was sent reads the same again, so that
    items are counted; an address is read on from its last bookmark, and what comes again is known by where it stood."""

    def __init__(self, orders: ImportOrders) -> None:
        self._counts = orders.url is None
        self._done = orders.skip
        self._sent_keys: Counter[tuple[str, ...]] = Counter()
        self._again: Counter[tuple[str, ...]] = Counter()
        self.bookmark: Bookmark | None = None
        self.count, self.last = 0, ""

    def begin_again(self) -> int:
        """How many articles and failures the next process passes over."""
        self._again = Counter(self._sent_keys)
        return self._done

    def is_new(self, result: Result) -> bool:
        """Whether it was not given before; from now on it was."""
        if isinstance(result, Bookmark):
            self.bookmark = result
            self._sent_keys.clear()
            return True
        key = (type(result).__name__, result.where, result.text if isinstance(result, Remark) else "")
        if self._again[key]:
            self._again[key] -= 1
            return False
        self.count, self.last = self.count + 1, result.where
        if self._counts and not isinstance(result, Remark):
            self._done += 1
            self._sent_keys.clear()  # what stands before it is passed over by its number
        else:
            self._sent_keys[key] += 1
        return True


class NameChanges:
    """Regions and tags as a process has them, and what has changed since."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._atlas: Atlas | None = None
        self._mark: LexiconVersion | None = None
        self.stale = True

    def reset(self) -> None:
        """There is a new process."""
        self._atlas = self._mark = None
        self.stale = True

    def read(self) -> NameUpdate | None:
        if not self.stale:
            return None
        self.stale = False
        with self._db.snapshot() as snapshot:
            atlas = regions.atlas(snapshot.connection)
            self._mark, tags, whole = lexicon.load_since(snapshot, self._mark)
        # An atlas at a later place in the log shares what it has with the one before it.
        same = self._atlas is not None and atlas.by_id is self._atlas.by_id
        self._atlas = atlas
        return NameUpdate(None if same else atlas, tuple(tags), whole)


@cache
def _create_adapters() -> Mapping[bytes, TypeAdapter[Result]]:
    """What checks and reads results, by their letters. Built when the first import is read."""
    return {
        messages.PREPARED: TypeAdapter(PreparedItem),
        messages.FAILURE: TypeAdapter(Failure),
        messages.REMARK: TypeAdapter(Remark),
        messages.BOOKMARK: TypeAdapter(Bookmark),
    }


@cache
def _place_adapter() -> TypeAdapter[WorkPlace]:
    return TypeAdapter(WorkPlace)
