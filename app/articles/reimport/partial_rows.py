"""Rows of a table on articles that are known here: only the properties that the table has columns for change.

A row that an export of this archive gave is compared with the version that it was made of: a property counts as changed
only where it differs from that, and one that an editor has changed since stays, with a note. A withdrawn article stays
withdrawn, a binned one in the bin, what an editor took back to draft is not published, and nothing public is made a
draft, or takes over what a row says that is none. Services: session first, never commit.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, select
from sqlmodel import Session

from app.articles import editing
from app.articles.manuscript import EXTRA, ExportedRow, Manuscript
from app.articles.reimport.three_way_merge import (
    EDITED,
    HELD,
    LEFT_ALONE,
    PUBLISHING,
    PURGED,
    TAKEN_BACK,
    describe_states,
    find_opening,
    is_taken_back,
)
from app.articles.store import authorship, revisions, slugs, source_baselines, stored_article
from app.articles.store.row_columns import SaveContext
from app.articles.store.saving import Saved
from app.articles.store.stored_article import StoredArticle
from app.db.sql import read_clock
from app.enrich.suggestion import DATELINE
from app.models import Article, ArticleSlug, table
from app.tags.tag_names import TagSpec
from app.text import keys

A, SLUG = table(Article), table(ArticleSlug)

_PLAIN = ("title", "standfirst", "dateline", "body", "language", "signature", "slug", "status")

Values = Mapping[str, Any]


def find(connection: Connection, manuscript: Manuscript) -> int | None:
    """The id of the article of this archive that the row names."""
    known = manuscript.known
    if known is None:
        return None
    id = connection.execute(select(A.c.id).where(_is_named(known))).scalar()
    return None if id is None else int(id)


def is_hidden(connection: Connection, manuscript: Manuscript, *, lock: bool = False) -> bool:
    """Whether the row names an article that is not public, or was purged. `lock`: it stays so until the commit."""
    known = manuscript.known
    if known is None:
        return False
    state = select(A.c.status).where(_is_named(known))
    status = connection.execute(state.with_for_update(key_share=True) if lock else state).scalar()
    return status != "published" if status is not None else _is_purged(connection, known)


def _is_purged(connection: Connection, known: ExportedRow) -> bool:
    return bool(source_baselines.find_purged(connection, [source_baselines.row_identity(known.id, known.created_at)]))


def _report_missing(connection: Connection, known: ExportedRow | None) -> Saved | None:
    """What becomes of a row whose article is not here; None for one that never was."""
    return Saved(0, 0, "unchanged", notes=(PURGED,)) if known and _is_purged(connection, known) else None


def _is_named(known: ExportedRow) -> ColumnElement[bool]:
    named = select(SLUG.c.article_id).where(SLUG.c.slug == known.slug, SLUG.c.article_id == known.id)
    return and_(A.c.id == known.id, A.c.created_at == known.created_at, named.exists())


def merge(session: Session, manuscript: Manuscript, how: SaveContext, *, overwrite: bool = False) -> Saved | None:
    """What became of the row; None where it names no article that ever was in this archive. DatelineError where an
    editor could not save it either."""
    id = find(session.connection(), manuscript)
    current = editing.lock_article(session, id) if id is not None else None
    if id is None or current is None:
        return _report_missing(session.connection(), manuscript.known)
    changes, notes = find_differences(session.connection(), manuscript, current, how.now, overwrite=overwrite)
    is_kept = _keeps_state(manuscript, current, changes, how.now)
    if not changes:
        return Saved(id, current.existing_row.version, "unchanged", notes=notes, is_kept=is_kept)
    return replace(editing.edit(session, current, editing.ArticleEdit(changes), how), notes=notes, is_kept=is_kept)


def preview(connection: Connection, manuscript: Manuscript, *, overwrite: bool = False) -> Saved | None:
    """What would become of the row; None where it names no article that ever was in this archive."""
    id = find(connection, manuscript)
    current = stored_article.load(connection, [id]).get(id) if id is not None else None
    if current is None:
        return _report_missing(connection, manuscript.known)
    now = read_clock(connection)
    changes, notes = find_differences(connection, manuscript, current, now, overwrite=overwrite)
    is_kept = _keeps_state(manuscript, current, changes, now)
    return Saved(0, 0, "updated" if changes else "unchanged", notes=notes, is_kept=is_kept)


def _keeps_state(manuscript: Manuscript, current: StoredArticle, changes: Collection[str], now: int) -> bool:
    """Whether the article keeps a state of its own, so that the row makes no draft of it."""
    is_own = current.existing_row.status in LEFT_ALONE or _is_ahead(manuscript, current, now)
    return is_own and "status" not in changes


def find_differences(
    connection: Connection, manuscript: Manuscript, current: StoredArticle, now: int, *, overwrite: bool = False
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The attributes that the row changes, as `editing.ArticleEdit` has them, and notes on those that it does not.
    `overwrite`: those that were edited here meanwhile change too."""
    id, [before] = current.existing_row.id, stored_article.make_manuscripts(connection, [current])
    ours, theirs = _values(before, manuscript), _values(manuscript, manuscript)
    differing = [name for name in theirs if _key(name, theirs[name]) != _key(name, ours[name])]
    addresses = [
        name for name in slugs.find_additions(connection, id, manuscript) if name in _given_columns(manuscript)
    ]
    is_ahead = _is_ahead(manuscript, current, now)
    ahead = (describe_states(manuscript.status or "draft", current.existing_row.status),) if is_ahead else ()
    if not differing and not addresses:
        return {}, ahead
    if current.existing_row.status in LEFT_ALONE:
        return {}, (LEFT_ALONE[current.existing_row.status],)
    edited: list[str] = []
    base = None if overwrite else _base(connection, manuscript, current)
    if base is not None:
        then = _values(base, manuscript)
        differing = [name for name in differing if _key(name, theirs[name]) != _key(name, then[name])]
        edited = [name for name in differing if _key(name, ours[name]) != _key(name, then[name])]
    notes: tuple[str, ...] = ()
    if "status" in differing and "status" not in edited:
        is_draft = current.existing_row.status == "published" and theirs["status"] in ("draft", "scheduled", "trashed")
        if is_draft and not overwrite:
            differing.remove("status")
            notes = ahead
        elif theirs["status"] in PUBLISHING and is_taken_back(
            current, authorship.find_edited_fields(connection, [current])[id]
        ):
            differing.remove("status")
            notes = (TAKEN_BACK,)
    taken = [name for name in differing if name not in edited]
    if is_ahead and "status" not in taken and (taken or addresses):
        notes = (*ahead, HELD.format(", ".join((*taken, *addresses))))
        taken, addresses = [], []
    changes = _edits(before, manuscript, {name: theirs[name] for name in taken})
    changes |= {name: getattr(manuscript, name) for name in addresses}
    return changes, (*notes, EDITED.format(", ".join(edited))) if edited else notes


