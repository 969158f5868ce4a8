"""Shows where a hit matches: HTML-escaped fragments of its text with `<mark>` around the words. Pure.

Each article is read in its own language, as it was for the index, so what is marked is what matched.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from html import escape
from typing import Literal

from app.search.engine import QueryInterpretation
from app.search.highlighting.marked_spans import Marks as Marks
from app.search.highlighting.marked_spans import ReadingBudget as ReadingBudget
from app.search.highlighting.marked_spans import find_read_spans, find_spans
from app.search.highlighting.read_text import ReadText
from app.search.query import analysis
from app.search.query.analysis import Reading, Span
from app.search.query.spelling import is_spaceless
from app.search.query.stop_words import is_stop_word
from app.search.query.tree import And, Field, Leaf, NamedPlace, Near, Node, Not, Or, Phrase, Prefix

PartName = Literal["title", "standfirst", "body"]
MOST_FRAGMENTS, LENGTH = 3, 200
_MOST_WINDOWS = 50
_LEAST = 200
"""Characters of the text of an article for which there is no room any more."""
_JOINTS = frozenset("-\u2010\u2011'\u2019\u02bc.\u00b7\u200c \u00a0\u2009\u202f")


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
    spans = find_spans(text, language, marks, room or ReadingBudget())
    return _insert_marks(text, 0, len(text), spans) if spans else None


def find_fragments(text: str, language: str | None, marks: Marks, room: ReadingBudget | None = None) -> list[str]:
    """At most three parts of a long text of about 200 characters, in its order: of its first pieces with three those
    with most different words. Takes from the `room` what it reads."""
    return cut_fragments(ReadText(text, language), marks, room or ReadingBudget())


def cut_fragments(read: ReadText, marks: Marks, room: ReadingBudget) -> list[str]:
    """As `find_fragments`, of a text that may have been read before."""
    text, all_spans = read.text, list[Span]()
    chosen: list[Span] = []
    if room.words <= 0:
        read = ReadText(text[:_LEAST], read.language)
    for at, piece, plain in read.list_pieces():
        if at and room.words <= 0:
            break
        spans = find_read_spans(plain, piece, read.language, marks, room)
        if spans:
            all_spans += [(at + start, at + end) for start, end in spans] if at else spans
            chosen = _choose_windows(text, all_spans)
            if len(chosen) == MOST_FRAGMENTS:
                break
    return [_cut_fragment(text, start, end, all_spans) for start, end in chosen]


def _choose_windows(text: str, spans: list[Span]) -> list[Span]:
    chosen: list[Span] = []
    for _, start, end in sorted(_list_windows(text, spans)):
        if all(end <= other[0] or start >= other[1] for other in chosen):
            chosen.append((start, end))
        if len(chosen) == MOST_FRAGMENTS:
            break
    return sorted(chosen)


def _list_windows(text: str, spans: list[Span]) -> list[tuple[int, int, int]]:
    """From each mark on, with some text before it: how many different words are marked in it, negative, so that the
    best is the least; its start, and end. Of very many marks not each begins a window."""
    words = [text[start:end].lower() for start, end in spans]
    ends = [end for _, end in spans]
    size, number, windows = len(text), len(spans), []
    is_one_word = len(set(words)) == 1
    for i in range(0, number, -(-number // _MOST_WINDOWS)):
        first, last = spans[i]
        start = _find_word_start(text, max(0, first - LENGTH // 4), first)
        end = max(_find_word_end(text, min(size, start + LENGTH)), last)
        # The mark that begins it is in it.
        several = 1 if is_one_word else len(set(words[i : bisect_right(ends, end, i, min(number, i + LENGTH))]))
        windows.append((-several, start, end))
    return windows


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
    within = spans[bisect_left(spans, (start,)) : bisect_left(spans, (end,))]
    for first, last in _join_spans(text, (span for span in within if span[1] <= end)):
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
