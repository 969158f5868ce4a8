"""A query for who may not read every part of an article: each word is looked for in the parts that are left, so that
no search tells what stands in the others. Pure."""

from collections.abc import Collection

from app.errors import InvalidValue
from app.search.query.tree import FIELDS, And, Field, FieldName, NamedPlace, Node, Not, Or


def limit_parts(node: Node, hidden: Collection[str]) -> Node:
    """The same query without the hidden parts. InvalidValue where it names one of them."""
    return _limit(node, [name for name in reversed(FIELDS) if name not in hidden], frozenset(hidden))


def _limit(node: Node, parts: list[FieldName], hidden: frozenset[str]) -> Node:
    match node:
        case Field(name, _) if name in hidden:
            raise InvalidValue(f"This key is not given {name}, and cannot search it.", "q")
        case Field():
            return node
        case Not(inner):
            return Not(_limit(inner, parts, hidden))
        case And(nodes):
            return And(tuple(_limit(inner, parts, hidden) for inner in nodes))
        case Or(nodes):
            return Or(tuple(_limit(inner, parts, hidden) for inner in nodes))
        case NamedPlace(inner):
            return _limit(inner, parts, hidden)
        case _:
            # The title comes last: of a word that may be unfinished, the last alternative is looked for so.
            return Or(tuple(Field(name, node) for name in parts))
