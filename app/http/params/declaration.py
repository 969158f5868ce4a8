"""What a query parameter is: declared once per endpoint, read by `parser`, shown by OpenAPI.

Only descriptions and their OpenAPI form; never touches a request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, Self, TypeVar, cast, overload
from zoneinfo import ZoneInfo

from app.http.params.times import Instant, Period

T = TypeVar("T", covariant=True)
Word = TypeVar("Word", bound=str)
Kind = Literal[
    "refs", "strings", "ids", "languages", "choice", "choices", "fields", "time", "zone", "text", "flag", "integer"
]  # fmt: skip
Available = Callable[[Collection[str]], tuple[str, ...]]
_UTC = ZoneInfo("UTC")
LISTS: frozenset[Kind] = frozenset({"refs", "strings", "ids", "languages", "choices", "fields"})
_ABSENT: dict[Kind, object] = {**dict.fromkeys(LISTS, ()), "flag": False}
"""What stands for a parameter of these kinds that was not given; for the others None."""
MAX_VALUES = 100
MAX_ID = 2**63 - 1

_ITEM = r"^[^,\x00-\x1f\x7f-\x9f]*[^,\s\x00-\x1f\x7f-\x9f][^,\x00-\x1f\x7f-\x9f]*$"
_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
_TIME: list[dict[str, object]] = [
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": r"^(1[0-9]{3}|20[0-9]{2})(-(0[1-9]|1[0-2]))?$"},
    {"type": "string", "pattern": r"^now(-[0-9]{1,3}[hdwMy])?$"},
]


class HasValues(Protocol):
    """What a request gave, by name: an instance of `Params`."""

    @property
    def values(self) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One query parameter, whose value is a T. Made by the functions below, which know what goes with which kind. As an
    attribute of `Params` it is a descriptor: on the class the declaration, on an instance the value.

    `excess` is the code of the error for a number above `maximum` or a text longer than it. `signs`: a cursor
    made with one value of it is of no use with another. `needed`: a request without it, or another like it, is none, so
    that documentation fills its example in. `scope`: one that a caller needs; to others the endpoint does not have the
    parameter. `available`: which of the `allowed` words a request may have, by the names of the parameters that have a
    text in it, where that depends on others: an error names no word that is refused as well."""

    name: str
    kind: Kind
    doc: str
    example: str | int | bool | None = None
    allowed: tuple[str, ...] = ()
    default: str | int | bool | None = None
    minimum: int = 0
    maximum: int = MAX_ID
    excess: str = "invalid_value"
    signs: bool = True
    required: bool = False
    may_be_empty: bool = False
    needed: bool = False
    scope: str | None = None
    available: Available | None = None
    absent: object = field(init=False, repr=False)

    def __post_init__(self) -> None:
        value = _UTC if self.kind == "zone" else _ABSENT.get(self.kind) if self.default is None else self.default
        object.__setattr__(self, "absent", value)  # once, because each read of each parameter asks for it

    @overload
    def __get__(self, params: None, owner: type) -> Self: ...

    @overload
    def __get__(self, params: HasValues, owner: type) -> T: ...

    def __get__(self, params: HasValues | None, owner: type) -> Self | T:
        """The value given, else the declared default, else what stands for nothing: an empty list, or None."""
        if params is None:
            return self
        value = params.values.get(self.name)
        return cast("T", self.absent if value is None else value)

    def openapi(self) -> dict[str, object]:
        """An OpenAPI 3.1 parameter object; lists are exploded arrays."""
        shown: dict[str, object] = {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self._describe(),
            "schema": _schema(self),
        }
        if self.kind in LISTS:
            shown |= {"style": "form", "explode": True}
        if self.example is not None and (self.required or self.needed):
            shown["example"] = [self.example] if self.kind in LISTS else self.example
        return shown

    def _describe(self) -> str:
        """Examples of what need not be given stand in the text: documentation pages fill fields in with the others,
        and a request with every filter at once finds nothing."""
        told = self.required or self.needed or self.example is None or self.allowed or self.kind in ("flag", "integer")
        sentence = self.doc if told else f"{self.doc} For example `{self.example}`."
        # Not as `default` of the schema: clients that are generated send it then, as if it had been asked for.
        return f"{sentence} `{self.default}` unless given." if self.default else sentence


def refs(name: str, doc: str, example: str | None = None) -> Parameter[tuple[str, ...]]:
    """Ids or slugs; commas and repeating both make lists."""
    return Parameter(name, "refs", doc, example)


def strings(name: str, doc: str, example: str | None = None, *, required: bool = False) -> Parameter[tuple[str, ...]]:
    """Values that may contain commas, such as addresses: repeated, never split."""
    return Parameter(name, "strings", doc, example, required=required)


def ids(name: str, doc: str, example: int | None = None) -> Parameter[tuple[int, ...]]:
    """Numbers of items, at most 100, in the order given."""
    return Parameter(name, "ids", doc, example)


def languages(name: str, doc: str, example: str) -> Parameter[tuple[str, ...]]:
    """Tags of languages, in small letters and with hyphens, however they were written."""
    return Parameter(name, "languages", doc, example)


@overload
def choice(
    name: str,
    doc: str,
    allowed: tuple[Word, ...],
    default: Word,
    *,
    signs: bool = True,
    available: Available | None = None,
) -> Parameter[Word]: ...


