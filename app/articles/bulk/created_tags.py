"""Removes tags that an import made and that nothing uses after its undo. Plain functions, session first; never commit.

A tag stays that an editor has made, renamed, given other names or merged, and one that any article has which the undo
has not hidden.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, exists, func, select, update
from sqlmodel import Session

from app.articles.store import authorship
from app.changes import jobs, log
from app.db.sql import lock_vocabulary, read_integer
from app.models import Article, ArticleTag, ImportTag, Suggestion, Tag, TagName, TagSlug, table
from app.tags import editing, merges

A, TAGGED, MADE = table(Article), table(ArticleTag), table(ImportTag)
TAG, NAME, SLUG, SUGGESTED = table(Tag), table(TagName), table(TagSlug), table(Suggestion)


def remove_unused(session: Session, job: int, after: int) -> tuple[int, int | None]:
    """How many of the next tags of an import were removed, and the last that was looked at; None when there are no
    more."""
    connection = session.connection()
    # Nobody links a tag between the look at who uses it and its removal.
    lock_vocabulary(connection, alone=True)
    mine = select(MADE.c.tag_id).where(MADE.c.job_id == job, MADE.c.removed.is_(False), MADE.c.tag_id > after)
    ids = list(connection.execute(mine.order_by(MADE.c.tag_id).limit(jobs.CHUNK)).scalars())
    unused = _find_unused(session, ids)
    for id in unused:
        entry = log.LogEntry(
            "tag", id, "tag_renamed", public=editing.is_public(session, id), changed_fields=("removed",)
        )
        log.record(session, entry)
    _remove(connection, unused)
    return len(unused), ids[-1] if len(ids) == jobs.CHUNK else None


def _find_unused(session: Session, ids: Sequence[int]) -> list[int]:
    if not ids:
        return []
    merged = TAG.alias("merged")
    names = select(func.count()).select_from(NAME).where(NAME.c.tag_id == TAG.c.id).correlate(TAG).scalar_subquery()
    users = select(TAGGED.c.article_id).join(A, A.c.id == TAGGED.c.article_id).where(TAGGED.c.tag_id == TAG.c.id)
    statement = (
        select(TAG.c.id)
        .join(MADE, MADE.c.tag_id == TAG.c.id)
        .where(
            TAG.c.id.in_(ids),
            TAG.c.listed.is_(False),
            TAG.c.merged_into.is_(None),
            (TAG.c.name == MADE.c.name) & (TAG.c.slug == MADE.c.slug) & (TAG.c.kind == MADE.c.kind),
            # A tag that was given another name by an editor has more rows of names than the import made.
            names <= 1,
            ~exists(select(SLUG.c.slug).where(SLUG.c.tag_id == TAG.c.id).correlate(TAG)),
            ~exists(select(merged.c.id).where(merged.c.merged_into == TAG.c.id).correlate(TAG)),
            ~exists(users.where(A.c.saved_by.is_distinct_from(authorship.UNDO)).correlate(TAG)),
        )
    )
    merging_now = {
        read_integer(task.arguments[end])
        for task in jobs.list_unfinished(session, merges.KIND)
        for end in ("source", "target")
    }
    return [id for id in session.connection().execute(statement).scalars() if id not in merging_now]


def _remove(connection: Connection, ids: Sequence[int]) -> None:
    connection.execute(delete(SUGGESTED).where(SUGGESTED.c.kind == "tag", SUGGESTED.c.target_id.in_(ids)))
    connection.execute(delete(TAG).where(TAG.c.id.in_(ids)))
    connection.execute(update(MADE).where(MADE.c.tag_id.in_(ids)).values(removed=True))
