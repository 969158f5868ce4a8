"""The pictures of a web page with what is written under them, and the captions that an article would lose.

Never decides which pictures are of the article.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers.document import DocumentBody, DocumentImage
from app.importers.formats.pages.metadata import read_words
from app.importers.records import values
from app.importers.text_parts import html_markup, html_trees
from app.text.keys import words_key

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


def read_pictures(page: LexborHTMLParser, base: str | None) -> Mapping[str, DocumentImage]:
    """The pictures of the page by their names, in order, those of its article first."""
    by_name: dict[str, DocumentImage] = {}
    for node in [*page.css("figure img, article img, main img"), *page.css("img")][: 4 * MAX_IMAGES]:
        name = read_name(node)
        if name not in by_name or not (by_name[name].caption or by_name[name].credit):
            by_name[name] = _describe_picture(node, make_absolute(base, html_markup.find_shown_url(node) or ""))
    return by_name


def read_name(node: LexborNode) -> str:
    """The name of a picture's file; of one without an address its place in memory."""
    url = html_markup.find_shown_url(node)
    return read_file_name(url) if url and not url.startswith("data:") else f"picture {node.mem_id}"


def make_absolute(base: str | None, url: str) -> str:
    """The address as seen from the base; as it stands where there is none, or it is no address."""
    try:
        return urljoin(base, url) if base else url
    except ValueError:
        return url


def read_file_name(url: str) -> str:
    """What is the same in the addresses of one picture in several sizes, more often than not."""
    try:
        name = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return url
    # WordPress names the sizes of a picture so: `harbour-1024x683.jpg`.
    return re.sub(r"[-_]\d{2,4}x\d{2,4}(?=\.\w+$)", "", name) or url


def choose_images(
    stated: tuple[DocumentImage, ...],
    pictures: Mapping[str, DocumentImage],
    within: Iterable[str],
    beside: Iterable[str],
    body: DocumentBody | None,
    base: str | None,
) -> tuple[tuple[DocumentImage, ...], list[str]]:
    """The pictures that the page names, then those in its text, then those that were found with it, at the addresses
    `beside`; each once, with what is written under it. Pictures `within` the article whose caption its text has lost
    follow; a caption that has no place is in a note."""
    picture_urls = _list_picture_urls(body.content) if body and body.kind == "html" else ()
    candidates = [replace(one, url=make_absolute(base, one.url)) for one in stated] + [
        DocumentImage(url) for url in picture_urls
    ]
    candidates += [DocumentImage(make_absolute(base, url)) for url in beside]
    by_name: dict[str, DocumentImage] = {}
    for one in candidates:
        name = read_file_name(one.url)
        if one.url.startswith(("http://", "https://")):
            by_name.setdefault(name, _merge_captions(one, pictures.get(name)))
    notes = []
    for one in _find_lost(pictures, within, by_name.values(), body):
        is_new = read_file_name(one.url) not in by_name  # else its caption is the one that the page's data says
        if is_new and one.url.startswith(("http://", "https://")) and len(by_name) < MAX_IMAGES:
            by_name[read_file_name(one.url)] = one
        else:
            notes.append(LEFT_OUT.format(" ".join(filter(None, (one.caption, one.credit)))[:MAX_NOTE]))
    return tuple(by_name.values())[:MAX_IMAGES], notes


def _merge_captions(one: DocumentImage, pictured: DocumentImage | None) -> DocumentImage:
    if pictured is None:
        return one
    return replace(
        one,
        alt=one.alt or pictured.alt,
        caption=one.caption or pictured.caption,
        credit=one.credit or pictured.credit,
    )


def _find_lost(
    pictures: Mapping[str, DocumentImage],
    within: Iterable[str],
    images: Iterable[DocumentImage],
    body: DocumentBody | None,
) -> Iterator[DocumentImage]:
    """The pictures of the article with a caption that neither its text nor a picture of it has."""
    captions = [one for image in images for one in (image.caption, image.credit) if one]
    text = html_trees.parse_html(body.content).text(separator=" ") if body else ""
    present = words_key(" ".join([*captions, text]))
    for one in map(pictures.get, within):
        if (
            one is not None
            and one.caption
            and any(words_key(part) not in present for part in (one.caption, one.credit) if part)
        ):
            yield one


def _list_picture_urls(body: str) -> Iterator[str]:
    for node in html_trees.parse_html(body).css("img[src]"):
        yield node.attributes.get("src") or ""


def _describe_picture(node: LexborNode, url: str) -> DocumentImage:
    caption = credit = None
    figure = _find_figure(node)
    if figure is not None and len(figure.css("img")) <= 3:
        credit = read_words(figure.css_first(_CREDITS))
        caption = read_words(figure.css_first(CAPTIONS))
    if caption is None and (beside := _find_caption(node)) is not None:
        caption, credit = read_words(beside), credit or read_words(beside.css_first(_CREDITS))
    if caption and credit and caption.endswith(credit):
        caption = caption.removesuffix(credit).rstrip(" -–—|(.,:") or None
    width, height = (values.read_pixels(node.attributes.get(side)) for side in ("width", "height"))
    return DocumentImage(url, values.read_text(node.attributes.get("alt")), caption, credit, width, height)


def _find_figure(node: LexborNode) -> LexborNode | None:
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
        beside = _find_next_with_text(node)
        if beside is not None:
            return _as_caption(beside)
        node = node.parent
    return None


def _find_next_with_text(node: LexborNode) -> LexborNode | None:
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
