"""How deep a parser would nest the elements of some HTML, measured in linear time before any tree is built; and the
same HTML with no more than MAX_DEPTH levels. Never sanitises.

A parser looks at all open elements again and again: a tree takes time by elements times depth, minutes for 300,000 that
stay open. It also opens elements that nobody wrote (`tbody`; `b` anew in each paragraph), so what counts is the depth
that it will see. The model in `parser_model` follows the HTML standard, section 13.2.6.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain

from app.articles.html.elements import KNOWN
from app.articles.html.parser_model import MAX_DEPTH, MOST_REFERENCES, ParserModel
from app.articles.html.tokenizer import VOID, TokenKind, tokens
from app.text.keys import remove_match

DEEP = f"its HTML has elements nested more than {MAX_DEPTH} levels deep"
FLATTENED = f"elements nested more than {MAX_DEPTH} levels deep: inner tags removed, their words kept"
FEW_TAGS, FEW_CHARACTERS = MAX_DEPTH // 4, 4_000
"""What has no more of both is neither deep nor slow: most levels for a tag has a cell, two in a table of its own."""
FEW_PAIRS = 2 * MAX_DEPTH
"""A sanitised body with no more tags is not deep: each element has two."""
_ROUNDS = 6
"""How often pairs are removed before each tag that is left is looked at: a table has four levels."""

_FOREIGN = re.compile(rf"<(?:svg|math|(?!(?:{'|'.join(sorted(KNOWN))})[\t\n\f\r />])[a-z])", re.IGNORECASE)
"""A tag that is none of HTML, or in which other rules hold."""
_PIECE = 50_000
_TABLE = re.compile("<table", re.IGNORECASE)
_NAMES = (
    "p|li|h[1-6]|blockquote|figcaption|b|i|em|strong|u|s|q|cite|code|span|sub|sup|small|a|div|time"
    "|ins|del|mark|kbd|samp|var|abbr|dfn|dt|dd|dl|ul|ol|section|aside|figure|summary|details"
)
_SOME_ATTRIBUTES = r"(?: [a-z-]{1,20}=\"[^\"<>]{0,2000}+\"){0,8}+"
_PAIR = re.compile(rf"<({_NAMES}){_SOME_ATTRIBUTES}>[^<]*+</\1>")
"""An element with its end and no tag between them, as most of most texts are."""
_STORED_PAIR = re.compile(rf"<({_NAMES}|td|th|tr|tbody|thead|tfoot|caption|table){_SOME_ATTRIBUTES}>[^<]*+</\1>")
"""The same of a sanitised body, in which all levels of a table are written."""
_VOID = re.compile(rf"<(?:br|wbr|hr|img|col){_SOME_ATTRIBUTES} ?/?>[^<\"']*+")
"""An element that holds nothing, with the text behind it: however many stand in a row, none is deeper than the first.
Not beyond a quote, which may end the attribute of another tag that all of it stands in."""
_STORED_TAG = re.compile(rf"<(/?)(?!(?:{'|'.join(sorted(VOID))})[ />])[a-z]")
"""A tag of a sanitised body that begins or ends a level: the sanitiser leaves no such sign in an attribute."""
_STEP = {"": 1, "/": -1}


@dataclass(frozen=True, slots=True)
class MeasuredBody:
    """HTML that a parser reads in linear time. `is_deep`: it was not before, and inner tags were removed."""

    html: str
    is_deep: bool


def measure(content: str, *, flat: bool = True) -> MeasuredBody:
    """A fragment for the sanitiser, `flat` where it is too deep, else empty then. Without what the sanitiser removes
    with its content (scripts, comments), and without the shapes over which parsers take time by their square."""
    if _is_plain(content):
        return MeasuredBody(content, False)
    model = ParserModel(content, whole=False)
    if model.read():
        return MeasuredBody(model.html(), False)
    return MeasuredBody(flatten(content) if flat else "", True)


def measure_page(content: str) -> MeasuredBody:
    """The same for a whole page, which keeps its head, its scripts and whatever else is not too deep."""
    model = ParserModel(content, whole=True)
    return MeasuredBody(model.html(), False) if model.read() else MeasuredBody(flatten(content, whole=True), True)


def is_deep(content: str) -> bool:
    """Whether its elements may nest more than MAX_DEPTH levels deep."""
    return not _is_plain(content) and not ParserModel(content, whole=False).read()


def is_deep_body(body: str) -> bool:
    """The same of a sanitised body, in which every element has its end: most of them need no look at each tag. Counts
    levels as they are written, too: of a heading in another one, which is left where what stood between them was
    removed, a parser makes two in a row."""
    if body.count("<") <= FEW_PAIRS:
        return False
    rest = _VOID.sub(remove_match, body)
    for _ in range(_ROUNDS):
        # One more level for an element that holds nothing, in the innermost of the others.
        if rest.count("<") <= 2 * (MAX_DEPTH - _ROUNDS - 1):
            return False
        rest = _STORED_PAIR.sub(remove_match, rest)
    return is_written_deep(body) or is_deep(body)


def is_written_deep(body: str) -> bool:
    """Whether a sanitised body is written with more than MAX_DEPTH levels, which none is that is saved today. For
    reads, which do not ask what a parser would make of it: 400,000 tags take 50 ms."""
    if body.count("<") <= FEW_PAIRS:
        return False
    tags = chain.from_iterable(_STORED_TAG.findall(body, *piece) for piece in _split_at_tags(body))
    return max(accumulate(map(_STEP.__getitem__, tags)), default=0) > MAX_DEPTH and _written_depth(body) > MAX_DEPTH


def _written_depth(body: str) -> int:
    depth = deepest = 0
    for token in tokens(body):
        if token.kind is TokenKind.OPEN and token.name not in VOID:
            depth += 1
            deepest = max(deepest, depth)
        elif token.kind is TokenKind.CLOSE:
            depth -= 1
    return deepest


def _is_plain(content: str) -> bool:
    """Whether there is nothing to look for: few tags, or few but those that begin and end with no tag between them.
    Done with patterns alone, which takes a tenth of the time."""
    if content.count("<") > FEW_TAGS:
        if content.count("&") > MOST_REFERENCES or _has_foreign(content):
            return False
        content = _VOID.sub(remove_match, content)
        for _ in range(_ROUNDS):
            content, removed = _PAIR.subn(remove_match, content)
            if not removed:
                break
        content = " ".join(content.split())
        if _TABLE.search(content):  # what stands in one but in none of its cells is put elsewhere
            return False
    return content.count("<") <= FEW_TAGS and len(content) <= FEW_CHARACTERS and not _has_foreign(content)


def _has_foreign(content: str) -> bool:
    return any(_FOREIGN.search(content, *piece) for piece in _split_at_tags(content))


def _split_at_tags(content: str) -> Iterator[tuple[int, int]]:
    """Where pieces begin and end: one call for megabytes of tags lets no other thread run for a second."""
    start = 0
    while start < len(content):
        end = content.find("<", start + _PIECE)
        end = end if end >= 0 else len(content)
        yield start, end
        start = end


def flatten(content: str, *, whole: bool = False) -> str:
    """The same words in the same order, the tags of deeper elements removed."""
    model = ParserModel(content, whole=whole, capped=True)
    model.read()
    flat = model.html()
    return flat if ParserModel(flat, whole=whole).read() else to_words(content)


def to_words(content: str) -> str:
    """One paragraph of all texts, where no other way leads to fewer levels."""
    texts = (content[token.start : token.end] for token in tokens(content) if token.kind is TokenKind.TEXT)
    return f"<p>{' '.join(texts)}</p>"
