"""Reads tags: the list by name, one by reference, names for counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import bindparam, func, select, true

from app.db import Database
from app.models import Tag, TagName, TagSlug, table
from app.sql import AnyOf, Prepared, Value, json_rows, prepare

TAG, SLUG, NAME = table(Tag), table(TagSlug), table(TagName)


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag with its aliases; `sort_name` is its folded name."""

    id: int
    slug: str
    name: str
    sort_name: str
    kind: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tags: of `kinds`, with a name or alias that begins with `prefix` (folded), among `ids`."""

    kinds: tuple[str, ...] = ()
    prefix: str = ""
    ids: tuple[int, ...] | None = None


async def all_of(db: Database, wanted: Wanted) -> list[Entry]:
    """By folded name; merged ones are not there any more."""
    values: dict[str, Value] = {}
    if wanted.kinds:
        values["kinds"] = list(wanted.kinds)
    if wanted.prefix:
        values |= {"first": wanted.prefix, "last": wanted.prefix + "\U0010ffff"}
    if wanted.ids is not None:
        values["ids"] = list(wanted.ids)
    statement = _list(db.dialect, bool(wanted.kinds), bool(wanted.prefix), wanted.ids is not None)
    return [_entry(row) for row in await db.reader.rows(statement, values, bounded=False)]


def _entry(row: tuple[object, ...]) -> Entry:
    id, slug, name, sort_name, kind, aliases = row
    names = tuple(str(alias) for (alias,) in orjson.loads(str(aliases)))
    return Entry(int(str(id)), str(slug), str(name), str(sort_name), str(kind), names)


_aliases = (
    select(NAME.c.name)
    .where(NAME.c.tag_id == TAG.c.id, NAME.c.alias.is_(true()))
    .order_by(NAME.c.name_key)
    .correlate(TAG)
    .subquery()
)
_columns = (TAG.c.id, TAG.c.slug, TAG.c.name, TAG.c.sort_name, TAG.c.kind)


@lru_cache(maxsize=16)
def _list(dialect: str, kinds: bool, prefix: bool, ids: bool) -> Prepared:
    found = select(*_columns, json_rows(_aliases)).where(TAG.c.merged_into.is_(None))
    lists = []
    if kinds:
        found = found.where(AnyOf(TAG.c.kind, "kinds"))
        lists.append("kinds")
    if prefix:
        key = NAME.c.name_key
        text = key.type
        named = select(NAME.c.tag_id).where(key >= bindparam("first", type_=text), key < bindparam("last", type_=text))
        found = found.where(TAG.c.id.in_(named))
    if ids:
        found = found.where(AnyOf(TAG.c.id, "ids"))
        lists.append("ids")
    return prepare(found.order_by(TAG.c.sort_name, TAG.c.id), dialect, lists)


async def find(db: Database, ref: str) -> Entry | None:
    """By id, slug, an old slug, or the slug of a tag that was merged into it; `slug` tells which it is now."""
    number = int(ref) if ref.isascii() and ref.isdigit() and len(ref) < 18 else -1
    rows = await db.reader.rows(_lookup(db.dialect), {"ref": ref, "number": number})
    return _entry(rows[0]) if rows else None


@lru_cache(maxsize=4)
def _lookup(dialect: str) -> Prepared:
    asked = TAG.alias("asked")
    ref = bindparam("ref", type_=TAG.c.slug.type)
    old = select(SLUG.c.tag_id).where(SLUG.c.slug == ref)
    meant = select(func.coalesce(asked.c.merged_into, asked.c.id)).where(
        (asked.c.slug == ref) | (asked.c.id == bindparam("number", type_=TAG.c.id.type)) | asked.c.id.in_(old)
    )
    return prepare(select(*_columns, json_rows(_aliases)).where(TAG.c.id.in_(meant)), dialect)


async def by_ids(db: Database, ids: Sequence[int]) -> dict[int, Entry]:
    return {entry.id: entry for entry in await all_of(db, Wanted(ids=tuple(ids)))}
