"""From ids to the JSON that clients get, in a constant number of SQL statements whatever is asked for."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

import orjson

from app.articles.reading import queries, response_size
from app.articles.reading.card_cache import FIELDS, Json
from app.articles.reading.item_cache import ItemRow
from app.articles.reading.queries import ListRow, RelatedRow
from app.articles.render import body_views
from app.context import AppContext, CardSource, RequestContext
from app.db.sql import read_integer
from app.http.params import parser
from app.regions import refs
from app.regions.atlas import Atlas
from app.tags import queries as tags
from app.text.urls import safe_or_none

INCLUDES = ("body", "related", "body_text", "body_markdown", "body_blocks")
PARTS: Mapping[str, Sequence[str]] = {
    "dateline": ("text", "place", "region", "date", "precision"),
    "authors": ("slug", "name"),
    "tags": ("slug", "name", "kind"),
    "regions": ("slug", "name", "level", "roles"),
    "images": ("url", "alt", "caption", "credit", "width", "height"),
    "corrections": ("at", "text", "version"),
    "source": ("slug", "name", "url"),
    "seo": ("title", "description", "canonical_url"),
    "related": ("position", "kind", "status", "title", "url", "article", "score", "reason", "unlinked"),
}
ALL_FIELDS = (
    *FIELDS,
    *INCLUDES[2:],
    *(f"{field}.{part}" for field, parts in PARTS.items() for part in parts),
)
PARAMETERS = (
    parser.fields("fields", "Only these properties, `id`, and what `include` adds: `title,tags.name`.", ALL_FIELDS),
    parser.fields("include", "What is added: the body, other views of it, the editors' related posts.", INCLUDES),
    parser.text("names_in", "Names of tags and regions in this language, where there are.", maximum=12, example="fr"),
)


T = TypeVar("T")


async def render_articles(
    archive: CardSource,
    view: RequestContext,
    entries: Sequence[ListRow],
    *,
    params: parser.Read,
    full: bool = False,
    own: bool = False,
) -> list[bytes]:
    """Each entry's JSON, in order; what vanished meanwhile is left out, and so is what became hidden, unless it is the
    caller's `own`: just written. `full` is the item: card, body, related."""
    shown = await render_by_id(archive, view, entries, params=params, full=full, own=own)
    return [shown[entry.id] for entry in entries if entry.id in shown]


async def render_by_id(
    archive: CardSource,
    view: RequestContext,
    entries: Sequence[ListRow],
    *,
    params: parser.Read,
    full: bool = False,
    own: bool = False,
    beside: Sequence[int] = (),
    costs: Mapping[int, int] | None = None,
) -> dict[int, bytes]:
    """The same by id, for responses in which each article has its place. ResponseTooLarge where several, with those
    that the response holds `beside`, are too much for it, unless the caller has seen to that: `costs` is what
    `load_costs` told."""
    cards = await _cards(archive, view, entries, own=own)
    form = _form(params, full=full)
    # Nearly always the same object: comparing takes as long as the rest of this.
    is_card = form is CARD or form == CARD
    if is_card and sum(map(len, cards.values())) <= response_size.MAX_COST:
        return cards
    checked = costs is not None
    known = response_size.NOTHING
    if costs is None:
        known = await response_size.measure(archive.db, (*beside, *cards), form.includes)
        costs = known.costs
        sums = (len(cards[entry.id]) + costs.get(entry.id, 0) for entry in entries if entry.id in cards)
        response_size.check_fit(params, [*(costs.get(id, 0) for id in beside), *sums])
    if is_card:
        return cards
    shown: dict[int, Json] = {id: orjson.loads(card) for id, card in cards.items()}
    total = sum(costs.values())
    texts = await _bodies(archive, shown, form.includes, known.texts, total)
    if "related" in form.includes:
        await _relate(archive, view, shown, None if checked else params)
    await _name(archive, view, shown.values(), form.language)

    def render() -> dict[int, bytes]:
        for id, added in body_views.render_all(form.includes, texts).items():
            shown[id] |= added
        parts = _parts_of(form.fields)
        kept = {id: _select_parts(card, parts) for id, card in shown.items()} if parts else shown
        return {id: orjson.dumps(order_properties(card)) for id, card in kept.items()}

    return await run_in_thread_if_large(total, render)


async def load_costs(
    archive: AppContext, entries: Sequence[ListRow], params: parser.Read, *, full: bool = False
) -> Mapping[int, int]:
    """What the bodies asked for count as, by article, for who makes pieces that fit; empty where none are asked for."""
    ids, includes = [entry.id for entry in entries], _form(params, full=full).includes
    return (await response_size.measure(archive.db, ids, includes, small=0)).costs


async def run_in_thread_if_large(cost: int, work: Callable[[], T]) -> T:
    """Rendering that takes long, which others must not wait for."""
    return await asyncio.to_thread(work) if cost > response_size.LARGE else work()


