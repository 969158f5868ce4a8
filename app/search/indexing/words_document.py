"""What this machine keeps of articles whose index is elsewhere: the words of them, to tell what a query may mean.
Neither where they stand nor how often, and nothing of a filter but how many articles have a value.
"""

from collections import defaultdict

from tantivy import Document, PreTokenizedString

from app.search.query import analysis
from app.search.tantivy import index_schema

_NUMBERS = frozenset({"id", "version", "newest", "tags", "within_5", "within_7", "within_own", "flags", "source"})
_RAW = frozenset({*index_schema.EXACT, index_schema.SPELLINGS, index_schema.TITLE_KEY} - {"external_id"})
_TERMS = frozenset({index_schema.TEXT, "title", "standfirst", index_schema.DATELINE, index_schema.WORDS})


class WordsDocument:
    """An `ArticleDocument` that each term is added to once."""

    def __init__(self) -> None:
        self._document = Document()
        self._terms: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def add_integer(self, field_name: str, value: int) -> None:
        if field_name in _NUMBERS:
            self._document.add_integer(field_name, value)

    def add_text(self, field_name: str, text: str) -> None:
        if field_name in _RAW:
            self._document.add_text(field_name, text)
        elif field_name == index_schema.WORDS:
            self._note(field_name, analysis.list_terms(text, None))
        else:
            self._note(field_name, text.split())

    def add_pre_tokenized_text(self, field_name: str, text: PreTokenizedString) -> None:
        self._note(field_name, [token.text for token in text.tokens])

    def add_bytes(self, field_name: str, bytes: bytes) -> None:
        """What articles are compared by is not words."""

    def _note(self, field_name: str, terms: list[str]) -> None:
        if field_name in _TERMS:
            self._terms[field_name].update(dict.fromkeys(terms))

    def finish(self) -> Document:
        for name, terms in self._terms.items():
            self._document.add_text(name, " ".join(terms))
        return self._document
