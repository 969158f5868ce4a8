"""Puts back what the extraction of a page's text leaves out of its own article: words in `<time>` or `<q>`, paragraphs
that are one link, numbers of lists, line ends of code, lists in cells, frames. What was found says where the article
stands; the page itself says what stands there. Goes beyond the first and the last block that was found for frames only.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers.formats.pages import asides, page_pictures
from app.text.keys import words

LEAVES = frozenset(
    ("p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "figure", "figcaption", "dt", "dd")
)
_ANY_LEAF = ", ".join(sorted(LEAVES))
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
    "aside",
}
_INLINE = frozenset(
    (
        *("-text", "a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font"),
        *("i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub"),
        *("sup", "time", "tt", "u", "var", "wbr"),
    )
)
_HEADINGS = frozenset(("h2", "h3", "h4", "h5", "h6"))
_LISTS = frozenset(("ol", "ul", "dl", "details"))
_FRAMES = frozenset(("iframe", "video", "audio", "embed", "object"))
_AROUND = frozenset(
    ("nav", "aside", "footer", "form", "button", "script", "style", "template", "input", "select", "svg")
)
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:ad|ads|advert\w*|banner|promo\w*|sponsor\w*|share|sharing|social|related|recommend\w*|newsletter"
    r"|signup|sign-up|subscribe|subscription|paywall|comment\w*|disqus|tags?|byline|author\w*|meta|breadcrumb\w*|toolbar|menu"
    r"|nav\w*|widget|teaser|read-?more|more-?on|outbrain|taboola|hidden|popular|trending|sidebar"
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
_ENDS, _LETTER = re.compile(r"[.!?。؟।]"), re.compile(r"\w")
_SENTENCE_LENGTH = 9
RUN = 3
ENOUGH = 0.5
"""Of the runs of three words in a block so many must have been found for it to be of the article."""
COVERS = 0.9
"""Of the words that were found so many must stand in what is put back, or what was found is kept as it is."""


@dataclass(frozen=True, slots=True)
class RestoredText:
    """`content` is HTML of the page, None where that is not surely the same article as what was found. `pictures` are
    the names of the pictures that stand in the article or right beside it. `may_lack_words`: the page has more, and
    that could not be put back."""

    content: str | None = None
    pictures: tuple[str, ...] = ()
    may_lack_words: bool = False


def restore_text(page: LexborHTMLParser, extracted: str) -> RestoredText:
    """The article with all that stands in it on the page."""
    body = page.body
    extracted_words = words(LexborHTMLParser(extracted).text(separator=" "))
    if body is None or len(extracted_words) < 20:
        return RestoredText()
    found_runs = _list_runs(extracted_words)
    matcher = _ExtractedText(found_runs)
    matched = _remove_headline([node for node in _list_leaves(body) if matcher.is_extracted(node)])
    loose = _find_loose(body, found_runs.difference(*map(_read_runs, matched)))
    matched += loose
    root = _find_common(matched)
    if root is None:
        return RestoredText()
    marked = _collect_ancestors(matched, root)
    walk = _Walk(marked, {node.mem_id for node in loose}, _read_short_blocks(extracted))
    restored = "\n".join(walk.list_pieces(root))
    pictures = () if len(root.css("article")) > 1 else tuple(dict.fromkeys(walk.pictures))
    again = words(LexborHTMLParser(restored).text(separator=" "))
    covered = len(found_runs & _list_runs(again)) >= COVERS * len(found_runs) or _has_words(again, extracted_words)
    is_same = covered and len(again) <= MOST_MORE * len(extracted_words) + FEW_MORE
    return RestoredText(restored if is_same else None, pictures, not is_same and not _has_words(extracted_words, again))


def _has_words(restored: list[str], extracted: list[str]) -> bool:
    """The same by words alone. Where paragraphs are much alike, most of the different runs are those in which one ends
    and the next begins, and these are others as soon as a word is put back."""
    return (Counter(extracted) & Counter(restored)).total() >= ALIKE * len(extracted)


def _read_short_blocks(extracted: str) -> set[tuple[str, ...]]:
    """The words of the blocks that have fewer than a run."""
    body = LexborHTMLParser(extracted).body
    blocks = (tuple(words(node.text(separator=" "))) for node in _list_leaves(body)) if body is not None else ()
    return {block for block in blocks if 0 < len(block) < RUN}


def _list_runs(all_words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(all_words[i : i + RUN]) for i in range(len(all_words) - RUN + 1)}


def _read_runs(node: LexborNode) -> set[tuple[str, ...]]:
    return _list_runs(words(node.text(separator=" ")))


def _remove_headline(nodes: list[LexborNode]) -> list[LexborNode]:
    """Without the headings of the first level above the first block: they are of the page."""
    first = next((at for at, node in enumerate(nodes) if node.tag != "h1"), 0)
    return nodes[first:]


def _find_loose(root: LexborNode, missing: set[tuple[str, ...]]) -> list[LexborNode]:
    """Captions in no block of their own that were found and stand in none of the blocks."""
    matcher, captions, pending = _ExtractedText(missing), list[LexborNode](), [root] if missing else []
    while pending:
        node = pending.pop()
        line: list[LexborNode] = []
        for child in [*node.iter(include_text=True), None]:
            if child is not None and child.tag in _INLINE and child.css_first(_ANY_LEAF) is None:
                line.append(child)
                continue
            if matcher.is_extracted(*line) and _is_caption(line):
                captions += line
            line = []
            if child is not None and child.tag not in LEAVES and child.tag not in _AROUND:
                pending.append(child)
    return captions


MOST_MORE, FEW_MORE = 1.25, 30
"""What is put back is no more than so much of what was found, and so many words."""
ALIKE = 0.95
"""The share of words that says of two texts that one has the other's, whatever their order."""


