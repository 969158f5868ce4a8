"""What the index keeps of an article to tell which others are like it: its commonest terms, with how often they are
there, and a sample of its runs of three words. Made of the terms that are indexed, packed into bytes. Pure."""

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from math import hypot, log
from struct import Struct

from tantivy import PreTokenizedString

from app.search.query.analysis import TokenizedText, is_single_character
from app.search.query.stop_words import is_stop_word
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
    is_stop = _find_stop_words(texts[0].language)
    title, text = _list_stems(texts[:1]), _list_stems(texts[1:])
    counts = {stem: count for stem, count in Counter(chain(title, text)).items() if not is_stop[stem]}
    length = hypot(
        *(WEIGHTS[min(count, HIGHEST_COUNT)] for count in counts.values()), *[WEIGHTS[TAG_COUNTS]] * len(tags)
    )
    # Sorting is stable: equals stay in the order in which they come.
    kept = sorted(counts.items(), key=_prefer_term, reverse=True)[:MOST_TERMS]
    terms = sorted([*kept, *((name_tag(tag), TAG_COUNTS) for tag in tags)], key=_read_count, reverse=True)
    numbers = {term: number for number, (term, _) in enumerate(terms[: HIGHEST_COUNT + 1])}
    runs = _hash_runs([*title, *text])
    return Profile(
        id,
        version,
        [term for term, _ in terms],
        bytes([min(count, HIGHEST_COUNT) for _, count in terms]),
        1 / (length or 1.0),
        bytes([numbers[stem] for stem in title if stem in numbers]),
        array("i", sorted(runs)[:SAMPLED_RUNS]),
        len(runs),
        tuple(tags),
        tuple(regions),
        published_at,
    )


def _prefer_term(term: tuple[str, int]) -> tuple[int, int]:
    return term[1], min(len(term[0]), _LONG)


def _read_count(term: tuple[str, int]) -> int:
    return term[1]


def _list_stems(texts: Sequence[TokenizedText]) -> list[str]:
    """Those of about the first READ characters."""
    stems: list[str] = []
    left = READ
    for piece in chain.from_iterable(text.stems for text in texts):
        if isinstance(piece, PreTokenizedString):
            # Of scripts without spaces as pairs, which are terms beside the single characters.
            terms = [term for token in piece.tokens if not is_single_character(term := token.text)]
            stems += terms[: left // 2]
        elif len(piece) > left:
            stems += piece[:left].split()[:-1]
        else:
            stems += piece.split()
        left -= len(piece) if isinstance(piece, str) else READ
        if left <= 0:
            break
    return stems


def _hash_runs(stems: Sequence[str]) -> set[int]:
    numbers = list(map(_numbers.__getitem__, stems))
    # The upper half keeps the order of the whole.
    return {run >> 32 for run in map(hash, zip(numbers, numbers[1:], numbers[2:], strict=False))}


def _number_stem(stem: str) -> int:
    return zlib.crc32(stem.encode("utf-8", "surrogatepass"))


_numbers: WordCache[int] = WordCache(_number_stem)
"""The same in each process, unlike hashes of strings."""


@lru_cache(8)
def _find_stop_words(language: str | None) -> Mapping[str, bool]:
    return WordCache(partial(is_stop_word, tags=(language,) if language else ()))


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