async def render_item(archive: CardSource, view: RequestContext, stored: ItemRow, params: parser.Read) -> Json:
    """One article in full, of which the database has said all; at most one statement more for its related posts, and
    one for names in a language."""
    form, id = _form(params, full=True), stored.article.id
    shown_bodies = await body_views.render(form.includes, id, stored.body)
    added: Json = {"body": shown_bodies.pop("body")} if "body" in form.includes else {}
    if "related" in form.includes:
        added["related"] = (await render_related_rows(archive, view, [id], stored.related_rows()))[id]
    shown = await archive.cards.render_row(stored.card, view.atlas, added)
    if stored.original_status != "published" and not view.caller.has_scope("read_drafts"):
        shown["translation_of"] = None
    shown |= shown_bodies
    await _name(archive, view, [shown], form.language)
    return _select_parts(shown, _parts_of(form.fields)) if form.fields else shown


async def _cards(
    archive: CardSource, view: RequestContext, entries: Sequence[ListRow], *, own: bool = False
) -> dict[int, bytes]:
    public = not view.caller.has_scope("read_drafts")
    pairs = [(entry.id, entry.version) for entry in entries]
    return await archive.cards.get(pairs, view.atlas, published=public and not own, public=public)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What is shown of articles: all of a card where `fields` is empty; names in the archive's own words or a
    language's."""

    fields: tuple[str, ...] = ()
    includes: frozenset[str] = frozenset()
    language: str | None = None


CARD, FULL = RenderOptions(), RenderOptions(includes=frozenset({"body", "related"}))
_FORMING = frozenset(parameter.name for parameter in PARAMETERS)


def _form(params: parser.Read, *, full: bool) -> RenderOptions:
    if params.given_names.isdisjoint(_FORMING):
        return FULL if full else CARD
    fields, added = params.choices("fields"), params.choices("include")
    if fields:
        fields = (*fields, *added)
    includes = {field.partition(".")[0] for field in (*added, *fields)} & {*INCLUDES}
    if full and not fields:
        includes |= {"body", "related"}
    return RenderOptions(fields, frozenset(includes), refs.language(params))


async def _bodies(
    archive: CardSource, shown: Collection[int], includes: Set[str], known: Mapping[int, str], cost: int
) -> dict[int, str]:
    """The bodies of which views are asked for, which count as `cost`; `known` are there already."""
    if not includes - {"related"}:
        return {}
    missing = [id for id in shown if id not in known]
    read = await queries.load_bodies(archive.db, missing, large=cost > response_size.LARGE) if missing else {}
    return {id: known.get(id) or read.get(id, "") for id in shown}


async def _relate(
    archive: CardSource, view: RequestContext, shown: dict[int, Json], checking: parser.Read | None
) -> None:
    """Adds related posts; where `checking`, no more of these than one response may hold."""
    rows = await queries.load_related(archive.db, list(shown))
    if checking is not None:
        named = Counter(row.article_id for row in rows)
        response_size.check_fit(checking, [response_size.RELATED_COST * named[id] for id in shown])
    posts = await render_related_rows(archive, view, list(shown), rows)
    for id, card in shown.items():
        card["related"] = posts[id]


async def render_related(
    archive: CardSource,
    view: RequestContext,
    ids: Sequence[int],
    params: parser.Read | None = None,
    limit: int | None = None,
) -> dict[int, list[Json]]:
    """The editors' related posts of articles as shown, in two statements; none twice, and none that shows anything of
    an article that may not be seen. `params`: what to show of the targets, else their cards. `limit`: how many of each
    article."""
    return await render_related_rows(archive, view, ids, await queries.load_related(archive.db, ids), params, limit)


async def render_related_rows(
    archive: CardSource,
    view: RequestContext,
    ids: Sequence[int],
    rows: Sequence[RelatedRow],
    params: parser.Read | None = None,
    limit: int | None = None,
) -> dict[int, list[Json]]:
    """The same for rows that are at hand, in one statement at most."""
    rows = [row for row in rows if _may_see(view, row) or _is_unresolved(row)]
    if limit is not None:
        rows = list(_first_distinct(view, rows, limit))
    targets = {
        row.target_id: ListRow(row.target_id, row.target_version or 0, None)
        for row in rows
        if row.target_id is not None and _may_see(view, row)
    }
    shown = await _targets(archive, view, list(targets.values()), params) if targets else {}
    rendered: dict[int, list[Json]] = {id: [] for id in ids}
    named: dict[int, set[object]] = defaultdict(set)
    for row in rows:
        article = shown.get(row.target_id) if row.target_id is not None else None
        name = row.target_id if article is not None else (row.title, row.url)
        if name in named[row.article_id] or (article is None and not _is_unresolved(row)):
            continue
        named[row.article_id].add(name)
        rendered[row.article_id].append(_render_related_row(row, article))
    return rendered


def _first_distinct(view: RequestContext, rows: Iterable[RelatedRow], limit: int) -> Iterator[RelatedRow]:
    """Of each article's rows the first ones that are not the same again: the others need not be rendered."""
    named: dict[int, set[object]] = defaultdict(set)
    for row in rows:
        known, name = named[row.article_id], row.target_id if _may_see(view, row) else (row.title, row.url)
        if name not in known and len(known) < limit:
            known.add(name)
            yield row


