"""What stands in for the date of an article whose source gives none that can be read: its dateline, the date in its
address or in the name of its file, its last change, and the date of its feed or file where that was asked for.

Never takes a clock's time: an article with none of these has no date.
"""

import re
from collections.abc import Iterator
from datetime import UTC
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from app.importers import dates
from app.importers.document import Document, SourceDate, SourceDateline

_YEAR, _MONTH, _DAY = r"((?:19|20)\d\d)", r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
# /2014/04/05/, /2014-04-05/, /2014-04-05-title, /20140405/, and the month of /2014/04/.
_DAYS = (
    re.compile(rf"/{_YEAR}/(0?[1-9]|1[0-2])/(0?[1-9]|[12]\d|3[01])(?=/)"),
    re.compile(rf"/{_YEAR}([-_]){_MONTH}\2{_DAY}(?![\d])"),
    # Jekyll and Hexo take /2014-4-5-title too; /2014-4-5 alone may count anything.
    re.compile(rf"/{_YEAR}-(0?[1-9]|1[0-2])-(0?[1-9]|[12]\d|3[01])(?=-[^\W\d])"),
    re.compile(rf"/{_YEAR}/?{_MONTH}{_DAY}(?=/)"),
    re.compile(rf"/{_YEAR}/{_MONTH}-{_DAY}(?=/)"),
)
_DASHES = ("—", "–", "-")
_MONTHS = (re.compile(rf"/{_YEAR}[/-]{_MONTH}(?=/)"),)


class FallbackDate(NamedTuple):
    """A date, and for people where it is from; nothing where that is no news."""

    date: SourceDate
    note: str


def find_date(document: Document, path: str | None) -> FallbackDate | None:
    """The first that there is; `path` is that of the article's own file, None where it shares one with others. What is
    scheduled waits for a time that its source names: any other would publish it."""
    return None if document.status == "scheduled" else next(_list_candidates(document, path), None)


def _is_setting(dateline: SourceDateline, period: SourceDate) -> bool:
    """`Berlin, 1989 — The wall stood` tells of a year, and is not of it; a line of its own, `Berlin, 1989.`, is."""
    return period.precision == "year" and dateline.text.rstrip().endswith(_DASHES)


def _list_candidates(document: Document, path: str | None) -> Iterator[FallbackDate]:
    period = dates.parse_dateline(document.dateline, UTC) if document.dateline else None
    if document.dateline and period is not None and not _is_setting(document.dateline, period):
        # A text has no other place for its date.
        is_text = document.body is not None and document.body.kind == "text"
        yield FallbackDate(period, "" if is_text else "no date of its own: the dateline's is taken")
    if document.url and (day := find_in_url(document.url)):
        yield FallbackDate(day, "no date of its own: the one in the address is taken")
    if path and (day := find_in_path(path)):
        yield FallbackDate(day, "no date of its own: the one in the name of the file is taken")
    if document.status == "draft":
        return  # when it was changed says nothing of when it will come out
    if document.updated:
        yield FallbackDate(document.updated, "no date of its own: that of its last change is taken")
    if document.source_date:
        yield FallbackDate(document.source_date, "no date of its own: that of its feed or file is taken, as asked for")


def find_in_url(url: str) -> SourceDate | None:
    """The day, else the month, that stands in a web address as parts of its path."""
    try:
        return _find_day(unquote(urlsplit(url).path))
    except ValueError:
        return None


def find_in_path(path: str) -> SourceDate | None:
    """The day, else the month, in the path of a file: `2014-04-05-title.md`, `2014/04/05/title`, `2014/04/title`."""
    return find_in_url(path) if path.startswith(("http://", "https://")) else _find_day(f"/{path}")


def _find_day(path: str) -> SourceDate | None:
    """Years of 1900 to 2099; None where two days differ."""
    for patterns in (_DAYS, _MONTHS):
        days = {day for pattern in patterns for match in pattern.finditer(path) if (day := _parse_date(match))}
        # A day says more than a month; two different days in one address say nothing.
        if days:
            return days.pop() if len(days) == 1 else None
    return None


def _parse_date(match: re.Match[str]) -> SourceDate | None:
    parts = [part.zfill(2) for part in match.groups() if part not in "-_"]
    try:
        return dates.read_date("-".join(parts), UTC)
    except ValueError:
        return None
