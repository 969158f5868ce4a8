"""Plain text articles: title, standfirst, dateline, paragraphs, signature, related posts; any part may be missing.

Never loses a word: what is not recognised as another part is body.
"""

import re
from collections.abc import Iterator

from app.importers.document import Document, DocumentBody, Failure, ParseContext, SourceDateline
from app.importers.records import head_lines
from app.importers.text_parts import clean, months
from app.importers.text_parts.bylines import Byline, read_opening_byline
from app.importers.text_parts.datelines import split_dateline
from app.importers.text_parts.prose import cut_title
from app.importers.text_parts.related_block_text import is_signature, split_related

MAX_TITLE = 300
_BLANK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


def parse(data: bytes, where: str, context: ParseContext) -> Iterator[Document | Failure]:
    """One article, or a Failure for a file without text."""
    decoded, notes = clean.decode(data)
    all_notes = dict.fromkeys(notes)
    text = clean.scrub(decoded, all_notes.setdefault)
    blocks = [block.strip("\n") for block in _BLANK.split(text) if block.strip()]
    if blocks:
        yield head_lines.hold(_build_article(blocks, where, tuple(all_notes)), text, context)
    else:
        yield Failure(where, "the file holds no text")


def _build_article(blocks: list[str], where: str, notes: tuple[str, ...]) -> Document:
    above, related = split_related(blocks)
    lines = [clean.join_lines(block) for block in above]
    title, lines = _split_title(lines)
    standfirst, line, dateline, body = _split_opening(lines)
    byline = read_opening_byline(line) if line else Byline()
    signature = body.pop() if len(body) > 1 and is_signature(body[-1]) else None
    return Document(
        where=where,
        title=title or cut_title(body[0] if body else (dateline.text if dateline else where)),
        title_derived=title is None,
        standfirst=standfirst,
        dateline=dateline,
        language=months.find_language(dateline.text) if dateline else None,
        body=DocumentBody("text", "\n\n".join(body)) if body else None,
        authors=byline.names,
        signature=signature,
        related=related,
        extra={"byline": line} if byline.rest else {},  # it says more than names
        notes=notes,
    )


def _split_title(lines: list[str]) -> tuple[str | None, list[str]]:
    """The first paragraph, unless it reads as body: too long, a sentence on its own, or with a dateline."""
    first = lines[0]
    alone = len(lines) == 1 and (len(first) > 120 or first.endswith("."))
    if alone or len(first) > MAX_TITLE or _has_dateline(first):
        return None, lines
    return first, lines[1:]


def _has_dateline(line: str) -> bool:
    dateline, rest = split_dateline(line)
    return dateline is not None and dateline.date is not None and bool(rest)


def _split_opening(
    lines: list[str],
) -> tuple[str | None, str | None, SourceDateline | None, list[str]]:
    """Standfirst, byline, dateline and body: what stands above a dateline is the first two, and only there."""
    byline: str | None = None
    above: list[str] = []
    for index, line in enumerate(lines[:3]):
        dateline, rest = split_dateline(line)
        if dateline:
            return above[0] if above else None, byline, dateline, ([rest] if rest else []) + lines[index + 1 :]
        if byline is None and read_opening_byline(line).names:
            byline = line
        elif above:
            break
        else:
            above.append(line)
    return None, *_split_byline(lines)


def _split_byline(lines: list[str]) -> tuple[str | None, None, list[str]]:
    is_byline = len(lines) > 1 and bool(read_opening_byline(lines[0]).names)
    return (lines[0], None, lines[1:]) if is_byline else (None, None, lines)
