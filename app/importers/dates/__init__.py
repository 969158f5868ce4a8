"""Dates as sources write them, in any language, read into an instant and how exact it is: one reader for all formats.

Never fills in a part that was not written, and never chooses between two meanings: what cannot be told is refused with
a reason, or left out where the rest is sure.
"""

from app.importers.dates.locale import find_locale, infer_day_order, infer_day_order_of_json, narrow_locale
from app.importers.dates.reader import ParsedDate, parse_date, parse_dateline, parse_epoch, read_date

__all__ = [
    "ParsedDate",
    "find_locale",
    "infer_day_order",
    "infer_day_order_of_json",
    "narrow_locale",
    "parse_date",
    "parse_dateline",
    "parse_epoch",
    "read_date",
]
