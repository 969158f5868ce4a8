"""Reads what people type into a search box. Pure and linear; never fails on odd input, only on too much of it.

The grammar, loosest first: `a OR b`, then `a b` (or `a AND b`), then `-a` (or `NOT a`), then `"…"`, `word*`,
`field:a`, `( )`. What does not fit it is text, and a note says so.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from app.errors import QueryTooComplex
from app.search.query.tree import (
    FIELDS,
    Field,
    FieldName,
    Node,
    Not,
    Phrase,
    Prefix,
    Word,
    is_headline,
    join_all,
    join_any,
    negate,
)

MAX_CHARACTERS, MAX_WORDS, MAX_LEVELS = 512, 64, 8
MAX_BEGINNINGS = 16
"""Words with a star: each costs as much as a hundred others."""

_QUOTES = str.maketrans("“”„‟«»＂", '"""""""')
_OPERATORS: "dict[str, Literal['or', 'and', 'not']]" = {"OR": "or", "AND": "and", "NOT": "not"}
_FIELD = rf"(?:{'|'.join(FIELDS)})"
_LEXEME = re.compile(
    rf"""(?P<sign>-?)(?:(?P<field>{_FIELD}):)?(?:(?P<open>\()|"(?P<phrase>[^"]*)")
    |(?P<close>\)) | (?P<stray>") | (?P<word>[^\s()"]+)""",
    re.VERBOSE | re.IGNORECASE,
)
_FIELD_WORD = re.compile(rf"({_FIELD}):(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParseNote:
    """Something in the query that was not read as it may have been meant."""

    code: Literal["unclosed_quote", "unbalanced_parenthesis", "operator_as_text", "star_as_text", "nothing_to_search"]
    detail: str


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query as read; `tree` is None where there is nothing to look for."""

    tree: Node | None
    notes: tuple[ParseNote, ...] = ()


@dataclass(frozen=True, slots=True)
class _Operator:
    """An operator or a parenthesis; field and sign belong to an opening one."""

    kind: Literal["(", ")", "or", "and", "not"]
    field: FieldName | None = None
    negative: bool = False


_Item: TypeAlias = _Operator | Node
_Notes: TypeAlias = dict[ParseNote, None]


@lru_cache(512)  # the same words are asked for again: by the next page, by a timeline beside the hits
def parse(text: str) -> ParsedQuery:
    """The query as a tree. InvalidInput `query_too_complex` over 512 characters, 64 words, 16 of them with
    a star, or 8 levels."""
    if len(text) > MAX_CHARACTERS:
        raise _refuse(f"The query has {len(text)} characters; {MAX_CHARACTERS} are possible.")
    notes: _Notes = {}
    lexed = _tokenize(unicodedata.normalize("NFC", text).translate(_QUOTES), notes, headline=is_headline(text))
    items = _check_operators(_balance_parentheses(lexed, notes), notes)
    words = sum(_count_words(item) for item in items)
    if words > MAX_WORDS:
        raise _refuse(f"The query has {words} words; {MAX_WORDS} are possible.")
    beginnings = sum(_is_beginning(item) for item in items)
    if beginnings > MAX_BEGINNINGS:
        raise _refuse(f"The query has {beginnings} words with a star; {MAX_BEGINNINGS} are possible.")
    if text.strip() and not items:
        notes[ParseNote("nothing_to_search", "There is no letter or digit to look for.")] = None
    return ParsedQuery(_Parser(items).parse_alternatives() if items else None, tuple(notes))


def _refuse(detail: str) -> QueryTooComplex:
    return QueryTooComplex(detail, "q")


def _count_words(item: _Item) -> int:
    match item:
        case Phrase(text):
            return len(text.split())
        case Field(_, inner) | Not(inner):
            return _count_words(inner)
        case _Operator():
            return 0
        case _:
            return 1


def _is_beginning(item: _Item) -> bool:
    match item:
        case Field(_, inner) | Not(inner):
            return _is_beginning(inner)
        case _:
            return isinstance(item, Prefix)


def _tokenize(text: str, notes: _Notes, *, headline: bool) -> Iterator[_Item]:
    """Nodes, operators and parentheses from left to right; what holds no letter or digit is passed over."""
    for lexeme in _LEXEME.finditer(text):
        apart = not lexeme.start() or text[lexeme.start() - 1].isspace() or text[lexeme.start() - 1] == "("
        negative, field = apart and lexeme["sign"] == "-", _find_field(lexeme["field"])
        if lexeme["open"]:
            yield _Operator("(", field, negative)
        elif lexeme["close"]:
            yield _Operator(")")
        elif lexeme["phrase"] is not None:
            phrase = " ".join(lexeme["phrase"].split())
            if _is_searchable(phrase):
                yield _apply_sign(_apply_field(Phrase(phrase), field), negative)
        elif lexeme["stray"]:
            notes[ParseNote("unclosed_quote", "A quotation mark without a partner is read as a space.")] = None
        elif lexeme["word"] in _OPERATORS and headline:
            detail = f"In a headline in capitals {lexeme['word']} is a word."
            notes[ParseNote("operator_as_text", detail)] = None
            yield Word(lexeme["word"].lower())
        elif lexeme["word"] in _OPERATORS:
            yield _Operator(_OPERATORS[lexeme["word"]])
        else:
            yield from _parse_word(lexeme["word"], notes, apart=apart)


