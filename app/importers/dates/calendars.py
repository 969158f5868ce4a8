"""Calendars other than the Gregorian: Japanese eras, years of the Republic of China, of the Buddha, Persian and Hebrew
dates. Arithmetic only.

Never converts a date whose calendar is not named beyond doubt by its words, and none of the Islamic calendar, whose
days differ from country to country.
"""

import re
from datetime import date, timedelta
from itertools import pairwise

Civil = tuple[int, int | None, int | None]

_ERAS = {
    "明治": date(1868, 1, 25),
    "大正": date(1912, 7, 30),
    "昭和": date(1926, 12, 25),
    "平成": date(1989, 1, 8),
    "令和": date(2019, 5, 1),
}
_ENDS = dict(zip(_ERAS, [*list(_ERAS.values())[1:], date.max], strict=True))
_ERA = re.compile(r"(明治|大正|昭和|平成|令和|中華民國|中华民国|民國|民国)\s*(元|\d{1,3})\s*年")
_CHINESE = re.compile(r"[〇○零一二三四五六七八九十]+(?=\s*[年月日号號])")
_DIGITS = {digit: str(value) for value, digit in enumerate("〇一二三四五六七八九")} | {"零": "0", "○": "0"}

ISLAMIC = re.compile(
    r"محرم|صفر|ربيع|جماد[ىي]|رجب|شعبان|رمضان|شوال|ذو القعدة|ذو الحجة|هـ"
    r"|\bAH\b|[Mm]uharram|[Rr]amadan|[Ss]hawwal|[Ss]afar\b"
)
JALALI = {
    name: number
    for number, names in enumerate(
        (
            *("فروردین حمل farvardin", "اردیبهشت ثور ordibehesht", "خرداد جوزا khordad", "تیر سرطان tir"),
            *("مرداد امرداد اسد mordad", "شهریور سنبله shahrivar", "مهر میزان mehr", "آبان ابان عقرب aban"),
            *("آذر اذر قوس azar", "دی جدی dey", "بهمن دلو bahman", "اسفند حوت esfand"),
        ),
        1,
    )
    for name in names.split()
}
"""Months of the Solar Hijri calendar by their folded names, as in Iran and in Afghanistan; 1 begins in March."""
HEBREW = {
    name: number
    for number, names in enumerate(
        (
            *("ניסן nisan nissan", "אייר iyar iyyar", "סיוון סיון sivan", "תמוז tammuz tamuz", "אב av"),
            *("אלול elul", "תשרי tishrei tishri", "חשוון חשון מרחשוון cheshvan heshvan marcheshvan"),
            *("כסלו כסליו kislev", "טבת tevet teves", "שבט shevat shvat", "אדר adar"),
        ),
        1,
    )
    for name in names.split()
}
"""Months of the Hebrew calendar, counted from Nisan. Of a leap year Adar is none of these: it would be two."""
_LETTERS = dict(zip("אבגדהוזחטיכלמנסעפצקרשת", [*range(1, 11), *range(20, 100, 10), 100, 200, 300, 400], strict=True))


def spell_in_digits(text: str) -> str:
    """The text with Chinese numerals before 年, 月, 日 and years of eras as the numbers that they are."""
    text = _CHINESE.sub(lambda match: _parse_chinese(match[0]), text)
    return _ERA.sub(lambda match: f"{_find_year_of_era(match[1], match[2])}年", text)


def check_era(text: str, day: Civil) -> None:
    """ValueError for a day that lies outside the era which the text names: there was no 31st year of 平成 in June."""
    match = _ERA.search(text)
    if match is None or match[1] not in _ERAS or day[1] is None:
        return
    first = date(day[0], day[1], day[2] or 1)
    # Of a month alone any day may be meant; the 28th is in every month.
    last = first if day[2] else first + timedelta(days=27)
    if last < _ERAS[match[1]] or first >= _ENDS[match[1]]:
        raise ValueError(f"not within the era {match[1]}")


