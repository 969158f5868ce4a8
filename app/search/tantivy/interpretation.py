"""How a query is read against the archive: what is misspelt in it, and whether all of its words are asked too much.

Decided from the query and all that is published alone, so that filters, pages and sorting never change it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tantivy import Occur, Query

from app.search.engine import Correction, Question, Reading
from app.search.query import analysis, tree, typos
from app.search.query.tree import And, Field, FieldName, Near, Node, Not, Or, Prefix, Word
from app.search.tantivy import filters, index_schema, term_stats
from app.search.tantivy.query_builder import Composer
from app.search.tantivy.reader import View, commonest_languages

ENOUGH = 20
"""Articles with all of the words; with fewer, any of them are looked for."""
MOST_NEAR = 5
_RAREST = 3
"""Words that are asked for before all of them are: where too few articles have these, fewer have all."""
_LOOKED_AT = 20_000


def read(view: View, question: Question) -> Reading:
    """The tree with its corrections, and whether any of its words is enough. Remembered for as long as the view."""
    languages = question.languages or commonest_languages(view)
    if question.tree is None:
        return Reading(None, languages)
    key = (
        question.tree, languages, question.match, question.typo, question.prefix, question.order == "relevance",
        question.excluded, question.names,
    )  # fmt: skip
    known = view.memo.get(key)
    if isinstance(known, Reading):
        return known
    composer = Composer(term_stats.of(view, languages), question.names)
    unfinished = _last_word(question.tree) if question.prefix else None
    reading = _Archive(view, composer, question.excluded, unfinished).read(question, question.tree)
    view.remember(key, reading)
    return reading


@dataclass(frozen=True, slots=True)
class _Archive:
    view: View
    composer: Composer
    excluded: tuple[int, ...]
    unfinished: Word | None

    def read(self, question: Question, asked: Node) -> Reading:
        near = tree.replaced(asked, self._near)
        corrections = tuple(
            dict.fromkeys(Correction(leaf.text, leaf.instead) for leaf in tree.wanted(near) if isinstance(leaf, Near))
        )
        read = near if question.typo else asked
        if self.unfinished is not None:
            read = unfinished(read)
        instead = {correction.word: correction.read_as[0] for correction in corrections}
        relaxed = question.match == "auto" and question.order == "relevance" and self._asks_too_much(read)
        return Reading(
            read,
            self.composer.terms.languages,
            any_word=relaxed or question.match == "any",
            relaxed=relaxed,
            corrections=corrections if question.typo else (),
            did_you_mean=tree.render(tree.put_right(asked, instead)) if instead else None,
        )

    def _asks_too_much(self, read: Node) -> bool:
        if not isinstance(read, And) or sum(not isinstance(node, Not) for node in read.nodes) < 2:
            return False
        words = [node for node in read.nodes if isinstance(node, Word)]
        if len(words) > 2 * _RAREST:
            rarest = sorted(words, key=lambda word: self.composer.terms.frequency(word.text))[:_RAREST]
            if not self._has(self.composer.query(And(tuple(rarest))), ENOUGH):
                return True
        return not self._has(self.composer.query(read), ENOUGH)

    def _has(self, query: Query, least: int) -> bool:
        clauses = [(Occur.Must, Query.const_score_query(query, 0))]  # who matches is quicker than how well
        if self.excluded:
            clauses.append((Occur.MustNot, filters.any_of("id", self.excluded)))
        found = self.view.searcher.search(Query.boolean_query(clauses), 1)
        return bool(found.count >= least)  # type: ignore[attr-defined]

    def _near(self, word: Word, field: FieldName | None) -> Node:
        """The word itself where an article has it, or nothing near it does."""
        text = analysis.bare(word.text)
        read = analysis.words(text)
        if field in ("tag", "region", "author") or len(read) != 1 or not typos.correctable(read[0]):
            return word
        if self._is_there(Word(text)) or (word == self.unfinished and self._is_there(Prefix(text))):
            return word
        instead = tuple(islice(self._neighbours(read[0]), MOST_NEAR))
        return Near(word.text, instead) if instead else word

    def _is_there(self, word: Word | Prefix) -> bool:
        """In an article, not only among the terms: the index may still hold those of articles that are gone."""
        known = self.composer.terms
        gone = known.dead + len(self.excluded)
        return known.frequency(word.text) > gone or self._has(self.composer.query(word), 1)

    def _neighbours(self, word: str) -> Iterator[str]:
        searcher = self.view.searcher
        found = {edit: n for edit in set(typos.one_edit(word)) if (n := searcher.doc_freq(index_schema.WORDS, edit))}
        ranked = sorted(found, key=lambda near: (near[:1] != word[:1], -found[near]))
        if not ranked and len(word) >= typos.TWO_EDITS_FROM:
            ranked = self._two_edits(word)
        return (near for near in ranked if self._is_there(Word(near)))

    def _two_edits(self, word: str) -> list[str]:
        """Words of the archive with the same first two letters."""
        begun = self.view.searcher.terms_with_prefix(index_schema.WORDS, word[:2], limit=_LOOKED_AT)
        near = [(term, n) for term, n in begun if typos.within(word, term, 2)]
        return [term for term, _ in sorted(near, key=lambda word_count: -word_count[1])]


def _last_word(node: Node) -> Word | None:
    """The word that the query ends in, if it ends in one."""
    match node:
        case Word():
            return node
        case And(nodes) | Or(nodes):
            return _last_word(nodes[-1])
        case Field(_, inner):
            return _last_word(inner)
        case _:
            return None


def unfinished(node: Node) -> Node:
    """The last word may go on, if it is a word."""
    match node:
        case Word(text):
            return Or((node, Prefix(text)))
        case And(nodes):
            return And((*nodes[:-1], unfinished(nodes[-1])))
        case Or(nodes):
            return tree.alternatives([*nodes[:-1], unfinished(nodes[-1])])
        case Field(name, inner):
            return Field(name, unfinished(inner))
        case _:
            return node