def _is_caption(line: list[LexborNode]) -> bool:
    """Whether text in no block is marked as a caption, or stands right behind a picture."""
    if any(page_pictures.is_caption(node) for node in line):
        return True
    before = line[0].prev
    while before is not None and not (before.text() or "").strip() and before.tag in _INLINE:
        before = before.prev
    return before is not None and (before.tag in ("img", "picture") or before.css_first("img") is not None)


class _ExtractedText:
    """Which elements hold text that was found, by their place in memory."""

    def __init__(self, runs: set[tuple[str, ...]]) -> None:
        self._runs = runs

    def is_extracted(self, *nodes: LexborNode) -> bool:
        own = words(" ".join(node.text(separator=" ") for node in nodes))
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


class _Walk:
    """The way through an article, from its first block that was found to the last. `marked` are these blocks and what
    is around them, `loose` are captions in no block, by their places in memory; `short` are the words of short blocks.
    `pictures` fills on the way."""

    def __init__(self, marked: set[int], loose: set[int], short: set[tuple[str, ...]]) -> None:
        self._marked, self._loose, self._short = marked, loose, short
        self.pictures: list[str] = []

    def list_pieces(self, root: LexborNode) -> Iterator[str]:
        """The blocks that were found, what is in them, and blocks beside."""
        pending = self._list_inner(root, is_root=True)
        line: list[LexborNode] = []
        while pending:
            node = pending.pop()
            if node.tag in _INLINE and (node.mem_id not in self._marked or node.mem_id in self._loose):
                self._collect_pictures(node)
                line.append(node)
                continue
            yield from self._wrap_paragraph(line)
            line = []
            if node.mem_id in self._marked and node.tag not in LEAVES and node.tag not in _LISTS:
                pending += self._list_inner(node, is_root=False)
            else:
                yield from self._list_block(node)
        yield from self._wrap_paragraph(line)

    def _list_block(self, node: LexborNode) -> Iterator[str]:
        if node.mem_id in self._marked:
            self._collect_pictures(node)
            yield f"<p>{node.inner_html}</p>" if node.tag == "figcaption" else node.html or ""
        elif _is_part(node):
            self._collect_pictures(node)
            is_plain = node.tag in ("center", "address", "fieldset")
            yield f"<div>{node.inner_html}</div>" if is_plain else node.html or ""
        elif node.tag not in _AROUND and not _is_furniture(node):
            if _is_time(node):
                yield f"<p>{node.inner_html}</p>"
            self._collect_pictures(node)
            yield from (frame.html or "" for frame in node.css("iframe, video, audio, embed, object"))

    def _collect_pictures(self, node: LexborNode) -> None:
        self.pictures += map(page_pictures.read_name, node.css("img"))

    def _wrap_paragraph(self, nodes: list[LexborNode]) -> Iterator[str]:
        """Text that stands in no block of its own, as a paragraph."""
        is_found = any(node.mem_id in self._loose for node in nodes)
        inside = "".join(
            node.html or ""
            for node in nodes
            if node.tag == "-text" or node.mem_id in self._loose or not _is_furniture(node)
        )
        text = " ".join(LexborHTMLParser(inside).text(separator=" ").split()) if inside.strip() else ""
        linked = sum(len(node.text()) for node in nodes if node.tag == "a")
        if (
            (len(words(text)) >= RUN or (text and any(map(_is_time, nodes))))
            and (is_found or linked <= len(text) / 2)
            and not _INVITES.search(text)
        ):
            yield f"<p>{inside.strip()}</p>"

    def _list_inner(self, node: LexborNode, *, is_root: bool) -> list[LexborNode]:
        """Its children from the first that is marked to the last, in reverse, with the headings right before them; of
        the element around the whole article those are of the page."""
        children = list(node.iter(include_text=True))
        positions = [i for i, child in enumerate(children) if child.mem_id in self._marked]
        if not positions:
            return []
        first, last = positions[0], positions[-1]
        self._collect_beside(reversed(children[:first]))
        self._collect_beside(children[last + 1 :])
        while first and self._is_short(children[first - 1]):
            first -= 1
        while last + 1 < len(children) and self._is_short(children[last + 1]):
            last += 1
        while first and not is_root and (_is_opening(children[first - 1]) or _is_time(children[first - 1])):
            first -= 1
        while last + 1 < len(children) and not is_root and _is_time(children[last + 1]):
            last += 1
        parts = (children[:first], children[last + 1 :])
        has_caption = any(map(page_pictures.is_caption, children))
        before, behind = (
            [one for one in part if _is_frame(one, alone=has_caption) and not _is_furniture(one)] for part in parts
        )
        return [*before, *children[first : last + 1], *behind][::-1]

    def _is_short(self, node: LexborNode) -> bool:
        """White space, or a block that was found and has too few words to be told from others by them."""
        if node.tag == "-text":
            return not (node.text_content or "").strip()
        return node.tag in LEAVES - {"h1"} and tuple(words(node.text(separator=" "))) in self._short

    def _collect_beside(self, nodes: Iterable[LexborNode]) -> None:
        """The pictures right before the first block or behind the last, with nothing but their captions between."""
        for node in nodes:
            has_text = bool((node.text() or "").strip())
            has_picture = node.tag == "img" or node.css_first("img") is not None
            if has_text and not has_picture and not page_pictures.is_caption(node):
                return
            if node.tag in _AROUND or _is_furniture(node) or node.css_first("h1, h2, h3") is not None:
                return
            self._collect_pictures(node)


