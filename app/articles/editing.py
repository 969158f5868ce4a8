"""Changes one article: its version compared with its row locked, its states kept in their order, nothing written where
nothing changes. Plain functions, session first; never commits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select
from sqlmodel import Session

from app.articles.input.fields import make_invalid_input
from app.articles.manuscript import Manuscript
from app.articles.reading import replacements
from app.articles.store import revisions, saving, slugs, stored_article
from app.articles.store.related import related_links
from app.articles.store.related.related_merge import merge_entries
from app.articles.store.row_columns import ExistingRow, SaveContext
from app.articles.store.stored_article import StoredArticle
from app.db.sql import lock_vocabulary
from app.enrich.suggestion import DATELINE
from app.errors import ExternalIdTaken, InvalidTransition, PreconditionFailed
from app.http.params.times import format_time
from app.models import Article, table
from app.tags import service as tags

A = table(Article)
_LOCKED = select(A.c.id).where(A.c.id == bindparam("article")).with_for_update(key_share=True)

TRANSITIONS = {
    "draft": ("scheduled", "published", "trashed"),
    "scheduled": ("draft", "published", "trashed"),
    "published": ("draft", "withdrawn"),
    "withdrawn": ("published", "draft"),
    "trashed": ("draft",),
}
WAYS_OUT = {
    "withdrawn": "It is withdrawn already. PATCH its status to published or draft to bring it back; purge=true removes "
    "it for good.",
    "trashed": "It is in the bin. POST …/restore makes it a draft again; purge=true removes it for good.",
}
"""What a client can do with an article that cannot be deleted, or edited."""


@dataclass(frozen=True, slots=True)
class ArticleEdit:
    """Attributes of the manuscript with their new values (`authors` and `tags` apart); what readers are told of a
    mistake; why it is withdrawn. `restores`: it takes the article out of the bin, where nothing else edits it."""

    changes: Mapping[str, Any]
    correction: str | None = None
    reason: str | None = None
    restores: bool = False


def lock_article(session: Session, id: int) -> StoredArticle | None:
    """The article with its row locked until the commit; None where it has gone."""
    connection = session.connection()
    # In a statement of its own: what is read along with a lock that was waited for may be older than the lock.
    locked = connection.execute(_LOCKED, {"article": id}).first()
    return stored_article.load(connection, [id])[id] if locked else None


def make_precondition_failed(
    connection: Connection, current: StoredArticle, versions: Collection[int]
) -> PreconditionFailed:
    """What a writer with these versions, of which none is the current one, is told."""
    changed = revisions.changed_since(connection, current, versions)
    return PreconditionFailed(current.columns["version"], changed, named=versions)


def edit(session: Session, current: StoredArticle, edit: ArticleEdit, saving_: SaveContext) -> saving.Saved:
    """Makes the next version of an article that is locked, or leaves it alone where nothing changes. Raises as
    `prepare`."""
    batch = prepare(session, current, edit, saving_.now)
    existing = current.existing_row
    return (
        saving.save(session, batch, saving_)[0] if batch else saving.Saved(existing.id, existing.version, "unchanged")
    )


def prepare(session: Session, current: StoredArticle, edit: ArticleEdit, now: int) -> saving.Batch | None:
    """What is saved of an edit of an article that is locked; None where nothing changes. InvalidInput,
    InvalidTransition, SlugTaken or ExternalIdTaken where it cannot be."""
    connection, existing = session.connection(), current.existing_row
    [before] = stored_article.make_manuscripts(connection, [current])
    check_transition(existing, edit)
    after = revise(before, edit.changes)
    # What says the same in other words is the same: tags by other names, related posts by their shown titles.
    if after.tags != before.tags:
        lock_vocabulary(connection)
        specs = (*before.tags, *after.tags)
        ids = tags.find(session, specs)
        ids |= tags.create_missing(session, specs, ids)
        if [ids[one] for one in before.tags] == list(dict.fromkeys(ids[one] for one in after.tags)):
            after = replace(after, tags=before.tags)
    if after.related != before.related:
        related_links.lock_linking(connection)  # what is linked meanwhile is no edit
        stored = related_links.load_entries(connection, [existing.id]).get(existing.id, [])
        titles = related_links.load_titles(connection, [before.related or (), after.related or (), stored])
        now_kept, kept = (merge_entries(one.related or (), stored, titles, existing.id) for one in (before, after))
        after = replace(after, related=before.related if now_kept == kept else tuple(kept))
    check(before, after, edit, existing, now)
    _check_gone(before, after, edit, existing)
    if after.replaced_by is not None and after.replaced_by != before.replaced_by:
        obstacle = replacements.find_obstacle(connection, existing.id, after.replaced_by)
        if obstacle is not None:
            raise make_invalid_input(obstacle, "/replaced_by")
    also = _find_changed_links(before, after) + slugs.find_additions(connection, existing.id, after)
    reason = edit.reason if edit.reason is not None else existing.withdrawn_reason
    same = before == replace(after, previous_slugs=(), previous_urls=()) and reason == existing.withdrawn_reason
    if same and not also and not edit.correction:
        return None
    _check_identity(connection, before, after)
    dates = {name: getattr(after, name) for name in ("published_at", "published_precision")}
    old = replace(existing, **dates, withdrawn_reason=reason)
    written = replace(
        after,
        slug=after.slug if after.slug != before.slug else None,
        related=after.related if after.related != before.related else None,
    )
    return saving.Batch([written], [old], True, _corrections(current, edit, now), tuple(also), {existing.id: current})


def _corrections(current: StoredArticle, edit: ArticleEdit, now: int) -> str | None:
    if not edit.correction:
        return None
    one = {"at": format_time(now), "text": edit.correction, "version": current.columns["version"] + 1}
    return orjson.dumps([*orjson.loads(current.columns["corrections"]), one]).decode()


def revise(before: Manuscript, changes: Mapping[str, Any]) -> Manuscript:
    """With these attributes; `authors` and `tags` apart, and the regions in step with the dateline."""
    made = dict(changes)
    if "authors" in made or "tags" in made:
        people, terms = _split_authors(before)
        made["tags"] = (*made.pop("authors", people), *made.pop("tags", terms))
    if "dateline" in made or "regions" in made:
        made["regions"] = _merge_regions(before, made)
    return replace(before, **made)


def _merge_regions(before: Manuscript, made: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """The regions given, and that of the dateline in its role; a new dateline's in the place of the old one's."""
    rows = made.get("regions")
    if rows is None:
        rows = [(region, roles & ~DATELINE) for region, roles in before.regions if roles & ~DATELINE]
    dateline = made.get("dateline", before.dateline)
    named = any(roles & DATELINE for _, roles in rows)
    if dateline and dateline.region is not None and ("dateline" in made or not named):
        rows = [*rows, (dateline.region, DATELINE)]
    merged: dict[int, int] = {}
    for region, roles in rows:
        merged[region] = merged.get(region, 0) | roles
    return tuple(merged.items())


def _find_changed_links(before: Manuscript, after: Manuscript) -> list[str]:
    """Properties that are links, where they differ."""
    (old_people, old_terms), (people, terms) = _split_authors(before), _split_authors(after)
    changed = {
        "authors": people != old_people,
        "tags": terms != old_terms,
        "regions": after.regions != before.regions,
        "related": after.related != before.related,
    }
    return [name for name, differs in changed.items() if differs]


def _split_authors(manuscript: Manuscript) -> tuple[list[tags.TagSpec], list[tags.TagSpec]]:
    """Authors, and other tags."""
    people = [one for one in manuscript.tags if one.kind == "contributor"]
    return people, [one for one in manuscript.tags if one.kind != "contributor"]


def check(before: Manuscript, after: Manuscript, edit: ArticleEdit, existing: ExistingRow, now: int) -> None:
    """InvalidInput or InvalidTransition for what an article cannot become."""
    if not after.title and before.title:
        raise make_invalid_input("An article needs a title.", "/title")
    if after.translation_of == existing.id:
        raise make_invalid_input("An article is no translation of itself.", "/translation_of")
    _check_date(before, after, now)
    if edit.correction and not before.status == after.status == "published":
        raise make_invalid_input(
            "Only a published article that stays published is corrected for readers.", "/correction"
        )


def check_transition(existing: ExistingRow, edit: ArticleEdit) -> None:
    """InvalidTransition where the article cannot become what is wanted, or is in the bin, where it is only restored."""
    old, new = existing.status, str(edit.changes.get("status") or existing.status)
    allowed = TRANSITIONS[old]
    if edit.restores != (old == "trashed"):
        said = WAYS_OUT[old] if old == "trashed" else f"Only what is in the bin is restored; this article is {old}."
    elif new == old or new in allowed or (new == "withdrawn" and existing.public_once):
        return
    else:
        said = f"A {old} article can become {' or '.join(allowed)}, not {new}."
    raise make_invalid_transition(existing, said)


def make_invalid_transition(existing: ExistingRow, said: str) -> InvalidTransition:
    """What says that an article cannot leave its state in this way, and to which it can."""
    allowed = list(TRANSITIONS[existing.status])
    return InvalidTransition(said, members={"article_status": existing.status, "allowed": allowed})


def _check_gone(before: Manuscript, after: Manuscript, edit: ArticleEdit, existing: ExistingRow) -> None:
    """What readers get instead of an article is said of one that they have seen and that is not public."""
    gone, public_once = edit.changes.get("gone"), existing.public_once
    if gone and after.status == "published":
        raise make_invalid_input("A published article is not gone: send it with the status draft.", "/gone")
    if gone and not public_once:
        raise make_invalid_input(
            "Readers have never seen this article, so that they are not told that it is gone.", "/gone"
        )
    if gone is False and after.status == "withdrawn":
        raise make_invalid_input(
            "A withdrawn article is gone. With the status draft it can be not found instead.", "/gone"
        )
    replaced = edit.changes.get("replaced_by") is not None
    if replaced and not (public_once and (after.status == "withdrawn" or (after.gone and after.status != "published"))):
        said = "Only an article that readers have seen and that is gone can be replaced: withdraw it, or send gone too."
        raise make_invalid_input(said, "/replaced_by")


def _check_date(before: Manuscript, after: Manuscript, now: int) -> None:
    at, again = after.published_at, before.status == after.status
    if again and at == before.published_at:
        return
    if after.status == "published" and at is None and again:
        raise make_invalid_input("A published article needs a date of publication.", "/published_at")
    if after.status == "published" and at is not None and at > now:
        detail = "A published article cannot have a date in the future. Schedule it, or send null to publish it now."
        raise make_invalid_input(detail, "/published_at")
    if after.status == "scheduled" and (at is None or at <= now):
        raise make_invalid_input("A scheduled article needs a date in the future.", "/published_at")


def _check_identity(connection: Connection, before: Manuscript, after: Manuscript) -> None:
    identity = (after.origin, after.identity)
    if after.identity is None or identity == (before.origin, before.identity):
        return
    known = select(A.c.id).where(A.c.origin == after.origin, A.c.identity == after.identity)
    if connection.execute(known).first():
        raise ExternalIdTaken(after.external_id or after.identity)