@overload
def choice(
    name: str, doc: str, allowed: tuple[Word, ...], *, signs: bool = True, available: Available | None = None
) -> Parameter[Word | None]: ...


def choice(
    name: str,
    doc: str,
    allowed: tuple[Word, ...],
    default: Word | None = None,
    *,
    signs: bool = True,
    available: Available | None = None,
) -> Parameter[Word] | Parameter[Word | None]:
    """One word of a closed list; without a default None where it is not given."""
    return Parameter(name, "choice", doc, default or allowed[0], allowed, default, signs=signs, available=available)


def choices(name: str, doc: str, allowed: tuple[Word, ...], *, signs: bool = True) -> Parameter[tuple[Word, ...]]:
    """Any words of a closed list."""
    return Parameter(name, "choices", doc, allowed[0], allowed, signs=signs)


def fields(name: str, doc: str, allowed: tuple[Word, ...]) -> Parameter[tuple[Word, ...]]:
    """Parts of the response (`fields`, `include`); another word is an `unknown_field`. May change from page to
    page."""
    return Parameter(name, "fields", doc, allowed[0], allowed, signs=False)


def time(name: str, doc: str, example: str = "2025-12") -> Parameter[Instant | Period | None]:
    """A point or period in time; named `…_from` and `…_to` they make a range."""
    return Parameter(name, "time", doc, example)


def text(
    name: str,
    doc: str,
    *,
    maximum: int = 512,
    excess: str = "invalid_value",
    example: str | None = None,
    may_be_empty: bool = False,
    required: bool = False,
    needed: bool = False,
    signs: bool = True,
    scope: str | None = None,
) -> Parameter[str | None]:
    """Free text of at most `maximum` characters; line ends and tabs in it are read as spaces."""
    return Parameter(
        name,
        "text",
        doc,
        example,
        maximum=maximum,
        excess=excess,
        signs=signs,
        required=required,
        needed=needed,
        may_be_empty=may_be_empty,
        scope=scope,
    )


def flag(name: str, doc: str, *, default: bool = False, signs: bool = True) -> Parameter[bool]:
    """`true` or `false`."""
    return Parameter(name, "flag", doc, not default, default=default, signs=signs)


@overload
def integer(
    name: str,
    doc: str,
    *,
    default: int,
    minimum: int = 1,
    maximum: int = MAX_ID,
    excess: str = "invalid_value",
    signs: bool = True,
) -> Parameter[int]: ...


@overload
def integer(
    name: str,
    doc: str,
    *,
    minimum: int = 1,
    maximum: int = MAX_ID,
    excess: str = "invalid_value",
    signs: bool = True,
) -> Parameter[int | None]: ...


def integer(
    name: str,
    doc: str,
    *,
    default: int | None = None,
    minimum: int = 1,
    maximum: int = MAX_ID,
    excess: str = "invalid_value",
    signs: bool = True,
) -> Parameter[int] | Parameter[int | None]:
    """A whole number from `minimum` to `maximum`, both included; without a default None where it is not given."""
    shown = default if default is not None else minimum
    return Parameter(
        name,
        "integer",
        doc,
        shown,
        default=default,
        minimum=minimum,
        maximum=maximum,
        excess=excess,
        signs=signs,
    )


def limit(default: int = 20, maximum: int = 100) -> Parameter[int]:
    """How many at once; more than `maximum` is refused, never cut down."""
    doc = f"How many to answer with, at most {maximum}."
    return integer("limit", doc, default=default, maximum=maximum, excess="limit_too_large", signs=False)


CURSOR = text("cursor", "Where to go on: `page.next` or `page.previous` as it stands.", maximum=2000, signs=False)
PAGE = integer("page", "A numbered page, while `page` times `limit` is at most 10,000.", signs=False)
COUNT = choice("count", "`none` leaves the total out.", ("exact", "none"), "exact", signs=False)
MIN_SEQ = text("min_seq", "Wait up to 2 s until the answer reflects this `X-Seq`, else 503.", maximum=200, signs=False)
TZ: Parameter[ZoneInfo] = Parameter(
    "tz", "zone", "The time zone of days, months and years.", "Europe/Brussels", default="UTC"
)


def _schema(spec: Parameter[object]) -> dict[str, object]:
    if spec.kind in LISTS:
        return {"type": "array", "items": _item(spec), "minItems": 1, "maxItems": MAX_VALUES}
    return _item(spec)


def _item(spec: Parameter[object]) -> dict[str, object]:
    match spec.kind:
        case "choice" | "choices" | "fields":
            return {"type": "string", "enum": list(spec.allowed)}
        case "ids" | "integer":
            return {"type": "integer", "minimum": spec.minimum, "maximum": spec.maximum}
        case "flag":
            return {"type": "boolean"}
        case "time":
            return {"anyOf": _TIME}
        case "refs" | "languages":
            return {"type": "string", "pattern": _ITEM}
        case "text":
            shortest = 0 if spec.may_be_empty else 1
            return {"type": "string", "minLength": shortest, "maxLength": spec.maximum, "pattern": _TEXT}
        case _:
            return {"type": "string", "minLength": 1, "pattern": _LINE}