def _is_frame(node: LexborNode, *, alone: bool) -> bool:
    """A frame, or a figure or an element with a caption that holds one and no other text; with `alone` also an element
    that holds nothing else, which elsewhere most often is an advertisement."""
    if node.tag in _FRAMES:
        return True
    if node.tag not in ("figure", "div", "p", "section") or node.css_first(", ".join(_FRAMES)) is None:
        return False
    captions = [words(one.text(separator=" ")) for one in node.css(page_pictures.CAPTIONS)]
    is_only_text = sum(map(len, captions)) == len(words(node.text(separator=" ")))
    return is_only_text and (alone or node.tag == "figure" or any(captions))


def _is_opening(node: LexborNode) -> bool:
    """A heading of a part, or the white space below it."""
    blank = node.tag == "-text" and not (node.text_content or "").strip()
    return blank or (node.tag in _HEADINGS and not _is_furniture(node) and _is_part(node))


def _is_time(node: LexborNode) -> bool:
    """A `<time>`, or an element that holds nothing else: when an entry of a live blog was written."""
    if node.tag in _AROUND or node.tag == "-text" or _is_furniture(node):
        return False
    time = node if node.tag == "time" else node.css_first("time")
    return time is not None and words(time.text()) == words(node.text(separator=" "))


def _is_furniture(node: LexborNode) -> bool:
    attributes = node.attributes
    return bool(_FURNITURE.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''}"))


def _has_sentence(text: str) -> bool:
    """Whether some words, eight characters behind their first letter at least, are ended as a sentence is."""
    ended = _ENDS.split(text)[:-1]
    letters = ((len(part), _LETTER.search(part)) for part in ended)
    return any(letter is not None and length - letter.start() >= _SENTENCE_LENGTH for length, letter in letters)


def _is_part(node: LexborNode) -> bool:
    """Whether a block between blocks of the article is one of them."""
    if node.tag not in _BETWEEN:
        return False
    if _is_furniture(node):
        return False
    if node.tag in _FRAMES or node.tag in ("hr", "img", "picture", "figure", "figcaption", "pre"):
        return True
    text = " ".join(node.text(separator=" ").split())
    linked = sum(len(" ".join(link.text(separator=" ").split())) for link in node.css("a"))
    if node.tag in ("ul", "li", "ol") and linked > len(text) / 2:
        return False
    if node.tag == "aside" and (
        linked > len(text) / 4 or not _has_sentence(text) or not asides.is_of_text(node, text, LEAVES | _LISTS)
    ):
        return False
    if node.tag in ("div", "section", "aside") and (
        linked > len(text) / 2 or any(map(_is_furniture, node.css("[class], [id]")))
    ):
        return False
    return (bool(text) or node.css_first("img") is not None) and not _INVITES.search(text)
