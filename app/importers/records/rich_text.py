"""Texts as editors of rich text keep them, as trees of nodes, made into HTML: Contentful, Lexical, Portable Text of
Sanity, ProseMirror and Tiptap, Slate, Strapi, and the blocks of Editor.js. Pure, without recursion, in time by the
length of the tree.

Never loses words in silence: of a node of an unknown kind its words are kept, and a note says so; a note also names
what has no words here, such as an entry that is embedded by its number.
Sources: https://github.com/contentful/rich-text (rich-text-types), https://lexical.dev/docs/concepts/nodes,
https://github.com/portabletext/portabletext, https://tiptap.dev/docs/editor/core-concepts/schema,
https://docs.slatejs.org/concepts/02-nodes, https://editorjs.io/saving-data
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

import orjson

from app.importers.records import values

Node = Mapping[str, object]
Note = Callable[[str], object]

MAX_LEVEL = 20
"""Of lists within lists, in Portable Text, which says it by a number."""
_NO_LETTER = re.compile(r"[^a-z0-9]")
_KINDS = ("nodeType", "_type", "type")
_NUMBERS = {name: str(number) for number, name in enumerate(("one", "two", "three", "four", "five", "six"), 1)}
_TAGS = {
    **{f"{name}{number}": f"h{number}" for number in range(1, 7) for name in ("h", "heading")},
    **{f"heading{word}": f"h{number}" for word, number in _NUMBERS.items()},
    **dict.fromkeys(("paragraph", "p", "normal"), "p"),
    **dict.fromkeys(("blockquote", "quote"), "blockquote"),
    **dict.fromkeys(("unorderedlist", "bulletlist", "bulletedlist", "ul", "tasklist", "checklist"), "ul"),
    **dict.fromkeys(("orderedlist", "numberedlist", "numericlist", "ol"), "ol"),
    **dict.fromkeys(("listitem", "li", "taskitem", "checklistitem"), "li"),
    **dict.fromkeys(("codeblock", "code", "pre"), "pre"),
    "": "p",
    "table": "table",
    **dict.fromkeys(("tablerow", "tr"), "tr"),
    **dict.fromkeys(("tablecell", "td"), "td"),
    **dict.fromkeys(("tableheader", "tableheadercell", "th"), "th"),
}
_TRANSPARENT = frozenset(("doc", "document", "root", "lic", "listitemchild", "listitemtext", "tbody", "thead"))
_RULES = frozenset(("horizontalrule", "hr", "divider", "thematicbreak", "delimiter"))
_ORDERED = frozenset(("ordered", "number", "numbered", "ol"))
_BREAKS = frozenset(("hardbreak", "linebreak", "break", "softbreak"))
_LINKS = frozenset(("link", "hyperlink", "a", "autolink"))
_PICTURES = frozenset(("image", "img", "upload", "embeddedassetblock", "imageblock"))
_TEXTS = frozenset(("text", "span", "leaf", ""))
_MARKS = {
    **dict.fromkeys(("bold", "strong"), "strong"),
    **dict.fromkeys(("italic", "em", "emphasis"), "em"),
    **dict.fromkeys(("underline", "u"), "u"),
    **dict.fromkeys(("strike", "strikethrough", "s", "del"), "s"),
    **dict.fromkeys(("superscript", "sup"), "sup"),
    **dict.fromkeys(("subscript", "sub"), "sub"),
    **dict.fromkeys(("highlight", "mark"), "mark"),
    "code": "code",
}
LEXICAL_FORMATS = ((16, "code"), (1, "strong"), (2, "em"), (4, "s"), (8, "u"), (32, "sub"), (64, "sup"), (128, "mark"))
"""Bits of a text node of Lexical, from the innermost tag outwards."""
_WORDS = ("title", "heading", "label", "text", "message", "caption", "description", "code", "html")
_HOLDERS = ("image", "asset", "file", "value", "target", "fields")
MOST_PLACES = 12
"""That are looked at for the address of a picture."""
NO_ADDRESS = "a picture has no address here, and is left out"
KEPT = "a part of the kind {!r} is kept as its words"
LEFT_OUT = "a part of the kind {!r} has no words here"


def find_tree(value: object) -> Sequence[object] | None:
    """The nodes of a text that is a tree, also of one that was written as JSON; None for anything else."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    if isinstance(value, list):
        is_tree = bool(value) and all(map(_is_node, value)) and any(map(_has_children, value))
        return value if is_tree or (value and all(map(_is_block, value))) else None
    fields = values.read_mapping(value) or {}
    root = values.read_mapping(fields.get("root"))
    if root is not None and isinstance(root.get("children"), list):
        return [root]
    if isinstance(blocks := fields.get("blocks"), list) and all(map(_is_block, blocks)):
        return blocks
    is_document = _fold(fields) in ("doc", "document") and isinstance(fields.get("content"), list)
    return [fields] if is_document else None


