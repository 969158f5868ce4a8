"""The views of bodies that one response shows, as JSON: from memory where they are there, the others read, rendered and
encoded once. Long ones are made in a thread."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import orjson

from app.articles.html.nesting_depth import FEW_PAIRS
from app.articles.reading import queries, response_size
from app.articles.reading.body_cache import BodySize, EncodedBodies
from app.articles.render import body_views
from app.db.database import Readable
from app.db.log_position import LogHead

Encoded = dict[int, dict[str, bytes]]
_COPIED = 100
"""So many times faster than a view is made of a body is the body itself copied, as long as its tags need no look."""


@dataclass(slots=True)
class EncodedViews:
    """Views with these names, by the article's id. `measured`, `texts`: what is known of stored bodies."""

    names: Sequence[str]
    measured: dict[int, BodySize] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    views: Encoded = field(default_factory=dict)
    _made: list[int] = field(default_factory=list)

    @classmethod
    def find(cls, kept: EncodedBodies, versions: Iterable[tuple[int, int]], includes: Set[str]) -> Self:
        """With the bodies of these versions that are in memory."""
        encoded = cls([name for name in body_views.BODIES if name in includes])
        if encoded.names:
            for id, body in kept.find(versions, encoded.names).items():
                encoded.measured[id] = body.measured
                encoded.views[id] = {name: body.views[name] for name in encoded.names}
        return encoded

    def list_missing(self, ids: Iterable[int]) -> list[int]:
        """Those that have to be measured."""
        return [id for id in ids if id not in self.measured] if self.names else []

    async def load(self, db: Readable, ids: Collection[int], costs: Mapping[int, int]) -> None:
        """Reads the bodies of these articles that are not here yet; one statement, or none."""
        if not self.names:
            return
        self._made = [id for id in ids if id not in self.views]
        missing = [id for id in self._made if id not in self.texts]
        large = sum(costs.get(id, 0) for id in missing) > response_size.LARGE
        read = await queries.load_bodies(db, missing, large=large) if missing else {}
        for id in missing:
            text, version = read.get(id, ("", 0))
            self.texts[id] = text
            if id in self.measured and self.measured[id].version != version:
                del self.measured[id]

    async def render(self, costs: Mapping[int, int]) -> Encoded:
        """All views, those that were read made now."""
        texts = {id: self.texts[id] for id in self._made}
        make = partial(_encode, self.names, texts)
        total = sum(_weigh(self.names, text, costs.get(id, 0)) for id, text in texts.items())
        self.views |= await asyncio.to_thread(make) if total > response_size.LARGE else make()
        return self.views

    def keep(self, kept: EncodedBodies, head: LogHead) -> None:
        """Puts what was made into memory: it was read while the log stood at `head`, or later."""
        for id in self._made:
            if id in self.measured:
                kept.put(id, self.measured[id], self.views[id], head)


def _encode(names: Collection[str], texts: Mapping[int, str]) -> Encoded:
    rendered = body_views.render_all(names, texts)
    return {id: {name: orjson.dumps(view) for name, view in views.items()} for id, views in rendered.items()}


def _weigh(names: Sequence[str], text: str, cost: int) -> int:
    """What making the views of a body takes, as `response_size` counts it."""
    is_copied = list(names) == ["body"] and text.count("<") <= FEW_PAIRS
    return cost // _COPIED if is_copied else cost