def _parse_word(raw: str, notes: _Notes, *, apart: bool) -> Iterator[Node]:
    """`word`, `-word`, `word*`, `field:word`: one node, or none where there is nothing to look for. A minus counts
    only `apart` from what stands before it."""
    negative = apart and len(raw) > 1 and raw[0] == "-" and not _is_punctuation(raw[1])
    text = _strip_left(raw)
    match = _FIELD_WORD.fullmatch(text)
    field, value = (_find_field(match[1]), _strip_left(match[2])) if match else (None, text)
    if match and not _is_searchable(value):
        field, value = None, match[1]
    if "*" in value.rstrip("*"):
        notes[ParseNote("star_as_text", "A star stands at the end of a word; anywhere else it is read as a space.")] = (
            None
        )
    if not _is_searchable(value):
        return
    word = _strip_left(value[::-1])[::-1]
    unfinished = value.startswith("*", len(word))
    word = _OPERATORS.get(word, word)
    yield _apply_sign(_apply_field(Prefix(word) if unfinished else Word(word), field), negative)


def _find_field(text: str | None) -> FieldName | None:
    return next(name for name in FIELDS if name == text.lower()) if text else None


def _apply_field(node: Node, field: FieldName | None) -> Node:
    return node if field is None else Field(field, node)


def _apply_sign(node: Node, negative: bool) -> Node:
    return negate(node) if negative else node


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PSZC"


def _strip_left(text: str) -> str:
    start = next((i for i, character in enumerate(text) if not _is_punctuation(character)), len(text))
    return text[start:]


def _is_searchable(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _balance_parentheses(items: Iterable[_Item], notes: _Notes) -> list[_Item]:
    """Without parentheses that have no partner or nothing in them. Raises over MAX_LEVELS of the others."""
    kept_items: list[_Item | None] = []
    opened: list[int] = []
    stray = False
    for item in items:
        if not (isinstance(item, _Operator) and item.kind == ")"):
            if isinstance(item, _Operator) and item.kind == "(":
                opened.append(len(kept_items))
            kept_items.append(item)
        elif not opened:
            stray = True
        elif opened[-1] == len(kept_items) - 1:
            opened.pop()
            kept_items.pop()
        else:
            opened.pop()
            kept_items.append(item)
    # Parentheses that nobody closed are marks in a text, and read as spaces.
    for i in opened:
        kept_items[i] = None
    if stray or opened:
        notes[ParseNote("unbalanced_parenthesis", "A parenthesis without a partner is read as a space.")] = None
    balanced = [item for item in kept_items if item is not None]
    _check_levels(balanced)
    return balanced


def _check_levels(items: list[_Item]) -> None:
    level = 0
    for item in items:
        if isinstance(item, _Operator):
            level += (item.kind == "(") - (item.kind == ")")
            if level > MAX_LEVELS:
                raise _refuse(f"The query has more than {MAX_LEVELS} levels of parentheses.")


def _check_operators(items: list[_Item], notes: _Notes) -> list[_Item]:
    """Turns operators that lack an operand into words."""
    checked: list[_Item] = []
    # From the right: whether an operator has something behind it depends on what that one has become.
    for i in range(len(items) - 1, -1, -1):
        item = items[i]
        if isinstance(item, _Operator) and item.kind in ("or", "and", "not"):
            followed = bool(checked) and _is_operand_start(checked[-1])
            led = item.kind == "not" or (i > 0 and _is_operand_end(items[i - 1]))
            if not (followed and led):
                item = Word(item.kind)
                detail = f"{item.text.upper()} with nothing to join is read as a word."
                notes[ParseNote("operator_as_text", detail)] = None
        checked.append(item)
    return checked[::-1]


def _is_operand_start(item: _Item) -> bool:
    return not isinstance(item, _Operator) or item.kind in ("(", "not")


def _is_operand_end(item: _Item) -> bool:
    return not isinstance(item, _Operator) or item.kind == ")"


class _Parser:
    """Descends once per pair of parentheses, of which there are at most MAX_LEVELS inside each other."""

    def __init__(self, items: list[_Item]) -> None:
        self._items, self._at = items, 0

    def _next_is(self, *kinds: str) -> bool:
        item = self._items[self._at] if self._at < len(self._items) else None
        return isinstance(item, _Operator) and item.kind in kinds

    def parse_alternatives(self) -> Node:
        nodes = [self._parse_conjunction()]
        while self._next_is("or"):
            self._at += 1
            nodes.append(self._parse_conjunction())
        return join_any(nodes)

    def _parse_conjunction(self) -> Node:
        nodes = [self._parse_operand()]
        while self._at < len(self._items) and not self._next_is("or", ")"):
            self._at += self._next_is("and")
            nodes.append(self._parse_operand())
        return join_all(nodes)

    def _parse_operand(self) -> Node:
        negative = False
        while self._next_is("not"):
            negative, self._at = not negative, self._at + 1
        item = self._items[self._at]
        self._at += 1
        if isinstance(item, _Operator):  # an opening one: whatever else was a mark has become a word
            inner = self.parse_alternatives()
            self._at += 1
            return _apply_sign(_apply_sign(_apply_field(inner, item.field), item.negative), negative)
        return _apply_sign(item, negative)