def _find_year_of_era(era: str, number: str) -> int:
    year = 1 if number == "元" else int(number)
    if era not in _ERAS:
        # The Republic of China counts from 1912.
        return 1911 + year
    gregorian = _ERAS[era].year + year - 1
    if year < 1 or gregorian > _ENDS[era].year:
        raise ValueError(f"not within the era {era}")
    return gregorian


def _parse_chinese(numeral: str) -> str:
    """二〇二五 is 2025, 十一 is 11, 三十 is 30."""
    if "十" not in numeral:
        return "".join(_DIGITS[digit] for digit in numeral)
    tens, _, ones = numeral.partition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        raise ValueError("not a number")
    return (_DIGITS[tens] if tens else "1") + (_DIGITS[ones] if ones else "0")


def convert_buddhist(year: int) -> int:
    """The Gregorian year. ValueError before 2484 (1941), when the Thai year began in April."""
    if not 2484 <= year <= 2743:
        raise ValueError("a year of the Buddha that began in April")
    return year - 543


def convert_jalali(year: int, month: int, day: int) -> date:
    """The Gregorian day. ValueError for a day that the calendar does not have, and beyond the years for which the rule
    of 33 years holds (1206 to 1497, which is 1827 to 2118)."""
    if not 1206 <= year <= 1497 or not 1 <= day <= (31 if month <= 6 else 30):
        raise ValueError("no such day in the Persian calendar")
    if month == 12 and day == 30 and not _is_jalali_leap(year):
        raise ValueError("no such day in the Persian calendar")
    leaps = sum(_is_jalali_leap(one) for one in range(1206, year))
    days = (year - 1206) * 365 + leaps + (31 * (month - 1) if month <= 7 else 186 + 30 * (month - 7)) + day - 1
    return date(1827, 3, 22) + timedelta(days=days)


def _is_jalali_leap(year: int) -> bool:
    return year % 33 in (1, 5, 9, 13, 17, 22, 26, 30)


def convert_hebrew(year: int, month: int, day: int) -> date:
    """The Gregorian day on whose evening before it began; `month` counts from Nisan. ValueError for Adar of a leap year
    and for days that the month does not have."""
    leap = (7 * year + 1) % 19 < 7
    if not 5343 <= year <= 5999 or (month == 12 and leap):
        raise ValueError("no such day in the Hebrew calendar, or one of two")
    first, following = _find_new_year(year), _find_new_year(year + 1)
    length = following - first
    long, short = length % 10 == 5, length % 10 == 3
    lengths = {7: 30, 8: 30 if long else 29, 9: 29 if short else 30, 10: 29, 11: 30, 12: 59 if leap else 29}
    lengths |= {1: 30, 2: 29, 3: 30, 4: 29, 5: 30, 6: 29}
    if not 1 <= day <= lengths[month]:
        raise ValueError("no such day in the Hebrew calendar")
    before = range(7, month) if month >= 7 else (*range(7, 13), *range(1, month))
    return date.fromordinal(first + sum(lengths[one] for one in before) + day - 1)


def _find_new_year(year: int) -> int:
    """The ordinal of 1 Tishrei. A year may not be of 356 or 382 days: it, or the one before it, is put off."""
    start = _count_days_before(year)
    late = 2 if _count_days_before(year + 1) - start == 356 else 1 if start - _count_days_before(year - 1) == 382 else 0
    return start + late - 1373427


def _count_days_before(year: int) -> int:
    """Days before the year's new moon, which may not fall on a Sunday, Wednesday or Friday."""
    months = (235 * year - 234) // 19
    day = 29 * months + (12084 + 13753 * months) // 25920
    return day + 1 if 3 * (day + 1) % 7 < 3 else day


def parse_gematria(word: str) -> int:
    """The number that Hebrew letters write, as ט״ו for 15. ValueError for other words."""
    letters = re.sub(r"['\"׳״’”]", "", word)
    if not letters or any(letter not in _LETTERS for letter in letters):
        raise ValueError("not a date")
    values: list[int] = [_LETTERS[letter] for letter in letters]
    if len(values) > 1 and values[0] == 5 and values[1] >= 10:
        return 5000 + sum(values[1:])  # ה׳תשפ״ה
    if any(first < second for first, second in pairwise(values)):
        raise ValueError("not a date")
    return sum(values)
