"""What a few typed letters may become: tags, regions, authors and titles. Pure, but for the titles' search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.articles.filters import ArticleFilter
from app.search.engine import Hit, Question, SearchEngine
from app.search.query import analysis
from app.search.query.parser import parse
from app.search.query.tree import Field
from app.search.vocabulary.names import Named, Realm, Vocabulary


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tag, region or author, and how many published articles it has."""

    entry: Named
    count: int


def names(
    vocabulary: Vocabulary,
    counts: Mapping[Realm, Mapping[int, int]],
    type_: Literal["tag", "region", "author"],
    text: str,
    limit: int,
) -> list[Suggestion]:
    """The best first: nothing mended, beginning with the text, then the most used. Without articles, none.

    `counts` are by id. An empty text: the most used.
    """
    realm: Realm = "region" if type_ == "region" else "tag"
    words, own = analysis.words(text), counts[realm]
    everything = ((entry, 0) for entry in vocabulary.entries.values())
    begun = vocabulary.begun(text, counts["tag"]) if words else everything
    found = [
        (mended, not vocabulary.begins(entry, words), -own[entry.id], entry.name, entry.id, entry)
        for entry, mended in begun
        if entry.realm == realm and _of_type(entry, type_) and own.get(entry.id)
    ]
    return [Suggestion(row[-1], -row[2]) for row in sorted(found, key=lambda row: row[:-1])[:limit]]


def _of_type(entry: Named, type_: str) -> bool:
    return type_ == "region" or (entry.kind == "contributor") == (type_ == "author")


def articles(engine: SearchEngine, text: str, excluded: tuple[int, ...], limit: int) -> tuple[Hit, ...]:
    """Articles whose title has the words, the last of them perhaps unfinished; the newest for an empty text."""
    tree = parse(text).tree
    if tree is None:
        return engine.search(Question(limit=limit, excluded=excluded)).hits
    question = Question(
        ArticleFilter(), Field("title", tree), "relevance", limit, excluded=excluded, typo=True, prefix=True
    )
    return engine.search(question).hits
