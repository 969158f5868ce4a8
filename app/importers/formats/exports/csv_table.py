"""Articles as a table (CSV, RFC 4180): the first line has the names that NDJSON accepts, each further row is one.

What this archive exports as CSV comes back: lists joined by `|`, parts of objects in columns of their own (`tags.name`)
and the quote before cells that a spreadsheet would run. Never guesses what a column without a known name holds.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from app.articles.manuscript import EXTRA, ExportedRow
from app.importers import boundary, dates
from app.importers.document import Document, Failure, Item, ParseContext
from app.importers.formats import csv_head, ndjson
from app.importers.records import aliases, fields, source_hashes, visibility
from app.importers.text_parts import clean

MAX_ROW = ndjson.MAX_LINE
MAX_COLUMNS = 500
_HEAD = 65_536
_GUARDED = re.compile(r"'+[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
"""As `http.csv_text` writes them."""
_PARTS = re.compile(r"\\[\\|]|\\|\||[^|\\]+")
_LISTS = frozenset(("authors", "tags", "sections", "regions", "images", "related", "previous_slugs", "previous_urls"))
_OWN_LISTS = frozenset(("corrections",))
_NUMBERS = frozenset(("id", "version", "corrections.version", "translation_of"))
_NOT_READ = frozenset(("dateline.region", "regions.level", "related.article", "related.score", "related.reason"))
"""Parts of our own export that follow from others."""


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """An item for each row, `where:line`. A Failure for a row with other than as many cells as there are names."""
    # A limit of the whole process, 128 KB unless said otherwise; rows of any size are bounded where lines are read.
    csv.field_size_limit(MAX_ROW)
    head = stream.read(_HEAD)
    stream.seek(-len(head), 1)
    lines = _TableLines(stream, head, context.charset)
    sign = csv_head.find_delimiter(lines.decode(head))
    context = replace(
        context, locale=dates.infer_day_order(context.locale, csv_head.list_cells(lines.decode(head), sign))
    )
    rows = csv.reader(lines, delimiter=sign, strict=True)
    header = None
    while True:
        lines.begin_row()
        try:
            row = next(rows)
        except StopIteration:
            break
        except (csv.Error, _RowTooLong) as error:
            yield Failure(f"{where}:{lines.start}", _describe_error(error, lines))
            if header is None:
                return
            continue
        if header is None:
            # A first line for Excel, which names the sign between cells.
            if lines.start == 1 and "".join(row).lower().startswith("sep="):
                continue
            header = [name.strip() for name in row]
            if reason := _explain_unfit(header):
                yield Failure(where, reason)
                return
        elif any(row):
            line_name = f"{where}:{lines.start}"
            yield boundary.attempt("read", line_name, _read_row, header, row, line_name, context, tuple(lines.notes))
    if header is None:
        yield Failure(where, "an empty table")


class _RowTooLong(Exception):
    pass


class _TableLines(Iterator[str]):
    """The lines of a table as text; `start` is the number of the first one of the row that is being read."""

    def __init__(self, stream: BinaryIO, head: bytes, charset: str | None) -> None:
        wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self._charset = "utf-16" if wide else charset
        # As UTF-8, so that a line feed is one byte, which lines are split at.
        source: BinaryIO = codecs.EncodedFile(stream, "utf-8", "utf-16", "replace") if wide else stream
        self._lines = ndjson.read_lines(source)
        self._parts: list[str] = []
        self._wide = wide
        self.notes: dict[str, None] = {}
        self.number = self.start = self._size = 0

    def begin_row(self) -> None:
        """A new row begins with the next line."""
        self.start, self._size = self.number + 1, 0
        self.notes.clear()

    def decode(self, data: bytes) -> str:
        if self._wide or not self._charset:
            text, notes = clean.decode(data)
            self.notes.update(dict.fromkeys(notes))
            return text
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode(_find_codec(self._charset), "replace")

    def __next__(self) -> str:
        if not self._parts:
            line = next(self._lines)
            self.number += 1
            self._size += len(line)
            if self._size > MAX_ROW:
                raise _RowTooLong
            text = self.decode(line) if not self._wide else line.decode("utf-8").removeprefix("\ufeff")
            if self.number > 1 or not text.strip():
                text = text.removeprefix("\ufeff")
            # An old Mac's line ends.
            self._parts = re.split(r"(?<=\r)(?!\n)", text)[::-1] if "\r" in text[:-2] else [text]
        return self._parts.pop()


def _find_codec(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return "cp1252"


def _describe_error(error: Exception, lines: _TableLines) -> str:
    if isinstance(error, _RowTooLong):
        return f"a row of more than {MAX_ROW >> 20} MB"
    if "unexpected end" in str(error):
        return f"a quote that is opened in this row is not closed before the file ends, at line {lines.number}"
    return f"not valid CSV: {error}"


def _explain_unfit(header: Sequence[str]) -> str | None:
    """Why the first line names no columns of articles."""
    if len(header) > MAX_COLUMNS:
        return f"more than {MAX_COLUMNS} columns"
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice:
        return f"two columns are called {twice!r}"
    if not {"title", "body"} & {csv_head.find_field(name) for name in header}:
        names = ", ".join(header)[:100]
        return f"its first line names no column with a title or a text ({names}): name them title, body, published_at …"
    return None


def _read_row(
    header: Sequence[str], row: Sequence[str], where: str, context: ParseContext, notes: tuple[str, ...]
) -> Document | Failure:
    if any(row[len(header) :]) or len(row) < len(header):
        return Failure(where, f"the row has {len(row)} cells, the first line names {len(header)}")
    repaired = dict.fromkeys(notes)
    cells = {
        name: clean.scrub(_remove_guard(cell), repaired.setdefault) for name, cell in zip(header, row, strict=False)
    }
    record: dict[str, object] = {}
    for name, parts in _group_columns(header).items():
        try:
            record[name] = _read_value(name, parts, cells)
        except ValueError as error:
            return Failure(where, str(error))
    known_article = fields.read_known(record)
    if known_article is not None or fields.is_own(record):
        record = _remove_derived(record)
    # An empty cell of a table says nothing of a date that an article may lack; that of Strapi's `publishedAt` does.
    for name in [name for name, value in record.items() if value is None and name != "publishedAt"]:
        if visibility.is_stamp(name):
            del record[name]
    document = fields.read_record(record, where, context, tuple(repaired), is_exported=known_article is not None)
    return document if isinstance(document, Failure) else _mark_partial(document, header, known_article)


def _remove_guard(cell: str) -> str:
    """Without the quote that exports put before what a spreadsheet would run."""
    return cell[1:] if _GUARDED.match(cell) else cell


def _group_columns(header: Sequence[str]) -> dict[str, list[str]]:
    """Each property with its columns: itself, or its parts."""
    groups: dict[str, list[str]] = {}
    for column in header:
        if column and column not in _NOT_READ:
            is_part = "." in column and (csv_head.find_field(column) or column.partition(".")[0] in aliases.OWN_EXTRA)
            groups.setdefault(column.partition(".")[0] if is_part else column, []).append(column)
    return groups


def _read_value(name: str, columns: Sequence[str], cells: Mapping[str, str]) -> object:
    """What NDJSON would have for the property. ValueError where parts of a list are not equally many."""
    field = csv_head.find_field(name) or name
    is_list = field in _LISTS or name in _OWN_LISTS
    if list(columns) == [name]:
        return _read_single(name, cells[name], is_list=is_list)
    parts = {column.partition(".")[2]: cells[column] for column in columns if "." in column}
    if not is_list:
        return {part: cell for part, cell in parts.items() if cell} or None
    lists = {part: _split_entries(cell) for part, cell in parts.items()}
    count = max(map(len, lists.values()), default=0)
    for part, entries in lists.items():
        if len(entries) not in (0, count):
            raise ValueError(f"{name}.{part} has {len(entries)} entries, another part of {name} has {count}")
    return [
        {part: _read_part(f"{name}.{part}", entries[i]) for part, entries in lists.items() if entries}
        for i in range(count)
    ]


def _read_single(name: str, cell: str, *, is_list: bool) -> object:
    if not cell.strip():
        return None
    if name in _NUMBERS and cell.strip().isdecimal() and len(cell.strip()) < 19:
        return int(cell)
    if not is_list:
        return cell
    # Commas within one are a byline or several tags, as in NDJSON. A bar is only in lists.
    entries = _split_entries(cell)
    return entries if len(entries) > 1 else entries[0]


def _read_part(name: str, entry: str) -> object:
    if name.endswith(".roles"):
        return [role for role in entry.split("+") if role]
    if name in _NUMBERS:
        return int(entry) if entry.isdecimal() and len(entry) < 19 else None
    return entry or None


def _split_entries(cell: str) -> list[str]:
    r"""The entries between bars; `\|` is a bar within one, `\\` a backslash."""
    if not cell:
        return []
    entries: list[list[str]] = [[]]
    for part in _PARTS.findall(cell):
        if part == "|":
            entries.append([])
        else:
            entries[-1].append(part[1:] if len(part) == 2 and part[0] == "\\" else part)
    return ["".join(parts) for parts in entries]


def _remove_derived(record: Mapping[str, object]) -> dict[str, object]:
    """A row of an archive's own export without what follows from the rest, its number there, and the address that the
    article has there: the source's own is another column."""
    derived = aliases.DERIVED | ({"id"} if "external_id" in record or not fields.is_own(record) else frozenset())
    derived |= {"url"} if "source" in record else frozenset()
    fields_left = {name: value for name, value in record.items() if name not in derived}
    if isinstance(body := fields_left.get("body"), str):
        fields_left["body"] = {"html": body}
    return {
        **fields_left,
        **{name: record[name] for name in ("id", "version") if fields.is_own(record) and name in record},
    }


def _mark_partial(document: Document, header: Sequence[str], known: ExportedRow | None) -> Document:
    """The document with what its table has columns for: of a known article everything else stays."""
    columns = [
        name for name in _group_columns(header) if name not in aliases.OWN_EXTRA | aliases.DERIVED or name == "seo"
    ]
    named_fields = {csv_head.find_field(name) or ("seo" if name == "seo" else f"{EXTRA}{name}") for name in columns}
    fields_said = {*source_hashes.name_fields(dict.fromkeys(_group_columns(header)))}
    if "tags.kind" in header:  # sections stand among the tags there
        named_fields.add("sections")
        fields_said.add("sections")
    return replace(
        document, stated=tuple(sorted(fields_said)), columns=tuple(sorted(named_fields)), known_article=known
    )
