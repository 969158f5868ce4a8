"""From rows to entries as a feed sends them: from memory where they are there, the others rendered once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

import orjson

from app.articles.reading import response_size
from app.articles.reading.body_cache import EncodedEntry
from app.articles.reading.card_cache import Card
from app.articles.reading.queries import ListRow
from app.articles.render.encoded_views import EncodedViews
from app.articles.render.left_out import blank_properties
from app.context import AppContext, RequestContext
from app.sync.feeds import atom, json_feed, rss
from app.sync.feeds.model import FeedEntry, make_entry
from app.sync.feeds.params import Content, Format
from app.text.addresses import Addresses

BODY = frozenset({"body"})
WRITERS: Mapping[Format, Callable[[FeedEntry], bytes]] = {
    "rss": rss.write_entry, "atom": atom.write_entry, "json": json_feed.write_entry,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntryForm:
    """How a feed shows its articles."""

    format: Format
    content: Content
    root_path: str = ""
    left_out: frozenset[str] = frozenset()
    """Properties that a key is not given."""

    @property
    def name(self) -> str:
        return " ".join((self.format, self.content, self.root_path, *sorted(self.left_out)))


async def load_entries(
    context: AppContext, view: RequestContext, rows: Sequence[ListRow], form: EntryForm
) -> tuple[list[tuple[ListRow, EncodedEntry]], bool]:
    """Rows with their entries, in their order, as many as one response may hold, one at least; without what the public
    may not see any more. And whether some did not fit. Three statements at most, none where all are in memory."""
    bodies, names_seq = context.cards.bodies, view.atlas.names_seq
    entries = bodies.find_entries([(row.id, (row.version, names_seq)) for row in rows], form.name)
    public = rows
    if len(entries) < len(rows):
        pairs = [(row.id, row.version) for row in rows if row.id not in entries]
        cards = await context.cards.load(pairs, view.atlas, published=True)
        public = [row for row in rows if row.id in entries or row.id in cards]
        # In the order of the rows: the first ones are those that have to fit.
        missing = {row.id: cards[row.id] for row in public if row.id in cards}
        entries |= await _make_entries(context, view, missing, form) if missing else {}
    present = [(row, entries[row.id]) for row in takewhile(lambda row: row.id in entries, public)]
    present = present[: response_size.count_fitting(entry.cost for _, entry in present)]
    return present, len(present) < len(public)


async def _make_entries(
    context: AppContext,
    view: RequestContext,
    cards: Mapping[int, Card],
    form: EntryForm,
) -> dict[int, EncodedEntry]:
    """Of the first cards, as far as their bodies fit into one response; those that do not are left out, as all behind
    them would be."""
    encoded, texts = EncodedViews(()), dict[int, bytes]()
    costs = {id: len(card.parts.shown) for id, card in cards.items()}
    if form.content == "full":
        encoded = EncodedViews.find(context.cards.bodies, [(id, card.version) for id, card in cards.items()], BODY)
        measured = await response_size.measure(context.db, encoded.list_missing(cards), BODY)
        encoded.measured |= measured.bodies
        encoded.texts |= measured.texts
        weights = response_size.weigh(encoded.measured, BODY)
        costs = {id: cost + weights.get(id, 0) for id, cost in costs.items()}
        fitting = response_size.count_fitting(costs.values())
        cards = {id: cards[id] for id in list(cards)[:fitting]}
        await encoded.load(context.db, list(cards), weights)
        texts = {id: views["body"] for id, views in (await encoded.render(weights)).items()}
        encoded.keep(context.cards.bodies, view.head)
    total = sum(costs[id] for id in cards)
    write = partial(_write_entries, cards, texts, costs, form, context.addresses_for(view))
    entries = await asyncio.to_thread(write) if total > response_size.LARGE else write()
    for id, entry in entries.items():
        version = cards[id].version, view.atlas.names_seq
        # A body that was read later than its card may be another version's.
        if form.content == "full" and (id not in encoded.measured or encoded.measured[id].version != version[0]):
            continue
        context.cards.bodies.put_entry(id, version, form.name, entry, view.head)
    return entries


def _write_entries(
    cards: Mapping[int, Card],
    texts: Mapping[int, bytes],
    costs: Mapping[int, int],
    form: EntryForm,
    addresses: Addresses,
) -> dict[int, EncodedEntry]:
    entries, write = {}, WRITERS[form.format]
    for id, card in cards.items():
        shown = blank_properties(orjson.loads(card.parts.shown), form.left_out)
        entry = make_entry(shown, orjson.loads(texts[id]) if id in texts else None, addresses)
        entries[id] = EncodedEntry(write(entry), costs[id], entry.updated)
    return entries
