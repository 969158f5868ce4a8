"""What a few typed letters may become: tags, regions, authors and titles. Pure, but for the titles' search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.search.engine import Question, SearchEngine, SearchHit
from app.search.query import analysis
from app.search.query.parser import parse
from app.search.query.tree import Field
from app.search.vocabulary.names import NamedEntry, Realm, Vocabulary


@dataclass(frozen=True, slots=True)
class Completion:
    """A tag, region or author, and how many published articles it has."""

    entry: NamedEntry
    count: int


def complete_names(
    vocabulary: Vocabulary,
    counts: Mapping[Realm, Mapping[int, int]],
    type_: Literal["tag", "region", "author"],
    text: str,
    limit: int,
) -> list[Completion]:
    """The best first: nothing mended, beginning with the text, then the most used. Without articles, none.

    `counts` are by id. An empty text: the most used.
    """
    realm: Realm = "region" if type_ == "region" else "tag"
    words, own = analysis.list_whole_words(text), counts[realm]
    all_entries = ((entry, 0) for entry in vocabulary.entries.values())
    matching = vocabulary.find_beginning(text, counts["tag"]) if words else all_entries
    completions = [
        (mended, not vocabulary.is_beginning(entry, words), -own[entry.id], entry.name, entry.id, entry)
        for entry, mended in matching
        if entry.realm == realm
        and (type_ == "region" or (entry.kind == "contributor") == (type_ == "author"))
        and own.get(entry.id)
    ]
    return [Completion(row[-1], -row[2]) for row in sorted(completions, key=lambda row: row[:-1])[:limit]]


def find_articles(engine: SearchEngine, text: str, excluded: tuple[int, ...], limit: int) -> tuple[SearchHit, ...]:
    """Articles whose title has the words, the last of them perhaps unfinished; the newest for an empty text."""
    tree = parse(text).tree
    if tree is None:
        return engine.search(Question(limit=limit, excluded=excluded)).hits
    question = Question(
        tree=Field("title", tree), order="relevance", limit=limit, excluded=excluded, typo=True, prefix=True
    )
    return engine.search(question).hits
