"""Writes app/regions/regions.json: one region per line, sorted, the same bytes for the same sources.

Run from the project's root, in an environment that has Babel, with the unpacked npm package cldr-core as argument:
    npm pack cldr-core && tar xzf cldr-core-*.tgz
    PYTHONPATH=. python scripts/build_regions.py package [OUTPUT]
Never reads the network; refuses to write what does not hold together.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import region_sources as sources

from app.regions.standard_regions import Level, RegionFact, fold

OUTPUT = Path("app/regions/regions.json")
NOT_ISO = frozenset(("AC", "CP", "CQ", "DG", "EA", "IC", "QO", "TA"))  # CLDR's own codes for parts of countries
BETWEEN = {"202": "002", "419": "019"}  # M49 levels that CLDR lists beside its tree
LEVELS: tuple[Level, ...] = ("world", "region", "subregion", "country", "city", "grouping")
_BRACKETED = re.compile(r"^(?P<name>.+?)\s*[((](?P<other>[^()()]+)[))]$")

Aliases = dict[str, list[str]]


@dataclass
class RegionAtlas:
    """What is built so far: facts by slug, and the slug of each code."""

    facts: dict[str, RegionFact] = field(default_factory=dict)
    slugs: dict[str, str] = field(default_factory=dict)

    def add(self, fact: RegionFact, code: str | None = None) -> None:
        if fact.slug in self.facts:
            raise ValueError(f"two regions want the slug {fact.slug}")
        self.facts[fact.slug] = fact
        self.slugs[code or fact.slug] = fact.slug

    def resolve(self, codes: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(self.slugs[code] for code in codes))


def main(package: Path, output: Path) -> None:
    """Raises ValueError or KeyError where the tables contradict each other; then nothing is written."""
    atlas, names = RegionAtlas(), sources.CldrNames()
    add_tree(atlas, names, parents(sources.containment(package)), sources.codes(package))
    add_cities(atlas, names, sources.cities())
    add_capitals(atlas, names, sources.capitals())
    add_former(atlas, sources.former())
    add_cities(atlas, names, [city for city in sources.cities() if city["slug"] not in atlas.facts])
    add_groupings(atlas, names, sources.groupings())
    check(atlas)
    rows = [json.dumps(row(fact), ensure_ascii=False, sort_keys=True) for fact in sort_facts(atlas.facts)]
    output.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
    print(f"{output}: {len(rows)} regions, {output.stat().st_size} bytes")


def check(atlas: RegionAtlas) -> None:
    """Every slug and code that a table names exists."""
    named = {fact.capital for fact in atlas.facts.values() if fact.capital}
    unknown = named - atlas.facts.keys() | sources.overrides().keys() - atlas.slugs.keys()
    if unknown:
        raise ValueError(f"named in a table, known nowhere: {sorted(unknown)}")


def parents(contains: Mapping[str, list[str]]) -> dict[str, str]:
    """Code → the M49 code above it, "" for the world; outermost first."""
    tree = {area: [code for code in below if code not in NOT_ISO] for area, below in contains.items()}
    for area, above in BETWEEN.items():
        tree[above] = [code for code in tree[above] if code not in tree[area]] + [area]
    tree["001"] = [*tree["001"], "AQ"]
    parent_of, queue = {"001": ""}, ["001"]
    for area in queue:
        for code in tree.get(area, []):
            parent_of[code] = area
            queue.append(code)
    return parent_of


def add_tree(
    atlas: RegionAtlas, names: sources.CldrNames, above: Mapping[str, str], codes: Mapping[str, dict[str, str]]
) -> None:
    """The world, its M49 areas and the countries of today."""
    overrides = sources.overrides()
    for code, parent in above.items():
        override = overrides.get(code, sources.Override())
        shown, aliases = territory_names(names, code, override)
        fact = RegionFact(
            slug=override.get("slug") or slugify(shown["en"]),
            level=level(code, parent),
            names=shown,
            aliases=distinct(shown, aliases),
            parent=atlas.slugs.get(parent),
        )
        atlas.add(with_codes(fact, code, codes.get(code, {}), override), code)


def level(code: str, parent: str) -> Level:
    if not code.isdigit():
        return "country"
    return {"": "world", "001": "region"}.get(parent, "subregion")  # type: ignore[return-value]  # literals


def with_codes(fact: RegionFact, code: str, known: Mapping[str, str], override: sources.Override) -> RegionFact:
    if code.isdigit():
        return replace(fact, m49=code)
    m49 = override.get("m49", known["_numeric"])
    return replace(fact, iso2=code, iso3=override.get("iso3", known["_alpha3"]), m49=m49 or None)


def territory_names(names: sources.CldrNames, code: str, override: sources.Override) -> tuple[dict[str, str], Aliases]:
    """The name shown per language, and the others: CLDR's own where another is shown, and those of the table."""
    cldr = names.territory(code)
    shown = {lang: tidy(name, lang) for lang, name in cldr.items()}
    aliases: Aliases = {lang: list(values) for lang, values in override.get("aliases", {}).items()}
    if override.get("split"):
        cldr = split_brackets(cldr, shown)
    if "zone" in override:
        shown = {**dict.fromkeys(shown, override["names"]["en"]), **names.zone_city(override["zone"])}
    if override.get("listed_only"):
        return override["names"], aliases
    shown |= override.get("names", {})
    if shown["en"].startswith("Saint "):
        aliases.setdefault("en", []).append("St. " + shown["en"].removeprefix("Saint "))
    for lang, name in cldr.items():
        aliases.setdefault(lang, []).append(name)
    return shown, aliases


