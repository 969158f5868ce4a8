"""Saves articles in sets, whatever door they came through: rows, slugs, addresses, links, related posts, kept versions
and the log, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sqlalchemy import Connection, Update, bindparam, insert, select, update
from sqlmodel import Session

from app.articles.manuscript import Manuscript
from app.articles.store import (
    links,
    log_changes,
    log_facts,
    revisions,
    row_columns,
    slugs,
    stored_article,
)
from app.articles.store.related import related_links, related_merge
from app.articles.store.row_columns import ExistingRow, Row, SaveContext
from app.articles.store.stored_article import StoredArticle
from app.articles.store.suggested import near_duplicates, suggestions
from app.articles.store.suggested.near_duplicates import NearDuplicate
from app.db.sql import AnyOf, lock_vocabulary, make_insert, read_integer, split_chunks
from app.models import Article, table
from app.models.column_types import InstantType, check_instant
from app.regions import service as regions
from app.tags import service as tags

A = table(Article)
# Composed once: to compose a statement takes SQLAlchemy several times as long as to execute it, and a write of one
# article has some twenty. So have all modules that a write goes through.
_INSERT = insert(A).returning(A.c.id)
_INSERT_SOME = insert(A).returning(A.c.id, sort_by_parameter_order=True)
_BY_IDENTITY = select(A.c.identity, A.c.id).where(
    A.c.origin == bindparam("of_origin"), AnyOf(A.c.identity, "identities")
)
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
    change and that no column tells of. `current`: the known articles, where they were read since their rows are locked.
    """

    manuscripts: Sequence[Manuscript]
    old: Sequence[ExistingRow | None]
    strict: bool = False
    corrections: str | None = None
    also: tuple[str, ...] = ()
    current: Mapping[int, StoredArticle] | None = None


def save(session: Session, batch: Batch, saving: SaveContext) -> list[Saved]:
    """Writes all of them; what is there already gets a new version, and its old one is kept. The caller has locked the
    rows of known articles before it read them. Each line below is a phase that runs its own SQL."""
    if not batch.manuscripts:
        return []
    connection, manuscripts, old = session.connection(), batch.manuscripts, batch.old
    known = [e.id for e in old if e is not None]
    # The version that is replaced, before anything of it is.
    current = batch.current or stored_article.load(connection, known)
    revisions.save_current(connection, current)
    sources = row_columns.sources(connection, {m.source for m in manuscripts if m.source})
    rows = _make_rows(batch, sources, saving)
    # From here to the commit one transaction at a time: of two that want one slug the second sees it taken, of two that
    # publish each other's targets the second links both. So whatever others may write is read below.
    related_links.lock_linking(connection)
    turned = [i for i, e in enumerate(old) if _is_public(e) != (rows[i]["status"] == "published")]
    pointing = related_links.find_sources(connection, [e.id for i in turned if (e := old[i])])
    before = log_facts.load(connection, [*known, *pointing])
    # A row holds its slug and a claim names its row: slugs are chosen, rows inserted, slugs claimed. What differs is
    # told by the old rows, before they are overwritten.
    chosen, free = slugs.choose_slugs(connection, manuscripts, old, strict=batch.strict)
    rows = [{**row, "slug": slug} for row, slug in zip(rows, chosen, strict=True)]
    ids = _insert(connection, old, rows)
    slugs.claim_slugs(connection, {chosen[i]: ids[i] for i in free})
    changed = {e.id: row for e, row in zip(old, rows, strict=True) if e}
    fields = {id: row_columns.changed_fields(current[id].columns, row, batch.also) for id, row in changed.items()}
    _update(connection, changed)
    by_id = dict(zip(ids, manuscripts, strict=True))
    slugs.save_previous_slugs(connection, by_id, strict=batch.strict)
    slugs.save_urls(connection, by_id)
    # Until the commit no tag is merged into another and no region gets other ancestors: links are made of both.
    lock_vocabulary(connection)
    specs = [one for m in manuscripts for one in m.tags]
    named = tags.find(session, specs)
    named |= tags.create_missing(session, specs, named)
    saved = list(zip(ids, manuscripts, rows, strict=True))
    links.replace(connection, saved, named, regions.atlas(connection), known)
    near_duplicates.save_keys(connection, by_id, {id: one.columns["body"] for id, one in current.items()})
    copies = near_duplicates.find_copies(connection, by_id)
    suggestions.save(connection, by_id, named, copies, known)
    # Entries find their targets last: by titles, slugs and addresses as this transaction leaves them.
    related = {id: m.related for id, m in by_id.items() if m.related is not None}
    stored = related_links.load_entries(connection, related.keys() & fields.keys())
    titles = related_links.load_titles(connection, [*related.values(), *stored.values()])
    moved = related_merge.find_changes(related, stored, titles)
    related_links.replace(connection, moved, stored, saving.site_url)
    fields |= {id: [*fields[id], "related"] for id in moved if id in fields}
    linked = related_links.link(connection, ids, [id for id, _, row in saved if row["status"] == "published"])
    log_changes.record(session, ids, before, fields, {*linked, *pointing}, [ids[i] for i in turned], batch.corrections)
    return [_report(e, id, row, copies.get(id)) for e, (id, _, row) in zip(old, saved, strict=True)]


