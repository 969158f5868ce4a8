"""All questions in memory, by what an article must have to match them. Rebuilt from SQL in a second for 100,000."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping

import orjson
from sqlalchemy import Connection

from app.search.indexing.fixed.candidates import TAG, BatchTerms, make_key
from app.search.saved_searches import matches
from app.search.saved_searches.question import SearchQuestion, parse_question

PARSED = 20_000
"""Questions that are kept as objects, which take ten times as much memory as their text."""


class Registry:
    """For one thread."""

    def __init__(self) -> None:
        self.merged: Mapping[int, int] = {}
        self._version: int | None = None
        self._clear()

    def _clear(self) -> None:
        self._texts: dict[int, bytes] = {}
        # Most keys are those of one question: a list for each would take as much memory as the questions.
        self._by_key: dict[str, int | list[int]] = {}
        self._always: dict[int, None] = {}
        self._parsed: OrderedDict[int, SearchQuestion] = OrderedDict()
        self._last = 0

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, id: int) -> bool:
        return id in self._texts

    def refresh(self, connection: Connection, version: int) -> None:
        """Takes in what was added, and lets go of what was removed."""
        if version == self._version:
            return
        there = matches.list_questions(connection)
        for id in self._texts.keys() - there:
            del self._texts[id]
            self._parsed.pop(id, None)
        if len(self._by_key) > 100 and not self._texts:
            self._clear()
        for id, question, keys in matches.load_questions(connection, self._last):
            self._add(id, question.encode(), orjson.loads(keys))
            self._last = id
        self._version = version

    def _add(self, id: int, question: bytes, keys: Collection[str]) -> None:
        self._texts[id] = question
        for key in keys:
            self._register(self._follow_merge(key), id)
        if not keys:
            self._always[id] = None

    def _register(self, key: str, id: int) -> None:
        known = self._by_key.get(key)
        if known is None:
            self._by_key[key] = id
        elif isinstance(known, list):
            known.append(id)
        else:
            self._by_key[key] = [known, id]

    def _follow_merge(self, key: str) -> str:
        kind, _, rest = key.partition(" ")
        return make_key(TAG, self.merged.get(int(rest), int(rest))) if kind == TAG else key

    def set_merged(self, merged: Mapping[int, int]) -> None:
        """What merged tags are part of from here on."""
        new = {id: target for id, target in merged.items() if self.merged.get(id) != target}
        self.merged = merged
        for source, target in new.items():
            for id in self._list_of_key(make_key(TAG, source)):
                self._register(make_key(TAG, target), id)
        if new:
            self._parsed.clear()

    def list_merged(self, targets: Collection[int]) -> list[int]:
        """Questions that name a tag which one of these has taken in."""
        sources = {id for id, target in self.merged.items() if target in targets}
        return [id for id, text in self._texts.items() if not sources.isdisjoint(_list_tags(text))] if sources else []

    def get(self, id: int) -> SearchQuestion:
        """As it is meant after merges."""
        question = self._parsed.get(id)
        if question is None:
            question = self._parsed[id] = parse_question(self._texts[id]).follow_merges(self.merged)
            if len(self._parsed) > PARSED:
                self._parsed.popitem(last=False)
        return question

    def list_all(self) -> list[int]:
        return list(self._texts)

    @property
    def last(self) -> int:
        """The newest question that was taken in, or 0."""
        return self._last

    def list_candidates(self, terms: BatchTerms, after: int = 0) -> Iterator[tuple[int, SearchQuestion | None]]:
        """Questions that one of the articles may match, each once, of those newer than `after`; without the question
        where it is known that it does."""
        ids = dict.fromkeys(self._always)
        for key in terms.list_keys():
            ids.update(dict.fromkeys(self._list_of_key(key)))
        for id in ids:
            if id > after and (text := self._texts.get(id)) is not None:
                stored = orjson.loads(text)
                words = stored["words"]
                met = None if words is None else terms.meet(words, self.merged)
                if met is not False:
                    yield id, None if met and not stored["filter"] else self.get(id)

    def _list_of_key(self, key: str) -> Iterable[int]:
        known = self._by_key.get(key)
        if known is None:
            return ()
        return known if isinstance(known, list) else (known,)


def _list_tags(text: bytes) -> Iterator[int]:
    """Those that a question names. Most name none, which is seen without reading them."""
    named = any(word in text for word in (b'"tags', b'"authors"', b'"sections"'))
    return parse_question(text).list_tags() if named else iter(())
