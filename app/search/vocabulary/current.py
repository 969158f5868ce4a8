"""The archive's vocabulary as it is now: read from SQL when a name has changed, kept as long as none has."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import func, select

from app.changes import log
from app.changes.single_flight import SingleFlight
from app.db.database import Database
from app.db.log_position import LogHead
from app.db.sql import Prepared, Value, prepare
from app.models import Tag, table
from app.search.vocabulary import names


@dataclass(frozen=True, slots=True)
class _CachedVocabulary:
    names_seq: int
    newest_tag: object
    good_until: float
    words: names.Vocabulary


class CurrentVocabulary:
    """Shared by all requests: hundreds that need a new one wait for one reading of it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._cached: _CachedVocabulary | None = None
        self._once = SingleFlight()

    async def get(self, head: LogHead, tags: Iterable[int] = ()) -> names.Vocabulary:
        """All names of tags and regions, read again when one was renamed and when there are new tags; for new tags at
        most a twentieth of the time is spent on reading, because an import makes them by the hundred. `tags` are ids
        whose names are needed now."""
        cached = await self._get_valid(head)
        [(newest,)] = await self._db.reader.rows(_newest_tag_statement(self._db.dialect), {})
        if cached is not None and cached.names_seq == head.names_seq:
            if cached.newest_tag == newest:
                return cached.words
            if time.monotonic() < cached.good_until and all(("tag", tag) in cached.words.entries for tag in tags):
                return cached.words
        return await self._once.run((head.names_seq, newest), lambda: self._load_shared(head.names_seq, newest))

    async def _get_valid(self, head: LogHead) -> _CachedVocabulary | None:
        """What is kept, noted as of the head where no name has changed since."""
        cached = self._cached
        if cached is None or not 0 < head.names_seq - cached.names_seq < log.NEAR:
            return cached
        values: dict[str, Value] = {"after": cached.names_seq, "until": head.names_seq, "entities": ["tag", "region"]}
        if not await self._db.reader.rows(log.renamed_statement(self._db.dialect), values):
            cached = self._cached = replace(cached, names_seq=head.names_seq)
        return cached

    async def _load_shared(self, names_seq: int, newest: object) -> names.Vocabulary:
        began = time.monotonic()
        words = await asyncio.to_thread(self._load)
        took = time.monotonic() - began
        # A twentieth of the time at most: nineteen times as long as reading took the old names are good enough.
        self._cached = _CachedVocabulary(names_seq, newest, began + 20 * took, words)
        return words

    def _load(self) -> names.Vocabulary:
        with self._db.snapshot() as snapshot:
            return names.load_vocabulary(snapshot)


@lru_cache(maxsize=4)
def _newest_tag_statement(dialect: str) -> Prepared:
    return prepare(select(func.max(table(Tag).c.id)), dialect)
