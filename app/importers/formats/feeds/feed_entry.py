"""What feedparser found in a feed, as records with the names that NDJSON has, so that both are read alike.

Never reads dates itself, never fills in what an entry does not say but for what Atom lets entries inherit.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from feedparser import FeedParserDict

from app.articles.html import bodies
from app.importers.document import Document, Failure, Item, ParseContext, Remark
from app.importers.formats.feeds import feed_bytes
from app.importers.formats.feeds.feed_links import (
    Record,
    get_exact,
    is_picture,
    list_images,
    list_links,
    read_host,
    read_web_url,
    resolve_files,
)
from app.importers.records import fields, language_codes
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.bylines import split_byline
from app.importers.text_parts.related_block_html import split_related
from app.text import urls
from app.text.keys import words_key

_KIND = "http://schemas.google.com/blogger/2008/kind#"
_NO_ARTICLES = {"comment": "a comment", "settings": "a setting", "template": "the template"}
Note = Callable[[str], object]
_MARKUP = ("text/html", "application/xhtml+xml")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
_INVITING = re.compile(r"(?:continue reading|read more|\(more\)).{0,200}\Z", re.IGNORECASE | re.DOTALL)
_CUT = re.compile(r"\[?(?:…|\.\.\.)\]?\Z")
# WordPress ends each entry with an advertisement of its own.
_LINK = r"<a [^<>]*>[^<>]*</a>"
_APPEARED = re.compile(rf"<p>\s*The post {_LINK} (?:appeared first|first appeared) on {_LINK}\.?\s*</p>\s*\Z")
MOST_OF_STANDFIRST = 600
"""Characters beyond which a summary is suspected to be the whole text."""
SHORT, NEAR = 40, 400
"""A summary longer than SHORT that stands within the first NEAR characters of a text is cut from it."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BLOCKS = "p|div|article|section|blockquote|ul|ol"
_WHOLE = re.compile(rf"\s*<(?:{_BLOCKS}|h[1-6])\b[^<>]*>.*</(?:{_BLOCKS})>\s*\Z", re.DOTALL)
_MAIL = re.compile(r"<?(?<![^\s@<>()])[^\s@<>()]++@[^\s@<>()]++>?")
"""An address of mail, with `mailto:` or without; looked for where a word begins only."""
_CONSUMED = frozenset(
    (
        *("id", "guid", "guidislink", "link", "feedburner_origlink", "href", "title", "summary", "language", "author"),
        *("publisher", "credit", "media_text", "published", "updated", "created"),
    )
)


@dataclass(frozen=True, slots=True)
class FeedContext:
    """What entries take from their feed. `home` is the address of the site that it belongs to."""

    title: str | None
    home: str | None
    language: str | None
    authors: tuple[str, ...]


def read_feed(parsed: FeedParserDict, version: str) -> FeedContext:
    """Authors of a feed are those of its entries in Atom only; in RSS they are who keeps it up."""
    authors = _list_authors(parsed) if version.startswith("atom") else []
    return FeedContext(
        _read_plain(parsed, "title"),
        read_web_url(get_exact(parsed, "link")),
        _read_language(get_exact(parsed, "language")),
        tuple(authors),
    )


def read_entry(entry: FeedParserDict, where: str, context: ParseContext, feed: FeedContext) -> Item:
    """One entry as a document, or the reason why it is none."""
    if (kind := _find_blogger_kind(entry)) in _NO_ARTICLES:
        return Remark(where, f"left out: {_NO_ARTICLES[kind]} of a Blogger export")
    notes: dict[str, None] = {}
    resolve_files(entry, _find_page(entry) or feed.home or context.address, notes.setdefault)
    try:
        entry_record = build_record(entry, feed, notes.setdefault)
    except ValueError as error:
        return Failure(where, str(error))
    return build_item(entry_record, where, context, feed.home, tuple(notes))