def _is_ahead(manuscript: Manuscript, current: StoredArticle, now: int) -> bool:
    """Whether the article is, or will be, public before what the row says of it is."""
    existing = current.existing_row
    if manuscript.status is None or existing.status not in PUBLISHING:
        return False
    at = existing.published_at if manuscript.published_at is None else manuscript.published_at
    opening = now if existing.status == "published" else find_opening(existing.status, existing.published_at)
    return max(opening, now) < find_opening(manuscript.status, at)


def _base(connection: Connection, manuscript: Manuscript, current: StoredArticle) -> Manuscript | None:
    """The article as it was exported, where it has changed since; None where that is not kept."""
    known = manuscript.known
    if known is None or known.id != current.existing_row.id or known.version >= current.existing_row.version:
        return None
    old = revisions.get(connection, known.id, known.version)
    return stored_article.make_manuscripts(connection, [old])[0] if old is not None else None


def _given_columns(manuscript: Manuscript) -> frozenset[str]:
    return frozenset(manuscript.columns)


def _values(manuscript: Manuscript, row: Manuscript) -> dict[str, Any]:
    """The properties that the row gives, as this manuscript has them."""
    columns = _given_columns(row)
    values: dict[str, Any] = {name: getattr(manuscript, name) for name in _PLAIN if name in columns}
    for name in ("title", "slug", "status"):  # which no article can be without
        if not getattr(row, name) or (name == "title" and row.title_derived):
            values.pop(name, None)
    if "published" in columns and row.published_at is not None:
        values["published_at"] = (manuscript.published_at, manuscript.published_precision)
    if "source" in columns:
        values["source"] = manuscript.source
    if "url" in columns or ("source" in columns and row.source_url):
        values["source_url"] = manuscript.source_url
    if "authors" in columns:
        values["authors"] = [one for one in manuscript.tags if one.kind == "contributor"]
    if columns & {"tags", "sections"}:
        values["tags"] = [one for one in manuscript.tags if _is_term(one, columns)]
    if "regions" in columns:
        values["regions"] = manuscript.regions
    if "related" in columns:
        values["related"] = manuscript.related
    if "images" in columns:
        values["images"] = manuscript.images
    if columns & {"seo", "canonical_url"}:
        seo = orjson.loads(manuscript.seo)
        values["seo"] = seo if "seo" in columns else {"canonical_url": seo.get("canonical_url")}
    extra = orjson.loads(manuscript.extra)
    if names := [name.removeprefix(EXTRA) for name in columns if name.startswith(EXTRA)]:
        values["extra"] = {name: extra.get(name) for name in names}
    return values


