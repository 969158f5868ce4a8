"""Dates as sources write them, in any language, read into an instant and how exact it is: one reader for all formats.

Never fills in a part that was not written, and never chooses between two meanings: what cannot be told is refused with
a reason, or left out where the rest is sure.
"""

from app.importers.dates.locale import infer_day_order, infer_day_order_of_json, locale_of, within
from app.importers.dates.reader import Reading, from_dateline, from_epoch, read, read_date

__all__ = [
    "Reading",
    "from_dateline",
    "from_epoch",
    "infer_day_order",
    "infer_day_order_of_json",
    "locale_of",
    "read",
    "read_date",
    "within",
]
