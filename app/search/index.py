"""The search index as the rest of the server uses it: never a step behind what the public may not see any more.

While the index follows the log, what the log has withdrawn since is left out of every result. Counts of the whole
archive are kept per generation. Engine calls take microseconds to milliseconds and release the GIL.
"""

import asyncio
import html
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Integer, bindparam, exists, func, literal_column, null, select, true, union_all

from app.articles.filters import ArticleFilter
from app.articles.html import bodies
from app.context import RequestContext, SharedTags, SimilarArticle
from app.db.database import Database, Row
from app.db.log_position import LogHead, LogPosition
from app.db.sql import AnyOf, Prepared, Value, prepare
from app.errors import IndexBehind
from app.models import Article, ArticleRegion, ArticleTag, Change, table
from app.regions.atlas import Atlas
from app.search import similar_ranking
from app.search.engine import FacetName, GroupName, Question, ResultPage, SearchEngine, SearchHit, SimilaritySample
from app.search.highlight import MOST_HTML, ReadingBudget
from app.search.single_flight import SingleFlight
from app.search.timeline import Edges, Interval
from app.search.vocabulary import completion
from app.search.vocabulary.current import CurrentVocabulary
from app.search.vocabulary.names import Vocabulary

A, CHANGE, TAGGED, PLACED = table(Article), table(Change), table(ArticleTag), table(ArticleRegion)
KEPT = 512
MOST_CANDIDATES, MOST_COMPARED = 160, 250_000
"""Articles that are compared with one to find those like it, and characters of HTML of all of them that are read as
text. Beyond, the beginnings of the others are compared by their words between the tags."""
BEGINNING = 5_000
WHOLE = 2**31 - 1
"""Characters: of a body all."""

_tag = re.compile(r"<[^>]*>?")
Counted = int | dict[int, int]
Counts = Mapping[int | str, int]
Facets = Mapping[FacetName, Counts]


@dataclass(frozen=True, slots=True)
class PublishedCounts:
    """How many articles, in all and by value."""

    total: int
    counts: Counts


TELLING = ("country", "city", "grouping")


@dataclass(frozen=True, slots=True)
class ComparedArticle:
    """An article as others are compared with it: `tags` in its order, authors too."""

    profile: similar_ranking.Profile
    language: str
    tags: tuple[int, ...]


def _explain_similarity(sample: ComparedArticle, other: ComparedArticle, words: Vocabulary, atlas: Atlas) -> str:
    tags = [entry.name for tag in sample.tags if tag in other.tags and (entry := words.entries.get(("tag", tag)))]
    regions = [atlas.by_id[id].name for id in sorted(sample.profile.regions & other.profile.regions)]
    return similar_ranking.describe_reason(tags, regions)


def _build_compared(
    row: Row,
    scores: Mapping[int, float],
    links: Mapping[int, tuple[list[int], list[int]]],
    atlas: Atlas,
    room: ReadingBudget | None,
) -> ComparedArticle:
    id, version, language, title, standfirst, body, at = int(str(row[0])), *row[1:]
    text = "\n".join(str(part) for part in (standfirst, _read_words(str(body), room)) if part)
    tags, regions = links[id]
    telling = frozenset(id for id in regions if (region := atlas.by_id.get(id)) and region.level in TELLING)
    published = at if isinstance(at, int) else None
    profile = similar_ranking.Profile(id, int(str(version)), scores[id], str(title), text, telling, published)
    return ComparedArticle(profile, str(language), tuple(tags))


def _read_words(body: str, room: ReadingBudget | None) -> str:
    if room is None:
        return bodies.to_text(body)
    if room.characters > 0:
        return bodies.to_text(room.truncate(body))
    return html.unescape(_tag.sub(" ", body[:BEGINNING]))


def _limit_precision(question: Question, interval: Interval) -> Question:
    return question if interval == "year" else replace(question, dated="month" if interval == "month" else "day")


