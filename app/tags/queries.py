"""Reads tags: the list, one by reference, what references lead to. The public sees no tag that only drafts have."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import orjson
from sqlalchemy import ColumnElement, FromClause, bindparam, exists, false, func, or_, select, true

from app.db.database import Database, Readable, Row
from app.db.sql import AnyOf, Prepared, Value, aggregate_rows, is_undated, prepare
from app.http.params.values import find_nearest
from app.models import ArticleTag, Tag, TagName, TagSlug, table
from app.text import keys

TAG, SLUG, NAME, TAGGED = table(Tag), table(TagSlug), table(TagName), table(ArticleTag)


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag with its aliases; `sort_name` is its folded name, `names` its name by language."""

    id: int
    slug: str
    name: str
    sort_name: str
    kind: str
    aliases: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()

    def name_in(self, language: str | None) -> str:
        """The name in a language, else as the archive calls it."""
        return next((name for tongue, name in self.names if tongue == language), self.name)


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Which tags: of `kinds`, with a name or alias that begins with `prefix` (folded). `hidden`: also those that came
    with articles of which none is published."""

    kinds: tuple[str, ...] = ()
    prefix: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class KnownTag:
    """What a reference leads to, after old slugs and merges; `asked` is the tag that it was before a merge."""

    id: int
    slug: str
    name: str
    kind: str
    asked: int


async def sort_names(db: Database, tag_filter: TagFilter) -> list[tuple[int, str]]:
    """The ids of all tags wanted, each with its folded name, in no order that matters; merged ones are not there any
    more. An archive may have a hundred thousand: of those on a page alone more is read."""
    values: dict[str, Value] = {}
    if tag_filter.kinds:
        values["kinds"] = list(tag_filter.kinds)
    if tag_filter.prefix:
        values |= {"first": tag_filter.prefix, "last": tag_filter.prefix + "\U0010ffff"}
    statement = _list(db.dialect, bool(tag_filter.kinds), bool(tag_filter.prefix), tag_filter.hidden)
    return cast(list[tuple[int, str]], await db.reader.rows(statement, values, bounded=False))


async def by_ids(db: Database, ids: Sequence[int]) -> dict[int, TagRow]:
    """These tags by id, without those that were merged or removed meanwhile."""
    entries = map(_entry, await db.reader.rows(_by_ids(db.dialect), {"ids": list(ids)}) if ids else ())
    return {entry.id: entry for entry in entries}


def _entry(row: Row) -> TagRow:
    id, slug, name, sort_name, kind, names = row
    own: list[tuple[str, str]] = []
    aliases: list[str] = []
    for called, language, alias in orjson.loads(str(names)):
        if alias:
            aliases.append(called)
        else:
            own.append((language, called))
    return TagRow(int(str(id)), str(slug), str(name), str(sort_name), str(kind), tuple(aliases), tuple(own))


_names = (
    select(NAME.c.name, NAME.c.language, NAME.c.alias)
    .where(NAME.c.tag_id == TAG.c.id)
    .order_by(NAME.c.name_key, NAME.c.id)
    .correlate(TAG)
    .subquery()
)
_columns = (TAG.c.id, TAG.c.slug, TAG.c.name, TAG.c.sort_name, TAG.c.kind)


def public(tag: FromClause) -> ColumnElement[bool]:
    """A tag that an editor has listed is nobody's secret, nor is that of a published article. One that came with a
    draft is the draft's, also when it has gone again."""
    linked = select(TAGGED.c.article_id).where(TAGGED.c.tag_id == tag.c.id)
    # Two, because each has an index of its own.
    dated, undated = linked.where(TAGGED.c.published_at.is_not(None)), linked.where(*is_undated(TAGGED))
    return or_(tag.c.listed.is_(true()), exists(dated.correlate(tag)), exists(undated.correlate(tag)))


@lru_cache(maxsize=16)
def _list(dialect: str, kinds: bool, prefix: bool, hidden: bool) -> Prepared:
    statement = select(TAG.c.id, TAG.c.sort_name).where(TAG.c.merged_into.is_(None))
    lists = []
    if not hidden:
        statement = statement.where(public(TAG))
    if kinds:
        statement = statement.where(AnyOf(TAG.c.kind, "kinds"))
        lists.append("kinds")
    if prefix:
        key = NAME.c.name_key
        text = key.type
        named = select(NAME.c.tag_id).where(key >= bindparam("first", type_=text), key < bindparam("last", type_=text))
        statement = statement.where(TAG.c.id.in_(named))
    return prepare(statement, dialect, lists)


@lru_cache(maxsize=4)
def _by_ids(dialect: str) -> Prepared:
    statement = select(*_columns, aggregate_rows(_names)).where(TAG.c.merged_into.is_(None), AnyOf(TAG.c.id, "ids"))
    return prepare(statement, dialect, ["ids"])


