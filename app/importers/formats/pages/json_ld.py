"""The article that a page describes in JSON-LD (schema.org), in whatever nesting. Never trusts a shape."""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping

from selectolax.lexbor import LexborHTMLParser

from app.importers.document import Image
from app.importers.formats.pages.metadata import Said, line, words
from app.importers.records import values

MAX_SCRIPT = 2_000_000
MAX_NODES = 2_000
_TYPE = re.compile(r"(?:\w*Article|\w*BlogPosting|SocialMediaPosting|Report|Review|CreativeWork)$")
_PAGE = re.compile(r"(?:https?://schema\.org/)?(?:\w*WebPage|ItemPage|Recipe|DiscussionForumPosting|PodcastEpisode)$")
_TRIVIA = re.compile(r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\]\]>|\]\]>)\s*;?\s*$")

Node = Mapping[str, object]
Note = Callable[[str], object]


REPAIRED = "the page's JSON-LD has faults, read in spite of them"
BROKEN = "the page's JSON-LD cannot be read: what it says of the article is not known"
PAYWALLED = "the page says that its article is not free to read: the text may end where it asks to subscribe"


def from_jsonld(page: LexborHTMLParser, url: str | None, note: Note = lambda _: None) -> Said | None:
    """What is said of the page's article: of several, the one whose address is `url`, else the outermost."""
    scripts = page.css('script[type*="ld+json" i]')
    nodes = [node for script in scripts for node in _nodes(_read(script.text(), note))]
    articles = [node for node in nodes if _is_article(node)]
    if not articles:
        return _of_page(nodes)
    known = {key: node for node in nodes if (key := values.text(node.get("@id"))) and len(node) > 2}
    same = [node for node in articles if url and url in (_address(node), values.text(node.get("url")))]
    return _said((same or articles)[0], known, words(page.css_first("title")) or "")


def _of_page(nodes: list[Node]) -> Said | None:
    """The dates of a page or a recipe, where no article is described; nothing where several have different ones."""
    pages = [node for node in nodes if any(_PAGE.match(str(kind)) for kind in values.items(node.get("@type")))]
    published = {text for node in pages if (text := values.text(node.get("datePublished")))}
    updated = {text for node in pages if (text := values.text(node.get("dateModified")))}
    if len(published) != 1:
        return None
    return Said(published=published.pop(), updated=updated.pop() if len(updated) == 1 else None)


def _read(script: str, note: Note) -> object:
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
            value = _whole(text)
        except (ValueError, RecursionError):
            continue
        if attempt:
            note(REPAIRED)
        return value
    note(BROKEN)
    return None


def _whole(text: str) -> object:
    """All values of a text: some pages have several, one behind the other."""
    decoder, found, position = json.JSONDecoder(strict=False), [], 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        found.append(value)
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr] # it may be empty
    return found


def _closed(text: str) -> str:
    """With the brackets closed that are open where it ends; without what closes none."""
    opened: list[str] = []
    out: list[str] = []
    for piece in _PIECE.findall(text):
        if piece in ("{", "["):
            opened.append("}" if piece == "{" else "]")
        elif piece in ("}", "]") and (not opened or opened.pop() != piece):
            break
        out.append(piece)
    return re.sub(r"[,:\s]+$", "", "".join(out)) + "".join(reversed(opened))


_BETWEEN = re.compile(r"[\s,;]*")
_STRING = r'"(?:[^"\\]|\\.)*+"'
_PIECE = re.compile(rf'{_STRING}|[{{}}\[\]]|[^"{{}}\[\]]+|"', re.DOTALL)
_BAD_ESCAPE = re.compile(r'\\(?![\\/"bfnrtu])|\\u(?![0-9A-Fa-f]{4})')


def _outside_strings(pattern: str, by: str) -> Callable[[str], str]:
    """Replaces where the pattern is met outside of strings."""
    both = re.compile(rf"({_STRING})|{pattern}", re.DOTALL)
    return lambda text: both.sub(lambda match: match[1] or by, text)


_REPAIRS: tuple[Callable[[str], str], ...] = (
    _outside_strings(r"/\*.*?\*/|(?<![:\w])//[^\n]*", ""),
    _outside_strings(r",(?=\s*[}\]])", ""),
    _outside_strings(r",(?=\s*,)", ""),
    lambda text: _BAD_ESCAPE.sub(r"\\\\", text),
    _outside_strings(r"(?<=[}\]])(?=\s*[{\[])|(?<=[\"}\]])(?=\s*\n\s*\")", ","),
    lambda text: html.unescape(text) if "&quot;" in text else text,
    lambda text: re.sub(r"[“”]", '"', text),
    _closed,
)
"""One after the other, until it can be read."""


