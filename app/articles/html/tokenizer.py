"""Splits HTML into its tags and texts as a browser's tokenizer does, in linear time. Builds no tree, changes nothing.

The rules are those of the HTML standard, section 13.2.5. Every alternative of the pattern goes on to the end of the
input where its own end is missing, and nothing in it backtracks: that is what keeps the time linear.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

SPACE = r"[\t\n\f\r ]"
_VALUE = r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >"'][^\t\n\f\r >]*+)"""
_ATTRIBUTE = rf"(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)(?:{SPACE}*+={SPACE}*+{_VALUE}?+)?+"
_TOKEN = re.compile(
    rf"<(?P<close>/)?(?P<name>[a-zA-Z][^\t\n\f\r />]*+)(?P<rest>(?:[\t\n\f\r /]++|{_ATTRIBUTE})*+)(?P<end>>|\Z)"
    r"|<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<[!?][^>]*+(?:>|\Z)"
    r"|</(?:>|[^a-zA-Z>][^>]*+(?:>|\Z))",
    re.DOTALL,
)
_ATTRIBUTES = re.compile(
    rf"(?P<name>=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)"
    rf"(?:{SPACE}*+={SPACE}*+(?P<value>{_VALUE})?+)?+"
)

RAW = frozenset(("script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title"))
"""Elements that hold text and no tags, whatever stands in them."""
VOID = frozenset(
    (
        *("area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "image", "img", "input"),
        *("keygen", "link", "meta", "param", "source", "track", "wbr"),
    )
)
"""Elements that hold nothing."""


class TokenKind(IntEnum):
    TEXT = 0
    OPEN = 1
    CLOSE = 2
    RAW = 3
    """An element of RAW with its text; `inner` says where that stands."""
    COMMENT = 4
    """A comment, a declaration, an instruction, and a tag that never ends."""


class Token(NamedTuple):
    """A piece of the input, from `start` to `end`. `inner`: where its attributes begin, or the text of a RAW one."""

    kind: TokenKind
    name: str
    start: int
    end: int
    inner: int = 0


def tokens(content: str) -> Iterator[Token]:
    """All of the input, piece by piece, in order."""
    position = 0
    while match := _TOKEN.search(content, position):
        start, end = match.span()
        if start > position:
            yield Token(TokenKind.TEXT, "", position, start)
        position = end
        name = match["name"]
        if name is None or match["end"] == "":
            yield Token(TokenKind.COMMENT, "", start, end)
            continue
        name = name.lower()
        if match["close"]:
            yield Token(TokenKind.CLOSE, name, start, end)
        elif name == "plaintext":
            position = len(content)
            yield Token(TokenKind.RAW, name, start, position, end)
        elif name in RAW:
            position = _raw_end(content, name, end)
            yield Token(TokenKind.RAW, name, start, position, end)
        else:
            yield Token(TokenKind.OPEN, name, start, end, match.start("rest"))
    if position < len(content):
        yield Token(TokenKind.TEXT, "", position, len(content))


def _raw_end(content: str, name: str, position: int) -> int:
    match = _closing_tag(name).search(content, position)
    return match.end() if match else len(content)


@lru_cache(maxsize=16)
def _closing_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?:{SPACE}[^>]*+|/[^>]*+)?+>", re.IGNORECASE)


def raw_text(content: str, token: Token) -> str:
    """The text of a RAW element, as it stands."""
    inside = content[token.inner : token.end]
    close = inside.rfind("</")
    closes = (
        close >= 0 and inside.endswith(">") and inside[close + 2 : close + 2 + len(token.name)].lower() == token.name
    )
    return inside[:close] if closes else inside


def attributes(content: str, token: Token) -> list[tuple[str, str]]:
    """Names in lower case and values as they stand, character references and all; a repeated name counts once."""
    values: dict[str, str] = {}
    for match in _ATTRIBUTES.finditer(content, token.inner, token.end - 1):
        value = match["value"] or ""
        if value[:1] in ("'", '"'):
            value = value[1:-1] if value[-1:] == value[0] and len(value) > 1 else value[1:]
        values.setdefault(match["name"].lower(), value)
    return list(values.items())
