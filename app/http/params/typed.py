"""Parameters of an endpoint as a class: each attribute is a declaration, and on an instance the value of its type.

    class TagParams(Paging):
        kind = choices("kind", "Only tags of these kinds.", KINDS)

    params = TagParams.parse(request.scope["query_string"], now)
    params.kind    # tuple[Kind, ...]

The strict reader is `parser`; this only names what it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import ClassVar, Self, cast, overload

from app.http.params.declaration import COUNT, CURSOR, MIN_SEQ, PAGE, Parameter, limit, text
from app.http.params.parser import ParameterSet
from app.http.params.query_string import Texts
from app.http.params.times import Instant, Range
from app.http.params.values import Value

Canonical = tuple[tuple[str, tuple[str | int, ...]], ...]
_OPEN = Range()


def _collect(cls: type) -> Iterator[Parameter[object]]:
    seen: set[str] = set()
    for owner in cls.__mro__:
        for value in vars(owner).values():
            if isinstance(value, Parameter) and value.name not in seen:
                seen.add(value.name)
                yield value


@dataclass(frozen=True)
class Params:
    """Base of all. OpenAPI lists a class's own parameters first, then those of its bases from left to right, as Python
    resolves them; where another order is wanted, a class names an inherited one again.

    `now`: epoch seconds. `values` holds only what was given, `texts` how it was written, `ranges` what two ends mean
    together."""

    now: int
    values: Mapping[str, Value]
    texts: Texts
    ranges: Mapping[str, Range]

    declared: ClassVar[ParameterSet[Params]]

    def __init_subclass__(cls) -> None:
        cls.declared = ParameterSet(*_collect(cls), result=cls)

    @classmethod
    def parse(cls, query_string: bytes, now: int) -> Self:
        """InvalidInput with everything that is wrong; `now` in epoch seconds, for times that count from it."""
        return cast("Self", cls.declared.parse(query_string, now))

    @classmethod
    def openapi(cls) -> list[dict[str, object]]:
        """OpenAPI 3.1 parameter objects."""
        return cls.declared.openapi()

    @property
    def given_names(self) -> Set[str]:
        """The names that were there, also those that only repeat a default."""
        return self.values.keys()

    @cached_property
    def canonical(self) -> Canonical:
        """Names and words, sorted; the same for requests that mean the same. Without what repeats a default."""
        specs = self.declared.specs
        told = ((name, _canonical_value(specs[name], self.values[name], self.texts[name])) for name in self.values)
        return tuple(sorted((name, words) for name, words in told if words != (specs[name].default,)))

    @cached_property
    def identity(self) -> str:
        """Stands for `canonical` where its length would count: 16 hex digits."""
        return _hash_pairs(self.canonical)

    @cached_property
    def signature(self) -> str:
        """What a cursor is bound to: filters, `q` and `sort`, but not what may change from page to page."""
        return _hash_pairs(tuple(pair for pair in self.canonical if self.declared.specs[pair[0]].signs))

    @property
    def uses_now(self) -> bool:
        """Some time given moves with the clock: the response may not live long."""
        return any(isinstance(value, Instant) and value.uses_now for value in self.values.values())


Params.declared = ParameterSet(result=Params)


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


class TimeRange:
    """What `{stem}_from` and `{stem}_to`, declared beside it, mean together; open on both sides without them."""

    def __init__(self, stem: str) -> None:
        self._stem = stem

    @overload
    def __get__(self, params: None, owner: type) -> Self: ...

    @overload
    def __get__(self, params: Params, owner: type) -> Range: ...

    def __get__(self, params: Params | None, owner: type) -> Self | Range:
        return self if params is None else params.ranges.get(self._stem, _OPEN)


class Paging(Params):
    """Of lists that go on by cursor or by number."""

    limit = limit()
    cursor = CURSOR
    page = PAGE
    count = COUNT


class AsOf(Params):
    """Of reads that can wait for a position in the log."""

    min_seq = MIN_SEQ


class NamesIn(Params):
    """Of what has names in several languages."""

    names_in = text("names_in", "Names in this language, where there are any.", maximum=12, example="fr")

    @property
    def names_language(self) -> str | None:
        """`names_in` as names are stored: the bare language, in lower case."""
        code = self.names_in
        return code.lower().replace("_", "-").partition("-")[0] if code else None
