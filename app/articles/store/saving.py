"""Saves articles in sets, whatever door they came through: rows, slugs, addresses, links, related posts, kept versions
and the log, in one transaction."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import Session

from app.articles.manuscript import Manuscript
from app.articles.store import (
    links,
    log_changes,
    log_facts,
    near_duplicates,
    related_links,
    revisions,
    row_columns,
    slugs,
    suggestions,
)
from app.articles.store.near_duplicates import NearDuplicate
from app.articles.store.row_columns import ExistingRow, Row, SaveContext
from app.db.sql import insert_rows, read_integer
from app.errors import SlugTaken
from app.models import Article, table
from app.models.column_types import InstantType, check_instant
from app.regions import service as regions
from app.tags import service as tags
from app.text import keys

A = table(Article)
_INSTANTS = [column.name for column in A.c if isinstance(column.type, InstantType)]

Outcome = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one manuscript. `copy`: that it says nearly the same as an earlier article, where that was asked
    for. `notes` are what people should know of it. `is_kept`: its article keeps a state of its own where the source has
    a draft."""

    id: int
    version: int
    outcome: Outcome
    copy: NearDuplicate | None = None
    notes: tuple[str, ...] = ()
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Manuscripts with what is known of their articles, None for new ones. `strict`: a slug that is taken is an error
    instead of getting a number. `corrections` replaces those of the articles, as JSON; `also` names properties that
    change and that no column tells of."""

    manuscripts: Sequence[Manuscript]
    old: Sequence[ExistingRow | None]
    strict: bool = False
    corrections: str | None = None
    also: tuple[str, ...] = ()

    @property
    def new_positions(self) -> list[int]:
        return [i for i, e in enumerate(self.old) if e is None]

    @property
    def existing_rows(self) -> dict[int, ExistingRow]:
        return {i: e for i, e in enumerate(self.old) if e is not None}


def save(session: Session, batch: Batch, saving: SaveContext) -> list[Saved]:
    """Writes all of them; what is there already gets a new version, and its old one is kept."""
    if not batch.manuscripts:
        return []
    connection = session.connection()
    manuscripts, changed = batch.manuscripts, batch.existing_rows
    known = [e.id for e in changed.values()]
    revisions.save_current(connection, known)
    sources = row_columns.sources(connection, {m.source for m in manuscripts if m.source})
    rows = [row_columns.row(m, e, sources, saving) for m, e in zip(manuscripts, batch.old, strict=True)]
    related_links.lock_linking(connection)
    turned = [e.id for i, e in changed.items() if (e.status == "published") != (rows[i]["status"] == "published")]
    pointing = related_links.find_sources(connection, turned)
    before = log_facts.load(connection, [*known, *pointing])
    ids = {i: e.id for i, e in changed.items()} | _insert(connection, batch, rows, saving.now)
    _move(connection, batch, rows)
    if batch.corrections is not None:
        for row in rows:
            row["corrections"] = batch.corrections
    fields = row_columns.changed_fields(connection, {e.id: rows[i] for i, e in changed.items()})
    fields = {id: [*names, *batch.also] for id, names in fields.items()}
    _update(connection, changed, rows)
    by_id = {ids[i]: m for i, m in enumerate(manuscripts)}
    _save_addresses(connection, by_id, strict=batch.strict)
    named = _link(session, [(ids[i], m, rows[i]) for i, m in enumerate(manuscripts)], known)
    suggestions.save(connection, by_id, named, known)
    near_duplicates.save_keys(connection, by_id, known)
    repeated = near_duplicates.find_copies(connection, {id: m for id, m in by_id.items() if m.suggestions is not None})
    suggestions.save_copies(connection, repeated)
    entries = [(ids[i], m.related) for i, m in enumerate(manuscripts) if m.related is not None]
    for id in related_links.replace(connection, entries, [id for id, _ in entries if id in fields], saving.site_url):
        fields[id].append("related")
    all_ids = [ids[i] for i in range(len(rows))]
    published = [ids[i] for i, row in enumerate(rows) if row["status"] == "published"]
    linked = related_links.link(connection, all_ids, published)
    log_changes.record(session, all_ids, before, fields, {*linked, *pointing}, corrected=batch.corrections is not None)
    return [
        Saved(ids[i], read_integer(rows[i]["version"]), "created" if e is None else "updated", repeated.get(ids[i]))
        for i, e in enumerate(batch.old)
    ]


def _insert(connection: Connection, batch: Batch, rows: Sequence[Row], now: int) -> dict[int, int]:
    fresh = batch.new_positions
    if not fresh:
        return {}
    chosen = slugs.choose_slugs(connection, [batch.manuscripts[i] for i in fresh], strict=batch.strict)
    for i, slug in zip(fresh, chosen, strict=True):
        rows[i].update(slug=slug, created_at=now)
    made = _insert_rows(connection, [rows[i] for i in fresh])
    slugs.claim_slugs(connection, zip(chosen, made, strict=True))
    return dict(zip(fresh, made, strict=True))


def _insert_rows(connection: Connection, rows: Sequence[Row]) -> Sequence[int]:
    """The ids of new rows, in their order. Of many they are looked up by what the articles are known by: to have them
    returned in order takes SQLAlchemy longer than all else that is done for a row."""
    if len(rows) == 1 or any(row["identity"] is None for row in rows):
        statement = insert(A).returning(A.c.id, sort_by_parameter_order=True)
        return connection.execute(statement, rows).scalars().all()
    for row in rows:
        for name in _INSTANTS:
            check_instant(row[name])
    insert_rows(connection, A, rows)
    ids: dict[tuple[object, object], int] = {}
    for origin in {row["origin"] for row in rows}:
        named = [row["identity"] for row in rows if row["origin"] == origin]
        for i in range(0, len(named), 500):
            known = select(A.c.identity, A.c.id).where(A.c.origin == origin, A.c.identity.in_(named[i : i + 500]))
            ids |= {(origin, row[0]): row[1] for row in connection.execute(known).all()}
    return [ids[row["origin"], row["identity"]] for row in rows]


def _update(connection: Connection, changed: Mapping[int, ExistingRow], rows: Sequence[Row]) -> None:
    if not changed:
        return
    names = next(iter(rows[i] for i in changed))
    statement = (
        update(A).where(A.c.id == bindparam("row_id")).values({name: bindparam(f"new_{name}") for name in names})
    )
    bound = [{"row_id": e.id, **{f"new_{name}": value for name, value in rows[i].items()}} for i, e in changed.items()]
    connection.execute(statement, bound)


def _move(connection: Connection, batch: Batch, rows: Sequence[Row]) -> None:
    """Gives a known article the slug that it shall have now; the old one keeps leading to it. One that got a number
    because its slug was taken keeps that, unless an editor names it."""
    changed, manuscripts = batch.existing_rows, batch.manuscripts
    new_slugs = {i: keys.slug(slug, "article") for i in changed if (slug := manuscripts[i].slug)}
    moved = {
        i: e for i, e in changed.items() if i in new_slugs and _is_elsewhere(new_slugs[i], e.slug, strict=batch.strict)
    }
    owners = slugs.find_owners(connection, [new_slugs[i] for i in moved])
    back = {i for i, e in moved.items() if owners.get(new_slugs[i]) == e.id}
    away = [i for i in moved if i not in back]
    chosen = slugs.choose_slugs(connection, [manuscripts[i] for i in away], strict=batch.strict)
    slugs.claim_slugs(connection, [(slug, moved[i].id) for i, slug in zip(away, chosen, strict=True)])
    for i, slug in (*zip(away, chosen, strict=True), *((i, new_slugs[i]) for i in back)):
        rows[i]["slug"] = slug
    for i, e in changed.items():
        rows[i].setdefault("slug", e.slug)


def _is_elsewhere(new_slug: str, slug: str, *, strict: bool) -> bool:
    return new_slug != slug if strict else not re.fullmatch(f"{re.escape(new_slug)}(-[0-9]+)?", slug)


def _save_addresses(connection: Connection, saved: Mapping[int, Manuscript], *, strict: bool) -> None:
    """Of slugs that lead elsewhere `strict` makes an error; without it they stay where they lead."""
    old_slugs = [(keys.slug(slug, "article"), id) for id, m in saved.items() for slug in m.previous_slugs]
    if old_slugs:
        owners = slugs.find_owners(connection, [slug for slug, _ in old_slugs]) if strict else {}
        for i, (slug, id) in enumerate(old_slugs):
            if owners.get(slug, id) != id:
                raise SlugTaken(slug, f"/previous_slugs/{i}")
        slugs.save_slugs(connection, old_slugs)
    urls = [(url, id) for id, m in saved.items() for url in (m.source_url, *m.previous_urls) if url]
    if urls:
        slugs.save_urls(connection, urls)


def _link(
    session: Session, saved: Sequence[tuple[int, Manuscript, Row]], known: Sequence[int]
) -> dict[tags.TagSpec, int]:
    """To tags and regions, and the tags' ids; the links bear the date of publication while the article is published."""
    connection = session.connection()
    named = tags.resolve(session, [one for _, m, _ in saved for one in m.tags])
    marked = [(id, m, _mark(row)) for id, m, row in saved]
    links.replace(connection, marked, named, regions.atlas(connection), known)
    return named


def _mark(row: Row) -> links.LinkState:
    at, public = row["published_at"], row["status"] == "published"
    return links.LinkState(at if public and isinstance(at, int) else None, public)
