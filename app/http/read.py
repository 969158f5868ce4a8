"""What one request asked for, after `params` has read it: typed getters over checked values.

Never reads or checks anything itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import cast
from zoneinfo import ZoneInfo

from app.http.parameter import Parameter
from app.http.times import Instant, Period, Range
from app.http.values import Value

Canonical = tuple[tuple[str, tuple[str, ...]], ...]
_OPEN = Range()
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Read:
    """The getters raise KeyError for a parameter that was never declared: a mistake in a route, not in a request.

    `given`: the names that were there. `canonical`: what was given, in one form and order for requests that mean
    the same, without what only repeats a default. `now`: epoch seconds. `uses_now`: some time moves with it."""

    given: frozenset[str]
    canonical: Canonical
    now: int
    uses_now: bool
    values: Mapping[str, Value]
    ranges: Mapping[str, Range]
    specs: Mapping[str, Parameter]

    @cached_property
    def signature(self) -> str:
        """What a cursor is bound to: filters, `q` and `sort`, but not what may change from page to page."""
        signed = tuple(pair for pair in self.canonical if self.specs[pair[0]].signs)
        return blake2b(repr(signed).encode(), digest_size=8).hexdigest()

    def knows(self, name: str) -> bool:
        """Whether the address declares this parameter, given or not."""
        return name in self.specs

    def refs(self, name: str) -> tuple[str, ...]:
        """Empty if not given; each value once, in the order given."""
        return cast("tuple[str, ...]", self._get(name, ()))

    strings = choices = fields = refs

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
        return cast("ZoneInfo", self.values.get("tz", _UTC))

    def _get(self, name: str, absent: Value | None) -> Value | None:
        value = self.values.get(name)
        if value is not None:
            return value
        default = self.specs[name].default
        return absent if default is None else default
