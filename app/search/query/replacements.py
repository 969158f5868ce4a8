"""Texts in Latin letters as `spelling.normalize` makes them, and the way back to the characters as they were. Pure.

SourcePlaces follow from what was replaced, not from a number for each character, which would take ten times as long.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from app.search.query import spelling
from app.text.keys import drop_ascii

Span = tuple[int, int]


# What `spelling.SPELT` finds begins with one of these.
_SUSPECTS = b"0123456789.+#ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class TextReplacement:
    """What was put in the place of characters `first` to `last`; `is_spaced`: the same with spaces around it."""

    first: int
    last: int
    instead: str
    is_spaced: bool


class _Layer:
    """Replacements in one text, and the way back through them."""

    __slots__ = ("_replacements", "_starts")

    def __init__(self, replacements: Sequence[TextReplacement]) -> None:
        self._replacements = replacements
        self._starts: list[int] = []
        moved = 0
        for one in replacements:
            self._starts.append(one.first + moved)
            moved += len(one.instead) - (one.last - one.first)

    def __len__(self) -> int:
        return len(self._replacements)

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

    def apply(self, text: str) -> str:
        """The new text."""
        parts, at = [], 0
        for one in self._replacements:
            parts += [text[at : one.first], one.instead]
            at = one.last
        return "".join([*parts, text[at:]])


@dataclass(frozen=True, slots=True)
class SourcePlaces:
    """Where the characters of a normalized text stand in the text that it was made of."""

    layers: tuple[_Layer, ...]
    normalized_size: int
    size: int

    @property
    def replacement_count(self) -> int:
        """How many replacements there are."""
        return sum(map(len, self.layers))

    def find_source(self, start: int, end: int) -> Span:
        """As `spelling.NormalizedText.find_source`."""
        if not self.layers:
            return start, end
        first, _ = self._find_character(start)
        _, last = self._find_character(end - 1)
        following = self._find_character(end)[0] if end < self.normalized_size else self.size
        return first, max(last, following)

    def _find_character(self, at: int) -> Span:
        start, last = at, at
        for layer in reversed(self.layers):
            start, _ = layer.find_character(start)
            last = layer.find_character(last)[1] - 1
        return start, last + 1


def normalize(text: str) -> tuple[str, SourcePlaces]:
    """As `spelling.normalize`, of a text that has no characters but those of `word_forms.PLAIN`."""
    layers: list[_Layer] = []
    changed = text
    for pattern, replace in spelling.list_steps(text, is_query=False):
        if pattern is None:
            resized = _list_resized(changed)
            layers += [_Layer(resized)] if resized else []
            changed = spelling.fold_characters(changed)
            continue
        if pattern is spelling.SPELT and not _has_suspects(changed):
            continue
        replacements = []
        for match in pattern.finditer(changed):
            instead = replace(match)
            if instead != match[0]:
                same = instead.strip(" ") == match[0]
                replacements.append(TextReplacement(match.start(), match.end(), instead, same))
        if replacements:
            layers.append(_Layer(replacements))
            changed = layers[-1].apply(changed)
    return changed, SourcePlaces(tuple(layers), len(changed), len(text))


def _has_suspects(text: str) -> bool:
    """In a tenth of the time that a pattern takes to find none."""
    data = text.encode()
    return len(data.translate(None, _SUSPECTS)) < len(data)


def _list_resized(text: str) -> list[TextReplacement]:
    """Characters for which the table has none, or several."""
    folding = spelling.FOLDING
    resized = [character for character in set(drop_ascii(text)) if len(folding[ord(character)]) != 1]
    places = sorted((match.start(), one) for one in resized for match in re.finditer(re.escape(one), text))
    return [TextReplacement(at, at + 1, folding[ord(one)], is_spaced=False) for at, one in places]
