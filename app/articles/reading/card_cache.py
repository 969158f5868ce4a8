"""Cards: an article without body and related posts, as JSON bytes, from memory where it is there.

One statement fetches any number of them. They are kept by (id, version, names_seq), so that nothing stale is ever
served and nothing has to be emptied: what has changed is asked for under another key.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import orjson
from sqlalchemy import ColumnElement, literal_column, select

from app.articles.html.bodies import reading_minutes
from app.articles.reading.body_cache import EncodedBodies
from app.articles.reading.byte_lru import ByteLru
from app.articles.reading.card_parts import CardParts, Json, Selection, cut_card, cut_properties
from app.db.database import Readable, Row
from app.db.sql import AnyOf, AnySelect, Prepared, aggregate_rows, prepare, read_integer
from app.enrich.suggestion import ROLES
from app.http.params.times import format_time
from app.models import Article, ArticleRegion, ArticleTag, Source, Tag, table
from app.regions import service as regions
from app.regions.atlas import Atlas
from app.text.addresses import image_address, page_address
from app.text.urls import safe_or_none

A, TAGGED, PLACED, TAG, SOURCE = (table(model) for model in (Article, ArticleTag, ArticleRegion, Tag, Source))
KEPT_BYTES = 8_000_000
OVERHEAD = 600
"""Bytes that keeping a card takes beside its text, and again what `fields` leaves of it."""
FIELD_OVERHEAD, MOST_CUTS = 60, 4
"""What each name in `fields` takes in the key; and how many of them are kept with a card."""

COLUMNS = (
    "id", "version", "slug", "status", "language", "title", "standfirst", "dateline_text", "dateline_place",
    "dateline_region_id", "dateline_date", "dateline_precision", "images", "corrections", "source_url", "signature",
    "external_id", "translation_of", "seo", "word_count", "published_at", "published_precision", "first_published_at",
    "updated_at", "created_at", "public_once", "withdrawn_at", "replaced_by",
)  # fmt: skip


NOTHING_ADDED: Mapping[str, object] = {}

_STATUS, _ORIGINAL = COLUMNS.index("status"), COLUMNS.index("translation_of")


def columns() -> list[ColumnElement[object]]:
    """What a card is made of, of `CARDED`: the columns above, then the source's slug and name, tags and regions as JSON
    rows."""
    tags = (
        select(TAG.c.id, TAG.c.slug, TAG.c.name, TAG.c.kind)
        .join(TAGGED, TAGGED.c.tag_id == TAG.c.id)
        .where(TAGGED.c.article_id == A.c.id)
        .order_by(TAGGED.c.position)
        .correlate(A)
        .subquery()
    )
    regions = (
        select(PLACED.c.region_id, PLACED.c.roles)
        .where(PLACED.c.article_id == A.c.id, PLACED.c.roles != literal_column("0"))
        .order_by(PLACED.c.position)
        .correlate(A)
        .subquery()
    )
    return [
        *(A.c[name] for name in COLUMNS),
        SOURCE.c.slug,
        SOURCE.c.name,
        aggregate_rows(tags),
        aggregate_rows(regions),
    ]


CARDED = A.outerjoin(SOURCE, SOURCE.c.id == A.c.source_id)


@lru_cache(maxsize=4)
def statement(dialect: str) -> Prepared:
    """Cards by `ids`."""
    statement: AnySelect = select(*columns())
    return prepare(statement.select_from(CARDED).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


def render_card(row: Row, atlas: Atlas, site_url: str, added: Mapping[str, object] = NOTHING_ADDED) -> Json:
    """A card from a row of `columns`, its properties in their order; `body` and `related` where they are `added`."""
    (
        id, version, slug, status, language, title, standfirst, dateline_text, dateline_place, dateline_region_id,
        dateline_date, dateline_precision, images, corrections, source_url, signature, external_id, translation_of,
        seo, word_count, published_at, published_precision, first_published_at, updated_at, created_at, public_once,
        withdrawn_at, replaced_by, source_slug, source_name, tag_rows, region_rows,
    ) = row  # fmt: skip
    tags = [{"id": number, "slug": slug, "name": name, "kind": kind} for number, slug, name, kind in _rows(tag_rows)]
    dateline = dateline_text, dateline_place, dateline_region_id, dateline_date, dateline_precision
    shown = {
        "id": id,
        "slug": slug,
        "status": status,
        "language": language,
        "version": version,
        "title": title,
        "standfirst": standfirst,
        "dateline": None if dateline_text is None else _dateline(dateline, atlas),
        "body": added.get("body"),
        "authors": [_author(tag) for tag in tags if tag["kind"] == "contributor"],
        "tags": [tag for tag in tags if tag["kind"] != "contributor"],
        "regions": [_region(atlas, id, roles) for id, roles in _rows(region_rows)],
        "related": added.get("related"),
        "images": [{**image, "url": image_address(image.get("url"))} for image in orjson.loads(str(images))],
        "corrections": orjson.loads(str(corrections)),
        "source": _source(source_slug, source_name, source_url),
        "signature": signature,
        "external_id": external_id,
        "translation_of": translation_of,
        "gone": bool(public_once) and withdrawn_at is not None,
        "replaced_by": replaced_by,
        "seo": _seo(orjson.loads(str(seo))),
        "word_count": word_count,
        "reading_minutes": reading_minutes(read_integer(word_count)),
        "published_at": _time(published_at),
        "published_precision": None if published_at is None else published_precision,
        "first_published_at": _time(first_published_at),
        "updated_at": _time(updated_at),
        "created_at": _time(created_at),
        "url": page_address(site_url, slug),
    }
    if "body" not in added:
        del shown["body"]
    if "related" not in added:
        del shown["related"]
    return shown


def _rows(aggregated: object) -> list[list[Any]]:
    rows: list[list[Any]] = orjson.loads(str(aggregated))
    return rows


def _author(tag: Json) -> Json:
    return {"id": tag["id"], "slug": tag["slug"], "name": tag["name"]}


def _time(value: object) -> str | None:
    return None if value is None else format_time(read_integer(value))


def _dateline(columns: Row, atlas: Atlas) -> Json:
    text, place, region, date, precision = columns
    return {
        "text": text,
        "place": place,
        "region": atlas.country(read_integer(region)).slug if region is not None else None,
        "date": date,
        "precision": precision,
    }


def _region(atlas: Atlas, id: int, roles: int) -> Json:
    place = atlas.by_id[id]
    shown = [name for name, bit in ROLES.items() if roles & bit]
    return {"id": id, "slug": place.slug, "name": place.name, "level": place.level, "roles": shown}


def _source(slug: object, name: object, url: object) -> Json | None:
    if slug is None and url is None:
        return None
    return {"slug": slug, "name": name, "url": safe_or_none(url)}


def _seo(kept: Mapping[str, object]) -> Json:
    canonical_url = safe_or_none(kept.get("canonical_url"))
    return {"title": None, "description": None, **kept, "canonical_url": canonical_url}


@dataclass(frozen=True, slots=True)
class Card:
    """A card of this version, and of which article it is a translation, as far as it says so. `cuts`: what `fields`
    left of it lately."""

    parts: CardParts
    version: int
    original: int | None
    cuts: dict[tuple[str, ...], CardParts] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        own = len(self.parts.shown) + OVERHEAD
        cut = sum(len(parts.shown) + OVERHEAD + FIELD_OVERHEAD * len(fields) for fields, parts in self.cuts.items())
        return own + cut

    def hide_original(self) -> "Card":
        """The same as of no translation."""
        shown = orjson.dumps(orjson.loads(self.parts.shown) | {"translation_of": None})
        return Card(cut_card(shown), self.version, None)


class Cards:
    """The most recently used cards of this process, and the bodies that were shown with them; `processes`: see
    EncodedBodies."""

    def __init__(self, db: Readable, site_url: str, processes: int = 1) -> None:
        self._db, self._site_url = db, site_url
        self._statement = statement(db.dialect)
        self._kept: ByteLru[tuple[int, int, int], Card] = ByteLru(KEPT_BYTES)
        self.bodies = EncodedBodies(processes)
        self.left_out: frozenset[str] = frozenset()
        self._is_narrowed = False

    def narrow(self, db: Readable, left_out: frozenset[str]) -> "Cards":
        """The same cards for who sees less of the archive: only of articles that `db` shows, and without the properties
        `left_out`, which whoever renders them leaves away."""
        narrowed = copy.copy(self)
        narrowed._db, narrowed.left_out, narrowed._is_narrowed = db, left_out, True
        return narrowed

    async def get(
        self, versions: Sequence[tuple[int, int]], atlas: Atlas, *, published: bool = False, public: bool | None = None
    ) -> dict[int, bytes]:
        """The JSON of what `load` returns."""
        return {
            id: card.parts.shown
            for id, card in (await self.load(versions, atlas, published=published, public=public)).items()
        }

    async def load(
        self, versions: Sequence[tuple[int, int]], atlas: Atlas, *, published: bool = False, public: bool | None = None
    ) -> dict[int, Card]:
        """Cards by id, for pairs (id, version); at most two statements. What is gone meanwhile is missing; what
        changed meanwhile comes as it is now, with `published` only if the public may still see it. With `public`,
        which is as `published` unless given, a translation does not name an original that is not public."""
        cards: dict[int, Card] = {}
        missing: list[int] = []
        names_seq = atlas.names_seq
        for id, version in versions:
            key = (id, version, names_seq)
            kept = self._kept.get(key)
            if kept is None:
                missing.append(id)
            else:
                cards[id] = kept
        rows = await self._db.reader.rows(self._statement, {"ids": missing}) if missing else []
        for row in rows:
            id, version, original = read_integer(row[0]), read_integer(row[1]), row[_ORIGINAL]
            shown = await self.render_row(row, atlas)
            # A copy: orjson leaves its result in a buffer of at least 8 kB.
            compact = bytes(memoryview(orjson.dumps(shown)))
            made = Card(cut_card(compact), version, None if original is None else read_integer(original))
            self._kept.put((id, version, names_seq), made, made.size)
            if not published or row[_STATUS] == "published":
                cards[id] = made
        if self._is_narrowed and cards:
            # What is in memory was made for anybody: whether this caller may see it the database says each time.
            visible = await public_among(self._db, list(cards))
            cards = {id: made for id, made in cards.items() if id in visible}
        originals = sorted({made.original for made in cards.values() if made.original is not None})
        if not originals or not (published if public is None else public):
            return cards
        # Whether an original is public moves no version of its translations: it is asked each time.
        named = {id for (id,) in await self._db.reader.rows(_public(self._db.dialect), {"ids": originals})} | {None}
        return {id: made if made.original in named else made.hide_original() for id, made in cards.items()}

    def cut(
        self, cards: Mapping[int, Card], atlas: Atlas, fields: tuple[str, ...], selection: Selection
    ) -> dict[int, CardParts]:
        """Loaded cards in pieces: whole, or what `fields` leaves of them, of which `selection` is made."""
        if not fields:
            return {id: card.parts for id, card in cards.items()}
        parts_by_id = {}
        for id, card in cards.items():
            parts = card.cuts.get(fields)
            if parts is None:
                parts = self._cut_card(id, card, atlas, fields, selection)
            parts_by_id[id] = parts
        return parts_by_id

    def _cut_card(self, id: int, card: Card, atlas: Atlas, fields: tuple[str, ...], selection: Selection) -> CardParts:
        if len(card.cuts) >= MOST_CUTS:
            card.cuts.clear()
        parts = card.cuts[fields] = cut_properties(orjson.loads(card.parts.shown), selection)
        key = id, card.version, atlas.names_seq
        # One that hides its original is another card, which is made for one response.
        if self._kept.get(key) is card:
            self._kept.put(key, card, card.size)
        return parts

    async def render_row(self, row: Row, atlas: Atlas, added: Mapping[str, object] = NOTHING_ADDED) -> Json:
        """`render_card` of a row that may be newer than the atlas."""
        try:
            return render_card(row, atlas, self._site_url, added)
        except KeyError:  # of a region that was added after the atlas was read
            return render_card(row, await regions.newest(self._db), self._site_url, added)


async def public_among(db: Readable, ids: Sequence[int]) -> set[int]:
    """Those of the articles that are published."""
    return {read_integer(id) for (id,) in await db.reader.rows(_public(db.dialect), {"ids": list(ids)})}


@lru_cache(maxsize=4)
def _public(dialect: str) -> Prepared:
    shown = A.c.status == literal_column("'published'")
    return prepare(select(A.c.id).where(AnyOf(A.c.id, "ids"), shown), dialect, ["ids"])


class CardSource(Protocol):
    """What rendering articles needs: the archive, or a transaction that is open (`UncommittedArticles`)."""

    @property
    def db(self) -> Readable: ...

    @property
    def cards(self) -> Cards: ...


@dataclass(frozen=True, slots=True)
class UncommittedArticles:
    """Articles as a transaction that is still open has them. Its cards are its own: those of the process must not know
    what may never be committed."""

    db: Readable
    cards: Cards
