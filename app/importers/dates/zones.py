"""Time zones as dates name them: offsets, IANA names, and abbreviations by a table of the world.

Never chooses between two zones of one name: what the source's country or the import's zone does not decide stays open.
"""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from app.importers.document import SourceLocale


def _make_table(names: str, hours: float) -> dict[str, float | str]:
    return dict.fromkeys(names.split(), hours)


# Hours east of Greenwich, or the IANA zone where the hours of a name have changed.
_ONE: dict[str, float | str] = {
    **_make_table("z utc gmt ut tu wet azost egst", 0.0),
    **_make_table("cet mez met west wat", 1.0),
    **_make_table("cest mesz mest eet cat sast", 2.0),
    **_make_table("eest eat idt trt", 3.0),
    "msk": "Europe/Moscow",
    "irst": 3.5,
    **_make_table("samt gst mut ret sct azt get msd", 4.0),
    "irdt": 4.5,
    "aft": 4.5,
    **_make_table("pkt uzt mvt tmt tjt", 5.0),
    "npt": 5.75,
    "btt": 6.0,
    "mmt": 6.5,
    **_make_table("ict wib hovt", 7.0),
    **_make_table("sgt hkt myt pht phst wita awst bnt", 8.0),
    **_make_table("jst kst wit tlt pwt", 9.0),
    "acst": 9.5,
    "acdt": 10.5,
    **_make_table("aest chst pgt", 10.0),
    **_make_table("aedt sbt nct", 11.0),
    **_make_table("nzst fjt", 12.0),
    "nzdt": 13.0,
    "cvt": -1.0,
    **_make_table("brst uyst", -2.0),
    "ndt": -2.5,
    **_make_table("brt art uyt clst gft srt rott adt", -3.0),
    "nst": -3.5,
    **_make_table("clt bot gyt", -4.0),
    "vet": "America/Caracas",
    **_make_table("pet cot", -5.0),
    "akdt": -8.0,
    "akst": -9.0,
    "hst": -10.0,
    "et": "America/New_York",
    "ct": "America/Chicago",
    "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}
_US = ("US", "CA", "MX", "PR", "BS", "JM", "HT", "PA", "GT", "CR", "HN", "NI", "SV", "BZ")
# Hours by country; "" is what the name means everywhere else, where there is such a meaning (RFC 822 has six of them).
_SEVERAL: dict[str, dict[str, float]] = {
    "est": {"": -5.0, "AU": 10.0},
    "edt": {"": -4.0, "AU": 11.0},
    "cdt": {"": -5.0, "CU": -4.0, "AU": 10.5},
    "mst": {"": -7.0, "MY": 8.0, "MM": 6.5},
    "mdt": {"": -6.0},
    "pst": {"": -8.0, "PH": 8.0, "PK": 5.0},
    "pdt": {"": -7.0},
    "cst": {**dict.fromkeys(_US, -6.0), "CN": 8.0, "TW": 8.0, "HK": 8.0, "MO": 8.0, "CU": -5.0, "AU": 9.5},
    "ist": {"IN": 5.5, "LK": 5.5, "IL": 2.0, "IE": 1.0},
    "bst": {"GB": 1.0, "IM": 1.0, "JE": 1.0, "GG": 1.0, "BD": 6.0},
    "ast": {
        **dict.fromkeys(("CA", "PR", "DO", "BM", "BB", "TT", "VI", "AG", "DM", "GD", "LC", "VC", "KN"), -4.0),
        **dict.fromkeys(("SA", "KW", "IQ", "QA", "BH", "YE"), 3.0),
    },
    "wst": {"AU": 8.0, "WS": 13.0},
    "sst": {"SG": 8.0, "AS": -11.0},
    "ect": {"EC": -5.0},
    "amt": {"AM": 4.0, "BR": -4.0},
    "bdt": {"BD": 6.0, "BN": 8.0},
    "act": {"AU": 9.5, "BR": -5.0},
    "cct": {"CC": 6.5},
    "pyt": {"PY": -3.0},
}
# In these a name of standard time is said of summer time too: there the clocks of the zone decide whether it holds.
_SUMMER_DOUBT: dict[tuple[str, float | None], str] = {
    ("est", 10.0): "Australia/Sydney",
    ("cst", 9.5): "Australia/Adelaide",
}
_OFFSET = re.compile(r"([+\-−–])\s?(\d{1,2})(?::?(\d{2}))?(?::?\d{2})?")
_NAMED_OFFSET = re.compile(r"(?:utc|gmt|ut)\s?([+\-−–]\s?\d.*)", re.IGNORECASE)
_LONG = re.compile(r"(eastern|central|mountain|pacific|atlantic)\s(?:(standard|daylight)\s)?time", re.IGNORECASE)


class ZoneUnclear(ValueError):
    """A zone that is not known, or that is one of several; the reason is for people."""


def is_abbreviation(short: str) -> bool:
    """Whether an abbreviation, in small letters, names one zone or several."""
    return short in _ONE or short in _SEVERAL


def read_zone(name: str, moment: datetime, locale: SourceLocale, zone: tzinfo) -> tzinfo:
    """The zone that a date names; `moment` is its naive time, `zone` that of the import. ZoneUnclear where none is
    known by that name, or several are. ValueError for an offset that no clock has."""
    name = " ".join(name.split())
    if match := _NAMED_OFFSET.fullmatch(name) or _OFFSET.fullmatch(name):
        return read_offset(match[1] if match.re is _NAMED_OFFSET else name)
    if "/" in name:
        named_zone = _find_iana(name)
        if named_zone is None:
            raise ZoneUnclear(f"time zone {name} is not known")
        return named_zone
    if match := _LONG.fullmatch(name):
        name = "".join(word[0] for word in name.split())
    short = name.lower()
    if (one := _ONE.get(short)) is not None:
        return ZoneInfo(one) if isinstance(one, str) else timezone(timedelta(hours=one))
    if (several := _SEVERAL.get(short)) is None:
        raise ZoneUnclear(f"time zone {name} is not known")
    hours = _choose_offset(short, several, moment, locale, zone)
    if hours is None:
        raise ZoneUnclear(f"time zone {name} is one of several")
    return timezone(timedelta(hours=hours))


@lru_cache(maxsize=512)
def read_offset(text: str) -> tzinfo:
    """An offset such as `+02:00`, `-5`: hours that local time is ahead of UTC. ValueError beyond a day."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None or int(match[3] or 0) > 59:
        raise ValueError("no such offset from UTC")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > timedelta(hours=15, minutes=13):  # Sitka until 1867; nothing was ever further away
        raise ValueError("no such offset from UTC")
    return timezone(offset if match[1] == "+" else -offset)


def _choose_offset(
    short: str, several: dict[str, float], moment: datetime, locale: SourceLocale, zone: tzinfo
) -> float | None:
    """A person's `--timezone` goes before the country, and that before what the name means in most places."""
    hours = _find_in_zone(short, several, moment, zone)
    if hours is None:
        hours = several.get(locale.country or "", several.get(""))
    doubt = _SUMMER_DOUBT.get((short, hours))
    if doubt and hours is not None and moment.replace(tzinfo=ZoneInfo(doubt)).utcoffset() != timedelta(hours=hours):
        return None
    return hours


def _find_in_zone(short: str, several: dict[str, float], moment: datetime, zone: tzinfo) -> float | None:
    """The hours that the name stands for in the import's own zone: as the clocks there are called, else those of the
    meanings that they show at some time of that year."""
    offsets = {}
    for month in (1, 7):
        moment_in_zone = datetime(moment.year, month, 1, tzinfo=zone)
        offset = moment_in_zone.utcoffset()
        if offset is not None:
            offsets[(moment_in_zone.tzname() or "").lower()] = offset / timedelta(hours=1)
    if short in offsets:
        return offsets[short]
    fitting = {hours for hours in offsets.values() if hours in several.values()}
    return fitting.pop() if len(fitting) == 1 else None


@lru_cache(maxsize=256)
def _find_iana(name: str) -> ZoneInfo | None:
    """The zone of that name; none of `Etc/GMT+5`, whose sign people and tables read in two ways."""
    # `Etc/GMT+5` is five hours west, as POSIX counts, and five hours east to most who write it.
    if name.startswith("Etc/GMT") or name not in _list_names():
        return None
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _list_names() -> frozenset[str]:
    return frozenset(available_timezones())
