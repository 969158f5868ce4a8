"""Articles as they are stored, in full: what an edit starts from, and what a replaced version is kept as."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from app.articles.manuscript import ArticleDateline, Manuscript, RelatedEntry
from app.articles.store.row_columns import COMPARED, FIELD_OF, ExistingRow
from app.db.sql import AnyOf, split_chunks
from app.models import Article, ArticleRegion, ArticleTag, RelatedPost, Source, Tag, table
from app.tags.service import TagSpec

A, TAGGED, PLACED, RELATED = table(Article), table(ArticleTag), table(ArticleRegion), table(RelatedPost)
TAG, SOURCE = table(Tag), table(Source)

_DERIVED = ("id", "version", "title_key", "sort_title", "saved_at", "saved_by")
DOCUMENTED = tuple(column.name for column in A.c if column.name not in _DERIVED)
"""The columns that a kept version holds."""


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """One article: its columns, and its links by id in their order. `regions` are its own, with role bits."""

    columns: Mapping[str, Any]
    tags: tuple[int, ...]
    authors: tuple[int, ...]
    regions: tuple[tuple[int, int], ...]
    related: tuple[RelatedEntry, ...]

    @property
    def existing_row(self) -> ExistingRow:
        return ExistingRow(*(self.columns[name] for name in ExistingRow.__slots__))

    def document(self) -> dict[str, object]:
        """What is kept of this version: its own fields, with the ids of what it is linked to."""
        own = {name: self.columns[name] for name in DOCUMENTED}
        related = [[one.title, one.url, one.target, one.unlinked] for one in self.related]
        return own | {"tags": self.tags, "authors": self.authors, "regions": self.regions, "related": related}


_TAGGED = (
    select(TAGGED.c.article_id, TAGGED.c.tag_id, TAG.c.kind)
    .join(TAG, TAG.c.id == TAGGED.c.tag_id)
    .where(AnyOf(TAGGED.c.article_id, "ids"))
    .order_by(TAGGED.c.article_id, TAGGED.c.position)
)
_PLACED = (
    select(PLACED.c.article_id, PLACED.c.region_id, PLACED.c.roles)
    .where(PLACED.c.roles != 0, AnyOf(PLACED.c.article_id, "ids"))
    .order_by(PLACED.c.article_id, PLACED.c.position)
)
_RELATED = (
    select(*(RELATED.c[name] for name in ("article_id", "title", "url", "target_id", "unlinked")))
    .where(AnyOf(RELATED.c.article_id, "ids"))
    .order_by(RELATED.c.article_id, RELATED.c.position)
)
_ARTICLES = select(A).where(AnyOf(A.c.id, "ids"))
_SOURCES = select(SOURCE.c.id, SOURCE.c.name).where(AnyOf(SOURCE.c.id, "ids"))
_PRESENT = select(A.c.id).where(AnyOf(A.c.id, "ids"))


def load(connection: Connection, ids: Collection[int]) -> dict[int, StoredArticle]:
    """Those that exist, by id; four statements for each 500."""
    articles: dict[int, StoredArticle] = {}
    terms: dict[int, dict[bool, list[int]]] = defaultdict(lambda: {False: [], True: []})
    regions: dict[int, list[tuple[int, int]]] = defaultdict(list)
    posts: dict[int, list[RelatedEntry]] = defaultdict(list)
    for some in split_chunks(ids):
        for article, tag, kind in connection.execute(_TAGGED, {"ids": some}):
            terms[article][kind == "contributor"].append(tag)
        for article, region, roles in connection.execute(_PLACED, {"ids": some}):
            regions[article].append((region, roles))
        for article, *entry in connection.execute(_RELATED, {"ids": some}):
            posts[article].append(RelatedEntry(*entry))
        for row in connection.execute(_ARTICLES, {"ids": some}).mappings():
            id, own = row["id"], terms[row["id"]]
            links = (tuple(own[False]), tuple(own[True]), tuple(regions[id]), tuple(posts[id]))
            articles[id] = StoredArticle(dict(row), *links)
    return articles


def from_document(text: str, id: int, version: int) -> StoredArticle:
    """A kept version again; of the columns only those that `document` holds, and which article and version it is."""
    document = orjson.loads(text)
    return StoredArticle(
        {name: document.get(name) for name in DOCUMENTED} | {"id": id, "version": version, "saved_by": None},
        tuple(document["tags"]),
        tuple(document["authors"]),
        tuple((region, roles) for region, roles in document["regions"]),
        tuple(RelatedEntry(*entry) for entry in document["related"]),
    )


def make_manuscripts(connection: Connection, articles: Sequence[StoredArticle]) -> list[Manuscript]:
    """The articles as manuscripts that would leave everything as it is; three statements for some hundreds. Tags,
    sources and articles that are gone meanwhile are left out, merged tags replaced."""
    sources = {one.columns["source_id"] for one in articles} - {None}
    names = dict(connection.execute(_SOURCES, {"ids": sources}).all()) if sources else {}
    targets = {entry.target for one in articles for entry in one.related}
    targets |= {one.columns[name] for one in articles for name in ("translation_of", "replaced_by")}
    targets -= {None}
    there = {*connection.execute(_PRESENT, {"ids": targets}).scalars()} if targets else set()
    tags = {id for one in articles for id in (*one.authors, *one.tags)}
    known = {id: TagSpec(*spec) for id, *spec in connection.execute(_MERGED, {"ids": tags})} if tags else {}
    return [_manuscript(one, names, there, known) for one in articles]


def _manuscript(
    stored: StoredArticle, names: Mapping[int, str], there: set[int], tags: Mapping[int, TagSpec]
) -> Manuscript:
    columns = stored.columns
    original, replacement = columns["translation_of"], columns["replaced_by"]
    return Manuscript(
        **{name: columns[name] for name in _SAME},
        dateline=_dateline(columns),
        tags=(*_order_tags(tags, stored.authors), *_order_tags(tags, stored.tags)),
        regions=stored.regions,
        related=tuple(entry for one in stored.related if (entry := _drop_missing_target(one, there))),
        source=names.get(columns["source_id"]),
        translation_of=original if original in there else None,
        gone=columns["withdrawn_at"] is not None,
        replaced_by=replacement if replacement in there else None,
    )


_SAME = (
    "origin", "identity", "external_id", "title", "title_derived", "body", "word_count", "language", "standfirst",
    "images", "seo", "extra", "source_url", "signature", "status", "published_at", "published_precision", "slug",
    "content_hash",
)  # fmt: skip


def _dateline(columns: Mapping[str, Any]) -> ArticleDateline | None:
    if columns["dateline_text"] is None:
        return None
    return ArticleDateline(
        *(columns[f"dateline_{p}"] for p in ("text", "place", "region_id", "date", "precision", "from", "to"))
    )


_TARGET = TAG.alias("target")
_MERGED = (
    select(TAG.c.id, _TARGET.c.name, _TARGET.c.kind, _TARGET.c.slug)
    .select_from(TAG)
    .join(_TARGET, _TARGET.c.id == func.coalesce(TAG.c.merged_into, TAG.c.id))
    .where(AnyOf(TAG.c.id, "ids"))
)
"""Tags as they are called now; of a merged one the tag that it was merged into."""


def load_tags(connection: Connection, ids: Collection[int]) -> dict[int, TagSpec]:
    """Tags as they are called now, by id; of merged ones the tag that they were merged into."""
    return {id: TagSpec(*spec) for id, *spec in connection.execute(_MERGED, {"ids": ids})} if ids else {}


def list_tags(connection: Connection, ids: Sequence[int]) -> list[TagSpec]:
    """Tags as they are called now, in the order given."""
    return _order_tags(load_tags(connection, set(ids)), ids)


def _order_tags(known: Mapping[int, TagSpec], ids: Sequence[int]) -> list[TagSpec]:
    return list(dict.fromkeys(known[id] for id in ids if id in known))


def _drop_missing_target(entry: RelatedEntry, there: set[int]) -> RelatedEntry | None:
    if entry.target is None or entry.target in there:
        return entry
    return RelatedEntry(entry.title, entry.url, None, entry.unlinked) if entry.title or entry.url else None


def compare(old: StoredArticle, new: StoredArticle) -> list[str]:
    """The properties in which two versions differ, in alphabetical order."""
    columns = (name for name in COMPARED if old.columns.get(name) != new.columns.get(name))
    fields = {FIELD_OF.get(name, name) for name in columns}
    links = {name for name in ("tags", "authors", "regions") if getattr(old, name) != getattr(new, name)}
    related = {"related"} if _entries(old) != _entries(new) else set()
    return sorted(fields | links | related)


def _entries(stored: StoredArticle) -> list[object]:
    """What the editors said; that an entry has found its target changes nothing of that."""
    return [(one.title, one.url, bool(one.unlinked)) if one.title or one.url else one.target for one in stored.related]
