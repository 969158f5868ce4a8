"""Which tags of a filter have been merged into others, so that a copy made with it lacks what the others had."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import or_, select

from app.articles.archive import Archive, View
from app.errors import FilterChanged
from app.http.params import Read
from app.models import Tag, TagSlug, table
from app.sql import AnyOf, Prepared, prepare
from app.tags import queries as tags

TAG, SLUG = table(Tag), table(TagSlug)
_NAMES = ("author", "section", "tag", "tag_all", "tag_not")


async def refuse(here: Archive, view: View, read: Read) -> None:
    """FilterChanged for a tag that another has taken in; its detail names the other where the caller may know it."""
    given = sorted({ref for name in _NAMES for ref in read.refs(name)})
    merged = await _merged_among(here, given) if given else []
    if merged:
        shown = await tags.by_refs(here.db, merged, hidden=view.caller.may("read_drafts"))
        told = [f"{ref!r} is part of {shown[ref].slug!r} now" for ref in merged if ref in shown]
        raise FilterChanged(f"{'; '.join(told) or 'A tag has been merged into another'}. Start again from the export.")


async def _merged_among(here: Archive, refs: Sequence[str]) -> list[str]:
    numbers = [int(ref) for ref in refs if ref.isascii() and ref.isdigit() and len(ref) < 18]
    rows = await here.db.reader.rows(_statement(here.db.dialect), {"refs": list(refs), "numbers": numbers})
    found = {str(ref) for row in rows for ref in row}
    return [ref for ref in refs if ref in found]


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    old = select(SLUG.c.tag_id).where(AnyOf(SLUG.c.slug, "refs"))
    named = or_(AnyOf(TAG.c.slug, "refs"), AnyOf(TAG.c.id, "numbers"), TAG.c.id.in_(old))
    found = (
        select(TAG.c.id, TAG.c.slug, SLUG.c.slug)
        .select_from(TAG)
        .outerjoin(SLUG, (SLUG.c.tag_id == TAG.c.id) & AnyOf(SLUG.c.slug, "refs"))
        .where(TAG.c.merged_into.is_not(None), named)
    )
    return prepare(found, dialect, ["refs", "numbers"])
