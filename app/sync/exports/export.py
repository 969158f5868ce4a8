"""The export: articles in full, in the order of their ids, in short reads; nothing is held while a client is slow."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import orjson
from sqlalchemy import bindparam, case, literal_column, null, select

from app.articles.filters import ArticleFilter
from app.articles.reading import filter_sql, response_size
from app.articles.reading.filter_params import STATES
from app.articles.reading.queries import ListRow
from app.articles.render import article_json, csv_rows
from app.context import AppContext, RequestContext
from app.db.database import Database
from app.db.sql import AnyOf, Prepared, aggregate_rows, prepare
from app.http import csv_text
from app.http.params.times import format_time
from app.models import Article, ArticleSlug, ArticleUrl, Change, table
from app.text.urls import safe_or_none

A, SLUG, URL, CHANGE = table(Article), table(ArticleSlug), table(ArticleUrl), table(Change)
PAGE = 200
TOGETHER = 1_000_000
"""Bytes that are put together before they are sent; copying more takes a millisecond and more."""
PIECE = 10
"""Articles that are made at once: 2.4 ms as CSV, 1 ms as JSON. More at once cost no less."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Export:
    """What to export: a filter, how to show the articles, and optionally only what has changed behind a row of the log,
    and only what has higher ids than `after`."""

    context: AppContext
    view: RequestContext
    params: article_json.ArticleParts
    filter: ArticleFilter
    since: int | None = None
    after: int = 0

    async def lines(self) -> AsyncGenerator[bytes]:
        """Pieces of some lines, then the last line with the count."""
        count = 0
        async for shown in self.articles():
            count += len(shown)
            for piece in _lines(shown):
                yield piece
        yield orjson.dumps({"end": True, "count": count}) + b"\n"

    async def sheet(self, *, bom: bool = False) -> AsyncGenerator[bytes]:
        """The same as CSV, the names first; no line says that it is the last."""
        names = [
            *csv_rows.columns(self.params, self.context.cards.left_out, csv_rows.FULL),
            *(() if self.params.fields else csv_rows.MORE),
        ]
        yield (csv_text.BOM if bom else b"") + csv_text.write_rows([names])
        async for shown in self.articles():
            yield await article_json.run_in_thread_if_large(sum(map(len, shown)), partial(_csv, shown, names))

    async def articles(self) -> AsyncGenerator[list[bytes]]:
        """Some articles at a time, each as JSON: as many as are made without keeping others waiting."""
        after = self.after
        while list_rows := await _page(self.context.db, self.filter, after, self.since):
            costs = await article_json.load_costs(self.context, list_rows, self.params, full=True)
            for some in response_size.split(list_rows, costs, PIECE):
                if shown := await self._render(some, {one.id: costs.get(one.id, 0) for one in some}):
                    yield shown
            after = list_rows[-1].id

    async def _render(self, entries: Sequence[ListRow], costs: Mapping[int, int]) -> list[bytes]:
        cards = await article_json.render_articles(
            self.context, self.view, entries, params=self.params, full=True, costs=costs
        )
        more = await _load_more(self.context.db, list(cards))
        # Whoever has left since the page was read: the log tells, and what is no longer public is not shown.
        still = [one.id for one in entries if one.id in more and more[one.id].status in self.filter.statuses]
        if self.params.fields:
            return [cards[id] for id in still]
        total, whole = sum(len(cards[id]) for id in still), not self.context.cards.left_out
        return await article_json.run_in_thread_if_large(
            total, lambda: [_line(orjson.loads(cards[id]), more[id], whole=whole) for id in still]
        )


def _lines(articles: Sequence[bytes]) -> Iterator[bytes]:
    """In one piece, unless it would take a while to put so much together."""
    if sum(map(len, articles)) < TOGETHER:
        yield b"\n".join(articles) + b"\n"
        return
    for article in articles:
        yield article
        yield b"\n"


def _csv(articles: Sequence[bytes], names: Sequence[str]) -> bytes:
    return csv_text.write_rows(csv_rows.cells(articles, names))