def _is_public(existing: ExistingRow | None) -> bool:
    return existing is not None and existing.status == "published"


def _report(existing: ExistingRow | None, id: int, row: Row, copy: NearDuplicate | None) -> Saved:
    return Saved(id, read_integer(row["version"]), "created" if existing is None else "updated", copy)


def _make_rows(batch: Batch, sources: Mapping[str, int], saving: SaveContext) -> list[Row]:
    """The new rows of all, as far as no other article has a say in them: without slugs."""
    rows: list[Row] = []
    for manuscript, existing in zip(batch.manuscripts, batch.old, strict=True):
        row = row_columns.row(manuscript, existing, sources, saving)
        if existing is None:
            row["created_at"] = saving.now
        elif batch.corrections is not None:
            row["corrections"] = batch.corrections
        rows.append(row)
    return rows


def _insert(connection: Connection, old: Sequence[ExistingRow | None], rows: Sequence[Row]) -> list[int]:
    """Writes the rows of new articles; the ids of all, in their order. Those of many new ones are looked up by what the
    articles are known by: to have them returned in order takes SQLAlchemy longer than all else that is done for a row.
    """
    new = [row for row, existing in zip(rows, old, strict=True) if existing is None]
    made: list[int] = []
    if len(new) == 1 or any(row["identity"] is None for row in new):
        made += connection.execute(_INSERT if len(new) == 1 else _INSERT_SOME, new).scalars()
    elif new:
        for row in new:
            for name in _INSTANTS:
                check_instant(row[name])
        connection.exec_driver_sql(*make_insert(connection.dialect, A, new))
        ids: dict[tuple[object, object], int] = {}
        for origin in {row["origin"] for row in new}:
            for identities in split_chunks([row["identity"] for row in new if row["origin"] == origin]):
                rows_by_identity = connection.execute(_BY_IDENTITY, {"of_origin": origin, "identities": identities})
                ids |= {(origin, row[0]): row[1] for row in rows_by_identity}
        made += (ids[row["origin"], row["identity"]] for row in new)
    rest = iter(made)
    return [next(rest) if existing is None else existing.id for existing in old]


def _update(connection: Connection, rows: Mapping[int, Row]) -> None:
    if rows:
        names = tuple(next(iter(rows.values())))
        bound = [{"row_id": id, **{f"new_{name}": row[name] for name in names}} for id, row in rows.items()]
        connection.execute(_make_update(names), bound)


@lru_cache(maxsize=4)
def _make_update(names: tuple[str, ...]) -> Update:
    return update(A).where(A.c.id == bindparam("row_id")).values({name: bindparam(f"new_{name}") for name in names})
