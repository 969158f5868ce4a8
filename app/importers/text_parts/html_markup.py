"""HTML of any source as a body can keep it: frames, players and objects become links, pictures that load late get their
address, and addresses are resolved from where the item stands. Never sanitises; takes nothing away without a note.
"""

import html
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers.text_parts import html_trees
from app.text import urls

Note = Callable[[str], object]

_FRAMES = (
    "iframe, frame, video, audio, embed, object, amp-iframe, amp-video, amp-youtube, lite-youtube, .fb-video, .fb-post"
)
_UNTIDY_TAG = re.compile(
    r"<(?:(?:iframe|frame|video|audio|embed|object|amp-|lite-|noscript|picture)\b"
    r"|img\b(?![^>]*\bsrc\s*=\s*[\"']?https?://))",
    re.IGNORECASE,
)
_UNTIDY_ATTRIBUTE = re.compile(
    r"class=[\"']?fb-|\bdata-(?:lazy|orig|src|full)|\bsrcset"
    r"|\b(?:href|src|cite)\s*=\s*(?:[\"']\s*(?!https?://|mailto:|tel:|#)|(?![\"']|https?://|mailto:|tel:|#))",
    re.IGNORECASE,
)
_SOURCES = ("src", "data-src", "data-lazy-src", "data-litespeed-src", "data-url", "data-href", "href", "data")
_PARAMETERS = frozenset(("movie", "src", "url", "filename"))
_LATE = ("data-src", "data-lazy-src", "data-orig-src", "data-original", "data-full-url", "data-large-file", "data-lazy")
_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
_PLACEHOLDER = re.compile(r"^data:|placeholder|blank\.|spacer|/lazy|1x1|pixel\.", re.IGNORECASE)
_STANDS_IN = re.compile(r"\.(?:gif|svg)(?:[?#]|\Z)", re.IGNORECASE)
_CANDIDATE = re.compile(r"(?<![^\s,])[\s,]*+(\S+?)(?:,(?=\s|$)|\s+(?:([0-9.]+)([wx])[^,]*)?(?:,|$)|$)")
_OUT_OF_SIGHT = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|googletagmanager\.com|doubleclick\.net", re.IGNORECASE
)
_HOLDS_BLOCKS = frozenset(("body", "div", "section", "article", "main", "aside", "blockquote", "details", "center"))
_SCHEME = re.compile(r"[\s\x00-\x20]*[A-Za-z][A-Za-z0-9+.\-]*:")
MAX_WIDTH = 2_000
"""Of the sizes of a picture the widest up to this is taken: larger ones are for print."""
LOST = "{} without an address, removed from the body"
FALLBACK = "words inside {}, for readers who do not see it, left out of the body: {!r}"
DROPPED = "relative address {!r} in the body, with nothing to count from: left out"


def convert_markup(content: str, base: str | None, note: Note, *, is_own: bool = False) -> str:
    """The body, with addresses seen from `base`. `is_own`: of an export of this archive, which keeps them as it is."""
    if not _is_untidy(content):
        return content
    root = html_trees.parse_fragment(content)
    if root is None:
        return content
    reveal_pictures(root)
    for node in root.css(_FRAMES):
        if node.parent is not None:
            _replace_frame(node, base, note)
    if not is_own:
        _resolve_urls(root, base, note)
    return (root.inner_html or "").strip()


def _is_untidy(content: str) -> bool:
    """Whether there can be anything to do. Attributes are looked for from one `<` to the next where there is a `=`: to
    try all of their names at each letter of a text takes longer than all else that is done with it."""
    if _UNTIDY_TAG.search(content):
        return True
    return any("=" in piece and _UNTIDY_ATTRIBUTE.search(piece) for piece in content.split("<"))


def _replace_frame(node: LexborNode, base: str | None, note: Note) -> None:
    url = _find_url(node, base)
    # HTML standard, section 4.8.7: its content is the fallback, often a frame or a player that has an address.
    if url is None and node.tag == "object":
        node.unwrap()  # what stands in it is shown in its place
        return
    _note_fallback(node, note)
    if url is None or _is_hidden(node):
        note(LOST.format(node.tag))
        node.decompose()
        return
    attributes = node.attributes
    title = next(
        (title_text for name in ("title", "aria-label", "data-title", "alt") if (title_text := attributes.get(name))),
        None,
    )
    link = f'<a href="{html.escape(url)}">{html.escape((title or "").strip() or url, quote=False)}</a>'
    is_block = node.parent is not None and node.parent.tag in _HOLDS_BLOCKS
    made = LexborHTMLParser(f"<div><p>{link}</p></div>" if is_block else f"<div><p><span>{link}</span></p></div>")
    piece = made.css_first("p" if is_block else "a")
    if piece is not None:
        node.replace_with(piece)


