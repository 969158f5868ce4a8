"""One record while it is read into a document."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from app.importers.document import ParseContext, SourceLocale
from app.importers.records import values
from app.importers.text_parts import references

Value = TypeVar("Value")

_AS_WRITTEN = frozenset(("body", "body_format", "external_id", "origin", "slug", "previous_slugs", "status", "draft"))
"""Fields that are no plain words: bodies have a notation of their own, and what an item is known by stays as it is."""


@dataclass(slots=True)
class RecordReader:
    """One record while it is read: what is known of it, what is left over, and what people should know."""

    known: dict[str, tuple[str, object]]
    extra: dict[str, object]
    context: ParseContext
    locale: SourceLocale
    notes: dict[str, None] = field(default_factory=dict)
    stated: tuple[str, ...] | None = None
    is_own: bool = False
    is_exported: bool = False
    resolved: dict[str, object] = field(default_factory=dict)
    has_unread_body: bool = False

    def take(self, name: str, read: Callable[[object], Value | None]) -> Value | None:
        """The field as `read` understands it; what it does not understand goes to extra with a note."""
        if name not in self.known:
            return None
        result = read(self.known[name][1])
        if result is None:
            self.keep_unread(name, "could not be read")
        return result

    def keep_unread(self, name: str, reason: str) -> None:
        source_name, value = self.known[name]
        self.extra[source_name] = value
        self.notes.setdefault(f"{source_name}: {values.quote(value)} {reason}")

    def read_text(self, name: str) -> str | None:
        return self.take(name, values.read_text)

    def resolve_references(self) -> None:
        """Before anything is read: a reference holds signs that names are parted at, `;` and `&`."""
        for name, (source_name, value) in self.known.items():
            if name in _AS_WRITTEN or (name == "standfirst" and isinstance(value, str) and values.is_html(value)):
                continue  # what HTML means is told where its markup is removed
            resolved = references.resolve_value(value)
            if resolved is not value:
                self.known[name] = (source_name, resolved)
                self.resolved[name] = value
                self.notes.setdefault(f"{source_name}: character references resolved")
