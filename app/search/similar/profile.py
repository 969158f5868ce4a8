"""What the index keeps of an article to tell which others are like it: its commonest terms, with how often they are
there, and a sample of its runs of three words. Made of the terms that are indexed, packed into bytes. Pure."""

import zlib
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import log, sqrt
from operator import neg
from struct import Struct

from tantivy import PreTokenizedString

from app.search.query.analysis import TokenizedText, is_single_character
from app.search.query.stop_words import list_stop_words
from app.search.query.word_cache import WordCache

MOST_TERMS = 160
"""Those that are there most often, of equals the longer words, which are rarer, and then those that come first: news
says first what it is about."""
_LONG = 10
"""Characters from which on words are equally long."""
READ = 24_000
"""Characters of the stems of a text that are compared."""
SAMPLED_RUNS = 48
TAG_SIGN = "#"
"""Before a tag as a term; no word has it."""
TAG_COUNTS = 3
"""A tag weighs as a word that is there so often."""
HIGHEST_COUNT = 255
WEIGHTS = tuple(1 + log(count or 1) for count in range(HIGHEST_COUNT + 1))
"""What a term weighs that is there so often."""
HASHED = hash((1, 2, 3))
"""Python's own hash of three numbers: one that computes another one makes another form of the index."""

_HEAD = Struct("=HHHHHIfq")
_UNDATED = -(2**63)
_LOWEST_RUN = -(2**31)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is compared of an article. `counts`: how often each of `terms` is there, falling; tags are terms too
    (`name_tag`). Their weights times `scale` have unit length, with those of the terms that were left out. `title`: the
    numbers of the terms of the title. `regions` are its own. `runs` are the lowest hashes of its `run_count` runs of
    three words."""

    id: int
    version: int
    terms: Sequence[str]
    counts: bytes
    scale: float
    title: bytes
    runs: Sequence[int]
    run_count: int
    tags: tuple[int, ...]
    regions: tuple[int, ...]
    published_at: int | None

    def count_repeated(self) -> int:
        """How many of the terms are there more than once: the first ones."""
        single = self.counts.find(1)
        return single if single >= 0 else len(self.counts)


def name_tag(tag: int) -> str:
    """A tag as a term."""
    return f"{TAG_SIGN}{tag}"


def read_tag(term: str) -> int | None:
    """Of which tag it is the term; None for a word."""
    return int(term[1:]) if term.startswith(TAG_SIGN) else None


def build_profile(
    id: int,
    version: int,
    texts: Sequence[TokenizedText],
    tags: Sequence[int],
    regions: Iterable[int],
    published_at: int | None,
) -> Profile:
    """From an article's title and the other texts of it, all of one language."""
    title, text = _list_stems(texts[:1]), _list_stems(texts[1:])
    stems = [*title, *text]
    vocabulary = _find_vocabulary(texts[0].language)
    numbers = vocabulary.numbers.find_all(stems)
    counts = Counter(stems)
    for stop_word in vocabulary.stop_words.intersection(counts):
        del counts[stop_word]
    frequencies = Counter(_limit_counts(counts.values()))
    frequencies[TAG_COUNTS] += len(tags)
    length = sqrt(sum(number * WEIGHTS[count] ** 2 for count, number in frequencies.items()))
    terms = _list_preferred(counts)
    term_counts = [counts[term] for term in terms]
    place = bisect_right(term_counts, -TAG_COUNTS, key=neg)
    terms[place:place] = map(name_tag, tags)
    term_counts[place:place] = [TAG_COUNTS] * len(tags)
    in_title = set(title)
    places = {term: place for place, term in enumerate(terms[: HIGHEST_COUNT + 1]) if term in in_title}
    runs = _hash_runs(numbers)
    return Profile(
        id,
        version,
        terms,
        bytes(_limit_counts(term_counts)),
        1 / (length or 1.0),
        bytes([places[stem] for stem in title if stem in places]),
        array("i", _list_lowest(runs)),
        len(runs),
        tuple(tags),
        tuple(regions),
        published_at,
    )


def _limit_counts(counts: Collection[int]) -> Collection[int]:
    highest = max(counts, default=0)
    return counts if highest <= HIGHEST_COUNT else [min(count, HIGHEST_COUNT) for count in counts]


