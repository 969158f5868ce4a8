"""Blocks of related posts at the end of an article's HTML, taken out of the body and read as posts.

Never takes words of the article away: under a known heading only links and short titles may follow, to the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from app.importers.document import RelatedPost
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
class _Block:
    """A paragraph, heading, list item or run of loose text; `inside` says that something smaller than the page holds
    it."""

    nodes: tuple[LexborNode, ...]
    tag: str
    inside: bool

    @property
    def text(self) -> str:
        return clean.line("".join(node.text() for node in self.nodes))

    @property
    def links(self) -> list[LexborNode]:
        own = [node for node in self.nodes if node.tag == "a"]
        # By their places in memory: two nodes are compared by their HTML.
        within = ((node, link) for node in self.nodes if node.tag != "-text" for link in node.css("a"))
        return own + [link for node, link in within if link.mem_id != node.mem_id]

    @property
    def beside(self) -> str:
        """The text outside its links, without the signs that join them."""
        found: list[str] = []
        pending = list(reversed(self.nodes))
        while pending:
            node = pending.pop()
            if node.tag == "-text":
                found.append(node.text_content or "")
            elif node.tag == "a":
                found.append(" ")
            else:
                pending += reversed(list(node.iter(include_text=True)))
        return clean.line("".join(found)).strip(_JOINTS)


def split_related(html: str) -> tuple[str, tuple[RelatedPost, ...]]:
    """The body above its lists of related posts, and the posts: each once, in the order met.

    The body comes back untouched, character for character, where none is found.
    """
    if not _LOOKS.search(html):
        return html, ()
    body = html_trees.body_of(html)
    if body is None:
        return html, ()
    posts = take_related(body)
    return (html, ()) if posts is None else ((body.inner_html or "").strip(), posts)


def take_related(root: LexborNode) -> tuple[RelatedPost, ...] | None:
    """The same for an element of a page, which loses them; None where none is found and nothing was taken out."""
    posts: list[RelatedPost] = []
    found = False
    for node in root.css(_KNOWN):
        read = _known(node)
        if read is not None:
            found = True
            posts += read
            _remove([node])
    tail = _tail(root)
    for block in tail:
        posts += _entries(block)
    for block in tail:
        _remove(block.nodes)
    return _once(posts) if found or tail else None


def _known(container: LexborNode) -> list[RelatedPost] | None:
    """The posts of a container that has the class of one; None where it holds more than links and short texts."""
    posts: list[RelatedPost] = []
    for block in _backwards(container):
        if block.tag in _PROSE or len(block.beside) > MAX_EXCERPT:
            return None
        if block.links:
            posts = _entries(block) + posts
    return posts


def _tail(body: LexborNode) -> list[_Block]:
    """The blocks from the first heading of the list at the end; nothing where prose stands behind every heading."""
    blocks: list[_Block] = []
    headed: list[_Block] = []
    for block in _backwards(body):
        if _is_picture(block):
            break
        if is_heading(_bare(block.text)) or (block.links and is_heading(block.beside)):
            blocks.insert(0, block)
            headed = list(blocks)
        elif len(blocks) < 4 * MAX_ENTRIES and _may_be_entry(block):
            blocks.insert(0, block)
        else:
            break
    return headed if _is_list(headed) else []


def _is_picture(block: _Block) -> bool:
    """Whether it shows something and is no link: a picture that closes an article is part of it."""
    shows = any(node.tag == "img" or node.css_first("img") for node in block.nodes if node.tag != "-text")
    return shows and not block.links


def _is_list(blocks: list[_Block]) -> bool:
    """Whether all of it reads as entries: links with little beside them, or, without any link, titles."""
    entries = [block for block in blocks if block.text and not is_heading(_bare(block.text))]
    if not any(block.links for block in entries):
        return 0 < len(entries) <= MAX_ENTRIES and all(_is_title(block) for block in entries)
    return all(block.links or _is_item(block) or _is_note(block) for block in entries)


def _is_item(block: _Block) -> bool:
    return block.tag == "li" and _is_title(block)


def _is_note(block: _Block) -> bool:
    """A date or the like that stands beside a link in a box of its own."""
    return block.inside and block.tag in ("", "figure")


def _may_be_entry(block: _Block) -> bool:
    if block.tag in _PROSE:
        return False
    if block.links:
        limit = MAX_NOTE if block.tag == "li" or block.inside else 0
        return len(block.beside) <= limit
    return len(block.text) <= MAX_NOTE or _is_title(block)


def _is_title(block: _Block) -> bool:
    """Text that ends as a title does, in a paragraph or a list."""
    text = block.text
    good = block.tag in ("p", "li") and 0 < len(text) <= MAX_TITLE
    return good and text[-1] not in ".:;,…" and ". " not in text


def _entries(block: _Block) -> list[RelatedPost]:
    """The links of a block; of one without, its title."""
    if not block.links:
        read = not is_heading(_bare(block.text)) and _is_title(block)
        return [RelatedPost(block.text)] if read else []
    posts = [RelatedPost(_words(link)[:MAX_TITLE] or None, _address(link)) for link in block.links]
    return [post for post in posts if (post.title or post.url) and not (post.title and is_heading(_bare(post.title)))]


def _once(posts: list[RelatedPost]) -> tuple[RelatedPost, ...]:
    """One entry for the links of one address, with the words of the first that has any: a picture has none."""
    kept: dict[str | None, RelatedPost] = {}
    for post in posts:
        key = post.url or post.title
        if key not in kept or (kept[key].title is None and post.title):
            kept[key] = post
    return tuple(kept.values())[:MAX_ENTRIES]


def _words(link: LexborNode) -> str:
    return clean.line(link.text())


def _address(link: LexborNode) -> str | None:
    address = (link.attributes.get("href") or "").strip()
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE)
    good = scheme is None or scheme[0].lower() in ("http:", "https:")
    return address if good and address.strip("#") and len(address) <= MAX_ENTRY else None


def _bare(text: str) -> str:
    return text.strip(_JOINTS)


def _backwards(root: LexborNode) -> Iterator[_Block]:
    """The blocks of a tree from its end, opened no further than they are asked for, and without recursion."""
    pending = _blocks(root, inside=False)
    while pending:
        block = pending.pop()
        if block.tag in _CONTAINERS:
            pending += _blocks(block.nodes[0], inside=block.tag not in ("article", "main"))
        else:
            yield block


def _blocks(parent: LexborNode, inside: bool) -> list[_Block]:
    found: list[_Block] = []
    loose: list[LexborNode] = []
    for node in parent.iter(include_text=True):
        if node.tag in _BLOCKS:
            if loose:
                found.append(_Block(tuple(loose), "", inside))
            loose = []
            found.append(_Block((node,), node.tag or "", inside))
        else:
            loose.append(node)
    if loose:
        found.append(_Block(tuple(loose), "", inside))
    return found


def _remove(nodes: tuple[LexborNode, ...] | list[LexborNode]) -> None:
    """The nodes, and what is empty without them."""
    for node in nodes:
        parent = node.parent
        node.decompose()
        while parent is not None and parent.tag in _CONTAINERS and not (parent.inner_html or "").strip():
            above = parent.parent
            parent.decompose()
            parent = above
