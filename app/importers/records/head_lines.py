"""Lines of data that open a text without a fence around them (`Title: …`, `Status: draft`), as MultiMarkdown, Pelican
and exports of Notion write them, the last below the title.

Never takes prose for data: every line of the block has a name, and its value is short.
"""

import re
from collections.abc import Mapping

from app.importers.document import Document, ParseContext
from app.importers.records import visibility
from app.importers.records.aliases import fold_name
from app.importers.records.visibility_names import CLEARED, EMBARGOES, STATUS

MOST_LINES = 100
_TITLE = re.compile(r"\s*+(?:#{1,6}[ \t][^\n]*\n\s*+)?")
_LINE = re.compile(r"(?P<name>[^\W\d_][\w -]{0,40}):(?:[ \t]+(?P<value>[^\n]*))?(?:\n|\Z)")
_FOLDED = re.compile(r"[ \t]+(?P<value>\S[^\n]*)(?:\n|\Z)")
_ENDS = re.compile(r"[ \t]*(?:-{3,}[ \t]*)?(?:\n|\Z)")
_SURE = STATUS | EMBARGOES | CLEARED | {"draft", "isdraft"}
"""Names that are markers whatever their value is."""
_MOST_WORDS = 5
"""Of a value that can be a marker: `Private: a garden that nobody has seen for years` is prose."""


def split_lines(text: str) -> tuple[Mapping[str, str], str]:
    """The names and values of the first lines, and the text below them; nothing where one of them has no name. What
    stands under a name twice keeps its lines."""
    entries: dict[str, str] = {}
    name, position = "", 0
    for _ in range(MOST_LINES):
        if matched := _LINE.match(text, position):
            name = matched["name"].strip()
            value = (matched["value"] or "").strip()
            entries[name] = f"{entries[name]}\n{value}" if name in entries else value
        elif name and (matched := _FOLDED.match(text, position)):
            entries[name] = f"{entries[name]} {matched['value'].strip()}".strip()
        else:
            break
        position = matched.end()
    end = _ENDS.match(text, position)
    return (entries, text[end.end() :]) if entries and end else ({}, text)


def hold(document: Document, text: str, context: ParseContext) -> Document:
    """The document as a draft where lines of data at the head of its text say that it is not public. They stay in the
    text, for what else they say is not known surely."""
    opening = _TITLE.match(text)
    entries, _ = split_lines(text[opening.end() if opening else 0 :][: 64 * 1024])
    # Prose begins with such names as well: `State: Texas`, `Visibility: good`, `Private: Ryan`.
    said_surely = {
        name: value
        for name, value in entries.items()
        if len(value.split()) <= _MOST_WORDS and (fold_name(name) in _SURE or visibility.is_known_value(value, context))
    }
    marker, notes = visibility.read_record(said_surely, context)
    if marker.status in (None, "published"):
        return document
    said = visibility.cut_ending(next(iter(notes), marker.status))
    return visibility.apply(document, visibility.make_draft(f"its first lines say {said}"))
