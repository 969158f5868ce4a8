"""Moves the links of many articles at once: when a tag is merged into another, when regions lie in others than before.

The chunks of such jobs. Each article gets a row in the log, since filters may match it now that did not before; its
version stays, because nobody has changed the article.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlmodel import Session

from app.articles.store import links, log_facts
from app.changes import log
from app.changes.jobs import CHUNK, Step, Task, Work
from app.db.sql import lock_vocabulary, read_integer
from app.models import Article, ArticleRegion, ArticleTag, table
from app.regions import service as regions
from app.tags import merges

A, TAGGED, PLACED = table(Article), table(ArticleTag), table(ArticleRegion)


def merge_tags(session: Session, task: Task) -> Step:
    """The next articles with the old tag. The chunk that takes the last of them lets nobody write links meanwhile, and
    makes the old tag lead to the other."""
    source, target = read_integer(task.arguments["source"]), read_integer(task.arguments["target"])
    connection = session.connection()
    ids = _find_tagged(connection, source)
    if len(ids) < CHUNK:
        lock_vocabulary(connection, alone=True)
        ids = _find_tagged(connection, source)
    _relink(session, task.id, ids, _TAGS, lambda: links.move(connection, ids, source, target))
    finished = len(ids) < CHUNK
    if finished:
        merges.complete(session, source, target)
    return Step(_advance_progress(task, len(ids)), finished)


def _find_tagged(connection: Connection, tag: int) -> list[int]:
    statement = select(TAGGED.c.article_id).where(TAGGED.c.tag_id == tag).order_by(TAGGED.c.article_id).limit(CHUNK)
    return list(connection.execute(statement).scalars())


def place_articles(session: Session, task: Task) -> Step:
    """The next articles with an own link to one of the regions whose ancestors have changed."""
    after = read_integer(task.progress.get("after", 0))
    moved = task.arguments["regions"]
    assert isinstance(moved, list)
    connection = session.connection()
    lock_vocabulary(connection)
    ids = list(
        connection.execute(
            select(PLACED.c.article_id)
            .distinct()
            .where(PLACED.c.region_id.in_(moved), PLACED.c.roles != 0, PLACED.c.article_id > after)
            .order_by(PLACED.c.article_id)
            .limit(CHUNK)
        ).scalars()
    )
    atlas = regions.atlas(connection)
    is_public = _relink(session, task.id, ids, _REGIONS, lambda: links.place(connection, ids, atlas))
    is_public = is_public or bool(task.progress.get("public"))
    progress = _advance_progress(task, len(ids)) | {"after": ids[-1] if ids else after, "public": is_public}
    finished = len(ids) < CHUNK
    if finished:
        _record_filled(session, task, public=is_public)
    return Step(progress, finished)


def _record_filled(session: Session, task: Task, *, public: bool) -> None:
    """A row for each region that other articles lie in now, by which caches learn that its lists are others. Not
    `public` where none of these articles is published: that somebody writes about a region is not to be seen. A job of
    an earlier version does not know which regions."""
    filled = task.arguments.get("filled", [])
    assert isinstance(filled, list)
    for region in filled:
        entry = log.LogEntry(
            "region",
            region,
            log.REGION_FILLED,
            public=public,
            changed_fields=("articles",),
            action="relink",
            details={"job": task.id},
        )
        log.record(session, entry)


WORKS: Mapping[str, Work] = {"merge_tags": merge_tags, "place_articles": place_articles}


def _advance_progress(task: Task, count: int) -> dict[str, object]:
    """Articles written meanwhile may make it more than there were at first."""
    done = read_integer(task.progress["done"]) + count
    return task.progress | {"done": done, "total": max(done, read_integer(task.progress["total"]))}


@dataclass(frozen=True, slots=True)
class _LinkChange:
    """How the log names a change of links."""

    event: str
    field: str
    relabels: bool


_TAGS, _REGIONS = _LinkChange("updated", "tags", True), _LinkChange(log.PLACED, "regions", False)


def _relink(session: Session, task: int, ids: Sequence[int], kind: _LinkChange, change: Callable[[], None]) -> bool:
    """Changes links of articles that nobody else changes meanwhile, and records those that are not what they were.
    Whether a published one is among these."""
    if not ids:
        return False
    connection = session.connection()
    held = select(A.c.id, A.c.version).where(A.c.id.in_(ids)).order_by(A.c.id).with_for_update(key_share=True)
    versions = {row.id: row.version for row in connection.execute(held)}
    before = log_facts.load(connection, ids)
    change()
    after = log_facts.load(connection, ids)
    changed = [id for id in versions if before[id] != after[id]]
    for id in changed:
        entry = log.LogEntry(
            "article",
            id,
            kind.event,
            public=after[id].status == "published",
            version=versions[id],
            version_before=versions[id],
            action="relink",
            details={"job": task},
            changed_fields=(kind.field,),
            before=log_facts.for_log(before[id]),
            after=log_facts.for_log(after[id]),
            relabels=kind.relabels,
        )
        log.record(session, entry)
    return any(after[id].status == "published" for id in changed)
