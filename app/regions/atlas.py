"""All regions in memory: a few hundred rows that nearly every read and write asks for. Immutable; loads nothing itself.

Whoever holds one keeps it as long as the head's `names_seq` stays the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from app.enrich.gazetteer import Gazetteer, KnownPlace
from app.regions import names
from app.regions.names import Naming
from app.regions.standard_regions import fold
from app.text import urls

Level = Literal["world", "region", "subregion", "country", "city", "grouping"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class AtlasRegion:
    """A region as its row has it; `parent` and `capital` are ids, `successors` slugs, years are inclusive. The point is
    in degrees (WGS 84), `bbox` west, south, east and north; west is greater where it crosses the antimeridian."""

    id: int
    slug: str
    name: str
    level: str
    iso2: str | None
    iso3: str | None
    iso4: str | None
    m49: str | None
    parent: int | None
    capital: int | None
    since: int | None
    until: int | None
    latitude: float | None
    longitude: float | None
    bbox: tuple[float, ...] | None
    successors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a region; `language` is "und" for names of no language."""

    region: int
    language: str
    name: str
    key: str
    alias: bool


class Atlas:
    """Looks up regions by id, reference or name, and knows what lies in what."""

    def __init__(
        self, places: Iterable[AtlasRegion], called: Iterable[Name], members: Iterable[tuple[int, int]], names_seq: int
    ) -> None:
        self.names_seq = names_seq
        self.by_id: Mapping[int, AtlasRegion] = {place.id: place for place in places}
        self.by_slug: Mapping[str, AtlasRegion] = {place.slug: place for place in self.by_id.values()}
        # Read one after the other: the later ones may know of a region that was added in between.
        self.names: tuple[Name, ...] = tuple(name for name in called if name.region in self.by_id)
        self._members = tuple(pair for pair in members if self.by_id.keys() >= {*pair})

    def as_of(self, names_seq: int) -> "Atlas":
        """The same regions at a later place in the log, with everything that was worked out from them."""
        later = copy(self)
        later.names_seq = names_seq
        return later

    @cached_property
    def _by_code(self) -> Mapping[str, AtlasRegion]:
        by_code: dict[str, AtlasRegion] = {}
        # What is gone first, so that a code given out again means the state of today.
        for place in sorted(self.by_id.values(), key=lambda p: p.until is None):
            by_code |= {code: place for code in (place.iso4, place.iso3, place.iso2) if code}
            if place.m49:
                by_code[f"m49:{place.m49}"] = place
        return by_code

    @cached_property
    def _by_name(self) -> Mapping[str, AtlasRegion]:
        """Names before aliases, English first, larger before smaller: "Luxembourg" is the country."""
        by_name: dict[str, AtlasRegion] = {}
        order = {level: i for i, level in enumerate(("country", "grouping", "region", "subregion", "city", "world"))}
        ranked = sorted(
            self.names,
            key=lambda n: (n.alias, n.language != "en", order[self.by_id[n.region].level], self.by_id[n.region].slug),
        )
        for name in ranked:
            by_name.setdefault(name.key, self.by_id[name.region])
        return by_name

    def find(self, ref: str) -> AtlasRegion | None:
        """By slug, ISO code in capitals, or `m49:056`: what a `{ref}` in a URL may be."""
        return self.by_slug.get(ref) or self._by_code.get(ref)

    def find_name(self, name: str) -> AtlasRegion | None:
        """By anything that a source may call it: a reference or a name or alias in any language, folded."""
        return self.find(name) or self._by_name.get(fold(name)) or self.find(name.strip().upper())

    def find_home(self, origin: str, source_url: str | None, canonical_url: object = None) -> str | None:
        """The slug of the country of an article's publisher, by the first of its addresses that is under one's domain;
        an origin may be the name of a host."""
        canonical = canonical_url if isinstance(canonical_url, str) else None
        host = f"//{origin}" if "." in origin else None
        code = next((c for c in map(urls.find_country, (canonical, source_url, host)) if c), None)
        place = self._by_code.get(code) if code else None
        return place.slug if place is not None and place.level == "country" else None

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """The regions' names as finding them in texts needs them."""
        called: dict[int, list[tuple[str, str]]] = {}
        for name in self.names:
            called.setdefault(name.region, []).append((name.language, name.name))
        return Gazetteer(
            KnownPlace(p.slug, p.level, self.country(p.id).slug, tuple(called.get(p.id, ())), p.since, p.until)
            for p in self.by_id.values()
        )

    @cached_property
    def groupings_of(self) -> Mapping[int, tuple[int, ...]]:
        """Groupings that a country is a member of, by id, in the order of their slugs."""
        groupings: dict[int, list[int]] = {}
        for grouping, member in self._members:
            groupings.setdefault(member, []).append(grouping)
        return {member: tuple(sorted(ids, key=lambda i: self.by_id[i].slug)) for member, ids in groupings.items()}

    @cached_property
    def members_of(self) -> Mapping[int, tuple[int, ...]]:
        """Members of a grouping, by id, in the order of their slugs."""
        members: dict[int, list[int]] = {}
        for grouping, member in self._members:
            members.setdefault(grouping, []).append(member)
        return {grouping: tuple(sorted(ids, key=lambda i: self.by_id[i].slug)) for grouping, ids in members.items()}

    @cached_property
    def sort_names(self) -> Mapping[int, str]:
        """What regions are sorted by, by id."""
        return {place.id: fold(place.name) for place in self.by_id.values()}

    @cached_property
    def children_of(self) -> Mapping[int | None, tuple[int, ...]]:
        """What lies directly below, by the M49 line, in the order of their names."""
        children: dict[int | None, list[AtlasRegion]] = {}
        for place in self.by_id.values():
            children.setdefault(place.parent, []).append(place)
        names = self.sort_names
        return {parent: tuple(p.id for p in sorted(ps, key=lambda p: names[p.id])) for parent, ps in children.items()}

    def line(self, id: int) -> tuple[int, ...]:
        """Ancestors by the M49 line, outermost first, without the region itself."""
        line: list[int] = []
        parent = self.by_id[id].parent
        while parent is not None:
            line.append(parent)
            parent = self.by_id[parent].parent
        return tuple(reversed(line))

    @cached_property
    def within(self) -> Mapping[int, frozenset[int]]:
        """The closure: each region with itself, its ancestors and the groupings that it or an ancestor is in."""
        within = {}
        for id in self.by_id:
            line = {id, *self.line(id)}
            within[id] = frozenset(line.union(*(self.groupings_of.get(one, ()) for one in line)))
        return within

    def country(self, id: int) -> AtlasRegion:
        """The country that a city is in; anything else is its own."""
        place = self.by_id[id]
        above = self.by_id.get(place.parent or 0)
        return above if place.level == "city" and above is not None and above.level == "country" else place

    def get_naming(self, id: int) -> Naming:
        """Everything that the region is called."""
        return names.read(self.by_id[id].name, self._names_of.get(id, ()))

    def name_in(self, id: int, language: str | None) -> str:
        """The region's name in a language, else as the archive calls it."""
        return self._names_in.get((id, language or ""), self.by_id[id].name)

    @cached_property
    def _names_of(self) -> Mapping[int, Sequence[names.Row]]:
        named: dict[int, list[names.Row]] = {}
        for name in self.names:
            named.setdefault(name.region, []).append((name.language, name.name, name.alias))
        return named

    @cached_property
    def _names_in(self) -> Mapping[tuple[int, str], str]:
        return {(name.region, name.language): name.name for name in self.names if not name.alias}
