"""Which script a text is in, and which languages are written in it. Pure.

Scripts of one language tell it by themselves. Of the others a text's letters exclude most languages.
"""

import re
from collections import Counter
from dataclasses import dataclass

_BEYOND_LATIN = re.compile(r"[^\x00-\u036f\u1d00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff]+")
LEAST_SHARE = 0.3
"""Of a text's letters. Names of people and firms are written in Latin letters in texts of every script; that somebody
writes a third of a text in Latin letters in another script does not happen."""
MAIN_SHARE = 0.6
"""Of the letters beyond Latin that are in the most frequent script; with less the text is in several."""


@dataclass(frozen=True, slots=True)
class Script:
    """`language` is the only one that is written in it; else `languages` are those that a model may name, where empty
    all that no other script has."""

    name: str
    language: str | None = None
    languages: frozenset[str] = frozenset()


LATIN = Script("Latin")
_CYRILLIC = "ab av ba be bg ce cv kk kv ky lez mhr mk mn mrj myv os ru rue sah sr tg tk tt tyv udm uk xal"
_ARABIC = "ar azb ckb fa ku mzn pnb ps sd ug ur"
_DEVANAGARI = "bh dty gom hi mai mr ne new sa"
_SCRIPTS: tuple[tuple[Script, tuple[tuple[int, int], ...]], ...] = (
    (Script("Greek", "el"), ((0x37, 0x3F), (0x1F0, 0x1FF))),
    (Script("Cyrillic", None, frozenset(_CYRILLIC.split())), ((0x40, 0x52), (0x1C8, 0x1C8), (0x2DE, 0x2DF))),
    (Script("Armenian", "hy"), ((0x53, 0x58),)),
    (Script("Hebrew", None, frozenset({"he", "yi"})), ((0x59, 0x5F),)),
    (
        Script("Arabic", None, frozenset(_ARABIC.split())),
        ((0x60, 0x6F), (0x75, 0x77), (0x8A, 0x8F), (0xFB5, 0xFDF), (0xFE7, 0xFEF)),
    ),
    (Script("Thaana", "dv"), ((0x78, 0x7B),)),
    (Script("Devanagari", None, frozenset(_DEVANAGARI.split())), ((0x90, 0x97), (0xA8E, 0xA8F))),
    (Script("Bengali", None, frozenset({"bn", "as", "bpy"})), ((0x98, 0x9F),)),
    (Script("Gurmukhi", "pa"), ((0xA0, 0xA7),)),
    (Script("Gujarati", "gu"), ((0xA8, 0xAF),)),
    (Script("Oriya", "or"), ((0xB0, 0xB7),)),
    (Script("Tamil", "ta"), ((0xB8, 0xBF),)),
    (Script("Telugu", "te"), ((0xC0, 0xC7),)),
    (Script("Kannada", "kn"), ((0xC8, 0xCF),)),
    (Script("Malayalam", "ml"), ((0xD0, 0xD7),)),
    (Script("Sinhala", "si"), ((0xD8, 0xDF),)),
    (Script("Thai", "th"), ((0xE0, 0xE7),)),
    (Script("Lao", "lo"), ((0xE8, 0xEF),)),
    (Script("Tibetan", None, frozenset({"bo", "dz"})), ((0xF0, 0xFF),)),
    (Script("Myanmar", "my"), ((0x100, 0x109),)),
    (Script("Georgian", "ka"), ((0x10A, 0x10F), (0x1C9, 0x1CB), (0x2D0, 0x2D2))),
    (Script("Ethiopic", None, frozenset({"am", "ti"})), ((0x120, 0x139), (0x2D8, 0x2DD), (0xAB0, 0xAB2))),
    (Script("Khmer", "km"), ((0x178, 0x17F),)),
    (Script("Hangul", "ko"), ((0x110, 0x11F), (0x313, 0x318), (0xAC0, 0xD7F))),
    (Script("Kana", "ja"), ((0x304, 0x30F),)),
    (Script("Han", None, frozenset({"zh", "ja"})), ((0x340, 0x9FF),)),
)
_BY_ROW = {row: script for script, ranges in _SCRIPTS for first, last in ranges for row in range(first, last + 1)}
"""By code point without its last four bits."""
_OTHERS = frozenset(code for script, _ in _SCRIPTS for code in (script.language, *script.languages) if code) - {
    "az",
    "ku",
    "sr",
    "tk",
}  # which are written in Latin letters too
_NAMED = {script.name: script for script, _ in _SCRIPTS}
KANA, HAN, HANGUL, ETHIOPIC = (_NAMED[name] for name in ("Kana", "Han", "Hangul", "Ethiopic"))
KANA_SHARE = 0.05
"""Of the characters of a Japanese text; a Chinese one has none, but perhaps a name."""


def find_script(words: str) -> Script | None:
    """The script of a text that has neither digits nor punctuation; None where it is in several, or in a rare one."""
    if words.isascii():
        return LATIN
    beyond = "".join(_BEYOND_LATIN.findall(words))
    letters = len(words) - words.count(" ")
    if len(beyond) < LEAST_SHARE * letters:
        return LATIN
    counts: Counter[Script | None] = Counter()
    for row, number in Counter(ord(letter) >> 4 for letter in beyond).items():
        counts[_BY_ROW.get(row)] += number
    if counts[HAN] and counts[KANA] > KANA_SHARE * (counts[HAN] + counts[KANA]):
        counts[KANA] += counts.pop(HAN)
    elif counts[HAN] and counts[HANGUL] > counts[HAN] / 2:  # a Korean headline names countries by one character
        counts[HANGUL] += counts.pop(HAN)
    script, number = counts.most_common(1)[0]
    return script if number >= MAIN_SHARE * len(beyond) else None


def is_possible(code: str, script: Script) -> bool:
    """Whether the language is written in that script."""
    if script.language is not None:
        return code == script.language
    return code in script.languages if script.languages else code not in _OTHERS
