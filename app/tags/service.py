"""Finds tags by what sources and editors call them, and makes those that are new.

Whoever writes links takes `lock_vocabulary` first, then asks `find`, then `create_missing`: until the commit none of
these tags is merged into another.
"""

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter

from sqlalchemy import func, insert, literal_column, select, union_all
from sqlmodel import Session

from app.db.sql import AnyOf, split_chunks
from app.models import ImportTag, Tag, TagName, TagSlug, table
from app.tags.tag_names import KINDS as KINDS
from app.tags.tag_names import TagSpec as TagSpec
from app.tags.tag_names import family as family
from app.text import keys as text_keys

TAG, SLUG, NAME, MADE = table(Tag), table(TagSlug), table(TagName), table(ImportTag)
_MADE = "dateline.tags_made"
_EVERY_ID = select(func.max(TAG.c.id)).union_all(select(func.max(MADE.c.tag_id))).subquery()
_target = func.coalesce(TAG.c.merged_into, TAG.c.id)
_FOUND = union_all(
    select(-NAME.c.id, NAME.c.name_key, TAG.c.kind, _target)
    .join(TAG, TAG.c.id == NAME.c.tag_id)
    .where(AnyOf(NAME.c.name_key, "keys")),
    select(literal_column("1"), SLUG.c.slug, TAG.c.kind, _target)
    .join(TAG, TAG.c.id == SLUG.c.tag_id)
    .where(AnyOf(SLUG.c.slug, "refs")),
    select(literal_column("2"), TAG.c.slug, TAG.c.kind, _target).where(AnyOf(TAG.c.slug, "refs")),
)
"""Tags by names and slugs: (rank, word, kind, id), where what has a higher rank counts more."""
LAST_ID = select(func.max(_EVERY_ID.c[0]))
"""The highest number that a tag has or had. Kept versions name tags by their numbers, and SQLite would give that of a
removed last row out again: there a new tag gets the next one."""


def find(session: Session, specs: Iterable[TagSpec]) -> dict[TagSpec, int]:
    """The ids of those tags that there are, in a bounded number of statements. Follows old slugs and merges. A tag that
    is looked for as a contributor or section is only found among these, any other among the rest."""
    asked = list(dict.fromkeys(specs))
    if not asked:
        return {}
    names: dict[tuple[str, str], int] = {}
    ids: dict[tuple[str, str], int] = {}
    parameters = {
        "refs": sorted({one.ref for one in asked}),
        "keys": sorted({text_keys.name_key(m.name) for m in asked}),
    }
    # Of tags that are called alike the one that got the name first counts, a current slug before an old one.
    for rank, word, kind, id in sorted(session.connection().execute(_FOUND, parameters), key=itemgetter(0)):
        (names if rank <= 0 else ids)[word, family(kind)] = id
    out: dict[TagSpec, int] = {}
    for one in asked:
        kinds = family(one.kind)
        named = names.get((text_keys.name_key(one.name), kinds))
        slugged = ids.get((one.ref, kinds)) if one.key == one.ref else None
        id = (slugged or named) if one.slug else (named or slugged)
        if id is not None:
            out[one] = id
    return out


def create_missing(session: Session, specs: Iterable[TagSpec], known: Mapping[TagSpec, int]) -> dict[TagSpec, int]:
    """Makes the tags that are not `known`, each once, and returns their ids. Slugs are unique across kinds: a
    contributor called like a topic gets a slug of its own."""
    connection, missing = session.connection(), [one for one in dict.fromkeys(specs) if one not in known]
    new: dict[tuple[str, str], TagSpec] = {}
    for one in missing:
        new.setdefault((one.key, family(one.kind)), one)
    if not new:
        return {}
    taken: set[str] = set()
    likely = {slug for one in new.values() for slug in (one.ref, f"{one.ref}-{one.kind}")}
    for some in split_chunks(likely):
        old = select(SLUG.c.slug).where(SLUG.c.slug.in_(some))
        taken.update(connection.execute(select(TAG.c.slug).where(TAG.c.slug.in_(some)).union_all(old)).scalars())
    tags: list[dict[str, object]] = []
    for one in new.values():
        free = (slug for slug in _list_slugs(one.ref, one.kind) if slug not in taken)
        slug = next(slug for slug in free if slug in likely or owner(session, slug) is None)
        taken.add(slug)
        name = text_keys.clean(one.name).strip()
        tags.append({"slug": slug, "name": name, "sort_name": text_keys.sort_key(name), "kind": one.kind})
    if connection.dialect.name == "sqlite":
        last = connection.execute(LAST_ID).scalar() or 0
        tags = [{"id": id, **tag} for id, tag in enumerate(tags, last + 1)]
    made = insert(TAG).returning(TAG.c.id, sort_by_parameter_order=True)
    ids = dict(zip(new, connection.execute(made, tags).scalars(), strict=True))
    names = [(id, str(tag["name"])) for id, tag in zip(ids.values(), tags, strict=True)]
    rows = [{"tag_id": id, "name": name, "name_key": text_keys.name_key(name), "alias": False} for id, name in names]
    connection.execute(insert(NAME), rows)
    session.info.setdefault(_MADE, []).extend(ids.values())
    return {one: ids[one.key, family(one.kind)] for one in missing}


def _list_slugs(slug: str, kind: str) -> Iterator[str]:
    """What a tag may be called by in addresses, the best first."""
    yield slug
    yield f"{slug}-{kind}"
    yield from (f"{slug}-{kind}-{n}" for n in range(2, 10_000))


def insert_tag(session: Session, row: Mapping[str, object]) -> int:
    """The number of a new tag, never that of a removed one."""
    connection, values = session.connection(), dict(row)
    if connection.dialect.name == "sqlite":
        values["id"] = (connection.execute(LAST_ID).scalar() or 0) + 1
    id: int = connection.execute(insert(TAG).returning(TAG.c.id), values).scalar_one()
    return id


def pop_made(session: Session) -> list[int]:
    """The tags that `create_missing` has made in this transaction since this was asked last."""
    return list(dict.fromkeys(session.info.pop(_MADE, [])))


def free_slug(session: Session, slug: str, kind: str) -> str:
    """The slug, or one with the kind behind it where another tag has it, or had it."""
    return next(one for one in _list_slugs(slug, kind) if owner(session, one) is None)


def owner(session: Session, slug: str) -> int | None:
    """The tag that has a slug now or had it once."""
    current = select(TAG.c.id).where(TAG.c.slug == slug)
    old = select(SLUG.c.tag_id).where(SLUG.c.slug == slug)
    return session.connection().execute(current.union_all(old)).scalar()
