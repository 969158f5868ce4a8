"""How a query is read against the archive: what is misspelt in it, and whether AND matches too few articles.

Decided from the query and all that is published alone, so that filters, pages and sorting never change it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from tantivy import Occur, Query

from app.search.engine import QueryInterpretation, Question, SpellingCorrection
from app.search.query import analysis, spelling, tree, typos
from app.search.query.lexer import ParseNote
from app.search.query.stop_words import is_stop_word
from app.search.query.tree import And, Field, FieldName, NamedPlace, Near, Node, Not, Or, Phrase, Prefix, Word
from app.search.tantivy import index_schema, term_stats
from app.search.tantivy.query_builder import QueryBuilder
from app.search.tantivy.reader import View, find_languages
from app.search.vocabulary import region_names

ENOUGH = 20
"""Articles with all of the words; with fewer, any of them are looked for."""
MOST_NEAR = 5
MOST_MEANT = 5
"""Names within fields that are looked for."""
_RAREST = 3
"""Words that are asked for before all of them are: where too few articles have these, fewer have all."""
_LOOKED_AT = 20_000
_SHOUTED_FROM = 3
_SHORTEST_PART = 3
"""Letters of a word that was written together with another."""


def interpret(view: View, question: Question) -> QueryInterpretation:
    """The tree with its corrections, and whether any of its words is enough. Remembered for as long as the view."""
    if question.fallback is not None and not _has_phrase(view, question):
        as_words = interpret(view, replace(question, tree=question.fallback.tree, fallback=None))
        return replace(as_words, notes=(*question.fallback.notes, *as_words.notes))
    languages = question.languages or find_languages(view)
    if question.tree is None:
        return QueryInterpretation(None, languages)
    known = find_known(view, question)
    if known is not None:
        return known
    composer = QueryBuilder(term_stats.get_stats(view, languages), question.names)
    unfinished = _find_last_word(question.tree) if question.prefix else None
    reading = _Interpreter(view, composer, question.excluded, unfinished).interpret(question, question.tree)
    view.remember(_make_key(view, question), reading)
    return reading


def find_known(view: View, question: Question) -> QueryInterpretation | None:
    """What `interpret` remembers of a question that is no fallback."""
    known = view.memo.get(_make_key(view, question))
    return known if isinstance(known, QueryInterpretation) else None


def _make_key(view: View, question: Question) -> tuple[object, ...]:
    return (
        question.tree, question.languages or find_languages(view), question.match, question.typo, question.prefix,
        question.order == "relevance", question.excluded, question.names, question.text,
    )  # fmt: skip


def find_title_key(view: View, question: Question) -> str | None:
    """The key of the whole query as a title, where an article has that title."""
    key = None
    if question.text and question.tree is not None:
        key = index_schema.make_title_key(spelling.normalize(question.text))
    return key if key and view.searcher.doc_freq(index_schema.TITLE_KEY, key) else None


def _has_phrase(view: View, question: Question) -> bool:
    """Whether any published article has the whole query as a phrase. Remembered for as long as the view."""
    languages = question.languages or find_languages(view)
    key = ("phrase", question.tree, languages, question.excluded, question.names)
    cached = view.memo.get(key)
    if not isinstance(cached, bool):
        assert question.tree is not None, "a fallback is that of a phrase"
        composer = QueryBuilder(term_stats.get_stats(view, languages), question.names)
        interpreter = _Interpreter(view, composer, question.excluded, None)
        cached = interpreter._has_matches(composer.build(question.tree), 1)
        view.remember(key, cached)
    return cached


@dataclass(frozen=True, slots=True)
class _Interpreter:
    view: View
    composer: QueryBuilder
    excluded: tuple[int, ...]
    unfinished: Word | None

    def interpret(self, question: Question, query_tree: Node) -> QueryInterpretation:
        spelt = tree.replace_words(lower_shouted(query_tree), self._add_variants)
        named, regions = region_names.mark(self.composer.terms.join_neighbours(spelt), question.names)
        near = self._correct_words(named)
        corrections = tuple(
            dict.fromkeys(
                SpellingCorrection(leaf.text, leaf.instead) for leaf in tree.list_leaves(near) if isinstance(leaf, Near)
            )
        )
        interpreted = near if question.typo else named
        if corrections and question.typo:
            interpreted, corrected_regions = region_names.mark(near, question.names)
            regions = tuple(dict.fromkeys((*regions, *corrected_regions)))
        if self.unfinished is not None:
            interpreted = treat_as_unfinished(interpreted)
        instead = self._find_likelier_words(named)
        instead |= {correction.word: correction.read_as[0] for correction in corrections}
        meant = self._find_names_meant(query_tree)
        relaxed = question.match == "auto" and question.order == "relevance" and self._is_too_strict(interpreted)
        return QueryInterpretation(
            interpreted,
            self.composer.terms.languages,
            any_word=relaxed or question.match == "any",
            relaxed=relaxed,
            corrections=corrections if question.typo else (),
            did_you_mean=tree.render(tree.correct(query_tree, instead, meant)) if instead or meant else None,
            notes=(*map(region_names.describe, regions), *self._note_title(question, query_tree)),
        )

    def _note_title(self, question: Question, query_tree: Node) -> Iterator[ParseNote]:
        """Where operators were read in what is an article's title."""
        nodes = query_tree.nodes if isinstance(query_tree, And) else (query_tree,)
        composed = not isinstance(query_tree, Phrase) and not all(isinstance(node, Word) for node in nodes)
        if composed and find_title_key(self.view, question):
            yield ParseNote(
                "title_equals_query",
                "An article has the whole query as its title and stands first; for the others, operators were read.",
            )

    def _add_variants(self, leaf: Word | Phrase, field: FieldName | None) -> Node:
        if field in ("tag", "region", "author"):
            return leaf
        text = analysis.strip_affixes(leaf.text) if isinstance(leaf, Word) else leaf.text
        variants = self.composer.terms.list_variants(text)
        return replace(leaf, variants=variants) if variants else leaf

    def _is_too_strict(self, read: Node) -> bool:
        if not isinstance(read, And) or sum(not isinstance(node, Not) for node in read.nodes) < 2:
            return False
        if self._has_enough_in_text(read):
            return False
        words = [node for node in read.nodes if isinstance(node, Word)]
        if len(words) > 2 * _RAREST:
            rarest = sorted(words, key=lambda word: self.composer.terms.find_frequency(word.text))[:_RAREST]
            if not self._has_matches(self.composer.build(And(tuple(rarest))), ENOUGH):
                return True
        return not self._has_matches(self.composer.build(read), ENOUGH)

    def _has_enough_in_text(self, read: And) -> bool:
        """Whether the texts alone have all words often enough: single terms take half of what the words take in all
        that they are looked for in."""
        leaves = [node.node if isinstance(node, NamedPlace) else node for node in read.nodes]
        parts = [self.composer.find_text_part(leaf) if isinstance(leaf, Word) else None for leaf in leaves]
        terms = [(Occur.Must, part) for part in parts if part is not None]
        return len(terms) == len(parts) and self._has_matches(self.view.filters.query.boolean_query(terms), ENOUGH)

    def _has_matches(self, query: Query, least: int) -> bool:
        clauses = [
            (Occur.Must, self.view.filters.query.const_score_query(query, 0))
        ]  # who matches is quicker than how well
        if self.excluded:
            clauses.append((Occur.MustNot, self.view.filters.match_any("id", self.excluded)))
        return self.view.count(self.view.filters.query.boolean_query(clauses)) >= least

    def _correct_words(self, node: Node) -> Node:
        match node:
            case And(nodes):
                return tree.join_all([self._correct_words(inner) for inner in nodes])
            case Or(nodes):
                return tree.join_any([self._correct_words(inner) for inner in nodes])
        corrected = tree.replace_words(node, self._correct_word)
        if corrected == node or not isinstance(node, NamedPlace):
            return corrected
        # The name of a region in which articles are placed is right, though no text may have it.
        return node if self._has_matches(self.composer.by_name.match_region(node), 1) else corrected

    def _find_names_meant(self, query_tree: Node) -> dict[tuple[FieldName, str], str]:
        """Of words within `tag:`, `region:` and `author:` that are no such name of any article, the nearest that is; of
        MOST_MEANT at most. They are told, never read instead: who names a field means that name."""
        meant: dict[tuple[FieldName, str], str] = {}

        def look(word: Word | Phrase, field: FieldName | None) -> Word | Phrase:
            if isinstance(word, Word) and field in ("tag", "region", "author") and len(meant) < MOST_MEANT:
                terms = analysis.list_whole_words(word.text)
                # A name that only drafts have is one that nobody knows: it is mended as any other is.
                if len(terms) == 1 and typos.is_correctable(terms[0]) and not self._is_named(word.text, field):
                    for near in self._list_names_near(terms[0], field):
                        meant[field, word.text] = near
            return word

        tree.replace_words(query_tree, look)
        return meant

    def _list_names_near(self, word: str, field: Literal["tag", "region", "author"]) -> Iterator[str]:
        """The one that most articles have, at one edit before those at two."""
        names = self.composer.names
        for edits in (1, 2) if names is not None and len(word) >= typos.TWO_EDITS_FROM else (1,):
            near = names.list_near_words(word, edits) if names is not None else ()
            ranked = sorted(near, key=lambda one: -self.composer.by_name.count_named(field, one))
            if named := [one for one in ranked if self._is_named(one, field)]:
                yield named[0]
                return

    def _find_likelier_words(self, node: Node) -> dict[str, str]:
        """Of words that no article has, and that are found by a stem of another language than the commonest alone, the
        nearest that articles have: `senate` for `seante`, of which French makes `se`. They are told, never read
        instead."""
        likelier: dict[str, str] = {}

        def look(word: Word | Phrase, field: FieldName | None) -> Word | Phrase:
            if isinstance(word, Word) and field is None and self._is_foreign_stem(word):
                for near in islice(self._list_neighbours(analysis.analyse_words(word.text)[0]), 1):
                    likelier[word.text] = near
            return word

        tree.replace_words(node, look)
        return likelier

    def _is_foreign_stem(self, word: Word) -> bool:
        doc_freq, terms, names = self.view.searcher.doc_freq, self.composer.terms, self.composer.names
        whole = analysis.analyse_words(analysis.strip_affixes(word.text))
        if len(whole) != 1 or not typos.is_correctable(whole[0]) or doc_freq(index_schema.WORDS, whole[0]):
            return False
        if doc_freq(index_schema.DATELINE, whole[0]) or (names is not None and names.find_regions(whole)):
            return False
        own = analysis.list_readings(whole[0], terms.languages[:1])
        is_own = any(doc_freq(index_schema.TEXT, reading[0][1]) for reading in own if len(reading) == 1)
        return not is_own and terms.find_frequency(word.text) > 0 and not self._is_named(word.text, "tag")

    def _is_named(self, word: str, field: FieldName) -> bool:
        """Whether an article has a name of that kind with the word in it."""
        return self._has_matches(self.composer.build(Word(word), field), 1)

    def _correct_word(self, word: Word | Phrase, field: FieldName | None) -> Node:
        """The word itself where an article has it, or nothing near it does; quoted words always."""
        if isinstance(word, Phrase):
            return word
        text = analysis.strip_affixes(word.text)
        terms = analysis.analyse_words(text)
        if field in ("tag", "region", "author") or len(terms) != 1 or not typos.is_correctable(terms[0]):
            return word
        # An unfinished word is none that is misspelt, as long as something begins with it.
        if self._is_in_archive(word) or (word == self.unfinished and self._is_in_archive(Prefix(text))):
            return word
        instead = tuple(islice(self._list_neighbours(terms[0]), MOST_NEAR)) or tuple(self._split_word(terms[0]))
        return Near(word.text, instead) if instead else word

    def _is_in_archive(self, word: Word | Prefix) -> bool:
        """In an article, not only among the terms: the index may still hold those of articles that are gone."""
        terms = self.composer.terms
        dead_documents = terms.dead + len(self.excluded)
        return terms.find_frequency(word.text) > dead_documents or self._has_matches(self.composer.build(word), 1)

    def _list_neighbours(self, word: str) -> Iterator[str]:
        ranked = self._rank(word, 1)
        if not ranked and len(word) >= typos.TWO_EDITS_FROM:
            ranked = self._rank(word, 2)
        return (near for near in ranked if self._is_in_archive(Word(near)) or self._is_placed(near))

    def _rank(self, word: str, edits: Literal[1, 2]) -> list[str]:
        """Those in texts and names, else those in datelines; first those that begin alike, then those in more articles,
        of as many those of names. Stop words only where there are no others: who misspells a word seldom looks for one,
        which finds nearly everything."""
        frequencies: dict[str, int] = {}
        if self.composer.names is not None:
            count_named = self.composer.by_name.count_named
            for near in self.composer.names.list_near_words(word, edits):
                if articles := count_named("tag", near) + count_named("region", near):
                    frequencies[near] = articles
        count = self._count_one_edit if edits == 1 else self._count_two_edits
        in_texts = count(index_schema.WORDS, word)
        if not frequencies and not in_texts:
            in_texts = count(index_schema.DATELINE, word)
        for near in sorted(in_texts):
            frequencies[near] = max(frequencies.get(near, 0), in_texts[near])
        languages = self.composer.terms.languages
        telling = [near for near in frequencies if not is_stop_word(near, languages)]
        return sorted(telling or frequencies, key=lambda near: (near[:1] != word[:1], -frequencies[near]))

    def _count_one_edit(self, field: str, word: str) -> dict[str, int]:
        """Words of the field at one edit, with the articles that have them."""
        doc_freq = self.view.searcher.doc_freq
        return {edit: articles for edit in set(typos.list_edits(word)) if (articles := doc_freq(field, edit))}

    def _count_two_edits(self, field: str, word: str) -> dict[str, int]:
        """Those with the same first two letters."""
        begun = self.view.searcher.terms_with_prefix(field, word[:2], limit=_LOOKED_AT)
        return {term: articles for term, articles in begun if typos.is_within(word, term, 2)}

    def _is_placed(self, word: str) -> bool:
        """Whether the word is the name of a region in which articles are placed."""
        place, regions = region_names.mark(Word(word), self.composer.names)
        return bool(regions) and self._has_matches(self.composer.build(place), 1)

    def _split_word(self, word: str) -> Iterator[str]:
        """Two words of the archive that stand side by side somewhere: `health care` for `healthcare`."""
        for i in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            counts = [self.view.searcher.doc_freq(index_schema.WORDS, part) for part in (word[:i], word[i:])]
            if all(counts) and self._has_matches(self.composer.build(Word(f"{word[:i]} {word[i:]}")), 1):
                yield f"{word[:i]} {word[i:]}"
                return


