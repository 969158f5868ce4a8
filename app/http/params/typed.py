"""Parameters of an endpoint as a class: each attribute is a declaration, and on an instance the value of its type.

    class TagParams(Paging):
        kind = choices("kind", "Only tags of these kinds.", KINDS)

    params = TagParams.parse(request.scope["query_string"], now)
    params.kind    # tuple[Kind, ...]

The strict reader is `parser`; this only names what it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self, cast, overload

from app.http.params.declaration import COUNT, CURSOR, MIN_SEQ, PAGE, Parameter, limit, text
from app.http.params.parsed import Read
from app.http.params.parser import Parameters
from app.http.params.times import Range


def _collect(cls: type) -> Iterator[Parameter[object]]:
    seen: set[str] = set()
    for owner in (cls, *_bases(cls)):
        for value in vars(owner).values():
            if isinstance(value, Parameter) and value.name not in seen:
                seen.add(value.name)
                yield value


def _bases(cls: type) -> Iterator[type]:
    for base in cls.__bases__:
        yield base
        yield from _bases(base)


class Params(Read):
    """Base of all. OpenAPI lists a class's own parameters first, then those of its bases from left to right; where
    another order is wanted, a class names an inherited one again."""

    declared: ClassVar[Parameters]

    def __init_subclass__(cls) -> None:
        cls.declared = Parameters(*_collect(cls), result=cls)

    @classmethod
    def parse(cls, query_string: bytes, now: int) -> Self:
        """InvalidInput with everything that is wrong; `now` in epoch seconds, for times that count from it."""
        return cast("Self", cls.declared.read(query_string, now))

    @classmethod
    def openapi(cls) -> list[dict[str, object]]:
        """OpenAPI 3.1 parameter objects."""
        return cls.declared.openapi()


Params.declared = Parameters(result=Params)


class TimeRange:
    """What `{stem}_from` and `{stem}_to`, declared beside it, mean together; open on both sides without them."""

    def __init__(self, stem: str) -> None:
        self._stem = stem

    @overload
    def __get__(self, params: None, owner: type) -> Self: ...

    @overload
    def __get__(self, params: Read, owner: type) -> Range: ...

    def __get__(self, params: Read | None, owner: type) -> Self | Range:
        return self if params is None else params.range(self._stem)


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
    def language(self) -> str | None:
        """`names_in` as names are stored: the bare language, in lower case."""
        code = self.names_in
        return code.lower().replace("_", "-").partition("-")[0] if code else None
