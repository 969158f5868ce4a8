"""What one request asked for, after `parser` has read it: typed getters over checked values.

Never reads or checks anything itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import cast
from zoneinfo import ZoneInfo

from app.http.params.declaration import Parameter
from app.http.params.times import Instant, Period, Range
from app.http.params.values import Value

Canonical = tuple[tuple[str, tuple[str | int, ...]], ...]
Texts = Mapping[str, list[str | None]]
UTC = ZoneInfo("UTC")
_OPEN = Range()


@dataclass(frozen=True)
class Read:
    """The getters raise KeyError for a parameter that was never declared: a mistake in a route, not in a request.

    `now`: epoch seconds. `values` holds only what was given, `texts` how it was written."""

    now: int
    values: Mapping[str, Value]
    texts: Texts
    ranges: Mapping[str, Range]
    specs: Mapping[str, Parameter[object]]

    @property
    def given_names(self) -> Set[str]:
        """The names that were there, also those that only repeat a default."""
        return self.values.keys()

    @cached_property
    def canonical(self) -> Canonical:
        """Names and words, sorted; the same for requests that mean the same. Without what repeats a default."""
        told = ((name, _canonical_value(self.specs[name], self.values[name], self.texts[name])) for name in self.values)
        return tuple(sorted((name, words) for name, words in told if words != (self.specs[name].default,)))

    @cached_property
    def identity(self) -> str:
        """Stands for `canonical` where its length would count: 16 hex digits."""
        return _hash_pairs(self.canonical)

    @cached_property
    def signature(self) -> str:
        """What a cursor is bound to: filters, `q` and `sort`, but not what may change from page to page."""
        return _hash_pairs(tuple(pair for pair in self.canonical if self.specs[pair[0]].signs))

    @property
    def uses_now(self) -> bool:
        """Some time given moves with the clock: the response may not live long."""
        return any(isinstance(value, Instant) and value.uses_now for value in self.values.values())

    def knows(self, name: str) -> bool:
        """Whether the address declares this parameter, given or not."""
        return name in self.specs

    def refs(self, name: str) -> tuple[str, ...]:
        """Empty if not given; each value once, in the order given."""
        return cast("tuple[str, ...]", self._get(name, ()))

    strings = choices = refs

    def ids(self, name: str) -> tuple[int, ...]:
        """Each number once, in the order given; none above 2^63 - 1."""
        return cast("tuple[int, ...]", self._get(name, ()))

    def text(self, name: str) -> str | None:
        """None if not given, which an empty text is not."""
        return cast("str | None", self._get(name, None))

    def choice(self, name: str) -> str:
        """The word given, else the declared default, else an empty text."""
        return cast("str", self._get(name, ""))

    def integer(self, name: str) -> int:
        """The number given, else the declared default; KeyError if there is neither: see `integer_or_none`."""
        number = self.integer_or_none(name)
        if number is None:
            raise KeyError(name)
        return number

    def integer_or_none(self, name: str) -> int | None:
        """The number given, else the declared default, else None."""
        return cast("int | None", self._get(name, None))

    def flag(self, name: str) -> bool:
        """The value given, else the declared default."""
        return cast("bool", self._get(name, False))

    def time(self, name: str) -> Instant | Period | None:
        """One end as it was given; filters take `range`."""
        return cast("Instant | Period | None", self._get(name, None))

    def range(self, stem: str) -> Range:
        """What `{stem}_from` and `{stem}_to` mean together; open on both sides if neither was given."""
        return self.ranges.get(stem, _OPEN)

    def zone(self) -> ZoneInfo:
        """That of `tz`; UTC if not given."""
        return cast("ZoneInfo", self.values.get("tz", UTC))

    def _get(self, name: str, absent: Value | None) -> Value | None:
        value = self.values.get(name)
        if value is not None:
            return value
        default = self.specs[name].default
        return absent if default is None else default


@lru_cache(maxsize=256)
def _hash_pairs(pairs: Canonical) -> str:
    """What was asked for, as 64 bits."""
    return blake2b(repr(list(pairs)).encode(), digest_size=8).hexdigest()


def _canonical_value(spec: Parameter[object], value: Value, texts: list[str | None]) -> tuple[str | int, ...]:
    if spec.kind == "ids":
        return cast("tuple[int, ...]", value)
    if isinstance(value, tuple):
        return tuple(sorted(str(item) for item in value))
    return (value,) if isinstance(value, str | int) else (texts[0] or "",)
