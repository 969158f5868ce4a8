"""Datelines: the place and time that open a news story, found at the head of a paragraph or read from a field.

Never rewrites one (`text` stands as written) and never invents a year, month or day.
"""

import re
from datetime import UTC, date, datetime, timedelta

from app.importers.document import DatelinePrecision, SourceDate, SourceDateline
from app.importers.text_parts import months

MIN_SENTENCE = 60
MAX_DATELINE = 200
HALF_A_YEAR = timedelta(days=184)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMERIC = (
    r"(?P<iso>[12]\d{3}-[01]\d(?:-[0-3]\d)?)(?![-\d])"
    r"|(?P<d4>[0-3]?\d)\.(?P<m4>[01]?\d)\.(?P<y4>[12]\d{3})(?!\d)"
)
_DATE = rf"(?:{months.IN_WORDS}|{_NUMERIC})"
_ANY_DATE = re.compile(rf"{_DATE}|,\s*(?P<lone>{months.YEAR})(?=\W*$)", re.IGNORECASE)
_AGENCY = r"(?:\s*(?:\([^()\d]{2,40}\)|/[^/\d]{2,40}/)|,\s*(?:Reuters?|AFP|AP|dpa|EFE)\b)"
_KNOWN_AGENCY = re.compile(
    r"\W*(?:AP|AFP|Reuters?|dpa|EFE|ANSA|APA|ATS|Belga|Bloomberg|CNA|DPA|Europa Press|IPS|IRNA|Kyodo|KUNA|MENA|"
    r"PA|PTI|ANI|TASS|UPI|WAM|Xinhua|Yonhap|PRNewswire)\W*",
    re.IGNORECASE,
)
_DASH = r"\s*(?:\.?\s?[-–—]{1,2}(?=\s|$|[“\"«A-ZÀ-Þ])|:(?=\s|$))"
_STOP = r"(?:\s*\.|(?<=\.))(?=\s|$)"
_PLACE = r"(?P<place>[^\W\d_][^\d\n;:!?“”\"«»]{1,60}?)"
_DATED = re.compile(
    rf"{_PLACE}(?:,|(?<=\.))\s*(?:{_DATE}|(?P<lone>{months.YEAR})){_AGENCY}?,?(?P<end>{_DASH}|{_STOP})",
    re.IGNORECASE,
)
_UNDATED = re.compile(rf"{_PLACE}(?P<agency>{_AGENCY})?\s+[-–—]{{1,2}}\s+(?=[“\"«'‘]?[A-ZÀ-Þ])")
_TIME_WORD = re.compile(rf"{months.WEEKDAY}|{months.MONTH}", re.IGNORECASE)
_UNREADABLE = re.compile(r",\s*[^\W\d_]+\.?\s+\w*\d\w*\s*$")
_WORD = re.compile(r"[^\W\d_]+")


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SMALL = _split(
    "of the and on upon by de la le les du des del el los las y e et en sur sous an am der die das "
    "im in bei und ob den da do dos di al aan"
)
_NO_PLACES = _split(
    "breaking update updated corrected correction exclusive opinion analysis video watch factbox live "
    "editorial comment unesco unicef interpol europol eurostat frontex asean brics mercosur opinión "
    "análisis analyse vidéo exclusif mise actualisé eilmeldung kommentar"
)
_OPENERS = _split(
    "in on at by since from until as for it this that late early last next today yesterday dated published"
)
_FIRST_OF_TWO = _split(
    "new san santa santo são sao los las hong mexico tel abu buenos kuala phnom addis united port saint st cape "
    "fort rio panama guatemala kansas salt ho sri"
)
_SHORT_PLACES = _split("rome lima oslo kyiv kiev bonn bern gaza doha baku riga nice lyon lome suva")


def split_dateline(paragraph: str, reference: SourceDate | None = None) -> tuple[SourceDateline | None, str]:
    """The dateline that opens the paragraph and the rest; None and the paragraph itself where none does.

    With a date it may end in a full stop or a dash; a place without one is believed only with an agency in
    brackets, or in capitals, before a dash. `reference` lends its year to a date without one.
    """
    head = paragraph.lstrip()
    match = _DATED.match(head)
    if not match or not _is_dated(match):
        match = _UNDATED.match(head)
        if not match or not _is_undated(match):
            return None, paragraph
    return read_dateline(match[0].rstrip(), reference), head[match.end() :].lstrip()