def lower_shouted(node: Node) -> Node:
    """The query in small letters where all of it is in capitals, which tell no abbreviation from a word then."""
    words = [leaf.text for leaf in tree.list_leaves(node)]
    if len(words) < _SHOUTED_FROM or not spelling.is_shouted(" ".join(words)):
        return node
    return tree.replace_words(node, lambda leaf, _: replace(leaf, text=leaf.text.lower()))


def _find_last_word(node: Node) -> Word | None:
    """The word that the query ends in, if it ends in one."""
    match node:
        case Word():
            return node
        case And(nodes) | Or(nodes):
            return _find_last_word(nodes[-1])
        case Field(_, inner) | NamedPlace(inner):
            return _find_last_word(inner)
        case _:
            return None


def treat_as_unfinished(node: Node) -> Node:
    """The last word may go on, if it is a word."""
    match node:
        case Word(text):
            return Or((node, Prefix(text)))
        case And(nodes):
            return And((*nodes[:-1], treat_as_unfinished(nodes[-1])))
        case Or(nodes):
            return tree.join_any([*nodes[:-1], treat_as_unfinished(nodes[-1])])
        case Field(name, inner):
            return Field(name, treat_as_unfinished(inner))
        case NamedPlace(inner):
            return replace(node, node=treat_as_unfinished(inner))
        case _:
            return node
