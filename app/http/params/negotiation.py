"""Which representation a request gets: what `format` names, which wins, else what `Accept` prefers (RFC 9110, section
12.5.1). Pure but for reading the header; renders nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request

from app.errors import FieldError, NotAcceptable
from app.http.headers import list_headers
from app.http.params.values import find_nearest

_ANY = frozenset({b"", b"*/*", b"application/json"})
"""What nearly all clients send."""
_LONGEST_HEADER = 500
"""Bytes. A longer one is read each time that it comes."""
# RFC 9110, section 12.4.2: from 0 to 1, with at most three digits behind the point.
_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


# Compared by identity: comparing by value took 3 to 4 % of the time of a list.
@dataclass(frozen=True, slots=True, eq=False)
class Representation:
    """`name` is what `format` calls it, `content_type` what it is sent as; `others` are names that Accept may have for
    the same."""

    name: str
    content_type: str
    others: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """Without parameters."""
        return self.content_type.partition(";")[0]


JSON = Representation("json", "application/json")
Offer = tuple[Representation, ...]
"""What there is, the first one by default, and before the others where a client likes them as much."""


def choose(request: Request, name: str | None, offer: Offer, otherwise: Representation | None = None) -> Representation:
    """The one that `format` names, or that `Accept` prefers. NotAcceptable where there is none; of what Accept alone
    says, `otherwise` stands in."""
    if name is not None:
        return find_named(name, offer)
    values = list_headers(request.scope, b"accept")
    if not values or (len(values) == 1 and values[0] in _ANY):
        return offer[0]
    accept = b",".join(values)
    chosen = (_choose_cached if len(accept) <= _LONGEST_HEADER else _choose_accepted)(accept, offer) or otherwise
    if chosen is None:
        raise NotAcceptable([one.media_type for one in offer])
    return chosen


def find_named(name: str, offer: Offer) -> Representation:
    """NotAcceptable with the names that there are."""
    for one in offer:
        if one.name == name:
            return one
    raise make_refusal(name, [one.name for one in offer])


def make_refusal(name: str, names: Sequence[str]) -> NotAcceptable:
    """Of a `format` that is none of `names`."""
    detail = f"format={name} is not possible here, but {' or '.join(names)} is."
    wrong = FieldError(NotAcceptable.code, detail, "format", None, tuple(names), find_nearest(name, names))
    return NotAcceptable(names, detail, [wrong])


def _choose_accepted(accept: bytes, offer: Offer) -> Representation | None:
    ranges: dict[str, float] = {}
    for media_range, weight in _parse_ranges(accept.decode("latin-1").lower()):
        ranges[media_range] = max(weight, ranges.get(media_range, 0.0))
    if not ranges:
        return offer[0]
    weights = [max(_find_weight(ranges, name) for name in (one.media_type, *one.others)) for one in offer]
    best = max(weights)
    return offer[weights.index(best)] if best else None


_choose_cached = lru_cache(maxsize=256)(_choose_accepted)


def _parse_ranges(header: str) -> Iterator[tuple[str, float]]:
    """Media ranges with their weight; a weight that cannot be read counts as none. Other parameters say nothing here:
    no type has two representations."""
    for part in header.split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        if not media_range:
            continue
        named = [text.strip() for name, _, text in (one.partition("=") for one in parameters) if name.strip() == "q"]
        yield media_range, _read_weight(named[0]) if named else 1.0


def _read_weight(text: str) -> float:
    return float(text) if _WEIGHT.fullmatch(text) else 0.0


def _find_weight(ranges: dict[str, float], media_type: str) -> float:
    """Of the range that names the type most exactly."""
    whole = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((ranges[name] for name in whole if name in ranges), 0.0)
