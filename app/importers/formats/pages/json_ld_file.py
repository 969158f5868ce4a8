"""Articles in files of JSON-LD in the words of schema.org: one, a list, a graph, or one a line.

Of the archive's own the whole record is read, of others what a page's JSON-LD says too. What has no place of its own is
kept under `jsonld`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import BinaryIO

from app.articles.html import bodies
from app.articles.render.structured import json_ld as own_json_ld
from app.importers.document import Document, DocumentBody, Failure, Item, ParseContext
from app.importers.formats import ndjson
from app.importers.formats.pages.json_ld import (
    MAX_NODES,
    PAYWALLED,
    Node,
    is_article,
    list_nodes,
    read_article,
)
from app.importers.records import article_head, fields, values, visibility
from app.importers.text_parts import clean

_CONTAINERS = ("@graph", "itemListElement", "item", "dataFeedElement", "mainEntity", "hasPart")
_REFERENCES = ("author", "creator", "publisher", "isPartOf", "image", "contentLocation")
_READ = frozenset(
    (
        *("@context", "@type", "@id", "headline", "name", "description", "alternativeHeadline", "abstract", "dateline"),
        *("author", "creator", "publisher", "isPartOf", "datePublished", "dateModified", "articleSection", "keywords"),
        *("image", "inLanguage", "url", "mainEntityOfPage", "articleBody", "creativeWorkStatus", "expires"),
        *("contentLocation", "identifier", "creditText", "isAccessibleForFree", "wordCount"),
    )
)


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """An item for each article, and a Failure for what describes none."""
    yield from ndjson.parse(ndjson.read_lines(stream), where, context, _read_node, _list_articles)


def _list_articles(value: Node) -> Sequence[Node]:
    """The articles in a value, from the outside in, not those that an article names; the value itself where there are
    none."""
    articles: list[Node] = []
    level: list[object] = [value]
    while level:
        below: list[object] = []
        for one in level:
            node = values.read_mapping(one)
            if node is None:
                continue
            if is_article(node):
                articles.append(node)
                continue
            below += [entry for name in _CONTAINERS if name in node for entry in values.list_items(node[name])]
        level = below
    by_id = _list_by_id(value) if "@graph" in value else {}
    return [_resolve(node, by_id) for node in articles] or [value]


def _list_by_id(value: Node) -> Mapping[str, Node]:
    return {key: node for node in list_nodes(value) if (key := values.read_text(node.get("@id"))) and len(node) > 1}


def _resolve(node: Node, by_id: Mapping[str, Node]) -> Node:
    """The article with the nodes that it only names by their `@id`."""
    if not by_id:
        return node
    resolved = dict(node)
    for name in _REFERENCES:
        if name in node:
            resolved[name] = [_find_node(one, by_id) for one in values.list_items(node[name])]
    return resolved


def _find_node(value: object, by_id: Mapping[str, Node]) -> object:
    node = values.read_mapping(value)
    return by_id.get(str(node.get("@id")), value) if node is not None and node.keys() == {"@id"} else value


def _read_node(node: Node, where: str, context: ParseContext, notes: tuple[str, ...] = ()) -> Document | Failure:
    own = own_json_ld.read(node)
    if own is not None:
        return fields.read_record(own, where, context, notes)
    if not is_article(node):
        return Failure(where, "no article: the JSON-LD describes none that has a headline or a text")
    said = read_article(node, {}, "")
    body = values.make_body(said.body, None) if said.body else None
    body = _add_updates(body, node)
    document = fields.read_record(_build_record(node), where, context, notes, body)
    if isinstance(document, Failure):
        return document
    marker = visibility.read_page(said.work_status, said.expires, context)
    document = visibility.apply(article_head.extract_head(document), marker)
    return article_head.add_note(document, PAYWALLED) if said.paywall else document


def _add_updates(body: DocumentBody | None, node: Node) -> DocumentBody | None:
    """The text with the updates of a live blog behind it, each with its time and heading, in their order; some sites
    have all of them in the text as well."""
    updates = [one for value in values.list_items(node.get("liveBlogUpdate")) if (one := values.read_mapping(value))]
    markup = "".join(map(_render_update, updates))
    if not markup or (body is not None and _has_all(body, updates)):
        return body
    return DocumentBody("html", _read_markup(body) + markup)


def _has_all(body: DocumentBody, updates: Sequence[Node]) -> bool:
    """Whether the text has each of them whole, in their order or, the latest first, in the reverse."""
    text = _read_line(body)
    said = (read_article(one, {}, "") for one in updates)
    parts = [_read_line(values.make_body(one.body, None)) if one.body else (one.title or "") for one in said]
    return _is_in_order(text, parts) or _is_in_order(text, parts[::-1])


def _is_in_order(text: str, parts: Sequence[str]) -> bool:
    position = 0
    for part in parts:
        start = text.find(part, position)
        if start < 0:
            return False
        position = start + len(part)
    return True


def _read_line(body: DocumentBody | None) -> str:
    return clean.join_lines(bodies.to_text(_read_markup(body)))


def _render_update(node: Node) -> str:
    said = read_article(node, {}, "")
    lines = [f"<p><time>{escape(said.published)}</time></p>"] if said.published else []
    lines += [f"<h3>{escape(said.title, quote=False)}</h3>"] if said.title else []
    return "".join((*lines, _read_markup(values.make_body(said.body, None) if said.body else None)))


def _read_markup(body: DocumentBody | None) -> str:
    if body is None:
        return ""
    return body.content if body.kind == "html" else bodies.to_html(body.kind, body.content)


def _build_record(node: Node) -> dict[str, object]:
    """The node under the names that the fields of other sources have."""
    said = read_article(node, {}, "")
    abstract = values.read_text(node.get("abstract"))
    unread = {name: value for name, value in node.items() if value and name not in _READ}
    return {
        "external_id": _read_identifier(node.get("identifier")),
        "url": said.url,
        "title": said.title,
        "standfirst": abstract or said.standfirst,
        "dateline": node.get("dateline"),
        "authors": list(said.author_lines),
        **({"published_at": said.published} if said.published else {}),
        "updated_at": said.updated,
        "sections": list(said.sections),
        "tags": list(said.tags),
        "regions": _list_names(node.get("contentLocation")),
        "images": [asdict(image) for image in said.images],
        "language": said.language,
        "source": said.site,
        "signature": values.read_text(node.get("creditText")),
        **({"jsonld": unread} if unread else {}),
    }


def _read_identifier(value: object) -> str | None:
    """A text, or the first of several; of an object its value."""
    first = values.list_items(value)[0] if values.list_items(value) else None
    inside = values.read_mapping(first)
    return values.read_text(inside.get("value") if inside is not None else first)


def _list_names(value: object) -> list[str]:
    places = [values.read_mapping(one) for one in values.list_items(value)[:MAX_NODES]]
    return [name for one in places if one is not None and (name := values.read_text(one.get("name")))]
