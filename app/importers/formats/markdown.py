"""Markdown articles: front matter, a heading as title, and a list of related posts at the end.

Never renders anything: the body stays Markdown, shortcodes and all.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from app.articles.render.structured import markdown_file
from app.importers.document import Document, DocumentBody, Failure, ParseContext
from app.importers.formats import frontmatter
from app.importers.records import fields, head_lines, text_fields
from app.importers.records.values import make_body
from app.importers.records.values import read_text as one_line
from app.importers.text_parts import clean
from app.importers.text_parts.datelines import split_dateline
from app.importers.text_parts.related_block_text import is_bulleted, is_heading, is_signature, split_related

NOTE_TITLE = "the title is the first heading"

_HEADING = re.compile(
    r"\s*+(?:(?P<level>#{1,6})[ \t]+(?P<hash>[^\n]+)|(?P<ruled>[^\n]+)\n(?P<rule>=+|-+)[ \t]*)(?:\n|$)"
)
_BLANK = re.compile(r"\n(?:[^\S\n]*\n)+")


def parse(data: bytes, where: str, context: ParseContext) -> Iterator[Document | Failure]:
    """One article, or a Failure: `where:line` with the reason, if its front matter is broken."""
    decoded, guessed = clean.decode(data)
    notes = dict.fromkeys(guessed)
    text = clean.scrub(decoded, notes.setdefault)
    try:
        record, content = frontmatter.split_front_matter(text)
        scrubbed = clean.scrub_value(dict(record), notes.setdefault)
    except frontmatter.FrontMatterError as error:
        yield Failure(f"{where}:{error.line}", str(error))
        return
    except ValueError as error:
        yield Failure(where, str(error))
        return
    document = _build_article(scrubbed if isinstance(scrubbed, dict) else {}, content, where, context, tuple(notes))
    yield document if isinstance(document, Failure) or document.is_own else head_lines.hold(document, content, context)


def _build_article(
    record: dict[str, object], content: str, where: str, context: ParseContext, notes: tuple[str, ...]
) -> Document | Failure:
    heading, below = _split_heading(content)
    body = make_body(content, "markdown")
    document = fields.read_record(record, where, context, notes, body)
    if isinstance(document, Failure):
        return document
    if document.is_own:
        # What stands around the body is in the front matter, and a body that ends in a list is one.
        return replace(document, body=make_body(markdown_file.cut_body(content, record), "markdown"))
    if heading and document.title_derived:
        document = _add_title(document, heading, below)
    elif heading and heading[1] == 1 and heading[0] == document.title:
        document = replace(document, body=make_body(below, "markdown"))
    return _split_tail(_split_head(document))


def _add_title(document: Document, heading: tuple[str, int], below: str) -> Document:
    """A first heading is the title; one of a lower level stays in the body as well, as it may head a part."""
    title, level = heading
    if level == 1:
        return replace(document, title=title, title_derived=False, body=make_body(below, "markdown"))
    return replace(document, title=title, notes=(*document.notes, NOTE_TITLE))


def _split_heading(content: str) -> tuple[tuple[str, int] | None, str]:
    """Text and level (1 to 6) of a heading that opens the text, and what is below it."""
    match = _HEADING.match(content)
    if not match:
        return None, content
    level = len(match["level"]) if match["level"] else 1 if match["rule"][0] == "=" else 2
    title = one_line(
        text_fields.extract_text(DocumentBody("markdown", (match["hash"] or match["ruled"]).rstrip("# \t")))
    )
    return ((title, level) if title else None), content[match.end() :]


def _split_head(document: Document) -> Document:
    """A dateline with a date moves from the first paragraph to its own field, if that is empty."""
    if document.dateline or not document.body or document.body.kind != "markdown":
        return document
    first, *rest = _BLANK.split(document.body.content, maxsplit=1)
    dateline, opening = split_dateline(first, document.published)
    if not dateline or not dateline.date:
        return document
    body = make_body("\n\n".join(part for part in (opening, *rest) if part.strip()), "markdown")
    return replace(document, dateline=dateline, body=body)


def _split_tail(document: Document) -> Document:
    """Related posts and signature move from the end of the body to their fields, if those are empty."""
    if not document.body or document.body.kind != "markdown" or document.related:
        return document
    blocks = _BLANK.split(document.body.content)
    above, related = split_related(blocks)
    if not related or not _is_list(blocks[len(above) :]):
        above, related = blocks, ()
    signature = document.signature
    if signature is None and len(above) > 1 and is_signature(above[-1]):
        signature = above.pop().strip()
    if not related and signature is document.signature:
        return document
    body = _cut_body(document.body.content, above)
    return replace(document, body=body, related=related, signature=signature)


def _cut_body(content: str, above: list[str]) -> DocumentBody | None:
    """The text as it stood down to the last of the blocks, blank lines and all."""
    position = 0
    for block in above:
        position = content.index(block, position) + len(block)
    return make_body(content[:position], "markdown")


def _is_list(blocks: list[str]) -> bool:
    """In Markdown only list items and links are entries: a paragraph under such a heading is prose."""
    lines = [line.strip() for block in blocks for line in block.split("\n") if line.strip()]
    return all(is_bulleted(line) or is_heading(line) or line.startswith(("[", "<")) for line in lines)
