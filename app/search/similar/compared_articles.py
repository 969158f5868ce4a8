"""What is compared of articles to find similar ones, read from SQL. Ranks nothing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Integer, bindparam, func, literal_column, null, select, union_all

from app.articles.html import bodies
from app.db.database import Database, Row
from app.db.sql import AnyOf, Prepared, Value, prepare
from app.models import Article, ArticleRegion, ArticleTag, table
from app.regions.atlas import Atlas
from app.search.query import analysis
from app.search.similar import profile
from app.search.similar.profile import Profile

A, TAGGED, PLACED = table(Article), table(ArticleTag), table(ArticleRegion)
WHOLE = 2**31 - 1
"""Characters: of a body all."""
TELLING = ("country", "city", "grouping")


def list_telling_regions(regions: Iterable[int], atlas: Atlas) -> frozenset[int]:
    """Those that say something of an article: no continents."""
    return frozenset(id for id in regions if (region := atlas.by_id.get(id)) and region.level in TELLING)


@dataclass(frozen=True, slots=True)
class ComparedArticle:
    """An article as others are compared with it: `tags` in its order, authors too. `regions` are those that say
    something."""

    id: int
    version: int
    language: str
    title: str
    text: str
    tags: tuple[int, ...]
    regions: frozenset[int]
    published_at: int | None

    def build_profile(self) -> Profile:
        """As the index keeps it."""
        texts = [analysis.tokenize(text, self.language) for text in (self.title, self.text)]
        return profile.build_profile(self.id, self.version, texts, self.tags, self.regions, self.published_at)


def _build_compared(row: Row, links: Mapping[int, tuple[list[int], list[int]]], atlas: Atlas) -> ComparedArticle:
    id, version, language, title, standfirst, body, at = int(str(row[0])), *row[1:]
    text = "\n".join(str(part) for part in (standfirst, bodies.to_text(str(body))) if part)
    tags, regions = links[id]
    published = at if isinstance(at, int) else None
    telling = list_telling_regions(regions, atlas)
    return ComparedArticle(id, int(str(version)), str(language), str(title), text, tuple(tags), telling, published)


class ComparedArticles:
    """Articles of one archive."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def load(self, ids: Sequence[int], atlas: Atlas, most: int | None = None) -> list[ComparedArticle]:
        """What is compared of each article, in two statements; what is gone is missing. `most`: characters of HTML of
        each that are read, else all."""
        dialect = self._db.dialect
        # An article without tags and regions has no row, and is compared all the same.
        links: dict[int, tuple[list[int], list[int]]] = {id: ([], []) for id in ids}
        for article, tag, region in await self._db.reader.rows(_links_statement(dialect), {"ids": list(ids)}):
            tags, regions = links[int(str(article))]
            tags += [int(str(tag))] if tag is not None else []
            regions += [int(str(region))] if region is not None else []
        values: dict[str, Value] = {"ids": list(ids), "characters": WHOLE if most is None else most}
        rows = await self._db.reader.rows(_texts_statement(dialect), values, bounded=False)
        by_id = {int(str(row[0])): row for row in rows}
        in_order = [by_id[id] for id in ids if id in by_id]

        def read() -> list[ComparedArticle]:
            return [_build_compared(row, links, atlas) for row in in_order]

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
