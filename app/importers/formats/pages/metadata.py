"""What a web page says about its article: one shape for JSON-LD, meta tags and what stands on the page itself.

Never decides what is true: the places are read apart, and the first that says something is believed.
"""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers.document import Image
from app.importers.records import values
from app.importers.text_parts import clean
from app.importers.text_parts.bylines import opening_byline


@dataclass(frozen=True, slots=True)
class Said:
    """Dates and names stand as written. `author_lines` may be bylines with several names; `body` is plain text.
    `paywall`: CSS selectors of what only subscribers may read, the first of them empty; nothing where all is free."""

    title: str | None = None
    standfirst: str | None = None
    author_lines: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    language: str | None = None
    url: str | None = None
    site: str | None = None
    body: str | None = None
    work_status: str | None = None
    expires: str | None = None
    paywall: tuple[str, ...] = ()


_STATE = re.compile(r"(?:^|\s)status-(draft|pending|private|future)(?:\s|$)")
_NAMES = tuple(field.name for field in fields(Said))


def first_of(places: Iterable[Said]) -> Said:
    """Each fact from the first place that has it."""
    found: dict[str, object] = {}
    for place in places:
        found = {name: getattr(place, name) for name in _NAMES if getattr(place, name)} | found
    return Said(**found)  # type: ignore[arg-type] # names and types are those of Said itself


def line(text: str | None) -> str | None:
    """One line without character references, which many templates escape twice."""
    return clean.line(html.unescape(text)) or None if text else None


def words(node: LexborNode | None) -> str | None:
    """The text of an element on one line."""
    return line(node.text(separator=" ")) if node is not None else None


def from_meta(page: LexborHTMLParser) -> Said:
    """OpenGraph, Twitter, Dublin Core, Parse.ly and plain meta tags, and the links in the head."""
    given: dict[str, list[str]] = {}
    for meta in page.css("meta[content]"):
        content = line(meta.attributes.get("content"))
        for kind in ("property", "name") if _is_of_another(meta) else ("property", "name", "itemprop"):
            for name in (meta.attributes.get(kind) or "").lower().replace("dc:", "dc.").split():
                if content and content not in given.setdefault(name, []):
                    given[name].append(content)

    def one(*names: str) -> str | None:
        return next((given[name][0] for name in names if given.get(name)), None)

    keywords = given.get("article:tag") or _listed(one("news_keywords", "parsely-tags", "keywords"))
    return Said(
        title=one("og:title", "dc.title", "dcterms.title", "parsely-title", "headline", "twitter:title"),
        standfirst=one("og:description", "dc.description", "dcterms.description", "description", "twitter:description"),
        author_lines=_authors(given),
        published=one(*_PUBLISHED),
        updated=one("article:modified_time", "og:updated_time", "dcterms.modified", "datemodified", "last-modified"),
        sections=tuple(given.get("article:section", given.get("parsely-section", []))[:3]),
        tags=tuple(keywords) if len(keywords) <= _MANY else (),
        images=_image(
            one("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"), one
        ),
        language=one("og:locale", "dc.language", "content-language"),
        url=_canonical(page) or one("og:url", "parsely-link"),
        site=one("og:site_name", "twitter:site_name", "application-name", "dc.publisher"),
        expires=one("article:expiration_time", "og:article:expiration_time"),
    )


def _is_of_another(meta: LexborNode) -> bool:
    """Whether microdata is that of a work which the article cites, or of a comment on it."""
    if "itemprop" not in meta.attributes:
        return False
    one = meta.parent
    while one is not None and one.tag != "body":
        if set((one.attributes.get("itemprop") or "").split()) & _OTHERS:
            return True
        one = one.parent
    return False


_OTHERS = frozenset(("citation", "comment", "review", "hasPart", "isPartOf", "isBasedOn", "relatedLink"))
_MANY = 25
"""More keywords than this were written for search engines of another age."""
_PUBLISHED = (
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.issued",
    "dc.date",
    "dcterms.date",
    "pubdate",
    "publish-date",
    "publish_date",
    "article.published",
    "date",
)


_AUTHORS = (
    *("article:author", "parsely-author", "dc.creator", "dcterms.creator", "author", "sailthru.author"),
    *("byl", "byline", "citation_author"),
)


def _authors(given: dict[str, list[str]]) -> tuple[str, ...]:
    for name in _AUTHORS:
        lines = [one for one in given.get(name, []) if "://" not in one]
        if lines:
            return tuple(lines)
    return ()


def _listed(text: str | None) -> list[str]:
    return list(dict.fromkeys(part for part in map(clean.line, (text or "").split(",")) if part))


def _image(url: str | None, one: Callable[..., str | None]) -> tuple[Image, ...]:
    if not url:
        return ()
    sizes = [values.pixels(one(f"og:image:{side}")) for side in ("width", "height")]
    return (Image(url, one("og:image:alt", "twitter:image:alt"), None, None, *sizes),)


def _canonical(page: LexborHTMLParser) -> str | None:
    link = page.css_first('link[rel="canonical"]')
    return line(link.attributes.get("href")) if link is not None else None


def from_view(page: LexborHTMLParser) -> Said:
    """What readers see: headings, bylines and times marked as such."""
    return Said(
        title=heading(page),
        author_lines=_bylines(page),
        work_status=_state(page),
        language=_language(page),
        site=words(page.css_first('[itemprop="publisher"] [itemprop="name"]')),
    )


def _language(page: LexborHTMLParser) -> str | None:
    given = page.root.attributes if page.root is not None else {}
    return given.get("lang") or given.get("xml:lang") or None


def heading(page: LexborHTMLParser) -> str | None:
    """The one heading of the first level; the article's own where there are several."""
    own = page.css("article h1, main h1, [itemprop=headline]")
    every = page.css("h1")
    chosen = own[0] if own else every[0] if len(every) == 1 else None
    return words(chosen)


def _bylines(page: LexborHTMLParser) -> tuple[str, ...]:
    for selector in _BYLINES:
        lines = [text for node in page.css(selector)[:5] if (text := words(node)) and len(text) <= 120]
        if lines:
            return tuple(dict.fromkeys(lines))
    shown = [text for node in page.css(_NEAR_AUTHORS)[:20] if (text := words(node)) and opening_byline(text)]
    linked = {text for node in page.css(_AUTHOR_PAGES) if (text := words(node)) and len(text) <= 60}
    # Links to several people's pages are those of other articles too.
    return tuple(shown[:1]) or (tuple(linked) if len(linked) == 1 else ())


_NEAR_AUTHORS = '[class*="author" i], [class*="byline" i], address, p'
_AUTHOR_PAGES = 'a[href*="/author/"], a[href*="/authors/"], a[href*="/by/"], a[href*="/writer/"]'

_BYLINES = (
    '[itemprop="author"] [itemprop="name"]',
    '[itemprop="author"]',
    '[rel="author"]',
    ".byline .author, .byline-name, .byline__name, .author-name, .author__name, .entry-author-name",
    ".byline, .p-author, .entry-author, .article-author, .post-author",
    '[class*="byline" i], .author',  # the widest last
)


def _state(page: LexborHTMLParser) -> str | None:
    """The state that themes of WordPress write on an article, for previews that were saved."""
    article = page.css_first('article[class*="status-"], .hentry[class*="status-"]')
    found = _STATE.search(article.attributes.get("class") or "") if article is not None else None
    return found[1] if found else None
