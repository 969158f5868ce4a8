"""Dates as sources write them, in any language, read into an instant and how exact it is: one reader for all formats.

Never fills in a part that was not written, and never chooses between two meanings: what cannot be told is refused with
a reason, or left out where the rest is sure.
"""

from app.importers.dates.locale import locale_of, shown_by, shown_in_json, within
from app.importers.dates.reader import Reading, from_dateline, from_epoch, read, read_date

__all__ = [
    "Reading",
    "from_dateline",
    "from_epoch",
    "locale_of",
    "read",
    "read_date",
    "shown_by",
    "shown_in_json",
    "within",
]
