"""From ids to the JSON that clients get, in a constant number of SQL statements whatever is asked for."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TypeVar

import orjson

from app.articles.reading import queries, response_size
from app.articles.reading.card_cache import Card, CardSource
from app.articles.reading.card_parts import (
    FIELDS,
    Json,
    Selection,
    cut_properties,
    read_selection,
    select_parts,
    select_within,
)
from app.articles.reading.item_cache import ItemRow
from app.articles.render import body_views, translated_names
from app.articles.render.encoded_views import EncodedViews
from app.articles.render.left_out import VIEWED, blank_properties, list_left, refuse_left_out
from app.context import AppContext, RequestContext
from app.db.sql import read_integer
from app.http.params import parser
from app.http.params.typed import NamesIn
from app.tags import queries as tags
from app.text.urls import safe_or_none

INCLUDES = ("body", "related", "body_text", "body_markdown", "body_blocks")
PARTS: Mapping[str, Sequence[str]] = {
    "dateline": ("text", "place", "region", "date", "precision"),
    "authors": ("id", "slug", "name"),
    "tags": ("id", "slug", "name", "kind"),
    "regions": ("id", "slug", "name", "level", "roles"),
    "images": ("url", "alt", "caption", "credit", "width", "height"),
    "corrections": ("at", "text", "version"),
    "source": ("slug", "name", "url"),
    "seo": ("title", "description", "canonical_url"),
    "related": (
        "position",
        "kind",
        "status",
        "title",
        "url",
        "article",
        "score",
        "reason",
        "below_threshold",
        "unlinked",
    ),
}
ALL_FIELDS = (
    *FIELDS,
    *INCLUDES[2:],
    *(f"{field}.{part}" for field, parts in PARTS.items() for part in parts),
)


class ArticleParts(NamesIn):
    """What a response shows of articles."""

    fields = parser.fields(
        "fields", "Only these properties, `id`, and what `include` adds: `title,tags.name`.", ALL_FIELDS
    )
    include = parser.fields(
        "include", "What is added: the body, other views of it, the editors' related posts.", INCLUDES
    )
    names_in = parser.text(
        "names_in", "Names of tags and regions in this language, where there are.", maximum=12, example="fr"
    )


T = TypeVar("T")


@dataclass(frozen=True)
class RenderOptions:
    """What is shown of articles: all of a card where `fields` is empty; names in the archive's own words or a
    language's. `blank` are properties that are shown without anything in them."""

    fields: tuple[str, ...] = ()
    includes: frozenset[str] = frozenset()
    language: str | None = None
    blank: frozenset[str] = frozenset()

    @cached_property
    def selection(self) -> Selection:
        """By property what `fields` leaves of it."""
        return read_selection(self.fields)


CARD, FULL = RenderOptions(), RenderOptions(includes=frozenset({"body", "related"}))


async def render_articles(
    archive: CardSource,
    view: RequestContext,
    entries: Sequence[queries.ListRow],
    *,
    params: ArticleParts,
    full: bool = False,
    own: bool = False,
    beside: Sequence[int] = (),
    costs: Mapping[int, int] | None = None,
    form: RenderOptions | None = None,
) -> dict[int, bytes]:
    """Each entry's JSON by id; what vanished meanwhile is left out, and so is what became hidden, unless it is the
    caller's `own`: just written. `full` is the item: card, body, related; `form` says more exactly what to show.

    ResponseTooLarge where several, with those that the response holds `beside`, are too much for it, unless the caller
    has seen to that: `costs` is what `load_costs` told."""
    public, pairs = not view.caller.has_scope("read_drafts"), [(entry.id, entry.version) for entry in entries]
    cards = await archive.cards.load(pairs, view.atlas, published=public and not own, public=public)
    form = form or make_form(archive, params, full=full)
    is_card = not (form.includes or form.language or form.blank)
    # Where nothing is added, what is shown is no more than the cards.
    if is_card and sum(len(card.parts.shown) for card in cards.values()) <= response_size.MAX_COST:
        return _show_cards(archive, view, cards, form)
    checking = params if costs is None else None
    versions = [(id, card.version) for id, card in cards.items()]
    encoded = EncodedViews.find(archive.cards.bodies, versions, form.includes)
    if costs is None:
        known = await response_size.measure(archive.db, encoded.list_missing((*beside, *cards)), form.includes)
        encoded.measured |= known.bodies
        encoded.texts |= known.texts
        costs = response_size.weigh(encoded.measured, form.includes)
        sums = (len(cards[entry.id].parts.shown) + costs.get(entry.id, 0) for entry in entries if entry.id in cards)
        response_size.check_fit(params, [*(costs.get(id, 0) for id in beside), *sums])
    if is_card:
        return _show_cards(archive, view, cards, form)
    posts: Mapping[int, list[Json]] = {}
    await encoded.load(archive.db, list(cards), costs)
    if "related" in form.includes:
        rows = await queries.load_related(archive.db, list(cards))
        if checking is not None:
            named = Counter(row.article_id for row in rows)
            response_size.check_fit(checking, [response_size.RELATED_COST * named[id] for id in cards])
        posts = await render_related(archive, view, list(cards), rows)
    if form.language is None and not form.blank:
        parts = archive.cards.cut(cards, view.atlas, form.fields, form.selection)
    else:
        shown: dict[int, Json] = {id: orjson.loads(card.parts.shown) for id, card in cards.items()}
        shown = {id: blank_properties(card, form.blank) for id, card in shown.items()}
        with_posts = [card | {"related": posts.get(id)} for id, card in shown.items()]
        if form.language is not None:
            called = await tags.names_in(archive.db, sorted(translated_names.list_tag_slugs(with_posts)), form.language)
            translated_names.rename_all(with_posts, view.atlas, called, form.language)
        parts = {id: cut_properties(card, form.selection) for id, card in shown.items()}
    added = await encoded.render(costs)
    if checking is not None:
        encoded.keep(archive.cards.bodies, view.head)
    for id, some in posts.items():
        added.setdefault(id, {})["related"] = _encode_posts(some, form.selection)
    return {id: one.join(added[id]) if id in added else one.shown for id, one in parts.items()}


