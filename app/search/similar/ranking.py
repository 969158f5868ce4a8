"""Puts similar articles in order and takes copies of the article out. Pure; the candidates are the engine's.

What orders is the cosine of sublinear TF-IDF of whole texts: a candidate's words weigh `1 + ln tf`, at unit length, the
article's own as often as they are there, by their rarity in the archive; the words of the ten likest count by half. A
candidate's score is its cosine as a share of the best one's that is no copy, plus a little for a shared country or
grouping and for being close in time. A copy is what holds nearly all of the other's runs of three words.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile, repeat
from math import exp, hypot, log
from operator import mul
from sys import getsizeof, intern, maxsize

from app.search.query import analysis, word_forms
from app.search.query.stop_words import is_stop_word

COPY = 0.8
REGION, TIME = 0.01, 0.02
LEAST = 0.4
"""A score below this is padding, not likeness."""
YEAR = 365 * 86_400
READ = 24_000
"""Characters of a text that are compared."""
NEAREST, NEAREST_WEIGHT = 10, 0.5
"""Of so many of the likest articles the terms count, too."""
TAG_SIGN = "#"
"""Before a tag as a term; no word has it."""
TAG_COUNTS = 3
"""A tag weighs as a word that is there so often."""
_OVERHEAD = 600
"""Bytes that a profile takes beside what it holds of its text."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is compared of an article. `counts`: how often each of `terms` is there, `weights` what it weighs; tags are
    terms too (`name_tag`). `title_terms` are those of the title. `regions` are those that say something (no
    continents). `runs`: every three words in a row, as numbers."""

    id: int
    version: int
    language: str
    terms: tuple[str, ...]
    counts: "array[int]"
    weights: "array[float]"
    title_terms: tuple[str, ...]
    runs: "array[int]"
    tags: tuple[int, ...]
    regions: frozenset[int]
    published_at: int | None

    @property
    def size(self) -> int:
        """Bytes in memory, about: words are shared by all profiles."""
        parts = (self.terms, self.counts, self.weights, self.title_terms, self.runs, self.tags, self.regions)
        return sum(map(getsizeof, parts)) + _OVERHEAD


@dataclass(frozen=True, slots=True)
class SimilarityCandidate:
    """An article that may be similar, with its cosine."""

    profile: Profile
    cosine: float


@dataclass(frozen=True, slots=True)
class RankedProfile:
    """A similar article: `score` from 0 to 1.03; one that is `below_threshold` fills a list up."""

    profile: Profile
    score: float
    below_threshold: bool


def name_tag(tag: int) -> str:
    """A tag as a term."""
    return f"{TAG_SIGN}{tag}"


def read_tag(term: str) -> int | None:
    """Of which tag it is the term; None for a word."""
    return int(term[1:]) if term.startswith(TAG_SIGN) else None


def build_profile(
    id: int,
    version: int,
    language: str,
    texts: tuple[str, str],
    tags: Sequence[int],
    regions: Iterable[int],
    published_at: int | None,
) -> Profile:
    """From an article's title and text."""
    title_stems, title_words = _analyse(texts[0][:READ], language)
    stems, words = _analyse(texts[1][:READ], language)
    words = [*title_words, *words]
    counts = Counter(chain(title_stems, stems))
    counts.update({name_tag(tag): TAG_COUNTS for tag in tags})
    weights = [1 + log(count) for count in counts.values()]
    length = hypot(*weights) or 1.0
    return Profile(
        id,
        version,
        language,
        tuple(map(intern, counts)),
        array("i", counts.values()),
        array("f", [weight / length for weight in weights]),
        tuple(map(intern, title_stems)),
        array("q", {*map(hash, zip(words, words[1:], words[2:], strict=False))}),
        tuple(tags),
        frozenset(regions),
        published_at,
    )


def _analyse(text: str, language: str) -> tuple[list[str], Sequence[str]]:
    """The stems of a text without stop words, and all its words. As `analysis.list_stems`, which also analyses the text
    once more for the words as they are written: stop words are looked up so, and in ASCII that is the same."""
    analysed = word_forms.analyse(text, language)
    if not text.isascii() and not language.startswith("en"):
        return analysis.list_stems(text, language), analysed.words
    languages = (language,)
    pairs = zip(analysed.stems, analysed.words, strict=True)
    return [stem for stem, word in pairs if not is_stop_word(word, languages)], analysed.words


def weigh_terms(sample: Profile, rarity: Mapping[str, float]) -> dict[str, float]:
    """What an article is compared by: its terms by how often they are there and how rare the archive has them, at unit
    length."""
    pairs = zip(sample.terms, sample.counts, strict=True)
    return _normalize({term: count * rarity[term] for term, count in pairs if term in rarity})


