"""The strict reader of query strings: nothing is ignored, nothing is clamped, all mistakes are told at once.

An endpoint declares its parameters once; reading costs some microseconds. Never asks the clock: `now` is given,
so that every relative time of a request means the same second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, TypeVar, cast
from zoneinfo import ZoneInfo

from app.errors import FieldError, InvalidInput
from app.http.params.declaration import (
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
    languages,
    limit,
    refs,
    strings,
    text,
    time,
)
from app.http.params.peer_names import find_meant, is_ignored
from app.http.params.query_string import Texts, parse_query
from app.http.params.times import Instant, Period, Range, make_range, read_time, read_zone
from app.http.params.values import GUESSES, Value, find_nearest, make_error, read_value

__all__ = [
    "COUNT",
    "CURSOR",
    "MIN_SEQ",
    "PAGE",
    "TZ",
    "Parameter",
    "ParameterSet",
    "choice",
    "choices",
    "fields",
    "flag",
    "ids",
    "integer",
    "languages",
    "limit",
    "refs",
    "strings",
    "text",
    "time",
]

MAX_QUERY_BYTES = 16_384  # a hundred external ids or addresses of 160 characters
MAX_DEPTH = 10_000
MAX_NAMES = 100
"""Different parameters of one request; no address has half as many."""

KEPT_BYTES, MOST_KEPT = 300, 32
"""Query strings that are kept for a second once they were read: their length, and how many of each endpoint. Front
pages are asked for again and again."""

P = TypeVar("P")
_UTC = ZoneInfo("UTC")


class ParameterSet(Generic[P]):
    """All that one endpoint takes. Immutable; shared by every request. `result` makes what `parse` returns, from now,
    values, texts and ranges: see `typed.Params`."""

    def __init__(
        self,
        *specs: Parameter[object],
        result: Callable[[int, Mapping[str, Value], Texts, Mapping[str, Range]], P],
    ) -> None:
        self._result = result
        self.specs: Mapping[str, Parameter[object]] = {spec.name: spec for spec in specs}
        assert len(self.specs) == len(specs), "a parameter is declared twice"
        stems = (name.removesuffix("_from") for name in self.specs if name.endswith("_from"))
        self._ends = tuple((stem, f"{stem}_from", f"{stem}_to") for stem in stems)
        self._open = tuple(spec.name for spec in specs if spec.scope is None)
        self._required = tuple(spec.name for spec in specs if spec.required)
        self._read_at, self._read = 0, dict[bytes, P]()  # what was read in this second, by query string

    def make_unknown(self, name: str) -> InvalidInput:
        """What a caller is told who lacks the scope of a parameter: the same as of one that is not there."""
        return InvalidInput(*self._unknown(name, guessed=True))

    def openapi(self) -> list[dict[str, object]]:
        """OpenAPI 3.1 parameter objects, in the order of declaration."""
        return [spec.openapi() for spec in self.specs.values()]

    def parse(self, query_string: bytes, now: int) -> P:
        """Raises InvalidInput with everything that is wrong, in the order in which it appears; contradictions
        between parameters come last."""
        if now != self._read_at:
            self._read_at, self._read = now, {}
        known = self._read.get(query_string)
        if known is None:
            known = self._parse(query_string, now)
            if len(query_string) <= KEPT_BYTES and len(self._read) < MOST_KEPT:
                self._read[query_string] = known
        return known

    def _parse(self, query_string: bytes, now: int) -> P:
        if len(query_string) > MAX_QUERY_BYTES:
            detail = f"At most {MAX_QUERY_BYTES} bytes; {len(query_string)} were sent."
            raise InvalidInput(FieldError("invalid_value", detail, "query string"))
        texts = parse_query(query_string)
        if len(texts) > MAX_NAMES:
            detail = f"At most {MAX_NAMES} different parameters; {len(texts)} were given."
            raise InvalidInput(FieldError("unknown_parameter", detail, "query string"))
        errors: list[FieldError] = []
        values = self._values(texts, now, errors)
        ranges = self._ranges(values, errors)
        errors += self._contradictions(values, texts)
        if errors:
            raise InvalidInput(*errors)
        return self._result(now, values, texts, ranges)

    def _values(self, texts: Texts, now: int, errors: list[FieldError]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        zone = _read_zone(texts["tz"]) if "tz" in texts else _UTC
        for name, raw_values in texts.items():
            spec = self.specs.get(name)
            if spec is None:
                guessed = sum(error.code == "unknown_parameter" for error in errors) < GUESSES
                errors += self._unknown(name, guessed=guessed)
                continue
            try:
                values[name] = _read_value(spec, raw_values, zone, now)
            except InvalidInput as wrong:
                errors += (replace(_name_available(spec, error, texts), parameter=name) for error in wrong.errors)
        return values

    def _unknown(self, name: str, *, guessed: bool) -> list[FieldError]:
        if is_ignored(name):
            return []
        shown, allowed = name[:64], self._open
        detail = f"There is no parameter {shown!r} here."
        if not guessed:
            return [FieldError("unknown_parameter", detail, shown)]
        meant = find_meant(name, allowed) or find_nearest(name, allowed)
        return [FieldError("unknown_parameter", detail, shown, None, allowed, meant)]

    def _ranges(self, values: Mapping[str, Value], errors: list[FieldError]) -> dict[str, Range]:
        ranges: dict[str, Range] = {}
        for stem, first, last in self._ends:
            if first in values or last in values:
                try:
                    ranges[stem] = make_range(_read_time(values.get(first)), _read_time(values.get(last)))
                except InvalidInput as wrong:
                    errors += (replace(error, parameter=last) for error in wrong.errors)
        return ranges

    def _contradictions(self, values: Mapping[str, Value], texts: Texts) -> Iterator[FieldError]:
        for name in self._required:
            if name not in texts:
                yield FieldError("invalid_value", f"{name} is required here.", name)
        page = values.get("page")
        if page is None:
            return
        size = cast("int", values.get("limit", self.specs["limit"].default))
        if cast("int", page) * size > MAX_DEPTH:
            yield FieldError("page_too_deep", f"Pages reach {MAX_DEPTH} items deep; go on by cursor.", "page")
        if "cursor" in texts:
            yield FieldError("invalid_range", "Give a page or a cursor, not both.", "page")


def _read_zone(texts: list[str | None]) -> ZoneInfo:
    """A wrong `tz` is reported in its own turn; the other parameters are then checked in UTC."""
    try:
        return read_zone(texts[0] or "UTC")
    except InvalidInput:
        return _UTC


def _read_value(spec: Parameter[object], raw_values: list[str | None], zone: ZoneInfo, now: int) -> Value:
    if len(raw_values) > 1 and spec.kind not in LISTS:
        raise make_error(spec, f"{spec.name} takes one value; {len(raw_values)} were given.", "duplicate_parameter")
    if None in raw_values:
        raise make_error(spec, "The value is not percent-encoded UTF-8.")
    texts = cast("list[str]", raw_values)
    return read_time(texts[0], zone, now) if spec.kind == "time" else read_value(spec, texts)


def _name_available(spec: Parameter[object], error: FieldError, texts: Texts) -> FieldError:
    """An error without the words that this request may not have either."""
    if spec.available is None or error.allowed is None:
        return error
    words = spec.available([name for name, raw_values in texts.items() if any(raw_values)])
    return replace(error, allowed=words, did_you_mean=error.did_you_mean if error.did_you_mean in words else None)


def _read_time(value: Value | None) -> Instant | Period | None:
    return value if isinstance(value, Instant | Period) else None
