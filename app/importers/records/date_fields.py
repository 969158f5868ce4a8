"""The dates in the fields of one item of an export, read as all formats read dates, with notes on what had to be
decided. Pure.

Never takes a field that cannot be read for another date: it is left out, with a note, and kept as it was written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from app.importers import dates
from app.importers.document import ParseContext, SourceDate, SourceLocale
from app.importers.records.values import quote

_NO_DATES = ("", "0000-00-00", "0000-00-00 00:00:00")
"""What databases write where there is none."""


@dataclass(frozen=True, slots=True)
class DateFields:
    """`locale` and `zone` are those of the source where it says them, else the context's; `note` is told what people
    should know. `unread` holds the fields that are no dates, as they were written."""

    context: ParseContext
    note: Callable[[str], object]
    locale: SourceLocale | None = None
    zone: tzinfo | None = None
    unread: dict[str, object] = field(default_factory=dict)

    def read(self, name: str, value: object, *, is_awaited: bool = False) -> SourceDate | None:
        """None for an empty field, and for one that is no date. `is_awaited`: it is the end of an embargo, which a
        fraction of a second belongs to."""
        if value is None or (isinstance(value, str) and value.strip() in _NO_DATES):
            return None
        try:
            reading = dates.parse_date(value, self.zone or self.context.timezone, self.locale or self.context.locale)
        except ValueError as error:
            self.note(f"{name}: {quote(value)} is no date: {error}")
            self.unread[name] = value
            return None
        if reading.floating and self.zone is None:
            self.note(f"{name}: no time zone given, read as {self.context.timezone}")
        if reading.note:
            self.note(f"{name}: {quote(value)}: {reading.note}")
        return reading.round_up() if is_awaited else reading.date
