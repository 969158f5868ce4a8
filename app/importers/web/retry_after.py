"""What a server asks to wait. Pure."""

from datetime import datetime
from email.utils import parsedate_to_datetime


def parse_retry_after(text: str | None, today: datetime) -> float | None:
    """The seconds that the header Retry-After asks for, as a number or a date; None where it says nothing."""
    # RFC 9110, section 10.2.3: seconds or a date.
    if text is None or text.strip().isdecimal():
        return float(text) if text and len(text) < 10 else None
    try:
        return max(0.0, (parsedate_to_datetime(text) - today).total_seconds())
    except (ValueError, TypeError):
        return None