def _find_blogger_kind(entry: FeedParserDict) -> str:
    """What Blogger says that an entry is: in a category of its own until 2024, in an element since."""
    tags = get_exact(entry, "tags")
    terms = [str(get_exact(one, "term")) for one in tags if isinstance(one, Mapping)] if isinstance(tags, list) else []
    kinds = [term.removeprefix(_KIND) for term in terms if term.startswith(_KIND)]
    return (kinds[0] if kinds else str(get_exact(entry, "blogger_type") or "")).lower()


def _read_draft(entry: FeedParserDict) -> object:
    """`app:draft` of the Atom Publishing Protocol, by whatever prefix its namespace goes."""
    return next((get_exact(entry, name) for name in _list_draft_names(entry)), get_exact(entry, "draft"))


def _list_draft_names(entry: FeedParserDict) -> list[str]:
    return [name for name in entry if name.endswith("_draft") and f"{name[:-6]}_control" in entry]


def build_item(
    record: Mapping[str, object],
    where: str,
    context: ParseContext,
    home: str | None,
    feed_authors: tuple[str, ...] = (),
) -> Item:
    """The document of an entry. One without an address of its own belongs to the feed's host."""
    notes = dict.fromkeys(feed_authors)
    try:
        scrubbed = clean.scrub_value(record, notes.setdefault)
    except ValueError as error:
        return Failure(where, str(error))
    stated = scrubbed if isinstance(scrubbed, dict) else {}
    document = fields.read_record(stated, where, context, tuple(notes), is_public=True)
    if isinstance(document, Document) and not document.url and not document.origin:
        return replace(document, origin=read_host(home))
    return document


def build_record(entry: FeedParserDict, feed: FeedContext, note: Note = lambda _: None) -> Record:
    """One entry under the names of `aliases.TABLE`; what has no place there keeps its own name."""
    summary, content = _flatten(_read_summary(entry), note), _flatten(_choose_content(entry), note)
    caption, pictures = _type_text(get_exact(entry, feed_bytes.CAPTION), "text/plain"), list_images(entry)
    body, related = _split_tail(content or summary or caption)
    source = get_exact(entry, "source")
    source = source if isinstance(source, Mapping) else {}
    fields: Record = {
        name: value
        for name, value in dict(entry).items()
        if isinstance(value, str) and value and name not in _CONSUMED and not name.endswith(("_detail", "_parsed"))
    }
    fields |= {
        "external_id": get_exact(entry, "id"),
        "url": read_web_url(get_exact(entry, "feedburner_origlink"))
        or _find_page(entry)
        or _find_path(entry, feed.home),
        "canonical_url": next((link["href"] for link in list_links(entry, "canonical")), None),
        "title": _read_plain(entry, "title"),
        "standfirst": choose_standfirst(summary, content) if content else None,
        "body": {body[0]: body[1]} if body else None,
        "authors": _list_authors(entry) or _list_authors(source) or list(feed.authors),
        "tags": _list_tags(entry),
        "language": _read_language(_read_body_language(entry))
        or _read_language(get_exact(entry, "language"))
        or feed.language,
        "source": _make_source(
            _read_plain(source, "title") or feed.title, read_web_url(get_exact(source, "link")) or feed.home
        ),
        "related": [
            *({"title": link.get("title"), "url": link["href"]} for link in list_links(entry, "related")),
            *related,
        ],
        "images": pictures,
        "draft": _read_draft(entry),
        **_read_dates(entry),
    }
    for name in _list_draft_names(entry):  # it is the draft of the table already
        fields.pop(name, None)
    if any(one.get("caption") for one in pictures) or body == caption:
        fields.pop(feed_bytes.CAPTION, None)
    others = [link["href"] for link in list_links(entry, "enclosure") if not is_picture(link)]
    unread = [one for one in _list_contents(entry) if _is_unread(one)]
    for one in unread:
        note(f"content of the type {str(get_exact(one, 'type'))[:60]!r} is not read as a text, kept beside the article")
    fields |= {"unread_content": [get_exact(one, "value") for one in unread]} if unread else {}
    return fields | ({"enclosures": others} if others else {})


