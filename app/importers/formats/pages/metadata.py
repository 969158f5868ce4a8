"""What a web page says about its article: one shape for JSON-LD, meta tags and what stands on the page itself.

Never decides what is true: the places are read apart, and the first that says something is believed.
"""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers.document import DocumentImage
from app.importers.records import values
from app.importers.text_parts import clean
from app.importers.text_parts.bylines import read_opening_byline


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """Dates and names stand as written. `author_lines` may be bylines with several names; `body` is plain text.
    `paywall`: CSS selectors of what only subscribers may read, the first of them empty; nothing where all is free."""

    title: str | None = None
    standfirst: str | None = None
    author_lines: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    images: tuple[DocumentImage, ...] = ()
    language: str | None = None
    url: str | None = None
    site: str | None = None
    body: str | None = None
    work_status: str | None = None
    expires: str | None = None
    paywall: tuple[str, ...] = ()


_STATE = re.compile(r"(?:^|\s)status-(draft|pending|private|future)(?:\s|$)")
_NAMES = tuple(field.name for field in fields(PageMetadata))


def merge_first(places: Iterable[PageMetadata]) -> PageMetadata:
    """Each fact from the first place that has it."""
    fields: dict[str, object] = {}
    for place in places:
        fields = {name: getattr(place, name) for name in _NAMES if getattr(place, name)} | fields
    return PageMetadata(**fields)  # type: ignore[arg-type] # names and types are those of Said itself


def clean_line(text: str | None) -> str | None:
    """One line without character references, which many templates escape twice."""
    return clean.join_lines(html.unescape(text)) or None if text else None


def read_words(node: LexborNode | None) -> str | None:
    """The text of an element on one line."""
    return clean_line(node.text(separator=" ")) if node is not None else None


def read_meta(page: LexborHTMLParser) -> PageMetadata:
    """OpenGraph, Twitter, Dublin Core, Parse.ly and plain meta tags, and the links in the head."""
    by_name: dict[str, list[str]] = {}
    for meta in page.css("meta[content]"):
        content = clean_line(meta.attributes.get("content"))
        for kind in ("property", "name") if _is_of_other_work(meta) else ("property", "name", "itemprop"):
            for name in (meta.attributes.get(kind) or "").lower().replace("dc:", "dc.").split():
                if content and content not in by_name.setdefault(name, []):
                    by_name[name].append(content)

    def one(*names: str) -> str | None:
        return next((by_name[name][0] for name in names if by_name.get(name)), None)

    keywords = by_name.get("article:tag") or _split_list(one("news_keywords", "parsely-tags", "keywords"))
    return PageMetadata(
        title=one("og:title", "dc.title", "dcterms.title", "parsely-title", "headline", "twitter:title"),
        standfirst=one("og:description", "dc.description", "dcterms.description", "description", "twitter:description"),
        author_lines=_list_authors(by_name),
        published=one(*_PUBLISHED),
        updated=one("article:modified_time", "og:updated_time", "dcterms.modified", "datemodified", "last-modified"),
        sections=tuple(by_name.get("article:section", by_name.get("parsely-section", []))[:3]),
        tags=tuple(keywords) if len(keywords) <= _MANY else (),
        images=_make_image(
            one("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"), one
        ),
        language=one("og:locale", "dc.language", "content-language"),
        url=_read_canonical(page) or one("og:url", "parsely-link"),
        site=one("og:site_name", "twitter:site_name", "application-name", "dc.publisher"),
        expires=one("article:expiration_time", "og:article:expiration_time"),
    )


def _is_of_other_work(meta: LexborNode) -> bool:
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


def _list_authors(by_name: dict[str, list[str]]) -> tuple[str, ...]:
    for name in _AUTHORS:
        lines = [one for one in by_name.get(name, []) if "://" not in one]
        if lines:
            return tuple(lines)
    return ()


def _split_list(text: str | None) -> list[str]:
    return list(dict.fromkeys(part for part in map(clean.join_lines, (text or "").split(",")) if part))


def _make_image(url: str | None, one: Callable[..., str | None]) -> tuple[DocumentImage, ...]:
    if not url:
        return ()
    sizes = [values.read_pixels(one(f"og:image:{side}")) for side in ("width", "height")]
    return (DocumentImage(url, one("og:image:alt", "twitter:image:alt"), None, None, *sizes),)


def _read_canonical(page: LexborHTMLParser) -> str | None:
    link = page.css_first('link[rel="canonical"]')
    return clean_line(link.attributes.get("href")) if link is not None else None


def read_visible(page: LexborHTMLParser) -> PageMetadata:
    """What readers see: headings, bylines and times marked as such."""
    return PageMetadata(
        title=find_heading(page),
        author_lines=_list_bylines(page),
        work_status=_read_state(page),
        language=_read_language(page),
        site=read_words(page.css_first('[itemprop="publisher"] [itemprop="name"]')),
    )


def _read_language(page: LexborHTMLParser) -> str | None:
    attributes = page.root.attributes if page.root is not None else {}
    return attributes.get("lang") or attributes.get("xml:lang") or None


def find_heading(page: LexborHTMLParser) -> str | None:
    """The one heading of the first level; the article's own where there are several."""
    own = page.css("article h1, main h1, [itemprop=headline]")
    every = page.css("h1")
    chosen = own[0] if own else every[0] if len(every) == 1 else None
    return read_words(chosen)


def _list_bylines(page: LexborHTMLParser) -> tuple[str, ...]:
    for selector in _BYLINES:
        lines = [text for node in page.css(selector)[:5] if (text := read_words(node)) and len(text) <= 120]
        if lines:
            return tuple(dict.fromkeys(lines))
    visible_lines = [
        text for node in page.css(_NEAR_AUTHORS)[:20] if (text := read_words(node)) and read_opening_byline(text).names
    ]
    linked = {text for node in page.css(_AUTHOR_PAGES) if (text := read_words(node)) and len(text) <= 60}
    # Links to several people's pages are those of other articles too.
    return tuple(visible_lines[:1]) or (tuple(linked) if len(linked) == 1 else ())


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


def _read_state(page: LexborHTMLParser) -> str | None:
    """The state that themes of WordPress write on an article, for previews that were saved."""
    article = page.css_first('article[class*="status-"], .hentry[class*="status-"]')
    matched = _STATE.search(article.attributes.get("class") or "") if article is not None else None
    return matched[1] if matched else None