def _list_preferred(counts: Counter[str]) -> list[str]:
    """MOST_TERMS of the stems in the order of their worth: see there."""
    # Sorting is stable: equals stay in the order in which they come. Keys that are C functions take a third of the time
    # that one of both, written here, would take.
    long = [stem for stem in counts if len(stem) >= _LONG]
    stems = long + sorted(counts, key=len, reverse=True)[len(long) :]
    stems.sort(key=counts.__getitem__, reverse=True)
    return stems[:MOST_TERMS]


def _list_stems(texts: Sequence[TokenizedText]) -> list[str]:
    """Those of about the first READ characters."""
    stems: list[str] = []
    left = READ
    for piece, terms in chain.from_iterable(zip(text.stems, text.terms, strict=True) for text in texts):
        if isinstance(piece, PreTokenizedString):
            # Of scripts without spaces as pairs, which are terms beside the single characters.
            pairs = [term for token in piece.tokens if not is_single_character(term := token.text)]
            stems += pairs[: left // 2]
        elif len(piece) > left:
            stems += piece[:left].split()[:-1]
        else:
            stems += terms
        left -= len(piece) if isinstance(piece, str) else READ
        if left <= 0:
            break
    return stems


def _hash_runs(numbers: Sequence[int]) -> set[int]:
    # The upper half of each, which keeps the order of the whole.
    return {run >> 32 for run in map(hash, zip(numbers, numbers[1:], numbers[2:], strict=False))}


def _list_lowest(runs: set[int]) -> list[int]:
    """SAMPLED_RUNS of them, rising."""
    some: Collection[int] = runs
    if len(runs) > 4 * SAMPLED_RUNS:
        # Hashes are spread evenly: twice as many as are wanted lie below this one. Sorting all takes three times as
        # long.
        limit = _LOWEST_RUN + (2 * SAMPLED_RUNS << 32) // len(runs)
        below = [run for run in runs if run < limit]
        some = below if len(below) >= SAMPLED_RUNS else runs
    return sorted(some)[:SAMPLED_RUNS]


class _Vocabulary:
    """Stems of a language that were met: a number of each, the same in each process, unlike hashes of strings; and
    which of them are stop words, which are as few as there are in the language."""

    def __init__(self, language: str | None) -> None:
        self._language = language
        self.stop_words: set[str] = set()
        self.numbers = WordCache(self._number_stems)

    def _number_stems(self, stems: Sequence[str]) -> list[int]:
        # First: another thread that finds the number of a stop word finds it among these as well.
        self.stop_words.update(list_stop_words(stems, self._language))
        return [zlib.crc32(stem.encode("utf-8", "surrogatepass")) for stem in stems]


_find_vocabulary = lru_cache(8)(_Vocabulary)


def pack_profile(profile: Profile) -> bytes:
    """Its bytes, without the id and the version."""
    published_at = _UNDATED if profile.published_at is None else profile.published_at
    head = _HEAD.pack(
        len(profile.counts),
        len(profile.title),
        len(profile.runs),
        len(profile.tags),
        len(profile.regions),
        profile.run_count,
        profile.scale,
        published_at,
    )
    parts = array("q", (*profile.tags, *profile.regions)), array("i", profile.runs)
    return b"".join((head, *(part.tobytes() for part in parts), profile.counts, profile.title, _join(profile.terms)))


def _join(terms: Sequence[str]) -> bytes:
    return " ".join(terms).encode("utf-8", "surrogatepass")


def unpack_profile(id: int, version: int, packed: bytes) -> Profile:
    """A profile from its bytes."""
    terms, title, runs, tags, regions, run_count, scale, published_at = _HEAD.unpack_from(packed)
    start, end = _HEAD.size, _HEAD.size + 8 * (tags + regions)
    ids = array("q", packed[start:end])
    start, end = end, end + 4 * runs
    sampled = array("i", packed[start:end])
    counts, words = packed[end : end + terms], end + terms + title
    return Profile(
        id,
        version,
        packed[words:].decode("utf-8", "surrogatepass").split(" ") if terms else (),
        counts,
        scale,
        packed[end + terms : words],
        sampled,
        run_count,
        tuple(ids[:tags]),
        tuple(ids[tags:]),
        None if published_at == _UNDATED else published_at,
    )
