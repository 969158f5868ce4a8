"""Which regions an article is about, from its title, standfirst, body and dateline. Pure; knows regions by slug.

Each name found counts for the country that it lies in. A country's score is the logarithm of its weighted mentions, and
more for standing in the title, the first lines and the dateline. Weights were set on one half of a corpus of news wires
and measured on the other; docs/enrichment.md has the figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log1p

from app.enrich.gazetteer import Gazetteer, Sense, Way, facts
from app.enrich.place_meanings import Evidence, choose_sense, gather
from app.enrich.place_names import Spot, spot
from app.enrich.suggestion import ABOUT, DATELINE, MENTION, SuggestedValue

ORIGIN = "gazetteer"
READ = 20_000
"""Characters of a body that are read."""
MOST = 24
"""Regions that are suggested for one article, the best first."""


LONG = 2500
"""Characters from which on a text is long, about 400 words."""
BEGINNING = 16
"""Characters whose capitals make a headline."""
DATELINE_PART = 3
"""The number of the dateline among the parts of a text."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Plain texts; paragraphs of the body stand apart by line feeds. `dateline` is its place, or the whole of it as
    written. `year`, where known, tells West Germany from Germany; `home` is the slug of the publisher's country, where
    that is known."""

    title: str = ""
    standfirst: str = ""
    body: str = ""
    dateline: str = ""
    language: str = "en"
    year: int | None = None
    home: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part adds to a score, and from which score on an article is about a region: `about` and `share` (of the
    best one's) where a dateline names a place, else the `undated` ones; a long text and a fragment have their own."""

    title: float = 0.5
    lead: float = 0.1
    dateline: float = 1.4
    about: float = 1.15
    share: float = 0.4
    undated_about: float = 0.5
    undated_share: float = 0.5
    long_about: float = 0.7
    fragment_about: float = 1.1
    company: float = 0.1
    listing: float = 0.66
    seat: float = 0.2
    continent: float = 0.5
    money: float = 0.1
    lead_words: int = 40


