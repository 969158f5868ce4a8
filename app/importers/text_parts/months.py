"""Names of months in English, French, Spanish and German, and patterns of dates written with them.

Never decides what a date means: that is for whoever uses the patterns.
"""

import re

from app.text.keys import fold

_NAMES = (
    "january jan janvier janv enero ene januar jänner jän",
    "february feb février févr fév febrero februar",
    "march mar mars marzo märz mrz",
    "april apr avril avr abril abr",
    "may mai mayo",
    "june jun juin junio juni",
    "july jul juillet juil julio juli",
    "august aug août agosto ago",
    "september sep sept septembre septiembre setiembre",
    "october oct octobre octubre oktober okt",
    "november nov novembre noviembre",
    "december dec décembre déc diciembre dic dezember dez",
)
_ONLY = {
    "en": "january february march may june july october december",
    "fr": "janvier février mars avril juin juillet août septembre octobre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre",
    "de": "januar jänner februar märz juni juli oktober dezember",
}
"""Months by the language that alone has the name; August and November are left out, being English and German."""

_WEEKDAYS = (
    "monday mon lundi lun lunes montag mo",
    "tuesday tues tue mardi martes dienstag di",
    "wednesday wed mercredi mer miércoles miercoles mittwoch mi",
    "thursday thurs thur thu jeudi jeu jueves donnerstag do",
    "friday fri vendredi ven viernes freitag fr",
    "saturday sat samedi sam sábado sabado samstag sonnabend sa",
    "sunday sun dimanche dim domingo sonntag so",
)


_NUMBERS = {fold(name): number for number, names in enumerate(_NAMES, 1) for name in names.split()}


def find_number(name: str) -> int:
    """1 to 12. KeyError for a word that names no month in these languages."""
    return _NUMBERS[fold(name.rstrip("."))]


_LANGUAGE = {name: language for language, names in _ONLY.items() for name in names.split()}


def find_language(text: str) -> str | None:
    """The language of a text's first month name, where only one language has it."""
    languages = (_LANGUAGE.get(word.lower()) for word in re.findall(r"[^\W\d_]+", text))
    return next((one for one in languages if one), None)


def _join_words(words: set[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


_SPELLED = {name for names in _NAMES for name in names.split()}
MONTH = rf"(?<![^\W\d_]){_join_words(_SPELLED | set(_NUMBERS))}(?![^\W\d_])\.?"
WEEKDAY = rf"(?<![^\W\d_]){_join_words({name for names in _WEEKDAYS for name in names.split()})}(?![^\W\d_])\.?"
DAY = r"[0-3]?\d(?!\d)(?:er|st|nd|rd|th|\.|º)?"
YEAR = r"(?<!\d)[12]\d{3}(?!\d)"
_OF = r"(?:de\s+|del\s+|of\s+|d['’]\s?)?"

# Groups: d1 m1 y1 (3 December 2025), d2 m2 y2 (Dec. 3, 2025), m3 y3 (December 2025); years may be missing
# from the first two only.
IN_WORDS = (
    rf"(?:{WEEKDAY},?\s+)?(?:(?:le|el|den|am|on|the)\s+)?"
    rf"(?:(?P<d1>{DAY})\s*{_OF}(?P<m1>{MONTH})(?:,?\s+{_OF}(?P<y1>{YEAR}))?"
    rf"|(?P<m2>{MONTH})\s+(?P<d2>{DAY})(?![:\d])(?:,?\s+(?P<y2>{YEAR}))?"
    rf"|(?P<m3>{MONTH}),?\s+{_OF}(?P<y3>{YEAR}))"
)


def read_civil(match: re.Match[str]) -> tuple[int | None, int, int | None]:
    """Year, month and day out of a match of `IN_WORDS`; what was not written is None."""
    part = match.groupdict()
    year = part["y1"] or part["y2"] or part["y3"]
    day = part["d1"] or part["d2"]
    month = part["m1"] or part["m2"] or part["m3"]
    return (
        int(year) if year else None,
        find_number(month),
        int(re.sub(r"\D", "", day)) if day else None,
    )
