"""Kept versions in the shape that articles are read in: as they were, with tags, regions and sources as they are called
now."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, select

from app.articles.reading import card_cache
from app.articles.reading.card_parts import Json
from app.articles.reading.queries import RelatedRow
from app.articles.render import article_json, body_views
from app.articles.store import revisions, stored_article
from app.articles.store.stored_article import StoredArticle
from app.context import AppContext, RequestContext
from app.db.database import Row
from app.models import Article, Source, Tag, table
from app.regions.atlas import Atlas
from app.tags.service import TagSpec

A, SOURCE, TAG = table(Article), table(Source), table(Tag)


@dataclass(frozen=True, slots=True)
class RevisionDocument:
    """A version with the names of what it was linked to, as they are now."""

    stored: StoredArticle
    source: tuple[str, str] | None
    tags: tuple[TagSpec, ...]
    tag_ids: Mapping[str, int]
    related: tuple[RelatedRow, ...]


async def load_documents(context: AppContext, id: int, numbers: Collection[int]) -> dict[int, StoredArticle]:
    """Versions as they are stored, by number; those that there are."""

    def read() -> dict[int, StoredArticle]:
        with context.db.snapshot() as snapshot:
            return revisions.documents(snapshot.connection, id, numbers)

    return await asyncio.to_thread(read)


async def render_articles(
    context: AppContext, view: RequestContext, id: int, numbers: Collection[int]
) -> dict[int, Json]:
    """Versions in the full read shape, by number; those that there are."""

    def read() -> dict[int, RevisionDocument]:
        with context.db.snapshot() as snapshot:
            versions = revisions.documents(snapshot.connection, id, numbers)
            return {version: _load_document(snapshot.connection, one) for version, one in versions.items()}

    documents = await asyncio.to_thread(read)
    return {version: await _article(context, view, id, one) for version, one in documents.items()}


def _load_document(connection: Connection, one: StoredArticle) -> RevisionDocument:
    source = connection.execute(
        select(SOURCE.c.slug, SOURCE.c.name).where(SOURCE.c.id == one.columns["source_id"])
    ).first()
    tags = (*stored_article.list_tags(connection, one.authors), *stored_article.list_tags(connection, one.tags))
    numbered = select(TAG.c.slug, TAG.c.id).where(TAG.c.slug.in_([tag.slug for tag in tags]))
    ids = {row.slug: row.id for row in connection.execute(numbered)}
    return RevisionDocument(
        one, (source[0], source[1]) if source else None, tags, ids, tuple(_load_related(connection, one))
    )


def _load_related(connection: Connection, one: StoredArticle) -> list[RelatedRow]:
    """Entries whose target has been purged meanwhile are shown by what the editors said of them."""
    targets = [entry.target for entry in one.related if entry.target is not None]
    rows = connection.execute(
        select(A.c.id, A.c.version, A.c.status, A.c.public_once, A.c.title).where(A.c.id.in_(targets))
    )
    known: dict[int | None, Mapping[str, object]] = {row.id: dict(row._mapping) for row in rows}
    return [
        RelatedRow(
            one.columns["id"], position, entry.title, entry.url, bool(entry.unlinked), *_target(known.get(entry.target))
        )
        for position, entry in enumerate(one.related, 1)
        if entry.title or entry.url or entry.target in known
    ]


def _target(row: Mapping[str, object] | None) -> tuple[int | None, int | None, str | None, bool | None, str | None]:
    return (None, None, None, None, None) if row is None else tuple(row.values())  # type: ignore[return-value] # as selected


async def _article(context: AppContext, view: RequestContext, id: int, kept: RevisionDocument) -> Json:
    card = card_cache.render_card(_row(kept, view.atlas), view.atlas, context.settings.site_url.rstrip("/"))
    card["body"] = body_views.render_body(kept.stored.columns["body"])
    card["related"] = (await article_json.render_related(context, view, [id], kept.related))[id]
    return article_json.order_properties(card)


def _row(kept: RevisionDocument, atlas: Atlas) -> Row:
    """A row as `card_cache.statement` would give it."""
    columns = dict(kept.stored.columns)
    if columns["dateline_region_id"] not in atlas.by_id:
        columns["dateline_region_id"] = None
    tags = [(kept.tag_ids[tag.slug or ""], tag.slug, tag.name, tag.kind) for tag in kept.tags]
    regions = [(id, roles) for id, roles in kept.stored.regions if id in atlas.by_id]
    links = (orjson.dumps(tags).decode(), orjson.dumps(regions).decode())
    return (*(columns[name] for name in card_cache.COLUMNS), *(kept.source or (None, None)), *links)
