"""The article that a page describes in JSON-LD (schema.org), in whatever nesting. Never trusts a shape."""

import html
import json
import re
import string
from collections.abc import Callable, Iterator, Mapping

from selectolax.lexbor import LexborHTMLParser

from app.importers.document import DocumentImage
from app.importers.formats.pages.metadata import PageMetadata, clean_line, read_words
from app.importers.records import values

MAX_SCRIPT = 2_000_000
MAX_NODES = 2_000
_TYPE = re.compile(r"(?:\w*Article|\w*BlogPosting|SocialMediaPosting|Report|Review|CreativeWork)$")
_PAGE = re.compile(r"(?:https?://schema\.org/)?(?:\w*WebPage|ItemPage|Recipe|DiscussionForumPosting|PodcastEpisode)$")
_TRIVIA = re.compile(r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\]\]>|\]\]>)\s*+;?\s*+$")

Node = Mapping[str, object]
Note = Callable[[str], object]


REPAIRED = "the page's JSON-LD has faults, read in spite of them"
BROKEN = "the page's JSON-LD cannot be read: what it says of the article is not known"
PAYWALLED = "the page says that its article is not free to read: the text may end where it asks to subscribe"


def read_json_ld(page: LexborHTMLParser, url: str | None, note: Note = lambda _: None) -> PageMetadata | None:
    """What is said of the page's article: of several, the one whose address is `url`, else the outermost."""
    scripts = page.css('script[type*="ld+json" i]')
    nodes = [node for script in scripts for node in list_nodes(_load_script(script.text(), note))]
    articles = [node for node in nodes if is_article(node)]
    if not articles:
        return _read_page_dates(nodes)
    by_id = {key: node for node in nodes if (key := values.read_text(node.get("@id"))) and len(node) > 2}
    same = [node for node in articles if url and url in (_read_url(node), values.read_text(node.get("url")))]
    return read_article((same or articles)[0], by_id, read_words(page.css_first("title")) or "")


def _read_page_dates(nodes: list[Node]) -> PageMetadata | None:
    """The dates of a page or a recipe, where no article is described; nothing where several have different ones."""
    pages = [node for node in nodes if any(_PAGE.match(str(kind)) for kind in values.list_items(node.get("@type")))]
    published = {text for node in pages if (text := values.read_text(node.get("datePublished")))}
    updated = {text for node in pages if (text := values.read_text(node.get("dateModified")))}
    if len(published) != 1:
        return None
    return PageMetadata(published=published.pop(), updated=updated.pop() if len(updated) == 1 else None)


def _load_script(script: str, note: Note) -> object:
    """The value of a script; None of one that cannot be read. `note` hears what was repaired, and what could
    not be."""
    text = _TRIVIA.sub("", script).strip()
    if not text:
        return None
    if len(text) > MAX_SCRIPT:
        note(BROKEN)
        return None
    for attempt, repair in enumerate((lambda said: said, *_REPAIRS)):
        text = repair(text)
        try:
            value = _load_all(text)
        except (ValueError, RecursionError):
            continue
        if attempt:
            note(REPAIRED)
        return value
    note(BROKEN)
    return None


def _load_all(text: str) -> object:
    """All values of a text: some pages have several, one behind the other."""
    decoder, loaded, position = json.JSONDecoder(strict=False), [], 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        loaded.append(value)
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr] # it may be empty
    return loaded


def _close_brackets(text: str) -> str:
    """With the brackets closed that are open where it ends; without what closes none."""
    opened: list[str] = []
    out: list[str] = []
    for piece in _PIECE.findall(text):
        if piece in ("{", "["):
            opened.append("}" if piece == "{" else "]")
        elif piece in ("}", "]") and (not opened or opened.pop() != piece):
            break
        out.append(piece)
    return "".join(out).rstrip(f",:{string.whitespace}") + "".join(reversed(opened))


_BETWEEN = re.compile(r"[\s,;]*")
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
"""One that nothing closes goes on to the end: else each quote in it would be tried as the beginning of another."""
_PIECE = re.compile(rf'{_STRING}|[{{}}\[\]]|[^"{{}}\[\]]+', re.DOTALL)
_BAD_ESCAPE = re.compile(r'\\(?![\\/"bfnrtu])|\\u(?![0-9A-Fa-f]{4})')


def _replace_outside_strings(pattern: str, by: str) -> Callable[[str], str]:
    """Replaces where the pattern is met outside of strings."""
    both = re.compile(rf"({_STRING})|{pattern}", re.DOTALL)
    return lambda text: both.sub(lambda match: match[1] or by, text)


_REPAIRS: tuple[Callable[[str], str], ...] = (
    _replace_outside_strings(r"/\*.*?(?:\*/|\Z)|(?<![:\w])//[^\n]*", ""),
    _replace_outside_strings(r",(?=\s*[}\]])", ""),
    _replace_outside_strings(r",(?=\s*,)", ""),
    lambda text: _BAD_ESCAPE.sub(r"\\\\", text),
    _replace_outside_strings(r"(?<=[}\]])(?=\s*[{\[])|(?<=[\"}\]])(?=[^\S\n]*+\n\s*+\")", ","),
    lambda text: html.unescape(text) if "&quot;" in text else text,
    lambda text: re.sub(r"[“”]", '"', text),
    _close_brackets,
)
"""One after the other, until it can be read."""


