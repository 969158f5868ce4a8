"""Texts as Ghost's editors keep them (Lexical, and before it Mobiledoc 0.3), made into HTML. Pure, without recursion.

Never loses words: what a card of an unknown kind says is kept as paragraphs, and said in a note.
Sources: https://github.com/TryGhost/Koenig (nodes and cards), https://github.com/bustle/mobiledoc-kit (MOBILEDOC.md).
"""

from collections.abc import Callable, Iterator, Mapping
from html import escape

import orjson

from app.articles.html import bodies
from app.importers.records import values
from app.importers.records.rich_text import LEXICAL_FORMATS
from app.importers.text_parts import clean

Note = Callable[[str], object]
Card = Mapping[str, object]

MAX_NODES = 200_000
MAX_DEPTH = 100
MOST_STARS = 5
UNKNOWN = "a card of the kind {!r} is kept as its words"
_BLOCKS = {
    "paragraph": "p",
    "quote": "blockquote",
    "extended-quote": "blockquote",
    "aside": "blockquote",
    "listitem": "li",
}
_SILENT = frozenset(("zwnj", "signup", "paywall", "email", "email-cta", "emailcta", "emailCta"))
"""Cards that say nothing on the page itself."""
_MARKUPS = frozenset(("strong", "b", "em", "i", "s", "u", "code", "a", "sub", "sup", "mark"))
_SECTIONS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "aside"))
_WORDS = ("heading", "header", "title", "subheader", "text", "content", "html", "caption", "description", "code")


def _load_document(value: object) -> Mapping[str, object]:
    if isinstance(value, str) and value.strip():
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return values.read_mapping(value) or {}


def convert_lexical(value: object, note: Note) -> str:
    """HTML out of a Lexical document; empty for what is none."""
    root = values.read_mapping(_load_document(value).get("root"))
    if root is None:
        return ""
    parts: list[str] = []
    stack: list[object] = [root]
    count = 0
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        fields = values.read_mapping(node)
        count += 1
        # What is hostile ends here without an error: what was read so far is kept.
        if fields is None or count > MAX_NODES or len(stack) > MAX_NODES:
            continue
        opening, closing = _render_element(fields, note)
        parts.append(opening)
        if closing is not None:
            stack.append(closing)
            stack += reversed(_list_children(fields))
    return "".join(parts)


def _list_children(node: Card) -> list[object]:
    """What stands in a node; an item of a list to tick has its tick, also where it has none yet."""
    children = values.list_items(node.get("children")) if isinstance(node.get("children"), list) else []
    if node.get("listType") != "check":
        return list(children)
    return [{"checked": False, **child} if isinstance(child, dict) else child for child in children]


def _render_element(node: Card, note: Note) -> tuple[str, str | None]:
    """What opens and what closes a node with children; all of it, and None, for one without."""
    kind = str(node.get("type") or "")
    if kind == "root":
        return "", ""
    if kind == "listitem" and isinstance(node.get("checked"), bool):
        return f"<li>{'☑' if node['checked'] else '☐'} ", "</li>"
    if kind in _BLOCKS:
        return f"<{_BLOCKS[kind]}>", f"</{_BLOCKS[kind]}>"
    if kind in ("heading", "extended-heading"):
        tag = str(node.get("tag"))
        tag = tag if tag in _SECTIONS else "h2"
        return f"<{tag}>", f"</{tag}>"
    if kind == "list":
        tag = "ol" if node.get("listType") == "number" or node.get("tag") == "ol" else "ul"
        start = node.get("start")
        is_later = tag == "ol" and isinstance(start, int) and start != 1
        return f'<ol start="{start}">' if is_later else f"<{tag}>", f"</{tag}>"
    if kind in ("link", "autolink"):
        return f'<a href="{escape(str(node.get("url") or ""))}">', "</a>"
    if kind in ("text", "extended-text", "tk"):  # the last is a place that somebody has yet to fill in
        return _format_text(str(node.get("text") or ""), node.get("format")), None
    if kind in ("linebreak", "tab"):
        return "<br>" if kind == "linebreak" else " ", None
    if isinstance(node.get("children"), list):
        return "", ""
    return "".join(_render_card(kind, node, note)), None


