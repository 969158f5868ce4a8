"""A few articles as a small index in memory, made as the real one is: whatever finds an article there finds it here."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import cast

import tantivy
from tantivy import Order

from app.db.database import Snapshot
from app.db.sql import read_integer
from app.search.engine import Question
from app.search.indexing import documents
from app.search.indexing.documents import ArticleRows
from app.search.indexing.fixed import candidates
from app.search.indexing.fixed.candidates import BatchTerms
from app.search.query import analysis
from app.search.tantivy import index_schema, matches
from app.search.tantivy.filters import local_filters

_HEAP = 15_000_000
"""The least that tantivy takes."""
_MOST_TERMS = 100_000_000
_BEGUN = (index_schema.WORDS, index_schema.DATELINE, *index_schema.STEMMED)
"""The fields in which beginnings of words are looked for."""
_LANGUAGE, _ORIGIN, _SOURCE = 2, 7, 9
"""Columns of the rows of articles."""


class MemoryIndex:
    """Some published articles. Never changed once it is made."""

    def __init__(self, rows: ArticleRows) -> None:
        index = tantivy.Index(index_schema.build_schema())
        analysis.register_tokenizer(index)
        writer = index.writer(_HEAP, 1)
        for document in documents.build_documents(rows):
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()
        self.ids = [read_integer(row[0]) for row in rows["articles"]]
        self.terms = self._read_terms(rows)

    def find(self, question: Question) -> Iterator[int]:
        """The ids of those that match a fixed question."""
        query = matches.build_fixed_query(local_filters, question)
        results = self._searcher.search(query, len(self.ids), count=False, order_by_field="newest", order=Order.Desc)
        return (int(key) & ((1 << index_schema.ID_BITS) - 1) for key, _ in results.hits)

    def _read_terms(self, rows: ArticleRows) -> BatchTerms:
        terms = {
            field: {term for term, _ in self._searcher.terms_with_prefix(field, "", limit=_MOST_TERMS)}
            for field in candidates.TEXTS
        }
        others = {
            candidates.make_key(kind, row[column])
            for row in rows["articles"]
            for kind, column in (
                (candidates.ARTICLE, 0), (candidates.LANGUAGE, _LANGUAGE), (candidates.ORIGIN, _ORIGIN),
                (candidates.SOURCE, _SOURCE),
            )
        }  # fmt: skip
        return BatchTerms(
            len(self.ids),
            terms,
            {field: {start for term in terms[field] for start in accumulate(term)} for field in _BEGUN},
            {cast("int", tag) for _, tag in rows["tags"]},
            {cast("int", region) for _, region, _, _ in rows["regions"]},
            others,
        )


def load_indexes(snapshot: Snapshot, ids: Sequence[int]) -> Iterator[MemoryIndex]:
    """Those of the articles that are published now, a portion at a time; none where there are none."""
    for portion in documents.split_into_batches(snapshot, ids):
        rows = documents.load_rows(snapshot, portion.ids)
        if rows["articles"]:
            yield MemoryIndex(rows)
