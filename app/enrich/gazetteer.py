"""What places are called, ready for finding them in text: names of the archive's regions, and beside them demonyms,
states, cities and institutions from the file in this folder, which scripts/build_places.py writes. Reads no other file.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypedDict

from app.text import keys

Way = Literal["name", "city", "place", "demonym", "institution", "abbreviation", "listing"]

UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
"""Characters of scripts that put no spaces between words."""
INFLECTED = frozenset(("be", "bg", "hr", "mk", "pl", "ru", "sr", "uk"))
"""Languages whose names take endings: matched without their last vowel."""
_ENDING = re.compile(r"[аеёиіїйоуыэюяьaeiouyę]+$")
_NO_PLURAL = ("s", "sh", "ch", "ese", "men", "x", "z")
_ORDER: tuple[Way, ...] = ("name", "demonym", "institution", "city", "place", "abbreviation", "listing")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A region of the archive: `country` is the slug of what a city lies in, else its own; names are (language, name).

    `since` and `until` are the years of a former state.
    """

    slug: str
    level: str
    country: str
    names: tuple[tuple[str, str], ...]
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Sense:
    """One thing that words may mean: `slug` is the region meant, `country` the one that it speaks for."""

    slug: str
    country: str
    way: Way
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class Namesake:
    """A town of that country and state (folded) that is called like a place better known. `larger`: one sign of its
    state, or a publisher of its country, is enough to mean it."""

    country: str
    state: str
    larger: bool


@dataclass(frozen=True, slots=True)
class PlacePhrase:
    """Folded words that name a place; without senses they are none, whatever they hold. `doubtful`: without something
    that speaks for a place they are none. `states`: those that they name or lie in."""

    words: Words
    senses: tuple[Sense, ...]
    doubtful: bool
    namesakes: tuple[Namesake, ...] = ()
    states: frozenset[str] = frozenset()


Head = Mapping[str, tuple[PlacePhrase, ...]]


@dataclass(frozen=True, slots=True)
class PlaceLexicon:
    """Phrases of one language by their first word and then by their second, "" for those of one word; of scripts
    without spaces by two characters. The longest first."""

    heads: Mapping[str, Head]
    unspaced: Mapping[str, tuple[PlacePhrase, ...]]
    stems: Mapping[str, PlacePhrase]


class PlaceFacts(TypedDict):
    demonyms: dict[str, list[str]]
    places: dict[str, list[str]]
    institutions: dict[str, list[str]]
    abbreviated: dict[str, list[str]]
    ambiguous: list[str]
    given_names: list[str]
    forenames: list[str]
    titles: list[str]
    seats: list[str]
    formerly: dict[str, list[str]]
    company_forms: list[str]
    papers: list[str]
    treaties: list[str]
    others: list[str]
    exchanges: dict[str, list[str]]
    namesakes: dict[str, dict[str, list[str]]]
    near: dict[str, dict[str, list[str]]]
    codes: dict[str, dict[str, list[str]]]
    larger: dict[str, list[str]]


@cache
def facts() -> PlaceFacts:
    """The file as it is."""
    loaded: PlaceFacts = json.loads(resources.files(__package__).joinpath("places.json").read_text(encoding="utf-8"))
    return loaded


@cache
def load_words(
    name: Literal["ambiguous", "given_names", "forenames", "titles", "company_forms", "papers", "treaties"],
) -> frozenset[str]:
    """One of the file's lists of words, for looking up."""
    return frozenset(keys.words_key(word) for word in facts()[name])


@cache
def load_namesakes() -> Mapping[Words, tuple[Namesake, ...]]:
    """Towns that are called like other places, by those words."""
    namesakes: dict[Words, dict[Namesake, None]] = {}
    for country, states in facts()["namesakes"].items():
        larger = {split(name) for name in facts()["larger"].get(country, ())}
        for state, names in states.items():
            for words in map(split, names):
                namesakes.setdefault(words, {})[Namesake(country, " ".join(split(state)), words in larger)] = None
    return {words: tuple(ones) for words, ones in namesakes.items()}


@cache
def load_exchanges() -> Mapping[str, str]:
    """Countries of stock exchanges by the code that quotations have behind a point."""
    return {code: country for country, codes in facts()["exchanges"].items() for code in codes}


@cache
def _load_states() -> Mapping[Words, frozenset[str]]:
    """The states that words name or lie in."""
    states: dict[Words, frozenset[str]] = {}
    for table in (facts()["near"], facts()["codes"], facts()["namesakes"]):
        for country in table.values():
            for state, names in country.items():
                key = " ".join(split(state))
                for words in (split(state), *(map(split, names) if table is not facts()["namesakes"] else ())):
                    states[words] = states.get(words, frozenset()) | {key}
    return states


def split(name: str) -> Words:
    """The folded words of a name."""
    return tuple(keys.fold(word) for word in keys.runs(name))


