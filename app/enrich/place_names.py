"""Finds names of places in one text: the longest match, people left out. Says what each may mean, decides between
meanings nowhere. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeGuard

from app.enrich.companies import find_company, find_listings
from app.enrich.gazetteer import UNSPACED, Head, Namesake, PlaceLexicon, PlacePhrase, Sense, Words, load_words, stem
from app.enrich.text_words import TextWords
from app.text import keys

_GAP = re.compile(r"[\s.'’\-–/]{0,4}\Z")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PREPOSITIONS = _set(
    "in at from to near into across through between against outside inside around throughout toward towards via "
    "northern southern eastern western central within leaving visited visiting of "
    "en a au aux de du des dans vers depuis desde hacia nach aus bei von im"
)
_SOURCES = _set("of de du des von")
"""Prepositions that stand before people too: they speak for a place only where nothing else speaks against it."""
_APOSTROPHES = ("'", "’")
_ANDS = _set("and or und et y e")
_POWERS = _set(
    "government president presidency parliament prime premier minister ministers foreign finance defence defense "
    "interior central capital army military king queen ruling opposition supreme constitutional leader leaders "
    "currency economy border population embassy ambassador"
)
"""What states have and people have not."""
_MONEY = _set("dlr dlrs dollar dollars franc francs frcs pound pounds mark marks yen peso pesos")
_LANGUAGES = _set(
    "arabic chinese danish dutch english finnish french german greek hindi italian japanese korean norwegian persian "
    "polish portuguese russian spanish swedish turkish ukrainian vietnamese"
)
_SPOKEN = _set("in into speak speaks spoke speaking between both learn learning")
_VERSIONS = _set(
    "language languages version versions speaker speakers speaking translation translations translator subtitles "
    "dictionary grammar lessons classes only"
)
_INITIAL = re.compile(r"(?:^|[^.\w])[A-Z]\.\s?\Z")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_PREFIXES = ("وال", "بال", "فال", "كال", "لل", "و", "ب", "ف", "ل")


class Spot(NamedTuple):
    """One name in the text. `sure`: nothing else is needed to believe it; `placed`: a preposition or a state speaks for
    it, `before` is the word before it. `position` is the number of its first word, `key` its folded words, `states` are
    those that it names or lies in; `explained`: what stands behind a comma says where it lies; `money`: it says no more
    than whose dollars they are, or whose language. `company`: the folded words, from it on, of the company that it is
    part of the name of; `follows`: the word behind it that may go on with it."""

    written: str
    senses: tuple[Sense, ...]
    sure: bool
    placed: bool
    position: int
    money: bool = False
    key: Words = ()
    before: str = ""
    namesakes: tuple[Namesake, ...] = ()
    states: frozenset[str] = frozenset()
    explained: bool = False
    company: Words = ()
    follows: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    phrase: PlacePhrase
    first: int
    last: int


def spot(content: str, lexicon: PlaceLexicon) -> list[Spot]:
    """Every place named, in order. What another name behind a comma explains ("Paris, Texas") is left out for it."""
    if not content:
        return []
    words = TextWords(content)
    matches = list(_matches(words, lexicon))
    spots = []
    for at, one in enumerate(matches):
        after = matches[at + 1] if at + 1 < len(matches) else None
        lies_in = _lies_in(words, one, after) if after is not None and after.first == one.last + 1 else None
        if lies_in is not None and not _find_countries(one.phrase) & {s.country for s in lies_in.senses}:
            continue
        before = matches[at - 1] if at else None
        if one.phrase.senses[0].way == "abbreviation" and not _is_abbreviated(words, one, before):
            continue
        if words.shouted or not _is_person(words, one) or _stands_before_state(one, after):
            is_state = one.phrase.doubtful and _is_state(words, one, before, after)
            spots.append(_judge(words, one, lies_in, is_state=is_state))
    spots += (_make_listing(*one) for one in find_listings(content))
    return spots if content.isascii() else [*spots, *_find_unspaced(content, lexicon)]


def _find_countries(phrase: PlacePhrase) -> set[str]:
    return {sense.country for sense in phrase.senses} | {namesake.country for namesake in phrase.namesakes}


def _make_listing(written: str, country: str, position: int) -> Spot:
    return Spot(written, (Sense(country, country, "listing"),), sure=True, placed=False, position=position)


def _matches(words: TextWords, lexicon: PlaceLexicon) -> Iterator[_Found]:
    after, heads, fold = 0, lexicon.heads, words.fold
    inflects = bool(lexicon.stems) or not words.content.isascii()
    for i in words.large:
        if i < after:
            continue
        head = heads.get(fold(words.plain[i])) or (_find_inflected(words, i, lexicon) if inflects else None)
        if not head:
            continue
        phrases = head.get("", ())
        if (len(head) > 1 or not phrases) and i + 1 < len(words.plain):
            longer = head.get(fold(words.plain[i + 1]))
            phrases = (*longer, *phrases) if longer else phrases
        for phrase in phrases:
            if len(phrase.words) > 1:
                fits = _fits(words, i, phrase)
            else:
                # "US" and "WHO" are words of every text in capitals.
                fits = not phrase.senses[0].capitals or (words.plain[i].isupper() and not words.shouted)
            if fits:
                # The longest match wins, and what it holds is not looked at again: "New York" is not York.
                after = i + len(phrase.words)
                if phrase.senses:
                    yield _Found(phrase, i, after - 1)
                break


def _find_inflected(words: TextWords, i: int, lexicon: PlaceLexicon) -> Head | None:
    """Names with an ending or a prefix of their language."""
    if lexicon.stems and words.is_name(i):
        inflected = lexicon.stems.get(stem(words.key(i)))
        return {"": (inflected,)} if inflected else None
    if _ARABIC.match(words.plain[i]):
        bare = (words.key(i).removeprefix(p) for p in _PREFIXES if words.key(i).startswith(p))
        return next((head for b in bare for key in (b, f"ال{b}") if (head := lexicon.heads.get(key))), None)
    return None


def _fits(words: TextWords, i: int, phrase: PlacePhrase) -> bool:
    """Whether a phrase of which the first two words stand there is there."""
    sought = phrase.words
    last = i + len(sought) - 1
    return (
        last < len(words.plain)
        and (len(sought) == 2 or all(words.key(i + k) == sought[k] for k in range(2, len(sought))))
        and all(_GAP.match(words.gap(k)) for k in range(i, last))
        and (words.is_name(last) or not phrase.senses)
    )


def _behind_comma(words: TextWords, i: int) -> bool:
    return i > 0 and words.gap(i - 1).strip() in (",", ".,")


def _is_abbreviated(words: TextWords, one: _Found, before: _Found | None) -> bool:
    """Whether it is a state: behind a comma, and codes such as OR behind a town that is known there."""
    if not one.phrase.senses[0].capitals:
        return _behind_comma(words, one.first)
    return before is not None and one.first == before.last + 1 and _lies_in(words, before, one) is not None


def _lies_in(words: TextWords, one: _Found, after: _Found) -> PlacePhrase | None:
    """The state or country that follows a place behind a comma."""
    if not _behind_comma(words, after.first):
        return None
    small = any(sense.way in ("city", "place") for sense in one.phrase.senses)
    states = {namesake.state for namesake in one.phrase.namesakes}
    if states & after.phrase.states:
        return after.phrase
    large = any(sense.way in ("name", "place", "abbreviation") for sense in after.phrase.senses)
    if not small:
        # "Lebanon, Pa." is a town and "Mexico, Texas and Cuba" a list.
        return after.phrase if after.phrase.senses[0].way == "abbreviation" and states else None
    first = after.phrase.senses[0]
    # "In Paris, U.S. officials said": such short names begin what comes next.
    short = first.way == "name" and len(max(after.phrase.words, key=len)) <= 2
    # "Tehran, Israel trade blame", "in London, ID cards": only a town that is known there lies there.
    own = {sense.country for sense in one.phrase.senses} if first.capitals else _find_countries(one.phrase)
    unlikely = first.way == "name" or first.capitals
    known = not unlikely or own & {sense.country for sense in after.phrase.senses}
    return after.phrase if large and known and not short else None


def _stands_before_state(one: _Found, after: _Found | None) -> bool:
    """ "Paris Texas"; "Paris" is a first name besides."""
    if after is None or after.first != one.last + 1:
        return False
    return any(namesake.state in after.phrase.states for namesake in one.phrase.namesakes)


def _is_person(words: TextWords, one: _Found) -> bool:
    """ "Jack London", "Mr. Brussels", "J. Washington", "Chad Smith"; demonyms and institutions are never people."""
    if one.phrase.senses[0].way in ("demonym", "institution", "abbreviation") or one.first != one.last:
        return False
    i = one.first
    if i > 0 and words.is_name(i - 1):
        before, gap = words.key(i - 1), words.gap(i - 1)
        if before in load_words("titles") and gap.strip() in ("", "."):
            return True
        if gap.strip() == "" and before in load_words("forenames"):
            return True
        if len(before) == 1 and _INITIAL.search(words.text_before(i)):
            return True
    return _has_surname(words, i)


def _has_surname(words: TextWords, i: int) -> bool:
    """A place that is a first name too, with another name behind it and nothing before it that speaks of a place."""
    if (
        words.key(i) not in load_words("given_names")
        or not words.is_adjacent(i)
        or not words.is_name(i + 1)
        or words.headline
    ):
        return False
    return words.key(i - 1) not in _PREPOSITIONS if i else words.gap(i) == " "


def _is_state(words: TextWords, one: _Found, before: _Found | None, after: _Found | None) -> bool:
    """Whether a name that may be a word or a person's is a country's by what stands beside it: "Turkey and Greece",
    "Jordan's king"."""
    if one.phrase.senses[0].way != "name":
        return False
    if words.gap(one.last) in _APOSTROPHES and words.key(one.last + 1) == "s" and words.is_adjacent(one.last + 1):
        return words.key(one.last + 2) in _POWERS
    return (_is_country(after) and _is_listed(words, one, after)) or (
        _is_country(before) and _is_listed(words, before, one)
    )


def _is_country(one: _Found | None) -> TypeGuard[_Found]:
    return one is not None and one.phrase.senses[0].way == "name" and not one.phrase.doubtful


def _is_listed(words: TextWords, one: _Found, after: _Found) -> bool:
    """Whether two names stand beside each other in a list."""
    gap = words.gap(one.last).strip()
    if after.first == one.last + 1:
        return gap in (",", "/", "–", "-")
    return (
        after.first == one.last + 2
        and words.key(one.last + 1) in _ANDS
        and not gap
        and not words.gap(one.last + 1).strip()
    )


def _judge(words: TextWords, one: _Found, lies_in: PlacePhrase | None, *, is_state: bool) -> Spot:
    i = one.first
    before = words.key(i - 1) if i and words.is_adjacent(i - 1) else ""
    if before == "the" and i > 1:
        before = words.key(i - 2)
    placed = lies_in is not None or is_state or before in _PREPOSITIONS
    senses = one.phrase.senses
    if lies_in is not None:
        there = {sense.country for sense in lies_in.senses}
        senses = tuple(sense for sense in senses if sense.country in there) or tuple(
            Sense(country, country, "place")
            for country in dict.fromkeys(namesake.country for namesake in one.phrase.namesakes)
            if country in there
        )
    sure = len(senses) == 1 and (
        not one.phrase.doubtful or is_state or (placed and before not in _SOURCES) or lies_in is not None
    )
    behind = words.key(one.last + 1) if words.is_adjacent(one.last) else ""
    return Spot(
        words.plain[i] if i == one.last else " ".join(words.join(i, one.last).split()),
        senses,
        sure,
        placed,
        i,
        behind in _MONEY or (senses[0].way == "demonym" and _is_language(one.phrase, before, behind)),
        one.phrase.words,
        before,
        () if lies_in else one.phrase.namesakes,
        one.phrase.states,
        lies_in is not None,
        find_company(words, i, one.last, is_city=senses[0].way in ("city", "place")) or (),
        behind if behind and words.is_name(one.last + 1) else "",
    )


def _is_language(phrase: PlacePhrase, before: str, behind: str) -> bool:
    """ "In English and Spanish", "the French version", "written in Dutch."; but "French ministers" and "the Dutch"."""
    if phrase.words[0] not in _LANGUAGES:
        return False
    if behind in ("and", "or"):
        return before in _SPOKEN
    return behind in _VERSIONS or (not behind and before != "the")


def _find_unspaced(content: str, lexicon: PlaceLexicon) -> Iterator[Spot]:
    """Chinese, Japanese and Thai: names by their characters, from two on."""
    match = UNSPACED.search(content)
    at = match.start() if match else len(content)
    while at < len(content) - 1:
        phrases = lexicon.unspaced.get(keys.fold(content[at : at + 2]), ())
        phrase = next((one for one in phrases if content.startswith(one.words[0], at)), None)
        if phrase is not None:
            yield Spot(phrase.words[0], phrase.senses, len(phrase.senses) == 1, placed=False, position=at)
        at += len(phrase.words[0]) if phrase else 1
