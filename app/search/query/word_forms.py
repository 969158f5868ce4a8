"""The analysis of `analysis.analyse` for texts in Latin letters, several times as fast. Pure.

Terms of a word depend on the word alone, so they are kept by word, bounded in number and length; and places are
found for the words asked for, not for all. Any other text goes to `analysis` as it is.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app.search.query import analysis, spelling
from app.search.query.analysis import AnalysedText, Span
from app.search.query.stop_words import find_language

MOST_WORDS, LONGEST_WORD = 40_000, 40
"""How many words are kept, together about 8 MB, and how many characters the longest has."""

PLAIN = f"\\x00-\\u012f\\u0131-\\u013e\\u0141-\\u024f\\u2010-\\u2027\\u2030-\\u203a\\u20ac{spelling.MARK}"
"""For a class of characters: those that Python and tantivy divide into words alike, and that are as long in small
letters; a test compares them one by one."""
_OTHER = re.compile(f"[^{PLAIN}]")
_WORD = re.compile(r"[^\W_]+")

_known: dict[str | None, dict[str, str]] = {}
"""By language: the term of each word in small letters; by None: the word without accents."""


def analyse(text: str, tag: str | None) -> AnalysedText:
    """As `analysis.analyse`, term by term and place by place."""
    if _OTHER.search(text):
        return analysis.analyse(text, tag)
    normalized = spelling.normalize(text)
    lowered = normalized.lower()
    surfaces = _WORD.findall(lowered)
    distinct = set(surfaces)
    language = find_language(tag)
    words = surfaces if lowered.isascii() else _list_terms(surfaces, distinct, None)
    stems = words if language is None else _list_terms(surfaces, distinct, language)
    # A word in which the normalized text has another script, one of 200 bytes: the tokenizer knows.
    if words is None or stems is None or len(lowered) != len(normalized) or _OTHER.search(normalized):
        return analysis.analyse(text, tag)
    return AnalysedText(stems, words, partial(_find_places, text, normalized, lowered, surfaces))


def _list_terms(surfaces: Sequence[str], distinct: set[str], language: str | None) -> list[str] | None:
    """The term of each word; None where one cannot be kept, or is not one term."""
    known = _known.get(language, {})
    new = distinct.difference(known)
    if new:
        learned = _learn_terms(new, language)
        if learned is None:
            return None
        # `known` stays whole whatever another thread forgets.
        terms = {word: known[word] for word in distinct.difference(new)} | learned
        if sum(map(len, _known.values())) + len(new) > MOST_WORDS:
            _known.clear()
        _known.setdefault(language, {}).update(learned)
        known = terms
    return list(map(known.__getitem__, surfaces))


def _learn_terms(words: Iterable[str], language: str | None) -> dict[str, str] | None:
    listed = list(words)
    if max(map(len, listed)) > LONGEST_WORD:
        return None
    terms = analysis.list_terms(" ".join(listed), language)
    if len(terms) != len(listed):
        return None
    # One text for both where they are equal.
    return {word: word if word == term else term for word, term in zip(listed, terms, strict=True)}


def _find_places(text: str, normalized: str, lowered: str, surfaces: Sequence[str], which: Iterable[int]) -> list[Span]:
    """Which characters of the text the words of these numbers stand for."""
    numbers = list(which)
    spans: dict[int, Span] = {}
    for word in {surfaces[number] for number in numbers}:
        spans.update(zip(_list_numbers(surfaces, word), _list_spans(lowered, word), strict=True))
    if normalized == text:
        return [spans[number] for number in numbers]
    find_source = find_sources(text, normalized)
    return [find_source(*spans[number]) for number in numbers]


def _list_numbers(surfaces: Sequence[str], word: str) -> Iterator[int]:
    at = -1
    for _ in range(surfaces.count(word)):
        at = surfaces.index(word, at + 1)
        yield at


def _list_spans(lowered: str, word: str) -> Iterator[Span]:
    """Where it stands as a whole word."""
    at = lowered.find(word)
    while at >= 0:
        end = at + len(word)
        if not lowered[at - 1 : at].isalnum() and not lowered[end : end + 1].isalnum():
            yield at, end
        at = lowered.find(word, end)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What was put in the place of characters `first` to `last`; `is_spaced`: the same with spaces around it."""

    first: int
    last: int
    instead: str
    is_spaced: bool


class _Layer:
    """Replacements in one text, and the way back through them."""

    def __init__(self, replacements: Sequence[Replacement]) -> None:
        self._replacements = replacements
        self._starts: list[int] = []
        moved = 0
        for one in replacements:
            self._starts.append(one.first + moved)
            moved += len(one.instead) - (one.last - one.first)

    def find_character(self, at: int) -> Span:
        """What the character at this place of the new text stands for in the old one."""
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return at, at + 1
        one, within = self._replacements[number], at - self._starts[number]
        if within >= len(one.instead):
            source = one.last + within - len(one.instead)
            return source, source + 1
        if one.is_spaced:
            lead = len(one.instead) - len(one.instead.lstrip(" "))
            source = min(max(one.first + within - lead, one.first), one.last - 1)
            return source, source + 1
        return one.first, one.last


def find_sources(text: str, normalized: str) -> Callable[[int, int], Span]:
    """As `spelling.normalize_with_places(text).find_source`, by what was replaced: not a number for each character."""
    layers: list[_Layer] = []
    changed = text
    for pattern, replace in spelling.list_steps(text, is_query=False):
        if pattern is None:
            if not _is_folded_in_place(changed):
                return spelling.normalize_with_places(text).find_source
            changed = changed.translate(spelling.FOLDING)
            continue
        replacements = []
        for match in pattern.finditer(changed):
            instead = replace(match)
            if instead != match[0]:
                same = instead.strip(" ") == match[0]
                replacements.append(Replacement(match.start(), match.end(), instead, same))
        if replacements:
            layers.append(_Layer(replacements))
            changed = _apply(changed, replacements)
    size = len(normalized)

    def find_source(start: int, end: int) -> Span:
        first, _ = _find_through(layers, start)
        _, last = _find_through(layers, end - 1)
        following = _find_through(layers, end)[0] if end < size else len(text)
        return first, max(last, following)

    return find_source


def _find_through(layers: Sequence[_Layer], at: int) -> Span:
    start, last = at, at
    for layer in reversed(layers):
        start, _ = layer.find_character(start)
        last = layer.find_character(last)[1] - 1
    return start, last + 1


def _apply(text: str, replacements: Sequence[Replacement]) -> str:
    parts, at = [], 0
    for one in replacements:
        parts += [text[at : one.first], one.instead]
        at = one.last
    return "".join([*parts, text[at:]])


def _is_folded_in_place(text: str) -> bool:
    folding: Mapping[int, str] = spelling.FOLDING
    return all(len(folding[ord(character)]) == 1 for character in set(text))
