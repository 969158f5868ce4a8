"""The regions that every archive starts with, read from the files beside this module, and how their names are matched.

Pure: reads no database and no text of articles; the files are written by scripts/build_regions.py and
scripts/build_coordinates.py, never by hand.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, TypedDict

Level = Literal["world", "region", "subregion", "country", "city", "grouping"]

_WORDS = str.maketrans({"+": " plus ", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_APOSTROPHES = "ʹʺʻʼʽʾʿˈ"  # letters to Unicode, punctuation in "Nukuʻalofa" and "Мʼянма"
_ARTICLE = re.compile(r"^(?:the )+(?=.)")


@dataclass(frozen=True, slots=True)
class RegionFact:
    """One region as published by its sources; `parent`, `capital`, `successors` and `members` are slugs.

    `names` has one name per language (BCP 47), "en" always; `aliases` further names, "und" for any language.
    `m49` has three digits; `iso4` is the ISO 3166-3 code of a state that is gone. `since` and `until` are years,
    None for what exists. `latitude`, `longitude` and `bbox` (west, south, east, north) are in degrees; what is gone,
    groupings and the smallest places have none.
    """

    slug: str
    level: Level
    names: Mapping[str, str]
    aliases: Mapping[str, tuple[str, ...]]
    parent: str | None = None
    m49: str | None = None
    iso2: str | None = None
    iso3: str | None = None
    iso4: str | None = None
    capital: str | None = None
    since: int | None = None
    until: int | None = None
    successors: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    bbox: tuple[float, ...] | None = None


_Coordinates = tuple[float | None, float | None, list[float] | None]


class _Row(TypedDict, total=False):
    slug: str
    level: Level
    names: dict[str, str]
    aliases: dict[str, list[str]]
    parent: str
    m49: str
    iso2: str
    iso3: str
    iso4: str
    capital: str
    since: int
    until: int
    successors: list[str]
    members: list[str]


@cache
def load() -> tuple[RegionFact, ...]:
    """All regions, parents before their children and groupings last; a capital or successor may come later."""
    rows: list[_Row] = _read("regions.json")
    coordinates: dict[str, _Coordinates] = _read("coordinates.json")["regions"]
    return tuple(
        RegionFact(
            slug=row["slug"],
            level=row["level"],
            names=MappingProxyType(row["names"]),
            aliases=MappingProxyType({lang: tuple(names) for lang, names in row.get("aliases", {}).items()}),
            parent=row.get("parent"),
            m49=row.get("m49"),
            iso2=row.get("iso2"),
            iso3=row.get("iso3"),
            iso4=row.get("iso4"),
            capital=row.get("capital"),
            since=row.get("since"),
            until=row.get("until"),
            successors=tuple(row.get("successors", ())),
            members=tuple(row.get("members", ())),
            latitude=latitude,
            longitude=longitude,
            bbox=tuple(bbox) if bbox else None,
        )
        for row in rows
        for latitude, longitude, bbox in [coordinates.get(row["slug"], (None, None, None))]
    )


def _read(name: str) -> Any:
    return json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))


def fold(name: str) -> str:
    """The key that names are matched by: no case, accents or punctuation, one space between words, no leading "the".

    "Côte d’Ivoire" and "cote d'ivoire" agree, so do "burkina-faso" and "Burkina Faso"; "OPEC+" stays apart from
    "OPEC". The key is NFC, may be empty, and is its own key.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    lower = unicodedata.normalize("NFKD", bare.casefold()).translate(_WORDS)
    spaced = "".join(map(_replace_sign, lower))
    return unicodedata.normalize("NFC", _ARTICLE.sub("", " ".join(spaced.split())))


def _replace_sign(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf" or unicodedata.combining(char):
        return ""
    return " " if category[0] in "PSZC" or char in _APOSTROPHES else char
