"""The pictures of a web page with what is written under them, and the captions that an article would lose.

Never decides which pictures are of the article.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers import markup, trees, values
from app.importers.document import Body, Image
from app.importers.page import words
from app.text import words_key

MAX_IMAGES = 50
MAX_CAPTION = 3_000
"""Characters beyond which what stands under a picture is taken for text of its own."""
LEFT_OUT = "caption of a picture left out: {!r}"
MAX_NOTE = 1_000
"""Characters of a caption in a note."""
CAPTIONS = 'figcaption, [class*="caption" i]'
_CREDITS = '[class*="credit" i], [itemprop="copyrightHolder"], [class*="photographer" i], small, cite'
_CAPTION_CLASS = re.compile(r"caption|credit|legend|cutline", re.IGNORECASE)
_FRAME = frozenset(("html", "body", "main", "article", "td", "li"))
_UP, _ALONG = 8, 20
"""Elements around a picture in which its caption is looked for, and elements and texts behind each of them."""


def read_pictures(page: LexborHTMLParser, base: str | None) -> Mapping[str, Image]:
    """The pictures of the page by their names, in order, those of its article first."""
    found: dict[str, Image] = {}
    for node in [*page.css("figure img, article img, main img"), *page.css("img")][: 4 * MAX_IMAGES]:
        name = name_of(node)
        if name not in found or not (found[name].caption or found[name].credit):
            found[name] = _describe(node, absolute(base, markup.shown_address(node) or ""))
    return found


def name_of(node: LexborNode) -> str:
    """The name of a picture's file; of one without an address its place in memory."""
    url = markup.shown_address(node)
    return file_name(url) if url and not url.startswith("data:") else f"picture {node.mem_id}"


def absolute(base: str | None, url: str) -> str:
    """The address as seen from the base; as it stands where there is none, or it is no address."""
    try:
        return urljoin(base, url) if base else url
    except ValueError:
        return url


def file_name(url: str) -> str:
    """What is the same in the addresses of one picture in several sizes, more often than not."""
    try:
        name = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return url
    return re.sub(r"[-_]\d{2,4}x\d{2,4}(?=\.\w+$)", "", name) or url


def choose_images(
    said: tuple[Image, ...],
    pictures: Mapping[str, Image],
    within: Iterable[str],
    beside: Iterable[str],
    body: Body | None,
    base: str | None,
) -> tuple[tuple[Image, ...], list[str]]:
    """The pictures that the page names, then those in its text, then those that were found with it, at the addresses
    `beside`; each once, with what is written under it. Pictures `within` the article whose caption its text has lost
    follow; a caption that has no place is in a note."""
    shown = _shown_in(body.content) if body and body.kind == "html" else ()
    wanted = [replace(one, url=absolute(base, one.url)) for one in said] + [Image(url) for url in shown]
    wanted += [Image(absolute(base, url)) for url in beside]
    found: dict[str, Image] = {}
    for one in wanted:
        name = file_name(one.url)
        if one.url.startswith(("http://", "https://")):
            found.setdefault(name, _merge(one, pictures.get(name)))
    notes = []
    for one in _find_lost(pictures, within, found.values(), body):
        is_new = file_name(one.url) not in found  # else its caption is the one that the page's data says
        if is_new and one.url.startswith(("http://", "https://")) and len(found) < MAX_IMAGES:
            found[file_name(one.url)] = one
        else:
            notes.append(LEFT_OUT.format(" ".join(filter(None, (one.caption, one.credit)))[:MAX_NOTE]))
    return tuple(found.values())[:MAX_IMAGES], notes


def _merge(one: Image, seen: Image | None) -> Image:
    if seen is None:
        return one
    return replace(
        one,
        alt=one.alt or seen.alt,
        caption=one.caption or seen.caption,
        credit=one.credit or seen.credit,
    )


def _find_lost(
    pictures: Mapping[str, Image], within: Iterable[str], kept: Iterable[Image], body: Body | None
) -> Iterator[Image]:
    """The pictures of the article with a caption that neither its text nor a picture of it has."""
    told = [one for image in kept for one in (image.caption, image.credit) if one]
    text = trees.parse(body.content).text(separator=" ") if body else ""
    said = words_key(" ".join([*told, text]))
    for one in map(pictures.get, within):
        if (
            one is not None
            and one.caption
            and any(words_key(part) not in said for part in (one.caption, one.credit) if part)
        ):
            yield one


def _shown_in(body: str) -> Iterator[str]:
    for node in trees.parse(body).css("img[src]"):
        yield node.attributes.get("src") or ""


def _describe(node: LexborNode, url: str) -> Image:
    caption = credit = None
    figure = _figure(node)
    if figure is not None and len(figure.css("img")) <= 3:
        credit = words(figure.css_first(_CREDITS))
        caption = words(figure.css_first(CAPTIONS))
    if caption is None and (beside := _find_caption(node)) is not None:
        caption, credit = words(beside), credit or words(beside.css_first(_CREDITS))
    if caption and credit and caption.endswith(credit):
        caption = caption.removesuffix(credit).rstrip(" -–—|(.,:") or None
    width, height = (values.pixels(node.attributes.get(side)) for side in ("width", "height"))
    return Image(url, values.text(node.attributes.get("alt")), caption, credit, width, height)


def _figure(node: LexborNode) -> LexborNode | None:
    parent = node.parent
    for _ in range(6):
        if parent is None or parent.tag == "figure":
            return parent
        parent = parent.parent
    return None


def _find_caption(picture: LexborNode) -> LexborNode | None:
    """The caption in no figure with its picture: the first element with text behind it, if it is marked as one."""
    node: LexborNode | None = picture
    for _ in range(_UP):
        if node is None or node.tag in _FRAME:
            return None
        beside = _next_with_text(node)
        if beside is not None:
            return _as_caption(beside)
        node = node.parent
    return None


def _next_with_text(node: LexborNode) -> LexborNode | None:
    beside = node.next
    for _ in range(_ALONG):
        # Another picture ends the search: what follows is the caption of that one.
        if beside is None or beside.tag == "img" or beside.css_first("img") is not None or beside.text().strip():
            return beside
        beside = beside.next
    return None


def is_caption(node: LexborNode) -> bool:
    """Whether an element is marked as a caption or credit."""
    return node.tag == "figcaption" or bool(_CAPTION_CLASS.search(node.attributes.get("class") or ""))


def _as_caption(node: LexborNode) -> LexborNode | None:
    """The element, or the one in it that holds all its text."""
    if node.tag in ("-text", "figure") or node.css_first("img, figure, iframe, video, audio") is not None:
        return None
    text = node.text(separator=" ")
    if len(text) > MAX_CAPTION:
        return None
    if is_caption(node):
        return node
    inner = node.css_first(CAPTIONS)
    return inner if inner is not None and inner.text(separator=" ").split() == text.split() else None