def _show_cards(
    archive: CardSource, view: RequestContext, cards: Mapping[int, Card], form: RenderOptions
) -> dict[int, bytes]:
    if not form.fields:
        return {id: card.parts.shown for id, card in cards.items()}
    cut = archive.cards.cut(cards, view.atlas, form.fields, form.selection)
    return {id: parts.shown for id, parts in cut.items()}


def list_rows(entries: Sequence[queries.ListRow], shown: Mapping[int, bytes]) -> list[bytes]:
    """What is shown of the entries, in their order."""
    return [shown[entry.id] for entry in entries if entry.id in shown]


async def load_costs(
    archive: AppContext, entries: Sequence[queries.ListRow], params: ArticleParts, *, full: bool = False
) -> Mapping[int, int]:
    """What the bodies asked for count as, by article, for who makes pieces that fit; empty where none are asked for."""
    ids, includes = [entry.id for entry in entries], make_form(archive, params, full=full).includes
    return (await response_size.measure(archive.db, ids, includes, small=0)).costs


async def run_in_thread_if_large(cost: int, work: Callable[[], T]) -> T:
    """Rendering that takes long, which others must not wait for."""
    return await asyncio.to_thread(work) if cost > response_size.LARGE else work()


async def render_item(
    archive: CardSource,
    view: RequestContext,
    stored: ItemRow,
    params: ArticleParts,
    related: list[Json],
    form: RenderOptions | None = None,
) -> Json:
    """One article in full, of which the database has said all; at most one statement more, for names in a language.
    `related` are its related posts as shown, `form` says what to show instead of what `params` ask for."""
    form = form or make_form(archive, params, full=True)
    shown_bodies = await body_views.render(form.includes, stored.article.id, stored.body)
    added: Json = {"body": shown_bodies.pop("body")} if "body" in form.includes else {}
    if "related" in form.includes:
        added["related"] = related
    shown = await archive.cards.render_row(stored.card, view.atlas, added)
    if stored.original_status != "published" and not view.caller.has_scope("read_drafts"):
        shown["translation_of"] = None
    shown = blank_properties(shown, form.blank) | shown_bodies
    if form.language is not None:
        called = await tags.names_in(archive.db, sorted(translated_names.list_tag_slugs([shown])), form.language)
        translated_names.rename_all([shown], view.atlas, called, form.language)
    return select_parts(shown, form.selection) if form.fields else shown


def includes_related(archive: CardSource, params: ArticleParts) -> bool:
    """Whether an item shows its related posts."""
    return "related" in make_form(archive, params, full=True).includes


_FORMING = ArticleParts.declared.specs.keys()


def make_form(archive: CardSource, params: ArticleParts, *, full: bool) -> RenderOptions:
    """What the parameters ask for. InvalidInput where that is something that the caller's key is not given."""
    left_out = archive.cards.left_out
    if params.given_names.isdisjoint(_FORMING) and not left_out:
        return FULL if full else CARD
    form = _make_form(params.fields, params.include, params.names_language, full=full)
    if not left_out:
        return form
    refuse_left_out(left_out, "fields", params.fields)
    refuse_left_out(left_out, "include", params.include)
    return _leave_out(form, left_out)


@lru_cache(maxsize=256)
def _make_form(fields: tuple[str, ...], added: tuple[str, ...], language: str | None, *, full: bool) -> RenderOptions:
    if fields:
        fields = (*fields, *added)
    includes = {field.partition(".")[0] for field in (*added, *fields)} & {*INCLUDES}
    if full and not fields:
        includes |= {"body", "related"}
    return RenderOptions(fields, frozenset(includes), language)