WEIGHTS = Weights()
_WAY: dict[Way, float] = {
    "name": 1.0, "city": 0.8, "place": 0.8, "demonym": 0.8, "institution": 0.8, "abbreviation": 0.8,
    "listing": 1.0,
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
    names has that role too, and stands behind its country."""
    lexicon = gazetteer.lexicon(texts.language)
    parts = [spot(part, lexicon) for part in (texts.title, texts.standfirst, texts.body[:READ], texts.dateline)]
    evidence = gather(parts, texts.home)
    era = gazetteer.era(texts.year)
    tallies: dict[str, _Tally] = {}
    for number, part in enumerate(parts):
        for one in part:
            sense = choose_sense(one, evidence) or (one.senses[0] if number == DATELINE_PART else None)
            if sense is not None:
                _count(tallies, one, _in_era(sense, era), number, weights, is_company=evidence.is_company(one))
    place = _place(parts[DATELINE_PART], evidence, era)
    return _rank(tallies, place, _find_bars(texts, weights, dated=place is not None), gazetteer, weights)


def _find_bars(texts: Texts, weights: Weights, *, dated: bool) -> tuple[float, float]:
    """The score from which on the article is about a region, and the share of the best one's."""
    if dated:
        return weights.about, weights.share
    if _is_fragment(texts):
        return weights.fragment_about, weights.undated_share
    # What a long text names once, behind its first lines, it is not about.
    return (weights.long_about if len(texts.body) > LONG else weights.undated_about), weights.undated_share


def _is_fragment(texts: Texts) -> bool:
    """Whether this is a flash or a correction of a wire: a headline in capitals without a text, or a text without a
    title that begins with one. Such a text says little, and its capitals hide what is a name."""
    return not (texts.title and texts.body) and (texts.title or texts.body).lstrip()[:BEGINNING].isupper()


def _in_era(sense: Sense, era: Mapping[str, str]) -> Sense:
    country = era.get(sense.country)
    if country is None:
        return sense
    return Sense(country if sense.slug == sense.country else sense.slug, country, sense.way)


def _count(
    tallies: dict[str, _Tally], one: Spot, sense: Sense, part: int, weights: Weights, *, is_company: bool
) -> None:
    if is_company and sense.way in ("city", "place"):
        return
    tally = tallies.setdefault(sense.country, _Tally())
    tally.only_seats &= sense.slug in facts()["seats"]
    tally.words[one.written] = None
    if part == DATELINE_PART:
        tally.dateline = True
        return
    if sense.way == "listing":
        tally.weight = max(tally.weight, weights.listing)
        return
    tally.weight += _WAY[sense.way] * (weights.money if one.money else weights.company if is_company else 1.0)
    if not one.money and not is_company:
        tally.title |= part == 0
        tally.lead |= part == 1 or (part == 2 and one.position < weights.lead_words)
    if sense.slug == sense.country:
        tally.named += 1
    else:
        tally.inside[sense.slug] = tally.inside.get(sense.slug, 0) + 1


def _place(dateline: Sequence[Spot], evidence: Evidence, era: Mapping[str, str]) -> tuple[str, str] | None:
    """The region that the dateline names, its city where it is known, and the country of it."""
    for one in dateline:
        sense = _in_era(choose_sense(one, evidence) or one.senses[0], era)
        return sense.slug, sense.country
    return None


def _rank(
    tallies: dict[str, _Tally],
    dateline: tuple[str, str] | None,
    bars: tuple[float, float],
    gazetteer: Gazetteer,
    weights: Weights,
) -> list[SuggestedValue]:
    # Brussels in a text about NATO or the EU is where these sit, and says nothing of Belgium.
    at_home = bool(tallies.keys() & {"eu", "nato"})
    scores = {slug: _score(slug, tally, gazetteer, weights, at_home) for slug, tally in tallies.items()}
    about, share = bars
    least = max(about, share * max(scores.values(), default=0.0))
    place, country = dateline or ("", "")
    suggestions = []
    for slug, tally in tallies.items():
        named = tally.weight or slug == country
        roles = (ABOUT if scores[slug] >= least else MENTION if named else 0) | (DATELINE if slug == place else 0)
        if roles and slug in gazetteer.regions:
            suggestions.append(_suggestion(slug, scores[slug], roles, tally.words))
        for city, times in tally.inside.items():
            roles = MENTION | (DATELINE if city == place else 0)
            suggestions.append(_suggestion(city, log1p(times) / 2, roles, ()))
    if place and place not in {one.value for one in suggestions}:
        suggestions.append(_suggestion(place, weights.dateline, DATELINE, ()))
    suggestions.sort(key=lambda one: (-one.score, one.value))
    return _order_dateline(suggestions, place, country)[:MOST]


def _order_dateline(suggestions: list[SuggestedValue], place: str, country: str) -> list[SuggestedValue]:
    """With the dateline's country before its city."""
    slugs = [one.value for one in suggestions]
    if place == country or country not in slugs or slugs.index(country) < slugs.index(place):
        return suggestions
    city = suggestions.pop(slugs.index(place))
    at = slugs.index(country)
    suggestions.insert(at, replace(city, score=min(city.score, suggestions[at - 1].score)))
    return suggestions


def _score(slug: str, tally: _Tally, gazetteer: Gazetteer, weights: Weights, at_home: bool) -> float:
    damped = weights.seat if at_home and tally.only_seats else 1.0
    level = gazetteer.regions[slug].level if slug in gazetteer.regions else "country"
    if level in ("region", "subregion"):
        damped *= weights.continent
    bonus = weights.title * tally.title + weights.lead * tally.lead + weights.dateline * tally.dateline
    return damped * (log1p(tally.weight) + bonus)


def _suggestion(slug: str, score: float, roles: int, words: Iterable[str]) -> SuggestedValue:
    return SuggestedValue("region", slug, round(score, 3), ORIGIN, roles=roles, evidence=", ".join(list(words)[:5]))
