"""Which regions an article is about, from its title, standfirst, body and dateline. Pure; knows regions by slug.

Each name found counts for the country that it lies in. A country's score is the logarithm of its weighted mentions, and
more for standing in the title, the first lines and the dateline. Weights were set on one half of a corpus of news wires
and measured on the other; docs/enrichment.md has the figures.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p

from app.enrich.gazetteer import Gazetteer, Sense, Way, facts
from app.enrich.place_names import Spot, spot
from app.enrich.suggestion import ABOUT, DATELINE, MENTION, SuggestedValue

ORIGIN = "gazetteer"
READ = 20_000
"""Characters of a body that are read."""
MOST = 24
"""Regions that are suggested for one article, the best first."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Plain texts; paragraphs of the body stand apart by line feeds. `dateline` is its place, or the whole of it as
    written. `year`, where known, tells West Germany from Germany."""

    title: str = ""
    standfirst: str = ""
    body: str = ""
    dateline: str = ""
    language: str = "en"
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part adds to a score, and from which score on an article is about a region."""

    title: float = 0.5
    lead: float = 0.1
    dateline: float = 1.3
    about: float = 1.1
    share: float = 0.4
    seat: float = 0.2
    continent: float = 0.5
    money: float = 0.1
    lead_words: int = 40


WEIGHTS = Weights()
_WAY: dict[Way, float] = {
    "name": 1.0, "city": 0.8, "place": 0.8, "demonym": 0.8, "institution": 0.8, "abbreviation": 0.8,
}  # fmt: skip


@dataclass(slots=True)
class _Tally:
    """What was found for one region and what lies in it; `named` counts its own name, `inside` the cities in it."""

    weight: float = 0.0
    named: int = 0
    title: bool = False
    lead: bool = False
    dateline: bool = False
    only_seats: bool = True
    words: dict[str, None] = field(default_factory=dict)
    inside: dict[str, int] = field(default_factory=dict)


def suggest(texts: Texts, gazetteer: Gazetteer, weights: Weights = WEIGHTS) -> list[SuggestedValue]:
    """The best first. Countries, groupings and continents are `about` or `mention`, cities `mention`; what the dateline
    names has that role too."""
    lexicon = gazetteer.lexicon(texts.language)
    parts = [spot(part, lexicon) for part in (texts.title, texts.standfirst, texts.body[:READ], texts.dateline)]
    known = _evidence(part for part in parts)
    era = gazetteer.era(texts.year)
    tallies: dict[str, _Tally] = {}
    for number, part in enumerate(parts):
        for one in part:
            sense = _choose_sense(one, known) or (one.senses[0] if number == 3 else None)
            if sense is not None:
                _count(tallies, one, _in_era(sense, era), number, weights)
    return _rank(tallies, _place(parts[3], known, era), gazetteer, weights)


def _evidence(parts: Iterable[Sequence[Spot]]) -> dict[str, int]:
    """How often each country is named beyond doubt."""
    return Counter(one.senses[0].country for part in parts for one in part if one.sure)


def _choose_sense(one: Spot, known: dict[str, int]) -> Sense | None:
    """Of several countries the one that the rest of the article speaks of; without any, a preposition will do."""
    if one.sure:
        return one.senses[0]
    best = max(one.senses, key=lambda sense: known.get(sense.country, 0))
    if known.get(best.country):
        return best
    return one.senses[0] if one.placed else None


def _in_era(sense: Sense, era: Mapping[str, str]) -> Sense:
    country = era.get(sense.country)
    if country is None:
        return sense
    return Sense(country if sense.slug == sense.country else sense.slug, country, sense.way)


def _count(tallies: dict[str, _Tally], one: Spot, sense: Sense, part: int, weights: Weights) -> None:
    tally = tallies.setdefault(sense.country, _Tally())
    tally.only_seats &= sense.slug in facts()["seats"]
    tally.words[one.written] = None
    if part == 3:
        tally.dateline = True
        return
    tally.weight += _WAY[sense.way] * (weights.money if one.money else 1.0)
    tally.title |= part == 0
    tally.lead |= part == 1 or (part == 2 and one.position < weights.lead_words)
    if sense.slug == sense.country:
        tally.named += 1
    else:
        tally.inside[sense.slug] = tally.inside.get(sense.slug, 0) + 1


def _place(dateline: Sequence[Spot], known: dict[str, int], era: Mapping[str, str]) -> str | None:
    """The region that the dateline names: its city where it is known, else the country."""
    meant = [_in_era(sense, era) for one in dateline if (sense := _choose_sense(one, known) or one.senses[0])]
    return meant[0].slug if meant else None


def _rank(
    tallies: dict[str, _Tally], dateline: str | None, gazetteer: Gazetteer, weights: Weights
) -> list[SuggestedValue]:
    # Brussels in a text about NATO or the EU is where these sit, and says nothing of Belgium.
    at_home = bool(tallies.keys() & {"eu", "nato"})
    scores = {slug: _score(slug, tally, gazetteer, weights, at_home) for slug, tally in tallies.items()}
    least = max(weights.about, weights.share * max(scores.values(), default=0.0))
    suggestions = []
    for slug, tally in tallies.items():
        roles = (ABOUT if scores[slug] >= least else MENTION if tally.weight else 0) | (
            DATELINE if slug == dateline else 0
        )
        if roles and slug in gazetteer.regions:
            suggestions.append(_suggestion(slug, scores[slug], roles, tally.words))
        for city, times in tally.inside.items():
            roles = MENTION | (DATELINE if city == dateline else 0)
            suggestions.append(_suggestion(city, log1p(times) / 2, roles, ()))
    named = {one.value for one in suggestions}
    if dateline is not None and dateline not in named:
        suggestions.append(_suggestion(dateline, weights.dateline, DATELINE, ()))
    return sorted(suggestions, key=lambda one: (-one.score, one.value))[:MOST]


def _score(slug: str, tally: _Tally, gazetteer: Gazetteer, weights: Weights, at_home: bool) -> float:
    damped = weights.seat if at_home and tally.only_seats else 1.0
    level = gazetteer.regions[slug].level if slug in gazetteer.regions else "country"
    if level in ("region", "subregion"):
        damped *= weights.continent
    bonus = weights.title * tally.title + weights.lead * tally.lead + weights.dateline * tally.dateline
    return damped * (log1p(tally.weight) + bonus)


def _suggestion(slug: str, score: float, roles: int, words: Iterable[str]) -> SuggestedValue:
    return SuggestedValue("region", slug, round(score, 3), ORIGIN, roles=roles, evidence=", ".join(list(words)[:5]))