def read_dateline(text: str, reference: SourceDate | None = None) -> SourceDateline:
    """A text that is known to be a dateline, such as `NEW YORK, April 7 -`.

    A year that is not written is the one that puts the day nearest to `reference`; without one there is no date.
    """
    text = text.strip()
    head = text[:MAX_DATELINE]
    match = _ANY_DATE.search(head)
    if not match:
        return SourceDateline(text, _read_place(head))
    place = _read_place(head[: match.start()])
    year, month, day = _read_civil(match)
    if year is None and month is not None and day is not None:
        year = _find_nearest_year(month, day, reference)
    written = _render_date(year, month, day)
    return SourceDateline(text, place, *written) if written else SourceDateline(text, place)


def _is_dated(match: re.Match[str]) -> bool:
    """A place that reads as one; without a year the end must be a dash, or the place in capitals."""
    place = match["place"]
    if not _names_place(place):
        return False
    yearless = not any(match[name] for name in ("y1", "y2", "y3", "y4", "iso", "lone"))
    return not yearless or place.isupper() or any(dash in match["end"] for dash in "-–—")


def _is_undated(match: re.Match[str]) -> bool:
    place, agency = match["place"], match["agency"]
    if not _names_place(place):
        return False
    if agency:
        return _KNOWN_AGENCY.fullmatch(agency) is not None
    words = [word.lower() for word in _WORD.findall(place) if word.lower() not in _SMALL]
    if not place.isupper() or not 1 <= len(words) <= 2 or words[0] in _NO_PLACES:
        return False
    # A single short word in capitals before a dash is an abbreviation more often than a city.
    known = words[0] in _FIRST_OF_TWO if len(words) > 1 else len(words[0]) > 4 or words[0] in _SHORT_PLACES
    return known and len(match.string) - match.end() >= MIN_SENTENCE


def _names_place(text: str) -> bool:
    """One to five words, all with a capital but for the small ones that names have inside."""
    words = [word for word in _WORD.findall(text) if len(word) > 1]
    large = [word for word in words if word.lower() not in _SMALL]
    if not 1 <= len(large) <= 5 or words[0].lower() in _OPENERS or not words[0][0].isupper():
        return False
    if any(_TIME_WORD.fullmatch(word) and len(word) > 3 for word in words):
        return False
    # Initials and abbreviations of names end no sentence.
    sentences = re.sub(r"\b(?:[a-z]|St|Ste|Mt|Ft)\. ", "", text, flags=re.IGNORECASE)
    return all(word[0].isupper() or word in _SMALL for word in words) and ". " not in sentences


def _read_place(text: str) -> str | None:
    """What stands before the date, without punctuation and agency; None where that is no name."""
    text = re.sub(r"[\s,:–—-]+$", "", text)
    text = _UNREADABLE.sub("", re.sub(r"\s*(?:\([^()]*\)|/[^/]*/)$", "", text))
    text = text.strip(" ,:*–—-")
    if text.endswith(".") and "." not in text[:-1] and " " not in text:
        text = text[:-1]
    return text if 1 < len(text) <= 80 and text[0].isalpha() else None


def _read_civil(match: re.Match[str]) -> tuple[int | None, int | None, int | None]:
    if match["lone"]:
        return int(match["lone"]), None, None
    if match["iso"]:
        parts = [int(part) for part in match["iso"].split("-")]
        return parts[0], parts[1], parts[2] if len(parts) > 2 else None
    if match["y4"]:
        return int(match["y4"]), int(match["m4"]), int(match["d4"])
    return months.read_civil(match)


def _find_nearest_year(month: int, day: int, reference: SourceDate | None) -> int | None:
    if reference is None:
        return None
    # A period is taken at its middle: any day of a year is nearest to that year's own.
    middle = {"year": 182, "month": 15}.get(reference.precision, 0)
    about = (_EPOCH + timedelta(seconds=reference.instant, days=middle)).date()
    days = [day_found for year in (-1, 0, 1) if (day_found := _make_day(about.year + year, month, day))]
    # A 29 February may lie nearest in a year that has none: then no year is near enough.
    near = [day_found for day_found in days if abs(day_found - about) <= HALF_A_YEAR]
    return min(near, key=lambda day_found: abs(day_found - about)).year if near else None


def _make_day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _render_date(year: int | None, month: int | None, day: int | None) -> tuple[str, DatelinePrecision] | None:
    if year is None:
        return None
    if month is None:
        return f"{year:04}", "year"
    if day is None:
        return (f"{year:04}-{month:02}", "month") if 1 <= month <= 12 else None
    return (f"{year:04}-{month:02}-{day:02}", "day") if _make_day(year, month, day) else None
