"""The live index as a reader sees it: opens it, notices commits and flips, and goes on with the old one in between.

Never writes. Every look costs two calls of `stat`.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query, Searcher

from app.db.log_position import LogPosition
from app.search.query.stop_words import choose_languages
from app.search.tantivy import index_schema
from app.search.tantivy.filters import FilterQueries, local_filters
from app.search.tantivy.storage import index_folders, index_forms, integrity

log = logging.getLogger(__name__)
Stamp = tuple[int, int, int]
Stamps = tuple[Stamp | None, Stamp | None]
"""Of `CURRENT` and of the live folder's `meta.json`: another one means that there is something new."""
_REMEMBERED = 1_000
MOST_VALUES = 65_000
"""More buckets than this are an error of tantivy's."""


class IndexDamaged(Exception):
    """The folder cannot be read as an index; the message says why."""


@dataclass(frozen=True, slots=True)
class View:
    """One commit of the index: its results do not change. `memo` holds what was worked out from it before; `filters`
    makes the queries that it is asked."""

    searcher: Searcher
    place: LogPosition
    memo: dict[object, object] = field(default_factory=dict)
    filters: FilterQueries = local_filters

    def remember(self, key: object, value: object) -> None:
        """Keeps a thousand things; forgets all of them rather than grow."""
        if len(self.memo) >= _REMEMBERED:
            self.memo.clear()
        self.memo[key] = value

    def count(self, query: Query) -> int:
        """How many articles match."""
        # For one hit: of none tantivy panics.
        count: int = self.searcher.search(query, 1).count  # type: ignore[attr-defined] # missing in its stubs
        return count

    def load_scores(self, queries: Sequence[Query], most: int) -> dict[int, float]:
        """What each of them adds to the score of articles that match all, by their ids; of `most` articles."""
        condition = self.filters.query.boolean_query([(Occur.Must, query) for query in queries])
        results = self.searcher.search(condition, max(most, 1), count=False).hits
        numbers = self.searcher.fast_field_values("id", [address for _, address in results])
        return {int(number or 0): score for number, (score, _) in zip(numbers, results, strict=True)}

    def load_all_scores(self, asked: Sequence[Sequence[Query]], most: int) -> list[dict[int, float]]:
        """The same of several, one after another."""
        return [self.load_scores(queries, most) for queries in asked]


@contextmanager
def translate_damage(what: str) -> Iterator[None]:
    """Turns whatever tantivy says of a folder that it cannot read into IndexDamaged; its panics are no Exceptions."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise IndexDamaged(f"{what}: {error}") from error
    except BaseException as error:
        if is_panic(error):
            raise IndexDamaged(f"{what}: {error}") from error
        raise


def is_panic(error: BaseException) -> bool:
    """Whether tantivy broke off in the middle; anything that Python itself raises is none."""
    return type(error).__name__ == "PanicException"


def open_index(folder: Path) -> tantivy.Index:
    """IndexDamaged where the files are missing or unreadable, or were replaced by others than were committed."""
    with translate_damage(folder.name):
        manifest = integrity.read_manifest(folder)
        if manifest is not None:
            integrity.check_replaced(folder, manifest)
        index = tantivy.Index.open(str(folder))
        index.config_reader("manual")
        index.reload()
        return index


def read_view(index: tantivy.Index) -> View:
    """The newest commit that was loaded; IndexDamaged where it bears no place that this version wrote."""
    with translate_damage("the place"):
        searcher = index.searcher()
        hits = searcher.search(Query.regex_query(index.schema, index_schema.PLACE, ".*"), 1, count=False).hits
        text = searcher.doc(hits[0][1]).get_first(index_schema.PLACE) if hits else None
        position = index_schema.parse_position(text) if isinstance(text, str) else None
    if position is None:
        raise IndexDamaged("it was made by another version")
    return View(searcher, position)


class LiveIndex:
    """Threads share one; `view` is the newest that can be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._seen: Stamps = (None, None)
        self._current = str(index_forms.locate_form(root) / index_forms.CURRENT)
        self._folder: Path | None = None
        self._meta: str | None = None
        self._index: tantivy.Index | None = None
        self._view: View | None = None

    def view(self) -> View | None:
        """None where there is no index yet, or none that can be read."""
        if self._read_stamps() != self._seen:
            with self._lock:
                if (stamps := self._read_stamps()) != self._seen:
                    self._refresh(stamps)
        return self._view

    def _read_stamps(self) -> Stamps:
        return _read_stamp(self._current), _read_stamp(self._meta) if self._meta else None

    def _refresh(self, stamps: Stamps) -> None:
        """Stamps are from before anything is read: what is committed or flipped meanwhile shows at the next look."""
        seen = stamps
        try:
            folder = index_folders.find_current(self._root)
            if folder is not None and (folder != self._folder or self._index is None):
                path = str(folder / "meta.json")
                meta = _read_stamp(path)
                self._index, self._folder, self._meta = open_index(folder), folder, path
                seen = (stamps[0], meta)
                self._view = read_view(self._index)
            elif self._index is not None and stamps[1] is not None:
                with translate_damage("the newest commit"):
                    self._index.reload()
                self._view = read_view(self._index)
        except IndexDamaged as error:
            log.warning("the search index cannot be read: %s", error)
        self._seen = seen  # last: until then the other threads wait for the view


def _read_stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def find_languages(view: View) -> tuple[str, ...]:
    """Those that queries are read in, counted once a view."""
    cached = view.memo.get("languages")
    if not isinstance(cached, tuple):
        counts = count_terms(view.searcher, Query.all_query(), ["language"])["language"]
        cached = choose_languages({str(name): count for name, count in counts.items()})
        view.remember("languages", cached)
    return cached


def count_terms(searcher: Searcher, query: Query, field_names: Iterable[str]) -> dict[str, Mapping[int | str, int]]:
    """Articles by value, of the MOST_VALUES commonest of each field. Each segment counts all, else it would guess."""
    aggregations = build_aggregations(field_names)
    return read_terms(searcher.aggregate(query, aggregations) if aggregations else {}, field_names)


def build_aggregations(field_names: Iterable[str]) -> dict[str, object]:
    """The aggregations that `count_terms` asks for, by field."""
    return {
        name: {"terms": {"field": name, "size": MOST_VALUES, "segment_size": 100_000_000}}
        for name in field_names
        if name != "within_0"
    }


def read_terms(aggregated: Mapping[str, Any], field_names: Iterable[str]) -> dict[str, Mapping[int | str, int]]:
    """What came of it."""
    counts = {
        name: {b["key"]: b["doc_count"] for b in aggregated[name]["buckets"]}
        for name in field_names
        if name in aggregated
    }
    return {name: counts.get(name, {}) for name in field_names}
