"""What a saved search asks, down to ids and terms: as the database keeps it, and after merges of tags. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any

import orjson

from app.articles.filters import ArticleFilter
from app.search.engine import Question
from app.search.query import conditions
from app.search.query.conditions import Condition

_DEFAULTS = ArticleFilter()
_TAGGED = ("authors", "sections", "tags", "tags_all", "tags_not")


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """A filter of published articles, and what their words have to be; None where words are not asked for."""

    filter: ArticleFilter
    words: Condition | None = None

    def serialize(self) -> str:
        """The same text for equal questions."""
        asked = {
            one.name: value
            for one in fields(ArticleFilter)
            if (value := getattr(self.filter, one.name)) != getattr(_DEFAULTS, one.name)
        }
        words = None if self.words is None else conditions.serialize(self.words)
        return orjson.dumps({"filter": asked, "words": words}, option=orjson.OPT_SORT_KEYS).decode()

    def follow_merges(self, merged: Mapping[int, int]) -> "SearchQuestion":
        """With the tags that have taken others in since, in their place."""
        if not merged or merged.keys().isdisjoint(self.list_tags()):
            return self
        moved: dict[str, Any] = {
            name: tuple(dict.fromkeys(merged.get(id, id) for id in getattr(self.filter, name))) for name in _TAGGED
        }
        words = None if self.words is None else conditions.replace_tags(self.words, merged)
        return SearchQuestion(replace(self.filter, **moved), words)

    def list_tags(self) -> Iterator[int]:
        """Every tag that it names."""
        for name in _TAGGED:
            yield from getattr(self.filter, name)
        if self.words is not None:
            yield from conditions.list_tags(self.words)

    def ask(self, limit: int) -> Question:
        """For the search engine: the newest articles that match."""
        # The words are read already: no language has to be looked for.
        return Question(filter=self.filter, fixed=self.words, limit=limit, languages=("en",))


def parse_question(text: str | bytes) -> SearchQuestion:
    """What `serialize` has made."""
    stored = orjson.loads(text)
    asked: dict[str, Any] = {name: _freeze(value) for name, value in stored["filter"].items()}
    words = stored["words"]
    return SearchQuestion(ArticleFilter(**asked), None if words is None else conditions.parse(words))


def _freeze(value: object) -> object:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def compute_hash(question: str) -> str:
    """What equal questions have in common."""
    return sha256(question.encode()).hexdigest()
