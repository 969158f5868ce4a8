"""From a question to a condition that means for good what the question means now. Runs no search.

As `tantivy.query_builder` composes who matches, without what only scores: `text` has all that title and standfirst
have, so that these are asked for in rows and in fields alone. A property test holds the two to the same articles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.search.engine import NameKind, NameLookup, QueryInterpretation, Question
from app.search.query import analysis, spelling
from app.search.query.analysis import Reading
from app.search.query.conditions import (
    AllOf,
    Condition,
    HasBeginning,
    HasRow,
    HasTag,
    HasTerm,
    IsPlaced,
    OneOf,
    join_any,
)
from app.search.query.stop_words import is_stop_word
from app.search.query.tree import And, Field, FieldName, NamedPlace, Near, Node, Not, Or, Phrase, Prefix, Word
from app.search.tantivy import index_schema, term_stats
from app.search.tantivy.interpretation import interpret
from app.search.tantivy.reader import View
from app.search.tantivy.term_stats import TermStats
from app.search.vocabulary import region_names


@dataclass(frozen=True, slots=True)
class FixedQuery:
    """How a question was read; `condition` is None where it has no words."""

    condition: Condition | None
    interpretation: QueryInterpretation


def fix(view: View, question: Question) -> FixedQuery:
    """The question's words as they are read now, all of them and uncorrected."""
    interpretation = interpret(view, question)
    if interpretation.tree is None:
        return FixedQuery(None, interpretation)
    fixing = _Fixing(term_stats.get_stats(view, interpretation.languages), question.names)
    condition = fixing.fix(interpretation.tree)
    # Also where no article has that title yet: one that comes with it is found.
    key = index_schema.make_title_key(spelling.normalize(question.text)) if question.text else None
    return FixedQuery(join_any([condition, HasTerm(index_schema.TITLE_KEY, key)]) if key else condition, interpretation)


@dataclass(frozen=True, slots=True)
class _Fixing:
    """What reading needs to know, and nothing keeps."""

    terms: TermStats
    names: NameLookup | None

    def fix(self, node: Node, field: FieldName | None = None) -> Condition:
        match node:
            case Word() | Phrase():
                return join_any(list(self._list_parts(node, field)))
            case NamedPlace(inner, _, within, own):
                return join_any([self.fix(inner, field), IsPlaced(within, own)])
            case Prefix(text):
                return self._fix_beginning(text, field)
            case Near():
                raise AssertionError("nothing is corrected in what is to hold for good")
            case Field(name, inner):
                return self.fix(inner, name)
            case Not() | And():
                return self._fix_all(node.nodes if isinstance(node, And) else (node,), field)
            case Or(nodes):
                return join_any([self.fix(inner, field) for inner in nodes])

    def _fix_all(self, nodes: Sequence[Node], field: FieldName | None) -> Condition:
        without = tuple(self.fix(one.node, field) for one in nodes if isinstance(one, Not))
        return AllOf(tuple(self.fix(one, field) for one in nodes if not isinstance(one, Not)), without)

    def _list_parts(self, leaf: Word | Phrase, field: FieldName | None) -> Iterator[Condition]:
        if field in ("tag", "region", "author"):
            yield self._fix_named(field, leaf.text)
            return
        readings = self.terms.list_readings(leaf)
        for reading in readings:
            if field is not None:
                yield _fix_reading(field, reading)
            elif len(reading) == 1:
                yield _fix_reading(index_schema.TEXT, reading)
            else:
                yield from (_fix_reading(name, reading) for name in index_schema.STEMMED)
        if field is None:
            yield from self._list_names(leaf, readings)

    def _list_names(self, leaf: Word | Phrase, readings: Sequence[Reading]) -> Iterator[Condition]:
        written = analysis.strip_affixes(leaf.text)
        own = written if isinstance(leaf, Word) else leaf.text
        for whole in dict.fromkeys(analysis.read_terms(text) for text in (own, *leaf.variants)):
            if len(whole) == 1:
                yield _fix_reading(index_schema.WORDS, whole)
        if is_stop_word(leaf.text, self.terms.languages):
            return
        yield from (_fix_reading(index_schema.DATELINE, reading) for reading in readings)
        if ids := self.names.find_named("tag", written) if self.names else ():
            yield HasTag(tuple(ids))

    def _fix_named(self, kind: NameKind, text: str) -> Condition:
        return _fix_ids(kind, self.names.find_named(kind, text) if self.names else ())

    def _fix_beginning(self, text: str, field: FieldName | None) -> Condition:
        *before, last = analysis.analyse_words(text) or ("",)
        if not last:
            return OneOf()
        if field in ("tag", "region", "author"):
            return _fix_ids(field, self.names.find_begun(field, text) if self.names else ())
        begun: Condition = HasBeginning(field or index_schema.WORDS, last)
        if field is not None:
            begun = join_any([begun, *self._list_parts(Word(last), field)])
        if before:
            begun = AllOf((begun, join_any(list(self._list_parts(Word(" ".join(before)), field)))))
        return begun if field is not None else join_any([begun, *self._list_names_begun(text)])

    def _list_names_begun(self, text: str) -> Iterator[Condition]:
        *before, last = analysis.analyse_words(text)
        if not before:
            yield HasBeginning(index_schema.DATELINE, last)
        if self.names is None:
            return
        if tags := self.names.find_begun("tag", text):
            yield HasTag(tags)
        if regions := self.names.find_begun_regions(text):
            place = region_names.make_place(Prefix(text), regions)
            yield IsPlaced(place.within, place.own)


def _fix_ids(kind: NameKind, ids: tuple[int, ...]) -> Condition:
    if not ids:
        return OneOf()
    return IsPlaced(ids) if kind == "region" else HasTag(ids)


def _fix_reading(field: str, reading: Reading) -> Condition:
    return HasTerm(field, reading[0][1]) if len(reading) == 1 else HasRow(field, reading)
