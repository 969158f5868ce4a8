"""What feedparser's own test files expect of their entries, read from the comments at their heads."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIELDS = frozenset(("title", "link", "id", "guid", "published_parsed", "updated_parsed", "created_parsed"))
_LITERALS = (ast.Constant, ast.Tuple, ast.BinOp, ast.Add, ast.Load)


@dataclass(frozen=True)
class Expectation:
    """That the entry of that number has this value under that name. Dates are tuples in UTC, as `time` has them."""

    entry: int
    field: str
    value: object


def read(path: Path) -> list[Expectation]:
    """What a file says of titles, links, ids and dates; nothing where it speaks of other things, or cannot be read."""
    head = path.read_bytes()[:8000].decode("utf-8", "replace")
    said = head.partition("Expect:")[2].partition("\n-->")[0].strip()
    try:
        return list(_list_compared(ast.parse(said, mode="eval").body))
    except (SyntaxError, ValueError):
        return []


def _list_compared(node: ast.expr) -> Iterator[Expectation]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for part in node.values:
            yield from _list_compared(part)
    elif isinstance(node, ast.Compare) and all(isinstance(one, ast.Eq) for one in node.ops):
        last = node.comparators[-1]
        if all(isinstance(one, _LITERALS) for one in ast.walk(last)):
            value = eval(compile(ast.Expression(last), "expectation", "eval"), {"__builtins__": {}})
            for side in (node.left, *node.comparators[:-1]):
                if result := _read_name(side):
                    yield Expectation(*result, value)


def _read_name(node: ast.expr) -> tuple[int, str] | None:
    """The number and the name in `entries[0]['title']` and `entries[0].title`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        entry, field = node.value, node.slice.value
    elif isinstance(node, ast.Attribute):
        entry, field = node.value, node.attr
    else:
        return None
    if not (isinstance(entry, ast.Subscript) and isinstance(entry.value, ast.Name) and entry.value.id == "entries"):
        return None
    number = ast.literal_eval(entry.slice)
    return (number, str(field)) if field in FIELDS and isinstance(number, int) else None
