"""Texts in Latin letters in which terms are looked for, again and again: by the words that have them, as the text has
them, so that no term is listed of a text that does not have it. Finds what `analysis.analyse` has."""

import re
from collections.abc import Iterable, Iterator, Sequence
from sys import getsizeof

from app.search.query import word_forms
from app.search.query.analysis import Reading
from app.search.query.replacements import SourcePlaces, Span
from app.search.query.stop_words import find_language
from app.search.query.word_forms import KnownWords

REPLACED_BYTES, OVERHEAD = 300, 500
"""Bytes that a replacement takes, and the objects around a text."""
_WORD, _BETWEEN = re.compile(r"[^\W_]+"), re.compile(r"[\W_]*")


class PlainText:
    """One text. Its spans are places in its normalized form: `locate` tells where that stands in the text."""

    __slots__ = ("_known_as", "_language", "_lowered", "_places", "_tag", "words")

    def __init__(self, lowered: str, places: SourcePlaces, words: int, tag: str | None, known: KnownWords) -> None:
        self._lowered, self._places, self.words = lowered, places, words
        self._tag, self._language, self._known_as = tag, find_language(tag), known.number

    def measure(self, text: str) -> int:
        """Bytes in memory, beside the text that it is of."""
        lowered = 0 if self._lowered is text else getsizeof(self._lowered)
        return lowered + REPLACED_BYTES * self._places.replacement_count + OVERHEAD

    def find_words(self, terms: Iterable[str]) -> set[Span]:
        """Where a word stands that has one of the terms, in the text's language or whole."""
        known, lowered = self._learn(), self._lowered
        forms: set[str] = set()
        for term in terms:
            forms.update(known.list_forms(term, None))
            if self._language is not None:
                forms.update(known.list_forms(term, self._language))
        spans: set[Span] = set()
        for form in forms:
            if form in lowered:
                spans.update(word_forms.list_places(lowered, form))
        return spans

    def find_beginnings(self, beginnings: Sequence[str]) -> set[Span]:
        """Where a word stands that begins so, without accents."""
        lowered = self._lowered
        if not lowered.isascii():
            known = self._learn()
            [*words] = _WORD.finditer(lowered)
            terms = known.list_terms([word[0] for word in words], None)
            starts = tuple(beginnings)
            return {word.span() for word, term in zip(words, terms, strict=True) if term.startswith(starts)}
        return {span for beginning in beginnings if beginning for span in _list_beginnings(lowered, beginning)}

    def find_rows(self, rows: Iterable[Reading]) -> set[Span]:
        """Where words stand whose terms stand in a row, in the text's language or whole."""
        names = {self._language, None}
        return {span for row in rows for name in names for span in self._find_row([term for _, term in row], name)}

    def locate(self, spans: Iterable[Span]) -> set[Span]:
        """Which characters of the text they stand for."""
        if not self._places.layers:
            return set(spans)
        return {self._places.find_source(start, end) for start, end in spans}

    def _learn(self) -> KnownWords:
        """What is known, with all words of this text."""
        known = word_forms.get_known()
        if known.number != self._known_as:
            lowered = self._lowered
            learned = word_forms.learn(word_forms.split(lowered), self._tag, is_ascii=lowered.isascii())
            assert learned is not None  # as it was the first time
            self._known_as, known = learned.number, learned
        return known

    def _find_row(self, terms: Sequence[str], language: str | None) -> Iterator[Span]:
        known, lowered = self._learn(), self._lowered
        places: list[dict[int, int]] = []
        for term in terms:
            forms = [form for form in known.list_forms(term, language) if form in lowered]
            places.append(dict(span for form in forms for span in word_forms.list_places(lowered, form)))
            if not places[-1]:
                return
        for start, end in places[0].items():
            row = [(start, end)]
            for following in places[1:]:
                between = _BETWEEN.match(lowered, row[-1][1])
                start = between.end() if between else 0
                if start not in following:
                    break
                row.append((start, following[start]))
            else:
                yield from row


def read(text: str, tag: str | None) -> PlainText | None:
    """The text as one in the language of `tag`; None where it has other letters, or words that are not one term each:
    `analysis` reads any."""
    normalized = word_forms.normalize(text)
    if normalized is None:
        return None
    _, lowered, places = normalized
    words = word_forms.split(lowered)
    known = word_forms.learn(words, tag, is_ascii=lowered.isascii())
    if known is None:
        return None
    # One text where both are equal.
    return PlainText(text if lowered == text else lowered, places, len(words), tag, known)


def _list_beginnings(lowered: str, beginning: str) -> Iterator[Span]:
    at = lowered.find(beginning)
    while at >= 0:
        end = at + len(beginning)
        if not lowered[at - 1 : at].isalnum():
            word = _WORD.match(lowered, at)
            # A beginning that is no word by itself, such as one of two, begins none.
            if word is not None and word.end() >= end:
                yield word.span()
                end = word.end()
        at = lowered.find(beginning, end)
