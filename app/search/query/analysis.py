"""From text to terms: words of each language as the index keeps them and as queries look for them. Pure.

Articles are analysed in their own language and handed to the index as tokens; nothing here reads or writes one.
Letters outside the Latin script are folded before stemming, Latin ones after it, because stemmers of Latin languages
need their accents.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Protocol

import tantivy
from tantivy import PreTokenizedString, TextAnalyzer

from app.search.query import compounds, spelling
from app.search.query.spelling import SPACELESS, is_spaceless
from app.search.query.stop_words import STEMMERS, find_language, is_function_word, is_stop_word
from app.search.query.word_cache import WordCache
from app.text.keys import pieces

LONGEST = 200
"""Bytes; longer words are not indexed."""
WHOLE_WORDS = "whole_words"
"""The name of the tokenizer of fields that hold whole words."""
BETWEEN_SPACES = "whitespace"
"""The name of tantivy's own tokenizer for terms that are ready made, with spaces between them."""
PIECE = 50_000
"""Characters of a text that are made tokens at once, which takes 5 ms."""

# ASCII letters in lower case, spaces for what is no part of a word; the bytes of other characters stay.
_WORD_BYTES = bytes(i if i > 127 else ord(chr(i).lower()) if chr(i).isalnum() else ord(" ") for i in range(256))
_RUNS = re.compile(f"[{SPACELESS}]+|[^\\W_{SPACELESS}]+")
# Articles of Romance languages before a vowel (`l'`, `qu'`, `jusqu'`), and the English genitive.
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)['’ʼ＇](?=\w{2})|['’ʼ＇]s$", re.IGNORECASE)


Span = tuple[int, int]
"""From a character of a text to another, the last not included."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a text: as the index keeps it, its place among the words, and the characters that it stands for."""

    text: str
    position: int
    start: int
    end: int


@cache
def _create_analyzer(language: str | None) -> TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.remove_long(LONGEST)).filter(tantivy.Filter.lowercase())
    if language is not None:
        builder = builder.filter(tantivy.Filter.stemmer(STEMMERS[language]))
    return builder.filter(tantivy.Filter.ascii_fold()).build()


def register_tokenizer(index: tantivy.Index) -> None:
    """For whoever writes to the index: it takes the words of texts itself. Tokens that are made here are copied twice
    before they are written, and take 35 times as much memory as their text."""
    index.register_tokenizer(WHOLE_WORDS, _create_analyzer(None))


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """A part of an article as the index takes it: its terms in pieces, for several fields, and normalized text. Terms
    with a space after each cost a fraction of ready-made tokens, which are left to texts that need them. `terms` has
    those of each piece one by one, and none of ready-made tokens."""

    stems: tuple[str | PreTokenizedString, ...]
    normalized: str
    language: str | None
    terms: tuple[Sequence[str], ...]

    @property
    def has_terms(self) -> bool:
        return any(piece if isinstance(piece, str) else piece.tokens for piece in self.stems)


def tokenize(text: str, tag: str | None) -> TokenizedText:
    """The text's terms in the language of `tag`, as they are where it has no stemmer, in pieces: the interpreter runs
    nothing else while tantivy makes tokens. A phrase is not found from one piece to the next."""
    normalized = [spelling.normalize(piece) for piece in pieces(text, PIECE)]
    language = find_language(tag)
    stems, terms = zip(*(_list_stems(piece, language) for piece in normalized), strict=True)
    return TokenizedText(stems, "".join(normalized), language, terms)


def _list_stems(normalized: str, language: str | None) -> tuple[str | PreTokenizedString, Sequence[str]]:
    # What stands between two ASCII characters that are no part of words has the same terms everywhere.
    words = normalized.encode().translate(_WORD_BYTES).decode().split()
    try:
        stems = _find_cache(language).find_all(words)
    except _TokensNeeded:
        return _tokenize(normalized, language), ()
    joined = " ".join(stems)
    # Of the cache where each word is one term: their hashes are known to whoever counts them.
    is_one_each = all(stems) and joined.count(" ") == len(stems) - 1
    return joined, stems if is_one_each else joined.split()


class ArticleDocument(Protocol):
    """What an article is written into: tantivy's own documents, or those of another engine."""

    def add_integer(self, field_name: str, value: int) -> None: ...
    def add_text(self, field_name: str, text: str) -> None: ...
    def add_pre_tokenized_text(self, field_name: str, text: PreTokenizedString) -> None: ...
    def add_bytes(self, field_name: str, bytes: bytes) -> None: ...


class _TokensNeeded(Exception):
    """A term's place does not follow from the terms before it."""


@lru_cache(8)
def _find_cache(language: str | None) -> WordCache[str]:
    return WordCache(partial(_join_terms, language=language))


