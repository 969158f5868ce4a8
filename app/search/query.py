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
from app.search.tree import (
    FIELDS,
    Field,
    FieldName,
    Node,
    Not,
    Phrase,
    Prefix,
    Word,
    alternatives,
    conjunction,
    is_headline,
    negation,
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
class Note:
    """Something in the query that was not read as it may have been meant."""

    code: Literal["unclosed_quote", "unbalanced_parenthesis", "operator_as_text", "star_as_text", "nothing_to_search"]
    detail: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query as read; `tree` is None where there is nothing to look for."""

    tree: Node | None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mark:
    """An operator or a parenthesis; field and sign belong to an opening one."""

    kind: Literal["(", ")", "or", "and", "not"]
    field: FieldName | None = None
    negative: bool = False


_Item: TypeAlias = _Mark | Node
_Notes: TypeAlias = dict[Note, None]


@lru_cache(512)  # the same words are asked for again: by the next page, by a timeline beside the hits
def parse(text: str) -> Query:
    """The query as a tree. InvalidInput `query_too_complex` over 512 characters, 64 words, 16 of them with
    a star, or 8 levels."""
    if len(text) > MAX_CHARACTERS:
        raise _too_complex(f"The query has {len(text)} characters; {MAX_CHARACTERS} are possible.")
    notes: _Notes = {}
    lexed = _lex(unicodedata.normalize("NFC", text).translate(_QUOTES), notes, headline=is_headline(text))
    items = _operators(_balanced(lexed, notes), notes)
    words = sum(_count_words(item) for item in items)
    if words > MAX_WORDS:
        raise _too_complex(f"The query has {words} words; {MAX_WORDS} are possible.")
    beginnings = sum(_is_beginning(item) for item in items)
    if beginnings > MAX_BEGINNINGS:
        raise _too_complex(f"The query has {beginnings} words with a star; {MAX_BEGINNINGS} are possible.")
    if text.strip() and not items:
        notes[Note("nothing_to_search", "There is no letter or digit to look for.")] = None
    return Query(_Reader(items).alternatives() if items else None, tuple(notes))


def _too_complex(detail: str) -> QueryTooComplex:
    return QueryTooComplex(detail, "q")


def _count_words(item: _Item) -> int:
    match item:
        case Phrase(text):
            return len(text.split())
        case Field(_, inner) | Not(inner):
            return _count_words(inner)
        case _Mark():
            return 0
        case _:
            return 1


def _is_beginning(item: _Item) -> bool:
    match item:
        case Field(_, inner) | Not(inner):
            return _is_beginning(inner)
        case _:
            return isinstance(item, Prefix)


def _lex(text: str, notes: _Notes, *, headline: bool) -> Iterator[_Item]:
    """Nodes, operators and parentheses from left to right; what holds no letter or digit is passed over."""
    for found in _LEXEME.finditer(text):
        apart = not found.start() or text[found.start() - 1].isspace() or text[found.start() - 1] == "("
        negative, field = apart and found["sign"] == "-", _field_name(found["field"])
        if found["open"]:
            yield _Mark("(", field, negative)
        elif found["close"]:
            yield _Mark(")")
        elif found["phrase"] is not None:
            phrase = " ".join(found["phrase"].split())
            if _searchable(phrase):
                yield _signed(_fielded(Phrase(phrase), field), negative)
        elif found["stray"]:
            notes[Note("unclosed_quote", "A quotation mark without a partner is read as a space.")] = None
        elif found["word"] in _OPERATORS and headline:
            detail = f"In a headline in capitals {found['word']} is a word."
            notes[Note("operator_as_text", detail)] = None
            yield Word(found["word"].lower())
        elif found["word"] in _OPERATORS:
            yield _Mark(_OPERATORS[found["word"]])
        else:
            yield from _word(found["word"], notes, apart=apart)


def _word(raw: str, notes: _Notes, *, apart: bool) -> Iterator[Node]:
    """`word`, `-word`, `word*`, `field:word`: one node, or none where there is nothing to look for. A minus counts
    only `apart` from what stands before it."""
    negative = apart and len(raw) > 1 and raw[0] == "-" and not _is_punctuation(raw[1])
    text = _strip_left(raw)
    match = _FIELD_WORD.fullmatch(text)
    field, value = (_field_name(match[1]), _strip_left(match[2])) if match else (None, text)
    if match and not _searchable(value):
        field, value = None, match[1]
    if "*" in value.rstrip("*"):
        notes[Note("star_as_text", "A star stands at the end of a word; anywhere else it is read as a space.")] = None
    if not _searchable(value):
        return
    word = _strip_right(value)
    unfinished = value.startswith("*", len(word))
    word = _OPERATORS.get(word, word)
    yield _signed(_fielded(Prefix(word) if unfinished else Word(word), field), negative)


def _field_name(text: str | None) -> FieldName | None:
    return next(name for name in FIELDS if name == text.lower()) if text else None


def _fielded(node: Node, field: FieldName | None) -> Node:
    return node if field is None else Field(field, node)


def _signed(node: Node, negative: bool) -> Node:
    return negation(node) if negative else node


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PSZC"


def _strip_left(text: str) -> str:
    start = next((i for i, character in enumerate(text) if not _is_punctuation(character)), len(text))
    return text[start:]


def _strip_right(text: str) -> str:
    return _strip_left(text[::-1])[::-1]


def _searchable(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _balanced(items: Iterable[_Item], notes: _Notes) -> list[_Item]:
    """Without parentheses that have no partner or nothing in them. Raises over MAX_LEVELS of the others."""
    kept: list[_Item | None] = []
    opened: list[int] = []
    stray = False
    for item in items:
        if not (isinstance(item, _Mark) and item.kind == ")"):
            if isinstance(item, _Mark) and item.kind == "(":
                opened.append(len(kept))
            kept.append(item)
        elif not opened:
            stray = True
        elif opened[-1] == len(kept) - 1:
            opened.pop()
            kept.pop()
        else:
            opened.pop()
            kept.append(item)
    for i in opened:
        kept[i] = None
    if stray or opened:
        notes[Note("unbalanced_parenthesis", "A parenthesis without a partner is read as a space.")] = None
    balanced = [item for item in kept if item is not None]
    _check_levels(balanced)
    return balanced


def _check_levels(items: list[_Item]) -> None:
    level = 0
    for item in items:
        if isinstance(item, _Mark):
            level += (item.kind == "(") - (item.kind == ")")
            if level > MAX_LEVELS:
                raise _too_complex(f"The query has more than {MAX_LEVELS} levels of parentheses.")


def _operators(items: list[_Item], notes: _Notes) -> list[_Item]:
    """Turns operators that lack an operand into words."""
    read: list[_Item] = []
    for i in range(len(items) - 1, -1, -1):
        item = items[i]
        if isinstance(item, _Mark) and item.kind in ("or", "and", "not"):
            followed = bool(read) and _begins(read[-1])
            led = item.kind == "not" or (i > 0 and _ends(items[i - 1]))
            if not (followed and led):
                item = Word(item.kind)
                detail = f"{item.text.upper()} with nothing to join is read as a word."
                notes[Note("operator_as_text", detail)] = None
        read.append(item)
    return read[::-1]


def _begins(item: _Item) -> bool:
    return not isinstance(item, _Mark) or item.kind in ("(", "not")


def _ends(item: _Item) -> bool:
    return not isinstance(item, _Mark) or item.kind == ")"


class _Reader:
    """Descends once per pair of parentheses, of which there are at most MAX_LEVELS inside each other."""

    def __init__(self, items: list[_Item]) -> None:
        self._items, self._at = items, 0

    def _next_is(self, *kinds: str) -> bool:
        item = self._items[self._at] if self._at < len(self._items) else None
        return isinstance(item, _Mark) and item.kind in kinds

    def alternatives(self) -> Node:
        nodes = [self._conjunction()]
        while self._next_is("or"):
            self._at += 1
            nodes.append(self._conjunction())
        return alternatives(nodes)

    def _conjunction(self) -> Node:
        nodes = [self._operand()]
        while self._at < len(self._items) and not self._next_is("or", ")"):
            self._at += self._next_is("and")
            nodes.append(self._operand())
        return conjunction(nodes)

    def _operand(self) -> Node:
        negative = False
        while self._next_is("not"):
            negative, self._at = not negative, self._at + 1
        item = self._items[self._at]
        self._at += 1
        if isinstance(item, _Mark):  # an opening one: whatever else was a mark has become a word
            inner = self.alternatives()
            self._at += 1
            return _signed(_signed(_fielded(inner, item.field), item.negative), negative)
        return _signed(item, negative)
