"""Reads what scripts/build_regions.py is made from: CLDR's tables, Babel's names and the tables in region_facts/.

Pure reading; decides nothing about regions and writes nothing.
"""

import json
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict, cast

LANGUAGES = (
    *("en", "fr", "es", "de", "pt", "ru", "ar", "zh"),  # every country has names in these
    *("it", "nl", "uk", "tr", "pl", "ja", "fa", "am", "he", "hi", "sw", "id", "ko"),
)
TABLES = Path(__file__).parent / "region_facts"


class Override(TypedDict, total=False):
    """One line of names.toml: what to say otherwise than CLDR about a country or an M49 area."""

    slug: str
    iso3: str
    m49: str
    zone: str
    split: bool
    listed_only: bool
    names: dict[str, str]
    aliases: dict[str, list[str]]


class City(TypedDict):
    """One line of capitals.toml or cities.toml; `place` is the code or slug that the city lies in."""

    place: str
    slug: str | None
    zone: str | None
    names: dict[str, str]
    aliases: dict[str, list[str]]


class Former(TypedDict):
    """One table of former.toml."""

    place: str
    codes: dict[str, str]
    years: tuple[int, int]
    capital: NotRequired[str]
    successors: list[str]
    names: dict[str, str]
    aliases: NotRequired[dict[str, list[str]]]


Grouping = TypedDict(  # one table of groupings.toml; "except" is a keyword, hence this form
    "Grouping",
    {
        "members": str,
        "except": NotRequired[str],
        "m49": NotRequired[str],
        "territory": NotRequired[str],
        "names": dict[str, str],
        "aliases": NotRequired[dict[str, list[str]]],
    },
)


class _Locale(Protocol):
    territories: Mapping[str, str]
    time_zones: Mapping[str, Mapping[str, str]]


class _Babel(Protocol):
    def Locale(self, language: str) -> _Locale: ...  # noqa: N802 (Babel's name)


class CldrNames:
    """CLDR's names of territories and of the cities that time zones are named after, through Babel."""

    def __init__(self) -> None:
        babel = cast(_Babel, import_module("babel"))
        self._locales = {language: babel.Locale(language) for language in LANGUAGES}

    def territory(self, code: str) -> dict[str, str]:
        """Names of an ISO alpha-2 or M49 code, in every language."""
        return {lang: locale.territories[code] for lang, locale in self._locales.items()}

    def zone_city(self, zone: str) -> dict[str, str]:
        """Names of a zone's city, only in languages that write it otherwise than the zone's own name."""
        if zone not in self._locales["ru"].time_zones:
            raise KeyError(zone)
        cities = {lang: locale.time_zones.get(zone, {}).get("city") for lang, locale in self._locales.items()}
        return {lang: name for lang, name in cities.items() if name}


def containment(package: Path) -> dict[str, list[str]]:
    """M49 area → the codes directly below it, groupings and deprecated codes under keys of their own."""
    table = json.loads((package / "supplemental/territoryContainment.json").read_text(encoding="utf-8"))
    areas = cast(dict[str, dict[str, list[str]]], table["supplemental"]["territoryContainment"])
    return {code: list(area["_contains"]) for code, area in areas.items()}


def codes(package: Path) -> dict[str, dict[str, str]]:
    """ISO alpha-2 → `_alpha3` and `_numeric`."""
    table = json.loads((package / "supplemental/codeMappings.json").read_text(encoding="utf-8"))
    return cast(dict[str, dict[str, str]], table["supplemental"]["codeMappings"])


def overrides() -> dict[str, Override]:
    """names.toml, its language keys gathered under `names`."""
    table = cast(dict[str, dict[str, object]], _table("names"))
    return {code: cast(Override, _gather(row)) for code, row in table.items()}


def capitals() -> dict[str, City]:
    """capitals.toml by country code."""
    table = cast(dict[str, dict[str, object]], _table("capitals"))
    return {code: _city({"in": code, **row}) for code, row in table.items()}


def cities() -> list[City]:
    """cities.toml; the key is the slug."""
    table = cast(dict[str, dict[str, object]], _table("cities"))
    return [_city({"slug": slug, **row}) for slug, row in table.items()]


def former() -> dict[str, Former]:
    """former.toml by slug."""
    table = cast(dict[str, dict[str, object]], _table("former"))
    return {slug: cast(Former, {"place": row["in"], **row}) for slug, row in table.items()}


def groupings() -> dict[str, Grouping]:
    """groupings.toml by slug."""
    return cast(dict[str, Grouping], _table("groupings"))


def _table(name: str) -> dict[str, object]:
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


def _gather(row: dict[str, object]) -> dict[str, object]:
    names = {lang: row[lang] for lang in LANGUAGES if lang in row}
    rest = {key: value for key, value in row.items() if key not in names}
    return {"names": names, **rest}


def _city(row: dict[str, object]) -> City:
    gathered = _gather(row)
    aliases = {"und": gathered["alias"]} if "alias" in gathered else {}
    aliases |= {key.removeprefix("alias_"): value for key, value in row.items() if key.startswith("alias_")}
    fields = {"place": row["in"], "slug": row.get("slug"), "zone": row.get("zone")}
    return cast(City, {**fields, "names": gathered["names"], "aliases": aliases})
