"""Proposes tags from those that an archive has: by the tags of similar articles, and by names that stand in the text.
Pure; makes no new tags and takes none."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.enrich.suggestion import SuggestedValue
from app.text import keys

FEWEST_VOTES, LEAST_SHARE = 2, 0.25
"""A tag that one neighbour alone has says more of that neighbour; one that few have says little."""
NAMED, NAMED_IN_TITLE = 0.6, 0.9
SHORTEST = 3
"""Letters of a name that is looked for in text, unless it is written in capitals there."""
MOST = 20


@dataclass(frozen=True, slots=True)
class LexiconTag:
    """A tag with everything that it is called."""

    id: int
    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagLexicon:
    """Names, folded, with the tags that bear them and how it is written; how many words names have that begin with a
    word."""

    names: Mapping[str, tuple[tuple[LexiconTag, str], ...]]
    lengths: Mapping[str, tuple[int, ...]]


EMPTY = TagLexicon({}, {})


def extend(known: TagLexicon, tags: Iterable[LexiconTag]) -> TagLexicon:
    """With these tags beside those that it has."""
    names, lengths = dict(known.names), dict(known.lengths)
    for tag in tags:
        for name in dict.fromkeys((tag.name, *tag.names)):
            words = keys.words(name)
            if words:
                key, length = " ".join(words), len(words)
                names[key] = (*names.get(key, ()), (tag, name))
                if length not in lengths.get(words[0], ()):
                    lengths[words[0]] = (*lengths.get(words[0], ()), length)
    return TagLexicon(names, lengths)


def find_named(title: str, body: str, known: TagLexicon, words: Sequence[str] | None = None) -> list[SuggestedValue]:
    """Tags whose name or alias stands in the text, word for word, those in the title first. `words` are the folded ones
    of the body, where the caller has them."""
    read = keys.words(body) if words is None else words
    suggestions: dict[int, SuggestedValue] = {}
    for content, said, score in ((title, keys.words(title), NAMED_IN_TITLE), (body, read, NAMED)):
        for tag, written in _find_names(said, known):
            if tag.id not in suggestions and _is_written(written, content):
                suggestions[tag.id] = SuggestedValue("tag", tag.name, score, "names", target=tag.id, evidence=written)
    return list(suggestions.values())


def _find_names(words: Sequence[str], known: TagLexicon) -> Iterator[tuple[LexiconTag, str]]:
    lengths, names = known.lengths, known.names
    if lengths.keys().isdisjoint(words):
        return
    for i in [i for i, word in enumerate(words) if word in lengths]:
        for length in lengths[words[i]]:
            yield from names.get(" ".join(words[i : i + length]), ())


def _is_written(name: str, content: str) -> bool:
    """Short names and those in capitals ("EU", "WHO") only as they are written: in small letters they are words."""
    return name in content if len(name) <= SHORTEST or name.isupper() else True


def vote(neighbours: Sequence[tuple[float, Sequence[int]]], names: Mapping[int, str]) -> list[SuggestedValue]:
    """Tags of similar articles: each votes with its score. A suggestion's score is its share of all votes."""
    total = sum(score for score, _ in neighbours)
    votes: dict[int, float] = {}
    voters: dict[int, int] = {}
    for score, tags in neighbours:
        for tag in tags:
            votes[tag] = votes.get(tag, 0.0) + score
            voters[tag] = voters.get(tag, 0) + 1
    return [
        SuggestedValue(
            "tag", names[tag], round(vote / total, 3), "neighbours", tag, evidence=f"{voters[tag]} similar articles"
        )
        for tag, vote in votes.items()
        if tag in names and voters[tag] >= FEWEST_VOTES and vote / total >= LEAST_SHARE
    ]


def merge(*groups: Iterable[SuggestedValue]) -> list[SuggestedValue]:
    """Each tag once, the best first; what speaks for it twice is the surer."""
    best: dict[int | None, SuggestedValue] = {}
    for one in (one for group in groups for one in group):
        other = best.get(one.target)
        if other is None:
            best[one.target] = one
        else:
            # As of two that are independent: that both are wrong.
            surer = 1 - (1 - one.score) * (1 - other.score)
            reason = f"{other.evidence}; {one.evidence}"
            best[one.target] = replace(other, score=round(surer, 3), origin="names+neighbours", evidence=reason)
    return sorted(best.values(), key=lambda one: (-one.score, one.value))[:MOST]