def _is_term(one: TagSpec, columns: frozenset[str]) -> bool:
    """Whether a tag is of those that the table has a column for."""
    return one.kind != "contributor" and ("sections" if one.kind == "section" else "tags") in columns


def _key(name: str, value: Any) -> object:
    """What counts of a property where two are compared."""
    if name in ("authors", "tags"):
        return [(one.kind, one.slug or keys.slug(one.name, one.kind)) for one in value]
    if name == "regions":
        merged: dict[int, int] = {}
        for region, roles in value:
            merged[region] = merged.get(region, 0) | roles
        # The region of a dateline follows from the dateline, or was found in it.
        return {region: roles & ~DATELINE for region, roles in merged.items() if roles & ~DATELINE}
    if name == "dateline":
        return (value.text, value.place, value.date, value.precision) if value is not None else None
    if name == "images":
        return [{key: part for key, part in one.items() if part is not None} for one in orjson.loads(value)]
    if name in ("seo", "extra"):
        return {key: part for key, part in value.items() if part is not None}
    if name == "source":
        return keys.slug(value, "source") if value else None
    return value or None if name in ("standfirst", "signature", "source_url") else value


def _edits(before: Manuscript, row: Manuscript, properties: Values) -> dict[str, Any]:
    """The attributes of a manuscript that an edit takes, out of these properties."""
    changes = dict(properties)
    if "published_at" in changes:
        changes["published_at"], changes["published_precision"] = changes["published_at"]
    if "title" in changes:
        changes["title_derived"] = row.title_derived
    if "body" in changes:
        changes["word_count"] = row.word_count
    if "tags" in changes:
        rest = [one for one in before.tags if one.kind != "contributor" and not _is_term(one, _given_columns(row))]
        # An article's section is its first tag.
        changes["tags"] = sorted([*rest, *changes["tags"]], key=lambda one: one.kind != "section")
    for name in ("seo", "extra"):
        if name in changes:
            merged = orjson.loads(getattr(before, name)) | changes[name]
            changes[name] = orjson.dumps({key: part for key, part in merged.items() if part is not None}).decode()
    return changes
