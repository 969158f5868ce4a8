"""The text of a web page without what stands around it, by way of trafilatura.

Never fetches anything, and gives no more than the page holds.
"""

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from app.importers import endings, markup, restoring, trees
from app.importers.document import RelatedPost
from app.importers.openings import without_title
from app.importers.page_pictures import absolute, file_name

MUCH_MORE = 1.4
_AROUND = "nav, aside, footer, form, button, iframe, svg, script, style, noscript, [role=navigation]"
MAX_PLACES = 5
_ENDS = '[itemprop="articleBody"], .entry-content, .post-content, .article-body, article, main'
_HIDDEN = (
    "script, style, template, [hidden], [aria-hidden=true], "
    '[style*="display:none" i], [style*="display: none" i], [style*="visibility:hidden" i], '
    '[style*="visibility: hidden" i], .sharedaddy, .social-share, .share-buttons, .jp-sharing, .wp-block-buttons'
)
_TEASERS = ", ".join(f'article article[class*="{name}" i]' for name in ("teaser", "promo", "related", "card"))
_PAYWALLS = '[class*="paywall" i], [class*="subscribe" i], [class*="regwall" i], [id*="paywall" i]'
_INVITES = re.compile(
    r"subscri|sign in|log ?in|already a|s.?abonner|abonné|abonn|anmelden|suscr|iniciar sesión|assin|abbon|accedi"
    r"|inloggen"
    r"|подпис|войти|prenumer|登録|登录|구독|اشترك",
    re.IGNORECASE,
)
MOST_OF_INVITATION = 120
"""Words beyond which an element behind a paywall is taken for the story."""
_FRAME = frozenset(("html", "body", "main", "article"))
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def take_related(page: LexborHTMLParser) -> tuple[RelatedPost, ...]:
    """The related posts at the end of the page's article, which the page loses: extraction would lose their links."""
    places = [*page.css(_ENDS)[-MAX_PLACES:], *([page.body] if page.body is not None else [])]
    found = [post for place in places for post in endings.take_related(place) or ()]
    return tuple({post.url or post.title: post for post in found}.values())


def take_invitations(page: LexborHTMLParser, selectors: tuple[str, ...]) -> None:
    """Takes out what invites readers to subscribe: an element that the page says is behind its paywall, or whose class
    does, if it is no more than that. What is the story itself stays, wherever it stands."""
    for selector in (*selectors, _PAYWALLS):
        for node in _selected(page, selector):
            text = _text(node)
            if node.tag not in _FRAME and len(text.split()) <= MOST_OF_INVITATION and _INVITES.search(text):
                node.decompose()


def _selected(page: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """Nothing for a selector of a page that is none."""
    try:
        return page.css(selector) if selector else []
    except SelectolaxError:
        return []


@dataclass(frozen=True, slots=True)
class Extracted:
    """`content` is HTML that is not sanitised yet, `pictures` are the names of those that stand in the article on its
    page, whether the content has them or not, `found` the addresses of those that were found between the headline and
    the end of the text, which may stand outside of the content."""

    content: str = ""
    pictures: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


def extract(page: LexborHTMLParser, title: str | None, address: str | None) -> Extracted:
    """The article, links made absolute where the page's address is known.

    Empty where the page holds no text. The page is changed: what readers cannot see is taken out.
    """
    _prune(page)
    # It warns of every page that holds no article; that is said in the report.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found = trafilatura.extract(
        page.html or "",
        output_format="html",
        include_comments=False,
        include_formatting=True,
        include_links=True,
        include_images=True,
        include_tables=True,
    )
    whole = restoring.restore(page, found) if found else restoring.Restored()
    body = _fuller(page, trees.body_of(whole.content or found or ""))
    if body is None:
        return Extracted()
    base = base_of(page, address)
    markup.show_pictures(body)
    if base:
        _resolve(body, base)
    content = without_title((body.inner_html or "").strip(), title)
    return Extracted(content, whole.pictures, tuple(_read_pictures(page, found or "", whole.pictures)))


def _read_pictures(page: LexborHTMLParser, found: str, within: Collection[str]) -> list[str]:
    """Behind the last words only those `within` the article on its page: the others are of an author, or of what the
    site goes on with."""
    on_page = {node.attributes.get("src"): markup.shown_address(node) for node in page.css("img[src]")}
    addresses: list[str] = []
    count = 0
    body = trees.body_of(found)
    for node in body.traverse(include_text=True) if body is not None else ():
        if node.tag == "img":
            address = node.attributes.get("src")
            addresses.append(on_page.get(address) or address or "")
        elif node.tag == "-text" and node.text().strip():
            count = len(addresses)
    return [one for i, one in enumerate(addresses) if one and (i < count or file_name(one) in within)]


def _fuller(page: LexborHTMLParser, found: LexborNode | None) -> LexborNode | None:
    """What was found, or the element that is marked as the article, where that has much more text in paragraphs."""
    marked = page.css('[itemprop="articleBody"]') or page.css("article")
    if len(marked) != 1:
        return found
    for node in marked[0].css(_AROUND):
        node.decompose()
    linked = sum(len(link.text()) for link in marked[0].css("a"))
    length = len(_text(marked[0])) - 2 * linked
    return marked[0] if length > MUCH_MORE * (len(_text(found)) if found is not None else 0) else found


def _text(node: LexborNode) -> str:
    return " ".join(node.text(separator=" ").split())


def linked_share(page: LexborHTMLParser, body: str) -> float:
    """How much of the text of a body is text of links on its page, from 0 to 1; names of two words do not count."""
    tree = trees.body_of(body)
    text = _text(tree) if tree is not None else ""
    links = {found for link in page.css("a") if (found := _text(link)).count(" ") > 1}
    return sum(len(link) for link in links if link in text) / max(1, len(text))


def base_of(page: LexborHTMLParser, address: str | None) -> str | None:
    """What relative addresses count from; None for a page whose own is not known."""
    node = page.css_first("base[href]")
    base = absolute(address, (node.attributes.get("href") or "").strip()) if node is not None else address
    return base if base and base.startswith(("http://", "https://")) else None


def _prune(page: LexborHTMLParser) -> None:
    """Takes out what readers do not see; but no more than half of a page, for scripts show some of them later."""
    body = page.body
    whole = len(body.text()) if body is not None else 0
    for node in page.css(_TEASERS):
        node.decompose()
    for node in page.css(_HIDDEN):
        if node.tag in _FRAME or node.parent is None:
            continue
        if node.tag in ("script", "style", "template") or len(node.text()) < whole / 2:
            node.decompose()


def _resolve(body: LexborNode, base: str) -> None:
    for selector, name in (("a[href]", "href"), ("img[src]", "src")):
        for node in body.css(selector):
            value = (node.attributes.get(name) or "").strip()
            if value and not value.startswith("#") and not _SCHEME.match(value):
                node.attrs[name] = absolute(base, value)
