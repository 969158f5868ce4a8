"""Shows where a hit matches: HTML-escaped fragments of its text with `<mark>` around the words. Pure.

Each article is read in its own language, as it was for the index, so what is marked is what matched.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal

from app.search import analysis
from app.search.analysis import Term
from app.search.engine import Reading
from app.search.tree import And, Field, Leaf, Near, Node, Not, Or, Phrase, Prefix

PartName = Literal["title", "standfirst", "body"]
MOST_FRAGMENTS, LENGTH = 3, 200
_READ = 50_000
"""Characters of a body in which fragments are looked for."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked in one part: single terms, beginnings of words, and terms that count only in a row."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __bool__(self) -> bool:
        return bool(self.words or self.beginnings or self.rows)


def marks(reading: Reading, part: PartName) -> Marks:
    """What the query looks for in this part; nothing of what it rules out or wants in another part."""
    words: set[str] = set()
    beginnings: list[str] = []
    rows: list[tuple[str, ...]] = []
    for leaf in _leaves(reading.tree, part, None):
        if isinstance(leaf, Prefix):
            beginnings += analysis.words(leaf.text)[-1:]
            continue
        for text in leaf.instead if isinstance(leaf, Near) else (leaf.text,):
            for read in _readings(text if isinstance(leaf, Phrase) else analysis.bare(text), reading.languages):
                if len(read) == 1 and analysis.is_single_character(read[0]):
                    beginnings.append(read[0])
                apart = reading.any_word or len(read) == 1
                words |= set(read) if apart else set()
                rows += [] if apart else [read]
    if reading.any_word and len(words) > 1:
        words = {w for w in words if not analysis.is_stop_word(w, reading.languages)} or words
    return Marks(frozenset(words), tuple(beginnings), tuple(dict.fromkeys(rows)))


def _readings(text: str, languages: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield from (read for language in (*languages, None) if (read := analysis.words(text, language)))


def _leaves(node: Node | None, part: PartName, field: str | None) -> Iterator[Leaf]:
    match node:
        case None | Not():
            return
        case Field(name, inner):
            yield from _leaves(inner, part, name)
        case And(nodes) | Or(nodes):
            for inner in nodes:
                yield from _leaves(inner, part, field)
        case _:
            if field in (None, part):
                yield node


def whole(text: str, language: str | None, wanted: Marks) -> str | None:
    """A short text, such as a title, with its marks; None where there are none."""
    spans = _spans(text, language, wanted)
    return _marked(text, 0, len(text), spans) if spans else None


def fragments(text: str, language: str | None, wanted: Marks) -> list[str]:
    """At most three parts of a long text of about 200 characters, those with most different words, in its order."""
    text = text[:_READ]
    spans = _spans(text, language, wanted)
    windows = sorted(_windows(text, spans), key=lambda window: (-window[2], window[0]))
    chosen: list[Span] = []
    for start, end, _ in windows:
        if all(end <= other[0] or start >= other[1] for other in chosen):
            chosen.append((start, end))
        if len(chosen) == MOST_FRAGMENTS:
            break
    return [_fragment(text, start, end, spans) for start, end in sorted(chosen)]


def _spans(text: str, language: str | None, wanted: Marks) -> list[Span]:
    if not wanted:
        return []
    stems, plain = analysis.terms(text, language), analysis.terms(text, None)
    found = {
        (stem.start, stem.end)
        for stem, bare in zip(stems, plain, strict=False)
        if stem.text in wanted.words or bare.text in wanted.words or bare.text.startswith(wanted.beginnings)
    }
    for terms in (stems, plain) if wanted.rows else ():
        found.update(_rows(terms, wanted.rows))
    return sorted(found)


def _rows(terms: list[Term], rows: tuple[tuple[str, ...], ...]) -> Iterator[Span]:
    for row in rows:
        for i, term in enumerate(terms):
            if term.text == row[0] and tuple(t.text for t in terms[i : i + len(row)]) == row:
                yield from ((t.start, t.end) for t in terms[i : i + len(row)])


def _windows(text: str, spans: list[Span]) -> Iterator[tuple[int, int, int]]:
    """From each mark on, with some text before it: start, end, and how many different words are marked in it."""
    for i, (first, _) in enumerate(spans):
        start = _word_start(text, max(0, first - LENGTH // 4), first)
        end = max(_word_end(text, min(len(text), start + LENGTH)), spans[i][1])
        inside = {text[a:b].lower() for a, b in spans[i : i + LENGTH] if b <= end}
        yield start, end, len(inside)


def _word_start(text: str, at: int, first: int) -> int:
    """No later than the first mark. Paragraphs are not joined: a fragment begins in its mark's own."""
    after_break = text.rfind("\n", at, first)
    if after_break >= 0:
        return after_break + 1
    space = text.find(" ", at, first) if at else -1
    return space + 1 if space >= 0 else at


def _word_end(text: str, at: int) -> int:
    space = text.rfind(" ", at - LENGTH // 8, at) if at < len(text) else -1
    return space if space >= 0 else at


def _fragment(text: str, start: int, end: int, spans: list[Span]) -> str:
    before = "… " if start > 0 and text[start - 1] != "\n" else ""
    after = " …" if end < len(text) else ""
    return before + _marked(text, start, end, spans) + after


def _marked(text: str, start: int, end: int, spans: list[Span]) -> str:
    parts, at = [], start
    for first, last in _joined(span for span in spans if span[0] >= start and span[1] <= end):
        parts += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
        at = last
    return " ".join("".join([*parts, escape(text[at:end])]).split())


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Overlapping pairs of characters, as Chinese is read in, are one mark."""
    held: Span | None = None
    for span in spans:
        if held and span[0] <= held[1]:
            held = (held[0], max(held[1], span[1]))
            continue
        if held:
            yield held
        held = span
    if held:
        yield held
