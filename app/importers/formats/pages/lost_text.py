"""Puts back what the extraction of a page's text leaves out of its own article: words in `<time>` or `<q>`, paragraphs
that are one link, numbers of lists, line ends of code, lists in cells, frames. What was found says where the article
stands; the page itself says what stands there. Goes beyond the first and the last block that was found for frames only.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.text.keys import words

LEAVES = frozenset(("p", "li", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "figure", "dt", "dd"))
_BETWEEN = LEAVES | {
    "ol",
    "ul",
    "dl",
    "details",
    "iframe",
    "video",
    "audio",
    "embed",
    "object",
    "hr",
    "img",
    "picture",
    "div",
    "section",
    "center",
    "address",
    "fieldset",
}
_INLINE = frozenset(
    (
        *("-text", "a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font"),
        *("i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub"),
        *("sup", "time", "tt", "u", "var", "wbr"),
    )
)
_HEADINGS = frozenset(("h2", "h3", "h4", "h5", "h6"))
_FRAMES = frozenset(("iframe", "video", "audio", "embed", "object"))
_AROUND = frozenset(
    ("nav", "aside", "footer", "form", "button", "script", "style", "template", "input", "select", "svg")
)
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:ad|ads|advert\w*|banner|promo\w*|sponsor\w*|share|sharing|social|related|recommend\w*|newsletter"
    r"|signup|sign-up|subscribe|subscription|paywall|comment\w*|disqus|tags?|byline|author\w*|meta|breadcrumb\w*|toolbar|menu"
    r"|nav\w*|widget|teaser|read-?more|more-?on|outbrain|taboola|hidden|caption|credit|popular|trending|sidebar"
    r"|cookie\w*)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_INVITES = re.compile(
    r"^\W*(?:read (?:more|also|next)|see also|related|also read|more (?:on|from)|sign up|subscribe|follow us|share"
    r"|advertisement|lire (?:aussi|la suite)|à lire|lesen sie|mehr zum|lea tamb|leer m|lees (?:ook|meer)|leggi anche"
    r"|leia|click here|watch)",
    re.IGNORECASE,
)
RUN = 3
ENOUGH = 0.5
"""Of the runs of three words in a block so many must have been found for it to be of the article."""
COVERS = 0.9
"""Of the words that were found so many must stand in what is put back, or what was found is kept as it is."""


def restore_text(page: LexborHTMLParser, extracted: str) -> str | None:
    """The article with all that stands in it on the page, as HTML of the page; None where that is not surely the same
    article."""
    body = page.body
    extracted_words = words(LexborHTMLParser(extracted).text(separator=" "))
    if body is None or len(extracted_words) < 20:
        return None
    found_runs = {tuple(extracted_words[i : i + RUN]) for i in range(len(extracted_words) - RUN + 1)}
    matcher = _ExtractedText(found_runs)
    matched = [node for node in _list_leaves(body) if matcher.is_extracted(node)]
    root = _find_common(matched)
    if root is None:
        return None
    marked = _collect_ancestors(matched, root)
    pieces = list(_list_pieces(root, marked, matcher))
    restored = "\n".join(pieces)
    again = words(LexborHTMLParser(restored).text(separator=" "))
    runs = {tuple(again[i : i + RUN]) for i in range(len(again) - RUN + 1)}
    covered = len(found_runs & runs) >= COVERS * len(found_runs)
    return restored if covered and len(again) <= MOST_MORE * len(extracted_words) else None


MOST_MORE = 1.25
"""What is put back is no more than so much of what was found."""


class _ExtractedText:
    """Which elements hold text that was found, by their place in memory."""

    def __init__(self, runs: set[tuple[str, ...]]) -> None:
        self._runs = runs

    def is_extracted(self, node: LexborNode) -> bool:
        own = words(node.text(separator=" "))
        if len(own) < RUN:
            return False
        runs = [tuple(own[i : i + RUN]) for i in range(len(own) - RUN + 1)]
        return sum(run in self._runs for run in runs) >= ENOUGH * len(runs)


def _list_leaves(root: LexborNode) -> Iterator[LexborNode]:
    """The outermost blocks of text, in order, without what stands around articles."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.tag in LEAVES:
            yield node
        elif node.tag not in _AROUND:
            pending += reversed(list(node.iter()))


