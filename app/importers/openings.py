"""The head of an article's HTML: a dateline that opens its first paragraph. Never loses a word of the rest."""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers import clean
from app.importers.datelines import split_dateline
from app.importers.document import Dateline, SourceDate


def split_opening(html: str, published: SourceDate | None) -> tuple[Dateline | None, str]:
    """The dateline and the body without it; None and the body as it was where its first paragraph has none.

    `published` lends its year to a dateline without one.
    """
    body = LexborHTMLParser(html).body
    first = body.css_first("p") if body is not None else None
    if body is None or first is None:
        return None, html
    text = clean.line(first.text())
    dateline, rest = split_dateline(text, published)
    if dateline is None or not text.endswith(rest):
        return None, html
    _cut(first, len(_letters(text)) - len(_letters(rest)))
    return dateline, (body.inner_html or "").strip()


def _letters(text: str) -> str:
    return "".join(text.split())


def _cut(paragraph: LexborNode, count: int) -> None:
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
