"""The tree that a search query is read into, and its way back to text. Pure; knows no index and no request."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

FieldName = Literal["title", "standfirst", "body", "tag", "region", "author"]
FIELDS: tuple[FieldName, ...] = ("title", "standfirst", "body", "tag", "region", "author")


@dataclass(frozen=True, slots=True)
class Word:
    """Something between spaces; may hold several words of the language (`co-op`), which then stand together.

    `variants`: other spellings that the archive has of it. Never read from a text."""

    text: str
    variants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in quotes: in this order, never corrected; `variants` as of a word."""

    text: str
    variants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a word, written `begin*`."""

    text: str


@dataclass(frozen=True, slots=True)
class Near:
    """A word that the archive does not have, and those that it has, likeliest first. Never read from a text."""

    text: str
    instead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What must not match."""

    node: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """Two or more, all of them."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more, any of them."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Field:
    """Only in this part of an article; the innermost field counts."""

    name: FieldName
    node: "Node"


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """Words that are the name of a region: articles with the words, or placed there. Never read from a text.

    `within` are regions that count with all that lies in them, `own` those that count alone."""

    node: "Node"
    slug: str
    within: tuple[int, ...] = ()
    own: tuple[int, ...] = ()


Leaf: TypeAlias = Word | Phrase | Prefix | Near
Node: TypeAlias = Leaf | Not | And | Or | Field | NamedPlace


def join_all(nodes: list[Node]) -> Node:
    """All of one or more, flattened."""
    flat = [inner for node in nodes for inner in (node.nodes if isinstance(node, And) else (node,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def join_any(nodes: list[Node]) -> Node:
    """Any of one or more, flattened."""
    flat = [inner for node in nodes for inner in (node.nodes if isinstance(node, Or) else (node,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negate(node: Node) -> Node:
    """Two negations are none."""
    return node.node if isinstance(node, Not) else Not(node)


HEADLINE_WORDS = 5
MOST_COMPOSED_WORDS = 6
"""A query of more words in which nothing but `NOT` and a minus is an operator is a text that somebody pasted."""
_OPERATORS = {"OR", "AND", "NOT"}
_ENDS_IN_NUMBER = re.compile(r"-?(?:\w+:)?\d{1,3}(?: \d{3})*")
_BEGINS_WITH_GROUP = re.compile(r"\d{3}(?!\w)")


def is_headline(text: str) -> bool:
    """Whether a query is a headline in capitals, as agencies write them, in which NOT and OR are words: five words or
    more besides these, at least twice as many as there are of these, all in capitals, no parentheses."""
    if "(" in text or not text.isupper():
        return False
    every = text.split()
    words = [word for word in every if word not in _OPERATORS]
    return sum(map(str.isupper, words)) >= HEADLINE_WORDS and len(words) >= 2 * (len(every) - len(words))


def render(node: Node | None) -> str:
    """The query as text that reads back to the same tree; the empty text for None."""
    text = _render(_show_composed(node))
    return f"({text})" if (" OR " in text or " AND " in text) and is_headline(text) else text


def _show_composed(node: Node | None) -> Node | None:
    """With parentheses in which exclusions between words would be taken for the dashes of a pasted text."""
    if not isinstance(node, And) or len(node.nodes) <= MOST_COMPOSED_WORDS:
        return node
    plain = [i for i, inner in enumerate(node.nodes) if isinstance(inner, Word | Near)]
    ruled_out = sum(isinstance(inner, Not) and isinstance(inner.node, Word) for inner in node.nodes)
    if not plain or len(plain) + ruled_out < len(node.nodes):
        return node
    return And(
        tuple(
            Not(And((inner.node,))) if isinstance(inner, Not) and plain[0] < i < plain[-1] else inner
            for i, inner in enumerate(node.nodes)
        )
    )


def _render(node: Node | None) -> str:
    match node:
        case None:
            return ""
        case Word(text) | Near(text):
            return text
        case NamedPlace(inner):
            return _render(inner)
        case Phrase(text):
            return f'"{text}"'
        case Prefix(text):
            return f"{text}*"
        case Not(inner):
            return f"-{_render_grouped(inner)}"
        case Field(name, inner):
            return f"{name}:{_render_grouped(inner)}"
        case And(nodes):
            return _join_words([f"({_render(inner)})" if isinstance(inner, Or) else _render(inner) for inner in nodes])
        case Or(nodes):
            return " OR ".join(_render(inner) for inner in nodes)


def _join_words(parts: list[str]) -> str:
    """Side by side; `10` and `000` with a word between them, without which they are one number."""
    joined = parts[:1]
    for before, part in pairwise(parts):
        if _ENDS_IN_NUMBER.fullmatch(before) and _BEGINS_WITH_GROUP.match(part):
            joined.append("AND")
        joined.append(part)
    return " ".join(joined)


def _render_grouped(node: Node) -> str:
    return f"({_render(node)})" if isinstance(node, And | Or | Not) else _render(node)


def list_leaves(node: Node | None) -> Iterator[Leaf]:
    """The leaves that hits may show, in reading order: those that are not ruled out."""
    match node:
        case None | Not():
            return
        case Field(_, inner) | NamedPlace(inner):
            yield from list_leaves(inner)
        case And(nodes) | Or(nodes):
            for inner in nodes:
                yield from list_leaves(inner)
        case _:
            yield node


def replace_words(
    node: Node, change: Callable[[Word | Phrase, FieldName | None], Node], field: FieldName | None = None
) -> Node:
    """The same tree with every word and phrase that is not ruled out put through `change`, which is told its field."""
    match node:
        case Word() | Phrase():
            return change(node, field)
        case NamedPlace(inner, slug, within, own):
            return NamedPlace(replace_words(inner, change, field), slug, within, own)
        case Field(name, inner):
            return Field(name, replace_words(inner, change, name))
        case And(nodes):
            return join_all([replace_words(inner, change, field) for inner in nodes])
        case Or(nodes):
            return join_any([replace_words(inner, change, field) for inner in nodes])
        case _:
            return node


def correct(node: Node, instead: Mapping[str, str], names: Mapping[tuple[FieldName, str], str]) -> Node:
    """The tree with misspelt words replaced for good, and with misspelt names in the fields that they stand in."""

    def change(leaf: Word | Phrase, field: FieldName | None) -> Word | Phrase:
        if not isinstance(leaf, Word):
            return leaf
        if field in ("tag", "region", "author"):
            return Word(names.get((field, leaf.text), leaf.text))
        return Word(instead.get(leaf.text, leaf.text))

    return replace_words(node, change)