def _join_terms(words: Sequence[str], language: str | None) -> list[str]:
    """The terms of each word with spaces between them."""
    joined = " ".join(words)
    if is_spaceless(joined) or max(map(len, words)) >= LONGEST // 4:
        raise _TokensNeeded
    analyze = _create_analyzer(language).analyze
    if joined.isascii():
        terms = analyze(joined)
        # Each is a run of ASCII letters and digits, which is one term.
        if len(terms) == len(words) and " ".join(terms).split() == terms:
            return terms
    return [_join_checked(analyze(word)) for word in words]


def _join_checked(terms: list[str]) -> str:
    joined = " ".join(terms)
    if joined.split() != terms:
        raise _TokensNeeded
    return joined


def add_stems(document: ArticleDocument, field: str, text: TokenizedText) -> None:
    """The text's stems into a field whose tokenizer is BETWEEN_SPACES."""
    for piece in text.stems:
        if isinstance(piece, str):
            document.add_text(field, piece)
        else:
            document.add_pre_tokenized_text(field, piece)


def add_words(document: ArticleDocument, field: str, texts: Sequence[TokenizedText]) -> None:
    """The texts' whole words; `field` has the tokenizer WHOLE_WORDS."""
    for piece in pieces("\n".join(text.normalized for text in texts), PIECE):
        if is_spaceless(piece):
            document.add_pre_tokenized_text(field, _tokenize(piece, None))
        else:
            document.add_text(field, piece)


def list_variants(texts: Sequence[TokenizedText]) -> set[str]:
    """Other spellings of words of the texts, each with the words as they stand: `cooperation co operation`."""
    variants: set[str] = set()
    for apart, joined in {compound for text in texts for compound in compounds.list_compounds(text.normalized)}:
        variants.update(_list_joined(apart, joined))
    accented = {(word, text.language) for text in texts for word in compounds.list_accented_words(text.normalized)}
    return variants.union(*(_list_accents(word, language) for word, language in accented))


@lru_cache(8192)
def _list_joined(apart: str, joined: str) -> tuple[str, ...]:
    """Words as one, beside what they are apart: `cooperation co operation`."""
    spelt, words = _analyse_normalized(joined, None), _analyse_normalized(apart, None)
    if len(spelt) != 1 or spelt == words:
        return ()
    return (spelling.SEPARATOR.join(term for _, term in (*spelt, *words)),)


@lru_cache(32768)
def _list_accents(word: str, language: str | None) -> tuple[str, ...]:
    """A word with its accents, beside what it is without, where that has another stem: `sao são`."""
    bare = _create_analyzer(None).analyze(word)
    if language is None or len(bare) != 1 or len(word) > compounds.LONGEST_COMPOUND:
        return ()
    stem = _create_analyzer(language).analyze
    return (f"{bare[0]}{spelling.SEPARATOR}{word}",) if stem(word) != stem(bare[0]) else ()


def _tokenize(normalized: str, language: str | None) -> PreTokenizedString:
    if is_spaceless(normalized):
        tokens = [
            tantivy.Token(t.text, t.position, t.start, t.end) for t in _read_pairs(normalized, language, singles=True)
        ]
        return PreTokenizedString(normalized, tokens)
    return _create_analyzer(language).pre_tokenize(normalized)


def _read_pairs(normalized: str, language: str | None, *, singles: bool = False) -> Iterator[Term]:
    """Runs of scripts without spaces as pairs of characters, one at the place of each; the last stands alone. With
    `singles` every character stands alone as well, at its place."""
    position = 0
    for run in _RUNS.finditer(normalized):
        word, start = run[0], run.start()
        if is_spaceless(word[0]):
            for i in range(len(word)):
                if singles and i < len(word) - 1:
                    yield Term(word[i], position, start + i, start + i + 1)
                yield Term(word[i : i + 2], position, start + i, start + min(i + 2, len(word)))
                position += 1
            continue
        for part in _create_analyzer(language).analyze(word):
            yield Term(part, position, start, run.end())
            position += 1


@dataclass(frozen=True, slots=True)
class AnalysedText:
    """A text's terms in its language (`stems`) and whole (`words`), one beside the other. `places` says which
    characters of the text some of them stand for, by their numbers; it costs as much as the analysis."""

    stems: Sequence[str]
    words: Sequence[str]
    places: Callable[[Iterable[int]], list[Span]]


def analyse(text: str, tag: str | None) -> AnalysedText:
    """The terms that the index has of a text in the language of `tag`; the number of a term is its place."""
    language, normalized = find_language(tag), spelling.normalize(text)
    if is_spaceless(normalized):
        terms = list(_read_pairs(normalized, language))
        whole = [t.text for t in (_read_pairs(normalized, None) if language else terms)]
        return AnalysedText(
            [t.text for t in terms],
            whole,
            lambda which: _find_sources(text, [(terms[i].start, terms[i].end) for i in which]),
        )
    words = _create_analyzer(None).analyze(normalized)
    stems = _create_analyzer(language).analyze(normalized) if language else words
    return AnalysedText(stems, words, lambda which: _find_spans(text, normalized, which))