def _nodes(value: object) -> Iterator[Node]:
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


def _is_article(node: Node) -> bool:
    kinds = [str(kind).rpartition("/")[2] for kind in values.items(node.get("@type"))]
    named = node.get("headline") or node.get("articleBody")
    return bool(named) and any(_TYPE.match(kind) for kind in kinds)


def _address(node: Node) -> str | None:
    page = node.get("mainEntityOfPage")
    inside = values.mapping(page)
    return values.text(inside.get("@id") or inside.get("url")) if inside is not None else values.text(page)


def _said(node: Node, known: Mapping[str, Node], shown: str) -> Said:
    publisher = _follow(node.get("publisher"), known)
    part_of = _follow(node.get("isPartOf"), known)
    section = [line(name) for one in values.items(node.get("articleSection")) if (name := values.text(one))]
    address = values.text(node.get("url")) or _address(node)
    return Said(
        title=_title(node, shown),
        standfirst=line(values.text(node.get("description")) or values.text(node.get("alternativeHeadline"))),
        author_lines=tuple(_names(node.get("author") or node.get("creator"), known)),
        published=values.text(node.get("datePublished")),
        updated=values.text(node.get("dateModified")),
        sections=tuple(dict.fromkeys(name for name in section if name))[:3],
        tags=tuple(_keywords(node.get("keywords"))),
        images=tuple(_images(node.get("image"), known)),
        language=_language(node.get("inLanguage")),
        url=address if address and address.startswith("http") else None,
        site=next((name for place in (publisher, part_of) if (name := values.text(place.get("name")))), None),
        body=_body(node.get("articleBody")),
        work_status=values.text(node.get("creativeWorkStatus")),
        expires=values.text(node.get("expires")),
        paywall=_paywall(node),
    )


def _paywall(node: Node) -> tuple[str, ...]:
    """Selectors of what only subscribers may read, behind an empty one; nothing where all is free."""
    parts = [part for one in values.items(node.get("hasPart")) if (part := values.mapping(one))]
    closed = [part for part in parts if _is_false(part.get("isAccessibleForFree"))]
    if not closed and not _is_false(node.get("isAccessibleForFree")):
        return ()
    selectors = [name for part in closed for one in values.items(part.get("cssSelector")) if (name := values.text(one))]
    return ("", *selectors)


def _is_false(value: object) -> bool:
    return value is False or (
        isinstance(value, str) and value.strip().lower().rpartition("/")[2] in ("false", "no", "0")
    )


def _title(node: Node, shown: str) -> str | None:
    """The headline; the name, where that is what the window's bar shows and the headline is not."""
    headline, name = (line(values.text(node.get(key))) for key in ("headline", "name"))
    return name if name and (not headline or (shown.startswith(name) and headline not in shown)) else headline


def _follow(value: object, known: Mapping[str, Node]) -> Node:
    """The object itself, the one that its @id refers to, or an empty one."""
    one = values.items(value)[0] if values.items(value) else None
    node = values.mapping(one) or {}
    return known.get(str(node.get("@id")), node) if "name" not in node and "url" not in node else node


def _names(value: object, known: Mapping[str, Node]) -> Iterator[str]:
    for one in values.items(value):
        said = one if isinstance(one, str) else _follow([one], known).get("name")
        for name in values.items(said):
            found = line(values.text(name))
            if found and "://" not in found:
                yield found


def _keywords(value: object) -> Iterator[str]:
    found = values.references(value) if value else None
    for name in found[0] if found else ():
        # Some systems put their own facts there, as in `type:Article`.
        if not re.match(r"\w+:\S", name) and len(name) <= 100:
            yield line(name) or name


def _images(value: object, known: Mapping[str, Node]) -> Iterator[Image]:
    for one in values.items(value):
        if isinstance(one, str):
            yield Image(one)
            continue
        node = _follow([one], known)
        url = values.text(node.get("contentUrl")) or values.text(node.get("url"))
        if url:
            sizes = (_pixels(node.get("width")), _pixels(node.get("height")))
            credit = line(values.text(node.get("creditText")))
            yield Image(url, None, line(values.text(node.get("caption"))), credit, *sizes)


def _pixels(value: object) -> int | None:
    inside = values.mapping(value)
    return values.pixels(inside.get("value") if inside is not None else value)


def _language(value: object) -> str | None:
    inside = values.mapping(value)
    return values.text(inside.get("alternateName") or inside.get("name")) if inside is not None else values.text(value)


def _body(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
