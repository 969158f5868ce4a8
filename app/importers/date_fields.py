"""The date in one field of an export, read as all formats read dates, with notes on what had to be decided. Pure.

Never takes a field that cannot be read for another date: it is left out, with a note that shows what stood there.
"""

from collections.abc import Callable
from datetime import tzinfo

from app.importers import dates
from app.importers.document import Context, Locale, SourceDate

Note = Callable[[str], object]
_SHOWN = 60
_NO_DATES = ("", "0000-00-00", "0000-00-00 00:00:00")
"""What databases write where there is none."""


def read_date_field(
    name: str,
    value: object,
    context: Context,
    note: Note,
    *,
    locale: Locale | None = None,
    zone: tzinfo | None = None,
    is_awaited: bool = False,
) -> SourceDate | None:
    """None for an empty field, and with a note for one that is no date.

    `locale` and `zone` are those of the source where it says them, else the context's. `is_awaited`: it is the end of
    an embargo, which a fraction of a second belongs to.
    """
    if value is None or (isinstance(value, str) and value.strip() in _NO_DATES):
        return None
    try:
        reading = dates.read(value, zone or context.timezone, locale or context.locale)
    except ValueError as error:
        note(f"{name}: {_quote(value)} is no date: {error}")
        return None
    if reading.floating and zone is None:
        note(f"{name}: no time zone given, read as {context.timezone}")
    if reading.note:
        note(f"{name}: {_quote(value)}: {reading.note}")
    return reading.until() if is_awaited else reading.date


def _quote(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