class Gazetteer:
    """All regions of an archive at one time. Immutable; lexicons are made when a language is first asked for."""

    def __init__(self, regions: Iterable[KnownPlace]) -> None:
        self.regions: Mapping[str, KnownPlace] = {region.slug: region for region in regions}
        spoken = {language for region in self.regions.values() for language, _ in region.names}
        self._languages = (spoken | INFLECTED) - {"und"}
        self._lexicons: dict[str, PlaceLexicon] = {}
        self._eras: dict[int, Mapping[str, str]] = {}

    def lexicon(self, language: str) -> PlaceLexicon:
        """Names in that language, in English and of no language. Whatever anybody calls a language, there are no more
        of these than languages that places have names in."""
        base = language.partition("-")[0]
        base = base if base in self._languages else "en"
        lexicon = self._lexicons.get(base)
        if lexicon is None:
            lexicon = self._lexicons[base] = self._build({base, "en", "und"}, inflected=base in INFLECTED)
        return lexicon

    def era(self, year: int | None) -> Mapping[str, str]:
        """Which former state the name of a state of today meant in that year."""
        if year is None:
            return {}
        states = self._eras.get(year)
        if states is None:
            states = self._eras[year] = self._find_former_states(year)
        return states

    def _find_former_states(self, year: int) -> dict[str, str]:
        there = {
            one.slug for one in self.regions.values() if one.until is not None and (one.since or 0) <= year < one.until
        }
        meant = {slug: [state for state in states if state in there] for slug, states in facts()["formerly"].items()}
        return {slug: states[0] for slug, states in meant.items() if states}

    def _build(self, languages: set[str], *, inflected: bool) -> PlaceLexicon:
        senses: dict[Words, dict[Sense, None]] = {}
        for words, sense in (*self._own(languages), *self._facts()):
            if words and (len(words) > 1 or len(words[0]) > 1):
                senses.setdefault(words, {})[sense] = None
        for words in map(split, facts()["others"]):
            senses[words] = {}
        phrases = [_phrase(words, list(meanings)) for words, meanings in senses.items()]
        spaced = [one for one in phrases if not UNSPACED.match(one.words[0])]
        unspaced = [one for one in phrases if UNSPACED.match(one.words[0])]
        stems = {stem(one.words[0]): one for one in spaced if len(one.words) == 1} if inflected else {}
        heads = {
            head: _group(members, lambda p: p.words[1] if len(p.words) > 1 else "")
            for head, members in _group(spaced, lambda p: p.words[0]).items()
        }
        return PlaceLexicon(heads, _group(unspaced, lambda p: p.words[0][:2]), stems)

    def _own(self, languages: set[str]) -> Iterable[tuple[Words, Sense]]:
        for region in self.regions.values():
            way: Way = "city" if region.level == "city" else "name"
            for language, name in region.names:
                if language in languages and region.level != "world":
                    # "US" is a pronoun in small letters, "Chad" is Chad in any.
                    yield split(name), Sense(region.slug, region.country, way, name.isupper() and "." not in name)

    def _facts(self) -> Iterable[tuple[Words, Sense]]:
        tables: tuple[tuple[dict[str, list[str]], Way], ...] = (
            (facts()["demonyms"], "demonym"),
            (facts()["places"], "place"),
            (facts()["institutions"], "institution"),
            (facts()["abbreviated"], "abbreviation"),
        )
        for table, way in tables:
            for slug, names in table.items():
                if slug not in self.regions:
                    continue
                for name in names:
                    sense = Sense(slug, slug, way, name.isupper() and "." not in name)
                    yield split(name), sense
                    if way == "demonym" and not name.endswith(_NO_PLURAL):
                        yield split(f"{name}s"), sense
        for country, states in facts()["near"].items():
            for name in (*states, *(one for names in states.values() for one in names)):
                if country in self.regions:
                    yield split(name), Sense(country, country, "place")
        for country, states in facts()["codes"].items():
            for code in (one for codes in states.values() for one in codes):
                if country in self.regions:
                    yield split(code), Sense(country, country, "abbreviation", capitals=True)


def stem(word: str) -> str:
    """A name without the vowels that it ends in, from four letters on."""
    bare = _ENDING.sub("", word)
    return bare if len(bare) >= 4 else word


def _phrase(words: Words, senses: list[Sense]) -> PlacePhrase:
    """Of what lies in one country the largest counts; several countries are a doubt."""
    senses.sort(key=lambda sense: _ORDER.index(sense.way))
    # Reversed, so that of one country the first stays.
    kept = {sense.country: sense for sense in reversed(senses)}
    ordered = tuple(sense for sense in senses if kept[sense.country] is sense)
    elsewhere = tuple(one for one in load_namesakes().get(words, ()) if one.country not in kept or len(kept) > 1)
    return PlacePhrase(
        words, ordered, " ".join(words) in load_words("ambiguous"), elsewhere, _load_states().get(words, frozenset())
    )


def _group(phrases: Iterable[PlacePhrase], key: Callable[[PlacePhrase], str]) -> dict[str, tuple[PlacePhrase, ...]]:
    groups: dict[str, list[PlacePhrase]] = {}
    for phrase in phrases:
        groups.setdefault(key(phrase), []).append(phrase)
    return {
        head: tuple(sorted(members, key=lambda p: (-len(p.words), -len(p.words[0]))))
        for head, members in groups.items()
    }