@dataclass(frozen=True, slots=True)
class _More:
    """What an import elsewhere needs beside the article as shown; the last three are JSON. Of a withdrawn article that
    was public once also when and why it was withdrawn, of a translation its original; empty texts for any other."""

    status: str
    origin: str
    withdrawn_at: str
    withdrawn_reason: str
    original_origin: str
    original_slug: str
    extra: str
    slugs: str
    urls: str


def _line(article: Json, more: _More, *, whole: bool) -> bytes:
    slugs = [slug for (slug,) in orjson.loads(more.slugs) if slug != article["slug"]]
    source = article["source"]
    own = (source.get("url") if isinstance(source, dict) else None, article["url"])
    urls = [safe for (url,) in orjson.loads(more.urls) if url not in own and (safe := safe_or_none(url))]
    added: Json = {"origin": more.origin, "previous_slugs": slugs, "previous_urls": urls}
    if more.withdrawn_at:
        added["withdrawn"] = {"at": format_time(int(more.withdrawn_at)), "reason": more.withdrawn_reason or None}
    if article["translation_of"] is not None:
        added["original"] = {"origin": more.original_origin, "slug": more.original_slug}
    if not whole:  # what no field holds may be what a key is not given
        return orjson.dumps(article | added)
    # What an earlier import could not place goes along, under the names that it came with.
    return orjson.dumps(article | added | {n: v for n, v in orjson.loads(more.extra).items() if n not in article})


async def _page(db: Database, article_filter: ArticleFilter, after: int, since: int | None) -> list[ListRow]:
    statement = _statement(db.dialect, filter_sql.make_key(article_filter), since is not None)
    values = {**filter_sql.values(article_filter), "after_id": after, "limit": PAGE}
    values |= {} if since is None else {"since": since}
    return [ListRow(int(str(id)), int(str(version)), None) for id, version in await db.reader.rows(
        statement, values, bounded=False
    )]  # fmt: skip


@lru_cache(maxsize=256)
def _statement(dialect: str, key: filter_sql.StatementKey[ArticleFilter], changed: bool) -> Prepared:
    article_filter = key.example
    statement = select(A.c.id, A.c.version).where(*filter_sql.conditions(article_filter))
    statement = statement.where(A.c.id > bindparam("after_id", type_=A.c.id.type))
    if changed:
        behind = CHANGE.c.seq > bindparam("since", type_=CHANGE.c.seq.type)
        named = select(CHANGE.c.entity_id).where(behind, CHANGE.c.entity == literal_column("'article'"))
        statement = statement.where(A.c.id.in_(named))
    return prepare(statement.order_by(A.c.id).limit(bindparam("limit")), dialect, filter_sql.lists(article_filter))


async def _load_more(db: Database, ids: Sequence[int]) -> dict[int, _More]:
    rows = await db.reader.rows(_more_statement(db.dialect), {"ids": list(ids)})
    return {int(str(id)): _More(*("" if value is None else str(value) for value in rest)) for id, *rest in rows}


@lru_cache(maxsize=4)
def _more_statement(dialect: str) -> Prepared:
    slugs = select(SLUG.c.slug).where(SLUG.c.article_id == A.c.id).order_by(SLUG.c.slug).correlate(A).subquery()
    urls = select(URL.c.url).where(URL.c.article_id == A.c.id).order_by(URL.c.url_key).correlate(A).subquery()
    gone = [case((A.c.public_once, column), else_=null()) for column in (A.c.withdrawn_at, A.c.withdrawn_reason)]
    original = A.alias("original")
    named = (original.c.origin.label("original_origin"), original.c.slug.label("original_slug"))
    statement = select(
        A.c.id, A.c.status, A.c.origin, *gone, *named, A.c.extra, aggregate_rows(slugs), aggregate_rows(urls)
    )
    statement = statement.outerjoin(original, original.c.id == A.c.translation_of)
    return prepare(statement.where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


def include_all_states(article_filter: ArticleFilter) -> ArticleFilter:
    """The same filter over articles in every state."""
    return replace(article_filter, statuses=tuple(sorted(STATES)))
