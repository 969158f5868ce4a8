"""Shows where a hit matches: HTML-escaped fragments of its text with `<mark>` around the words. Pure.

Each article is read in its own language, as it was for the index, so what is marked is what matched.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from app.search.engine import QueryInterpretation
from app.search.query import analysis, word_forms
from app.search.query.analysis import Reading, Span
from app.search.query.spelling import is_spaceless
from app.search.query.stop_words import is_stop_word
from app.search.query.tree import And, Field, Leaf, NamedPlace, Near, Node, Not, Or, Phrase, Prefix

PartName = Literal["title", "standfirst", "body"]
MOST_FRAGMENTS, LENGTH = 3, 200
_READ = 50_000
"""Characters of a body in which fragments are looked for."""
_PIECE = 8_000
"""So many are read at once, and no more once three fragments are found."""
_MOST_WINDOWS = 50
_LEAST, _LEAST_HTML = 200, 500
"""Characters of the text and of the HTML of an article for which there is no room any more."""
TAG = 20
"""Characters that a tag counts as: reading it takes as long."""
_VOICINGS = ("\uff9e", "\uff9f", "\u3099", "\u309a")
_JOINTS = frozenset("-\u2010\u2011'\u2019\u02bc.\u00b7\u200c \u00a0\u2009\u202f")
MOST_HTML = 150_000
"""Characters of HTML in which the first 50,000 of the text are looked for."""


@dataclass(slots=True)
class ReadingBudget:
    """What is still to be read for the highlights of one page: characters of HTML, and words. Ordinary pages take a
    quarter of it; with it used up, each further article is read at its beginning only. A pair of characters, as Chinese
    is read in, and a mark take as long as three words."""

    characters: int = 240_000
    words: int = 36_000

    def truncate(self, body: str) -> str:
        """As much of a body as there is room for, not ending within a tag."""
        max_characters = max(_LEAST_HTML, min(MOST_HTML, self.characters))
        truncated = body[:max_characters]
        self.characters -= len(truncated) + TAG * truncated.count("<")
        if len(body) < max_characters:
            return body
        inside, closed = truncated.rfind("<"), truncated.rfind(">")
        # An opened tag without its end would hide what stands behind it.
        return truncated[:inside] if inside > closed else truncated


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked in one part: single terms, beginnings of words, and terms that count only in a row."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    rows: tuple[Reading, ...]

    def __bool__(self) -> bool:
        return bool(self.words or self.beginnings or self.rows)


def find_marks(reading: QueryInterpretation, part: PartName) -> Marks:
    """What the query looks for in this part; nothing of what it rules out or wants in another part."""
    words: set[str] = set()
    beginnings: list[str] = []
    rows: list[Reading] = []
    for leaf in _list_leaves(reading.tree, part, None):
        if isinstance(leaf, Prefix):
            beginnings += analysis.analyse_words(leaf.text)[-1:]
            continue
        for text in leaf.instead if isinstance(leaf, Near) else (leaf.text,):
            text = text if isinstance(leaf, Phrase) else analysis.strip_affixes(text)
            variants = () if isinstance(leaf, Near) else leaf.variants
            for terms in analysis.list_readings(text, reading.languages, variants):
                if len(terms) == 1 and analysis.is_single_character(terms[0][1]):
                    beginnings.append(terms[0][1])
                apart = len(terms) == 1 or (reading.any_word and not is_spaceless(text))
                words |= {term for _, term in terms} if apart else set()
                rows += [] if apart else [terms]
    if reading.any_word and len(words) > 1:
        words = {w for w in words if not is_stop_word(w, reading.languages)} or words
    return Marks(frozenset(words), tuple(beginnings), tuple(dict.fromkeys(rows)))


def _list_leaves(node: Node | None, part: PartName, field: str | None) -> Iterator[Leaf]:
    match node:
        case None | Not():
            return
        case Field(name, inner):
            yield from _list_leaves(inner, part, name)
        case NamedPlace(inner):
            yield from _list_leaves(inner, part, field)
        case And(nodes) | Or(nodes):
            for inner in nodes:
                yield from _list_leaves(inner, part, field)
        case _:
            if field in (None, part):
                yield node


def mark_text(text: str, language: str | None, marks: Marks, room: ReadingBudget | None = None) -> str | None:
    """A short text, such as a title, with its marks; None where there are none. Takes from the `room` as well, and is
    read to its end."""
    spans = _find_spans(text, language, marks, room or ReadingBudget())
    return _insert_marks(text, 0, len(text), spans) if spans else None


def find_fragments(text: str, language: str | None, marks: Marks, room: ReadingBudget | None = None) -> list[str]:
    """At most three parts of a long text of about 200 characters, in its order: of its first pieces with three those
    with most different words. Takes from the `room` what it reads."""
    all_spans: list[Span] = []
    chosen: list[Span] = []
    room = room or ReadingBudget()
    for at, piece in _split_pieces(text[: _READ if room.words > 0 else _LEAST]):
        if at and room.words <= 0:
            break
        spans = [(at + start, at + end) for start, end in _find_spans(piece, language, marks, room)]
        if spans:
            all_spans += spans
            chosen = _choose_windows(text, all_spans)
            if len(chosen) == MOST_FRAGMENTS:
                break
    return [_cut_fragment(text, start, end, all_spans) for start, end in chosen]


def _split_pieces(text: str) -> Iterator[tuple[int, str]]:
    """Where each begins, and the piece: whole paragraphs where they are no longer than a piece, else whole words."""
    at = 0
    while len(text) - at > _PIECE:
        end = max(text.rfind("\n", at, at + _PIECE), 0) or max(text.rfind(" ", at, at + _PIECE), 0) or at + _PIECE - 1
        yield at, text[at : end + 1]
        at = end + 1
    yield at, text[at:]


def _choose_windows(text: str, spans: list[Span]) -> list[Span]:
    chosen: list[Span] = []
    for start, end, _ in sorted(_list_windows(text, spans), key=lambda window: (-window[2], window[0])):
        if all(end <= other[0] or start >= other[1] for other in chosen):
            chosen.append((start, end))
        if len(chosen) == MOST_FRAGMENTS:
            break
    return sorted(chosen)


def _find_spans(text: str, language: str | None, marks: Marks, room: ReadingBudget) -> list[Span]:
    if not marks:
        return []
    analysed = word_forms.analyse(text, language)
    unspaced = 3 * len(analysed.words) > len(text)
    # Charged before anything is looked for: what costs is the analysis.
    room.words -= len(analysed.words) * (3 if unspaced else 1)
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


def _find_terms(terms: Sequence[str], wanted: frozenset[str]) -> Iterator[int]:
    """Numbers of the terms that are one of the wanted, in no order: most texts have few of them, and most terms are
    looked at by the interpreter's own loops."""
    for term in wanted.intersection(terms):
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


