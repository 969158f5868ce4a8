"""Proposes tags from those that an archive has: by the tags of similar articles, and by names that stand in the text.
Pure; makes no new tags and takes none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app import text
from app.enrich.suggestion import Suggestion

FEWEST_VOTES, LEAST_SHARE = 2, 0.25
"""A tag that one neighbour alone has says more of that neighbour; one that few have says little."""
NAMED, NAMED_IN_TITLE = 0.6, 0.9
SHORTEST = 3
"""Letters of a name that is looked for in text, unless it is written in capitals there."""
MOST = 20


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with everything that it is called."""

    id: int
    name: str
    names: tuple[str, ...]


Lexicon = Mapping[str, Sequence[tuple[tuple[str, ...], Tag, str]]]
"""Names by their first folded word: all words, the tag, the name as written."""


def lexicon(tags: Iterable[Tag]) -> Lexicon:
    """For `named`; made once for a vocabulary."""
    found: dict[str, list[tuple[tuple[str, ...], Tag, str]]] = {}
    for tag in tags:
        for name in dict.fromkeys((tag.name, *tag.names)):
            words = tuple(text.words_key(name).split())
            if words:
                found.setdefault(words[0], []).append((words, tag, name))
    return found


def named(title: str, body: str, known: Lexicon) -> list[Suggestion]:
    """Tags whose name or alias stands in the text, word for word."""
    found: dict[int, Suggestion] = {}
    for content, score in ((title, NAMED_IN_TITLE), (body, NAMED)):
        words = text.words_key(content).split()
        for i, word in enumerate(words):
            for name, tag, written in known.get(word, ()):
                if tag.id not in found and tuple(words[i : i + len(name)]) == name and _stands(written, content):
                    found[tag.id] = Suggestion("tag", tag.name, score, "names", target=tag.id, evidence=written)
    return list(found.values())


def _stands(name: str, content: str) -> bool:
    """Short names and those in capitals ("EU", "WHO") only as they are written: in small letters they are words."""
    return name in content if len(name) <= SHORTEST or name.isupper() else True


def voted(neighbours: Sequence[tuple[float, Sequence[int]]], names: Mapping[int, str]) -> list[Suggestion]:
    """Tags of similar articles: each votes with its score. A suggestion's score is its share of all votes."""
    total = sum(score for score, _ in neighbours)
    votes: dict[int, float] = {}
    voters: dict[int, int] = {}
    for score, tags in neighbours:
        for tag in tags:
            votes[tag] = votes.get(tag, 0.0) + score
            voters[tag] = voters.get(tag, 0) + 1
    return [
        Suggestion(
            "tag", names[tag], round(vote / total, 3), "neighbours", tag, evidence=f"{voters[tag]} similar articles"
        )
        for tag, vote in votes.items()
        if tag in names and voters[tag] >= FEWEST_VOTES and vote / total >= LEAST_SHARE
    ]


def merged(*found: Iterable[Suggestion]) -> list[Suggestion]:
    """Each tag once, the best first; what speaks for it twice is the surer."""
    best: dict[int | None, Suggestion] = {}
    for one in (one for group in found for one in group):
        other = best.get(one.target)
        if other is None:
            best[one.target] = one
        else:
            surer = 1 - (1 - one.score) * (1 - other.score)
            reason = f"{other.evidence}; {one.evidence}"
            best[one.target] = replace(other, score=round(surer, 3), origin="names+neighbours", evidence=reason)
    return sorted(best.values(), key=lambda one: (-one.score, one.value))[:MOST]
