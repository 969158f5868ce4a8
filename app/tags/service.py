"""Finds tags by what sources and editors call them, and makes those that are new."""

from collections.abc import Iterable, Mapping

from sqlalchemy import func, insert, select
from sqlmodel import Session

from app.db.sql import lock_vocabulary, split_chunks
from app.models import ImportTag, Tag, TagName, TagSlug, table
from app.tags.tag_names import KINDS as KINDS, TagSpec as TagSpec, family as family
from app.text import keys as text_keys

TAG, SLUG, NAME, MADE = table(Tag), table(TagSlug), table(TagName), table(ImportTag)
_MADE = "dateline.tags_made"


def resolve(session: Session, specs: Iterable[TagSpec]) -> dict[TagSpec, int]:
    """The id of each tag, in a bounded number of statements; unknown ones are made. Follows old slugs and merges.

    Slugs are unique across kinds: a contributor called like a topic gets a slug of its own. A tag that is looked for
    as a contributor or section is only found among these, any other among the rest. Until the commit none of them is
    merged into another, so that whoever writes links asks here first.
    """
    lock_vocabulary(session.connection())
    asked = list(dict.fromkeys(specs))
    if not asked:
        return {}
    known = find(session, asked)
    made: dict[tuple[str, str], int] = {}
    for one in [one for one in asked if one not in known]:
        key = (one.key, family(one.kind))
        made[key] = made.get(key) or _make(session, one)
        known[one] = made[key]
    return known


def find(session: Session, asked: list[TagSpec]) -> dict[TagSpec, int]:
    """Of those asked for the ones that there are."""
    connection = session.connection()
    refs = sorted({one.ref for one in asked})
    keys = sorted({text_keys.name_key(one.name) for one in asked})
    ids: dict[tuple[str, str], int] = {}
    target = func.coalesce(TAG.c.merged_into, TAG.c.id)
    by_name = select(NAME.c.name_key, TAG.c.kind, target).join(TAG, TAG.c.id == NAME.c.tag_id)
    by_old_slug = select(SLUG.c.slug, TAG.c.kind, target).join(TAG, TAG.c.id == SLUG.c.tag_id)
    by_slug = select(TAG.c.slug, TAG.c.kind, target)
    names: dict[tuple[str, str], int] = {}
    for chunk in split_chunks(keys):
        for row in connection.execute(by_name.where(NAME.c.name_key.in_(chunk)).order_by(NAME.c.id.desc())):
            names[(row[0], family(row[1]))] = row[2]
    for statement, column in ((by_old_slug, SLUG.c.slug), (by_slug, TAG.c.slug)):
        for chunk in split_chunks(refs):
            for row in connection.execute(statement.where(column.in_(chunk))):
                ids[(row[0], family(row[1]))] = row[2]
    out: dict[TagSpec, int] = {}
    for one in asked:
        kinds = family(one.kind)
        named = names.get((text_keys.name_key(one.name), kinds))
        slugged = ids.get((one.ref, kinds)) if one.key == one.ref else None
        id = (slugged or named) if one.slug else (named or slugged)
        if id is not None:
            out[one] = id
    return out


def _make(session: Session, one: TagSpec) -> int:
    connection = session.connection()
    name = text_keys.clean(one.name).strip()
    slug = free_slug(session, one.ref, one.kind)
    id = insert_tag(session, {"slug": slug, "name": name, "sort_name": text_keys.sort_key(name), "kind": one.kind})
    session.info.setdefault(_MADE, []).append(id)
    connection.execute(insert(NAME), {"tag_id": id, "name": name, "name_key": text_keys.name_key(name), "alias": False})
    return id


def insert_tag(session: Session, row: Mapping[str, object]) -> int:
    """The number of a new tag, never that of a removed one: kept versions name tags by their numbers. SQLite would give
    the number of a removed last row out again."""
    connection, values = session.connection(), dict(row)
    if connection.dialect.name == "sqlite":
        last = select(func.max(TAG.c.id)).union_all(select(func.max(MADE.c.tag_id))).subquery()
        values["id"] = (connection.execute(select(func.max(last.c[0]))).scalar() or 0) + 1
    id: int = connection.execute(insert(TAG).returning(TAG.c.id), values).scalar_one()
    return id


def pop_made(session: Session) -> list[int]:
    """The tags that `resolve` has made in this transaction since this was asked last."""
    return list(dict.fromkeys(session.info.pop(_MADE, [])))


def free_slug(session: Session, slug: str, kind: str) -> str:
    """The slug, or one with the kind behind it where another tag has it, or had it."""
    if owner(session, slug) is None:
        return slug
    base = f"{slug}-{kind}"
    return next(c for c in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if owner(session, c) is None)


def owner(session: Session, slug: str) -> int | None:
    """The tag that has a slug now or had it once."""
    current = select(TAG.c.id).where(TAG.c.slug == slug)
    old = select(SLUG.c.tag_id).where(SLUG.c.slug == slug)
    return session.connection().execute(current.union_all(old)).scalar()
