"""Cuts the text of a query into words, phrases, operators and parentheses. Pure and linear; what it does not know is
text."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.search.query.spelling import INITIAL
from app.search.query.tree import FIELDS, Field, FieldName, Node, Phrase, Prefix, Word, negate
from app.text.emoji import EMOJI

OperatorKind: TypeAlias = Literal["(", ")", "or", "and", "not"]

_OPERATORS: "dict[str, Literal['or', 'and', 'not']]" = {"OR": "or", "AND": "and", "NOT": "not"}
_FIELD = rf"(?:{'|'.join(FIELDS)})"
# Digits in groups of three, as most languages write large numbers: with a space, one that does not break, or a thin
# one. `(?!\w)`: `10 000km` and `1 0001` are two words.
_NUMBER = r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?!\w)"
# What stands right at a number belongs to it (`$10 000`, `10 000,5`), except the other end of a range.
_SPACED_NUMBER = rf"""[^\w\s()"]*(?:{_FIELD}:)?{_NUMBER}(?:(?![-–—/]\d)[^\s()"]+)?"""
_SPACED_INITIALS = rf"{INITIAL}\.(?:[ \u00a0]{INITIAL}\.)+(?!\w)"
_LEXEME = re.compile(
    rf"""(?P<sign>-?)(?:(?P<field>{_FIELD}):)?(?:(?P<open>\()|"(?P<phrase>[^"]*)")
    |(?P<close>\)) | (?P<stray>") | (?P<word>{_SPACED_NUMBER}|{_SPACED_INITIALS}|[^\s()"]+)""",
    re.VERBOSE | re.IGNORECASE,
)
_TEXT_LEXEME = re.compile(rf"""{_SPACED_NUMBER}|{_SPACED_INITIALS}|[^\s()"]+""", re.IGNORECASE | re.VERBOSE)
_FIELD_WORD = re.compile(rf"({_FIELD}):(.*)", re.IGNORECASE | re.DOTALL)
_SIGNS_BEHIND = re.compile("[+\uff0b]{2}|[#\uff03]")
"""They make another word of the one before them: C++, C#."""
_INITIALS = re.compile(r"(?:[^\W\d_]\.[ \u00a0]?)+[^\W\d_]")
_VARIATIONS = "\ufe0e\ufe0f"
"""Say how the emoji before them is drawn."""


