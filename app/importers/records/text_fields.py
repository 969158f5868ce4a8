"""The texts of a record: its body, in whatever notation, and its standfirst; and their words, for a title."""

import re
from collections.abc import Sequence

from app.importers.document import BodyKind, Document, DocumentBody
from app.importers.records import rich_text, values
from app.importers.records.record_reader import RecordReader
from app.importers.text_parts import html_trees, references
from app.importers.text_parts.prose import cut_title

_MARKDOWN = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)|^\s*(?:#+|>|[-*+]|\d+\.)\s+|[*_`]{1,3}|\{\{.*?\}\}", re.MULTILINE)


def derive_title(document: Document) -> str:
    """The first words of the body; of a body without words, the slug, the id or the place it came from."""
    body = document.body
    words = cut_title(extract_text(body)) if body else ""
    return words or (document.slug or document.external_id or document.where).replace("-", " ")


def extract_text(body: DocumentBody) -> str:
    """The words of a body, for its first ones: markup goes, roughly in the case of Markdown."""
    if body.kind == "text":
        return body.content
    if body.kind == "html":
        tree = html_trees.parse_html(body.content[:20_000])
        tree.strip_tags(["script", "style"], recursive=True)
        root = tree.body
        return root.text(separator=" ") if root else ""
    return _MARKDOWN.sub(lambda hit: hit[1] or "", body.content[:2_000])


def read_body(reader: RecordReader) -> DocumentBody | None:
    stated_kind: BodyKind | None = reader.context.body_kind
    if "body_format" in reader.known:
        name, value = reader.known.pop("body_format")
        kind = values.KINDS.get(value.lower()) if isinstance(value, str) else None
        stated_kind = kind or stated_kind
        if kind is None:
            reader.extra[name] = value
    if "body" not in reader.known:
        return None
    name, value = reader.known["body"]
    if (nodes := rich_text.find_tree(value)) is not None:
        return _read_rich_text(reader, nodes)
    body = values.read_body(name, value, stated_kind)
    if body is not None and isinstance(value, dict) and len(value) > 1 and not reader.is_own:
        reader.extra[name] = value  # its other kinds may say what this one does not
    if body is None and not (isinstance(value, str) and not value.strip()):
        reader.keep_unread("body", "could not be read")
        reader.has_unread_body = True
    is_said = stated_kind is not None or isinstance(value, dict) or name.lower().endswith("text")
    if body is not None and body.kind == "text" and not is_said and references.has_references(body.content):
        reader.notes.setdefault(f"{name}: read as plain text, character references stand as they are")
    return body


def _read_rich_text(reader: RecordReader, nodes: Sequence[object]) -> DocumentBody | None:
    """The text of a tree of nodes; the tree stays as it is where there is more in it."""
    name, value = reader.known["body"]
    notes: dict[str, None] = {}
    body = values.make_body(rich_text.convert(nodes, notes.setdefault), "html")
    reader.notes |= {f"{name}: {note}": None for note in notes}
    if notes:
        reader.extra[name] = value
        reader.has_unread_body = body is None or not extract_text(body).strip()
    return body


def read_standfirst(reader: RecordReader) -> str | None:
    """Plain text; of HTML the words, those of different paragraphs apart. What this archive wrote is left alone."""
    value = reader.known.get("standfirst", ("", None))[1]
    # Tags that were written as references are words: `Use &lt;div&gt;`.
    is_plain = reader.is_own or "standfirst" in reader.resolved
    if is_plain or not isinstance(value, str) or not values.is_html(value):
        return reader.read_text("standfirst")
    reader.notes.setdefault(f"{reader.known['standfirst'][0]}: markup removed")
    return values.read_text(extract_text(DocumentBody("html", value)))
