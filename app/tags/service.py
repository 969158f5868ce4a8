"""Finds tags by what sources and editors call them, and makes those that are new."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlmodel import Session

from app import text
from app.models import Tag, TagName, TagSlug, table

TAG, SLUG, NAME = table(Tag), table(TagSlug), table(TagName)

_slug = re.compile("[a-z0-9]+(-[a-z0-9]+)*")

KINDS = ("topic", "section", "person", "organisation", "event", "series", "contributor")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tag as somebody names it: by name or slug. `kind` is what it becomes if it is new."""

    name: str
    kind: str
    slug: str | None = None

    @property
    def ref(self) -> str:
        """The slug given, made one where it is none; else one made from the name."""
        if self.slug and _slug.fullmatch(self.slug) and not self.slug.isdigit():
            return self.slug
        return text.slug(self.slug or self.name, "tag")

    @property
    def key(self) -> str:
        """What it is known by: other scripts are spelt alike in slugs, so there only the words count."""
        return self.ref if self.slug or text.fold(self.name).isascii() else text.words_key(self.name)


def resolve(session: Session, wanted: Iterable[Wanted]) -> dict[Wanted, int]:
    """The id of each tag, in a bounded number of statements; unknown ones are made. Follows old slugs and merges.

    Slugs are unique across kinds: a contributor called like a topic gets a slug of its own. A tag that is looked for
    as a contributor or section is only found among these, any other among the rest.
    """
    asked = list(dict.fromkeys(wanted))
    if not asked:
        return {}
    known = _known(session, asked)
    made: dict[tuple[str, str], int] = {}
    for one in [one for one in asked if one not in known]:
        key = (one.key, _family(one.kind))
        made[key] = made.get(key) or _make(session, one)
        known[one] = made[key]
    return known


def _family(kind: str) -> str:
    return kind if kind in ("contributor", "section") else "term"


def _known(session: Session, asked: list[Wanted]) -> dict[Wanted, int]:
    connection = session.connection()
    refs = sorted({one.ref for one in asked})
    keys = sorted({text.words_key(one.name) for one in asked})
    found: dict[tuple[str, str], int] = {}
    target = func.coalesce(TAG.c.merged_into, TAG.c.id)
    by_name = select(NAME.c.name_key, TAG.c.kind, target).join(TAG, TAG.c.id == NAME.c.tag_id)
    by_old_slug = select(SLUG.c.slug, TAG.c.kind, target).join(TAG, TAG.c.id == SLUG.c.tag_id)
    by_slug = select(TAG.c.slug, TAG.c.kind, target)
    names: dict[tuple[str, str], int] = {}
    for chunk in _chunks(keys):
        for row in connection.execute(by_name.where(NAME.c.name_key.in_(chunk)).order_by(NAME.c.id.desc())):
            names[(row[0], _family(row[1]))] = row[2]
    for statement, column in ((by_old_slug, SLUG.c.slug), (by_slug, TAG.c.slug)):
        for chunk in _chunks(refs):
            for row in connection.execute(statement.where(column.in_(chunk))):
                found[(row[0], _family(row[1]))] = row[2]
    out: dict[Wanted, int] = {}
    for one in asked:
        family = _family(one.kind)
        named = names.get((text.words_key(one.name), family))
        slugged = found.get((one.ref, family)) if one.key == one.ref else None
        id = (slugged or named) if one.slug else (named or slugged)
        if id is not None:
            out[one] = id
    return out


def _chunks(values: list[str], size: int = 500) -> Iterable[list[str]]:
    return (values[i : i + size] for i in range(0, len(values), size))


def _make(session: Session, one: Wanted) -> int:
    connection = session.connection()
    name = text.clean(one.name).strip()
    slug = _free_slug(session, one.ref, one.kind)
    row = {"slug": slug, "name": name, "sort_name": text.sort_key(name), "kind": one.kind}
    id: int = connection.execute(insert(TAG).returning(TAG.c.id), row).scalar_one()
    connection.execute(insert(NAME), {"tag_id": id, "name": name, "name_key": text.words_key(name), "alias": False})
    return id


def _free_slug(session: Session, slug: str, kind: str) -> str:
    connection = session.connection()

    def taken(candidate: str) -> bool:
        current = select(TAG.c.id).where(TAG.c.slug == candidate)
        old = select(SLUG.c.tag_id).where(SLUG.c.slug == candidate)
        return connection.execute(current.union_all(old)).first() is not None

    if not taken(slug):
        return slug
    base = f"{slug}-{kind}"
    return next(c for c in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if not taken(c))
