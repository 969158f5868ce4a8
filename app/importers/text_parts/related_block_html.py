"""Blocks of related posts at the end of an article's HTML, taken out of the body and read as posts.

Never takes words of the article away: under a known heading only links and short titles may follow, to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from app.importers.document import RelatedReference
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.related_block_text import MAX_ENTRIES, MAX_ENTRY, MAX_TITLE, is_heading

MAX_NOTE = 80
"""Characters that may stand beside a link without being prose: a date, a section, "3 min read"."""
MAX_EXCERPT = 400
"""The same inside a container whose class says that it holds related posts."""

_KNOWN = ", ".join(
    f".{name}"
    for name in (
        "jp-relatedposts",
        "yarpp",
        "yarpp-related",
        "related-posts",
        "related_posts",
        "relatedposts",
        "related-articles",
        "related-stories",
        "wp-block-jetpack-related-posts",
        "crp_related",
        "rp4wp-related-posts",
        "wp_rp",
    )
)
_CONTAINERS = frozenset(
    ("div", "section", "aside", "article", "main", "nav", "ul", "ol", "details", "footer", "header", "center", "font")
)
_PROSE = frozenset(("blockquote", "table", "pre", "form", "iframe", "video", "audio", "dl"))
_BLOCKS = _CONTAINERS | _PROSE | frozenset(("p", "li", "h1", "h2", "h3", "h4", "h5", "h6", "figure", "hr"))
_JOINTS = " \t\n\xa0\u200b*_#>»›→▶►•·|:;,./–—-…"
_LOOKS = re.compile(r"<a\b|<li\b|<h[1-6]\b|<p\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _HtmlBlock:
    """A paragraph, heading, list item or run of loose text; `inside` says that something smaller than the page holds
    it."""

    nodes: tuple[LexborNode, ...]
    tag: str
    inside: bool

    @property
    def text(self) -> str:
        return clean.join_lines("".join(node.text() for node in self.nodes))

    @property
    def list_links(self) -> list[LexborNode]:
        own = [node for node in self.nodes if node.tag == "a"]
        # By their places in memory: two nodes are compared by their HTML.
        within = ((node, link) for node in self.nodes if node.tag != "-text" for link in node.css("a"))
        return own + [link for node, link in within if link.mem_id != node.mem_id]

    @property
    def outer_text(self) -> str:
        """The text outside its links, without the signs that join them."""
        texts: list[str] = []
        pending = list(reversed(self.nodes))
        while pending:
            node = pending.pop()
            if node.tag == "-text":
                texts.append(node.text_content or "")
            elif node.tag == "a":
                texts.append(" ")
            else:
                pending += reversed(list(node.iter(include_text=True)))
        return clean.join_lines("".join(texts)).strip(_JOINTS)


def split_related(html: str) -> tuple[str, tuple[RelatedReference, ...]]:
    """The body above its lists of related posts, and the posts: each once, in the order met.

    The body comes back untouched, character for character, where none is found.
    """
    if not _LOOKS.search(html):
        return html, ()
    body = html_trees.parse_fragment(html)
    if body is None:
        return html, ()
    posts = take_related(body)
    return (html, ()) if posts is None else ((body.inner_html or "").strip(), posts)


def take_related(root: LexborNode) -> tuple[RelatedReference, ...] | None:
    """The same for an element of a page, which loses them; None where none is found and nothing was taken out."""
    posts: list[RelatedReference] = []
    is_found = False
    for node in root.css(_KNOWN):
        container_posts = _read_container(node)
        if container_posts is not None:
            is_found = True
            posts += container_posts
            _remove([node])
    tail = _find_tail(root)
    for block in tail:
        posts += _read_entries(block)
    for block in tail:
        _remove(block.nodes)
    return _merge_entries(posts) if is_found or tail else None


def _read_container(container: LexborNode) -> list[RelatedReference] | None:
    """The posts of a container that has the class of one; None where it holds more than links and short texts."""
    posts: list[RelatedReference] = []
    for block in _iterate_backwards(container):
        if block.tag in _PROSE or len(block.outer_text) > MAX_EXCERPT:
            return None
        if block.list_links:
            posts = _read_entries(block) + posts
    return posts


def _find_tail(body: LexborNode) -> list[_HtmlBlock]:
    """The blocks from the first heading of the list at the end; nothing where prose stands behind every heading."""
    blocks: list[_HtmlBlock] = []
    headed: list[_HtmlBlock] = []
    for block in _iterate_backwards(body):
        if _is_picture(block):
            break
        if is_heading(_strip_bullet(block.text)) or (block.list_links and is_heading(block.outer_text)):
            blocks.insert(0, block)
            headed = list(blocks)
        elif len(blocks) < 4 * MAX_ENTRIES and _may_be_entry(block):
            blocks.insert(0, block)
        else:
            break
    return headed if _is_list(headed) else []


def _is_picture(block: _HtmlBlock) -> bool:
    """Whether it shows something and is no link: a picture that closes an article is part of it."""
    shows = any(node.tag == "img" or node.css_first("img") for node in block.nodes if node.tag != "-text")
    return shows and not block.list_links


def _is_list(blocks: list[_HtmlBlock]) -> bool:
    """Whether all of it reads as entries: links with little beside them, or, without any link, titles."""
    entries = [block for block in blocks if block.text and not is_heading(_strip_bullet(block.text))]
    if not any(block.list_links for block in entries):
        return 0 < len(entries) <= MAX_ENTRIES and all(_is_title(block) for block in entries)
    return all(block.list_links or (block.tag == "li" and _is_title(block)) or _is_note(block) for block in entries)


def _is_note(block: _HtmlBlock) -> bool:
    """A date or the like that stands beside a link in a box of its own."""
    return block.inside and block.tag in ("", "figure")


def _may_be_entry(block: _HtmlBlock) -> bool:
    if block.tag in _PROSE:
        return False
    if block.list_links:
        return len(block.outer_text) <= (MAX_NOTE if block.tag == "li" or block.inside else 0)
    return len(block.text) <= MAX_NOTE or _is_title(block)


def _is_title(block: _HtmlBlock) -> bool:
    """Text that ends as a title does, in a paragraph or a list."""
    text = block.text
    good = block.tag in ("p", "li") and 0 < len(text) <= MAX_TITLE
    return good and text[-1] not in ".:;,…" and ". " not in text


def _read_entries(block: _HtmlBlock) -> list[RelatedReference]:
    """The links of a block; of one without, its title."""
    if not block.list_links:
        is_entry = not is_heading(_strip_bullet(block.text)) and _is_title(block)
        return [RelatedReference(block.text)] if is_entry else []
    posts = [
        RelatedReference(clean.join_lines(link.text())[:MAX_TITLE] or None, _read_url(link))
        for link in block.list_links
    ]
    return [
        post
        for post in posts
        if (post.title or post.url) and not (post.title and is_heading(_strip_bullet(post.title)))
    ]


def _merge_entries(posts: list[RelatedReference]) -> tuple[RelatedReference, ...]:
    """One entry for the links of one address, with the words of the first that has any: a picture has none."""
    by_url: dict[str | None, RelatedReference] = {}
    for post in posts:
        key = post.url or post.title
        if key not in by_url or (by_url[key].title is None and post.title):
            by_url[key] = post
    return tuple(by_url.values())[:MAX_ENTRIES]


def _read_url(link: LexborNode) -> str | None:
    address = (link.attributes.get("href") or "").strip()
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE)
    good = scheme is None or scheme[0].lower() in ("http:", "https:")
    return address if good and address.strip("#") and len(address) <= MAX_ENTRY else None


def _strip_bullet(text: str) -> str:
    return text.strip(_JOINTS)


def _iterate_backwards(root: LexborNode) -> Iterator[_HtmlBlock]:
    """The blocks of a tree from its end, opened no further than they are asked for, and without recursion."""
    pending = _split_blocks(root, inside=False)
    while pending:
        block = pending.pop()
        if block.tag in _CONTAINERS:
            pending += _split_blocks(block.nodes[0], inside=block.tag not in ("article", "main"))
        else:
            yield block


def _split_blocks(parent: LexborNode, inside: bool) -> list[_HtmlBlock]:
    blocks: list[_HtmlBlock] = []
    loose: list[LexborNode] = []
    for node in parent.iter(include_text=True):
        if node.tag in _BLOCKS:
            if loose:
                blocks.append(_HtmlBlock(tuple(loose), "", inside))
            loose = []
            blocks.append(_HtmlBlock((node,), node.tag or "", inside))
        else:
            loose.append(node)
    if loose:
        blocks.append(_HtmlBlock(tuple(loose), "", inside))
    return blocks


def _remove(nodes: tuple[LexborNode, ...] | list[LexborNode]) -> None:
    """The nodes, and what is empty without them."""
    for node in nodes:
        parent = node.parent
        node.decompose()
        while parent is not None and parent.tag in _CONTAINERS and not (parent.inner_html or "").strip():
            above = parent.parent
            parent.decompose()
            parent = above
