"""Near words: edits of a misspelt word and the distance between two. Pure; knows no archive."""

from collections.abc import Iterator

SHORTEST = 4
"""Letters; shorter words have too many neighbours."""
TWO_EDITS_FROM = 8

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئةى",
)


def is_correctable(word: str) -> bool:
    """Words of letters only, four or more; numbers and codes are meant as they stand."""
    return len(word) >= SHORTEST and word.isalpha()


def find_alphabet(word: str) -> str:
    """The letters that a typist of this word has at hand."""
    return next((letters for letters in _ALPHABETS if word[0] in letters), "".join(sorted(set(word))))


def list_edits(word: str) -> Iterator[str]:
    """Every text at distance 1, perhaps more than once: about 54 a letter."""
    letters = find_alphabet(word)
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        yield from (head + letter + tail for letter in letters)


def is_within(a: str, b: str, limit: int) -> bool:
    """Whether at most so many edits lie between the words; letters that only one of them has rule out most pairs."""
    near = abs(len(a) - len(b)) <= limit and len(set(a) ^ set(b)) <= 2 * limit
    return near and measure_distance(a, b, limit) <= limit


def measure_distance(a: str, b: str, limit: int) -> int:
    """Edits between two words, two letters changing places counting as one; `most + 1` stands for any more."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        # Three rows: letters that change places look two rows back (optimal string alignment).
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        # No row gets below the least of the one before it.
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
