"""Dates as sources write them, in any language, read into an instant and how exact it is: one reader for all formats.

Never fills in a part that was not written, and never chooses between two meanings: what cannot be told is refused with
a reason, or left out where the rest is sure.
"""

from app.importers.dates.locale import NOWHERE, Locale, day_first_in, locale_of
from app.importers.dates.reader import Reading, from_dateline, from_epoch, read, read_date

__all__ = [
    "NOWHERE",
    "Locale",
    "Reading",
    "day_first_in",
    "from_dateline",
    "from_epoch",
    "locale_of",
    "read",
    "read_date",
]