@dataclass(frozen=True, slots=True)
class ParseNote:
    """Something in the query that was not read as it may have been meant, or that means more than it says; `filter` is
    the query string that would narrow to that."""

    code: Literal[
        "unclosed_quote", "unbalanced_parenthesis", "operator_as_text", "exclusion_in_text", "phrase_as_words",
        "star_as_text", "nothing_to_search", "region_named", "title_equals_query",
    ]  # fmt: skip
    detail: str
    filter: str | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator or a parenthesis; field and sign belong to an opening one."""

    kind: OperatorKind
    field: FieldName | None = None
    negative: bool = False


Item: TypeAlias = Operator | Node
Notes: TypeAlias = dict[ParseNote, None]
"""In the order in which they came up, each once."""


def tokenize(text: str, notes: Notes, *, headline: bool) -> Iterator[Item]:
    """Nodes, operators and parentheses from left to right; what holds nothing to look for is passed over. In a
    headline in capitals operators are words."""
    for lexeme in _LEXEME.finditer(text):
        apart = not lexeme.start() or text[lexeme.start() - 1].isspace() or text[lexeme.start() - 1] == "("
        negative, field = apart and lexeme["sign"] == "-", _find_field(lexeme["field"])
        if lexeme["open"]:
            yield Operator("(", field, negative)
        elif lexeme["close"]:
            yield Operator(")")
        elif lexeme["phrase"] is not None:
            phrase = " ".join(lexeme["phrase"].split())
            if _is_searchable(phrase):
                yield apply_sign(apply_field(Phrase(phrase), field), negative)
        elif lexeme["stray"]:
            notes[ParseNote("unclosed_quote", "A quotation mark without a partner is read as a space.")] = None
        elif lexeme["word"] in _OPERATORS and headline:
            detail = f"In a headline in capitals {lexeme['word']} is a word."
            notes[ParseNote("operator_as_text", detail)] = None
            yield Word(lexeme["word"].lower())
        elif lexeme["word"] in _OPERATORS:
            yield Operator(_OPERATORS[lexeme["word"]])
        else:
            yield from _parse_word(" ".join(lexeme["word"].split()), notes, apart=apart)


def list_words(text: str) -> Iterator[Word]:
    """The words of a text in which nothing is an operator, a field or a star."""
    for lexeme in _TEXT_LEXEME.finditer(text):
        rest = " ".join(lexeme[0].split())
        # Written back as one word, `title:a` would be a field.
        while match := _FIELD_WORD.fullmatch(_strip_left(rest)):
            yield Word(match[1])
            rest = match[2]
        start, end = _find_core(rest)
        if start < end:
            yield Word(_OPERATORS.get(rest[start:end], rest[start:end]))


def _parse_word(raw: str, notes: Notes, *, apart: bool) -> Iterator[Node]:
    """`word`, `-word`, `word*`, `field:word`: one node, or none where there is nothing to look for. A minus counts
    only `apart` from what stands before it."""
    negative = apart and raw[0] == "-" and _begins_at_once(raw[1:])
    text = raw[1:] if negative else raw
    match = _FIELD_WORD.fullmatch(_strip_left(text))
    field, value = (_find_field(match[1]), match[2]) if match else (None, text)
    start, end = _find_core(value, apart=apart or match is not None)
    if match and start == end:
        field, value = None, match[1]
        start, end = 0, len(value)
    if start == end:
        return
    word, behind = value[start:end], value[end:]
    if "*" in EMOJI.sub("", value[start:]).rstrip("*"):
        notes[ParseNote("star_as_text", "A star stands at the end of a word; anywhere else it is read as a space.")] = (
            None
        )
    word = _OPERATORS.get(word, word)
    yield apply_sign(apply_field(Prefix(word) if behind.startswith("*") else Word(word), field), negative)


def _find_field(text: str | None) -> FieldName | None:
    return next(name for name in FIELDS if name == text.lower()) if text else None


def apply_field(node: Node, field: FieldName | None) -> Node:
    """The node in this field, if there is one."""
    return node if field is None else Field(field, node)


def apply_sign(node: Node, negative: bool) -> Node:
    """The node ruled out where it is negative."""
    return negate(node) if negative else node


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PSZC" or character in _VARIATIONS


def _strip_left(text: str) -> str:
    start = next((i for i, character in enumerate(text) if not _is_punctuation(character)), len(text))
    return text[start:]


def _begins_at_once(text: str) -> bool:
    """Whether a word stands right at the beginning."""
    start, end = _find_core(text)
    return start == 0 < end


def _find_core(text: str, *, apart: bool = True) -> tuple[int, int]:
    """From where to where the text is a word: without the punctuation around it, but with signs that tell it from
    another (C++, C#, `.NET` where it stands `apart`, the last dot of U.N.). Of emoji alone, from the first to the last.
    Twice the same place where there is nothing to look for."""
    if not any(map(str.isalnum, text)):
        emoji = [match.span() for match in EMOJI.finditer(text)]
        return (emoji[0][0], emoji[-1][1]) if emoji else (0, 0)
    start, end = len(text) - len(_strip_left(text)), len(_strip_left(text[::-1])[::-1])
    if start == 1 and apart and text[0] == "." and text[1].isalpha():
        start = 0
    if signs := _SIGNS_BEHIND.match(text, end):
        end = signs.end()
    elif text.startswith(".", end) and _INITIALS.fullmatch(text, start, end):
        end += 1
    return start, end


def _is_searchable(text: str) -> bool:
    return any(map(str.isalnum, text)) or EMOJI.search(text) is not None
