"""Finds names of places in one text: the longest match, people left out. Says what each may mean, decides between
meanings nowhere. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.enrich.gazetteer import UNSPACED, PlaceLexicon, PlacePhrase, Sense, load_words, stem
from app.text import keys

_GAPS = re.compile(r"\W+")
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
_MONEY = _set("dlr dlrs dollar dollars franc francs frcs pound pounds mark marks yen peso pesos")
_INITIAL = re.compile(r"(?:^|[^.\w])[A-Z]\.\s?\Z")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_PREFIXES = ("وال", "بال", "فال", "كال", "لل", "و", "ب", "ف", "ل")
_TITLE_CASE = 0.6


@dataclass(frozen=True, slots=True)
class Spot:
    """One name in the text. `sure`: nothing else is needed to believe it; `placed`: a preposition or a state speaks for
    it. `position` is the number of its first word; `money`: it says no more than whose dollars they are."""

    written: str
    senses: tuple[Sense, ...]
    sure: bool
    placed: bool
    position: int
    money: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    phrase: PlacePhrase
    first: int
    last: int


class _Words:
    """The words of a text with their places; what capitals mean in it depends on how many words have them. Most texts
    name few places, so that most of this is worked out for few words, and only when it is asked for."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.plain = keys.runs(content)
        self.large = [i for i, word in enumerate(self.plain) if not word[0].islower()]
        """Numbers of the words that may begin a name."""
        self.shouted = content.isupper()
        self.fold = str.lower if content.isascii() else keys.fold

    @cached_property
    def _gaps(self) -> list[str]:
        """What stands before each word, and behind the last one."""
        gaps = _GAPS.findall(self.content)
        leads = not self.content.startswith(self.plain[0])
        return [*gaps, ""] if leads else ["", *gaps, ""]

    @cached_property
    def headline(self) -> bool:
        letters = sum(word[0].isalpha() for word in self.plain)
        large = sum(self.plain[i][0].isupper() for i in self.large)
        return letters > 3 and large >= _TITLE_CASE * letters

    def key(self, i: int) -> str:
        """The word, folded."""
        return self.fold(self.plain[i])

    def gap(self, i: int) -> str:
        """What stands between word i and the next."""
        return self._gaps[i + 1]

    def join(self, first: int, last: int) -> str:
        """Words and what stands between them, as they are."""
        return "".join(f"{self.plain[i]}{self._gaps[i + 1]}" for i in range(first, last)) + self.plain[last]

    def text_before(self, i: int) -> str:
        """The last five characters before a word."""
        read = (f"{self._gaps[k]}{self.plain[k]}" for k in range(max(0, i - 3), i))
        return ("".join(read) + self._gaps[i])[-5:]

    def is_name(self, i: int) -> bool:
        """Whether the word begins with a capital, or its script has none."""
        return 0 <= i < len(self.plain) and not self.plain[i][0].islower() and self.plain[i][0].isalpha()

    def is_adjacent(self, i: int) -> bool:
        """Whether words i and i + 1 stand in one run of words."""
        return 0 <= i < len(self.plain) - 1 and not self.gap(i).strip(" \n\t-–'’")


def spot(content: str, lexicon: PlaceLexicon) -> list[Spot]:
    """Every place named, in order. What another name behind a comma explains ("Paris, Texas") is left out for it."""
    words = _Words(content)
    matches = list(_matches(words, lexicon))
    spots = []
    for at, one in enumerate(matches):
        after = matches[at + 1] if at + 1 < len(matches) else None
        lies_in = _lies_in(words, one, after)
        if lies_in is not None and not {s.country for s in one.phrase.senses} & {s.country for s in lies_in.senses}:
            continue
        if all(sense.way == "abbreviation" for sense in one.phrase.senses) and not _behind_comma(words, one.first):
            continue
        if words.shouted or not _is_person(words, one):
            spots.append(_judge(words, one, lies_in))
    return spots if content.isascii() else [*spots, *_find_unspaced(content, lexicon)]


