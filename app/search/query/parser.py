"""Reads what people type into a search box. Pure and linear; never fails on odd input, only on too much of it.

The grammar, loosest first: `a OR b`, then `a b` (or `a AND b`), then `-a` (or `NOT a`), then `"…"`, `word*`,
`field:a`, `( )`. What does not fit it is text, and a note says so.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from app.errors import QueryTooComplex
from app.search.query import pasted_text
from app.search.query.lexer import Item, Notes, Operator, ParseNote, apply_field, apply_sign, tokenize
from app.search.query.spelling import GERSHAYIM
from app.search.query.tree import Field, Node, Not, Phrase, Prefix, Word, is_headline, join_all, join_any

MAX_CHARACTERS, MAX_WORDS, MAX_LEVELS = 512, 64, 8
MAX_BEGINNINGS = 16
"""Words with a star: each costs as much as a hundred others."""

_QUOTES = str.maketrans("“”„‟«»＂", '"""""""')


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query as read; `tree` is None where there is nothing to look for. `fallback`: how a headline in quotation
    marks is read where no article has it as a phrase, and the note that says so."""

    tree: Node | None
    notes: tuple[ParseNote, ...] = ()
    fallback: "ParsedQuery | None" = None


@lru_cache(512)  # the same words are asked for again: by the next page, by a timeline beside the hits
def parse(text: str) -> ParsedQuery:
    """The query as a tree. InvalidInput `query_too_complex` over 512 characters, 64 words, 16 of them with
    a star, or 8 levels."""
    if len(text) > MAX_CHARACTERS:
        raise _refuse(f"The query has {len(text)} characters; {MAX_CHARACTERS} are possible.")
    notes: Notes = {}
    typed = GERSHAYIM.sub("\u05f4", unicodedata.normalize("NFC", text)).translate(_QUOTES)
    lexed = tokenize(typed, notes, headline=is_headline(text))
    items = _check_operators(_balance_parentheses(lexed, notes), notes)
    words = sum(_count_words(item) for item in items)
    if words > MAX_WORDS:
        raise _refuse(f"The query has {words} words; {MAX_WORDS} are possible.")
    beginnings = sum(_is_beginning(item) for item in items)
    if beginnings > MAX_BEGINNINGS:
        raise _refuse(f"The query has {beginnings} words with a star; {MAX_BEGINNINGS} are possible.")
    if text.strip() and not items:
        notes[ParseNote("nothing_to_search", "There is no letter, digit or emoji to look for.")] = None
    items = pasted_text.read_operators_as_text(items, notes, words)
    tree = _Parser(items).parse_alternatives() if items else None
    return ParsedQuery(tree, tuple(notes), _read_as_words(items))


def _read_as_words(items: list[Item]) -> ParsedQuery | None:
    """How else a query may be meant that is one phrase."""
    match items:
        case [Phrase() as phrase] if pasted_text.is_quoted_headline(phrase):
            words = pasted_text.join_words(phrase.text, MAX_WORDS)
            return ParsedQuery(words, (pasted_text.PHRASE_AS_WORDS,)) if words else None
        case _:
            return None


def _refuse(detail: str) -> QueryTooComplex:
    return QueryTooComplex(detail, "q")


def _count_words(item: Item) -> int:
    match item:
        case Phrase(text):
            return len(text.split())
        case Field(_, inner) | Not(inner):
            return _count_words(inner)
        case Operator():
            return 0
        case _:
            return 1


def _is_beginning(item: Item) -> bool:
    match item:
        case Field(_, inner) | Not(inner):
            return _is_beginning(inner)
        case _:
            return isinstance(item, Prefix)


def _balance_parentheses(items: Iterable[Item], notes: Notes) -> list[Item]:
    """Without parentheses that have no partner or nothing in them. Raises over MAX_LEVELS of the others."""
    kept_items: list[Item | None] = []
    opened: list[int] = []
    stray = False
    for item in items:
        if not (isinstance(item, Operator) and item.kind == ")"):
            if isinstance(item, Operator) and item.kind == "(":
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


def _check_levels(items: list[Item]) -> None:
    level = 0
    for item in items:
        if isinstance(item, Operator):
            level += (item.kind == "(") - (item.kind == ")")
            if level > MAX_LEVELS:
                raise _refuse(f"The query has more than {MAX_LEVELS} levels of parentheses.")


def _check_operators(items: list[Item], notes: Notes) -> list[Item]:
    """Turns operators that lack an operand into words."""
    checked: list[Item] = []
    # From the right: whether an operator has something behind it depends on what that one has become.
    for i in range(len(items) - 1, -1, -1):
        item = items[i]
        if isinstance(item, Operator) and item.kind in ("or", "and", "not"):
            followed = bool(checked) and _is_operand_start(checked[-1])
            led = item.kind == "not" or (i > 0 and _is_operand_end(items[i - 1]))
            if not (followed and led):
                item = Word(item.kind)
                detail = f"{item.text.upper()} with nothing to join is read as a word."
                notes[ParseNote("operator_as_text", detail)] = None
        checked.append(item)
    return checked[::-1]


def _is_operand_start(item: Item) -> bool:
    return not isinstance(item, Operator) or item.kind in ("(", "not")


def _is_operand_end(item: Item) -> bool:
    return not isinstance(item, Operator) or item.kind == ")"


class _Parser:
    """Descends once per pair of parentheses, of which there are at most MAX_LEVELS inside each other."""

    def __init__(self, items: list[Item]) -> None:
        self._items, self._at = items, 0

    def _next_is(self, *kinds: str) -> bool:
        item = self._items[self._at] if self._at < len(self._items) else None
        return isinstance(item, Operator) and item.kind in kinds

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
        if isinstance(item, Operator):  # an opening one: whatever else was a mark has become a word
            inner = self.parse_alternatives()
            self._at += 1
            return apply_sign(apply_sign(apply_field(inner, item.field), item.negative), negative)
        return apply_sign(item, negative)
