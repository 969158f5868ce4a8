"""From the tree of a query to a query of the index. Text from outside reaches it as terms, never through a parser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

from tantivy import Occur, Query, Searcher

from app.search import analysis, fields, filtering
from app.search.engine import NameKind, Names
from app.search.tree import And, Field, FieldName, Node, Not, Or, Phrase, Prefix, Word

WEIGHTS = {"title": 2.0, "standfirst": 1.5, "body": 1.0}
TAG_WEIGHT, WORDS_WEIGHT = 1.2, 0.2
KEPT_WORDS = 20


@dataclass(frozen=True, slots=True)
class Composer:
    """What composing needs to know: the archive's terms, the languages to read words in, and its names."""

    searcher: Searcher
    languages: tuple[str, ...]
    names: Names | None = None

    def query(self, node: Node, field: FieldName | None = None) -> Query:
        """Articles that match the node, scored."""
        match node:
            case Word(text):
                return self._word(text, field)
            case Phrase(text):
                return self._text(text, field)
            case Prefix(text):
                return self._prefix(text, field)
            case Field(name, inner):
                return self.query(inner, name)
            case Not(inner):
                return _all([(Occur.MustNot, self.query(inner, field))])
            case And(nodes):
                return _all([self._clause(inner, field) for inner in nodes])
            case Or(nodes):
                return filtering.union([self.query(inner, field) for inner in nodes])

    def _clause(self, node: Node, field: FieldName | None) -> tuple[Occur, Query]:
        if isinstance(node, Not):
            return Occur.MustNot, self.query(node.node, field)
        return Occur.Must, self.query(node, field)

    def _word(self, text: str, field: FieldName | None) -> Query:
        return self._text(analysis.bare(text), field)

    def _text(self, text: str, field: FieldName | None) -> Query:
        if field in ("tag", "region", "author"):
            return self._named(field, text)
        parts = list(self._parts(text, field))
        if field is None and (tagged := self._tagged(text)):
            parts.append(tagged)
        return filtering.union(parts) if parts else Query.empty_query()

    def _parts(self, text: str, field: FieldName | None) -> Iterator[Query]:
        read = self.readings(text)
        for name, weight in WEIGHTS.items():
            if field in (None, name):
                queries = [_in_order(name, words) for words in read]
                if queries:
                    best = queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)
                    yield Query.boost_query(best, weight)
        whole = analysis.words(text)
        if field is None and len(whole) == 1:
            yield Query.boost_query(_in_order(fields.WORDS, whole), WORDS_WEIGHT)

    def readings(self, text: str) -> list[tuple[str, ...]]:
        """The text's terms in each language and whole, each reading once."""
        read = {analysis.words(text, language): None for language in (*self.languages, None)}
        return [words for words in read if words]

    def _named(self, kind: NameKind, text: str) -> Query:
        ids = self.names.named(kind, text) if self.names else ()
        if not ids:
            return Query.empty_query()
        return filtering.any_of("within_5" if kind == "region" else "tags", ids)

    def _tagged(self, text: str) -> Query | None:
        ids = self.names.named("tag", text) if self.names else ()
        if not ids:
            return None
        articles = sum(self.searcher.doc_freq("tags", tag) for tag in ids)
        rarity = log(1 + self.searcher.num_docs / (articles + 1))
        return Query.const_score_query(filtering.any_of("tags", ids), TAG_WEIGHT * rarity)

    def _prefix(self, text: str, field: FieldName | None) -> Query:
        """Whole words that begin like it, in any part: where a word begins says nothing of its stem."""
        *before, last = analysis.words(text) or ("",)
        if not last:
            return Query.empty_query()
        begun = Query.const_score_query(Query.regex_query(fields.schema(), fields.WORDS, re.escape(last) + ".*"), 1)
        clauses = [(Occur.Must, begun)]
        if before:
            clauses.append((Occur.Must, self._text(" ".join(before), None)))
        return Query.boolean_query(clauses)


def _in_order(field: str, words: tuple[str, ...]) -> Query:
    if len(words) == 1:  # a phrase of one word is a panic
        return Query.term_query(fields.schema(), field, words[0], "freq" if field == fields.WORDS else "position")
    return Query.phrase_query(fields.schema(), field, list(words))


def _all(clauses: list[tuple[Occur, Query]]) -> Query:
    if not any(occur == Occur.Must for occur, _ in clauses):
        clauses = [*clauses, (Occur.Must, Query.const_score_query(filtering.everything(), 0))]
    return Query.boolean_query(clauses)