def _choose_card(archive: CardSource) -> RenderOptions:
    return _leave_out(CARD, archive.cards.left_out) if archive.cards.left_out else CARD


@lru_cache(maxsize=256)
def _leave_out(form: RenderOptions, left_out: frozenset[str]) -> RenderOptions:
    """The same without what a key is not given: by naming all the rest, where nothing is named."""
    includes = frozenset(name for name in form.includes if VIEWED.get(name, name) not in left_out)
    return replace(form, fields=form.fields or list_left(left_out, includes), includes=includes)


async def render_related(
    archive: CardSource,
    view: RequestContext,
    ids: Sequence[int],
    rows: Sequence[queries.RelatedRow],
    params: ArticleParts | None = None,
    limit: int | None = None,
) -> dict[int, list[Json]]:
    """The editors' related posts of articles as shown, in two statements at most; none twice, and none that shows
    anything of an article that may not be seen. `rows` are those of `queries.load_related`. `params`: what to show of
    the targets, else their cards. `limit`: how many of each article."""
    rows = [row for row in rows if _may_see(view, row) or _is_unresolved(row)]
    if limit is not None:
        rows = list(_first_distinct(view, rows, limit))
    targets = {
        row.target_id: row.target_version or 0 for row in rows if row.target_id is not None and _may_see(view, row)
    }
    cards: Mapping[int, bytes] = {}
    if targets and params is not None:
        entries = [queries.ListRow(id, version, None) for id, version in targets.items()]
        cards = await render_articles(archive, view, entries, params=params)
    elif targets:
        public = not view.caller.has_scope("read_drafts")
        loaded = await archive.cards.load(list(targets.items()), view.atlas, published=public)
        cards = _show_cards(archive, view, loaded, _choose_card(archive))
    shown: dict[int, Json] = {id: orjson.loads(card) for id, card in cards.items()}
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


def _encode_posts(posts: list[Json], selection: Selection) -> bytes:
    """Related posts as `related` shows them, with `fields` only what these name."""
    named = selection.get("related", {""}) if selection else {""}
    return orjson.dumps(posts if "" in named else select_within(posts, named))


def _first_distinct(
    view: RequestContext, rows: Iterable[queries.RelatedRow], limit: int
) -> Iterator[queries.RelatedRow]:
    """Of each article's rows the first ones that are not the same again: the others need not be rendered."""
    named: dict[int, set[object]] = defaultdict(set)
    for row in rows:
        known, name = named[row.article_id], row.target_id if _may_see(view, row) else (row.title, row.url)
        if name not in known and len(known) < limit:
            known.add(name)
            yield row


async def render_similar(
    archive: AppContext,
    view: RequestContext,
    article: queries.ArticleRef,
    params: ArticleParts,
    limit: int,
    *,
    after: Sequence[Json],
) -> list[Json]:
    """Articles like this one as rows that go on behind `after`, none of which is shown twice."""
    named = [read_integer(target["id"]) for row in after if isinstance(target := row["article"], dict)]
    similar_articles = await archive.index.similar(article.id, article.version, view, limit, named)
    entries = [queries.ListRow(one.id, one.version, None) for one in similar_articles]
    cards = await render_articles(archive, view, entries, params=params, beside=named)
    shown: dict[int, Json] = {id: orjson.loads(card) for id, card in cards.items()}
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
            "below_threshold": one.below_threshold,
            "unlinked": False,
        }
        for i, one in enumerate(present, 1)
    ]


def _may_see(view: RequestContext, row: queries.RelatedRow) -> bool:
    return row.target_status == "published" or (row.target_id is not None and view.caller.has_scope("read_drafts"))


def _is_unresolved(row: queries.RelatedRow) -> bool:
    """As `filters.UNRESOLVED` has it: shown by the editors' words alone."""
    hidden = row.target_id is None or (row.target_status != "published" and bool(row.target_public_once))
    return hidden and (row.title is not None or row.url is not None)


def _render_related_row(row: queries.RelatedRow, article: Json | None) -> Json:
    return {
        "position": row.position,
        "kind": "editorial",
        "status": "unresolved" if article is None else "linked",
        "title": row.title if article is None else row.title or row.target_title,
        "url": safe_or_none(row.url),
        "article": article,
        "score": None,
        "reason": None,
        "below_threshold": False,
        "unlinked": bool(row.unlinked),
    }


_ORDER = {name: i for i, name in enumerate((*FIELDS, *INCLUDES[2:]))}


def order_properties(article: Json) -> Json:
    """The properties in the documented order, whatever was added when."""
    return {name: article[name] for name in sorted(article, key=_ORDER.__getitem__)}
