"""From changes told to the JSON that consumers get, in a constant number of statements for each look."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import takewhile
from typing import Protocol

import orjson

from app.articles.reading import queries, replacements, response_size
from app.articles.render import article_json
from app.context import AppContext, RequestContext
from app.http.params.times import format_time
from app.sync.change_reader import ChangeParts
from app.sync.change_rows import ChangeBatch, Place, VisibleChange
from app.tags import queries as tags

Json = dict[str, object]
PIECE = 20
"""Cards that are made at once."""
AT_ONCE = 100
"""Changes that are written at once: about a millisecond."""


class ChangeViewer(Protocol):
    """Who changes are rendered for: a request on its way along the log or the changes of a search, or a webhook."""

    @property
    def context(self) -> AppContext: ...

    @property
    def view(self) -> RequestContext: ...

    @property
    def params(self) -> ChangeParts: ...

    @property
    def drafts(self) -> bool:
        """Whether rows that the public may not see are for it."""
        ...

    def name_place(self, told: VisibleChange) -> Place:
        """The place behind a change."""
        ...

    def stand_behind(self, told: VisibleChange) -> Place:
        """Goes back to the place behind a change that was told, where not all fits."""
        ...

    def has_card(self, told: VisibleChange) -> bool:
        """Whether an article that is told of may be shown, where it matches."""
        ...


async def render_changes(following: ChangeViewer, seen: ChangeBatch) -> tuple[list[bytes], ChangeBatch]:
    """Each change as JSON, in order. With `include`, `card` is the article as it is now, null where it does not match
    the filter (any more): whoever keeps what `card` says has what the list has.

    Where the cards would be more than one response may hold, what was seen ends before the first that does not fit."""
    with_cards = bool(following.params.include)
    cards: dict[int, bytes] = {}
    if with_cards:
        cards, left_out = await _cards(following, seen)
        seen = _cut_before(following, seen, left_out)
    names = await _tags(following, seen.told)
    named = {told.replaced_by for told in seen.told if told.replaced_by is not None}
    slugs = await replacements.find_slugs(following.context.db, named)
    shown: list[bytes] = []
    for told in seen.told:
        if len(shown) % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        change = _change(following, told, names)
        target = told.replaced_by
        # A key with an entitlement is not told of an article that it does not see, not even its number.
        if target is not None and (target in slugs or following.context.entitlement is None):
            change["replaced_by"] = {"id": target, "slug": slugs.get(target)}
        if with_cards:
            card = cards.get(told.row.entity_id) if told.row.entity == "article" else None
            change["card"] = None if card is None else orjson.Fragment(card)
        shown.append(orjson.dumps(change))
    return shown, seen


def _cut_before(following: ChangeViewer, seen: ChangeBatch, left_out: Set[int]) -> ChangeBatch:
    """What was seen before the first change of one of these articles. The consumer then stands there."""
    told = tuple(takewhile(lambda one: one.row.entity != "article" or one.row.entity_id not in left_out, seen.told))
    if len(told) == len(seen.told):
        return seen
    return replace(seen, told=told, more=True, place=following.stand_behind(told[-1]))


def _change(following: ChangeViewer, told: VisibleChange, names: dict[str, tags.KnownTag]) -> Json:
    row = told.row
    article = tag = region = None
    if row.entity == "article":
        article = {
            "id": row.entity_id,
            "slug": told.slug,
            "previous_slug": told.previous_slug,
            # Nothing is left of what was purged that could tell whether the key has seen it.
            "version": None if row.event == "purged" and following.context.entitlement is not None else row.version,
        }
    elif row.entity == "tag" and (known := names.get(str(row.entity_id))):
        # Of a tag that another has taken in since: each article that had it is told of by itself.
        moved = told.previous_slug if known.id == row.entity_id else None
        tag = {"id": known.id, "slug": known.slug, "previous_slug": moved, "name": known.name, "kind": known.kind}
    elif row.entity == "region" and (place := following.view.atlas.by_id.get(row.entity_id)):
        name = following.view.atlas.name_in(place.id, following.params.names_language)
        region = {"id": place.id, "slug": place.slug, "name": name, "level": place.level}
    return {
        "seq": following.name_place(told).token,
        "event": told.event,
        "article": article,
        "tag": tag,
        "region": region,
        "replaced_by": None,
        "at": format_time(row.at),
        "changed_fields": told.changed_fields,
    }


async def _tags(following: ChangeViewer, told: Sequence[VisibleChange]) -> dict[str, tags.KnownTag]:
    """Renamed tags as they are now, called as cards call them."""
    ids = sorted({str(one.row.entity_id) for one in told if one.row.entity == "tag"})
    if not ids:
        return {}
    known, language = (
        await tags.by_refs(following.context.db, ids, hidden=following.drafts),
        following.params.names_language,
    )
    if language is None:
        return known
    called = await tags.names_in(following.context.db, sorted({tag.slug for tag in known.values()}), language)
    return {ref: replace(tag, name=called.get(tag.slug, tag.name)) for ref, tag in known.items()}


async def _cards(following: ChangeViewer, seen: ChangeBatch) -> tuple[dict[int, bytes], set[int]]:
    """Of the articles named, those that match now; and the ids of those that do not fit, never of the first."""
    named = dict.fromkeys(
        told.row.entity_id for told in seen.told if told.row.entity == "article" and following.has_card(told)
    )
    only = seen.filter.ids
    ids = tuple(id for id in named if only is None or id in only)
    if not ids:
        return {}, set()
    context, view, params = following.context, following.view, following.params
    matching = replace(seen.filter, ids=ids)
    list_rows = {entry.id: entry for entry in await queries.load_page(context.db, matching, "-published_at", len(ids))}
    entries = [list_rows[id] for id in ids if id in list_rows]  # in the order of the changes
    costs = await article_json.load_costs(context, entries, params)
    cards: dict[int, bytes] = {}
    left, spent = {entry.id for entry in entries}, 0
    for some in response_size.split(entries, costs, PIECE):
        own = {entry.id: costs.get(entry.id, 0) + response_size.CARD_COST for entry in some}
        if cards and spent + sum(own.values()) > response_size.MAX_COST:
            break
        more = await article_json.render_articles(context, view, some, params=params, costs=own)
        spent += max(sum(own.values()), sum(map(len, more.values())))
        if cards and spent > response_size.MAX_COST:  # by what is no body
            break
        cards |= more
        left -= {entry.id for entry in some}
        await asyncio.sleep(0)  # others must not wait for a thousand cards
    return cards, left
