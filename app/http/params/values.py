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
_OUT_OF_RANGE = re.compile(r"-[1-9][0-9]*|[0-9]{19,}")
_SPACES = str.maketrans("\t\n\r", "   ")


def read_value(spec: Parameter[object], texts: list[str]) -> Value:
    """`texts`: what was given, decoded, at least one; a single-valued parameter is read from the first."""
    return _READERS[spec.kind](spec, texts)


def find_nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` is likeliest to be a slip of, or None if none is near."""
    lower = {candidate.lower(): candidate for candidate in candidates}
    close_matches = get_close_matches(word[:64].lower(), lower, n=1, cutoff=0.6)
    return lower[close_matches[0]] if close_matches else None


def make_error(spec: Parameter[object], detail: str, code: str = "invalid_value") -> InvalidInput:
    """An error in this parameter; `code` is one of those with status 422."""
    assert CODES[code].status == 422
    return InvalidInput(FieldError(code, detail, spec.name))


def _split_items(spec: Parameter[object], texts: list[str]) -> list[str]:
    return _check_count(spec, [item.strip() for text in texts for item in text.split(",")])


def _read_languages(spec: Parameter[object], texts: list[str]) -> tuple[str, ...]:
    """What is no tag of a language is none that an article has, of which the response warns: filters that are stored
    are read again for as long as they stay."""
    return tuple(dict.fromkeys(item.lower().replace("_", "-") for item in _split_items(spec, texts)))


def _check_count(spec: Parameter[object], items: list[str]) -> list[str]:
    if "" in items:
        raise make_error(spec, "A value is empty. Leave the parameter out to filter by nothing.")
    if len(items) > MAX_VALUES:
        raise make_error(spec, f"At most {MAX_VALUES} values; {len(items)} were given.")
    for item in items:
        _check_line(spec, item)
    return items


def _check_line(spec: Parameter[object], text: str) -> None:
    if not text.isprintable() and CONTROLS.search(text):
        raise make_error(spec, "Control characters are not allowed here.")


def _read_choices(spec: Parameter[object], texts: list[str], code: str = "invalid_value") -> tuple[str, ...]:
    items = _split_items(spec, texts)
    wrong = [item for item in dict.fromkeys(items) if item not in spec.allowed]
    if wrong:
        guessed = (_refuse_word(spec, item, code) for item in wrong[:GUESSES])
        raise InvalidInput(*guessed, *(_refuse_word(spec, item, code, guess=False) for item in wrong[GUESSES:]))
    return tuple(dict.fromkeys(items))


def _refuse_word(spec: Parameter[object], word: str, code: str = "invalid_value", *, guess: bool = True) -> FieldError:
    """With what is allowed, and the likeliest of it, unless that was said of others before."""
    detail = f"{word[:64]!r} is none of the values that {spec.name} takes."
    if not guess:
        return FieldError(code, detail, spec.name)
    # `article.title`, as hits have it: `fields` begins below the article.
    below = word.partition(".")[2]
    meant = below if below in spec.allowed else find_nearest(word, spec.allowed)
    return FieldError(code, detail, spec.name, None, spec.allowed, meant)


def _read_choice(spec: Parameter[object], texts: list[str]) -> str:
    if texts[0] not in spec.allowed:
        raise InvalidInput(_refuse_word(spec, texts[0]))
    return texts[0]


def _read_flag(spec: Parameter[object], texts: list[str]) -> bool:
    if texts[0] not in ("true", "false"):
        raise InvalidInput(FieldError("invalid_value", "Expected true or false.", spec.name, None, ("true", "false")))
    return texts[0] == "true"


def _read_text(spec: Parameter[object], texts: list[str]) -> str:
    text = texts[0].translate(_SPACES)
    if not text and not spec.may_be_empty:
        raise make_error(spec, "The value is empty.")
    if len(text) > spec.maximum:
        raise make_error(spec, f"At most {spec.maximum} characters; {len(text)} were given.", spec.excess)
    _check_line(spec, text)
    return text


def _read_integer(spec: Parameter[object], texts: list[str]) -> int:
    number = _parse_number(spec, texts[0])
    if number < spec.minimum:
        raise make_error(spec, f"{number} is below the smallest value, {spec.minimum}.")
    if number > spec.maximum:
        raise make_error(spec, f"{number} is above the largest value, {spec.maximum}.", spec.excess)
    return number


def _parse_number(spec: Parameter[object], text: str) -> int:
    if _DIGITS.fullmatch(text) and (number := int(text)) <= MAX_ID:
        return number
    if not _OUT_OF_RANGE.fullmatch(text):
        raise make_error(spec, "Expected a whole number, in digits.")
    # Whole numbers as well, of which only the range is wrong. They are not converted: int() takes time for long ones.
    if text.startswith("-"):
        raise make_error(spec, f"{text[:64]} is below the smallest value, {spec.minimum}.")
    raise make_error(spec, f"{text[:64]} is above the largest value, {spec.maximum}.", spec.excess)


_READERS: dict[Kind, Callable[[Parameter[object], list[str]], Value]] = {
    "refs": lambda spec, texts: tuple(dict.fromkeys(_split_items(spec, texts))),
    "languages": _read_languages,
    "strings": lambda spec, texts: tuple(dict.fromkeys(_check_count(spec, texts))),
    "ids": lambda spec, texts: tuple(dict.fromkeys(_parse_number(spec, item) for item in _split_items(spec, texts))),
    "choice": _read_choice,
    "choices": _read_choices,
    "fields": lambda spec, texts: _read_choices(spec, texts, "unknown_field"),
    "text": _read_text,
    "flag": _read_flag,
    "integer": _read_integer,
    "zone": lambda spec, texts: read_zone(texts[0]),
}
"""Times are read by `parser`, which has the request's zone and clock."""
