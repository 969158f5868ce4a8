"""What is known of a date's source beside the date: its language, its country, and whether it puts the day first.

Never says more than the source does: a language alone is no country, and English alone tells no order.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from app.importers.document import NOWHERE, SourceLocale
from app.text.urls import find_country


def _split(names: str) -> frozenset[str]:
    return frozenset(names.split())


_MONTH_FIRST = _split("US FM MH PW GU AS MP VI UM")
# Where people write 31/12/2025. Elsewhere (31.12.2025, 31-12-2025) such a date is that of a machine, which counts the
# American way as often as not; in Canada, the Philippines and South Africa both orders are at home.
_DAY_FIRST = _split(
    """
    GB IE AU NZ IN PK BD LK SG MY HK NG GH UG TZ JM TT MT CY FR BE LU MC ES AD IT SM VA PT BR AO MZ CV MX GT HN SV NI CR
    CO VE EC PE BO PY AR UY CU DO GR VN TH ID EG MA TN DZ LY JO LB SA AE QA KW BH OM YE IQ SY SD IL SN CI CM CD
    """
)
_DAY_FIRST_LANGUAGES = _split("fr es it pt el vi th id ms ca gl ar hi bn")
_LANGUAGE = re.compile(r"\s*([a-zA-Z]{2,3})(?:[-_][a-zA-Z]{4})?(?:[-_]([a-zA-Z]{2}))?(?![a-zA-Z])")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([-/])(\d{1,2})\2(?:19|20)\d\d(?!\d)")


@lru_cache(maxsize=2048)
def find_locale(language: str | None, address: str | None = None) -> SourceLocale:
    """The locale of a source that says `en-IN` of itself, or stands below a country's domain; the domain goes before,
    because `en-US` is what most systems say of themselves unasked."""
    match = _LANGUAGE.match(language or "")
    spoken, said = (match[1].lower(), (match[2] or "").upper() or None) if match else (None, None)
    country = find_country(address) or said
    order, other = _find_order(spoken, country), _find_order(spoken, said) if said else None
    if order is None or other not in (None, order):
        return SourceLocale(spoken, country)
    return SourceLocale(spoken, country, order, f"as in {country or spoken}")


def _find_order(language: str | None, country: str | None) -> bool | None:
    """Whether the day stands first in what people write there with strokes; a language alone tells it where it does in
    all its countries."""
    if country is not None:
        return True if country in _DAY_FIRST else False if country in _MONTH_FIRST else None
    return True if language in _DAY_FIRST_LANGUAGES else None


SHOWN = "as other dates of the source show"
_IN_JSON = re.compile(rb"\"\s*(\d{1,2}[-/]\d{1,2}[-/](?:19|20)\d\d)(?=[\"\sT])")


def narrow_locale(locale: SourceLocale, language: str | None, address: str | None) -> SourceLocale:
    """The locale of an item in a source that has one: its own where it says more, with the order of days and months
    that the source's other dates show."""
    own = find_locale(language, address)
    if own.country is None and own.language in (None, locale.language):
        return locale if locale != NOWHERE else own
    return replace(own, day_first=locale.day_first, why=SHOWN) if locale.why == SHOWN else own


def infer_day_order(locale: SourceLocale, texts: Iterable[str]) -> SourceLocale:
    """The locale with the order that these dates of one source show, which goes before what its country does."""
    order = _find_order_in(texts)
    return locale if order is None else replace(locale, day_first=order, why=SHOWN)


def infer_day_order_of_json(locale: SourceLocale, head: bytes) -> SourceLocale:
    """As `infer_day_order`, of the whole values in the beginning of a file of JSON."""
    return infer_day_order(locale, (match[1].decode() for match in _IN_JSON.finditer(head)))


def _find_order_in(texts: Iterable[str]) -> bool | None:
    """The order that dates show which can be read in one way only (31/12/2025); None where there is none of them, and
    where they show both."""
    orders = set()
    for text in texts:
        for match in _NUMERIC.finditer(text[:100]):
            first, second = int(match[1]), int(match[3])
            if 12 < first <= 31 and 1 <= second <= 12:
                orders.add(True)
            elif 12 < second <= 31 and 1 <= first <= 12:
                orders.add(False)
    return orders.pop() if len(orders) == 1 else None