def _list_windows(text: str, spans: list[Span]) -> Iterator[tuple[int, int, int]]:
    """From each mark on, with some text before it: start, end, and how many different words are marked in it. Of very
    many marks not each begins a window."""
    words = [text[start:end].lower() for start, end in spans]
    ends = [end for _, end in spans]
    for i in range(0, len(spans), -(-len(spans) // _MOST_WINDOWS)):
        first, last = spans[i]
        start = _find_word_start(text, max(0, first - LENGTH // 4), first)
        end = max(_find_word_end(text, min(len(text), start + LENGTH)), last)
        within = bisect_right(ends, end, i, min(len(ends), i + LENGTH))
        yield start, end, len(set(words[i:within]))


def _find_word_start(text: str, at: int, first: int) -> int:
    """No later than the first mark. Paragraphs are not joined: a fragment begins in its mark's own."""
    after_break = text.rfind("\n", at, first)
    if after_break >= 0:
        return after_break + 1
    space = text.find(" ", at, first) if at else -1
    return space + 1 if space >= 0 else at


def _find_word_end(text: str, at: int) -> int:
    space = text.rfind(" ", at - LENGTH // 8, at) if at < len(text) else -1
    return space if space >= 0 else at


def _cut_fragment(text: str, start: int, end: int, spans: list[Span]) -> str:
    before = "… " if start > 0 and text[start - 1] != "\n" else ""
    after = " …" if end < len(text) else ""
    return before + _insert_marks(text, start, end, spans) + after


def _insert_marks(text: str, start: int, end: int, spans: list[Span]) -> str:
    parts, at = [], start
    for first, last in _join_spans(text, (span for span in spans if span[0] >= start and span[1] <= end)):
        parts += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
        at = last
    return " ".join("".join([*parts, escape(text[at:end])]).split())


def _is_joint(text: str, end: int, following: Span) -> bool:
    """Whether what stands between two marks joins them to one word, or one number."""
    start, last = following
    if start != end + 1 or text[end] not in _JOINTS:
        return False
    return not text[end].isspace() or (text[end - 1].isdigit() and last - start == 3 and text[start:last].isdigit())


def _join_spans(text: str, spans: Iterator[Span]) -> Iterator[Span]:
    """One mark for overlapping pairs of characters, as Chinese is read in, and for the parts of `Wi-Fi`, `10 000`."""
    previous: Span | None = None
    for span in spans:
        if previous and (span[0] <= previous[1] or _is_joint(text, previous[1], span)):
            previous = (previous[0], max(previous[1], span[1]))
            continue
        if previous:
            yield previous
        previous = span
    if previous:
        yield previous