def _find_spans(text: str, normalized: str, which: Iterable[int]) -> list[Span]:
    tokens = _create_analyzer(None).pre_tokenize(normalized).tokens
    return _find_sources(text, [(tokens[i].char_offset_from, tokens[i].char_offset_to) for i in which])


def _find_sources(text: str, spans: list[Span]) -> list[Span]:
    source = spelling.normalize_with_places(text)
    return [source.find_source(start, end) for start, end in spans]


Reading = tuple[tuple[int, str], ...]
"""Terms of a query that have to stand in a row, each with its place in it: places of a longer run may be left out."""


@lru_cache(8192)
def read_terms(text: str, tag: str | None = None) -> Reading:
    """The terms of a few words of a query with their places; unstemmed where `tag` is None."""
    return _analyse_normalized(spelling.normalize(text, is_query=not spelling.is_shouted(text)), find_language(tag))


def _analyse_normalized(normalized: str, language: str | None) -> Reading:
    if not is_spaceless(normalized):
        return tuple(enumerate(_create_analyzer(language).analyze(normalized)))
    terms = list(_read_pairs(normalized, language))
    # The last character of a run is within its last pair; one that is a run by itself stands alone.
    return tuple(
        (term.position, term.text)
        for before, term in zip((None, *terms), terms, strict=False)
        if not (is_single_character(term.text) and before is not None and before.end == term.end)
    )


@lru_cache(8192)
def list_readings(text: str, tags: tuple[str, ...], variants: tuple[str, ...] = ()) -> tuple[Reading, ...]:
    """Everything that words of a query may be in an index: in each language and whole, and the same spelt in another
    way, as the words themselves tell it or as the archive's articles do (`variants`); each reading once."""
    normalized = spelling.normalize(text, is_query=not spelling.is_shouted(text))
    forms = [normalized, *variants]
    if spelling.is_shouted(text):
        forms.append(spelling.normalize(text, is_query=True))
    forms += [normalized.replace(apart, joined) for apart, joined in set(compounds.list_compounds(normalized))]
    forms.append(spelling.unmark_names_with_numbers(normalized))
    if compounds.list_accented_words(normalized):
        forms.append(" ".join(term for _, term in _analyse_normalized(normalized, None)))
    languages = dict.fromkeys((*map(find_language, tags), None))
    readings = {_analyse_normalized(form, language): None for form in forms for language in languages}
    whole = read_terms(text)
    if len(whole) == 1 and is_function_word(whole[0][1]):
        # In small letters it may be meant either way: the name, or the function word.
        readings[((0, whole[0][1] + spelling.MARK),)] = None
    return tuple(reading for reading in readings if reading)


def analyse_words(text: str, tag: str | None = None) -> tuple[str, ...]:
    """The terms of a few words of a query, in order; unstemmed where `tag` is None."""
    return tuple(term for _, term in read_terms(text, tag))


@lru_cache(100_000)
def analyse_name(name: str) -> tuple[str, ...]:
    """The same, unstemmed, of a name of the archive: there are more of them than words of queries that are kept, which
    they would drive out each time that all names are read."""
    return tuple(term for _, term in read_terms.__wrapped__(name))


def list_whole_words(text: str) -> list[str]:
    """The words of a title or name, unstemmed, in which capitals tell nothing."""
    return list_normalized_words(spelling.normalize(text))


def list_normalized_words(normalized: str) -> list[str]:
    """The same of a text that is normalized already."""
    return [term.removesuffix(spelling.MARK) for _, term in _analyse_normalized(normalized, None)]


def list_terms(normalized: str, language: str | None) -> list[str]:
    """The terms of normalized words with spaces between them, in a language that has a stemmer, or whole."""
    return _create_analyzer(language).analyze(normalized)


def is_single_character(word: str) -> bool:
    """One character of a script without spaces: a word to a reader."""
    return len(word) == 1 and is_spaceless(word)


@lru_cache(4096)
def strip_affixes(word: str) -> str:
    """A word without what hangs on to it: `Trump's` is found where Trump is, `l'Europe` where Europe is."""
    return _ELISION.sub("", word) or word


def list_stems(text: str, tag: str | None) -> list[str]:
    """The text's terms without places and stop words, for counting."""
    languages, analysed_text = (tag,) if tag else (), analyse(text, tag)
    pairs = zip(analysed_text.stems, analysed_text.places(range(len(analysed_text.stems))), strict=True)
    return [stem for stem, (start, end) in pairs if not is_stop_word(text[start:end], languages)]
