"""Which tags of a filter have been merged into others, so that a copy made with it lacks what the others had."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import bindparam, literal_column, or_, select, true

from app.articles.reading import filter_params
from app.articles.reading.filter_params import FilterParams
from app.context import AppContext, RequestContext
from app.db.log_position import LogPosition
from app.db.sql import AnyOf, Prepared, Value, prepare
from app.errors import FieldError, FilterChanged
from app.models import Change, Tag, TagSlug, table
from app.tags import queries as tags

TAG, SLUG, CHANGE = table(Tag), table(TagSlug), table(Change)


async def refuse(context: AppContext, view: RequestContext, params: FilterParams, place: LogPosition) -> None:
    """FilterChanged for a tag that another has taken in since that place; its detail names the other where the caller
    may know it. Who began behind the merge has what the filter means now."""
    own = context.entitlement.tags if context.entitlement is not None else ()
    by_name = filter_params.list_tag_refs(params)
    tag_refs = sorted({ref for some in by_name.values() for ref in some} | {*own})
    drafts = view.caller.has_scope("read_drafts")
    merged = await _merged_among(context, tag_refs, place, drafts=drafts) if tag_refs else []
    if merged:
        shown = await tags.by_refs(context.db, merged, hidden=drafts)
        told = {ref: f"{ref!r} is part of {shown[ref].slug!r} now" for ref in merged if ref in shown}
        errors = [
            FieldError(FilterChanged.code, f"{told.get(ref, 'It has been merged into another tag')}.", name)
            for name, some in by_name.items()
            for ref in some
            if ref in merged
        ]
        which = "; ".join(told.values()) or "A tag has been merged into another"
        raise FilterChanged(f"{which}. Start again from the export.", errors=errors)


async def _merged_among(context: AppContext, refs: Sequence[str], place: LogPosition, *, drafts: bool) -> list[str]:
    numbers = [int(ref) for ref in refs if ref.isascii() and ref.isdigit() and len(ref) < 18]
    values: dict[str, Value] = {"refs": list(refs), "numbers": numbers, "after": place.seq}
    rows = await context.db.reader.rows(_statement(context.db.dialect, drafts), values, bounded=False)
    merged_refs = {str(ref) for row in rows for ref in row}
    return [ref for ref in refs if ref in merged_refs]


@lru_cache(maxsize=4)
def _statement(dialect: str, drafts: bool) -> Prepared:
    old = select(SLUG.c.tag_id).where(AnyOf(SLUG.c.slug, "refs"))
    # A merge is a row of the tag that took the other in.
    taken_in = select(CHANGE.c.seq).where(
        CHANGE.c.seq > bindparam("after", type_=CHANGE.c.seq.type),
        CHANGE.c.entity == literal_column("'tag'"),
        CHANGE.c.entity_id == TAG.c.merged_into,
        true() if drafts else CHANGE.c.public.is_(true()),  # what is not public moves nobody's place beyond it
    )
    named = or_(AnyOf(TAG.c.slug, "refs"), AnyOf(TAG.c.id, "numbers"), TAG.c.id.in_(old))
    statement = (
        select(TAG.c.id, TAG.c.slug, SLUG.c.slug)
        .select_from(TAG)
        .outerjoin(SLUG, (SLUG.c.tag_id == TAG.c.id) & AnyOf(SLUG.c.slug, "refs"))
        .where(TAG.c.merged_into.is_not(None), named, taken_in.correlate(TAG).exists())
    )
    return prepare(statement, dialect, ["refs", "numbers"])