class EngineIndex:
    """Implements `context.SearchIndex` on an engine and the log."""

    def __init__(self, db: Database, engine: SearchEngine) -> None:
        self._db, self.engine = db, engine
        self._stored: OrderedDict[tuple[object, ...], Counted] = OrderedDict()
        self.vocabulary = CurrentVocabulary(db)
        self._once = SingleFlight()
        # The last result of `_find_excluded`, which holds as long as neither the index nor the log has moved on.
        self._behind: tuple[tuple[LogPosition, LogPosition], tuple[int, ...]] | None = None

    def seq(self) -> int | None:
        position = self.engine.position()
        return None if position is None else position.seq

    async def find_excluded(self, head: LogHead) -> tuple[int, ...]:
        """Articles that the log has changed since the index's place and that are public no more.

        IndexBehind where the index follows another log: after a restore it names articles that this archive may never
        have shown.
        """
        return await self._find_excluded(self.engine.position(), head)

    async def _find_excluded(self, position: LogPosition | None, head: LogHead) -> tuple[int, ...]:
        if position is not None and position.epoch != head.epoch:
            raise IndexBehind("The search index is being built anew; articles can be read and listed meanwhile.")
        if position is None or position.seq >= head.public_seq:
            return ()
        cached, span = self._behind, (position, head.public_position)
        if cached is None or cached[0] != span:
            rows = await self._db.reader.rows(
                _withdrawn_statement(self._db.dialect), {"seq": position.seq}, bounded=False
            )
            # What is withdrawn after this head may be in it as well: it is to be left out all the more.
            cached = self._behind = span, tuple(sorted(int(str(row[0])) for row in rows))
        return cached[1]

    async def search(self, question: Question) -> ResultPage:
        """Off the event loop: a search may take milliseconds."""
        return await asyncio.to_thread(self.engine.search, question)

    async def count_facets(self, question: Question, facet_names: tuple[FacetName, ...]) -> Facets:
        return await asyncio.to_thread(self.engine.count_facets, question, facet_names)

    async def count_values(self, question: Question, name: FacetName, edges: Edges, interval: Interval) -> Counts:
        """Counts by value of what a timeline with these edges shows."""
        exact, calendar = (edges.exact[0], edges.exact[-1]), (edges.calendar[0], edges.calendar[-1])
        inside = replace(question.filter, published=exact, coarse=None if calendar == exact else calendar)
        return await asyncio.to_thread(
            self.engine.count_values, _limit_precision(replace(question, filter=inside), interval), name
        )

    async def count_by_date(self, question: Question, edges: Edges, interval: Interval) -> list[int]:
        """Articles from each edge to the next, without those whose date is vaguer than the interval."""
        return await asyncio.to_thread(self.engine.count_by_date, _limit_precision(question, interval), edges)

    async def count_groups_by_date(
        self,
        question: Question,
        edges: Edges,
        interval: Interval,
        groups: Sequence[tuple[GroupName, int | str]],
    ) -> list[list[int]]:
        """The same for each of the groups."""
        return await asyncio.to_thread(
            self.engine.count_groups_by_date, _limit_precision(question, interval), edges, groups
        )

    async def count_undated(self, question: Question) -> int:
        """Articles without a date."""
        return await asyncio.to_thread(self.engine.count_undated, question)

    async def count_coarse(self, question: Question, interval: Interval) -> int:
        """Articles whose date is vaguer than the interval."""
        if interval == "year":
            return 0
        return await asyncio.to_thread(self.engine.count_coarse, question, "year" if interval == "month" else "month")

    async def count_published(self, question: Question, name: FacetName, span: tuple[int, int]) -> PublishedCounts:
        """Articles published in a span, in all and by value."""
        inside = replace(question, filter=replace(question.filter, published=span, coarse=None))
        counts = await asyncio.to_thread(self.engine.count_values, inside, name)
        return PublishedCounts(self.engine.count(inside.filter, question.excluded), counts)

    async def find_titles(self, text: str, excluded: tuple[int, ...], limit: int) -> tuple[SearchHit, ...]:
        return await asyncio.to_thread(completion.find_articles, self.engine, text, excluded, limit)

    async def similar(
        self, id: int, view: RequestContext, limit: int, without: Sequence[int] = ()
    ) -> list[SimilarArticle]:
        """The engine's candidates, three times as many as asked for but no more than MOST_CANDIDATES, put in order by
        `similar_ranking`; four statements."""
        max_candidates = max(limit, min(3 * limit + 5, MOST_CANDIDATES))
        sample, by_id = await self.find_alike(
            id, view, max_candidates, without, ReadingBudget(characters=MOST_COMPARED)
        )
        if not by_id:
            return []
        candidates = [one.profile for one in by_id.values()]
        ranked = await asyncio.to_thread(similar_ranking.rank, sample.profile, candidates, limit)
        words = await self.vocabulary.get(view.head)
        return [
            SimilarArticle(one.id, one.version, score, _explain_similarity(sample, by_id[one.id], words, view.atlas))
            for one, score in ranked
        ]

    async def find_alike(
        self, id: int, view: RequestContext, limit: int, without: Sequence[int] = (), room: ReadingBudget | None = None
    ) -> tuple[ComparedArticle, dict[int, ComparedArticle]]:
        """An article, of whatever state, and the published ones that share its words and tags, by id in the engine's
        order; none without an index. Their texts whole, or as far as there is `room`."""
        [sample] = await self._load_profiles([SearchHit(id, 0, 0.0, 0)], view.atlas, room)
        engine_sample = SimilaritySample(id, sample.language, sample.profile.title, sample.profile.text, sample.tags)
        try:
            excluded = (*await self.find_excluded(view.head), *without)
            hits = await asyncio.to_thread(self.engine.find_similar, engine_sample, ArticleFilter(), excluded, limit)
        except IndexBehind:
            return sample, {}
        by_id = {one.profile.id: one for one in await self._load_profiles(hits, view.atlas, room)}
        return sample, {hit.id: by_id[hit.id] for hit in hits if hit.id in by_id}

    async def _load_profiles(
        self, hits: Sequence[SearchHit], atlas: Atlas, room: ReadingBudget | None
    ) -> list[ComparedArticle]:
        """What is compared of each article, in two statements."""
        scores = {hit.id: hit.score or 0.0 for hit in hits}
        dialect, ids = self._db.dialect, list(scores)
        # An article without tags and regions has no row, and is compared all the same.
        links: dict[int, tuple[list[int], list[int]]] = {id: ([], []) for id in ids}
        for article, tag, region in await self._db.reader.rows(_links_statement(dialect), {"ids": ids}):
            tags, regions = links[int(str(article))]
            tags += [int(str(tag))] if tag is not None else []
            regions += [int(str(region))] if region is not None else []
        values: dict[str, Value] = {"ids": ids, "characters": WHOLE if room is None else MOST_HTML}
        rows = await self._db.reader.rows(_texts_statement(dialect), values, bounded=False)
        by_id = {int(str(row[0])): row for row in rows}
        in_order = [by_id[id] for id in ids if id in by_id]

        def read() -> list[ComparedArticle]:
            return [_build_compared(row, scores, links, atlas, room) for row in in_order]

        return await asyncio.to_thread(read)

    async def total(self, article_filter: ArticleFilter, head: LogHead) -> int | None:
        try:
            position = self.engine.position()
            excluded = await self._find_excluded(position, head)
            key = (position and position.seq, excluded, "total", article_filter)
            counted = self._stored.get(key)
            if counted is None:
                counted = self.engine.count(article_filter, excluded)
                self._store(key, counted)
            assert isinstance(counted, int)
            return counted
        except IndexBehind:
            return None

    async def count_tags(self, head: LogHead) -> dict[int, int]:
        return await self._load_counts("tags", head)

    async def count_shared_tags(self, tag: int, head: LogHead) -> SharedTags:
        excluded = await self.find_excluded(head)
        key = (self.seq(), excluded, "together", tag)
        together = self._stored.get(key)
        if together is None:
            having = ArticleFilter(tags=(tag,))
            together = dict(await asyncio.to_thread(self.engine.count_tags, having, excluded))
            self._store(key, together)
        assert isinstance(together, dict)
        return SharedTags(together, await self.count_tags(head), await self.total(ArticleFilter(), head) or 0)

    async def count_regions(self, head: LogHead) -> dict[int, int]:
        return await self._load_counts("regions", head)

    async def _load_counts(self, which: str, head: LogHead) -> dict[int, int]:
        try:
            excluded = await self.find_excluded(head)
            key = (self.seq(), excluded, which)
            counted = self._stored.get(key)
            if counted is None:
                counted = await self._once.run(key, lambda: self._count(which, key, excluded))
        except IndexBehind:
            return {}
        assert isinstance(counted, dict)
        return counted

    async def _count(self, which: str, key: tuple[object, ...], excluded: tuple[int, ...]) -> dict[int, int]:
        count = self.engine.count_tags if which == "tags" else self.engine.count_regions
        counted = dict(await asyncio.to_thread(count, ArticleFilter(), excluded))
        self._store(key, counted)
        return counted

    def _store(self, key: tuple[object, ...], value: Counted) -> None:
        # Counts of an index that has moved on are asked for no more, and a large archive's weigh megabytes.
        for old in [one for one in self._stored if one[:2] != key[:2]]:
            del self._stored[old]
        self._stored[key] = value
        while len(self._stored) > KEPT:
            self._stored.popitem(last=False)


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


@lru_cache(maxsize=4)
def _withdrawn_statement(dialect: str) -> Prepared:
    # One look-up for each changed article; NOT IN would read all that are published.
    public_now = exists(select(A.c.id).where(A.c.id == CHANGE.c.entity_id, A.c.status == "published").correlate(CHANGE))
    statement = (
        select(CHANGE.c.entity_id)
        .distinct()
        .where(
            CHANGE.c.seq > bindparam("seq", type_=CHANGE.c.seq.type),
            CHANGE.c.entity == "article",
            CHANGE.c.public.is_(true()),
            ~public_now,
        )
    )
    return prepare(statement, dialect)
