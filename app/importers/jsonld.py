"""The article that a page describes in JSON-LD (schema.org), in whatever nesting. Never trusts a shape."""

import json
import re
from collections.abc import Iterator, Mapping

from selectolax.lexbor import LexborHTMLParser

from app.importers import values
from app.importers.document import Image
from app.importers.page import Said, line, words

MAX_SCRIPT = 2_000_000
MAX_NODES = 2_000
_TYPE = re.compile(r"(?:\w*Article|\w*BlogPosting|SocialMediaPosting|Report|Review|CreativeWork)$")
_TRIVIA = re.compile(r"^\s*(?:<!--|//<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\]\]>|\]\]>)\s*;?\s*$")

Node = Mapping[str, object]


def from_jsonld(page: LexborHTMLParser, url: str | None) -> Said | None:
    """What is said of the page's article: of several, the one whose address is `url`, else the outermost."""
    nodes = [node for script in page.css('script[type*="ld+json" i]') for node in _nodes(script.text())]
    articles = [node for node in nodes if _is_article(node)]
    if not articles:
        return None
    known = {key: node for node in nodes if (key := values.text(node.get("@id"))) and len(node) > 2}
    same = [node for node in articles if url and url in (_address(node), values.text(node.get("url")))]
    return _said((same or articles)[0], known, words(page.css_first("title")) or "")


def _nodes(script: str) -> Iterator[Node]:
    """All objects of a script from the outside in; nothing of one that cannot be read."""
    if len(script) > MAX_SCRIPT:
        return
    try:
        level: list[object] = [json.loads(_TRIVIA.sub("", script), strict=False)]
    except (ValueError, RecursionError):
        return
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
        name = values.text(one) if isinstance(one, str) else values.text(_follow(one, known).get("name"))
        found = line(name)
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