def _format_text(text: str, bits: object) -> str:
    markup = escape(text, quote=False)
    for bit, tag in LEXICAL_FORMATS:
        if isinstance(bits, int) and bits & bit:
            markup = f"<{tag}>{markup}</{tag}>"
    return markup


def _render_card(kind: str, card: Card, note: Note) -> Iterator[str]:
    """A card of either editor."""
    if kind in ("horizontalrule", "hr"):
        yield "<hr>"
    elif kind == "image":
        yield _render_figure(_render_picture(card), card)
    elif kind == "gallery":
        pictures = [_render_picture(one) for one in values.list_items(card.get("images")) if isinstance(one, dict)]
        yield _render_figure("".join(pictures), card)
    elif kind in ("html", "card-html"):
        yield _read_text(card, "html")
    elif kind in ("markdown", "card-markdown"):
        yield bodies.to_html("markdown", _read_text(card, "markdown"))
    elif kind in ("codeblock", "code"):
        yield _render_figure(f"<pre><code>{escape(_read_text(card, 'code'), quote=False)}</code></pre>", card)
    elif kind in ("embed", "bookmark", "video", "audio", "file", "button", "product"):
        yield from _render_link(card)
    elif kind not in _SILENT:
        yield from _render_words(kind, card, note)


def _read_text(card: Card, name: str) -> str:
    value = card.get(name)
    return value if isinstance(value, str) else ""


def _render_picture(card: Card) -> str:
    src = _read_text(card, "src") or _read_text(card, "fileName")
    alt = escape(_read_text(card, "alt"))
    picture = f'<img src="{escape(src)}" alt="{alt}">' if src else ""
    return f'<a href="{escape(_read_text(card, "href"))}">{picture}</a>' if picture and card.get("href") else picture


def _render_figure(content: str, card: Card) -> str:
    caption = _read_text(card, "caption")
    if not content or (not caption and content.startswith("<pre>")):
        return content
    return f"<figure>{content}{f'<figcaption>{caption}</figcaption>' if caption else ''}</figure>"


def _render_link(card: Card) -> Iterator[str]:
    """Players, files and previews of pages: a link with what it is called, and the words beside it."""
    meta = values.read_mapping(card.get("metadata")) or {}
    if picture := _read_text(card, "productImageSrc"):
        yield f'<figure><img src="{escape(picture)}" alt=""></figure>'
    url = next((words for name in ("url", "src", "buttonUrl", "productUrl") if (words := _read_text(card, name))), "")
    title = _read_text(meta, "title") or next(
        (words for name in ("title", "fileTitle", "buttonText") if (words := _read_text(card, name))),
        _remove_markup(_read_text(card, "productTitle")) or url,
    )
    if url:
        yield f'<p><a href="{escape(url)}">{escape(title, quote=False)}</a></p>'
    elif title:
        yield f"<p>{escape(title, quote=False)}</p>"
    if card.get("productRatingEnabled") is True and isinstance(stars := card.get("productStarRating"), int):
        yield f"<p>{('★' * min(max(stars, 0), MOST_STARS)).ljust(MOST_STARS, '☆')}</p>"
    # A name beside the words of a page: who wrote it, and where.
    names = " · ".join(filter(None, (_read_text(meta, "author"), _read_text(meta, "publisher"))))
    for words in (_read_text(meta, "description"), names, _read_text(card, "fileCaption")):
        if words:
            yield f"<p>{escape(words, quote=False)}</p>"
    # A post of another network has its words in the markup alone; a player has none.
    if _remove_markup(embedded := _read_text(card, "html")):
        yield embedded
    if words := _read_text(card, "productDescription") or _read_text(card, "caption"):
        yield f"<p>{words}</p>"
    if (
        (label := _read_text(card, "productButton"))
        and label != title
        and card.get("productButtonEnabled") is not False
    ):
        yield _render_button(label, url)


def _remove_markup(markup: str) -> str:
    """The words of a card's title, which the editor keeps as HTML, and of what was embedded."""
    return (
        clean.join_lines(bodies.to_text(bodies.to_html("html", markup))) if "<" in markup or "&" in markup else markup
    )


def _render_button(label: str, url: str) -> str:
    words = escape(label, quote=False)
    return f'<p><a href="{escape(url)}">{words}</a></p>' if url else f"<p>{words}</p>"


