"""The words of Latin letters that were met, with their terms, and the other way round. Pure but for what it remembers.

Terms of a word depend on the word alone, so they are kept by word, bounded in number and length. Whoever has had all
words of a text learned finds the places of a term by the words that have it, and need not list the terms of the text.
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from threading import Lock

from app.search.query import analysis, replacements, spelling
from app.search.query.analysis import AnalysedText
from app.search.query.replacements import SourcePlaces, Span
from app.search.query.stop_words import find_language
from app.text.keys import drop_ascii

MOST_WORDS, LONGEST_WORD = 50_000, 40
"""How many words are kept, together about 7 MB, and how many characters the longest has."""

PLAIN = f"\\x00-\\u012f\\u0131-\\u013e\\u0141-\\u024f\\u2010-\\u2027\\u2030-\\u203a\\u20ac{spelling.MARK}"
"""For a class of characters: those that Python and tantivy divide into words alike, and that are as long in small
letters; a test compares them one by one."""
_OTHER = re.compile(f"[^{PLAIN}]")
_SIGNS = re.compile(r"[^\w\x00-\x7f]")
# Of UTF-8: what is no letter or digit of ASCII becomes a space, and other characters stay.
_SPACED = bytes(i if i > 127 or chr(i).isalnum() else ord(" ") for i in range(256))


def normalize(text: str) -> tuple[str, str, SourcePlaces] | None:
    """The text as `spelling.normalize` makes it, the same in small letters, and its places; None where it has other
    letters than Latin ones."""
    if text.isascii():
        normalized, places = replacements.normalize(text)
        return normalized, normalized.lower(), places
    if _OTHER.search(drop_ascii(text)):
        return None
    normalized, places = replacements.normalize(text)
    lowered = normalized.lower()
    if len(lowered) != len(normalized) or _OTHER.search(drop_ascii(normalized)):
        return None
    return normalized, lowered, places


def split(lowered: str) -> list[str]:
    """The words of a text that `normalize` made: its runs of letters and digits."""
    if not lowered.isascii():
        for sign in set(_SIGNS.findall(drop_ascii(lowered))):
            lowered = lowered.replace(sign, " ")
    return lowered.encode().translate(_SPACED).decode().split()


class KnownWords:
    """Words and terms by language; by None: words with other letters than ASCII as they are without accents, which the
    rest are already. Grows under a lock; what was learned once stays, so that others may read meanwhile."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._terms: dict[str | None, dict[str, str]] = {}
        self._forms: dict[str | None, dict[str, tuple[str, ...]]] = {}

    @property
    def size(self) -> int:
        """How many words there are."""
        return sum(map(len, self._terms.values()))

    def has_all(self, words: Sequence[str], language: str | None, *, is_ascii: bool) -> bool:
        """Whether all of these are known in this language and whole."""
        try:
            if language is not None:
                # Half the time of a set of them: each has to be hashed once, and that is most of it.
                deque(map(self._terms[language].__getitem__, words), maxlen=0)
            if not is_ascii:
                whole = self._terms[None]
                deque((whole[word] for word in words if not word.isascii()), maxlen=0)
        except KeyError:
            return False
        return True

    def add(self, distinct: set[str], language: str | None) -> bool:
        """Learns what is not known; False, and nothing, where a word is not one term, or is too long."""
        new: dict[str | None, set[str]] = {None: {word for word in distinct if not word.isascii()}}
        if language is not None:
            new[language] = distinct
        learned: dict[str | None, dict[str, str]] = {}
        for name, words in new.items():
            terms = _list_terms(words.difference(self._terms.get(name, ())), name)
            if terms is None:
                return False
            learned[name] = terms
        for name, terms in learned.items():
            forms = self._forms.setdefault(name, {})
            for word, term in terms.items():
                if word != term:
                    forms[term] = (*forms.get(term, ()), word)
            # Last: whoever finds a word in the one finds it in the other.
            self._terms.setdefault(name, {}).update(terms)
        return True

    def list_forms(self, term: str, language: str | None) -> tuple[str, ...]:
        """All words known in the language that have the term."""
        forms = self._forms[language].get(term, ()) if language in self._forms else ()
        if self._terms.get(language, {}).get(term) == term or (language is None and term.isascii()):
            return (*forms, term)
        return forms

    def list_terms(self, words: Sequence[str], language: str | None) -> list[str]:
        """The term of each of the words, all of which are known."""
        terms = self._terms.get(language, {})
        if language is None:
            return [terms.get(word, word) for word in words]
        return list(map(terms.__getitem__, words))


_known = [KnownWords(0)]
"""The one of now."""
_lock = Lock()


def get_known() -> KnownWords:
    """What is known now; another object, with another number, once it was full."""
    return _known[-1]


def learn(words: Sequence[str], tag: str | None, *, is_ascii: bool) -> KnownWords | None:
    """What is known with all of these words, of a text that `is_ascii` or not; None where one cannot be kept, or is not
    one term."""
    language, known = find_language(tag), get_known()
    if language is None and words and max(map(len, words)) > LONGEST_WORD:
        return None
    if known.has_all(words, language, is_ascii=is_ascii):
        return known
    distinct = set(words)
    if 2 * len(distinct) > MOST_WORDS:
        return None
    with _lock:
        known = get_known()
        if known.size + 2 * len(distinct) > MOST_WORDS:
            known = KnownWords(known.number + 1)
        if not known.add(distinct, language):
            return None
        _known[:] = [known]
    return known


def _list_terms(words: Iterable[str], language: str | None) -> dict[str, str] | None:
    listed = list(words)
    if not listed:
        return {}
    if max(map(len, listed)) > LONGEST_WORD:
        return None
    terms = analysis.list_terms(" ".join(listed), language)
    if len(terms) != len(listed):
        return None
    # One text for both where they are equal.
    return {word: word if word == term else term for word, term in zip(listed, terms, strict=True)}


def list_places(lowered: str, word: str) -> list[Span]:
    """Where it stands as a whole word."""
    places = []
    size, at = len(word), lowered.find(word)
    while at >= 0:
        end = at + size
        if not lowered[at - 1 : at].isalnum() and not lowered[end : end + 1].isalnum():
            places.append((at, end))
        at = lowered.find(word, end)
    return places


def analyse(text: str, tag: str | None) -> AnalysedText:
    """As `analysis.analyse`, term by term and place by place, several times as fast for texts in Latin letters."""
    normalized = normalize(text)
    if normalized is None:
        return analysis.analyse(text, tag)
    _, lowered, places = normalized
    is_ascii, surfaces = lowered.isascii(), split(lowered)
    known = learn(surfaces, tag, is_ascii=is_ascii)
    if known is None:
        return analysis.analyse(text, tag)
    language = find_language(tag)
    words = surfaces if is_ascii else known.list_terms(surfaces, None)
    stems = words if language is None else known.list_terms(surfaces, language)
    return AnalysedText(stems, words, partial(_find_places, lowered, surfaces, places))


def _find_places(lowered: str, surfaces: Sequence[str], places: SourcePlaces, which: Iterable[int]) -> list[Span]:
    """Which characters of the text the words of these numbers stand for."""
    numbers = list(which)
    spans: dict[int, Span] = {}
    for word in {surfaces[number] for number in numbers}:
        spans.update(zip((i for i, one in enumerate(surfaces) if one == word), list_places(lowered, word), strict=True))
    return [places.find_source(*spans[number]) for number in numbers]