def _find_common(nodes: list[LexborNode]) -> LexborNode | None:
    """The innermost element that holds all of them."""
    if not nodes:
        return None
    path = _list_ancestors(nodes[0])
    for node in nodes[1:]:
        own = {one.mem_id for one in _list_ancestors(node)}
        path = [one for one in path if one.mem_id in own]
    return path[-1] if path else None


def _list_ancestors(node: LexborNode) -> list[LexborNode]:
    """The elements around it, outermost first."""
    ancestors: list[LexborNode] = []
    parent = node.parent
    while parent is not None and parent.tag not in ("html", "-document"):
        ancestors.append(parent)
        parent = parent.parent
    return ancestors[::-1]


def _collect_ancestors(nodes: list[LexborNode], root: LexborNode) -> set[int]:
    ids = {node.mem_id for node in nodes}
    for node in nodes:
        parent = node.parent
        while parent is not None and parent.mem_id not in ids:
            ids.add(parent.mem_id)
            if parent.mem_id == root.mem_id:
                break
            parent = parent.parent
    return ids


def _list_pieces(root: LexborNode, marked: set[int], matcher: _ExtractedText) -> Iterator[str]:
    """What stands between the first and the last block that was found: these, what is in them, and blocks beside."""
    pending: list[LexborNode] = _list_inner(root, marked, is_root=True)
    loose: list[LexborNode] = []
    while pending:
        node = pending.pop()
        if node.tag in _INLINE and node.mem_id not in marked:
            loose.append(node)
            continue
        yield from _wrap_paragraph(loose)
        loose = []
        if node.mem_id in marked:
            if node.tag in LEAVES or node.tag in ("ol", "ul", "dl", "details"):
                yield node.html or ""
            else:
                pending += _list_inner(node, marked, is_root=False)
        elif _is_part(node):
            yield f"<div>{node.inner_html}</div>" if node.tag in ("center", "address", "fieldset") else node.html or ""
        elif node.tag not in _AROUND and not _is_furniture(node):
            yield from (frame.html or "" for frame in node.css("iframe, video, audio, embed, object"))
    yield from _wrap_paragraph(loose)


def _wrap_paragraph(nodes: list[LexborNode]) -> Iterator[str]:
    """Text that stands in no block of its own, as a paragraph."""
    inside = "".join(node.html or "" for node in nodes if node.tag == "-text" or not _is_furniture(node))
    text = " ".join(LexborHTMLParser(inside).text(separator=" ").split()) if inside.strip() else ""
    linked = sum(len(node.text()) for node in nodes if node.tag == "a")
    if len(words(text)) >= RUN and linked <= len(text) / 2 and not _INVITES.search(text):
        yield f"<p>{inside.strip()}</p>"


def _list_inner(node: LexborNode, marked: set[int], *, is_root: bool) -> list[LexborNode]:
    """Its children from the first that is marked to the last, in reverse, with the headings right before them; of the
    element around the whole article those are of the page."""
    children = list(node.iter(include_text=True))
    positions = [i for i, child in enumerate(children) if child.mem_id in marked]
    if not positions:
        return []
    first = positions[0]
    while first and not is_root and _is_opening(children[first - 1]):
        first -= 1
    parts = (children[:first], children[positions[-1] + 1 :])
    before, behind = ([one for one in part if one.tag in _FRAMES and not _is_furniture(one)] for part in parts)
    return [*before, *children[first : positions[-1] + 1], *behind][::-1]


def _is_opening(node: LexborNode) -> bool:
    """A heading of a part, or the white space below it."""
    blank = node.tag == "-text" and not (node.text_content or "").strip()
    return blank or (node.tag in _HEADINGS and not _is_furniture(node) and _is_part(node))


def _is_furniture(node: LexborNode) -> bool:
    attributes = node.attributes
    return bool(_FURNITURE.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''}"))


def _is_part(node: LexborNode) -> bool:
    """Whether a block between blocks of the article is one of them."""
    if node.tag not in _BETWEEN:
        return False
    if _is_furniture(node):
        return False
    if node.tag in _FRAMES or node.tag in ("hr", "img", "picture", "figure", "pre"):
        return True
    text = " ".join(node.text(separator=" ").split())
    linked = sum(len(" ".join(link.text(separator=" ").split())) for link in node.css("a"))
    if node.tag in ("ul", "li", "ol") and linked > len(text) / 2:
        return False
    if node.tag in ("div", "section") and (
        linked > len(text) / 2 or any(map(_is_furniture, node.css("[class], [id]")))
    ):
        return False
    return (bool(text) or node.css_first("img") is not None) and not _INVITES.search(text)