def list_nodes(value: object) -> Iterator[Node]:
    """All objects of a value from the outside in."""
    level: list[object] = [value]
    count = 0
    while level and count < MAX_NODES:
        below: list[object] = []
        for value in level:
            if isinstance(value, list):
                below += value
            elif isinstance(value, dict):
                count += 1
                yield value
                below += value.values()
        level = [value for value in below if isinstance(value, dict | list)]


def is_article(node: Node) -> bool:
    """Whether the node is an article that says something."""
    kinds = [str(kind).rpartition("/")[2] for kind in values.list_items(node.get("@type"))]
    headline = node.get("headline") or node.get("articleBody")
    return bool(headline) and any(_TYPE.match(kind) for kind in kinds)


def _read_url(node: Node) -> str | None:
    page = node.get("mainEntityOfPage")
    inside = values.read_mapping(page)
    return values.read_text(inside.get("@id") or inside.get("url")) if inside is not None else values.read_text(page)


def read_article(node: Node, by_id: Mapping[str, Node], window_title: str) -> PageMetadata:
    """What an article's node says; `by_id` has the nodes that it may refer to."""
    publisher = _resolve_node(node.get("publisher"), by_id)
    part_of = _resolve_node(node.get("isPartOf"), by_id)
    section = [
        clean_line(name) for one in values.list_items(node.get("articleSection")) if (name := values.read_text(one))
    ]
    address = values.read_text(node.get("url")) or _read_url(node)
    return PageMetadata(
        title=_choose_title(node, window_title),
        standfirst=clean_line(
            values.read_text(node.get("description")) or values.read_text(node.get("alternativeHeadline"))
        ),
        author_lines=tuple(_list_names(node.get("author") or node.get("creator"), by_id)),
        published=values.read_text(node.get("datePublished")),
        updated=values.read_text(node.get("dateModified")),
        sections=tuple(dict.fromkeys(name for name in section if name))[:3],
        tags=tuple(_list_keywords(node.get("keywords"))),
        images=tuple(_list_images(node.get("image"), by_id)),
        language=_read_language(node.get("inLanguage")),
        url=address if address and address.startswith("http") else None,
        site=next((name for place in (publisher, part_of) if (name := values.read_text(place.get("name")))), None),
        body=_read_body(node.get("articleBody")),
        work_status=values.read_text(node.get("creativeWorkStatus")),
        expires=values.read_text(node.get("expires")),
        paywall=_list_paywall_selectors(node),
    )


def _list_paywall_selectors(node: Node) -> tuple[str, ...]:
    """Selectors of what only subscribers may read, behind an empty one; nothing where all is free."""
    parts = [part for one in values.list_items(node.get("hasPart")) if (part := values.read_mapping(one))]
    closed = [part for part in parts if _is_false(part.get("isAccessibleForFree"))]
    if not closed and not _is_false(node.get("isAccessibleForFree")):
        return ()
    selectors = [
        name for part in closed for one in values.list_items(part.get("cssSelector")) if (name := values.read_text(one))
    ]
    return ("", *selectors)


def _is_false(value: object) -> bool:
    return value is False or (
        isinstance(value, str) and value.strip().lower().rpartition("/")[2] in ("false", "no", "0")
    )


def _choose_title(node: Node, window_title: str) -> str | None:
    """The headline; the name, where that is what the window's bar shows and the headline is not."""
    headline, name = (clean_line(values.read_text(node.get(key))) for key in ("headline", "name"))
    return (
        name
        if name and (not headline or (window_title.startswith(name) and headline not in window_title))
        else headline
    )


def _resolve_node(value: object, by_id: Mapping[str, Node]) -> Node:
    """The object itself, the one that its @id refers to, or an empty one."""
    one = values.list_items(value)[0] if values.list_items(value) else None
    node = values.read_mapping(one) or {}
    return by_id.get(str(node.get("@id")), node) if "name" not in node and "url" not in node else node


def _list_names(value: object, by_id: Mapping[str, Node]) -> Iterator[str]:
    for one in values.list_items(value):
        stated = one if isinstance(one, str) else _resolve_node([one], by_id).get("name")
        for name in values.list_items(stated):
            clean_name = clean_line(values.read_text(name))
            if clean_name and "://" not in clean_name:
                yield clean_name


def _list_keywords(value: object) -> Iterator[str]:
    references = values.read_references(value) if value else None
    for name in references[0] if references else ():
        # Some systems put their own facts there, as in `type:Article`.
        if not re.match(r"\w+:\S", name) and len(name) <= 100:
            yield clean_line(name) or name


def _list_images(value: object, by_id: Mapping[str, Node]) -> Iterator[DocumentImage]:
    for one in values.list_items(value):
        if isinstance(one, str):
            yield DocumentImage(one)
            continue
        node = _resolve_node([one], by_id)
        url = values.read_text(node.get("contentUrl")) or values.read_text(node.get("url"))
        if url:
            sizes = (_read_pixels(node.get("width")), _read_pixels(node.get("height")))
            credit = clean_line(values.read_text(node.get("creditText")))
            yield DocumentImage(url, None, clean_line(values.read_text(node.get("caption"))), credit, *sizes)


def _read_pixels(value: object) -> int | None:
    inside = values.read_mapping(value)
    return values.read_pixels(inside.get("value") if inside is not None else value)


def _read_language(value: object) -> str | None:
    inside = values.read_mapping(value)
    return (
        values.read_text(inside.get("alternateName") or inside.get("name"))
        if inside is not None
        else values.read_text(value)
    )


def _read_body(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