async def render_similar(
    archive: AppContext, view: RequestContext, id: int, params: parser.Read, limit: int, *, after: Sequence[Json]
) -> list[Json]:
    """Articles like this one as rows that go on behind `after`, none of which is shown twice."""
    named = [read_integer(article["id"]) for row in after if isinstance(article := row["article"], dict)]
    similar_articles = await archive.index.similar(id, view, limit, named)
    shown = await _targets(
        archive, view, [ListRow(one.id, one.version, None) for one in similar_articles], params, named
    )
    last = max((position for row in after if isinstance(position := row["position"], int)), default=0)
    present = [one for one in similar_articles if one.id in shown]
    return [
        {
            "position": last + i,
            "kind": "similar",
            "status": "linked",
            "title": shown[one.id].get("title"),
            "url": None,
            "article": shown[one.id],
            "score": one.score,
            "reason": one.reason,
            "unlinked": False,
        }
        for i, one in enumerate(present, 1)
    ]


async def _targets(
    archive: CardSource,
    view: RequestContext,
    entries: Sequence[ListRow],
    params: parser.Read | None,
    beside: Sequence[int] = (),
) -> dict[int, Json]:
    if params is None:
        pairs = [(entry.id, entry.version) for entry in entries]
        cards = await archive.cards.get(pairs, view.atlas, published=not view.caller.has_scope("read_drafts"))
    else:
        cards = await render_by_id(archive, view, entries, params=params, beside=beside)
    return {id: orjson.loads(card) for id, card in cards.items()}


def _may_see(view: RequestContext, row: RelatedRow) -> bool:
    return row.target_status == "published" or (row.target_id is not None and view.caller.has_scope("read_drafts"))


def _is_unresolved(row: RelatedRow) -> bool:
    """As `filters.UNRESOLVED` has it: shown by the editors' words alone."""
    hidden = row.target_id is None or (row.target_status != "published" and bool(row.target_public_once))
    return hidden and (row.title is not None or row.url is not None)


def _render_related_row(row: RelatedRow, article: Json | None) -> Json:
    return {
        "position": row.position,
        "kind": "editorial",
        "status": "unresolved" if article is None else "linked",
        "title": row.title if article is None else row.title or row.target_title,
        "url": safe_or_none(row.url),
        "article": article,
        "score": None,
        "reason": None,
        "unlinked": bool(row.unlinked),
    }


_ORDER = {name: i for i, name in enumerate((*FIELDS, *INCLUDES[2:]))}


def order_properties(article: Json) -> Json:
    """The properties in the documented order, whatever was added when."""
    return {name: article[name] for name in sorted(article, key=_ORDER.__getitem__)}


def _tag_slugs(cards: Iterable[Json]) -> set[str]:
    """Of all tags and authors that cards show, those of related articles too."""
    slugs = {str(tag["slug"]) for card in cards for name in ("tags", "authors") for tag in _rows(card, name)}
    targets = [post["article"] for card in cards for post in _rows(card, "related")]
    nested = [article for article in targets if isinstance(article, dict)]
    return slugs | _tag_slugs(nested) if nested else slugs


async def _name(archive: CardSource, view: RequestContext, shown: Collection[Json], language: str | None) -> None:
    """Names of tags and regions in a language, if one is asked for."""
    if language is not None:
        called = await tags.names_in(archive.db, sorted(_tag_slugs(shown)), language)
        for card in shown:
            _rename(card, view.atlas, called, language)


def _rename(card: Json, atlas: Atlas, called: Mapping[str, str], language: str) -> None:
    """Tags, authors and regions by their names in a language, those of the related articles too. `called` by slug."""
    for region in _rows(card, "regions"):
        place = atlas.by_slug.get(str(region["slug"]))
        region["name"] = atlas.name_in(place.id, language) if place else region["name"]
    for tag in (*_rows(card, "tags"), *_rows(card, "authors")):
        tag["name"] = called.get(str(tag["slug"]), tag["name"])
    for post in _rows(card, "related"):
        article = post["article"]
        if isinstance(article, dict):
            _rename(article, atlas, called, language)


def _rows(card: Json, name: str) -> list[Json]:
    rows = card.get(name)
    return rows if isinstance(rows, list) else []


def _parts_of(fields: Sequence[str]) -> Mapping[str, set[str]]:
    """By property which parts of it are named; "" stands for all of it."""
    parts: dict[str, set[str]] = {}
    for field in fields:
        name, _, part = field.partition(".")
        parts.setdefault(name, set()).add(part)
    return parts


def _select_parts(article: Json, parts: Mapping[str, set[str]]) -> Json:
    """Only what `parts` names: `id` always, a property whole, or parts of it."""
    return {
        name: value if name == "id" or "" in parts[name] else _parts(value, parts[name])
        for name, value in article.items()
        if name == "id" or name in parts
    }


def _parts(value: object, names: set[str]) -> object:
    if isinstance(value, list):
        return [_parts(one, names) for one in value]
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name in names}
    return value
