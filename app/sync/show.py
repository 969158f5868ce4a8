"""From changes told to the JSON that consumers get, in a constant number of statements for each look."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import takewhile

import orjson

from app.articles import present, queries, replacing, sizes
from app.http.times import format_time
from app.sync.following import Following, Seen
from app.sync.rows import Told
from app.tags import queries as tags
from app.tags.queries import Known

Json = dict[str, object]
PIECE = 20
"""Cards that are made at once."""
AT_ONCE = 100
"""Changes that are written at once: about a millisecond."""


async def changes(following: Following, seen: Seen) -> tuple[list[bytes], Seen]:
    """Each change as JSON, in order. With `include`, `card` is the article as it is now, null where it does not match
    the filter (any more): whoever keeps what `card` says has what the list has.

    Where the cards would be more than one response may hold, what was seen ends before the first that does not fit."""
    with_cards = bool(following.read.fields("include"))
    cards: dict[int, bytes] = {}
    if with_cards:
        cards, left_out = await _cards(following, seen)
        seen = _until(following, seen, left_out)
    names = await _tags(following, seen.told)
    named = {told.replaced_by for told in seen.told if told.replaced_by is not None}
    slugs = await replacing.find_slugs(following.here.db, named)
    shown: list[bytes] = []
    for told in seen.told:
        if len(shown) % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        change = _change(following, told, names)
        if (target := told.replaced_by) is not None:
            change["replaced_by"] = {"id": target, "slug": slugs.get(target)}
        if with_cards:
            card = cards.get(told.row.entity_id) if told.row.entity == "article" else None
            change["card"] = None if card is None else orjson.Fragment(card)
        shown.append(orjson.dumps(change))
    return shown, seen


def _until(following: Following, seen: Seen, left_out: Set[int]) -> Seen:
    """What was seen before the first change of one of these articles. The consumer then stands there."""
    told = tuple(takewhile(lambda one: one.row.entity != "article" or one.row.entity_id not in left_out, seen.told))
    if len(told) == len(seen.told):
        return seen
    last = told[-1].row
    following.place = replace(following.place, seq=last.seq, mark=last.mark)
    return replace(seen, told=told, more=True, place=following.place)


def _change(following: Following, told: Told, names: dict[str, Known]) -> Json:
    row = told.row
    article = tag = region = None
    if row.entity == "article":
        article = {
            "id": row.entity_id,
            "slug": told.slug,
            "previous_slug": told.previous_slug,
            "version": row.version,
        }
    elif row.entity == "tag" and (known := names.get(str(row.entity_id))):
        tag = {"id": known.id, "slug": known.slug, "name": known.name}
    elif row.entity == "region" and (place := following.view.atlas.by_id.get(row.entity_id)):
        region = {"id": place.id, "slug": place.slug, "name": place.name}
    return {
        "seq": replace(following.place, seq=row.seq, mark=row.mark).token,
        "event": told.event,
        "article": article,
        "tag": tag,
        "region": region,
        "replaced_by": None,
        "at": format_time(row.at),
        "changed_fields": told.changed_fields,
    }


async def _tags(following: Following, told: Sequence[Told]) -> dict[str, Known]:
    """Names of renamed tags as they are now."""
    ids = sorted({str(one.row.entity_id) for one in told if one.row.entity == "tag"})
    return await tags.by_refs(following.here.db, ids, hidden=following.drafts) if ids else {}


async def _cards(following: Following, seen: Seen) -> tuple[dict[int, bytes], set[int]]:
    """Of the articles named, those that match now; and the ids of those that do not fit, never of the first."""
    named = dict.fromkeys(told.row.entity_id for told in seen.told if told.row.entity == "article")
    only = seen.filter.ids
    ids = tuple(id for id in named if only is None or id in only)
    if not ids:
        return {}, set()
    here, view, read = following.here, following.view, following.read
    matching = replace(seen.filter, ids=ids)
    found = {entry.id: entry for entry in await queries.page(here.db, matching, "-published_at", len(ids))}
    entries = [found[id] for id in ids if id in found]  # in the order of the changes
    costs = await present.load_costs(here, entries, read)
    cards: dict[int, bytes] = {}
    left, spent = {entry.id for entry in entries}, 0
    for some in sizes.split(entries, costs, PIECE):
        own = {entry.id: costs.get(entry.id, 0) + sizes.CARD_COST for entry in some}
        if cards and spent + sum(own.values()) > sizes.MAX_COST:
            break
        more = await present.by_id(here, view, some, wanted=read, costs=own)
        spent += max(sum(own.values()), sum(map(len, more.values())))
        if cards and spent > sizes.MAX_COST:  # by what is no body
            break
        cards |= more
        left -= {entry.id for entry in some}
        await asyncio.sleep(0)  # others must not wait for a thousand cards
    return cards, left
