"""The head and the end of a body: title, byline, dateline and related posts go to their fields where those are empty.
Never loses a word of the rest."""

from dataclasses import replace

from selectolax.lexbor import LexborNode

from app.importers.document import Document, DocumentBody, SourceDate, SourceDateline
from app.importers.records.text_fields import extract_text
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.bylines import read_opening_byline
from app.importers.text_parts.datelines import split_dateline
from app.importers.text_parts.related_block_html import split_related
from app.text.keys import words_key

NEAR = 400
"""Characters from the beginning of a body within which it may repeat its own standfirst."""


def extract_head(document: Document) -> Document:
    """The document with its dateline and its related posts in their fields."""
    if document.body is None or document.body.kind == "markdown":
        return document
    if document.body.kind == "text":
        first, cut, below = document.body.content.partition("\n\n")
        dateline, opening = split_dateline(first, document.published)
        if document.dateline or dateline is None:
            return document
        body = DocumentBody("text", f"{opening}{cut if opening else ''}{below}")
        return replace(document, dateline=dateline, body=body if body.content else None)
    content, posts = (document.body.content, ()) if document.related else split_related(document.body.content)
    names, content = split_byline(content, document.authors)
    opening_dateline, content = (None, content) if document.dateline else split_opening(content, document.published)
    return replace(
        document,
        body=DocumentBody("html", content),
        authors=document.authors or names,
        related=document.related or posts,
        dateline=document.dateline or opening_dateline,
    )


def add_standfirst(document: Document, standfirst: str | None) -> Document:
    """With the standfirst, unless it says what the document begins with anyhow."""
    return (
        replace(document, standfirst=standfirst) if standfirst and not is_repetition(standfirst, document) else document
    )


def add_note(document: Document, note: str) -> Document:
    """With a sentence for people."""
    return replace(document, notes=(*document.notes, note))


def is_repetition(standfirst: str, document: Document) -> bool:
    """Whether a standfirst is the title again, or the first words of the body, which may be cut short."""
    key = words_key(standfirst)
    opening = words_key(extract_text(document.body)[:2_000]) if document.body else ""
    return not key or key == words_key(document.title or "") or key[:60] in opening[: len(key[:60]) + NEAR]


def remove_title(html: str, title: str | None) -> str:
    """The body without a heading among its first ones that is the title again."""
    key = words_key(title or "")
    body = html_trees.parse_fragment(html) if key else None
    for node in body.css("h1, h2")[:3] if body is not None else ():
        if body is not None and words_key(node.text(separator=" ")) == key:
            node.decompose()
            return (body.inner_html or "").strip()
    return html


def split_byline(html: str, authors: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The authors that a first paragraph names, and the body without it; a byline that names others than the known
    ones stays where it is, and so does one that says more than names."""
    body = html_trees.parse_fragment(html)
    first = body.css_first("p") if body is not None else None
    text = clean.join_lines(first.text()) if first is not None else ""
    byline = read_opening_byline(text) if text else None
    names = byline.names if byline else ()
    if body is None or first is None or byline is None or not names or (authors and not set(names) <= set(authors)):
        return authors, html
    if byline.rest:
        return names, html
    first.decompose()
    return names, (body.inner_html or "").strip()


def split_opening(html: str, published: SourceDate | None) -> tuple[SourceDateline | None, str]:
    """The dateline and the body without it; None and the body as it was where its first paragraph has none.

    `published` lends its year to a dateline without one.
    """
    body = html_trees.parse_fragment(html)
    first = body.css_first("p") if body is not None else None
    if body is None or first is None:
        return None, html
    text = clean.join_lines(first.text())
    dateline, rest = split_dateline(text, published)
    if dateline is None or not text.endswith(rest):
        return None, html
    # By count of letters: the text was read on one line, and the markup has its white space elsewhere.
    _cut_characters(first, len(_keep_letters(text)) - len(_keep_letters(rest)))
    return dateline, (body.inner_html or "").strip()


def _keep_letters(text: str) -> str:
    return "".join(text.split())


def _cut_characters(paragraph: LexborNode, count: int) -> None:
    """Takes that many characters, white space not counted, from the head; and the paragraph, if nothing is left."""
    for node in [one for one in paragraph.traverse(include_text=True) if one.is_text_node]:
        text = node.text_content or ""
        position = 0
        while position < len(text) and (count or text[position].isspace()):
            count -= not text[position].isspace()
            position += 1
        node.replace_with(text[position:])
        if count == 0 and text[position:]:
            break
    for node in paragraph.css("b, strong, em, i, span"):
        if not node.text().strip() and node.css_first("img") is None:
            node.decompose()
    if not paragraph.text().strip() and paragraph.css_first("img") is None:
        paragraph.decompose()
