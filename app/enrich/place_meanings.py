"""Which of its meanings a name of a place has in one article: by what else the article names, by what lies near, and by
where it was published. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.enrich.gazetteer import Namesake, Sense, Words
from app.enrich.place_names import Spot

_NONE: frozenset[Words] = frozenset()
BESIDE = 4
"""Words within which a state says where a town lies: "Paris in the north-east of Texas"."""
_WITHIN = frozenset(("in", "of"))


@dataclass(slots=True)
class Evidence:
    """How often each country is named beyond doubt, and by which of the names that have namesakes; which signs of each
    state there are; in which states `twins` of a name lie; which names are `explained`; how companies' names begin that
    places are part of; which names stand alone in the dateline; `home` is the publisher's country."""

    home: str | None
    known: Counter[str] = field(default_factory=Counter)
    by_name: Counter[tuple[Words, str]] = field(default_factory=Counter)
    signs: dict[tuple[str, str], set[Words]] = field(default_factory=dict)
    twins: dict[Words, set[tuple[str, str]]] = field(default_factory=dict)
    explained: dict[Words, Sense] = field(default_factory=dict)
    companies: set[Words] = field(default_factory=set)
    datelined: set[Words] = field(default_factory=set)

    def is_company(self, one: Spot) -> bool:
        """Whether the name is part of a company's here, or of one that is named in full elsewhere."""
        return bool(one.company or (self.companies and one.follows and (*one.key, one.follows) in self.companies))


def gather(parts: Sequence[Sequence[Spot]], home: str | None) -> Evidence:
    """What all parts of an article say, of which the last is the dateline."""
    evidence = Evidence(home)
    states: list[Spot] = []
    for part in parts:
        beside = len(states)
        twins = []
        for one in part:
            if one.company:
                # "Texas Instruments Inc" makes a company of "Texas Instruments", and "Paris Inc" none of "Paris".
                if len(one.company) > len(one.key):
                    evidence.companies.add(one.company[: len(one.key) + 1])
                continue
            if one.states:
                states.append(one)
            if one.sure and one.key:
                evidence.known[one.senses[0].country] += 1
                if one.namesakes:
                    twins.append(one)
                elif one.explained:
                    evidence.explained.setdefault(one.key, one.senses[0])
        for one in twins:
            _add_twin(one, states[beside:], evidence)
    evidence.datelined = {one.key for one in parts[-1] if one.namesakes and not one.explained}
    for one in states:
        country = _find_country(one, evidence.known, home)
        for state in one.states:
            if one.senses[0].way == "city" and " ".join(one.key) == state:
                continue  # "New York" is the city more often than the state.
            evidence.signs.setdefault((country, state), set()).add(one.key)
    return evidence


def _add_twin(one: Spot, states: Sequence[Spot], evidence: Evidence) -> None:
    """Adds what a name with namesakes says, and whether a state beside it tells which it is: "Paris Texas", "Paris in
    Texas", "the Texas town of Paris"."""
    evidence.by_name[one.key, one.senses[0].country] += 1
    if one.key not in evidence.twins:
        evidence.twins[one.key] = {(twin.country, twin.state) for twin in one.namesakes}
    if states and one.senses[0].way in ("city", "place"):
        country = next((twin.country for twin in one.namesakes if _stands_beside(one, twin, states)), None)
        if country is not None:
            evidence.explained.setdefault(one.key, Sense(country, country, "place"))


def _find_country(one: Spot, known: Mapping[str, int], home: str | None) -> str:
    return max(one.senses, key=lambda sense: known.get(sense.country, 0) + (sense.country == home) / 2).country


def choose_sense(one: Spot, evidence: Evidence) -> Sense | None:
    """Of several countries the one that the rest of the article speaks of; without any, a preposition will do."""
    if evidence.explained and one.key in evidence.explained and not one.explained:
        # "Paris, Texas" is what "Paris" means in the rest of the article.
        return evidence.explained[one.key]
    if one.namesakes and (meant := _find_namesake(one, evidence)):
        return Sense(meant.country, meant.country, "place")
    if one.sure:
        return one.senses[0]
    country = _find_country(one, evidence.known, evidence.home)
    best = next(sense for sense in one.senses if sense.country == country)
    return best if one.placed or evidence.known.get(country) else None


def _find_namesake(one: Spot, evidence: Evidence) -> Namesake | None:
    """The lesser-known town that is meant, if one is: the article says nothing else of the better-known one's country,
    and enough of the town's state."""
    if (not evidence.signs and evidence.home is None) or one.senses[0].way not in ("city", "place"):
        return None
    for namesake in one.namesakes:
        signs = len(evidence.signs.get((namesake.country, namesake.state), _NONE) - {one.key})
        if not signs and not (namesake.larger and evidence.home == namesake.country):
            continue
        if any(_is_named_otherwise(sense.country, one, namesake, evidence) for sense in one.senses):
            continue
        signs += evidence.home == namesake.country
        # A famous city stands alone in a dateline; a namesake does in papers of its own country.
        alone = one.key in evidence.datelined and evidence.home != namesake.country
        if signs >= (1 if namesake.larger and not alone else 2):
            return namesake
    return None


def _is_named_otherwise(country: str, one: Spot, namesake: Namesake, evidence: Evidence) -> bool:
    """Whether anything but this name speaks of the better-known place's country. "London and Cambridge", of Ontario,
    do not speak for England to each other."""
    if evidence.known[country] <= evidence.by_name[one.key, country]:
        return False
    lie_there = (key for key, states in evidence.twins.items() if (namesake.country, namesake.state) in states)
    same = {one.key, *lie_there}
    return evidence.known[country] > sum(evidence.by_name[key, country] for key in same)


def _stands_beside(one: Spot, namesake: Namesake, states: Sequence[Spot]) -> bool:
    """Whether the state stands there; "Paris and Texas" and "from Paris to Texas" are two places."""
    for other in states:
        away = other.position - one.position
        if namesake.state in other.states and 0 < away <= BESIDE and other.before in (*_WITHIN, one.key[-1]):
            return True
        if namesake.state in other.states and -BESIDE <= away < 0 and one.before == "of":
            return True
    return False