def split_brackets(cldr: Mapping[str, str], shown: dict[str, str]) -> dict[str, str]:
    """Leaves the name before the brackets in `shown` and returns what stood in them."""
    others = {}
    for lang, name in cldr.items():
        if match := _BRACKETED.match(name):
            shown[lang], others[lang] = match["name"], match["other"]
    return others


def tidy(name: str, language: str) -> str:
    """English without "&" and "St.", and every language with a capital first letter ("world")."""
    if language == "en":
        name = re.sub(r"^St\. ", "Saint ", name.replace(" & ", " and "))
    return name[0].upper() + name[1:]


def distinct(shown: Mapping[str, str], aliases: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Aliases that match something that neither the name in their language nor an alias for all of them does."""
    everywhere = {fold(name): name for name in aliases.get("und", [])}
    kept: dict[str, tuple[str, ...]] = {"und": tuple(everywhere[key] for key in sorted(everywhere))}
    for lang, values in aliases.items():
        if lang != "und":
            keys = {fold(name): name for name in values}
            known = {fold(shown.get(lang, shown["en"])), *everywhere}
            kept[lang] = tuple(keys[key] for key in sorted(keys) if key not in known)
    return {lang: names for lang, names in sorted(kept.items()) if names}


def add_cities(atlas: RegionAtlas, names: sources.CldrNames, cities: Iterable[sources.City]) -> None:
    """Those whose country or area is there already; the others wait for their former state."""
    for city in cities:
        if city["place"] in atlas.slugs:
            atlas.add(city_fact(atlas, names, city))


def add_capitals(atlas: RegionAtlas, names: sources.CldrNames, cities: Mapping[str, sources.City]) -> None:
    for code, city in cities.items():
        fact, country = city_fact(atlas, names, city), atlas.facts[atlas.slugs[code]]
        atlas.add(fact)
        atlas.facts[country.slug] = replace(country, capital=fact.slug)


def city_fact(atlas: RegionAtlas, names: sources.CldrNames, city: sources.City) -> RegionFact:
    english = city["names"]["en"]
    translated = names.zone_city(city["zone"]) if city["zone"] else {}
    shown = {lang: name for lang, name in {**translated, **city["names"]}.items() if name != english}
    shown["en"] = english
    return RegionFact(
        slug=city["slug"] or slugify(english),
        level="city",
        names=shown,
        aliases=distinct(shown, city["aliases"]),
        parent=atlas.slugs[city["place"]],
    )


def add_former(atlas: RegionAtlas, former: Mapping[str, sources.Former]) -> None:
    """A state may be succeeded by another that is gone as well, so slugs are resolved once all are there."""
    for slug, state in former.items():
        codes = state["codes"]
        fact = RegionFact(
            slug=slug,
            level="country",
            m49=codes.get("m49"),
            iso2=codes.get("iso2"),
            iso3=codes.get("iso3"),
            iso4=codes.get("iso4"),
            names=state["names"],
            aliases=distinct(state["names"], state.get("aliases", {})),
            parent=atlas.slugs[state["place"]],
            capital=state.get("capital"),
            since=state["years"][0],
            until=state["years"][1],
        )
        atlas.add(fact)
    for slug, state in former.items():
        atlas.facts[slug] = replace(atlas.facts[slug], successors=atlas.resolve(state["successors"]))


def add_groupings(atlas: RegionAtlas, names: sources.CldrNames, groupings: Mapping[str, sources.Grouping]) -> None:
    for slug, grouping in groupings.items():
        cldr = names.territory(grouping["territory"]) if "territory" in grouping else {}
        shown = {lang: tidy(name, lang) for lang, name in cldr.items()} | grouping["names"]
        fact = RegionFact(
            slug=slug,
            level="grouping",
            names=shown,
            aliases=distinct(shown, grouping.get("aliases", {})),
            m49=grouping.get("m49"),
            members=members(atlas, grouping),
        )
        atlas.add(fact)


def members(atlas: RegionAtlas, grouping: sources.Grouping) -> tuple[str, ...]:
    """The slugs of the countries listed, or of all of today's below the areas listed, without the exceptions."""
    listed = grouping["members"].split()
    if listed[0] == "=":
        areas = set(atlas.resolve(listed[1:]))
        listed = [code for code, slug in atlas.slugs.items() if areas.intersection(line(atlas, slug))]
        listed = [code for code in listed if len(code) == 2 and code.isupper()]
    return atlas.resolve(code for code in listed if code not in grouping.get("except", "").split())


def line(atlas: RegionAtlas, slug: str) -> list[str]:
    """Slugs above a region, nearest first."""
    above = atlas.facts[slug].parent
    return [above, *line(atlas, above)] if above else []


def sort_facts(facts: Mapping[str, RegionFact]) -> list[RegionFact]:
    """By level, within it parents first, then by slug."""
    atlas = RegionAtlas(facts=dict(facts))
    return sorted(facts.values(), key=lambda fact: (LEVELS.index(fact.level), len(line(atlas, fact.slug)), fact.slug))


def slugify(name: str) -> str:
    bare = unicodedata.normalize("NFKD", re.sub(r"['’ʻ.]", "", name)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")


def row(fact: RegionFact) -> dict[str, object]:
    """What is written of a region: its fields, without the empty ones."""
    fields: dict[str, object] = {
        name: getattr(fact, name) for name in RegionFact.__dataclass_fields__ if getattr(fact, name)
    }
    return fields


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT)