def _is_node(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(name), str) for name in _KINDS)


def _has_children(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("children"), list)


def _is_block(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str) and isinstance(value.get("data"), dict)


def convert(nodes: Sequence[object], note: Note) -> str:
    """The HTML of a tree's nodes."""
    if nodes and all(map(_is_block, nodes)) and not any(map(_has_children, nodes)):
        return "".join(part for block in nodes for part in _render_block(block, note))
    parts: list[str] = []
    stack: list[object] = list(reversed(_nest_lists(nodes)))
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, dict):
            opening, closing, children = _render(node, note)
            parts.append(opening)
            stack.append(closing)
            stack += reversed(children)
    return "".join(parts)


def _fold(node: Node) -> str:
    kind = next((kind for name in _KINDS if isinstance(kind := node.get(name), str)), "")
    return _NO_LETTER.sub("", kind.lower())


def _nest_lists(nodes: Sequence[object]) -> list[object]:
    """What stands in a node. Portable Text has each item of a list as a block with its level: the items with lists
    around them."""
    nested: list[object] = []
    opened: list[str] = []
    for node in nodes:
        block = values.read_mapping(node)
        item = block.get("listItem") if block is not None and block.get("_type") == "block" else None
        level = block.get("level", 1) if block is not None and item else 0
        depth = min(max(level, 1), MAX_LEVEL) if isinstance(level, int) and item else 0
        tag = "ol" if item == "number" else "ul"
        while len(opened) > depth or (opened and len(opened) == depth and opened[-1] != tag):
            nested.append(f"</{opened.pop()}>")
        while len(opened) < depth:
            opened.append(tag)
            nested.append(f"<{tag}>")
        # Only what is made here is markup: a text is one also where it stands without a node.
        nested.append({"text": node} if isinstance(node, str) else node)
    nested += [f"</{tag}>" for tag in reversed(opened)]
    return nested


def _render(node: Node, note: Note) -> tuple[str, str, Sequence[object]]:
    """What opens a node, what closes it, and what stands between."""
    kind, attributes, children = _fold(node), _read_attributes(node), _list_children(node)
    if kind in _TEXTS and (text := _find_text(node)) is not None:
        return _format_text(text, node), "", ()
    if kind == "block":  # Portable Text
        return _render_portable(node)
    if kind in _LINKS:
        return f'<a href="{escape(_find_address(node, attributes))}">', "</a>", children
    if kind in ("heading", "header"):
        tag = f"h{_read_level(node, attributes)}"
        return f"<{tag}>", f"</{tag}>", children
    if kind == "list":
        stated = [node.get("format"), node.get("listType"), node.get("style"), node.get("tag"), attributes.get("type")]
        tag = "ol" if any(one in _ORDERED for one in stated if isinstance(one, str)) else "ul"
        return f"<{tag}>", f"</{tag}>", children
    if kind in _RULES or kind in _BREAKS:
        return "<hr>" if kind in _RULES else "<br>", "", ()
    if kind in _PICTURES:
        return _render_picture(node, attributes, children, note)
    if block_tag := _TAGS.get(kind):
        tick = (_tick(attributes) or _tick(node)) if block_tag == "li" else ""
        return f"<{block_tag}>{tick}{escape(_find_text(node) or '', quote=False)}", f"</{block_tag}>", children
    if kind in _TRANSPARENT:
        return "", "", children
    return _render_other(kind, node, attributes, children, note)


def _read_attributes(node: Node) -> Node:
    return next((fields for name in ("attrs", "data", "fields") if (fields := values.read_mapping(node.get(name)))), {})


