"""From the texts of one query parameter to its value, one function per kind.

Pure and strict: what is not as expected raises InvalidInput naming the parameter; nothing is made to fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from app.errors import CODES, FieldError, InvalidInput
from app.http.params.declaration import MAX_ID, MAX_VALUES, Kind, Parameter
from app.http.params.times import Instant, Period, read_zone

Value = str | int | bool | tuple[str, ...] | tuple[int, ...] | Instant | Period | ZoneInfo

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
GUESSES = 5
"""For how many wrong words of a parameter a similar one is looked for: that takes a tenth of a millisecond each."""
_DIGITS = re.compile(r"[0-9]{1,19}")
_SPACES = str.maketrans("\t\n\r", "   ")


def read_value(spec: Parameter[object], texts: list[str]) -> Value:
    """`texts`: what was given, decoded, at least one; a single-valued parameter is read from the first."""
    return _READERS[spec.kind](spec, texts)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` is likeliest to be a slip of, or None if none is near."""
    lower = {candidate.lower(): candidate for candidate in candidates}
    found = get_close_matches(word[:64].lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None


def fault(spec: Parameter[object], detail: str, code: str = "invalid_value") -> InvalidInput:
    """An error in this parameter; `code` is one of those with status 422."""
    assert CODES[code].status == 422
    return InvalidInput(FieldError(code, detail, spec.name))


def _items(spec: Parameter[object], texts: list[str]) -> list[str]:
    return _counted(spec, [item.strip() for text in texts for item in text.split(",")])


def _counted(spec: Parameter[object], items: list[str]) -> list[str]:
    if "" in items:
        raise fault(spec, "A value is empty. Leave the parameter out to filter by nothing.")
    if len(items) > MAX_VALUES:
        raise fault(spec, f"At most {MAX_VALUES} values; {len(items)} were given.")
    for item in items:
        _check_line(spec, item)
    return items


def _check_line(spec: Parameter[object], text: str) -> None:
    if not text.isprintable() and CONTROLS.search(text):
        raise fault(spec, "Control characters are not allowed here.")


def _strings(spec: Parameter[object], texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_counted(spec, texts)))


def _refs(spec: Parameter[object], texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_items(spec, texts)))


def _ids(spec: Parameter[object], texts: list[str]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_number(spec, item) for item in _items(spec, texts)))


def _choices(spec: Parameter[object], texts: list[str], code: str = "invalid_value") -> tuple[str, ...]:
    items = _items(spec, texts)
    wrong = [item for item in dict.fromkeys(items) if item not in spec.allowed]
    if wrong:
        guessed = (_not_allowed(spec, item, code) for item in wrong[:GUESSES])
        raise InvalidInput(*guessed, *(_not_allowed(spec, item, code, guess=False) for item in wrong[GUESSES:]))
    return tuple(dict.fromkeys(items))


def _fields(spec: Parameter[object], texts: list[str]) -> tuple[str, ...]:
    return _choices(spec, texts, "unknown_field")


def _not_allowed(spec: Parameter[object], word: str, code: str = "invalid_value", *, guess: bool = True) -> FieldError:
    """With what is allowed, and the likeliest of it, unless that was said of others before."""
    detail = f"{word[:64]!r} is none of the values that {spec.name} takes."
    if not guess:
        return FieldError(code, detail, spec.name)
    return FieldError(code, detail, spec.name, None, spec.allowed, nearest(word, spec.allowed))


def _choice(spec: Parameter[object], texts: list[str]) -> str:
    if texts[0] not in spec.allowed:
        raise InvalidInput(_not_allowed(spec, texts[0]))
    return texts[0]


def _flag(spec: Parameter[object], texts: list[str]) -> bool:
    if texts[0] not in ("true", "false"):
        raise InvalidInput(FieldError("invalid_value", "Expected true or false.", spec.name, None, ("true", "false")))
    return texts[0] == "true"


def _text(spec: Parameter[object], texts: list[str]) -> str:
    text = texts[0].translate(_SPACES)
    if not text and not spec.may_be_empty:
        raise fault(spec, "The value is empty.")
    if len(text) > spec.maximum:
        raise fault(spec, f"At most {spec.maximum} characters; {len(text)} were given.", spec.excess)
    _check_line(spec, text)
    return text


def _integer(spec: Parameter[object], texts: list[str]) -> int:
    number = _number(spec, texts[0])
    if number < spec.minimum:
        raise fault(spec, f"{number} is below the smallest value, {spec.minimum}.")
    if number > spec.maximum:
        raise fault(spec, f"{number} is above the largest value, {spec.maximum}.", spec.excess)
    return number


def _number(spec: Parameter[object], text: str) -> int:
    if not _DIGITS.fullmatch(text) or (number := int(text)) > MAX_ID:
        raise fault(spec, "Expected a whole number, in digits.")
    return number


def _zone(spec: Parameter[object], texts: list[str]) -> ZoneInfo:
    return read_zone(texts[0])


def _unreadable(spec: Parameter[object], texts: list[str]) -> Value:
    raise AssertionError(f"{spec.name}: times are read with the request's zone and clock")


_READERS: dict[Kind, Callable[[Parameter[object], list[str]], Value]] = {
    "refs": _refs,
    "strings": _strings,
    "ids": _ids,
    "choice": _choice,
    "choices": _choices,
    "fields": _fields,
    "text": _text,
    "flag": _flag,
    "integer": _integer,
    "zone": _zone,
    "time": _unreadable,
}
