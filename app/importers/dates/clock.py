"""The time of day in a date: `10:00`, `14h30`, `3 pm`, `오전 10시 30분`, `klo 10.30`, with the zone behind it.

Never reads more than one; what follows that is no zone stays in the text.
"""

import re
from dataclasses import dataclass

from app.importers.dates.lexicon import FILLERS, fold_word, load_words
from app.importers.dates.zones import is_abbreviation

_HALVES = {
    "a": ("am", "오전", "午前", "上午", "早上", "凌晨", "ص", "صباحا", "صباحاً", "ق.ظ", "π.μ", "πμ", "öö", "पूर्वाह्न"),
    "p": ("pm", "오후", "午後", "下午", "晚上", "م", "مساء", "مساءً", "ب.ظ", "μ.μ", "μμ", "ös", "अपराह्न"),
}
_HALF_OF = {word: half for half, words in _HALVES.items() for word in words}
_LOCAL = "|".join(sorted(map(re.escape, (word for word in _HALF_OF if not word.isascii())), key=len, reverse=True))
_HALF = rf"(?:[ap]\.?\s?m(?![^\W\d_])\.?|(?:{_LOCAL})(?![^\W\d_])\.?)"
_ZONE = (
    r"(?:(?:UTC|GMT|UT)\s?[+\-−–]\s?\d{1,2}(?::?\d\d)?(?![\d.:/])"
    r"|[+\-−–]\d\d:?\d\d(?::\d\d)?(?![\d.:/])|[+\-−–]\d{1,2}(?![\d.:/])(?!\s*[^\W\d_])"
    r"|[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z0-9_+-]*){1,2}"
    r"|(?:Eastern|Central|Mountain|Pacific|Atlantic)\s(?:(?:Standard|Daylight)\s)?Time"
    r"|[A-Za-z]{1,6}(?![^\W\d_]|['’.-]?[^\W\d_]))"
)
_CLOCK = re.compile(
    rf"(?<![\d:./-])(?:(?P<before>{_HALF})\s*)?(?P<hour>\d{{1,2}})"
    r"(?::(?P<m1>\d\d)(?::(?P<s1>\d\d)(?:[.,](?P<part>\d{1,9}))?)?(?![:\d])"
    r"|\s?[hH](?:\s?(?P<m2>\d\d)(?!\d)(?:\s?(?:m|min)(?![^\W\d_])(?:\s?(?P<s2>\d\d)\s?s(?![^\W\d_]))?)?)?(?![^\W_])"
    r"|\s?[時时點点시](?:\s?(?P<m3>\d{1,2})\s?[分분](?:\s?(?P<s3>\d{1,2})\s?[秒초])?|(?P<half_past>半))?"
    rf"|(?=\s?{_HALF}))"
    r"(?:\s?(?:Uhr|uur|hs|hrs|ч|น)(?![^\W\d_])\.?)?"
    rf"\s*(?P<after>{_HALF})?",
    re.IGNORECASE,
)
# A point between hours and minutes is one only where something says that this is a time.
_POINTED = re.compile(
    r"(?:(?<![^\W\d_])(?:kl\.?|klo|ore|alle|um|godz\.?|saat|στις|pukul|jam|om|ob)\s?(?P<h1>\d{1,2})\.(?P<m1>\d\d)(?![\d.])"
    r"|(?<![\d.])(?P<h2>\d{1,2})\.(?P<m2>\d\d)(?=\s?(?:Uhr|uur|WIB|WITA|WIT|น)(?![^\W\d_]))"
    r"|(?<=\d{4})(?:[ ,]|, )(?P<h3>\d{1,2})\.(?P<m3>\d\d)(?:\.(?P<s3>\d\d))?(?=$|\s(?:[A-Z]|[+-]\d)))",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"\s*(?:(?P<zone>{_ZONE})|\(\s*(?P<inside>{_ZONE})\s*\))(?P<comment>\s*\([^()]{{1,60}}\))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ClockTime:
    """Hour (0 to 24), minute, second (60 is a leap second); `part` says that a fraction of a second was cut off."""

    hour: int
    minute: int
    second: int = 0
    part: bool = False
    zone: str | None = None


def take_clock(text: str) -> tuple[ClockTime | None, str]:
    """The first time of day, and the text without it. ValueError for a time that no clock shows."""
    pointed = _POINTED.search(text)
    if pointed:
        group = next(number for number in "123" if pointed[f"h{number}"])
        clock, end = (
            _make_clock(int(pointed[f"h{group}"]), int(pointed[f"m{group}"]), int(pointed["s3"] or 0), None),
            pointed.end(),
        )
        unit = re.compile(r"\s?(?:Uhr|uur|น)(?![^\W\d_])\.?", re.IGNORECASE).match(text, end)
        return _add_zone(clock, text, pointed.start(), unit.end() if unit else end)
    match = _CLOCK.search(text)
    if match is None:
        return None, text
    minute = 30 if match["half_past"] else int(match["m1"] or match["m2"] or match["m3"] or 0)
    clock = _make_clock(
        int(match["hour"]),
        minute,
        int(match["s1"] or match["s2"] or match["s3"] or 0),
        match["after"] or match["before"],
    )
    if match["part"] and match["part"].strip("0"):
        clock = ClockTime(clock.hour, clock.minute, clock.second, part=True)
    return _add_zone(clock, text, match.start(), match.end())


def _make_clock(hour: int, minute: int, second: int, half: str | None) -> ClockTime:
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError("no such time of day")
        word = half.casefold().rstrip(". ")
        is_late = (_HALF_OF[word] if word in _HALF_OF else word[0]) == "p"
        hour = hour % 12 + (12 if is_late else 0)
    # ISO 8601 has 24:00 for the end of a day, and second 60 is a leap second.
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError("no such time of day")
    return ClockTime(hour, minute, second)


def _add_zone(clock: ClockTime, text: str, start: int, end: int) -> tuple[ClockTime, str]:
    match = _BEHIND.match(text, end)
    name = (match["zone"] or match["inside"]) if match else None
    if match is None or name is None or not _is_zone(name):
        return clock, f"{text[:start]} {text[end:]}"
    zoned = ClockTime(clock.hour, clock.minute, clock.second, clock.part, name)
    return zoned, f"{text[:start]} {text[match.end() :]}"


def _is_zone(name: str) -> bool:
    """Whether a word behind a time can be one: small words are not, and names of days only in capitals, as CET is the
    zone and Čet a Thursday."""
    if not name.isalpha():
        return True
    word = fold_word(name)
    if word in FILLERS:
        return False
    return name.isupper() if word in load_words() else name.isupper() or is_abbreviation(word)