async def find(db: Database, ref: str, *, hidden: bool) -> TagRow | None:
    """By id, slug, an old slug, or the slug of a tag that was merged into it; `slug` tells which it is now."""
    if "\0" in ref:
        return None
    number = int(ref) if ref.isascii() and ref.isdigit() and len(ref) < 18 else -1
    rows = await db.reader.rows(_lookup(db.dialect, hidden), {"ref": ref, "number": number})
    return _entry(rows[0]) if rows else None


@lru_cache(maxsize=4)
def _lookup(dialect: str, hidden: bool) -> Prepared:
    asked = TAG.alias("asked")
    ref = bindparam("ref", type_=TAG.c.slug.type)
    old = select(SLUG.c.tag_id).where(SLUG.c.slug == ref)
    meant = select(func.coalesce(asked.c.merged_into, asked.c.id)).where(
        (asked.c.slug == ref) | (asked.c.id == bindparam("number", type_=TAG.c.id.type)) | asked.c.id.in_(old)
    )
    statement = select(*_columns, aggregate_rows(_names)).where(TAG.c.id.in_(meant))
    return prepare(statement if hidden else statement.where(public(TAG)), dialect)


async def find_similar(db: Database, ref: str, kinds: Sequence[str], *, hidden: bool) -> str | None:
    """The slug of a tag of these kinds whose name begins as `ref` does and goes on much like it: whoever mistypes a
    name mostly does so further on, and few names need looking at."""
    key = keys.name_key(ref.replace("-", " "))[:64]
    first = key[: max(3, len(key) // 2)]
    values: dict[str, Value] = {"first": first, "last": first + "\U0010ffff", "kinds": list(kinds), "limit": 200}
    rows = await db.reader.rows(_similar_statement(db.dialect, hidden), values) if key else []
    slugs = {str(name): str(slug) for slug, name in rows}
    match = find_nearest(key, slugs)
    return slugs[match] if match else None


@lru_cache(maxsize=4)
def _similar_statement(dialect: str, hidden: bool) -> Prepared:
    key = NAME.c.name_key
    begun = (key >= bindparam("first", type_=key.type)) & (key < bindparam("last", type_=key.type))
    statement = select(TAG.c.slug, key).join(NAME, NAME.c.tag_id == TAG.c.id)
    statement = statement.where(begun, AnyOf(TAG.c.kind, "kinds"), TAG.c.merged_into.is_(None))
    statement = (statement if hidden else statement.where(public(TAG))).order_by(key).limit(bindparam("limit"))
    return prepare(statement, dialect, ["kinds"])


async def names_in(db: Readable, slugs: Sequence[str], language: str) -> dict[str, str]:
    """The names of tags in a language, by slug, of those that have one."""
    rows = await db.reader.rows(_names_in(db.dialect), {"slugs": list(slugs), "language": language})
    return {str(slug): str(name) for slug, name in rows}


@lru_cache(maxsize=4)
def _names_in(dialect: str) -> Prepared:
    named = select(TAG.c.slug, NAME.c.name).join(NAME, NAME.c.tag_id == TAG.c.id)
    own = (NAME.c.language == bindparam("language", type_=NAME.c.language.type)) & NAME.c.alias.is_(false())
    return prepare(named.where(own, AnyOf(TAG.c.slug, "slugs")), dialect, ["slugs"])


async def by_refs(db: Database, refs: Sequence[str], *, hidden: bool) -> dict[str, KnownTag]:
    """Each reference that leads somewhere: a slug, an old slug, a merged tag's slug, or an id in digits."""
    numbers = [int(ref) for ref in refs if ref.isascii() and ref.isdigit() and len(ref) < 18]
    rows = await db.reader.rows(_references(db.dialect, hidden), {"refs": list(refs), "numbers": numbers})
    tags_by_ref: dict[str, KnownTag] = {}
    for old, asked_id, asked_slug, id, slug, name, kind in rows:
        known = KnownTag(int(str(id)), str(slug), str(name), str(kind), int(str(asked_id)))
        tags_by_ref |= {str(ref): known for ref in (old, asked_id, asked_slug) if ref is not None}
    return tags_by_ref


@lru_cache(maxsize=4)
def _references(dialect: str, hidden: bool) -> Prepared:
    target = TAG.alias("target")
    statement = (
        select(SLUG.c.slug, TAG.c.id, TAG.c.slug, target.c.id, target.c.slug, target.c.name, target.c.kind)
        .select_from(TAG)
        .join(target, target.c.id == func.coalesce(TAG.c.merged_into, TAG.c.id))
        .outerjoin(SLUG, (SLUG.c.tag_id == TAG.c.id) & AnyOf(SLUG.c.slug, "refs"))
        .where(
            or_(
                AnyOf(TAG.c.slug, "refs"),
                AnyOf(TAG.c.id, "numbers"),
                TAG.c.id.in_(select(SLUG.c.tag_id).where(AnyOf(SLUG.c.slug, "refs"))),
            )
        )
    )
    return prepare(statement if hidden else statement.where(public(target)), dialect, ["refs", "numbers"])
