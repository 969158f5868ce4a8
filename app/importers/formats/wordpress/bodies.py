"""What WordPress keeps as a post's text, made into the HTML that its readers see: blocks, shortcodes, paragraphs. Pure.

Never sanitises: whoever stores the result does. Blocks that a site computes anew for each reader are left out.
"""

import html
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from app.importers.formats.wordpress import readable_words, shortcodes
from app.importers.text_parts import html_trees

_BLOCK = re.compile(r"<!--\s*(?P<close>/)?wp:(?P<name>[a-z][\w/-]*)")
_COMMENT = re.compile(r"<!--(?:more|nextpage|noteaser)\b[^>]{0,300}-->")
_CONTAINERS = (
    "address|article|aside|blockquote|center|details|div|dl|fieldset|figure|footer|form|header|main|nav|ol|section|ul"
)
_LEAVES = "dd|dt|figcaption|h[1-6]|hr|iframe|li|p|pre|summary|table|tbody|td|tfoot|th|thead|tr|style|script|video|audio"
_EDGE = re.compile(rf"(</?(?:{_CONTAINERS})(?:\s[^<>]*)?/?>)", re.IGNORECASE)
_OPENING = re.compile(rf"(?=<(?:{_LEAVES})[\s/>])", re.IGNORECASE)
_CLOSING = re.compile(rf"(</(?:{_LEAVES})\s*>|<hr\b[^<>]*>)", re.IGNORECASE)
_IS_BLOCK = re.compile(rf"</?(?:{_CONTAINERS}|{_LEAVES})[\s/>]", re.IGNORECASE)
_BLANK = re.compile(r"\n(?:[^\S\n]*\n)+")
_EMPTY = re.compile(r"\n\s*\n")
_KEPT = re.compile(r"<(pre|script|style|table|figure)\b", re.IGNORECASE)
_UNTIDY = re.compile(r"sharedaddy|addtoany|more-link|jp-relatedp")
_FURNITURE = ".sharedaddy, .addtoany_share_save_container, a.more-link, span[id^=more-]"
FOOTNOTES = "footnotes"
_FILLED = ("block", "core/block", FOOTNOTES)
_EMPTY_BLOCKS = re.compile(r"(?:core/)?(?:spacer|separator|more|nextpage|paragraph|post-[\w-]+|template-part)")
_PLACE = re.compile(r"""href=["']?#([^"'\s>]+)""")
MAX_NESTED = 5


def convert_post(
    content: str,
    library: shortcodes.MediaLibrary,
    reusable: Mapping[str, str],
    post: str,
    note: Callable[[str], object],
) -> str:
    """The text of a post. `reusable` are blocks that several posts share, by id, and this post's FOOTNOTES; `note`
    hears what was taken out."""
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    if "<!--" in content:
        content = _COMMENT.sub("\n\n", content)
    if _BLOCK.search(content):
        # Text between the blocks was written in the older editor, which marks no paragraphs.
        pieces = [
            piece if marked else add_paragraphs(piece) for marked, piece in _split_blocks(content, reusable, note)
        ]
        return remove_share_buttons(shortcodes.render_shortcodes("".join(pieces), library, post, note))
    return remove_share_buttons(add_paragraphs(shortcodes.render_shortcodes(content, library, post, note)))


def _split_blocks(
    content: str, reusable: Mapping[str, str], note: Callable[[str], object], nested: int = 0
) -> Iterator[tuple[bool, str]]:
    """The text without the marks of blocks, in pieces: whether each stands within a block."""
    depth = position = 0
    while match := _BLOCK.search(content, position):
        end = content.find("-->", match.end())
        if end < 0:
            break
        if piece := content[position : match.start()]:
            yield depth > 0, piece
        inside = content[match.end() : end].strip()
        position = end + 3
        if match["close"]:
            depth = max(0, depth - 1)
        elif not inside.endswith("/"):
            depth += 1
        elif match["name"] in _FILLED and nested < MAX_NESTED:
            shared = FOOTNOTES if match["name"] == FOOTNOTES else _read_ref(inside)
            if shared not in reusable:
                note(f"block [{match['name']}] is not in the export, left out")
            yield from _split_blocks(reusable.get(shared, ""), reusable, note, nested + 1)
        elif not _EMPTY_BLOCKS.fullmatch(match["name"]):
            if words := readable_words.render_block(match["name"], inside):
                note(f"block [{match['name']}] is kept as the words in it: its site computes what it shows")
                yield True, words
            else:
                note(f"block [{match['name']}] left out: its site computes what it shows")
    if rest := content[position:]:
        yield depth > 0, rest


def _read_ref(attributes: str) -> str:
    try:
        return str(json.loads(attributes.rstrip("/")).get("ref", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""


def render_footnotes(stored: str, content: str = "") -> str:
    """The list of a post's footnotes, which WordPress keeps beside the text: a JSON list of `{"id", "content"}`. Those
    that links of the text lead to have their `id`."""
    try:
        notes = [(str(note.get("id") or ""), note["content"]) for note in json.loads(stored)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
    linked = set(_PLACE.findall(content))
    return "<ol>" + "".join(f"<li{_render_id(id, linked)}>{note}</li>" for id, note in notes) + "</ol>"


def _render_id(id: str, linked: Collection[str]) -> str:
    return f' id="{html.escape(id)}"' if id in linked else ""


def add_paragraphs(content: str) -> str:
    """Text in which blank lines part paragraphs and line ends are breaks; markup of blocks stays as it is."""
    if not content.strip():
        return ""
    return "\n".join(part if kept else _wrap_paragraphs(part) for kept, part in _split_elements(content)).strip("\n")


def _split_elements(content: str) -> Iterator[tuple[bool, str]]:
    """Elements in which line ends mean something else, and the text between them."""
    position, folded = 0, content.lower()
    while match := _KEPT.search(content, position):
        closing = f"</{match[1].lower()}>"
        end = folded.find(closing, match.end()) if len(folded) == len(content) else -1
        if end < 0:
            break
        yield False, content[position : match.start()]
        position = end + len(closing)
        yield True, content[match.start() : position]
    yield False, content[position:]


def _wrap_paragraphs(content: str) -> str:
    content = _CLOSING.sub(r"\1\n\n", _OPENING.sub("\n\n", _EDGE.sub(r"\n\n\1\n\n", content)))
    blocks = (block.strip() for block in _BLANK.split(content))
    return "\n".join(block if _IS_BLOCK.match(block) else _wrap_paragraph(block) for block in blocks if block)


def _wrap_paragraph(block: str) -> str:
    return "<p>" + re.sub(r"(?<!<br>)(?<!<br/>)(?<!<br />)\n", "<br>\n", block) + "</p>"


def remove_share_buttons(content: str) -> str:
    """HTML without buttons for sharing."""
    if "<pre" not in content:
        # Between blocks the editor leaves lines that say nothing, in an export others than in the API.
        content = _EMPTY.sub("\n", content)
    if not _UNTIDY.search(content):
        return content.strip()
    root = html_trees.parse_fragment(content)
    if root is None:
        return content
    for node in root.css(_FURNITURE):
        node.decompose()
    for node in root.css(".jp-relatedposts"):
        if not node.css_first("a"):
            node.decompose()
    return (root.inner_html or "").strip()
