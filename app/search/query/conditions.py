"""What the words of a query ask of an article, down to terms and ids: nothing in it depends on an index, on names or on
how texts are read, so that it means the same for good. Pure; its JSON is what the database keeps.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from app.search.query.analysis import Reading


@dataclass(frozen=True, slots=True)
class HasTerm:
    """A term in a field of the index."""

    field: str
    term: str


@dataclass(frozen=True, slots=True)
class HasRow:
    """Terms that stand in a row in a field, each at its place."""

    field: str
    terms: Reading


@dataclass(frozen=True, slots=True)
class HasBeginning:
    """A term of a field that begins so."""

    field: str
    beginning: str


@dataclass(frozen=True, slots=True)
class HasTag:
    """Any of these tags, of whatever kind."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IsPlaced:
    """In one of the regions: `within` with all that lies in them, `own` alone."""

    within: tuple[int, ...] = ()
    own: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of the parts, and none of `without`; every article where there is neither."""

    parts: "tuple[Condition, ...]" = ()
    without: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of the parts; no article where there is none."""

    parts: "tuple[Condition, ...]" = ()


Condition: TypeAlias = HasTerm | HasRow | HasBeginning | HasTag | IsPlaced | AllOf | OneOf


def join_any(parts: list[Condition]) -> Condition:
    """Any of them, each once, flattened."""
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, OneOf) else (part,)))
    return next(iter(flat)) if len(flat) == 1 else OneOf(tuple(flat))


def serialize(condition: Condition) -> list[object]:
    """As JSON: a list of the kind and what it asks."""
    match condition:
        case HasTerm(field, term):
            return ["term", field, term]
        case HasRow(field, terms):
            return ["row", field, [list(pair) for pair in terms]]
        case HasBeginning(field, beginning):
            return ["begins", field, beginning]
        case HasTag(ids):
            return ["tags", list(ids)]
        case IsPlaced(within, own):
            return ["placed", list(within), list(own)]
        case AllOf(parts, without):
            return ["all", [serialize(one) for one in parts], [serialize(one) for one in without]]
        case OneOf(parts):
            return ["any", [serialize(one) for one in parts]]


def parse(value: object) -> Condition:
    """What `serialize` has made."""
    kind, *rest = cast("list[object]", value)
    return _PARSERS[str(kind)](rest)


def _parse_all(value: object) -> tuple[Condition, ...]:
    return tuple(map(parse, cast("list[object]", value)))


def _read_ids(value: object) -> tuple[int, ...]:
    return tuple(cast("list[int]", value))


def _parse_row(rest: list[object]) -> Condition:
    pairs = cast("list[tuple[int, str]]", rest[1])
    return HasRow(str(rest[0]), tuple((place, term) for place, term in pairs))


_PARSERS: Mapping[str, Callable[[list[object]], Condition]] = {
    "term": lambda rest: HasTerm(str(rest[0]), str(rest[1])),
    "row": _parse_row,
    "begins": lambda rest: HasBeginning(str(rest[0]), str(rest[1])),
    "tags": lambda rest: HasTag(_read_ids(rest[0])),
    "placed": lambda rest: IsPlaced(_read_ids(rest[0]), _read_ids(rest[1])),
    "all": lambda rest: AllOf(_parse_all(rest[0]), _parse_all(rest[1])),
    "any": lambda rest: OneOf(_parse_all(rest[0])),
}


def replace_tags(condition: Condition, merged: Mapping[int, int]) -> Condition:
    """The condition with merged tags as what has taken them in."""
    match condition:
        case HasTag(ids):
            return HasTag(tuple(dict.fromkeys(merged.get(id, id) for id in ids)))
        case AllOf(parts, without):
            return AllOf(
                tuple(replace_tags(one, merged) for one in parts), tuple(replace_tags(one, merged) for one in without)
            )
        case OneOf(parts):
            return OneOf(tuple(replace_tags(one, merged) for one in parts))
        case _:
            return condition


def list_tags(condition: Condition) -> Iterator[int]:
    """Every tag that it names."""
    match condition:
        case HasTag(ids):
            yield from ids
        case AllOf(parts, without):
            for one in (*parts, *without):
                yield from list_tags(one)
        case OneOf(parts):
            for one in parts:
                yield from list_tags(one)