def _is_unread(content: Mapping[str, object]) -> bool:
    """Whether something stands there whose type is no text's, such as `base64` in Atom."""
    value, kind = get_exact(content, "value"), get_exact(content, "type")
    return isinstance(value, str) and bool(value.strip()) and _type_text(value, kind) is None


def _flatten(text: tuple[str, str] | None, note: Note) -> tuple[str, str] | None:
    return ("html", html_trees.flatten(text[1], note)) if text and text[0] == "html" else text


def _read_language(value: object) -> str | None:
    code = value.strip() if isinstance(value, str) else ""
    return code if _LANGUAGE.fullmatch(code) else language_codes.read_code(code)


def _find_page(entry: FeedParserDict) -> str | None:
    """The entry's own address; feedparser's `link` may be that of a file beside it."""
    link, pages = read_web_url(get_exact(entry, "link")), [one["href"] for one in list_links(entry, "alternate")]
    return pages[0] if pages and link not in pages else link


def _find_path(entry: FeedParserDict, home: str | None) -> str | None:
    """An address of its own that is written as a path within the feed's site."""
    listed = get_exact(entry, "links")  # only these were written as addresses: `link` may be the entry's id
    links_found = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    href = next((one.get("href") for one in links_found if one.get("rel") == "alternate"), None)
    path = href.strip() if isinstance(href, str) else ""
    return read_web_url(urls.resolve(path, home)) if path and home and not _SCHEME.match(path) else None


def _strip_markup(markup: str) -> str:
    tree = html_trees.parse_html(markup)
    tree.strip_tags(["script", "style"], recursive=True)
    root = tree.body
    return root.text(separator="") if root is not None else ""


def _read_plain(parsed: Mapping[str, object], name: str) -> str | None:
    """A title without markup, where it was said or seen to be HTML."""
    value, detail = get_exact(parsed, name), get_exact(parsed, f"{name}_detail")
    if not isinstance(value, str):
        return None
    kind = get_exact(detail, "type") if isinstance(detail, Mapping) else None
    return (_strip_markup(value) if kind in _MARKUP else value).strip() or None


def _type_text(value: object, kind: object) -> tuple[str, str] | None:
    """A text as (`html` or `text`, content). What is called HTML and has no tags is text with character references."""
    if not isinstance(value, str) or not value.strip():
        return None
    if kind == "text/plain":
        return "text", value
    if kind not in _MARKUP and not (isinstance(kind, str) and kind.startswith("text/")):
        return None
    if "<" not in value:
        value = html.unescape(value)
        # Some feeds escape their HTML twice. A text of elements from its first to its last sign is no text about them.
        if not _WHOLE.match(value):
            return "text", value
    return "html", _APPEARED.sub("", value).rstrip()


def _read_summary(entry: FeedParserDict) -> tuple[str, str] | None:
    detail = get_exact(entry, "summary_detail")
    if not isinstance(detail, Mapping) and _list_contents(entry):
        return None  # feedparser gives a text as its own summary
    return _type_text(
        get_exact(entry, "summary"), get_exact(detail, "type") if isinstance(detail, Mapping) else "text/html"
    )


def _list_contents(entry: FeedParserDict) -> list[Mapping[str, object]]:
    contents = get_exact(entry, "content")
    return [one for one in contents if isinstance(one, Mapping)] if isinstance(contents, list) else []


def _choose_content(entry: FeedParserDict) -> tuple[str, str] | None:
    """The longest of the HTML contents, else of the texts."""
    texts = [
        typed for one in _list_contents(entry) if (typed := _type_text(get_exact(one, "value"), get_exact(one, "type")))
    ]
    return max(texts, key=lambda one: (one[0] == "html", len(one[1])), default=None)


