"""Which characters of a text are marked: what a query looks for, as the index has the text. Pure.

Texts in Latin letters are read by `plain_text`, which lists no terms; all others, and they would come to the same, by
`analysis`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.search.query import analysis, plain_text
from app.search.query.analysis import AnalysedText, Reading, Span
from app.search.query.plain_text import PlainText

_LEAST_HTML = 500
"""Characters of the HTML of an article for which there is no room any more."""
TAG = 20
"""Characters that a tag counts as: reading it takes as long."""
_VOICINGS = ("\uff9e", "\uff9f", "\u3099", "\u309a")
MOST_HTML = 150_000
"""Characters of HTML in which the first 50,000 of the text are looked for."""


@dataclass(slots=True)
class ReadingBudget:
    """What is still to be read for the highlights of one page: characters of HTML, and words. Ordinary pages take a
    quarter of it; with it used up, each further article is read at its beginning only. A pair of characters, as Chinese
    is read in, and a mark take as long as three words."""

    characters: int = 240_000
    words: int = 36_000

    @property
    def most_html(self) -> int:
        """Characters of the next body that there is room for."""
        return max(_LEAST_HTML, min(MOST_HTML, self.characters))

    def truncate(self, body: str) -> str:
        """As much of a body as there is room for, not ending within a tag."""
        max_characters = self.most_html
        truncated = body[:max_characters]
        self.characters -= weigh_html(truncated)
        if len(body) < max_characters:
            return body
        inside, closed = truncated.rfind("<"), truncated.rfind(">")
        # An opened tag without its end would hide what stands behind it.
        return truncated[:inside] if inside > closed else truncated


def weigh_html(html: str) -> int:
    """Characters that reading it takes of the budget."""
    return len(html) + TAG * html.count("<")


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked in one part: single terms, beginnings of words, and terms that count only in a row."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    rows: tuple[Reading, ...]

    def __bool__(self) -> bool:
        return bool(self.words or self.beginnings or self.rows)

    def __len__(self) -> int:
        return len(self.words) + len(self.beginnings) + sum(map(len, self.rows))


def find_spans(text: str, language: str | None, marks: Marks, room: ReadingBudget) -> list[Span]:
    """In the order of the text. Takes from the `room` what is read."""
    return find_read_spans(plain_text.read(text, language), text, language, marks, room) if marks else []


def find_read_spans(
    plain: PlainText | None, text: str, language: str | None, marks: Marks, room: ReadingBudget
) -> list[Span]:
    """As `find_spans`, of a text that `plain_text` has read, or has not been able to."""
    if not marks:
        return []
    if plain is None:
        return find_analysed_spans(analysis.analyse(text, language), text, marks, room)
    room.words -= plain.words * (3 if _is_unspaced(plain.words, text) else 1)
    spans = plain.find_words(marks.words) if marks.words else set()
    if marks.rows:
        spans |= plain.find_rows(marks.rows)
    if marks.beginnings:
        spans |= plain.find_beginnings(marks.beginnings)
    room.words -= 3 * len(spans)
    return sorted(plain.locate(spans))


def _is_unspaced(words: int, text: str) -> bool:
    return 3 * words > len(text)


def find_analysed_spans(analysed: AnalysedText, text: str, marks: Marks, room: ReadingBudget) -> list[Span]:
    """As `find_spans`, by the terms of the text, listed."""
    # Charged before anything is looked for: what costs is the analysis.
    room.words -= len(analysed.words) * (3 if _is_unspaced(len(analysed.words), text) else 1)
    matched = {i for terms in (analysed.stems, analysed.words) for i in _find_terms(terms, marks.words)}
    halves: set[int] = set()
    for terms in (analysed.stems, analysed.words) if marks.rows else ():
        for i, is_half in _find_rows(terms, marks.rows):
            (halves if is_half else matched).add(i)
    singles = {beginning for beginning in marks.beginnings if analysis.is_single_character(beginning)}
    for i in _find_beginnings(analysed.words, marks.beginnings) if marks.beginnings else ():
        (halves if analysed.words[i][:1] in singles else matched).add(i)
    halves -= matched
    room.words -= 3 * (len(matched) + len(halves))
    spans = analysed.places([*matched, *halves]) if matched or halves else []
    # Of the pair that begins with a single character only that one is a match.
    firsts = [
        (start, start + (2 if text[start + 1 : start + 2] in _VOICINGS else 1)) for start, _ in spans[len(matched) :]
    ]
    return sorted({*spans[: len(matched)], *firsts})


def _find_terms(terms: Sequence[str], wanted_terms: frozenset[str]) -> Iterator[int]:
    """Numbers of the terms that are wanted, in no order: most texts have few of them, and most terms are
    looked at by the interpreter's own loops."""
    for term in wanted_terms.intersection(terms):
        at = -1
        for _ in range(terms.count(term)):
            at = terms.index(term, at + 1)
            yield at


def _find_beginnings(terms: Sequence[str], beginnings: Sequence[str]) -> Iterator[int]:
    by_letter: dict[str, tuple[str, ...]] = {}
    for beginning in beginnings:
        by_letter[beginning[:1]] = (*by_letter.get(beginning[:1], ()), beginning)
    for i, term in enumerate(terms):
        if term.startswith(by_letter.get(term[:1], ())):
            yield i


def _find_rows(terms: Sequence[str], rows: tuple[Reading, ...]) -> Iterator[tuple[int, bool]]:
    """Numbers of the terms of each row, and of what a row leaves out between its terms; whether the row has only the
    first character of the term."""
    open_rows: dict[str, list[Reading]] = {}
    for row in rows:
        open_rows.setdefault(row[0][1][:1], []).append(row)
    for i, term in enumerate(terms):
        for row in open_rows.get(term[:1], ()):
            if all(i + at < len(terms) and _is_same(terms[i + at], row_term) for at, row_term in row):
                last = i + row[-1][0]
                yield from ((at, False) for at in range(i, last))
                yield last, terms[last] != row[-1][1]


def _is_same(term: str, row_term: str) -> bool:
    """A single character of a script without spaces is where a pair of characters begins with it."""
    return term == row_term or (analysis.is_single_character(row_term) and term.startswith(row_term))
