"""Equivalent spellings, for texts and queries alike: what is one word to a reader becomes the same characters. Pure.

A table of characters (`fold_character`) makes one of those that keyboards of neighbouring languages give for the same
letter or digit. A few patterns (`normalize`) do the same where several characters are one spelling: `U.N.`, `10,000`,
`covid19`, `C++`, an emoji. Where both spellings have to be found, because parts of a word are words themselves
(`co-operation`, `Node.js`, `Müller`), the text keeps its words and the index learns the other spelling of them beside
it (`compounds`).

Sources of the tables: Unicode's decompositions and digit values; OpenCC's characters for Chinese; the assimilation of
nasals as Unicode's chapter on South Asian scripts has it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import xxhash
from opencc import OpenCC

from app.search.query.stop_words import is_function_word
from app.text.emoji import EMOJI
from app.text.keys import drop_ascii, remove_match

_MOST_TO_REPLACE = 8
MARK = "\ua78f"
"""A letter that no text has: with it, terms are written that stand for signs (`C++`) and for capitals (`US`)."""
SEPARATOR = " "
"""Between a spelling and the words that it stands for, in a term of the index."""
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""For a class of characters: those of scripts that put no spaces between words, and Hangul, which joins particles and
compounds to its words."""
_SPACELESS = re.compile(f"[{SPACELESS}]")

_ARABIC = str.maketrans(
    {
        "ی": "ي", "ى": "ي", "ې": "ي", "ے": "ي", "ک": "ك", "ڪ": "ك", "ہ": "ه", "ھ": "ه", "ە": "ه", "ة": "ه", "ۃ": "ه",
        "ۀ": "ه", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ؤ": "ء", "ئ": "ء", "ـ": "", "٬": ",", "٫": ".", "۔": ".",
    }
)  # fmt: skip
"""Letters that are typed for one another; hamza on a carrier that is not alef is a hamza."""
_APOSTROPHES = dict.fromkeys(map(ord, "´ʼʹʻʽˈ՚׳‘’‛′＇"), "'")
_HYPHENS = dict.fromkeys(map(ord, "‐‑‒⁃﹣－־"), "-")
_NARROW_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), "\u00a0")
_UNSEEN = dict.fromkeys((0x00AD, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF), "")
_SUPERSCRIPTS = {0xB2: "2", 0xB3: "3", 0xB9: "1"}
# A dot of Gurmukhi that stands beside other vowels, and letters of Malayalam that have no vowel.
_INDIC_LETTERS = {0x0A70: "ਂ"} | dict(zip(range(0x0D7A, 0x0D80), "ണനരലളക", strict=True))
_SIGNS = _APOSTROPHES | _HYPHENS | _NARROW_SPACES | _UNSEEN | _SUPERSCRIPTS | _INDIC_LETTERS
_TONES = dict.fromkeys((0xFE0E, 0xFE0F, 0x200D, *range(0x1F3FB, 0x1F400)))
_HEX_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_KANA = re.compile("[\uff66-\uff9f]+")
# A nasal of its own before a consonant is written as a dot by others: हिन्दी, हिंदी. Offsets are those of ISCII's
# order, which the blocks of these scripts share.
_INDIC_BLOCKS = (0x0900, 0x0980, 0x0A00, 0x0A80, 0x0B00, 0x0C00, 0x0C80, 0x0D00)
_NASALS, _DOT, _NASAL_SIGN, _VIRAMA = (0x19, 0x1E, 0x23, 0x28, 0x2E), 0x02, 0x01, 0x4D


@cache
def _converters() -> tuple[OpenCC, OpenCC]:
    return OpenCC("jp2t"), OpenCC("t2s")


def _simplify(character: str) -> str:
    """Characters of Japan and traditional ones as the simplified ones, where those stand for the same."""
    for converter in _converters():
        character = converter.convert(character)
    return character


