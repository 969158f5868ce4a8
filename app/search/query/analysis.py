"""From text to terms: words of each language as the index keeps them and as queries look for them. Pure.

Articles are analysed in their own language and handed to the index as tokens; nothing here reads or writes one.
Letters outside the Latin script are folded before stemming, Latin ones after it, because stemmers of Latin languages
need their accents.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import tantivy
from tantivy import Document, PreTokenizedString, TextAnalyzer

from app.text.keys import pieces

STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "nb": "norwegian",
    "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish",
}  # fmt: skip
"""By ISO 639 code, those that tantivy has; other languages keep their words whole."""

LONGEST = 200
"""Bytes; longer words are not indexed."""
WHOLE_WORDS = "whole_words"
"""The name of the tokenizer of fields that hold whole words."""
PIECE = 50_000
"""Characters of a text that are made tokens at once, which takes 5 ms."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED_TEXT = re.compile(f"[{_UNSPACED}]")
_RUNS = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_FOLDED_BEFORE = re.compile("[\u0130\u0300-\u1dff\u1f00-\u1fff\u2c00-\U0010ffff]")
# Articles of Romance languages before a vowel (`l'`, `qu'`, `jusqu'`), and the English genitive.
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu)['’](?=\w{2})|['’]s$", re.IGNORECASE)


Span = tuple[int, int]
"""From a character of a text to another, the last not included."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a text: as the index keeps it, its place among the words, and the characters that it stands for."""

    text: str
    position: int
    start: int
    end: int


class _Folding(dict[int, str]):
    """What `str.translate` puts for a character: the same without marks. Latin letters stay for the stemmers."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    # й is a letter of its own, and so is every kana with a voicing mark; ς is σ at the end of a word.
    if (
        character in "йЙїЇ"
        or ("\u0080" <= character < "\u0300" and character != "İ")
        or "\u1e00" <= character < "\u1f00"
    ):
        return character
    if "\u3040" <= character <= "\u30ff":
        return unicodedata.normalize("NFKC", character)
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare).replace("ς", "σ")


_FOLDING = _Folding()


def find_language(tag: str | None) -> str | None:
    """The language of a BCP 47 tag if there is a stemmer for it."""
    base = (tag or "").partition("-")[0].lower()
    return base if base in STEMMERS else None


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


def add_stems(document: Document, field: str, text: str, tag: str | None) -> None:
    """The text's terms in the language of `tag`, as they are where it has no stemmer, in pieces: the interpreter runs
    nothing else while tantivy makes tokens. A phrase is not found from one piece to the next."""
    for piece in pieces(text, PIECE):
        document.add_pre_tokenized_text(field, _tokenize(piece, find_language(tag)))


def add_words(document: Document, field: str, text: str) -> None:
    """The text's whole words; `field` has the tokenizer WHOLE_WORDS."""
    for piece in pieces(text, PIECE):
        if _UNSPACED_TEXT.search(piece):
            document.add_pre_tokenized_text(field, _tokenize(piece, None))
        else:
            document.add_text(field, _needs_no_folding(piece))


def _tokenize(text: str, language: str | None) -> PreTokenizedString:
    if _UNSPACED_TEXT.search(text):
        tokens = [tantivy.Token(t.text, t.position, t.start, t.end) for t in _read_pairs(text, language)]
        return PreTokenizedString(text, tokens)
    return _create_analyzer(language).pre_tokenize(_needs_no_folding(text))


def _read_pairs(text: str, language: str | None, *, last_alone: bool = True) -> Iterator[Term]:
    """Runs of scripts without spaces as pairs of characters.

    In articles the last character also stands alone, so that every single one is the beginning of a term.
    """
    position = 0
    for run in _RUNS.finditer(text):
        word, start = run[0], run.start()
        if _UNSPACED_TEXT.match(word):
            folded = [_FOLDING[ord(c)] for c in word]
            for i in range(len(folded) if last_alone or len(folded) == 1 else len(folded) - 1):
                pair = "".join(folded[i : i + 2])
                yield Term(pair, position, start + i, start + min(i + 2, len(word)))
                position += 1
            continue
        for part in _create_analyzer(language).analyze(word.translate(_FOLDING)):
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
    """The terms that the index has of a text in the language of `tag`."""
    language = find_language(tag)
    if _UNSPACED_TEXT.search(text):
        terms = list(_read_pairs(text, language))
        whole = [t.text for t in (_read_pairs(text, None) if language else terms)]
        return AnalysedText(
            [t.text for t in terms], whole, lambda which: [(terms[i].start, terms[i].end) for i in which]
        )
    folded = _needs_no_folding(text)
    words = _create_analyzer(None).analyze(folded)
    stems = _create_analyzer(language).analyze(folded) if language else words
    return AnalysedText(stems, words, lambda which: _find_spans(text, folded, which))


def _find_spans(text: str, folded: str, which: Iterable[int]) -> list[Span]:
    tokens = _create_analyzer(None).pre_tokenize(folded).tokens
    spans = [(tokens[i].char_offset_from, tokens[i].char_offset_to) for i in which]
    if folded is text or all(len(_FOLDING[ord(c)]) == 1 for c in set(text)):
        return spans
    # Some characters fold to several or to none: places in the folded text are counted back to the text.
    back = [i for i, c in enumerate(text) for _ in _FOLDING[ord(c)]]
    return [(back[start], back[end - 1] + 1) for start, end in spans]


def _needs_no_folding(text: str) -> str:
    """The same text where nothing in it is folded before stemming."""
    return text.translate(_FOLDING) if _FOLDED_BEFORE.search(text) else text


@lru_cache(4096)
def analyse_words(text: str, tag: str | None = None) -> tuple[str, ...]:
    """The terms of a few words of a query, in order; unstemmed where `tag` is None."""
    if _UNSPACED_TEXT.search(text):
        return tuple(t.text for t in _read_pairs(text, find_language(tag), last_alone=False))
    return tuple(_create_analyzer(find_language(tag)).analyze(_needs_no_folding(text)))


def is_single_character(word: str) -> bool:
    """One character of a script without spaces: a word to a reader, the beginning of a term to the index."""
    return len(word) == 1 and is_unspaced(word)


@lru_cache(4096)
def strip_affixes(word: str) -> str:
    """A word without what hangs on to it: `Trump's` is found where Trump is, `l'Europe` where Europe is."""
    return _ELISION.sub("", word) or word


def is_unspaced(word: str) -> bool:
    """Whether the word is of a script that puts no spaces between words."""
    return bool(_UNSPACED_TEXT.search(word))


@cache
def _stop_analyzer(language: str) -> TextAnalyzer | None:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase())
    try:
        return builder.filter(tantivy.Filter.stopword(STEMMERS[language])).build()
    except ValueError:  # tantivy has no list of it
        return None


@lru_cache(16384)
def is_stop_word(word: str, tags: tuple[str, ...]) -> bool:
    """Whether it carries grammar and no subject in any of the languages, as tantivy's lists have it."""
    analyzers = [_stop_analyzer(language) for tag in tags if (language := find_language(tag))]
    return any(analyzer is not None and not analyzer.analyze(word) for analyzer in analyzers)


def list_stems(text: str, tag: str | None) -> list[str]:
    """The text's terms without places and stop words, for counting."""
    languages, analysed_text = (tag,) if tag else (), analyse(text, tag)
    pairs = zip(analysed_text.stems, analysed_text.places(range(len(analysed_text.stems))), strict=True)
    return [stem for stem, (start, end) in pairs if not is_stop_word(text[start:end], languages)]
