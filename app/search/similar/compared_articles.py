"""What is compared of articles to find similar ones: read from SQL, and kept in memory as profiles. Ranks nothing."""

import asyncio
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Integer, bindparam, func, literal_column, null, select, union_all

from app.articles.html import bodies
from app.db.database import Database, Row
from app.db.sql import AnyOf, Prepared, Value, prepare
from app.models import Article, ArticleRegion, ArticleTag, table
from app.regions.atlas import Atlas
from app.search.highlighting.marked_spans import MOST_HTML, ReadingBudget
from app.search.similar import ranking
from app.search.similar.profile_cache import Profiles
from app.search.similar.ranking import Profile

A, TAGGED, PLACED = table(Article), table(ArticleTag), table(ArticleRegion)
BEGINNING = 5_000
WHOLE = 2**31 - 1
"""Characters: of a body all."""

_tag = re.compile(r"<[^>]*>?")
TELLING = ("country", "city", "grouping")


@dataclass(frozen=True, slots=True)
class ComparedArticle:
    """An article as others are compared with it: `tags` in its order, authors too. `regions` are those
    that say something. `is_whole`: nothing of the text that is compared was left out to save time."""

    id: int
    version: int
    language: str
    title: str
    text: str
    tags: tuple[int, ...]
    regions: frozenset[int]
    published_at: int | None
    is_whole: bool

    def build_profile(self) -> Profile:
        texts = self.title, self.text
        return ranking.build_profile(
            self.id, self.version, self.language, texts, self.tags, self.regions, self.published_at
        )


def _build_compared(
    row: Row,
    links: Mapping[int, tuple[list[int], list[int]]],
    atlas: Atlas,
    room: ReadingBudget | None,
) -> ComparedArticle:
    id, version, language, title, standfirst, body, at = int(str(row[0])), *row[1:]
    words, is_whole = _read_words(str(body), room)
    text = "\n".join(str(part) for part in (standfirst, words) if part)
    tags, regions = links[id]
    telling = frozenset(id for id in regions if (region := atlas.by_id.get(id)) and region.level in TELLING)
    published = at if isinstance(at, int) else None
    is_whole = is_whole or len(text) >= ranking.READ
    return ComparedArticle(
        id, int(str(version)), str(language), str(title), text, tuple(tags), telling, published, is_whole
    )


def _read_words(body: str, room: ReadingBudget | None) -> tuple[str, bool]:
    """The text of a body, and whether it is all of it."""
    if room is None:
        return bodies.to_text(body), True
    if room.characters > 0:
        shown = room.truncate(body)
        return bodies.to_text(shown), shown == body
    return html.unescape(_tag.sub(" ", body[:BEGINNING])), False


class ComparedArticles:
    """Articles of one archive, and the profiles of those that were compared lately."""

    def __init__(self, db: Database) -> None:
        self._db, self._profiles = db, Profiles()

    async def load_profiles(
        self, versions: Sequence[tuple[int, int]], atlas: Atlas, room: ReadingBudget
    ) -> list[Profile]:
        """Those that are in memory, the others in two statements, as they are now; what is gone is missing."""
        known = {id: self._profiles.get(id, version, atlas.names_seq) for id, version in versions}
        missing = [id for id, profile in known.items() if profile is None]
        if missing:
            articles = await self.load(missing, atlas, room)
            new = await asyncio.to_thread(lambda: [(one.build_profile(), one.is_whole) for one in articles])
            for profile, is_whole in new:
                known[profile.id] = profile
                if is_whole:
                    self._profiles.put(profile, atlas.names_seq)
        return [profile for profile in known.values() if profile is not None]

    async def load(self, ids: Sequence[int], atlas: Atlas, room: ReadingBudget | None = None) -> list[ComparedArticle]:
        """What is compared of each article, in two statements. Texts whole, or as far as there is `room`."""
        dialect = self._db.dialect
        # An article without tags and regions has no row, and is compared all the same.
        links: dict[int, tuple[list[int], list[int]]] = {id: ([], []) for id in ids}
        for article, tag, region in await self._db.reader.rows(_links_statement(dialect), {"ids": list(ids)}):
            tags, regions = links[int(str(article))]
            tags += [int(str(tag))] if tag is not None else []
            regions += [int(str(region))] if region is not None else []
        values: dict[str, Value] = {"ids": list(ids), "characters": WHOLE if room is None else MOST_HTML}
        rows = await self._db.reader.rows(_texts_statement(dialect), values, bounded=False)
        by_id = {int(str(row[0])): row for row in rows}
        in_order = [by_id[id] for id in ids if id in by_id]

        def read() -> list[ComparedArticle]:
            return [_build_compared(row, links, atlas, room) for row in in_order]

        return await asyncio.to_thread(read)


@lru_cache(maxsize=4)
def _texts_statement(dialect: str) -> Prepared:
    beginning = func.substr(A.c.body, 1, bindparam("characters", type_=Integer()))
    columns = (
        *(A.c[name] for name in ("id", "version", "language", "title", "standfirst")),
        beginning,
        A.c.published_at,
    )
    return prepare(select(*columns).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


@lru_cache(maxsize=4)
def _links_statement(dialect: str) -> Prepared:
    """Rows of (article, tag or null, region or null), own links only, in the articles' order."""
    tagged = select(TAGGED.c.article_id, TAGGED.c.tag_id, null(), TAGGED.c.position).where(
        AnyOf(TAGGED.c.article_id, "ids")
    )
    placed = select(PLACED.c.article_id, null(), PLACED.c.region_id, PLACED.c.position).where(
        AnyOf(PLACED.c.article_id, "ids"), PLACED.c.roles != literal_column("0")
    )
    article, tag, region, position = union_all(tagged, placed).subquery().c
    return prepare(select(article, tag, region).order_by(article, position), dialect, ["ids"])