def _matches(words: _Words, lexicon: PlaceLexicon) -> Iterator[_Found]:
    after, heads, fold = 0, lexicon.heads, words.fold
    inflects = bool(lexicon.stems) or not words.content.isascii()
    for i in words.large:
        if i < after:
            continue
        phrases = heads.get(fold(words.plain[i])) or (_find_inflected(words, i, lexicon) if inflects else None)
        match = next((phrase for phrase in phrases if _fits(words, i, phrase)), None) if phrases else None
        if match is not None:
            # The longest match wins, and what it holds is not looked at again: "New York" is not York.
            after = i + len(match.words)
            yield _Found(match, i, after - 1)


def _find_inflected(words: _Words, i: int, lexicon: PlaceLexicon) -> Sequence[PlacePhrase]:
    """Names with an ending or a prefix of their language."""
    if lexicon.stems and words.is_name(i):
        inflected = lexicon.stems.get(stem(words.key(i)))
        return (inflected,) if inflected else ()
    if _ARABIC.match(words.plain[i]):
        # "And", "in", "as" and "to" are written in one with the word; "to the" (لل) has swallowed the article, which
        # names have.
        bare = (words.key(i).removeprefix(p) for p in _PREFIXES if words.key(i).startswith(p))
        return next((phrases for b in bare for key in (b, f"ال{b}") if (phrases := lexicon.heads.get(key))), ())
    return ()


def _fits(words: _Words, i: int, phrase: PlacePhrase) -> bool:
    last = i + len(phrase.words) - 1
    if last == i:
        # "US" and "WHO" are words of every text in capitals.
        capitals = not phrase.senses[0].capitals or (words.plain[i].isupper() and not words.shouted)
        return capitals and words.is_name(i)
    if last >= len(words.plain) or words.key(i + 1) != phrase.words[1]:
        return False
    return (
        all(words.key(i + k) == word for k, word in enumerate(phrase.words))
        and all(_GAP.match(words.gap(k)) for k in range(i, last))
        and words.is_name(last)
    )


def _behind_comma(words: _Words, i: int) -> bool:
    return i > 0 and words.gap(i - 1).strip() in (",", ".,")


def _lies_in(words: _Words, one: _Found, after: _Found | None) -> PlacePhrase | None:
    """The state or country that follows a place behind a comma."""
    if after is None or after.first != one.last + 1 or not _behind_comma(words, after.first):
        return None
    small = any(sense.way in ("city", "place") for sense in one.phrase.senses)
    large = any(sense.way in ("name", "place", "abbreviation") for sense in after.phrase.senses)
    return after.phrase if small and large else None


def _is_person(words: _Words, one: _Found) -> bool:
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


def _has_surname(words: _Words, i: int) -> bool:
    """A place that is a first name too, with another name behind it and nothing before it that speaks of a place."""
    if (
        words.headline
        or words.key(i) not in load_words("given_names")
        or not words.is_adjacent(i)
        or not words.is_name(i + 1)
    ):
        return False
    return words.key(i - 1) not in _PREPOSITIONS if i else words.gap(i) == " "


def _judge(words: _Words, one: _Found, lies_in: PlacePhrase | None) -> Spot:
    i = one.first
    before = words.key(i - 1) if i and words.is_adjacent(i - 1) else ""
    # "in the Netherlands": the preposition stands before the article.
    if before == "the" and i > 1:
        before = words.key(i - 2)
    placed = lies_in is not None or before in _PREPOSITIONS
    senses = one.phrase.senses
    if lies_in is not None:
        there = {sense.country for sense in lies_in.senses}
        senses = tuple(sense for sense in senses if sense.country in there)
    sure = len(senses) == 1 and (not one.phrase.doubtful or (placed and before not in _SOURCES) or lies_in is not None)
    money = words.is_adjacent(one.last) and words.key(one.last + 1) in _MONEY
    return Spot(" ".join(words.join(i, one.last).split()), senses, sure, placed, i, money)


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
