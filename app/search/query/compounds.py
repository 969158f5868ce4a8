"""Words that are spelt in another way as well, of which a text keeps its own: `co-operation`, `Müller`. Pure.

The index learns the other spelling beside the words; a query is looked for in both.
"""

import re
from collections.abc import Iterator

from app.text.keys import drop_ascii

LONGEST_COMPOUND, MOST_PARTS = 40, 4
"""Characters and words; longer compounds are addresses and codes."""
_JOINT = re.compile("[-'.\u200c\u00b7](?=[^\\W\\d_])(?<=[^\\W\\d_].)")
_GENITIVE = "(?!(?<=')[sS](?![^\\W\\d_]|[-'.\u200c\u00b7][^\\W\\d_]))"
_FIRST_JOINT = re.compile(_JOINT.pattern + _GENITIVE)
"""That of a genitive alone is none: most are such."""
_SPACED_NUMBER = re.compile("[0-9](?<![0-9.,][0-9])[0-9]{0,2}(?: [0-9]{3})+(?![0-9])")
"""Of a normalized text, in which all digits are these."""
_ELISIONS = frozenset(("c", "d", "j", "l", "m", "n", "s", "t", "qu", "jusqu", "lorsqu", "puisqu"))
_DIGRAPHS = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa",
    "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa",
}  # fmt: skip
_TO_DIGRAPHS = str.maketrans(_DIGRAPHS)
_ACCENTED_LETTER = re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
_MARKED_LETTER = re.compile(f"[{''.join(_DIGRAPHS)}]")


def list_compounds(text: str) -> Iterator[tuple[str, str]]:
    """What of a normalized text is spelt in another way as well: as it stands, and that spelling. `co-operation`,
    `Node.js`, `O'Brien`, `Müller`, `10 000`; not the genitive, and no elided article."""
    done = 0
    for joint in _FIRST_JOINT.finditer(text):
        if joint.start() < done:
            continue
        start, done = _find_compound(text, joint.start())
        parts = _JOINT.split(text[start:done])
        if (
            2 <= len(parts) <= MOST_PARTS
            and done - start <= LONGEST_COMPOUND
            and not _is_inflection(parts, text[joint.start()])
        ):
            yield text[start:done], "".join(parts)
    for word in _list_words_with(_MARKED_LETTER, text):
        yield word, word.translate(_TO_DIGRAPHS)
    for number in _SPACED_NUMBER.findall(text):
        yield number, number.replace(" ", "")


def list_accented_words(text: str) -> set[str]:
    """Words of a normalized text, in small letters, whose Latin letters have accents."""
    return {word.lower() for word in _list_words_with(_ACCENTED_LETTER, text)}


def _list_words_with(letter: re.Pattern[str], text: str) -> Iterator[str]:
    done = 0
    if text.isascii() or not letter.search(drop_ascii(text)):
        return
    for match in letter.finditer(text):
        if match.start() >= done:
            start, done = _find_word(text, match.start())
            if done - start <= LONGEST_COMPOUND:
                yield text[start:done]


def _find_word(text: str, at: int) -> tuple[int, int]:
    start, end = at, at + 1
    while start and text[start - 1].isalpha():
        start -= 1
    while end < len(text) and text[end].isalpha():
        end += 1
    return start, end


def _find_compound(text: str, joint: int) -> tuple[int, int]:
    start, end = joint, joint + 1
    while start and text[start - 1].isalpha():
        start -= 1
    while end < len(text) and (text[end].isalpha() or _JOINT.match(text, end)):
        end += 1
    return start, end


def _is_inflection(parts: list[str], joint: str) -> bool:
    """`Trump's` and `l'Europe`; `L'Oréal` may be either."""
    if joint != "'" or len(parts) != 2:
        return False
    return parts[1].lower() == "s" or (parts[0].lower() in _ELISIONS and not parts[0].isupper())