def _list_children(node: Node) -> Sequence[object]:
    children = next((inner for name in ("children", "content") if isinstance(inner := node.get(name), list)), [])
    return _nest_lists(children)


def _find_text(node: Node) -> str | None:
    return next((text for name in ("text", "value") if isinstance(text := node.get(name), str)), None)


def _format_text(text: str, node: Node) -> str:
    """A text with its marks: a list of them, switches of its own, or Lexical's bits."""
    markup = escape(text, quote=False).replace("\n", "<br>")
    bits, marks = node.get("format"), node.get("marks")
    kinds = [(_fold(mark), mark) for mark in map(_as_mark, marks if isinstance(marks, list) else [])]
    tags = [tag for bit, tag in LEXICAL_FORMATS if isinstance(bits, int) and bits & bit]
    tags += [tag for name, tag in _MARKS.items() if node.get(name) is True]
    tags += [_MARKS[kind] for kind, _ in kinds if kind in _MARKS]
    for tag in dict.fromkeys(tags):
        markup = f"<{tag}>{markup}</{tag}>"
    link = next((mark for kind, mark in kinds if kind in _LINKS), None)
    return f'<a href="{escape(_find_address(link, _read_attributes(link)))}">{markup}</a>' if link else markup


def _as_mark(mark: object) -> Node:
    return mark if isinstance(mark, dict) else {"type": mark}


def _find_address(node: Node, attributes: Node) -> str:
    fields = (attributes, node)
    addresses = (one.get(name) for one in fields for name in ("href", "uri", "url"))
    return next((address for address in addresses if isinstance(address, str)), "")


def _read_level(node: Node, attributes: Node) -> int:
    tag = node.get("tag")
    stated = tag[1:] if isinstance(tag, str) else attributes.get("level") or node.get("level")
    return int(str(stated)) if str(stated) in ("1", "2", "3", "4", "5", "6") else 2


def _render_portable(block: Node) -> tuple[str, str, Sequence[object]]:
    """A block of Portable Text: its marks are names, or keys of what the block defines."""
    tag = "li" if block.get("listItem") else _TAGS.get(_NO_LETTER.sub("", _read(block, "style").lower()), "p")
    definitions = filter(None, map(values.read_mapping, values.list_items(block.get("markDefs"))))
    defined = {key: one for one in definitions if (key := _read(one, "_key"))}
    spans: list[object] = []
    for child in _list_children(block):
        span = values.read_mapping(child)
        marks = span.get("marks") if span is not None else None
        if span is not None and isinstance(marks, list):
            named = [defined.get(mark, mark) if isinstance(mark, str) else mark for mark in marks]
            child = {**span, "marks": named}
        spans.append(child)
    return f"<{tag}>", f"</{tag}>", spans


def _render_picture(
    node: Node, attributes: Node, children: Sequence[object], note: Note
) -> tuple[str, str, Sequence[object]]:
    """A picture by its address, beside the node, in a file, or in an asset that is there whole."""
    places = [attributes, node]
    for place in places:
        if len(places) > MOST_PLACES:
            break
        places += [one for name in _HOLDERS if (one := values.read_mapping(place.get(name)))]
    address = next((words for place in places for name in ("src", "url") if (words := _read(place, name))), "")
    caption = next((words for place in places for name in ("caption", "title") if (words := _read(place, name))), "")
    alt = next((words for place in places for name in ("alt", "alternativeText") if (words := _read(place, name))), "")
    if not address:
        note(NO_ADDRESS)
        return "", f"<p>{escape(caption, quote=False)}</p>" if caption else "", children
    address = f"https:{address}" if address.startswith("//") else address
    words = f"<figcaption>{escape(caption, quote=False)}</figcaption>" if caption else ""
    return f'<figure><img src="{escape(address)}" alt="{escape(alt)}">{words}</figure>', "", children