def _split_tail(body: tuple[str, str] | None) -> tuple[tuple[str, str] | None, list[Record]]:
    """The body without what stands at its end about other articles, and those."""
    if body is None or body[0] != "html":
        return body, []
    rest, posts = split_related(body[1])
    return ("html", rest), [{"title": post.title, "url": post.url} for post in posts]


def choose_standfirst(summary: tuple[str, str] | None, content: tuple[str, str]) -> str | None:
    """The summary beside a full text, unless it is nothing but the beginning of that text."""
    if summary is None:
        return None
    words = _separate_paragraphs(("html", _APPEARED.sub("", summary[1])) if summary[0] == "html" else summary)
    beginning = words_key(_CUT.sub("", _INVITING.sub("", words).strip()))
    body = words_key(_separate_paragraphs(content))
    # A summary that is as long as the text is that text again, whatever stands before or behind it.
    is_text = len(beginning) > MOST_OF_STANDFIRST and len(beginning) > len(body) / 2
    repeats = body.startswith(beginning) or (len(beginning) > SHORT and beginning in body[: len(beginning) + NEAR])
    return None if not beginning or is_text or repeats else words


def _separate_paragraphs(text: tuple[str, str]) -> str:
    """The words of a text, those of different paragraphs apart."""
    text_found = bodies.to_text(bodies.to_html("html", text[1])) if text[0] == "html" else text[1]
    return " ".join(text_found.split())


def _read_body_language(entry: FeedParserDict) -> object:
    details = [*_list_contents(entry), *(get_exact(entry, f"{name}_detail") for name in ("summary", "title"))]
    return next((code for one in details if isinstance(one, Mapping) and (code := get_exact(one, "language"))), None)


def _list_authors(parsed: Mapping[str, object]) -> list[str]:
    people = get_exact(parsed, "authors")
    stated_names = (
        [get_exact(one, "name") for one in people if isinstance(one, Mapping)] if isinstance(people, list) else []
    )
    if len(stated_names) == 1:
        # feedparser cuts addresses of mail off after four letters of their last part; what was written is beside it.
        stated_names = [get_exact(parsed, "author") or stated_names[0]]
    plain = [
        _MAIL.sub("", _strip_markup(name) if "&" in name else name) for name in stated_names if isinstance(name, str)
    ]
    names = [name.strip(" ()") for name in plain if name.strip(" ()")]
    return list(dict.fromkeys(_split_names(names[0]) if len(names) == 1 else names))


def _split_names(byline: str) -> tuple[str, ...]:
    """The names in one that may be several; `Lee, Ann` is one."""
    names = split_byline(byline)
    return names if "," not in byline or all(" " in name for name in names) else (byline,)


def _list_tags(entry: FeedParserDict) -> list[str]:
    """Labels before terms; terms that are addresses are for machines."""
    tags = get_exact(entry, "tags")
    labels = (
        [get_exact(one, "label") or get_exact(one, "term") for one in tags if isinstance(one, Mapping)]
        if isinstance(tags, list)
        else []
    )
    return [one for one in labels if isinstance(one, str) and one.strip() and "://" not in one]


def _make_source(title: str | None, url: str | None) -> Record | None:
    return {"name": title, "url": url} if title else None


def list_date_texts(parsed: FeedParserDict) -> list[str]:
    """All dates of a feed's entry as they stand."""
    return [text for name in ("published", "created", "updated") if (text := _read_date(parsed, name))]


def _read_dates(entry: FeedParserDict) -> Record:
    """A feed that has one date only calls it whatever its format does: it is when the entry was published."""
    published, created, updated = (_read_date(entry, name) for name in ("published", "created", "updated"))
    first = published or created or updated
    return {"published_at": first, "updated_at": updated if updated != first else None}


def _read_date(entry: FeedParserDict, name: str) -> str | None:
    """The date as it stands, so that it is kept as exact as it is. What feedparser makes of it is not looked at: it
    reads `2025年7月6日` as the month of the import."""
    text = get_exact(entry, name)
    return text if isinstance(text, str) and text.strip() else None
