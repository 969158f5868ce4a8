"""Merges of tags: what begins one and what ends it. The links of articles are moved in between, chunk by chunk.

While that goes on both tags are there, so that every read is true. Plain functions, session first; never commits.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlmodel import Session

from app.changes import jobs, log
from app.db.sql import lock_vocabulary
from app.errors import FieldError, InvalidInput, InvalidTransition
from app.models import ArticleTag, Tag, TagName, table
from app.tags import editing

TAG, NAME, TAGGED = table(Tag), table(TagName), table(ArticleTag)
KIND = "merge_tags"


@dataclass(frozen=True, slots=True)
class _Tag:
    id: int
    slug: str
    kind: str
    merged_into: int | None


def begin(session: Session, source_id: int, target_id: int) -> int | None:
    """The number of the job, also of one that is under way already; None where the merge was done before.

    InvalidInput for a tag into itself or across kinds, InvalidTransition while another merge is at one of them.
    """
    lock_vocabulary(session.connection(), alone=True)
    source, target = _get(session, source_id), _get(session, target_id)
    if target.merged_into is not None:
        target = _get(session, target.merged_into)
    if source.id == target.id:
        raise _wrong(f"{target.slug!r} cannot be merged into itself.")
    if source.merged_into is not None:
        if source.merged_into == target.id:
            return None
        raise InvalidTransition(f"{source.slug!r} is part of {_get(session, source.merged_into).slug!r} already.")
    if source.kind != target.kind:
        raise _wrong(f"{source.slug!r} is a {source.kind}, {target.slug!r} a {target.kind}: give them one kind first.")
    for task in jobs.list_unfinished(session, KIND):
        pair = (task.arguments["source"], task.arguments["target"])
        if pair == (source.id, target.id):
            return task.id
        if {source.id, target.id} & {*pair}:
            raise InvalidTransition(f"Another merge of one of these tags is under way: /v1/jobs/{task.id}.")
    linked = select(func.count()).select_from(TAGGED).where(TAGGED.c.tag_id == source.id)
    total: int = session.connection().execute(linked).scalar_one()
    arguments = {"source": source.id, "target": target.id, "result": f"/v1/tags/{target.slug}"}
    return jobs.add(session, KIND, arguments, total)


def _get(session: Session, id: int) -> _Tag:
    statement = select(TAG.c.id, TAG.c.slug, TAG.c.kind, TAG.c.merged_into).where(TAG.c.id == id)
    return _Tag(*session.connection().execute(statement).one())


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(FieldError("invalid_value", detail, pointer="/into"))


def complete(session: Session, source: int, target: int) -> None:
    """When no article has the old tag any more: it leads to the other from now on, and so does what was merged into it
    before. Its names become aliases; its slugs stay its own, so that a filter with one of them is known to be old."""
    connection = session.connection()
    connection.execute(
        update(TAG).where((TAG.c.id == source) | (TAG.c.merged_into == source)).values(merged_into=target)
    )
    # A tag that an editor has made stays in the list though nothing uses it; so does the one that takes it in.
    if connection.execute(select(TAG.c.listed).where(TAG.c.id == source)).scalar():
        connection.execute(update(TAG).where(TAG.c.id == target).values(listed=True))
    there = set(connection.execute(select(NAME.c.name_key).where(NAME.c.tag_id == target)).scalars())
    moved = select(NAME.c.language, NAME.c.name, NAME.c.name_key).where(NAME.c.tag_id == source).order_by(NAME.c.id)
    # Names that the other tag has already would stand there twice.
    new = {row.name_key: row for row in connection.execute(moved) if row.name_key not in there}
    connection.execute(delete(NAME).where(NAME.c.tag_id == source))
    if new:
        connection.execute(insert(NAME), [{**row._mapping, "tag_id": target, "alias": True} for row in new.values()])
    entry = log.LogEntry(
        "tag",
        target,
        "tag_renamed",
        public=editing.is_public(session, target),
        changed_fields=("aliases",),
        action="tag_merge",
        details={"merged": source},
    )
    log.record(session, entry)
