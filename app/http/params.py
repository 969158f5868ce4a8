"""The strict reader of query strings: nothing is ignored, nothing is clamped, all mistakes are told at once.

An address declares its `Parameters` once; reading costs some microseconds. Never asks the clock: `now` is given,
so that every relative time of a request means the same second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast
from zoneinfo import ZoneInfo

from app.errors import FieldError, InvalidInput
from app.http.parameter import (
    COUNT,
    CURSOR,
    LISTS,
    MIN_SEQ,
    PAGE,
    TZ,
    Parameter,
    choice,
    choices,
    fields,
    flag,
    ids,
    integer,
    limit,
    refs,
    strings,
    text,
    time,
)
from app.http.query_string import split
from app.http.read import Canonical, Read
from app.http.times import Instant, Period, Range, between, read_time, read_zone
from app.http.values import Value, fault, nearest, read_value

__all__ = [
    "COUNT",
    "CURSOR",
    "MIN_SEQ",
    "PAGE",
    "TZ",
    "Parameter",
    "Parameters",
    "Read",
    "choice",
    "choices",
    "fields",
    "flag",
    "ids",
    "integer",
    "limit",
    "refs",
    "strings",
    "text",
    "time",
]

MAX_QUERY_BYTES = 16_384  # a hundred external ids or addresses of 160 characters
MAX_DEPTH = 10_000

_UTC = ZoneInfo("UTC")
_Texts = Mapping[str, list[str | None]]


class Parameters:
    """All that one address takes. Immutable; shared by every request."""

    def __init__(self, *specs: Parameter) -> None:
        self.specs: Mapping[str, Parameter] = {spec.name: spec for spec in specs}
        assert len(self.specs) == len(specs), "a parameter is declared twice"
        self._stems = tuple(n.removesuffix("_from") for n in self.specs if n.endswith("_from"))
        self._required = frozenset(spec.name for spec in specs if spec.required)

    def openapi(self) -> list[dict[str, object]]:
        """OpenAPI 3.1 parameter objects, in the order of declaration."""
        return [spec.openapi() for spec in self.specs.values()]

    def read(self, query_string: bytes, now: int) -> Read:
        """Raises InvalidInput with everything that is wrong, in the order in which it appears; contradictions
        between parameters come last."""
        if len(query_string) > MAX_QUERY_BYTES:
            detail = f"At most {MAX_QUERY_BYTES} bytes; {len(query_string)} were sent."
            raise InvalidInput(FieldError("invalid_value", detail, "query string"))
        texts = split(query_string)
        errors: list[FieldError] = []
        values = dict(self._values(texts, now, errors))
        ranges = dict(self._ranges(values, errors))
        errors += self._contradictions(values, texts)
        if errors:
            raise InvalidInput(*errors)
        relative = any(found.uses_now for found in ranges.values())
        return Read(frozenset(values), self._canonical(values, texts), now, relative, values, ranges, self.specs)

    def _values(self, texts: _Texts, now: int, errors: list[FieldError]) -> Iterator[tuple[str, Value]]:
        zone = _zone(texts.get("tz"))
        for name, given in texts.items():
            spec = self.specs.get(name)
            if spec is None:
                errors += self._unknown(name)
                continue
            try:
                yield name, _value(spec, given, zone, now)
            except InvalidInput as wrong:
                errors += (replace(error, parameter=name) for error in wrong.errors)

    def _unknown(self, name: str) -> list[FieldError]:
        if name.startswith("utm_"):
            return []
        shown, allowed = name[:64], tuple(self.specs)
        detail = f"There is no parameter {shown!r} here."
        return [FieldError("unknown_parameter", detail, shown, None, allowed, nearest(name, allowed))]

    def _ranges(self, values: Mapping[str, Value], errors: list[FieldError]) -> Iterator[tuple[str, Range]]:
        for stem in self._stems:
            first, last = (cast("Instant | Period | None", values.get(stem + end)) for end in ("_from", "_to"))
            if first or last:
                try:
                    yield stem, between(first, last)
                except InvalidInput as wrong:
                    errors += (replace(error, parameter=f"{stem}_to") for error in wrong.errors)

    def _contradictions(self, values: Mapping[str, Value], texts: _Texts) -> Iterator[FieldError]:
        for name in self._required - texts.keys():
            yield FieldError("invalid_value", f"{name} is required here.", name)
        page = values.get("page")
        if page is None:
            return
        size = cast("int", values.get("limit", self.specs["limit"].default))
        if cast("int", page) * size > MAX_DEPTH:
            yield FieldError("page_too_deep", f"Pages reach {MAX_DEPTH} items deep; go on by cursor.", "page")
        if "cursor" in texts:
            yield FieldError("invalid_range", "Give a page or a cursor, not both.", "page")

    def _canonical(self, values: Mapping[str, Value], texts: _Texts) -> Canonical:
        told = ((name, _told(self.specs[name], values[name], texts[name])) for name in sorted(values))
        return tuple((name, words) for name, words in told if words != _default(self.specs[name]))


def _zone(texts: list[str | None] | None) -> ZoneInfo:
    """A wrong `tz` is reported in its own turn; the other parameters are then checked in UTC."""
    if not texts or texts[0] is None:
        return _UTC
    try:
        return read_zone(texts[0])
    except InvalidInput:
        return _UTC


def _value(spec: Parameter, given: list[str | None], zone: ZoneInfo, now: int) -> Value:
    if len(given) > 1 and spec.kind not in LISTS:
        raise fault(spec, f"{spec.name} takes one value; {len(given)} were given.", "duplicate_parameter")
    texts = [text for text in given if text is not None]
    if len(texts) < len(given):
        raise fault(spec, "The value is not percent-encoded UTF-8.")
    return read_time(texts[0], zone, now) if spec.kind == "time" else read_value(spec, texts)


def _told(spec: Parameter, value: Value, given: list[str | None]) -> tuple[str, ...]:
    if isinstance(value, tuple):
        words = tuple(str(item) for item in value)
        return words if spec.kind == "ids" else tuple(sorted(words))
    return (str(value),) if isinstance(value, str | int) else (given[0] or "",)


def _default(spec: Parameter) -> tuple[str, ...]:
    return () if spec.default is None else (str(spec.default),)
