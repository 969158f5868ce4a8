"""Posts of a Medium export (`posts/*.html`), one a file. Pure.

Never takes a draft for public, nor what seems to be a response to somebody else's post. Comes with its own title in the
text, which is taken out there, as is the subtitle.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers.document import Document, DocumentBody, DocumentImage, Failure, Item, ParseContext, SourceDate
from app.importers.formats.exports.publication import PUBLIC, PublicationState, make_held
from app.importers.records import values, visibility
from app.importers.records.article_head import extract_head, is_repetition
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.prose import cut_title
from app.text.keys import words_key

ORIGIN = "medium.com"
"""Ids of posts are unique in all of Medium."""
MAX_PAGE = 16_000_000
_ID = re.compile(r"(?:^|[-/_])([0-9a-f]{8,14})$")
_TITLES = ".graf--title, .graf--leading.graf--h2, .graf--leading.graf--h3"
_UNTITLED = "Untitled"


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """One article, or a Failure."""
    data = stream.read(MAX_PAGE + 1)
    if len(data) > MAX_PAGE:
        yield Failure(where, f"the page is larger than {MAX_PAGE // 1_000_000} MB")
        return
    decoded, guessed = clean.decode(data)
    notes = dict.fromkeys(guessed)
    text = clean.scrub(decoded, notes.setdefault)
    text = html_trees.flatten(text, notes.setdefault)
    yield _read_post(text, where, context, notes)


def _read_post(text: str, where: str, context: ParseContext, notes: dict[str, None]) -> Document | Failure:
    page = LexborHTMLParser(text)
    content = page.css_first('section[data-field="body"]')
    title = _read_words(page.css_first("h1.p-name")) or _read_words(page.css_first("title"))
    subtitle = _read_words(page.css_first('section[data-field="subtitle"]'))
    if content is None or not (title or content.text().strip()):
        return Failure(where, "no post of Medium: it has no text")
    titled = _take_title(content, title, subtitle)
    link = _read_url(page.css_first("a.p-canonical"))
    state = _read_state(page, where, is_response=_is_response(title, subtitle, content, titled=titled))
    images, fields = tuple(_list_images(content)), DateFields(context, notes.setdefault)
    for rule in content.css("div.section-divider, hr.section-divider"):
        rule.decompose()
    body = _unwrap(content)
    given_title = title if title and title != _UNTITLED else None
    document = Document(
        where=where,
        external_id=_find_id(page, link, where),
        origin=ORIGIN,
        url=link,
        slug=_find_slug(link),
        title=given_title or cut_title(content.text(separator=" ")) or title,
        title_derived=given_title is None,
        body=DocumentBody("html", body)
        if content.text().strip() or content.css_first("img, iframe") is not None
        else None,
        authors=tuple(dict.fromkeys(name for node in page.css(".p-author") if (name := _read_words(node)))),
        tags=tuple(dict.fromkeys(name for node in page.css(".p-tag, .p-tags a") if (name := _read_words(node)))),
        images=images,
        published=_read_date(page.css_first("time.dt-published"), fields),
        status=state.status,
        extra=fields.unread,
        notes=(*notes, *state.notes),
    )
    if subtitle and not is_repetition(subtitle, document) and not _is_cut_from_text(subtitle, content):
        document = replace(document, standfirst=subtitle)
    return extract_head(document)


def _unwrap(content: LexborNode) -> str:
    """The text without the blocks of the page's layout, each of which is around whole paragraphs."""
    inner = LexborHTMLParser(content.inner_html or "")
    inner.unwrap_tags(["section", "div"])
    return (inner.body.inner_html or "").strip() if inner.body is not None else ""


def _is_cut_from_text(subtitle: str, content: LexborNode) -> bool:
    """Whether Medium made the subtitle of a sentence in the text, wherever that stands there."""
    return subtitle.endswith("…") and words_key(subtitle)[:60] in words_key(content.text(separator=" "))


def _read_words(node: LexborNode | None) -> str | None:
    return values.read_text(node.text()) if node is not None else None


def _take_title(content: LexborNode, title: str | None, subtitle: str | None) -> bool:
    """Takes the title, and the subtitle below it, out of the text; whether the text had its title."""
    first = content.css_first(_TITLES)
    if first is None or words_key(first.text()) != words_key(title or ""):
        return False
    first.decompose()
    below = content.css_first(".graf--subtitle")
    if below is not None and subtitle and words_key(below.text()) == words_key(subtitle):
        below.decompose()
    return True


def _is_response(title: str | None, subtitle: str | None, content: LexborNode, *, titled: bool) -> bool:
    """A response has no title but the first words of its text, which the export makes its title."""
    key = words_key(title or "")
    opening = words_key(content.text()[:2_000])
    bare = content.css_first("h1, h2, h3, h4, figure") is None and len(content.css("p")) <= 3
    return not titled and not subtitle and bare and bool(key) and opening.startswith(key)


def _read_state(page: LexborHTMLParser, where: str, *, is_response: bool) -> PublicationState:
    if visibility.read_path(where).status == "draft" or page.css_first("time.dt-published") is None:
        return make_held("a draft")
    return make_held("perhaps a response to another post") if is_response else PUBLIC


def _read_url(link: LexborNode | None) -> str | None:
    url = (link.attributes.get("href") or "").strip() if link is not None else ""
    return url if url.startswith(("http://", "https://")) else None


def _find_id(page: LexborHTMLParser, link: str | None, where: str) -> str:
    """The id that addresses and file names end in; without one the file's name."""
    stem = PurePosixPath(where).stem
    links = [node.attributes.get("href") or "" for node in page.css("footer a")]
    for one in (link or "", *(url for url in links if "medium.com/p/" in url), stem):
        if matched := _ID.search(one.partition("?")[0].rstrip("/")):
            return matched[1]
    return stem


def _find_slug(link: str | None) -> str | None:
    """Of the address, without the id that it ends in."""
    try:
        last = urlsplit(link or "").path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return None
    return _ID.sub("", last) or None


def _list_images(content: LexborNode) -> Iterator[DocumentImage]:
    """The picture that the author chose to lead; the others stay in the text alone."""
    chosen = content.css_first('img[data-is-featured="true"]')
    for node in [chosen] if chosen is not None else []:
        url = (node.attributes.get("src") or "").strip()
        if url.startswith(("http://", "https://")):
            width, height = (values.read_pixels(node.attributes.get(f"data-{side}")) for side in ("width", "height"))
            figure = node.parent
            while figure is not None and figure.tag not in ("figure", "body"):
                figure = figure.parent
            caption = figure.css_first("figcaption") if figure is not None and figure.tag == "figure" else None
            yield DocumentImage(
                url, values.read_text(node.attributes.get("alt")), _read_words(caption), None, width, height
            )


def _read_date(node: LexborNode | None, fields: DateFields) -> SourceDate | None:
    return fields.read("published", node.attributes.get("datetime") or node.text().strip()) if node else None
