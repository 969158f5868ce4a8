"""What differs between two versions of an article, by field, and of the body by paragraph. Pure.

Takes no more than n log n of the paragraphs; difflib alone takes seconds of CPU for thousands of them.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from app.articles import bodies
from app.articles.bodies import Block

Json = dict[str, object]

_LEFT_OUT = {"body", "version", "updated_at", "word_count", "reading_minutes", "url"}
"""The body is shown by paragraph; the others follow from what is shown."""
MOST_COMPARED = 1_000_000
"""Pairs of paragraphs among which difflib looks for the longest runs: 0.1 s at most. Beyond, all that is in the same
order in both stays, which may put moved paragraphs together in another way."""


def fields(before: Mapping[str, object], after: Mapping[str, object]) -> list[Json]:
    """Properties with their values in both versions, where they differ."""
    names = (name for name in after if name not in _LEFT_OUT and before.get(name) != after[name])
    return [{"field": name, "before": before.get(name), "after": after[name]} for name in names]


def paragraphs(before: str, after: str) -> list[Json]:
    """All blocks of both bodies in reading order, each `same`, `removed` or `added`."""
    old, new = bodies.blocks(before), bodies.blocks(after)
    shown: list[Json] = []
    i = j = 0
    for start, end, length in _matching([block.id for block in old], [block.id for block in new]):
        shown += _shown("removed", old[i:start]) + _shown("added", new[j:end])
        i, j = start + length, end + length
        shown += _shown("same", new[end:j])
    return shown


def _matching(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Runs that both have: where they begin in either, and how long they are; at last an empty one at the ends. Ids are
    unique within a body."""
    if len(old) * len(new) <= MOST_COMPARED:
        # Without autojunk: what difflib takes for junk because it is frequent cannot be there.
        yield from SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return
    places = {id: place for place, id in enumerate(new)}
    both = [(i, places[id]) for i, id in enumerate(old) if id in places]
    for i, j in _longest_increasing(both):
        yield i, j, 1
    yield len(old), len(new), 0


def _longest_increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """As many of the pairs as possible in which both numbers rise; the first rises already, no second is there twice.
    Patience sorting: each pair remembers the best one before it."""
    ends: list[int] = []  # the lowest second number that a row of each length can end in
    last: list[int] = []  # and which pair has it
    before: list[int] = []
    for index, (_, second) in enumerate(pairs):
        length = bisect_left(ends, second)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1], last[length : length + 1] = [second], [index]
    found: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def _shown(change: str, blocks: Sequence[Block]) -> list[Json]:
    return [{"change": change, "type": block.type, "text": block.text, "html": block.html} for block in blocks]