def _read(fields: Node, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _name(node: Node) -> str:
    return next((kind for name in _KINDS if isinstance(kind := node.get(name), str)), "")[:40]


def _render_other(
    kind: str, node: Node, attributes: Node, children: Sequence[object], note: Note
) -> tuple[str, str, Sequence[object]]:
    """A node of a kind that is not known: what is within it, and the words that it has itself."""
    texts = dict.fromkeys(text for fields in (attributes, node) for name in _WORDS if (text := _read(fields, name)))
    note((KEPT if children or texts else LEFT_OUT).format(_name(node)))
    words = [escape(text, quote=False) for text in texts]
    if kind.endswith(("inline", "mention", "emoji", "hyperlink")):
        return " ".join(words), "", children
    if not children and (address := _find_address(node, attributes)):
        words[:1] = [f'<a href="{escape(address)}">{words[0] if words else escape(address, quote=False)}</a>']
    own = "".join(f"<p>{one}</p>" for one in words)
    return (f"{own}<div>", "</div>", children) if children else (own, "", ())


def _render_block(block: object, note: Note) -> Iterator[str]:
    """A block of Editor.js, whose texts are HTML."""
    fields = values.read_mapping(block) or {}
    kind, data = _fold(fields), values.read_mapping(fields.get("data")) or {}
    text = _read(data, "text")
    if kind in ("paragraph", "header"):
        tag = "p" if kind == "paragraph" else f"h{_read_level({}, data)}"
        yield f"<{tag}>{text}</{tag}>"
    elif kind in ("list", "nestedlist", "checklist"):
        yield from _render_items(data)
    elif kind == "quote":
        cite = _read(data, "caption")
        yield f"<blockquote><p>{text}</p>{f'<p>{cite}</p>' if cite else ''}</blockquote>"
    elif kind == "code":
        yield f"<pre><code>{escape(_read(data, 'code'), quote=False)}</code></pre>"
    elif kind in _RULES:
        yield "<hr>"
    elif kind == "raw":
        yield _read(data, "html")
    elif kind in ("image", "simpleimage"):
        opening, closing, _ = _render_picture({"type": kind}, {**data, "caption": ""}, (), note)
        caption = _read(data, "caption")
        yield f"{opening}{closing}{f'<p>{caption}</p>' if caption else ''}"
    elif kind == "table":
        yield from _render_table(data)
    elif kind in ("embed", "linktool"):
        address = _read(data, "source") or _read(data, "link")
        meta = values.read_mapping(data.get("meta")) or {}
        words = _read(data, "caption") or escape(_read(meta, "title"), quote=False) or escape(address, quote=False)
        yield f'<p><a href="{escape(address)}">{words}</a></p>'
    else:
        words_of = [words for name in _WORDS if (words := _read(data, name))]
        note((KEPT if words_of else LEFT_OUT).format(_name(fields)))
        yield from (f"<p>{words}</p>" for words in words_of)


def _render_items(data: Node) -> Iterator[str]:
    """Items that are HTML, or have it with items of their own below them."""
    tag = "ol" if data.get("style") == "ordered" else "ul"
    stack: list[Node | str] = [*_list_entries(data, tag)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        stack.append("</li>")
        stack += _list_entries(item, tag)
        yield f"<li>{_tick(item)}{_read(item, 'content') or _read(item, 'text')}"


def _list_entries(holder: Node, tag: str) -> Iterator[Node | str]:
    """A list of items between its tags, the last first; nothing where there are none."""
    items = holder.get("items")
    if isinstance(items, list) and items:
        entries = (item if isinstance(item, dict) else {"content": _read_cell(item)} for item in reversed(items))
        yield from (f"</{tag}>", *entries, f"<{tag}>")


def _tick(node: Node) -> str:
    """Of an item of a list to tick, also where it has none yet."""
    ticked = node.get("checked")
    return "" if not isinstance(ticked, bool) else ("☑ " if ticked else "☐ ")


def _render_table(data: Node) -> Iterator[str]:
    rows = data.get("content")
    yield "<table>"
    for place, row in enumerate(rows if isinstance(rows, list) else []):
        tag = "th" if place == 0 and data.get("withHeadings") is True else "td"
        cells = "".join(f"<{tag}>{_read_cell(cell)}</{tag}>" for cell in values.list_items(row))
        yield f"<tr>{cells}</tr>"
    yield "</table>"


def _read_cell(value: object) -> str:
    return value if isinstance(value, str) else values.read_text(value) or ""
