"""The text of a web page without what stands around it, by way of trafilatura.

Never fetches anything, and gives no more than the page holds.
"""

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from app.importers.document import RelatedReference
from app.importers.formats.pages import lost_text
from app.importers.formats.pages.page_pictures import make_absolute, read_file_name
from app.importers.records.article_head import remove_title
from app.importers.text_parts import html_markup, html_trees, related_block_html

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


def take_related(page: LexborHTMLParser) -> tuple[RelatedReference, ...]:
    """The related posts at the end of the page's article, which the page loses: extraction would lose their links."""
    places = [*page.css(_ENDS)[-MAX_PLACES:], *([page.body] if page.body is not None else [])]
    posts = [post for place in places for post in related_block_html.take_related(place) or ()]
    return tuple({post.url or post.title: post for post in posts}.values())


def take_invitations(page: LexborHTMLParser, selectors: tuple[str, ...]) -> None:
    """Takes out what invites readers to subscribe: an element that the page says is behind its paywall, or whose class
    does, if it is no more than that. What is the story itself stays, wherever it stands."""
    for selector in (*selectors, _PAYWALLS):
        for node in _select(page, selector):
            text = _read_text(node)
            if node.tag not in _FRAME and len(text.split()) <= MOST_OF_INVITATION and _INVITES.search(text):
                node.decompose()


def _select(page: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """Nothing for a selector of a page that is none."""
    try:
        return page.css(selector) if selector else []
    except SelectolaxError:
        return []


@dataclass(frozen=True, slots=True)
class ExtractedBody:
    """`content` is HTML that is not sanitised yet, `pictures` are the names of those that stand in the article on its
    page, whether the content has them or not, `picture_urls` the addresses of those that were found between the
    headline and the end of the text, which may stand outside of the content. `may_lack_words`: the page has more words
    between its first and last paragraph than could be put back."""

    content: str = ""
    pictures: tuple[str, ...] = ()
    picture_urls: tuple[str, ...] = ()
    may_lack_words: bool = False


def extract_body(page: LexborHTMLParser, title: str | None, address: str | None) -> ExtractedBody:
    """The article, links made absolute where the page's address is known.

    Empty where the page holds no text. The page is changed: what readers cannot see is taken out.
    """
    _remove_invisible(page)
    # It warns of every page that holds no article; that is said in the report.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    extracted = trafilatura.extract(
        page.html or "",
        output_format="html",
        include_comments=False,
        include_formatting=True,
        include_links=True,
        include_images=True,
        include_tables=True,
    )
    whole = lost_text.restore_text(page, extracted) if extracted else lost_text.RestoredText()
    body = _choose_fuller(page, html_trees.parse_fragment(whole.content or extracted or ""))
    if body is None:
        return ExtractedBody()
    base = find_base(page, address)
    html_markup.reveal_pictures(body)
    if base:
        _resolve_links(body, base)
    content = remove_title((body.inner_html or "").strip(), title)
    picture_urls = tuple(_list_picture_urls(page, extracted or "", whole.pictures))
    return ExtractedBody(content, whole.pictures, picture_urls, whole.may_lack_words)


def _list_picture_urls(page: LexborHTMLParser, extracted: str, within: Collection[str]) -> list[str]:
    """Behind the last words only those `within` the article on its page: the others are of an author, or of what the
    site goes on with."""
    on_page = {node.attributes.get("src"): html_markup.find_shown_url(node) for node in page.css("img[src]")}
    addresses: list[str] = []
    count = 0
    body = html_trees.parse_fragment(extracted)
    for node in body.traverse(include_text=True) if body is not None else ():
        if node.tag == "img":
            address = node.attributes.get("src")
            addresses.append(on_page.get(address) or address or "")
        elif node.tag == "-text" and node.text().strip():
            count = len(addresses)
    return [one for i, one in enumerate(addresses) if one and (i < count or read_file_name(one) in within)]


def _choose_fuller(page: LexborHTMLParser, extracted: LexborNode | None) -> LexborNode | None:
    """What was found, or the element that is marked as the article, where that has much more text in paragraphs."""
    marked = page.css('[itemprop="articleBody"]') or page.css("article")
    if len(marked) != 1:
        return extracted
    for node in marked[0].css(_AROUND):
        node.decompose()
    linked = sum(len(link.text()) for link in marked[0].css("a"))
    length = len(_read_text(marked[0])) - 2 * linked
    return marked[0] if length > MUCH_MORE * (len(_read_text(extracted)) if extracted is not None else 0) else extracted


def _read_text(node: LexborNode) -> str:
    return " ".join(node.text(separator=" ").split())


def measure_link_share(page: LexborHTMLParser, body: str) -> float:
    """How much of the text of a body is text of links on its page, from 0 to 1; names of two words do not count."""
    tree = html_trees.parse_fragment(body)
    text = _read_text(tree) if tree is not None else ""
    links = {link_text for link in page.css("a") if (link_text := _read_text(link)).count(" ") > 1}
    return sum(len(link) for link in links if link in text) / max(1, len(text))


def find_base(page: LexborHTMLParser, address: str | None) -> str | None:
    """What relative addresses count from; None for a page whose own is not known."""
    node = page.css_first("base[href]")
    base = make_absolute(address, (node.attributes.get("href") or "").strip()) if node is not None else address
    return base if base and base.startswith(("http://", "https://")) else None


def _remove_invisible(page: LexborHTMLParser) -> None:
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


def _resolve_links(body: LexborNode, base: str) -> None:
    for selector, name in (("a[href]", "href"), ("img[src]", "src")):
        for node in body.css(selector):
            value = (node.attributes.get(name) or "").strip()
            if value and not value.startswith("#") and not _SCHEME.match(value):
                node.attrs[name] = make_absolute(base, value)
