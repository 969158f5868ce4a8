"""The words of dates: names of months and weekdays in some sixty languages, and the small words between them.

Never decides what a date means: a word that names several months in several languages is told as such.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_NAMES = Path(__file__).with_name("names.txt")
# What one keyboard writes for a letter of another: Persian and Arabic kaf and yeh, the Turkish i without a dot.
_ALIKE = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ı": "i", "ـ": None, "\u200c": None, "॰": None})


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MARKS = re.compile(r"[.'’ʼ׳״\"`]")

FILLERS = _split(
    """
    թ     de del of the le el la las los den der am on um à a al at as o os um em i il lo l d os ore ora alle h hs hrs
    hours uhr uur kl klo kello godz godzina ob u v в о об г год года году р рік року годе r rok roku roka m d gada
    gads år års year στις στο και saat saati tarihinde günü الساعه فی یوم من عام سنه ساعت در مورخ سال יום בשעה שעה ב
    ngay luc nam vao jam pukul tanggal เวลา วนท น fecha an anul do da das dia dato dnia dne den dana dina p vào om
    te ve na kell
    """
)
"""Words that stand in dates without a meaning of their own, folded: prepositions, "year", "at", "o'clock"."""


_SHORT = 4


@dataclass(slots=True)
class DateWord:
    """What a word may be: months by language, weekdays (Monday is 1) by language. `is_whole`: it is no short form."""

    is_whole: bool = False
    months: dict[str, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)

    def find_month(self, language: str | None, spoken: set[str]) -> int | None:
        """The month; where languages disagree, in that of the source, or in those that the text may be in (`spoken`).
        None where that is open."""
        if language in self.months:
            return self.months[language]
        months = {month for name, month in self.months.items() if name in spoken} or set(self.months.values())
        return months.pop() if len(months) == 1 else None

    def find_weekday(self, language: str | None) -> int | None:
        """The weekday, where all languages that have the word agree on it."""
        if language in self.days:
            return self.days[language]
        weekdays = set(self.days.values())
        return weekdays.pop() if len(weekdays) == 1 else None


def fold_word(word: str) -> str:
    """A word as it is looked up: without capitals, accents, dots and apostrophes."""
    if word.isascii():
        return _MARKS.sub("", word).lower()
    folded = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return _MARKS.sub("", folded).casefold().translate(_ALIKE).strip()


@cache
def load_words() -> dict[str, DateWord]:
    """All names, by their folded form; some are of two words."""
    by_form: dict[str, DateWord] = {}
    for line in _NAMES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        language, kind, number, names = line.split("\t")
        for name in names.split(","):
            word = by_form.setdefault(name, DateWord(len(name) > _SHORT))
            (word.months if kind == "m" else word.days)[language] = int(number)
    return by_form
