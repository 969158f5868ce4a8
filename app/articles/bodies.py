"""Bodies of articles: from what people send to safe HTML, and from that HTML to its other views. Pure."""

import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import nh3
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.text import clean, runs

TAGS = {
    "a", "abbr", "aside", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul",
    "var", "wbr",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "col": {"span"},
    "del": {"datetime"},
    "img": {"src", "alt", "title", "width", "height"},
    "ins": {"datetime"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "*": {"lang", "dir"},
}
Kind = Literal["html", "markdown", "text"]

WORDS_A_MINUTE = 230
"""Median silent reading speed of adults in English non-fiction: 238 in Brysbaert 2019, rounded down."""

_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    url_schemes={"http", "https", "mailto", "tel"},
    clean_content_tags={"script", "style", "template", "noscript"},
    link_rel="noopener noreferrer",
)
_word = re.compile(r"\w+(?:['’\-]\w+)*")
_joint = re.compile(r"['\-](?<=\w.)(?=\w)")
_cjk = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")


def to_html(kind: Kind, content: str) -> str:
    """Sanitised HTML of a body, safe to insert as it stands. Only markup is lost, never words outside scripts."""
    made = _to_html(kind, content)
    # A character reference brings back what was cleaned out of the text that it stands in.
    return made if made.isascii() and "&#" not in content else clean(made)


def _to_html(kind: Kind, content: str) -> str:
    if kind == "text":
        return from_text(content)
    if kind == "markdown":
        content = _markdown().render(content)
    # A heading of the first level belongs to the page, not to a body: h1 becomes h2.
    content = re.sub(r"<(/?)h1(?=[\s>])", r"<\1h2", content, flags=re.IGNORECASE)
    cleaned: str = _cleaner.clean(content)
    if content.strip() and "<" not in cleaned:
        return from_text(html.unescape(cleaned))
    return cleaned.strip()


def removed(kind: Kind, content: str) -> list[str]:
    """What `to_html` takes away, in words: `script`, `onclick of p`, `href of a`; each once, in the order met."""
    if kind == "text":
        return []
    root = LexborHTMLParser(_markdown().render(content) if kind == "markdown" else content).root
    found: dict[str, None] = {}
    for node in root.traverse() if root is not None else ():
        tag = node.tag or ""
        if tag not in _PAGE and tag not in TAGS and tag != "h1":
            found |= {} if tag.startswith("-") else {tag: None}  # texts and comments have names of that kind
            continue
        for name, value in node.attributes.items():
            known = name in ATTRIBUTES.get(tag, ()) or name in ATTRIBUTES["*"] or name == "rel"
            if not known or (name in _ADDRESSES and not _leads_to_a_page(value or "")):
                found[f"{name} of {tag}"] = None
    return list(found)


def _leads_to_a_page(address: str) -> bool:
    return not _scheme.match(address) or _allowed.match(address.strip()) is not None


_PAGE = {"html", "head", "body"}
_ADDRESSES = {"href", "src", "cite"}
_scheme = re.compile(r"[\s\x00-\x1f]*[A-Za-z][A-Za-z0-9+.\-\s]*:")
_allowed = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)


def from_text(text: str) -> str:
    """Paragraphs of plain text, separated by blank lines, as HTML."""
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in paragraphs if part)


def to_text(body: str) -> str:
    """The words of a sanitised body: paragraphs and list items separated by blank lines."""
    return "\n\n".join(text for _, text, _ in _parts(body) if text)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, list item … of a body. `id` stays while its text and kind stay the same."""

    id: str
    type: str
    text: str
    html: str


_SIMPLE = re.compile(r"<p>([^<]*)</p>\s*")


def blocks(body: str) -> list[Block]:
    """The body's blocks in reading order, nothing twice: a list or quotation is taken apart into its own blocks."""
    return _with_ids(_parts(body))


def _parts(body: str) -> list[tuple[str, str, str]]:
    simple = _SIMPLE.findall(body)
    if simple and _SIMPLE.sub("", body) == "":  # plain paragraphs, as most archives have: no parser needed
        return [("paragraph", html.unescape(text).strip(), f"<p>{text}</p>") for text in simple]
    root = LexborHTMLParser(body).body
    return list(_walk(root)) if root is not None else []


_TYPES = {
    "p": "paragraph", "li": "list_item", "blockquote": "quote", "pre": "code", "figure": "figure", "img": "image",
    "table": "table", "hr": "separator", "dt": "term", "dd": "definition",
}  # fmt: skip
_CONTAINERS = {"div", "section", "aside", "details", "ul", "ol", "dl", "blockquote", "body"}
_LEAVES = {*_TYPES, "h1", "h2", "h3", "h4", "h5", "h6"} - _CONTAINERS


def _walk(parent: LexborNode) -> Iterator[tuple[str, str, str]]:
    kind = _TYPES.get(parent.tag or "", "paragraph")
    loose: list[LexborNode] = []
    for node in parent.iter(include_text=True):
        if node.tag in _CONTAINERS or node.tag in _LEAVES:
            yield from _flush(loose, kind)
            loose = []
            yield from _walk(node) if node.tag in _CONTAINERS else _leaf(node)
        else:
            loose.append(node)
    yield from _flush(loose, kind)


def _flush(nodes: list[LexborNode], kind: str) -> Iterator[tuple[str, str, str]]:
    text = _tidy("".join(_node_text(node) for node in nodes))
    if text:
        markup = "".join(node.html or "" for node in nodes).strip()
        yield kind, text, f"<blockquote>{markup}</blockquote>" if kind == "quote" else f"<p>{markup}</p>"


def _leaf(node: LexborNode) -> Iterator[tuple[str, str, str]]:
    tag = node.tag or ""
    nested = node.css("ul, ol, p") if tag == "li" else []
    if nested:
        yield from _walk(node)
        return
    kind = "heading" if tag[0] == "h" and tag[1:].isdigit() else _TYPES.get(tag, "paragraph")
    if tag == "img":
        text = node.attributes.get("alt") or ""
    elif tag == "pre":
        text = node.text(deep=True)
    elif tag == "table":
        text = "\n".join(" | ".join(_tidy(cell.text()) for cell in row.css("td, th")) for row in node.css("tr"))
    else:
        text = _tidy(_node_text(node))
    yield kind, text.strip(), node.html or ""


def _node_text(node: LexborNode) -> str:
    if node.tag == "-text":
        return node.text_content or ""
    if node.tag in ("br", "wbr"):
        return " "
    return "".join(_node_text(child) for child in node.iter(include_text=True))


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _with_ids(found: list[tuple[str, str, str]]) -> list[Block]:
    seen: dict[str, int] = {}
    out = []
    for kind, text, markup in found:
        digest = hashlib.blake2b(f"{kind}\0{text or markup}".encode(), digest_size=6).hexdigest()
        seen[digest] = seen.get(digest, 0) + 1
        out.append(Block(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}", kind, text, markup))
    return out


def count_words(content: str) -> int:
    """Words as a reader counts them; a character each in scripts that put no spaces between words."""
    if content.isascii():  # the same in half the time: runs, less those that are joined to the one before
        return len(runs(content)) - len(_joint.findall(content))
    characters = len(_cjk.findall(content))
    return characters + len(_word.findall(_cjk.sub(" ", content) if characters else content))


def reading_minutes(words: int) -> int:
    """Minutes at WORDS_A_MINUTE, at least 1 where there is anything to read."""
    return 0 if words == 0 else max(1, round(words / WORDS_A_MINUTE))