def _note_fallback(node: LexborNode, note: Note) -> None:
    """The words in a frame are for browsers that do not know it."""
    inside = html_trees.parse_fragment(node.text()) if node.tag == "iframe" else node
    if inside is not None and (words := " ".join(inside.text(separator=" ").split())):
        note(FALLBACK.format(node.tag, words[:80]))


def _find_url(node: LexborNode, base: str | None) -> str | None:
    attributes = node.attributes
    if node.tag in ("amp-youtube", "lite-youtube") and (
        video := attributes.get("data-videoid") or attributes.get("videoid")
    ):
        return urls.resolve(f"https://www.youtube.com/watch?v={video}")
    values_found = [attributes.get(name) for name in _SOURCES]
    values_found += [inner.attributes.get("src") for inner in node.css("source, embed, iframe")]
    named = [(one.attributes.get("name") or "", one.attributes.get("value")) for one in node.css("param")]
    values_found += [value for name, value in named if name.lower() in _PARAMETERS]
    for value in values_found:
        if value and not value.startswith(("about:", "#")) and (resolved := urls.resolve(value, base or "https:")):
            return resolved if urlsplit(resolved).hostname else None
    return None


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    sizes = {(attributes.get(side) or "").removesuffix("px") for side in ("width", "height")}
    return bool(sizes & {"0", "1"}) or bool(_OUT_OF_SIGHT.search(f"{attributes.get('style')} {attributes.get('src')}"))


def reveal_pictures(root: LexborNode) -> None:
    """Gives each picture the address that it would be shown from."""
    for node in root.css("noscript"):
        _open_noscript(node)
    for node in root.css("img, amp-img"):
        url = find_shown_url(node)
        if url and url != node.attributes.get("src"):
            node.attrs["src"] = url


def find_shown_url(node: LexborNode) -> str | None:
    """The address of a picture: where it loads late, not that of what stands in its place until then."""
    source = (node.attributes.get("src") or "").strip()
    loads_late = any(name in node.attributes for name in (*_LATE, "data-srcset", "data-lazy-srcset"))
    waits = not source or _PLACEHOLDER.search(source) or (loads_late and _STANDS_IN.search(source))
    return (_find_late_url(node) if waits else None) or source or None


def _open_noscript(node: LexborNode) -> None:
    """What a page holds for readers without scripts: a picture, beside one that loads late."""
    inner = LexborHTMLParser(node.inner_html or node.text()).css_first("img")
    if inner is None:
        return
    beside = node.prev
    while beside is not None and beside.tag == "-text" and not (beside.text_content or "").strip():
        beside = beside.prev
    picture = beside if beside is not None and beside.tag == "img" else None
    if picture is not None:
        if not _find_late_url(picture) and _PLACEHOLDER.search(picture.attributes.get("src") or "data:"):
            picture.attrs["src"] = inner.attributes.get("src") or ""
        node.decompose()
    else:
        node.replace_with(inner)


def _find_late_url(node: LexborNode) -> str | None:
    attributes = node.attributes
    for name in _LATE:
        value = (attributes.get(name) or "").strip()
        if value and not value.startswith("data:"):
            return value
    sets = [attributes.get(name) for name in _SETS]
    if node.parent is not None and node.parent.tag == "picture":
        sets += [one.attributes.get(name) for one in node.parent.css("source") for name in _SETS]
    return next((url for value in sets if value and (url := choose_widest(value))), None)


def choose_widest(candidates: str) -> str | None:
    """The address of a `srcset` with the widest picture of no more than MAX_WIDTH."""
    sized: list[tuple[float, str]] = []
    # HTML standard, section 4.8.4.2.1: addresses with a width or a density, and commas within addresses.
    for match in _CANDIDATE.finditer(candidates[:20_000].rstrip(" ,\t\n\f\r")):
        url, number, unit = match.groups()
        if url.startswith("data:"):
            continue
        try:
            size = float(number or 1) * (1 if unit == "w" else 600)
        except ValueError:
            continue
        sized.append((size, url))
    fitting = [one for one in sized if one[0] <= MAX_WIDTH]
    chosen = max(fitting, key=lambda one: one[0]) if fitting else min(sized, key=lambda one: one[0], default=None)
    return chosen[1] if chosen else None


def _resolve_urls(root: LexborNode, base: str | None, note: Note) -> None:
    for selector, name in (("a[href]", "href"), ("img[src]", "src"), ("blockquote[cite], q[cite]", "cite")):
        for node in root.css(selector):
            value = (node.attributes.get(name) or "").strip()
            if not value or value.startswith("#") or _SCHEME.match(value):
                continue
            resolved = urls.resolve(value, base or ("https:" if value.startswith("//") else None))
            if resolved is not None:
                node.attrs[name] = resolved
                continue
            note(DROPPED.format(value[:80]))
            if node.tag == "img":
                node.decompose()
            else:
                del node.attrs[name]
