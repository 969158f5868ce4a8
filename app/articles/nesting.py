"""Whether HTML has elements within elements beyond measure, for which a parser would need minutes. Builds no tree."""

import re
from collections import Counter

DEEP = "its HTML has elements within elements beyond any page"
MAX_ELEMENTS = 3_000

_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)")
_ENDLESS = frozenset(
    (
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"),
        *("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup"),
    )
)
"""Elements that hold nothing, or end where the next one of their kind begins."""
_SHIELDS = frozenset(("applet", "caption", "marquee", "object", "svg", "math", "template", "table"))
"""Elements within which the end of one outside does not count, so that their own end proves nothing."""


def is_deep(content: str) -> bool:
    """Whether HTML may have elements within elements beyond any page: a tree of it takes time by tags times depth, four
    minutes for 300,000 that stay open. Told without a tree, from tags that have no end of their own."""
    if content.count("<") <= MAX_ELEMENTS:
        return False
    left: Counter[str] = Counter()
    for closing, name in _TAG.findall(content.lower()):
        if not closing:
            left[name] += 1
        elif left[name] and name not in _SHIELDS:
            left[name] -= 1
    return sum(count for name, count in left.items() if name not in _ENDLESS) > MAX_ELEMENTS