def _render_words(kind: str, card: Card, note: Note) -> Iterator[str]:
    """The words of any other card: a callout, a toggle, a header, or one that is not known."""
    if kind not in ("callout", "toggle", "header", "call-to-action"):
        note(UNKNOWN.format(kind[:40]))
    if picture := _read_text(card, "imageUrl"):
        yield f'<figure><img src="{escape(picture)}" alt=""></figure>'
    label_names = () if card.get("hasSponsorLabel") is False else ("sponsorLabel",)
    names = (*label_names, "calloutText", "textValue", *_WORDS)
    yield from (
        f"<p>{words}</p>" if "<p" not in words else words for name in names if (words := _read_text(card, name))
    )
    is_shown = card.get("showButton") is not False and card.get("buttonEnabled") is not False
    if is_shown and (label := _read_text(card, "buttonText") or _read_text(card, "buttonUrl")):
        yield _render_button(label, _read_text(card, "buttonUrl"))


def convert_mobiledoc(value: object, note: Note) -> str:
    """HTML out of a Mobiledoc; empty for what is none."""
    document = _load_document(value)
    sections = document.get("sections")
    if not isinstance(sections, list):
        return ""
    return "".join(part for section in sections[:MAX_NODES] for part in _render_section(section, document, note))


def _render_section(section: object, document: Card, note: Note) -> Iterator[str]:
    """Kinds by number: 1 text, 2 picture, 3 list, 10 card."""
    if not isinstance(section, list) or len(section) < 2:
        return
    kind, content = section[0], section[1]
    if kind == 1 and len(section) > 2:
        tag = content if content in _SECTIONS else "p"
        tag = "blockquote" if tag == "aside" else tag
        yield f"<{tag}>{_render_markers(section[2], document)}</{tag}>"
    elif kind == 2 and isinstance(content, str):
        yield f'<figure><img src="{escape(content)}" alt=""></figure>'
    elif kind == 3 and len(section) > 2 and isinstance(section[2], list):
        tag = "ol" if content == "ol" else "ul"
        yield f"<{tag}>{''.join(f'<li>{_render_markers(item, document)}</li>' for item in section[2])}</{tag}>"
    elif kind == 10 and (card := _get_row(document.get("cards"), content)):
        payload = values.read_mapping(card[1]) if len(card) > 1 else None
        yield from _render_card(str(card[0]), payload or {}, note)


def _get_row(rows: object, index: object) -> list[object] | None:
    if isinstance(rows, list) and isinstance(index, int) and 0 <= index < len(rows) and isinstance(rows[index], list):
        return rows[index] or None
    return None


def _render_markers(markers: object, document: Card) -> str:
    """Pieces of text, each of which opens some markups and closes as many as it says."""
    parts: list[str] = []
    opened: list[str] = []
    for marker in markers if isinstance(markers, list) else []:
        if not isinstance(marker, list) or len(marker) < 4:
            continue
        for markup_index in marker[1] if isinstance(marker[1], list) else []:
            tag, opening = _render_markup(_get_row(document.get("markups"), markup_index))
            if len(opened) < MAX_DEPTH:
                opened.append(tag)
                parts.append(opening)
        parts.append(
            escape(str(marker[3]), quote=False)
            if marker[0] == 0
            else _render_atom(_get_row(document.get("atoms"), marker[3]))
        )
        for _ in range(marker[2] if isinstance(marker[2], int) else 0):
            if opened:
                tag = opened.pop()
                parts.append(f"</{tag}>" if tag else "")
    parts += [f"</{tag}>" for tag in reversed(opened) if tag]
    return "".join(parts)


def _render_markup(markup: list[object] | None) -> tuple[str, str]:
    tag = str(markup[0]) if markup else ""
    if tag not in _MARKUPS:
        return "", ""
    attributes = markup[1] if markup and len(markup) > 1 and isinstance(markup[1], list) else []
    pairs = dict(zip(map(str, attributes[::2]), map(str, attributes[1::2]), strict=False))
    return tag, f'<a href="{escape(pairs.get("href", ""))}">' if tag == "a" else f"<{tag}>"


def _render_atom(atom: list[object] | None) -> str:
    if not atom:
        return ""
    return "<br>" if atom[0] == "soft-return" else escape(str(atom[1]) if len(atom) > 1 else "", quote=False)
