"""Bodies as they are sent: the JSON of their views, by article and version, bounded in bytes; and what search has read
of their words.

Nothing stale is found, because the version is part of what is asked for. What the log names is removed all the same, as
soon as this process sees that it has moved on: a body that was purged or withdrawn must not stay in memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from sqlalchemy import bindparam, select

from app.articles.reading.byte_lru import ByteLru
from app.changes.log import NEAR
from app.db.database import Readable
from app.db.log_position import LogHead
from app.db.sql import Prepared, prepare, read_integer
from app.errors import DatabaseUnavailable
from app.models import Change, table

CHANGE = table(Change)
MOST_BYTES, LARGEST = 10_000_000, 80_000
ENTRY_BYTES, LARGEST_ENTRY = 6_000_000, 120_000
TEXT_BYTES, LARGEST_TEXT = 10_000_000, 120_000
OVERHEAD = 600
"""Bytes that an entry takes beside the JSON of its views: the objects around them."""


@dataclass(frozen=True, slots=True)
class BodySize:
    """A stored body of one version: its bytes, and how many tags it counts as."""

    version: int
    size: int
    tags: int


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A body, and the JSON of its views by their names."""

    measured: BodySize
    views: Mapping[str, bytes]


class BodyText(Protocol):
    """A body's text, however it is kept."""

    @property
    def size(self) -> int:
        """Bytes in memory."""
        ...


@dataclass(frozen=True, slots=True)
class EncodedEntry:
    """An article as a feed has it. `cost`: what its body counts as in a response; `updated` as in the article."""

    data: bytes
    cost: int
    updated: str


@dataclass(frozen=True, slots=True)
class _Entries:
    """By the form of the feed, of one version of the article and of the names in it."""

    version: tuple[int, int]
    forms: Mapping[str, EncodedEntry]


class EncodedBodies:
    """The most recently used bodies of this process, texts of bodies, and entries of feeds, which may hold bodies.
    Empty for whoever never told it where the log stands. `processes`: of the same server, which share the memory for
    texts and entries. Each has its own for bodies."""

    def __init__(self, processes: int = 1) -> None:
        self._kept: ByteLru[int, EncodedBody] = ByteLru(MOST_BYTES, LARGEST)
        self._texts: ByteLru[int, tuple[int, BodyText]] = ByteLru(TEXT_BYTES // processes, LARGEST_TEXT)
        self._entries: ByteLru[int, _Entries] = ByteLru(ENTRY_BYTES // processes, LARGEST_ENTRY)
        self.head: LogHead | None = None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self._kept.held + self._texts.held + self._entries.held

    def find(self, versions: Iterable[tuple[int, int]], names: Iterable[str]) -> dict[int, EncodedBody]:
        """Of articles as (id, version) those of which all these views are here."""
        view_names, bodies = list(names), {}
        for id, version in versions:
            body = self._kept.get(id)
            if body is not None and body.measured.version == version and all(name in body.views for name in view_names):
                bodies[id] = body
        return bodies

    def put(self, id: int, measured: BodySize, views: Mapping[str, bytes], head: LogHead) -> None:
        """Adds views that were read while the log stood at `head`, or later. Not kept where it has moved on since: what
        they show may have been removed."""
        if head != self.head:
            return
        before = self._kept.get(id)
        if before is not None and before.measured.version == measured.version:
            views = {**before.views, **views}
        # Copies: orjson leaves its results in buffers of at least 8 kB.
        copies = {name: bytes(memoryview(view)) for name, view in views.items()}
        self._kept.put(id, EncodedBody(measured, copies), OVERHEAD + sum(map(len, copies.values())))

    def find_text(self, id: int, version: int) -> BodyText | None:
        """The text of the body of this version."""
        kept = self._texts.get(id)
        return kept[1] if kept is not None and kept[0] == version else None

    def put_text(self, id: int, version: int, text: BodyText, head: LogHead) -> None:
        """Keeps a text that was read while the log stood at `head`, as `put` does; again where it has grown."""
        if head == self.head:
            self._texts.put(id, (version, text), OVERHEAD + text.size)

    def find_entries(self, versions: Iterable[tuple[int, tuple[int, int]]], form: str) -> dict[int, EncodedEntry]:
        """Entries in a form of a feed, of articles as (id, version), as far as they are here; a version is that of the
        article, and that of all names."""
        entries, get = {}, self._entries.get
        for id, version in versions:
            kept = get(id)
            if kept is not None and kept.version == version and (entry := kept.forms.get(form)) is not None:
                entries[id] = entry
        return entries

    def put_entry(self, id: int, version: tuple[int, int], form: str, entry: EncodedEntry, head: LogHead) -> None:
        """Keeps an entry that was read while the log stood at `head`, as `put` does."""
        if head != self.head:
            return
        before = self._entries.get(id)
        forms = {**before.forms} if before is not None and before.version == version else {}
        forms[form] = entry
        size = sum(OVERHEAD + len(one.data) for one in forms.values())
        self._entries.put(id, _Entries(version, forms), size)

    async def follow(self, db: Readable, head: LogHead) -> None:
        """Removes what the log has named up to `head`; one small statement where it has moved on."""
        before = self.head
        if head == before or (before is not None and head.epoch == before.epoch and head.seq < before.seq):
            return
        self.head = head
        if not self._kept and not self._texts and not self._entries:
            return
        if before is None or head.epoch != before.epoch or head.seq - before.seq > NEAR:
            self._clear()
            return
        try:
            rows = await db.reader.rows(_named_statement(db.dialect), {"after": before.seq, "until": head.seq})
        except DatabaseUnavailable:
            self._clear()
            raise
        for (id,) in rows:
            self._kept.remove(read_integer(id))
            self._texts.remove(read_integer(id))
            self._entries.remove(read_integer(id))

    def _clear(self) -> None:
        self._kept.clear()
        self._texts.clear()
        self._entries.clear()


@lru_cache(maxsize=4)
def _named_statement(dialect: str) -> Prepared:
    after, until = (bindparam(name, type_=CHANGE.c.seq.type) for name in ("after", "until"))
    of_articles = CHANGE.c.seq > after, CHANGE.c.seq <= until, CHANGE.c.entity == "article"
    return prepare(select(CHANGE.c.entity_id).where(*of_articles), dialect)
