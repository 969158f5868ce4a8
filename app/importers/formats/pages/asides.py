"""Asides of a page: boxes that belong to its article, and those in which a site speaks of itself. Pure."""

import re
from collections.abc import Set

from selectolax.lexbor import LexborNode

_ABOUT = (
    r"about[ _-](?:us|me|our|the[ _-]?(?:author|writer|site|blog)|this[ _-](?:site|blog|paper))|(?:our )?newsletters?"
    r"|follow[ _-](?:us|me)|related[ _-](?:posts?|articles?|stories|news)|über uns|à propos de|qui sommes-nous"
    r"|acerca de|sobre nosotros"
)
_BOILERPLATE = re.compile(rf"(?:{_ABOUT})(?![^\W_])", re.IGNORECASE)
_BOILERPLATE_LABEL = re.compile(
    rf"\b(?:{_ABOUT}|authors?|bio|related|follow|more (?:on|from)|read (?:more|next|also)|sign up|subscribe|support us"
    r"|donate|contact|copyright|advertis\w+|sponsor\w*|most read|popular)(?![^\W_])",
    re.IGNORECASE,
)
_NAMES_PART = re.compile(r"[_-]+")
_LABELS = "h1, h2, h3, h4, h5, h6, header, summary, strong, b"
MOST_ASIDES = 5
"""Asides in a row."""
_CONTROLS = "form, button, input, iframe, select"


def is_of_text(node: LexborNode, text: str, blocks: Set[str]) -> bool:
    """Whether an aside with that text stands between blocks of the article, of which `blocks` are the names, and is not
    what a site says on each of its pages."""
    if node.css_first(_CONTROLS) or not all(_stands_by_text(node, blocks, is_before=side) for side in (True, False)):
        return False
    label = node.css_first(_LABELS)
    names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
    heading = " ".join(label.text(separator=" ").split()) if label is not None else ""
    said = (_NAMES_PART.sub(" ", names), heading if text.startswith(heading) else "")
    return _BOILERPLATE.match(text.lstrip(" \"'–—-•")) is None and not any(map(_BOILERPLATE_LABEL.search, said))


def _stands_by_text(node: LexborNode, blocks: Set[str], *, is_before: bool) -> bool:
    beside = node.prev if is_before else node.next
    asides = 0
    while beside is not None and asides < MOST_ASIDES:
        if beside.tag not in ("-text", "-comment", "aside"):
            return beside.tag in blocks
        if beside.tag == "-text" and (beside.text_content or "").strip():
            return False
        asides += beside.tag == "aside"
        beside = beside.prev if is_before else beside.next
    return False
