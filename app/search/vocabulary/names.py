"""The names of tags, authors and regions in memory, to search and to suggest by. Read from SQL, never written.

A few thousand names cost a few milliseconds to read; the caller does so when one of them has changed.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Literal

from sqlalchemy import Select, select

from app.db.database import Snapshot
from app.models import Region, RegionName, Tag, TagName, table
from app.search.engine import NamedRegion, NameKind
from app.search.query import analysis, typos

HEAD = 3
"""Letters of which most edits of a word begin no name: those need no search."""
_REMEMBERED = 256
_LARGE = ("region", "subregion", "grouping")
"""Levels whose name means them as a whole: "Europe" is not meant for each article on a town in it."""
Realm = Literal["tag", "region"]
Key = tuple[Realm, int]
TagFacet = Literal["tag", "author", "section"]
_FACETS: dict[str, TagFacet] = {"contributor": "author", "section": "section"}
"""Of these kinds of tags; all others are in the facet `tag`."""


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """A tag or region with everything that it is called; `kind` is the tag's, or the region's level."""

    realm: Realm
    id: int
    slug: str
    name: str
    kind: str
    others: tuple[str, ...] = ()


class Vocabulary:
    """Names by their words, folded. Immutable; equal to itself only."""

    def __init__(self, entries: Iterable[NamedEntry]) -> None:
        self._by_slug: dict[tuple[Realm, str], int] = {}
        self.entries: dict[Key, NamedEntry] = {}
        self._texts: dict[Key, tuple[str, ...]] = {}
        self.tags: dict[TagFacet, set[int]] = {"tag": set(), "author": set(), "section": set()}
        by_word: defaultdict[str, set[Key]] = defaultdict(set)
        by_name: defaultdict[tuple[str, ...], dict[NamedRegion, None]] = defaultdict(dict)
        for entry in entries:
            self._add(entry, by_word, by_name)
        # Nearly all have one element, of which a tuple takes a quarter of the memory that a set or dictionary takes.
        self._by_word = {word: tuple(keys) for word, keys in by_word.items()}
        self._regions = {words: tuple(regions) for words, regions in by_name.items()}
        self._words = sorted(self._by_word)
        # All edits of a word are hundreds, of which few begin as any name does.
        self._heads = {word[:HEAD] for word in self._words}
        self._cache: dict[str, frozenset[Key]] = {}

    def _add(
        self,
        entry: NamedEntry,
        by_word: defaultdict[str, set[Key]],
        by_name: defaultdict[tuple[str, ...], dict[NamedRegion, None]],
    ) -> None:
        key = (entry.realm, entry.id)
        self.entries[key] = entry
        self._by_slug[entry.realm, entry.slug] = entry.id
        if entry.realm == "tag":
            self.tags[_FACETS.get(entry.kind, "tag")].add(entry.id)
        if entry.realm == "region" and entry.kind != "world":
            region = _make_region(entry)
            for called in (entry.name, *entry.others):
                # With capitals that tell: "us" names no country.
                by_name[analysis.analyse_name(called)][region] = None
        read = [_split_words(name) for name in (entry.name, *entry.others)]
        self._texts[key] = tuple(dict.fromkeys(" ".join(words) for words in read))
        for word in chain.from_iterable(read):
            by_word[word].add(key)

    def find_named(self, kind: NameKind, text: str) -> tuple[int, ...]:
        """As Names asks; in ascending order."""
        realm: Realm = "region" if kind == "region" else "tag"
        words = frozenset(analysis.list_whole_words(text))
        keys = set.intersection(*(set(self._by_word.get(word, ())) for word in words)) if words else set()
        ids = {i for r, i in keys if r == realm and any(words.issubset(text.split()) for text in self._texts[r, i])}
        if (by_slug := self._by_slug.get((realm, text.lower()))) is not None:
            ids.add(by_slug)
        authors_only = kind == "author"
        return tuple(sorted(i for i in ids if not authors_only or self.entries["tag", i].kind == "contributor"))

    def find_begun(self, kind: NameKind, text: str) -> tuple[int, ...]:
        """As Names asks; in ascending order. Of regions those of which a name begins so."""
        if kind == "region":
            return tuple(region.id for region in self.find_begun_regions(text))
        ids = (entry.id for entry in self._find_begun(text, "tag"))
        return tuple(sorted(i for i in ids if kind == "tag" or self.entries["tag", i].kind == "contributor"))

    def find_begun_regions(self, text: str) -> tuple[NamedRegion, ...]:
        """As Names asks; by id."""
        words = analysis.list_whole_words(text)
        begun = (entry for entry in self._find_begun(text, "region") if self.is_beginning(entry, words))
        return tuple(
            _make_region(entry) for entry in sorted(begun, key=lambda entry: entry.id) if entry.kind != "world"
        )

    def _find_begun(self, text: str, realm: Realm) -> Iterator[NamedEntry]:
        """All with a name that has the words of `text`, of which the last may go on."""
        *whole, last = analysis.list_whole_words(text) or ("",)
        keys = [key for key in self._find_beginning(last) if key[0] == realm] if last else []
        for key in keys:
            if not whole or any(_holds_begun(name.split(), whole, last) for name in self._texts[key]):
                yield self.entries[key]

    def find_regions(self, words: tuple[str, ...]) -> tuple[NamedRegion, ...]:
        """As NameLookup asks; in the order in which they were read."""
        return self._regions.get(words, ())

    def list_near_words(self, word: str, edits: Literal[1, 2]) -> list[str]:
        """As NameLookup asks."""
        if edits == 1:
            near: Iterable[str] = self._by_word.keys() & set(typos.list_edits(word))
        else:
            near = (other for other in self._list_words_from(word[:2]) if typos.is_within(word, other, 2))
        meant = {other: self._find_meant(other) for other in near}
        main = sorted(other for other, keys in meant.items() if any(self._is_main(other, key) for key in keys))
        covered = set[Key]().union(*(meant[other] for other in main))
        return [*main, *sorted(other for other, keys in meant.items() if not keys <= covered)]

    def _find_meant(self, word: str) -> set[Key]:
        """Tags with a name that holds the word, regions with one that is the word."""
        return {key for key in self._by_word[word] if key[0] == "tag" or word in self._texts[key]}

    def _is_main(self, word: str, key: Key) -> bool:
        return word in self._texts[key][0].split()

    def find_beginning(self, text: str, tags: Container[int]) -> Iterator[tuple[NamedEntry, int]]:
        """Everything with a name whose words begin as those of `text` do, and how many words had to be mended. Of tags
        only these: one that only drafts have must not keep a word from being mended."""
        matched = [self._find_shown_keys(word, tags) for word in analysis.list_whole_words(text)]
        for key in set.intersection(*(set(keys) for keys in matched)) if matched else ():
            yield self.entries[key], sum(keys[key] for keys in matched)

    def _find_shown_keys(self, word: str, tags: Container[int]) -> dict[Key, int]:
        keys = {key: 0 for key in self._find_beginning(word) if key[0] == "region" or key[1] in tags}
        if keys or not typos.is_correctable(word):
            return keys
        return {key: 1 for key in self._find_corrected(word) if key[0] == "region" or key[1] in tags}

    def is_beginning(self, entry: NamedEntry, words: Sequence[str]) -> bool:
        """Whether one of its names begins with these words, the last perhaps unfinished."""
        typed = " ".join(words)
        return any(name.startswith(typed) for name in self._texts[entry.realm, entry.id])

    def _find_beginning(self, word: str) -> frozenset[Key]:
        return self._get_cached(
            word, lambda: (key for full in self._list_words_from(word) for key in self._by_word[full])
        )

    def _find_corrected(self, word: str) -> frozenset[Key]:
        edits = (edit for edit in set(typos.list_edits(word)) if edit[:HEAD] in self._heads)
        return self._get_cached(
            f"~{word}",
            lambda: (key for edit in edits for full in self._list_words_from(edit) for key in self._by_word[full]),
        )

    def _get_cached(self, name: str, find: Callable[[], Iterable[Key]]) -> frozenset[Key]:
        """Each kind of suggestions asks for the same, and the next letter's for nearly the same."""
        cached = self._cache.get(name)
        if cached is None:
            if len(self._cache) >= _REMEMBERED:
                self._cache.clear()
            cached = self._cache[name] = frozenset(find())
        return cached

    def _list_words_from(self, beginning: str) -> Iterator[str]:
        for i in range(bisect_left(self._words, beginning), len(self._words)):
            if not self._words[i].startswith(beginning):
                return
            yield self._words[i]