class _Folding(dict[int, str]):
    """What `str.translate` puts for a character."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = fold_character(chr(code))
        return folded


def fold_character(character: str) -> str:
    """The character as all its spellings have it; folded again it stays as it is."""
    folded = _fold_once(character)
    # Such as ㈶, which is a sign of its own for three characters.
    return folded if folded == character else "".join(map(_fold_once, folded))


def _fold_once(character: str) -> str:
    """Latin letters keep their marks, which stemmers need, and Cyrillic й
    and ї are letters of their own; no other script keeps marks, but kana do, and Indian vowels."""
    code = ord(character)
    if code in _SIGNS:
        return _SIGNS[code]
    if character in "йЙїЇ" or ("\u0080" <= character < "\u0300" and character != "İ"):
        return character
    if "\u1e00" <= character < "\u1f00":
        return character
    if "\u3040" <= character <= "\u33ff" or "\uac00" <= character <= "\ud7a3":
        return unicodedata.normalize("NFKC", character)
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "\u0600" <= character <= "\u06ff":
        character = character.translate(_ARABIC)
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    folded = unicodedata.normalize("NFC", bare).replace("ς", "σ").translate(_ARABIC)
    return _simplify(folded) if "\u3400" <= folded[:1] <= "\U0003ffff" else folded


FOLDING = _Folding()

_NEEDS_FOLDING = re.compile(
    "[\u00a0\u00ad\u00b2-\u00b4\u00b9\u0130\u02b9-\u02c8\u0300-\u1dff\u1f00-\uabff\ud7b0-\U0010ffff]"
)
_FIRST = re.compile("|".join((EMOJI.pattern, _KANA.pattern)))
_CONSONANTS = "".join(f"{chr(b + 0x15)}-{chr(b + 0x39)}{chr(b + 0x58)}-{chr(b + 0x5F)}" for b in _INDIC_BLOCKS)
_INDIC = re.compile(
    "|".join(
        f"[{''.join(chr(b + n) for n in _NASALS)}]{chr(b + _VIRAMA)}(?=[{_CONSONANTS}])|{chr(b + _NASAL_SIGN)}"
        for b in _INDIC_BLOCKS
    )
)
# Where a text has none of these, as most have not, the patterns with alternatives need not be tried at every place.
_MAY_BE_FIRST = re.compile("[\u20e3\u2139-\u2bff\ufe0e\ufe0f\uff66-\uff9f\U0001f000-\U0001fbff]")
_INDIC_LETTER, _MIDDLE_DOT = re.compile("[\u0900-\u0d7f]"), re.compile("[\u00b7\u013f\u0140\u2022\u2027\u22c5]")
_DOUBLE_L = re.compile("([lL])[\u00b7\u2022\u2027\u22c5](?=[lL])|[\u013f\u0140](?=[lL])")
# Abbreviations of Hebrew have a sign before their last letter; quotation marks are typed for it.
GERSHAYIM = re.compile('["\u05f4\u201c-\u201f](?<=[\u05d0-\u05ea].)(?=[\u05d0-\u05ea])')
_HEBREW_LETTER, _ARABIC_LETTER = re.compile("[\u05d0-\u05ea]"), re.compile("[\u0600-\u08ff\ufb50-\ufeff]")
_FINAL_HAMZA = re.compile("\u064a(?=\u0621(?!\\w))")
INITIAL = r"[^\W\d_]"
"""A letter, for patterns of initials."""
# A class of characters first, because that is what `re` looks for quickly; alternatives would be tried everywhere.
# All digits are ASCII by then, and a capital or full stop that nothing follows is put aside at once: most are such.
SPELT = re.compile(
    r"""[0-9.+\#A-Z](?:
    (?<=[A-Z])(?=[A-Z])(?<![^\W\d][A-Z])(?P<capitals>[A-Z]{1,3}(?![^\W\d]))
    |(?<=\.)(?=[^\W\d_]|[ \u00a0]INITIAL\.)(?:
        (?P<initials>(?<=INITIAL\.)(?<![\w.]INITIAL\.)(?:[ \u00a0]INITIAL\.)+(?!\w))
        |(?P<dots>(?<=[^\W\d_]\.)(?<![^\W\d][^\W\d_]\.)[^\W\d_](?:\.[^\W\d_])*(?!\w)\.?)
        |(?P<suffix>(?<![\w.)\]]\.)(?=[^\W\d_]{2})))
    |(?<=[0-9])(?<!\d\d)(?P<number>\d*(?:[.,'\u00a0]\d+)+|\d*(?=[^\W\d_])|(?<=[^\W\d_]\d)\d*)
    |(?<=\+)(?P<plus>\+(?<=\b[A-Za-z]\+\+)(?![^\W\d]))
    |(?<=\#)(?P<sharp>(?<=\b[A-Za-z]\#)(?![^\W\d])))""".replace("INITIAL", INITIAL),
    re.VERBOSE,
)
_MAY_CHANGE = re.compile("[0-9.+#A-Z]")
_GROUPED = re.compile(
    r"(\d{1,3}([.,'\u00a0])\d{3}(?:\2\d{3})*|\d{1,2}(?:,\d{2})+,\d{3})((?!\2)[.,]\d+(?![\d.,'\u00a0]))?"
)
_HEADLINE_NAMES = frozenset(("US", "UN", "EU", "AI", "WHO"))
"""In a headline in capitals they are names far more often than what they are in small letters."""
_MARKED_BEFORE_DIGIT = re.compile(f"{MARK}(?=[ -]?[0-9])")
_LETTERS = re.compile(r"[^\W\d_]+")
_NOT_SMALL = bytes(i for i in range(256) if not ord("a") <= i <= ord("z"))
_NOT_CAPITAL = bytes(i for i in range(256) if not ord("A") <= i <= ord("Z"))
_SHOUTED_WORD = re.compile("[^\\W\\d_a-z]{5}")


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """A text as its spellings are compared; `starts` has for each of its characters the place in the original where
    what it stands for begins, `ends` where that ends. Both None where nothing has moved."""

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None
    size: int = 0
    """Characters of the original."""

    def find_source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that characters `start` to `end` stand for, with what was left out behind them:
        an accent, a vowel sign."""
        if self.starts is None or self.ends is None or end <= start:
            return start, end
        following = self.starts[end] if end < len(self.starts) else self.size
        return self.starts[start], max(self.ends[end - 1], following)


def normalize(text: str, *, is_query: bool = False) -> str:
    """The text as it is compared, its case kept. Capitals of a word that is a function word in small letters (`US`)
    get a mark; of a whole text in capitals only `U.S.` does, as nobody can tell there. In a query they count."""
    if text.isascii() and not _MAY_CHANGE.search(text):
        return text
    for pattern, replace in list_steps(text, is_query=is_query):
        text = fold_characters(text) if pattern is None else pattern.sub(replace, text)
    return text


def fold_characters(text: str) -> str:
    """The text by the table of characters."""
    occurrences = _NEEDS_FOLDING.findall(drop_ascii(text))
    characters = set(occurrences)
    if len(characters) <= _MOST_TO_REPLACE:
        # As in most Latin texts. One after the other: what is put for a character needs no folding itself.
        for character in characters:
            text = text.replace(character, FOLDING[ord(character)])
        return text
    if len(occurrences) * _MOST_TO_REPLACE > len(text):
        return text.translate(FOLDING)
    # A few signs are found sooner than every letter is looked up.
    return _NEEDS_FOLDING.sub(lambda match: FOLDING[ord(match[0])], text)


def normalize_with_places(text: str) -> NormalizedText:
    """The same, with the way back to the original; takes many times as long where there is something to change."""
    plain = normalize(text)
    if plain == text:
        return NormalizedText(text)
    size = len(text)
    starts, ends = list(range(size)), list(range(1, size + 1))
    for pattern, replace in list_steps(text, is_query=False):
        if pattern is None:
            sizes = [len(FOLDING[ord(character)]) for character in text]
            starts = [start for start, size in zip(starts, sizes, strict=True) for _ in range(size)]
            ends = [end for end, size in zip(ends, sizes, strict=True) for _ in range(size)]
            text = text.translate(FOLDING)
            continue
        text, starts, ends = _replace_with_places(pattern, replace, text, starts, ends)
    return NormalizedText(text, starts, ends, size)


_Replace = Callable[[re.Match[str]], str]


def list_steps(text: str, *, is_query: bool) -> Iterator[tuple[re.Pattern[str] | None, _Replace]]:
    """Patterns with what is put for what they find, in their order; None stands for the table of characters."""
    if not text.isascii():
        others = drop_ascii(text)
        if _MAY_BE_FIRST.search(others):
            # Before the table, which takes emoji and kana of half a width apart.
            yield _FIRST, _replace_whole_sign
        if _INDIC_LETTER.search(others):
            yield _INDIC, _replace_nasal
        if _NEEDS_FOLDING.search(others):
            if _HEBREW_LETTER.search(others):
                yield GERSHAYIM, remove_match
            yield None, _replace_whole_sign
            if _ARABIC_LETTER.search(others):
                yield _FINAL_HAMZA, remove_match
        if _MIDDLE_DOT.search(others):
            yield _DOUBLE_L, _replace_double_l
    yield SPELT, _SpellingReplacer(capitals_count=True if is_query else None)


def _replace_with_places(
    pattern: re.Pattern[str], replace: _Replace, text: str, starts: list[int], ends: list[int]
) -> tuple[str, list[int], list[int]]:
    parts: list[str] = []
    new_starts: list[int] = []
    new_ends: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        first, last = match.span()
        instead = replace(match)
        if instead == match[0]:
            continue
        parts += [text[at:first], instead]
        lead, same = len(instead) - len(instead.lstrip(" ")), instead.strip(" ") == match[0]
        if same:
            # A space that was put between a letter and a digit belongs to nothing.
            sources = [min(max(first + i - lead, first), last - 1) for i in range(len(instead))]
            new_starts += [*starts[at:first], *(starts[i] for i in sources)]
            new_ends += [*ends[at:first], *(ends[i] for i in sources)]
        else:
            new_starts += [*starts[at:first], *[starts[first]] * len(instead)]
            new_ends += [*ends[at:first], *[ends[last - 1]] * len(instead)]
        at = last
    return "".join([*parts, text[at:]]), new_starts + starts[at:], new_ends + ends[at:]


def _replace_whole_sign(match: re.Match[str]) -> str:
    if "\uff66" <= match[0][0] <= "\uff9f":
        return unicodedata.normalize("NFKC", match[0])
    return f" {_name_emoji(match[0])} "


@lru_cache(4096)
def _name_emoji(emoji: str) -> str:
    """A short word for an emoji, the same in all skin tones: eight letters of a hash, as digits would be numbers."""
    bare = emoji.translate(_TONES)
    return MARK + xxhash.xxh32_hexdigest(bare.encode()).translate(_HEX_LETTERS)


def _replace_nasal(match: re.Match[str]) -> str:
    return chr(ord(match[0][0]) & ~0x7F | _DOT)


def _replace_double_l(match: re.Match[str]) -> str:
    return match[1] or "l"


@dataclass(slots=True)
class _SpellingReplacer:
    """Puts one spelling for what SPELT finds in one text; whether capitals count in it is found out once."""

    capitals_count: bool | None

    def __call__(self, match: re.Match[str]) -> str:
        spelling, kind = match[0], match.lastgroup
        if kind == "capitals":
            return self._mark_capitals(match, spelling)
        if kind == "number":
            return _space_number(match, _join_groups(spelling))
        if kind in ("dots", "initials"):
            letters = "".join(filter(str.isalpha, spelling))
            whole = match.string[match.start() - 1] + letters
            mark = MARK if whole.isupper() and is_function_word(whole.lower()) else ""
            return f"{letters}{mark}{' ' if spelling.endswith('.') else ''}"
        if kind == "suffix":
            following = _LETTERS.match(match.string, match.end())
            return f"{MARK}{following[0]} " if following else spelling
        return f"{MARK}{kind} "

    def _mark_capitals(self, match: re.Match[str], word: str) -> str:
        if self.capitals_count is False or not is_function_word(word.lower()):
            return word
        if self.capitals_count is None:
            self.capitals_count = not is_shouted(match.string)
        return word + MARK if self.capitals_count or word in _HEADLINE_NAMES else word


def _join_groups(number: str) -> str:
    """`10,000` without its separators, also before decimals: `1.234,56` is `1234.56`."""
    grouped = _GROUPED.fullmatch(number)
    if grouped is None:
        return number
    decimals = grouped[3]
    return re.sub(r"\D", "", grouped[1]) + (f".{decimals[1:]}" if decimals else "")


def _space_number(match: re.Match[str], number: str) -> str:
    """Letters and digits are words of their own: `covid19` and `covid-19` are the same two."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    lead = " " if before.isalpha() and not is_spaceless(before) else ""
    return f"{lead}{number}{' ' if after.isalpha() and not is_spaceless(after) else ''}"


def is_spaceless(text: str) -> bool:
    """Whether any character is of a script that puts no spaces between words."""
    return not text.isascii() and bool(_SPACELESS.search(text))


def is_shouted(text: str) -> bool:
    """Whether a text is in capitals, as headlines of agencies are, so that they tell nothing: most of its letters, and
    a word of five."""
    others, data = drop_ascii(text), text.encode("utf-8", "surrogatepass")
    small, capitals = (len(data.translate(None, none_of)) for none_of in (_NOT_SMALL, _NOT_CAPITAL))
    letters = small + capitals + sum(map(str.isalpha, others))
    return 2 * (capitals + sum(map(str.isupper, others))) > letters and bool(_SHOUTED_WORD.search(text))


def unmark_names_with_numbers(normalized: str) -> str:
    """`SU57` is `Su 57` as well."""
    return _MARKED_BEFORE_DIGIT.sub("", normalized)
