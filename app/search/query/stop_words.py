"""Words that carry grammar and no subject, by the lists of tantivy's stemmers. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import tantivy
from tantivy import TextAnalyzer

STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "nb": "norwegian",
    "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish",
}  # fmt: skip
"""By ISO 639 code, those that tantivy has; other languages keep their words whole."""

MOST_LANGUAGES = 3
"""That a query is read in, where it does not say."""
_PRONOUNS = frozenset(
    ("us", "we", "me", "he", "she", "him", "her", "our", "you", "who", "may", "can", "was", "has", "had", "its")
)
"""Words of English that its list lacks and that are abbreviations in capitals somewhere."""
_NEVER_NAMES = frozenset(
    ("am", "an", "and", "are", "be", "but", "by", "for", "into", "not", "of", "such", "that", "the", "then", "they",
     "this", "will", "with")
)  # fmt: skip
"""Words that are in capitals for loudness alone (`THE HAGUE`, `did NOT say`), and `AM`, which is `a.m.`"""


def find_language(tag: str | None) -> str | None:
    """The language of a BCP 47 tag if there is a stemmer for it."""
    base = (tag or "").partition("-")[0].lower()
    return base if base in STEMMERS else None


def choose_languages(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The MOST_LANGUAGES that most articles are in, of those that have a stemmer: to be read in any other says nothing.
    Varieties (`en-GB`) count as the language."""
    totals: Counter[str] = Counter()
    for tag, articles in counts.items():
        if language := find_language(tag):
            totals[language] += articles
    return tuple(sorted(totals, key=lambda language: (-totals[language], language))[:MOST_LANGUAGES])


@cache
def _create_analyzer(language: str) -> TextAnalyzer | None:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase())
    try:
        return builder.filter(tantivy.Filter.stopword(STEMMERS[language])).build()
    except ValueError:  # tantivy has no list of it
        return None


@lru_cache(16384)
def is_stop_word(word: str, tags: tuple[str, ...]) -> bool:
    """Whether the word is a stop word in any of the languages. `US` in capitals is none: it is a name."""
    if len(word) > 1 and word.isupper() and is_function_word(word.lower()):
        return False
    analyzers = [_create_analyzer(language) for tag in tags if (language := find_language(tag))]
    return any(analyzer is not None and not analyzer.analyze(word) for analyzer in analyzers)


def list_stop_words(terms: Sequence[str], language: str | None) -> list[str]:
    """Those of the terms of a language that are stop words in it: what `is_stop_word` says of each, in one call for all
    that are none, as most are."""
    analyzer = _create_analyzer(language) if language else None
    if analyzer is None or language is None:
        return []
    others = set(analyzer.analyze(" ".join(terms)))
    return [term for term in terms if term not in others and is_stop_word(term, (language,))]


@lru_cache(16384)
def is_function_word(word: str) -> bool:
    """Whether a word of two to four small letters is a stop word in any language: in capitals it is another word."""
    if not (2 <= len(word) <= 4 and word.isascii() and word.isalpha() and word.islower()):
        return False
    if word in _NEVER_NAMES:
        return False
    analyzers = (_create_analyzer(language) for language in STEMMERS)
    return word in _PRONOUNS or any(analyzer is not None and not analyzer.analyze(word) for analyzer in analyzers)