def _make_region(entry: NamedEntry) -> NamedRegion:
    return NamedRegion(entry.id, entry.slug, entry.name, entry.kind not in _LARGE)


def _holds_begun(name: Sequence[str], whole: Sequence[str], last: str) -> bool:
    return set(whole).issubset(name) and any(word.startswith(last) for word in name)


@lru_cache(maxsize=100_000)
def _split_words(name: str) -> tuple[str, ...]:
    """Kept, because one new tag makes a new vocabulary of names that are nearly all the same."""
    return tuple(analysis.list_whole_words(name))


def load_vocabulary(snapshot: Snapshot) -> Vocabulary:
    """Every tag that was not merged away and every region, in four statements."""
    tags, regions = table(Tag), table(Region)
    tag_statement = select(tags.c.id, tags.c.slug, tags.c.name, tags.c.kind).where(tags.c.merged_into.is_(None))
    region_statement = select(regions.c.id, regions.c.slug, regions.c.name, regions.c.level)
    tag_names, region_names = table(TagName), table(RegionName)
    tag_entries = _load_entries(snapshot, "tag", tag_statement, select(tag_names.c.tag_id, tag_names.c.name))
    names_of_regions = select(region_names.c.region_id, region_names.c.name)
    return Vocabulary(chain(tag_entries, _load_entries(snapshot, "region", region_statement, names_of_regions)))


def _load_entries(
    snapshot: Snapshot, realm: Realm, entries: Select[int, str, str, str], names: Select[int, str]
) -> Iterator[NamedEntry]:
    other_names: defaultdict[int, list[str]] = defaultdict(list)
    for owner, name in snapshot.connection.execute(names):
        other_names[owner].append(name)
    for id, slug, name, kind in snapshot.connection.execute(entries):
        yield NamedEntry(realm, id, slug, name, kind, tuple(other_names[id]))
