"""From changes told to the JSON that consumers get, in a constant number of statements for each look."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from app.articles import present, queries
from app.http.times import format_time
from app.sync.following import Following, Seen
from app.sync.rows import Told
from app.tags import queries as tags
from app.tags.queries import Known

Json = dict[str, object]


async def changes(following: Following, seen: Seen) -> list[bytes]:
    """Each change as JSON, in order. With `include`, `card` is the article as it is now, null where it does not match
    the filter (any more): whoever keeps what `card` says has what the list has."""
    names = await _tags(following, seen.told)
    with_cards = bool(following.read.fields("include"))
    cards = await _cards(following, seen) if with_cards else {}
    shown = []
    for told in seen.told:
        change = _change(following, told, names)
        if with_cards:
            card = cards.get(told.row.entity_id) if told.row.entity == "article" else None
            change["card"] = None if card is None else orjson.Fragment(card)
        shown.append(orjson.dumps(change))
    return shown


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
        "at": format_time(row.at),
        "changed_fields": told.changed_fields,
    }


async def _tags(following: Following, told: Sequence[Told]) -> dict[str, Known]:
    """Names of renamed tags as they are now."""
    ids = sorted({str(one.row.entity_id) for one in told if one.row.entity == "tag"})
    return await tags.by_refs(following.here.db, ids, hidden=following.drafts) if ids else {}


async def _cards(following: Following, seen: Seen) -> dict[int, bytes]:
    """Of the articles named, those that match now."""
    named = dict.fromkeys(told.row.entity_id for told in seen.told if told.row.entity == "article")
    only = seen.filter.ids
    ids = tuple(id for id in named if only is None or id in only)
    if not ids:
        return {}
    matching = replace(seen.filter, ids=ids)
    entries = await queries.page(following.here.db, matching, "-published_at", len(ids))
    return await present.by_id(following.here, following.view, entries, wanted=following.read)
