"""The archive's vocabulary as it is now: read from SQL when a name has changed, kept as long as none has."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import func, select

from app.changes import log
from app.db.database import Database
from app.db.log_position import LogHead
from app.db.sql import Prepared, Value, prepare
from app.models import Tag, table
from app.search.single_flight import Once
from app.search.vocabulary import names
from app.search.vocabulary.names import Vocabulary


@dataclass(frozen=True, slots=True)
class _Kept:
    names_seq: int
    newest_tag: int | None
    good_until: float
    words: Vocabulary


class CurrentVocabulary:
    """Shared by all requests: hundreds that need a new one wait for one reading of it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: _Kept | None = None
        self._once = Once()

    async def get(self, head: LogHead, tags: Iterable[int] = ()) -> Vocabulary:
        """All names of tags and regions, read again when one was renamed and when there are new tags; for new tags at
        most a twentieth of the time is spent on reading, because an import makes them by the hundred. `tags` are ids
        whose names are needed now."""
        kept, newest = await self._still(head), await self._newest_tag()
        if kept is not None and kept.names_seq == head.names_seq:
            if kept.newest_tag == newest:
                return kept.words
            if time.monotonic() < kept.good_until and all(("tag", tag) in kept.words.entries for tag in tags):
                return kept.words
        return await self._once.do((head.names_seq, newest), lambda: self._read(head.names_seq, newest))

    async def _still(self, head: LogHead) -> _Kept | None:
        """What is kept, noted as of the head where no name has changed since."""
        kept = self._kept
        if kept is None or not 0 < head.names_seq - kept.names_seq < log.NEAR:
            return kept
        values: dict[str, Value] = {"after": kept.names_seq, "until": head.names_seq, "entities": ["tag", "region"]}
        if not await self._db.reader.rows(log.renamed_statement(self._db.dialect), values):
            kept = self._kept = replace(kept, names_seq=head.names_seq)
        return kept

    async def _read(self, names_seq: int, newest: int | None) -> Vocabulary:
        began = time.monotonic()
        words = await asyncio.to_thread(self._load)
        took = time.monotonic() - began
        self._kept = _Kept(names_seq, newest, began + 20 * took, words)
        return words

    def _load(self) -> Vocabulary:
        with self._db.snapshot() as snapshot:
            return names.load(snapshot)

    async def _newest_tag(self) -> int | None:
        [(newest,)] = await self._db.reader.rows(_newest_tag(self._db.dialect), {})
        return newest if isinstance(newest, int) else None


@lru_cache(maxsize=4)
def _newest_tag(dialect: str) -> Prepared:
    return prepare(select(func.max(table(Tag).c.id)), dialect)