def measure_cosines(query_weights: Mapping[str, float], profiles: Iterable[Profile]) -> list[SimilarityCandidate]:
    """The likest first."""
    get, nothing = query_weights.get, repeat(0.0)
    candidates = [
        SimilarityCandidate(one, sum(map(mul, map(get, one.terms, nothing), one.weights))) for one in profiles
    ]
    return sorted(candidates, key=lambda one: (-one.cosine, one.profile.id))


def sum_nearest(candidates: Sequence[SimilarityCandidate]) -> dict[str, float]:
    """What the terms that two or more of the likest have weigh together: one that stands in one alone finds that."""
    nearest = [one.profile for one in candidates[:NEAREST]]
    having = Counter(chain.from_iterable(one.terms for one in nearest))
    summed = {term: 0.0 for term, count in having.items() if count > 1}
    for one in nearest:
        for term, weight in zip(one.terms, one.weights, strict=True):
            if term in summed:
                summed[term] += weight
    return summed


def add_nearest(
    query_weights: Mapping[str, float], nearest: Mapping[str, float], rarity: Mapping[str, float]
) -> dict[str, float]:
    """The article's own terms, and half as much those of the likest: what they share is its subject, also in words that
    it does not use itself. Without it BM25 finds more articles of one topic (figures in docs/performance.md)."""
    added = _normalize({term: weight * rarity[term] for term, weight in nearest.items() if term in rarity})
    expanded = dict(query_weights)
    for term, weight in added.items():
        expanded[term] = expanded.get(term, 0.0) + NEAREST_WEIGHT * weight
    return expanded


def _normalize(weights: dict[str, float]) -> dict[str, float]:
    length = hypot(*weights.values()) or 1.0
    return {term: weight / length for term, weight in weights.items()}


def rank(sample: Profile, candidates: Iterable[SimilarityCandidate], limit: int) -> list[RankedProfile]:
    """The likest first; copies of the sample, and of one another, left out. Filled up with what is below the
    threshold."""
    texts = _Texts()
    texts.add(frozenset(sample.runs))
    by_cosine = sorted(candidates, key=lambda one: (-one.cosine, one.profile.id))
    remaining = list(dropwhile(lambda one: texts.has_copy_of(frozenset(one.profile.runs)), by_cosine))
    best = (remaining[0].cosine if remaining else 0.0) or 1.0
    scored = sorted(
        ((round(one.cosine / best + _measure_nearness(sample, one.profile), 4), one.profile) for one in remaining),
        key=lambda pair: (-pair[0], pair[1].id),
    )
    ranked: list[RankedProfile] = []
    for score, profile in scored:
        runs = frozenset(profile.runs)
        if texts.has_copy_of(runs):
            continue
        ranked.append(RankedProfile(profile, score, score < LEAST))
        if len(ranked) == limit:
            break
        texts.add(runs)
    return ranked


class _Texts:
    """Texts by their runs. Which of them has a run is a bit of its number in `_having`, which is made as soon as one
    text shares enough with all of them together."""

    def __init__(self) -> None:
        self._texts: list[frozenset[int]] = []
        self._having: dict[int, int] = {}
        self._counted = 0
        self._all: set[int] = set()
        self._shortest = maxsize

    def add(self, text: frozenset[int]) -> None:
        self._texts.append(text)
        self._all |= text
        self._shortest = min(self._shortest, len(text) or maxsize)

    def has_copy_of(self, text: frozenset[int]) -> bool:
        """Whether of this text and one of those the shorter lies nearly whole in the longer."""
        if len(text & self._all) < COPY * min(len(text), self._shortest):
            return False
        self._count()
        shared: Counter[int] = Counter()
        for numbers, times in Counter(self._having[run] for run in text & self._all).items():
            while numbers:
                # The lowest bit that is set: each bit is a text that has the run.
                last = numbers & -numbers
                shared[last.bit_length() - 1] += times
                numbers ^= last
        return any(count >= COPY * min(len(text), len(self._texts[n])) for n, count in shared.items())

    def _count(self) -> None:
        for number in range(self._counted, len(self._texts)):
            for run in self._texts[number]:
                self._having[run] = self._having.get(run, 0) | 1 << number
        self._counted = len(self._texts)


def _measure_nearness(sample: Profile, other: Profile) -> float:
    near = REGION if sample.regions & other.regions else 0.0
    if sample.published_at is not None and other.published_at is not None:
        near += TIME * exp(-abs(sample.published_at - other.published_at) / YEAR)
    return near


def describe_reason(tags: Sequence[str], regions: Sequence[str]) -> str:
    """Why, for people."""
    parts = [f"tags {', '.join(tags[:3])}"] if tags else []
    parts += [f"regions {', '.join(regions[:3])}"] if regions else []
    return f"shares {' and '.join(parts)}" if parts else "uses the same words"
